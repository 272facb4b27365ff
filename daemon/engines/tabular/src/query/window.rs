//! What a window with an order is, and the name that says so. Must not know how it is run.

use super::fold::Frame;

/// What a window gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// 1, 2, 3, …
    RowNumber,
    /// Rows before those that tie, and one.
    Rank,
    /// Different keys up to here.
    DenseRank,
    /// The value so many rows before.
    Lag(usize),
    /// The value so many rows after.
    Lead(usize),
    /// The value of the first row of the frame.
    First,
    /// The value of the last row of the frame.
    Last,
    /// Rows of the frame.
    CountAll,
    /// Values of the frame.
    Count,
    /// Their sum.
    Sum,
    /// Their sum, 0 where there are none.
    Total,
    /// Their mean.
    Avg,
    /// The least of them.
    Min,
    /// The greatest of them.
    Max,
}

/// The direction of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) descending: bool,
    pub(super) missing_last: bool,
}

/// A window: what a function's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) what: What,
    pub(super) frame: Frame,
    /// Expressions that it is parted by. They come after the value, where there is one, and before the keys.
    pub(super) parts: usize,
    pub(super) keys: Vec<Key>,
    /// The number of what was written, for errors.
    pub(super) written: u64,
}

const WORDS: &[(&str, What)] = &[
    ("rownumber", What::RowNumber),
    ("rank", What::Rank),
    ("denserank", What::DenseRank),
    ("first", What::First),
    ("last", What::Last),
    ("countall", What::CountAll),
    ("count", What::Count),
    ("sum", What::Sum),
    ("total", What::Total),
    ("avg", What::Avg),
    ("min", What::Min),
    ("max", What::Max),
];

impl Window {
    /// The name of the function that gives it, after the prefix of all.
    pub(super) fn name(&self) -> String {
        let what = match self.what {
            What::Lag(n) => format!("lag{n}"),
            What::Lead(n) => format!("lead{n}"),
            what => WORDS.iter().find(|(_, w)| *w == what).map_or("", |(word, _)| word).to_owned(),
        };
        let frame = match self.frame {
            Frame::Peers => "peers".to_owned(),
            Frame::Rows(None) => "rows".to_owned(),
            Frame::Rows(Some(n)) => format!("rows{n}"),
        };
        let key =
            |key: &Key| [if key.descending { 'd' } else { 'a' }, if key.missing_last { 'l' } else { 'f' }];
        let keys: String = self.keys.iter().flat_map(key).collect();
        format!("window_{what}_{frame}_{}_{keys}_{:x}", self.parts, self.written)
    }

    /// The window of a name, without the prefix of all windows.
    pub(super) fn of(name: &str) -> Option<Self> {
        let [what, frame, parts, keys, written] = name.split('_').collect::<Vec<_>>().try_into().ok()?;
        let what = match (what.strip_prefix("lag"), what.strip_prefix("lead")) {
            (Some(n), _) => What::Lag(n.parse().ok()?),
            (_, Some(n)) => What::Lead(n.parse().ok()?),
            _ => WORDS.iter().find(|(word, _)| *word == what)?.1,
        };
        let frame = match frame.strip_prefix("rows") {
            None => Frame::Peers,
            Some("") => Frame::Rows(None),
            Some(n) => Frame::Rows(Some(n.parse().ok()?)),
        };
        let key = |pair: &[u8]| Key {
            descending: pair == b"df" || pair == b"dl",
            missing_last: pair.ends_with(b"l"),
        };
        let keys = keys.as_bytes().chunks(2).map(key).collect();
        Some(Self {
            what,
            frame,
            parts: parts.parse().ok()?,
            keys,
            written: u64::from_str_radix(written, 16).ok()?,
        })
    }

    /// Whether it takes a value, before what it is parted and sorted by.
    pub(super) fn has_value(&self) -> bool {
        !matches!(self.what, What::RowNumber | What::Rank | What::DenseRank | What::CountAll)
    }
}
