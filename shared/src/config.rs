//! The configuration: a TOML file in which every key has a default. `assets/config.toml` shows them all; a test keeps it
//! and these structures the same.

mod parse;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

use crate::fault::Fault;
use crate::file::OnDuplicate;

/// The commented file with every key and its default.
pub const TEMPLATE: &str = include_str!("../../assets/config.toml");

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The drop folder.
    pub inbox: Inbox,
    /// Jobs and their children.
    pub queue: Queue,
    /// Interactive reads.
    pub reader: Reader,
    /// Logs.
    pub log: Log,
    /// The workbench.
    pub screen: Screen,
}

/// The drop folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inbox {
    /// Where to drop; empty for the usual place.
    pub path: PathBuf,
    /// Where taken files go; empty for the usual place.
    pub processed: PathBuf,
    /// Seconds for which size and mtime must hold still.
    pub settle_seconds: f64,
    /// Seconds between full scans, which find what events missed.
    pub rescan_seconds: f64,
    /// Seconds between scans where the folder can't be watched.
    pub poll_seconds: f64,
    /// `move` taken files to `processed`, or `leave` them.
    pub after_intake: AfterIntake,
    /// Content that is there already: `use` it, or `reprocess`.
    pub on_duplicate: OnDuplicate,
    /// A file with several hard links: `take` or `refuse`.
    pub hard_links: HardLinks,
    /// Larger files are refused before a byte is copied.
    pub max_file_bytes: ByteSize,
    /// Larger files that are added by path stay where they are, guarded by size, mtime and hash; 0 copies all.
    pub reference_above_bytes: ByteSize,
    /// Names that are not taken: a leading or closing `*` stands for anything. Hidden names never are.
    pub ignore: Vec<String>,
}

/// What happens to a file in the drop folder once it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterIntake {
    /// It is moved to the processed folder.
    Move,
    /// It stays.
    Leave,
}

/// What happens to a file with several hard links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HardLinks {
    /// It is copied like any other.
    Take,
    /// It is left alone, with a notice.
    Refuse,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            processed: PathBuf::new(),
            settle_seconds: 2.0,
            rescan_seconds: 60.0,
            poll_seconds: 2.0,
            after_intake: AfterIntake::Move,
            on_duplicate: OnDuplicate::Use,
            hard_links: HardLinks::Take,
            max_file_bytes: ByteSize(64 << 30),
            reference_above_bytes: ByteSize(0),
            ignore: [
                "*.part",
                "*.partial",
                "*.crdownload",
                "*.download",
                "*.filepart",
                "*.tmp",
                "*.swp",
                "*~",
                "~$*",
            ]
            .map(String::from)
            .to_vec(),
        }
    }
}

/// Jobs and their children.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// Jobs that take files in, at once.
    pub ingest_jobs: u32,
    /// Long computations at once.
    pub compute_jobs: u32,
    /// Jobs of one user at once; 0 for no limit.
    pub jobs_per_user: u32,
    /// Memory one attempt may take; 0 for what its kind asks for.
    pub job_memory: ByteSize,
    /// CPU seconds one attempt may take; 0 for no limit.
    pub job_cpu_seconds: u64,
    /// Attempts before a job is given up.
    pub attempts: u32,
    /// The pause before the first retry, in seconds; it doubles with each.
    pub retry_seconds: f64,
    /// The longest pause before a retry, in seconds.
    pub retry_max_seconds: f64,
    /// Minutes of waiting that lift a job by one step of priority.
    pub aging_minutes: f64,
    /// The most a job's log may keep; older lines go first.
    pub job_log_bytes: ByteSize,
    /// Days for which the data of an earlier reading stay after the file was read otherwise.
    pub earlier_readings_days: u32,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            ingest_jobs: 2,
            compute_jobs: 1,
            jobs_per_user: 0,
            job_memory: ByteSize(0),
            job_cpu_seconds: 0,
            attempts: 3,
            retry_seconds: 5.0,
            retry_max_seconds: 300.0,
            aging_minutes: 10.0,
            job_log_bytes: ByteSize(32 << 20),
            earlier_readings_days: 30,
        }
    }
}

