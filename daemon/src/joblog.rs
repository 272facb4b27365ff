//! A job's log: JSON Lines in segments named by the logical offset of their first byte, so that a reader's offset stays
//! good when old segments are dropped. Bounded in bytes; a line is cut, never the log.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use dropforge_shared::job::LogEntry;

/// A line's text is cut to this many bytes.
pub const MAX_TEXT: usize = 8 * 1024;
/// Segments that the bound on a job's log is divided into.
const SEGMENTS: u64 = 8;
/// No line of ours is longer than this: the text escaped at worst six to one, and the fields.
const MAX_LINE: u64 = 6 * MAX_TEXT as u64 + 1024;

/// The segments of a log by first offset, with their sizes.
fn segments(dir: &Path) -> io::Result<BTreeMap<u64, (PathBuf, u64)>> {
    let mut found = BTreeMap::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let path = entry?.path();
        let start = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".jsonl"));
        if let Some(start) = start.and_then(|s| s.parse().ok()) {
            // A rotation may drop a segment at any time: then it is not there.
            if let Ok(meta) = fs::metadata(&path) {
                found.insert(start, (path, meta.len()));
            }
        }
    }
    Ok(found)
}

/// Writes a job's log.
#[derive(Debug)]
pub struct Writer {
    dir: PathBuf,
    file: BufWriter<File>,
    start: u64,
    written: u64,
    segment_bytes: u64,
}

impl Writer {
    /// Opens the log to append; makes it where it is missing. `bound` is the most it keeps, in bytes.
    pub fn open(dir: &Path, bound: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let last = segments(dir)?.into_iter().next_back().map(|(start, (_, bytes))| (start, bytes));
        let (start, written) = last.unwrap_or((0, 0));
        let mut this = Self {
            dir: dir.to_owned(),
            file: BufWriter::with_capacity(64 * 1024, open_segment(dir, start)?),
            start,
            written,
            segment_bytes: (bound / SEGMENTS).max(64 * 1024),
        };
        this.mend()?;
        Ok(this)
    }

    /// A kill in the middle of a line leaves half of it: end it, so that the next one stands alone.
    fn mend(&mut self) -> io::Result<()> {
        if self.written == 0 {
            return Ok(());
        }
        let mut last = [0u8; 1];
        let mut file = File::open(segment_path(&self.dir, self.start))?;
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            self.file.write_all(b"\n")?;
            self.written += 1;
        }
        Ok(())
    }

    /// Appends a line. It is on disk for readers after [`Self::flush`].
    pub fn append(&mut self, entry: &LogEntry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        if self.written > 0 && self.written + line.len() as u64 > self.segment_bytes {
            self.rotate()?;
        }
        self.file.write_all(&line)?;
        self.written += line.len() as u64;
        Ok(())
    }

    /// Hands what was appended to readers.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.start += self.written;
        self.written = 0;
        self.file = BufWriter::with_capacity(64 * 1024, open_segment(&self.dir, self.start)?);
        let mut kept = segments(&self.dir)?;
        while kept.len() as u64 > SEGMENTS
            && let Some((_, (path, _))) = kept.pop_first()
        {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn segment_path(dir: &Path, start: u64) -> PathBuf {
    dir.join(format!("{start:020}.jsonl"))
}

fn open_segment(dir: &Path, start: u64) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(segment_path(dir, start))
}

/// What a read found.
#[derive(Debug, PartialEq)]
pub struct Piece {
    /// The entries.
    pub entries: Vec<LogEntry>,
    /// Where to go on.
    pub next: u64,
    /// The oldest offset that is kept.
    pub oldest: u64,
}

/// Reads up to `limit` entries, 128 KiB at most, from an offset on. `u64::MAX` means: the last `limit` entries.
pub fn read(dir: &Path, offset: u64, limit: usize) -> io::Result<Piece> {
    let kept = segments(dir)?;
    let oldest = kept.keys().next().copied().unwrap_or(0);
    let end = kept.iter().next_back().map_or(0, |(start, (_, bytes))| start + bytes);
    let mut at = if offset == u64::MAX { tail_offset(&kept, limit)? } else { offset.clamp(oldest, end) };
    let mut entries = Vec::new();
    let mut taken = 0;
    for (start, (path, bytes)) in &kept {
        if start + bytes <= at || *start > at {
            continue;
        }
        let mut file = match File::open(path) {
            Ok(file) => BufReader::new(file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                at = start + bytes;
                continue;
            }
            Err(e) => return Err(e),
        };
        file.seek(SeekFrom::Start(at - start))?;
        let mut line = Vec::new();
        loop {
            if entries.len() >= limit || taken >= 128 * 1024 {
                return Ok(Piece { entries, next: at, oldest });
            }
            line.clear();
            let got = (&mut file).take(MAX_LINE).read_until(b'\n', &mut line)? as u64;
            if got == 0 {
                break;
            }
            if line.last() != Some(&b'\n') && got < MAX_LINE {
                // The writer is in the middle of it.
                return Ok(Piece { entries, next: at, oldest });
            }
            at += got;
            taken += got;
            // A half line that a kill left is skipped: it was never acknowledged to anybody.
            if let Ok(entry) = serde_json::from_slice(&line) {
                entries.push(entry);
            }
        }
    }
    Ok(Piece { entries, next: at, oldest })
}

