//! Reads the configuration's text and tells everything that is wrong with it at once, each with file, line and key.
//!
//! Must not know: what any key is for.

use std::path::Path;

use super::Config;
use crate::fault::Fault;

/// The most mistakes that are told at once.
const MAX_TOLD: usize = 20;

impl Config {
    /// Parses a file's text. The error names file, line and key of everything that is wrong, and the nearest valid keys.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Fault> {
        let first = match toml::from_str::<Self>(text) {
            Ok(config) => return config.check(path).map(|()| config),
            Err(e) => e,
        };
        let (mut lines, mut rest): (Vec<String>, String) = (Vec::new(), text.to_owned());
        let (mut messages, mut nearest, mut next) = (Vec::new(), Vec::new(), Some(first));
        // What is wrong is taken out and the rest is read again, so that all is told at once.
        while let Some(error) = next.take() {
            let at = error.span().map_or(0, |s| rest[..s.start.min(rest.len())].matches('\n').count());
            let message = error.message().to_owned();
            messages.push(format!("{}, line {}: {message}", path.display(), at + 1));
            nearest.extend(nearest_key(&message));
            if messages.len() == MAX_TOLD {
                break;
            }
            lines.clear();
            lines.extend(rest.split('\n').map(str::to_owned));
            if !take_out(&mut lines, at) {
                break;
            }
            rest = lines.join("\n");
            match toml::from_str::<Self>(&rest) {
                Ok(config) => messages.extend(config.check(path).err().map(|fault| fault.message)),
                Err(e) => next = Some(e),
            }
        }
        let quoted: Vec<String> = nearest.iter().map(|key| format!("'{key}'")).collect();
        Err(Fault::usage(messages.join("\n")).hint(if quoted.is_empty() {
            "assets/config.toml in the source, and the file written at first start, show every key."
                .to_owned()
        } else {
            format!("Did you mean {}?", quoted.join(", "))
        }))
    }

    fn check(&self, path: &Path) -> Result<(), Fault> {
        let seconds = [
            ("inbox.settle_seconds", self.inbox.settle_seconds),
            ("inbox.rescan_seconds", self.inbox.rescan_seconds),
            ("inbox.poll_seconds", self.inbox.poll_seconds),
            ("queue.retry_seconds", self.queue.retry_seconds),
            ("queue.retry_max_seconds", self.queue.retry_max_seconds),
            ("queue.aging_minutes", self.queue.aging_minutes),
            ("reader.idle_seconds", self.reader.idle_seconds),
            ("reader.timeout_seconds", self.reader.timeout_seconds),
        ];
        let counts = [
            ("queue.ingest_jobs", self.queue.ingest_jobs),
            ("queue.compute_jobs", self.queue.compute_jobs),
            ("queue.attempts", self.queue.attempts),
            ("reader.children", self.reader.children),
        ];
        let slow = seconds.iter().filter(|(_, value)| !(*value > 0.0 && *value <= 1e7));
        let none = counts.iter().filter(|(_, value)| *value == 0);
        let wrong: Vec<String> = slow
            .map(|(key, value)| format!("{}: {key} = {value} must be above 0", path.display()))
            .chain(none.map(|(key, _)| format!("{}: {key} must be at least 1", path.display())))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Fault::usage(wrong.join("\n"))) }
    }
}

/// Makes a line a comment; a table's heading goes with all that stands below it. `false` where that was done already: then
/// what is wrong is not in this line alone.
fn take_out(lines: &mut [String], at: usize) -> bool {
    let Some(line) = lines.get(at).filter(|line| !line.trim_start().starts_with('#')) else { return false };
    let end = if line.trim_start().starts_with('[') {
        let below = lines[at + 1..].iter().position(|l| l.trim_start().starts_with('['));
        below.map_or(lines.len(), |n| at + 1 + n)
    } else {
        at + 1
    };
    lines[at..end].iter_mut().for_each(|line| line.insert(0, '#'));
    true
}

/// From serde's "unknown field `x`, expected one of `a`, `b`": the expected one that is closest to `x`.
fn nearest_key(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next().filter(|_| message.starts_with("unknown field"))?;
    quoted
        .map(|key| (strsim::damerau_levenshtein(wrong, key), key))
        .min()
        .filter(|(distance, key)| *distance <= key.len().max(wrong.len()) / 2)
        .map(|(_, key)| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_named_with_its_line_and_the_nearest_valid_one() {
        let text = "# mine\n[inbox]\nsettle_secnods = 3.0\n";
        let fault = Config::parse(text, Path::new("/etc/df.toml")).unwrap_err();
        assert!(fault.message.contains("/etc/df.toml, line 3"), "{}", fault.message);
        assert!(fault.message.contains("settle_secnods"), "{}", fault.message);
        assert_eq!(fault.hint.as_deref(), Some("Did you mean 'settle_seconds'?"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = "[inbox]\nsettle_secnods = 3.0\npoll_seconds = 0.0\n[queeu]\nattempts = 1\n[queue]\nattempts = \"two\"\n\
                    job_memory = \"12 parsec\"\n[reader]\nchildren = 0\n";
        let fault = Config::parse(text, Path::new("c.toml")).unwrap_err();
        for told in [
            "line 2",
            "settle_secnods",
            "line 4",
            "queeu",
            "line 7",
            "line 8",
            "parsec",
            "poll_seconds",
            "children",
        ] {
            assert!(fault.message.contains(told), "{told}: {}", fault.message);
        }
        assert_eq!(fault.message.lines().count(), 6, "{}", fault.message);
        assert_eq!(fault.hint.as_deref(), Some("Did you mean 'settle_seconds', 'queue'?"));
        // A file that is no TOML ends the search, it does not hang it.
        assert!(Config::parse("[inbox\nx = = 1\n\"\"\"\n", Path::new("c.toml")).is_err());
    }
}
