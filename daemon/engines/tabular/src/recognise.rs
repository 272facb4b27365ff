//! What a file is, by its content. The name says nothing: `report.dat` may be a table and `table.csv` a web page. Only of
//! text in one column, which may be a list as well as prose, a name that ends in `.csv` or `.tsv` tells more.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::archive::Zip;
use crate::container::{Container, container, is_workbook_head, workbook_head};
use crate::decode::{Decoder, Encoding};
use crate::error::Error;
use crate::json;
use crate::limits::Limits;
use crate::sniff::{self, Overrides, Sniffed};
use crate::source::{self, Source};
use crate::wrapping;

/// Why lines of one text each are no table.
pub(crate) const NO_COLUMNS: &str = "it is text without columns";

/// Whether a name says that its bearer wrote a table: `list.csv`, `list.tsv.gz`.
pub fn is_named_table(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = [".gz", ".zst"].iter().find_map(|e| name.strip_suffix(e)).unwrap_or(&name);
    [".csv", ".tsv"].iter().any(|end| name.ends_with(end))
}

/// Bytes that are looked at.
pub(crate) const SAMPLE_BYTES: usize = 1 << 20;

/// A form of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Format {
    /// Delimited text: commas, semicolons, tabs or bars.
    #[serde(rename = "csv")]
    Csv,
    /// One JSON object a line.
    #[serde(rename = "jsonl")]
    JsonLines,
    /// A JSON document: an array of records, an object that holds arrays of records, or one record.
    #[serde(rename = "json")]
    Json,
    /// Apache Parquet.
    #[serde(rename = "parquet")]
    Parquet,
    /// Apache Arrow IPC, a file or a stream.
    #[serde(rename = "arrow")]
    Arrow,
    /// Excel since 2007.
    #[serde(rename = "xlsx")]
    Xlsx,
    /// The same in binary.
    #[serde(rename = "xlsb")]
    Xlsb,
    /// Excel until 2003.
    #[serde(rename = "xls")]
    Xls,
    /// An OpenDocument spreadsheet.
    #[serde(rename = "ods")]
    Ods,
}

impl Format {
    /// The name used in JSON and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Xlsx => "xlsx",
            Self::Xlsb => "xlsb",
            Self::Xls => "xls",
            Self::Ods => "ods",
        }
    }
}

/// What was recognised.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Recognised {
    /// The form of the table.
    pub format: Format,
    /// What it is compressed with: `gzip`, `zstd`, `zip`, or nothing.
    pub compression: Option<&'static str>,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// What showed it, for people.
    pub detail: String,
}

/// The start of a file as text.
pub(crate) struct Sample {
    pub(crate) text: String,
    pub(crate) encoding: Encoding,
    pub(crate) compression: Option<&'static str>,
    /// The sample's bytes as they are, after decompression.
    head: Vec<u8>,
    /// Whether the sample is the whole content.
    pub(crate) whole: bool,
    /// Zero bytes that were left out of the text.
    zeros: usize,
}

/// Reads the start of a file, decompressed and decoded.
pub(crate) fn sample(path: &Path, limits: Limits) -> Result<Sample, Error> {
    sample_as(path, None, SAMPLE_BYTES, limits)
}

/// The same of another length, in an encoding that the user set.
pub(crate) fn sample_as(
    path: &Path,
    set: Option<Encoding>,
    bytes: usize,
    limits: Limits,
) -> Result<Sample, Error> {
    let mut head = Vec::new();
    let mut magic = Vec::new();
    let file = File::open(path).map_err(Error::io("open", path))?;
    file.take(4).read_to_end(&mut magic).map_err(Error::io("read", path))?;
    // `Utf8` passes bytes through; the encoding is told from them just below.
    let whole = Source::open(path, Encoding::Utf8Damaged, limits)?.fill_keeping_mark(&mut head, bytes)?;
    Ok(sample_of(head, whole, source::compression(&magic), set))
}