/// The offset from which the last `limit` lines begin, looking at the newest segments only.
fn tail_offset(kept: &BTreeMap<u64, (PathBuf, u64)>, limit: usize) -> io::Result<u64> {
    let mut wanted = limit;
    let mut at = kept.keys().next().copied().unwrap_or(0);
    for (start, (path, bytes)) in kept.iter().rev() {
        // The last megabyte of a segment holds more lines than one answer does.
        let skip = bytes.saturating_sub(1 << 20);
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(skip))?;
        let mut tail = Vec::new();
        file.take(1 << 20).read_to_end(&mut tail)?;
        let ends: Vec<usize> =
            tail.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
        if ends.len() > wanted {
            return Ok(start + skip + ends[ends.len() - 1 - wanted] as u64);
        }
        if skip > 0 {
            return Ok(start + skip + ends.first().copied().unwrap_or(0) as u64);
        }
        wanted -= ends.len();
        at = *start;
        if wanted == 0 {
            break;
        }
    }
    Ok(at)
}

/// Cuts a text at a character's edge and says how much is missing.
pub fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(MAX_TEXT);
    format!("{}… [{} bytes cut]", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropforge_shared::job::LogLevel;
    use dropforge_shared::time::Timestamp;

    fn entry(text: &str) -> LogEntry {
        LogEntry {
            at: Timestamp(0),
            attempt: 1,
            level: LogLevel::Info,
            source: "worker".into(),
            text: text.into(),
        }
    }

    fn all(dir: &Path, mut offset: u64) -> Vec<String> {
        let mut texts = Vec::new();
        loop {
            let got = read(dir, offset, 100).unwrap();
            if got.entries.is_empty() {
                return texts;
            }
            texts.extend(got.entries.into_iter().map(|e| e.text));
            offset = got.next;
        }
    }

    #[test]
    fn a_reader_gets_every_line_in_order_and_the_tail() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Writer::open(dir.path(), 10 << 20).unwrap();
        let want: Vec<String> = (0..500).map(|i| format!("line {i}")).collect();
        for text in &want {
            log.append(&entry(text)).unwrap();
        }
        log.flush().unwrap();
        assert_eq!(all(dir.path(), 0), want);
        let tail = read(dir.path(), u64::MAX, 3).unwrap();
        assert_eq!(
            tail.entries.iter().map(|e| e.text.as_str()).collect::<Vec<_>>(),
            ["line 497", "line 498", "line 499"]
        );
    }

    #[test]
    fn a_flood_stays_in_bounds_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let bound = 1 << 20;
        let mut log = Writer::open(dir.path(), bound).unwrap();
        for i in 0..50_000 {
            log.append(&entry(&format!("line {i}"))).unwrap();
        }
        log.flush().unwrap();
        let bytes: u64 = segments(dir.path()).unwrap().values().map(|(_, b)| b).sum();
        assert!(bytes <= bound + bound / SEGMENTS, "{bytes}");
        let kept = all(dir.path(), 0);
        assert_eq!(kept.last().unwrap(), "line 49999");
        assert!(read(dir.path(), 0, 1).unwrap().oldest > 0);
        for pair in kept.windows(2) {
            let number = |t: &str| t.rsplit(' ').next().unwrap().parse::<u32>().unwrap();
            assert_eq!(number(&pair[0]) + 1, number(&pair[1]));
        }
    }

    #[test]
    fn half_a_line_from_a_kill_does_not_spoil_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Writer::open(dir.path(), 1 << 20).unwrap();
        log.append(&entry("whole")).unwrap();
        log.flush().unwrap();
        drop(log);
        let path = segment_path(dir.path(), 0);
        OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"at\":0,\"att").unwrap();
        let mut log = Writer::open(dir.path(), 1 << 20).unwrap();
        log.append(&entry("next")).unwrap();
        log.flush().unwrap();
        assert_eq!(all(dir.path(), 0), ["whole", "next"]);
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let text = cut(&"é".repeat(10_000));
        assert!(text.ends_with("[11808 bytes cut]"), "{}", &text[text.len() - 40..]);
    }
}
