//! What the daemon knows of a kind of job. Must not know what a kind does: that is between the worker and its engines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::{clean, sql};

/// What the scheduler must know of a kind of job. The worker's table holds one for each kind; the binary hands them to
/// the daemon, which so never needs to know the engines.
#[derive(Debug, Clone, Copy)]
pub struct KindSpec {
    /// The name, as in `jobs --json`.
    pub name: &'static str,
    /// Jobs of a class share a limit on how many run at once.
    pub class: JobClass,
    /// What one attempt may take of memory, in bytes, where the configuration says nothing else.
    pub memory_bytes: u64,
    /// Stages that a run can begin from, given what an earlier job of the kind left: `rerun JOB --from STAGE`.
    pub stages: &'static [&'static str],
    /// The names of its settings; none where it looks at them itself.
    pub settings: &'static [&'static str],
    /// What is wrong with the values of settings, as far as that can be told without data.
    pub check: fn(&BTreeMap<String, String>) -> Result<(), Fault>,
}

impl KindSpec {
    /// A kind without stages to begin from, which takes any settings.
    pub const fn new(name: &'static str, class: JobClass, memory_bytes: u64) -> Self {
        Self { name, class, memory_bytes, stages: &[], settings: &[], check: |_| Ok(()) }
    }

    /// Refuses what a job of this kind can't follow, to be asked before one is queued: a setting that was passed over would
    /// give another result than the one that was asked for, and a wrong value a job that can only fail.
    ///
    /// # Errors
    /// A fault of usage that names the setting and what it may be.
    pub fn refuse(&self, settings: &BTreeMap<String, String>) -> Result<(), Fault> {
        let unknown = |name: &&String| !self.settings.contains(&name.as_str());
        let Some(name) = settings.keys().find(unknown).filter(|_| !self.settings.is_empty()) else {
            return (self.check)(settings);
        };
        let nearest = sql::nearest(name, self.settings.iter().copied());
        let meant = nearest.first().map_or_else(String::new, |near| format!("'{near}' is the nearest. "));
        Err(Fault::usage(format!("a job of kind '{}' has no setting '{}'", self.name, clean::fit(name, 40)))
            .hint(format!("{meant}There are: {}.", self.settings.join(", "))))
    }
}

/// Jobs of a class share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobClass {
    /// Taking files in: reads the user's bytes.
    Ingest,
    /// Long computations.
    Compute,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultCode;

    const COUNT: KindSpec = KindSpec {
        settings: &["delimiter", "header"],
        check: |given| match given.get("header") {
            Some(header) if header != "true" => Err(Fault::usage("the header is odd")),
            _ => Ok(()),
        },
        ..KindSpec::new("count", JobClass::Ingest, 1)
    };

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_setting_that_a_kind_does_not_have_is_refused_with_the_nearest() {
        let fault = COUNT.refuse(&given(&[("delimitter", ","), ("header", "true")])).unwrap_err();
        assert_eq!(fault.code, FaultCode::Usage);
        assert_eq!(fault.message, "a job of kind 'count' has no setting 'delimitter'");
        assert_eq!(fault.hint.unwrap(), "'delimiter' is the nearest. There are: delimiter, header.");
    }

    #[test]
    fn a_value_that_the_kind_can_t_follow_is_refused_and_the_others_pass() {
        let fault = COUNT.refuse(&given(&[("header", "maybe")])).unwrap_err();
        assert_eq!(fault.message, "the header is odd");
        assert!(COUNT.refuse(&given(&[("header", "true"), ("delimiter", ";")])).is_ok());
        let any = KindSpec::new("any", JobClass::Compute, 1);
        assert!(any.refuse(&given(&[("anything", "goes")])).is_ok());
    }
}
