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
            Ok(config) => return config.check(text, path).map(|()| config),
            Err(e) => e,
        };
        let (mut lines, mut rest): (Vec<String>, String) = (Vec::new(), text.to_owned());
        let (mut messages, mut nearest, mut next) = (Vec::new(), Vec::new(), Some(first));
        // What is wrong is taken out and the rest is read again, so that all is told at once.
        while let Some(error) = next.take() {
            let at = error.span().map_or(0, |s| rest[..s.start.min(rest.len())].matches('\n').count());
            let message = error.message().to_owned();
            // What serde says of an unknown key names it.
            let key = key_at(&rest, at).filter(|_| !message.starts_with("unknown field"));
            let key = key.map_or_else(String::new, |key| format!("{key}: "));
            messages.push(format!("{}, line {}: {key}{message}", path.display(), at + 1));
            nearest.extend(nearest_word(&message));
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
                Ok(config) => messages.extend(config.check(text, path).err().map(|fault| fault.message)),
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

    fn check(&self, text: &str, path: &Path) -> Result<(), Fault> {
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
        let mut wrong: Vec<(&str, String)> = Vec::new();
        for (key, value) in seconds {
            if !(value > 0.0 && value <= MAX_TIME) {
                wrong.push((key, format!("{value} must be above 0 and at most {MAX_TIME}")));
            }
        }
        for (key, value) in counts.into_iter().filter(|(_, value)| *value == 0) {
            wrong.push((key, format!("{value} must be at least 1")));
        }
        if !is_level(&self.log.level) {
            let level = crate::clean::fit(&self.log.level, 40);
            wrong.push(("log.level", format!("\"{level}\" must be one of {}", LEVELS.join(", "))));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let told = |(key, what): &(&str, String)| {
            let line = line_of(text, key).map_or_else(String::new, |line| format!(", line {line}"));
            format!("{}{line}: {key} = {what}", path.display())
        };
        Err(Fault::usage(wrong.iter().map(told).collect::<Vec<_>>().join("\n")))
    }
}

/// Levels of the daemon's log.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
/// The most that a time may be, in its unit: a hundred days in seconds.
const MAX_TIME: f64 = 1e7;

/// A level, or several with what each is for (`info,dropforge_daemon::inbox=debug`). A bare word that is no level would be
/// taken for a target, and nothing else be logged.
fn is_level(text: &str) -> bool {
    let known = |level: &str| LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level.trim()));
    text.split(',').all(|part| known(part.rsplit_once('=').map_or(part, |(_, level)| level)))
}

/// The key that a line sets, with its table.
fn key_at(text: &str, at: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let (key, _) = lines.get(at)?.split_once('=')?;
    let table = lines.get(..at)?.iter().rev().find_map(|line| table(line));
    let key = key.trim();
    Some(table.map_or_else(|| key.to_owned(), |table| format!("{table}.{key}")))
}

/// The line that sets a key, counted from 1.
fn line_of(text: &str, key: &str) -> Option<usize> {
    (0..text.lines().count()).find(|at| key_at(text, *at).as_deref() == Some(key)).map(|at| at + 1)
}

/// The name of the table that a line begins.
fn table(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.split(']').next().map(str::trim)
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

/// From serde's "unknown field `x`, expected one of `a`, `b`" (or "unknown variant"): the expected one that is closest to
/// `x`. A key that stands outside of its table is known by its name alone.
fn nearest_word(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let is_key = message.starts_with("unknown field");
    let wrong = quoted.next().filter(|_| is_key || message.starts_with("unknown variant"))?;
    let near = quoted
        .map(|key| (strsim::damerau_levenshtein(wrong, key), key))
        .min()
        .filter(|(distance, key)| *distance <= key.len().max(wrong.len()) / 2)
        .map(|(_, key)| key.to_owned());
    near.or_else(|| {
        let starter = Config::starter();
        let tables = is_key.then(|| starter.lines().filter_map(table));
        tables?
            .find(|table| line_of(&uncommented(&starter), &format!("{table}.{wrong}")).is_some())
            .map(|table| format!("{wrong}' below '[{table}]"))
    })
}

/// The file that is written at the first start has its keys as comments.
fn uncommented(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_start_matches("# ").trim_start_matches('#'))
        .collect::<Vec<_>>()
        .join("\n")
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
    fn a_word_that_is_no_level_and_a_key_outside_of_its_table_are_told() {
        let wrong = |text: &str| Config::parse(text, Path::new("c.toml")).unwrap_err();
        let fault = wrong("[log]\n# how much\nlevel = \"loud\"\n");
        assert!(fault.message.contains("line 3: log.level = \"loud\" must be one of error"), "{fault}");
        for good in ["warn", "INFO", "info,dropforge_daemon=debug"] {
            assert!(Config::parse(&format!("[log]\nlevel = \"{good}\"\n"), Path::new("c")).is_ok(), "{good}");
        }
        let fault = wrong("settle_seconds = 1.0\n");
        assert_eq!(fault.hint.as_deref(), Some("Did you mean 'settle_seconds' below '[inbox]'?"));
        let fault = wrong("[inbox]\nafter_intake = \"mvoe\"\n");
        assert!(fault.message.contains("line 2: inbox.after_intake: unknown variant"), "{fault}");
        assert_eq!(fault.hint.as_deref(), Some("Did you mean 'move'?"));
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
        for part in [
            "queue.attempts: ",
            "queue.job_memory: ",
            "line 3: inbox.poll_seconds = 0",
            "line 10: reader.children",
        ] {
            assert!(fault.message.contains(part), "{part}: {}", fault.message);
        }
        // A file that is no TOML ends the search, it does not hang it.
        assert!(Config::parse("[inbox\nx = = 1\n\"\"\"\n", Path::new("c.toml")).is_err());
    }
}