/// Interactive reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reader {
    /// Warm children at most.
    pub children: u32,
    /// Seconds without work after which they end.
    pub idle_seconds: f64,
    /// Memory one may take.
    pub memory: ByteSize,
    /// Seconds one answer may take.
    pub timeout_seconds: f64,
    /// Memory one query may take.
    pub query_memory: ByteSize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            children: 2,
            idle_seconds: 60.0,
            memory: ByteSize(2 << 30),
            timeout_seconds: 30.0,
            query_memory: ByteSize(2 << 30),
        }
    }
}

/// The daemon's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter of the tracing library.
    pub level: String,
    /// Days for which log files are kept.
    pub keep_days: u32,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), keep_days: 14 }
    }
}

/// The workbench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Screen {
    /// Whether the mouse is used; then the terminal's own selection needs Shift.
    pub mouse: bool,
    /// Whether colours are used. `NO_COLOR` in the environment turns them off too.
    pub colour: bool,
    /// What the colours have to be readable on.
    pub background: Background,
}

/// The terminal's background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Background {
    /// As `COLORFGBG` in the environment says; dark where it says nothing.
    Auto,
    /// It is dark.
    Dark,
    /// It is light.
    Light,
}

impl Default for Screen {
    fn default() -> Self {
        Self { mouse: false, colour: true, background: Background::Auto }
    }
}

/// A number of bytes, written as a number or as `"64 GiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(
    /// Bytes.
    pub u64,
);

impl std::fmt::Display for ByteSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
        let mut value = self.0 as f64;
        let mut unit = 0;
        while value >= 1024.0 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        if unit == 0 { write!(f, "{} B", self.0) } else { write!(f, "{value:.1} {}", UNITS[unit]) }
    }
}

impl std::str::FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(format!("'{text}' is not a size; write for example \"64 GiB\"")),
        };
        let bad = |_| format!("'{text}' is not a size; write for example \"64 GiB\"");
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Self).ok_or_else(|| format!("'{text}' is too large"));
        }
        let number: f64 = number.parse().map_err(bad)?;
        Ok(Self((number * factor as f64) as u64))
    }
}

impl Serialize for ByteSize {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(u64),
            Text(String),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Number(n) => Ok(Self(n)),
            Raw::Text(t) => t.parse().map_err(serde::de::Error::custom),
        }
    }
}

impl Config {
    /// Reads the file; a missing one means all defaults.
    pub fn load(path: &Path) -> Result<Self, Fault> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(Fault::failed(format!("can't read the configuration {}: {e}", path.display()))),
        }
    }

    /// The file written at first start: every key there, each commented out, so that better defaults of a later version apply.
    pub fn starter() -> String {
        TEMPLATE
            .lines()
            .map(|l| if l.is_empty() || l.starts_with(['#', '[']) { l.to_owned() } else { format!("#{l}") })
            .collect::<Vec<_>>()
            .join("\n")
            + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_shows_every_key_with_its_default() {
        let shown = Config::parse(TEMPLATE, Path::new("config.toml")).unwrap();
        assert_eq!(shown, Config::default());
        let keys = toml::Value::try_from(Config::default()).unwrap();
        for (table, inner) in keys.as_table().unwrap() {
            assert!(TEMPLATE.contains(&format!("[{table}]")), "{table}");
            for key in inner.as_table().unwrap().keys() {
                assert!(TEMPLATE.lines().any(|l| l.starts_with(&format!("{key} = "))), "{table}.{key}");
            }
        }
        assert_eq!(Config::parse(&Config::starter(), Path::new("c")).unwrap(), Config::default());
    }

    #[test]
    fn sizes_are_numbers_or_words() {
        assert_eq!("64 GiB".parse(), Ok(ByteSize(64 << 30)));
        assert_eq!("1.5k".parse(), Ok(ByteSize(1536)));
        assert_eq!("2MB".parse(), Ok(ByteSize(2_000_000)));
        assert!("12 parsec".parse::<ByteSize>().is_err());
        let c = Config::parse("[queue]\njob_memory = \"1 GiB\"\n", Path::new("c")).unwrap();
        assert_eq!(c.queue.job_memory, ByteSize(1 << 30));
    }
}
