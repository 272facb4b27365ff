//! Which settings a kind of job has. One that is not among them is refused before anything is queued: passed over, it would give
//! another result than the one that was asked for. Must not know what the values mean.

use std::collections::BTreeMap;

use dropforge_shared::clean;
use dropforge_shared::fault::Fault;
use dropforge_shared::{query, reading, sql, suggest};

use super::jobs::{PREPARE, QUERY};
use crate::store::rows::INGEST;

/// Refuses a setting that the kind does not have. Other kinds look at theirs themselves.
pub(super) fn known(kind: &str, settings: &BTreeMap<String, String>) -> Result<(), Fault> {
    let names: &[&str] = match kind {
        INGEST => &reading::settings::ALL,
        PREPARE => &suggest::settings::ALL,
        QUERY => &query::settings::ALL,
        _ => return Ok(()),
    };
    let Some(name) = settings.keys().find(|name| !names.contains(&name.as_str())) else { return Ok(()) };
    let nearest = sql::nearest(name, names.iter().copied());
    let meant = nearest.first().map_or_else(String::new, |near| format!("'{near}' is the nearest. "));
    Err(Fault::usage(format!("a job of kind '{kind}' has no setting '{}'", clean::fit(name, 40)))
        .hint(format!("{meant}There are: {}.", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use dropforge_shared::fault::FaultCode;

    use super::*;

    fn ask(kind: &str, names: &[&str]) -> Result<(), Fault> {
        known(kind, &names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect())
    }

    #[test]
    fn a_setting_that_a_kind_does_not_have_is_refused_with_the_nearest() {
        for (kind, wrong, near) in [
            (QUERY, "forms", "'form' is the nearest"),
            (PREPARE, "step", "'steps' is the nearest"),
            (INGEST, "delimitter", "'delimiter' is the nearest"),
            // Another kind's.
            (INGEST, "sql", "There are: delimiter, encoding, header, sheet, types."),
        ] {
            let fault = ask(kind, &[wrong]).unwrap_err();
            assert_eq!(fault.code, FaultCode::Usage);
            assert!(fault.message.contains(&format!("'{wrong}'")), "{fault:?}");
            assert!(fault.hint.as_ref().unwrap().contains(near), "{fault:?}");
        }
    }

    #[test]
    fn what_a_kind_has_and_what_other_kinds_look_at_themselves_passes() {
        assert!(ask(QUERY, &["sql", "name", "project", "form", "rows"]).is_ok());
        assert!(ask(PREPARE, &["steps", "name"]).is_ok());
        assert!(ask(INGEST, &["delimiter", "encoding", "header", "sheet", "types"]).is_ok());
        assert!(ask("lines", &["anything"]).is_ok());
    }
}