/// The start of some content as text.
fn sample_of(
    mut head: Vec<u8>,
    whole: bool,
    compression: Option<&'static str>,
    set: Option<Encoding>,
) -> Sample {
    let encoding = set.map_or_else(|| Encoding::of(&head, whole), |set| set.set(&head, whole));
    let mut decoded = Vec::with_capacity(head.len());
    let mut decoder = Decoder::new(encoding);
    decoder.decode(&head, whole, &mut decoded);
    let before = decoded.len();
    decoded.retain(|byte| *byte != 0);
    let zeros = before - decoded.len();
    let text = String::from_utf8_lossy(&decoded);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    // What a workbook begins with is told from the names of its first parts.
    head.truncate(64 << 10);
    Sample { text, encoding, compression, head, whole, zeros }
}

/// Recognises a table by its content; `None` where the file is something else (a document, an image, prose, nothing).
///
/// # Errors
/// Where the file cannot be read, or its compressed stream is damaged or over a limit.
pub fn recognise(path: &Path) -> Result<Option<Recognised>, Error> {
    let limits = Limits::default();
    let is = |format, compression, detail: &str| {
        Ok(Some(Recognised { format, compression, confidence: 1.0, detail: detail.to_owned() }))
    };
    match container(path, &limits)? {
        Container::Other(_) => Ok(None),
        Container::Workbook(format) => is(format, None, "has the parts of a workbook"),
        Container::Squeezed(compression) => {
            let sample = sample(path, limits)?;
            match workbook_head(&sample.head) {
                Some(format) => is(format, Some(compression), "has the parts of a workbook"),
                None => Ok(recognise_sample(&sample).ok()),
            }
        }
        Container::Archive => {
            let mut zip = Zip::open(path)?;
            for member in zip.members.clone().iter().take(Limits::ARCHIVE_MEMBERS).filter(|m| !m.encrypted) {
                let Ok(head) = zip.head(member, SAMPLE_BYTES) else { continue };
                let whole = head.len() < SAMPLE_BYTES && source::compression(&head).is_none();
                let plain = wrapping::plain_head(&head);
                if let Some(format) = workbook_head(&plain) {
                    return is(format, Some("zip"), "a workbook in an archive");
                }
                if let Ok(found) = recognise_sample(&sample_of(plain, whole, Some("zip"), None)) {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        }
        Container::Plain => Ok(recognise_sample(&sample(path, limits)?).ok()),
    }
}

/// Whether content that begins so holds a table.
pub(crate) fn head_is_table(head: &[u8], whole: bool) -> bool {
    is_workbook_head(head) || recognise_sample(&sample_of(head.to_vec(), whole, None, None)).is_ok()
}

/// The same, with the reason where it is no table.
pub(crate) fn recognise_sample(sample: &Sample) -> Result<Recognised, String> {
    let compression = sample.compression;
    let is = |format, confidence, detail: String| Ok(Recognised { format, compression, confidence, detail });
    if sample.head.starts_with(b"PAR1") {
        return is(Format::Parquet, 1.0, "starts with the mark PAR1".to_owned());
    }
    if sample.head.starts_with(b"ARROW1\0\0") {
        return is(Format::Arrow, 1.0, "starts with the mark ARROW1".to_owned());
    }
    if is_arrow_stream(&sample.head) {
        return is(Format::Arrow, 0.95, "starts with a schema message of an Arrow stream".to_owned());
    }
    if let Some(kind) = other_kind(&sample.head) {
        return Err(kind.to_owned());
    }
    let text = sample.text.as_str();
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    let controls = text
        .bytes()
        .filter(|b| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x01 | 0x0b | 0x0c | 0x1b | 0x1f))
        .count();
    // Some zeros may be damage or padding; a tenth is something else.
    if sample.zeros * 10 > text.len() || controls * 50 > text.len() {
        return Err("it is binary".to_owned());
    }
    if text.trim_start().starts_with(['{', '[']) {
        match json::tell(text, sample.whole) {
            Ok((format, detail)) => return is(format, 0.95, detail),
            // Names in square brackets are a header that some databases write.
            Err(reason) => return bracketed(sample).ok_or(reason),
        }
    }
    let sniffed = sniff::sniff(whole_records(sample), Overrides::default()).ok_or("it has no records")?;
    if sniffed.markdown {
        return Err("it is Markdown with a table in it".to_owned());
    }
    table_likeness(&sniffed, text).map(|confidence| Recognised {
        format: Format::Csv,
        compression,
        confidence,
        detail: sniffed.how.clone(),
    })
}

/// The sample without a last line that may be cut.
pub(crate) fn whole_records(sample: &Sample) -> &str {
    if sample.whole {
        return &sample.text;
    }
    let end = sample.text.rfind(['\n', '\r']).map_or(sample.text.len(), |at| at + 1);
    sample.text.get(..end).unwrap_or(&sample.text)
}

fn other_kind(head: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 14] = [
        (b"%PDF", "it is a PDF"),
        (b"PK\x03\x04", "it is a ZIP archive, or an office document"),
        (b"\xd0\xcf\x11\xe0", "it is an old office document"),
        (b"\x89PNG", "it is an image"),
        (b"\xff\xd8\xff", "it is an image"),
        (b"GIF8", "it is an image"),
        (b"{\\rtf", "it is rich text"),
        (b"SQLite format 3", "it is an SQLite database"),
        (b"\x7fELF", "it is a program"),
        (b"BZh", "it is compressed with bzip2; unpack it first"),
        (b"\xfd7zXZ", "it is compressed with xz; unpack it first"),
        (b"7z\xbc\xaf", "it is a 7z archive; unpack it first"),
        (b"FEA1", "it is Feather version 1; write it again as Arrow or Parquet"),
        (b"<", "it is a markup document"),
    ];
    kinds.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind)
}

/// The schema message that opens a stream: a continuation mark and a length in steps of eight (Arrow columnar format,
/// "Encapsulated message format").
fn is_arrow_stream(head: &[u8]) -> bool {
    let length = head.get(4..8).and_then(|b| b.try_into().ok()).map_or(0, i32::from_le_bytes);
    head.starts_with(b"\xff\xff\xff\xff") && (16..=64 << 20).contains(&length) && length % 8 == 0
}

/// Delimited text whose first name stands in brackets.
fn bracketed(sample: &Sample) -> Option<Recognised> {
    let sniffed = sniff::sniff(whole_records(sample), Overrides::default())?;
    let sure = sniffed.records >= 3 && sniffed.names.len() >= 2 && sniffed.consistency >= 0.95;
    sure.then(|| Recognised {
        format: Format::Csv,
        compression: sample.compression,
        confidence: 0.7,
        detail: sniffed.how.clone(),
    })
}

/// How sure it is that the records make a table, or why they do not.
fn table_likeness(sniffed: &Sniffed, text: &str) -> Result<f64, String> {
    if sniffed.names.len() >= 2 {
        // Under a header that names all columns more records may be damaged.
        let mean = text.len() / (sniffed.records * sniffed.names.len()).max(1);
        let enough = if sniffed.header && mean <= 20 { 0.5 } else { 0.7 };
        if sniffed.consistency >= enough && sniffed.value_share >= 0.4 {
            // Prose that happens to have as many commas in each line has long cells that are no values.
            let prose = sniffed.names.len() <= 3
                && mean > 30
                && sniffed.value_share < 0.85
                && sniffed.records < 1_000;
            if !prose || sniffed.consistency > 0.95 {
                return Ok((sniffed.consistency * (0.5 + 0.5 * sniffed.value_share)).min(0.99));
            }
        }
        return Err("its lines do not split into equal records".to_owned());
    }
    let mut lines = text.lines().filter(|l| !l.trim().is_empty()).take(1_000);
    let Some(first) = lines.next() else { return Err("it is empty".to_owned()) };
    let rest: Vec<&str> = lines.collect();
    let words = |line: &str| line.split_whitespace().count();
    let values = rest.iter().filter(|l| words(l) <= 2 && l.len() <= 64).count();
    if !rest.is_empty() && values * 10 >= rest.len() * 9 && words(first) <= 4 && first.len() <= 100 {
        return Ok(0.6);
    }
    Err(NO_COLUMNS.to_owned())
}
