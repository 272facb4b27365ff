//! Looks at a workbook before the library opens it, as the library believes what a workbook says of its own size.
//!
//! Every part is unpacked once to nowhere, under the limits, so that the sizes are those that will come out. XML is
//! looked through for a text or a tag longer than a cell may be, and ODS for cells that it repeats.

use std::path::Path;

use crate::archive::Zip;
use crate::error::Error;
use crate::limits::Limits;
use crate::monitor::Monitor;
use crate::recognise::Format;

/// Refuses workbooks that would not fit.
pub(super) fn check(
    path: &Path,
    format: Format,
    limits: &Limits,
    monitor: &mut dyn Monitor,
) -> Result<(), Error> {
    if format == Format::Xls {
        return Ok(());
    }
    let expansion = limits.max_expansion.min(Limits::WORKBOOK_EXPANSION);
    let limits = &Limits { max_expansion: expansion, ..*limits };
    let mut zip = Zip::open(path)?;
    let members = zip.members.clone();
    zip.check_declared(&members, limits)?;
    // Parts may lie over each other, so that each expands little, and all of them much.
    let file_bytes = std::fs::metadata(path).map_err(Error::io("open", path))?.len();
    let most = limits.within(file_bytes).max_uncompressed_bytes;
    let total: u64 = members.iter().map(|m| m.bytes).sum();
    monitor.stage("check", Some(total), "bytes");
    let mut done = 0u64;
    let mut held = 0u64;
    for member in &members {
        if member.encrypted {
            return Err(Error::Damaged {
                path: path.to_path_buf(),
                form: format.name(),
                place: member.name.clone(),
                reason: "it is encrypted; save it without a password".to_owned(),
            });
        }
        let name = member.name.to_ascii_lowercase().replace('\\', "/");
        let is_xml = name.ends_with(".xml") || name.ends_with(".rels");
        let is_held = format != Format::Ods && !name.contains("worksheets/") && !name.contains("media/");
        let mut run = 0usize;
        let mut cells = (format == Format::Ods && name == "content.xml").then(OdsCells::default);
        let stop = std::cell::Cell::new(false);
        zip.read(member, limits, &|| stop.get(), |bytes| {
            done += bytes.len() as u64;
            monitor.progress(done);
            stop.set(monitor.cancelled());
            let place = || format!("{} in {}", member.name, path.display());
            if done > most {
                return Err(too_much(done, most, place()));
            }
            if is_xml {
                // A text or a tag of an XML document reaches from one `<` to the next.
                let mut from = 0;
                for at in memchr::memchr_iter(b'<', bytes) {
                    run += at - from;
                    long_run(run, limits, &place)?;
                    (run, from) = (0, at);
                }
                run += bytes.len() - from;
                long_run(run, limits, &place)?;
            }
            if is_held {
                held += bytes.len() as u64;
                if held > Limits::HELD_XML_BYTES {
                    return Err(too_big("texts and styles of more bytes", Limits::HELD_XML_BYTES, place()));
                }
            }
            if let Some(cells) = &mut cells {
                cells.feed(bytes);
                if cells.total() > Limits::HELD_CELLS {
                    return Err(too_big("an ODS document of more cells", Limits::HELD_CELLS, place()));
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn long_run(run: usize, limits: &Limits, place: &dyn Fn() -> String) -> Result<(), Error> {
    if run <= limits.max_cell_bytes {
        return Ok(());
    }
    Err(Error::Limit {
        what: format!("a cell of more than {run} bytes"),
        place: place(),
        limit: format!("{} bytes a cell", limits.max_cell_bytes),
        way_out: "shorten that cell (a spreadsheet program allows 32,767 characters), or save the sheet as CSV",
    })
}

fn too_much(bytes: u64, most: u64, place: String) -> Error {
    Error::Limit {
        what: format!("{bytes} bytes of a workbook"),
        place,
        limit: format!("{most} bytes for a file of its size"),
        way_out: "it may be a decompression bomb; if you trust it, save the sheet as CSV",
    }
}

fn too_big(what: &str, limit: u64, place: String) -> Error {
    Error::Limit {
        what: what.to_owned(),
        place,
        limit: format!("{limit}, as they are held in memory"),
        way_out: "save the sheet as CSV, or split the workbook",
    }
}

/// Counts the cells of an ODS document as they will be in memory: repeated ones as often as they are repeated.
#[derive(Debug, Default)]
struct OdsCells {
    /// The tag at hand, without its `<`.
    tag: Vec<u8>,
    in_tag: bool,
    quote: Option<u8>,
    /// Repeats of the cell at hand, and bytes of text in it.
    repeats: u64,
    text: u64,
    /// Empty cells that count only if a filled one follows in their row.
    pending: u64,
    row: u64,
    row_text: u64,
    row_repeats: u64,
    /// Rows without cells that count only if a filled one follows in their table.
    blank_rows: u64,
    rows: u64,
    width: u64,
    /// Cells of tables that have ended.
    tables: u64,
    /// Cells in rows of the table at hand.
    open: u64,
    /// What texts weigh, in cells of 64 bytes.
    texts: u64,
}

/// The most rows and columns that the format's programs know, and that the library gives.
const MAX_ROWS: u64 = 1 << 20;
const MAX_COLUMNS: u64 = 1 << 14;

impl OdsCells {
    fn total(&self) -> u64 {
        self.tables
            .saturating_add(self.open)
            .saturating_add(self.rows.saturating_mul(self.width))
            .saturating_add(self.texts / 64)
    }

    fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if !self.in_tag {
                if byte == b'<' {
                    self.in_tag = true;
                    self.tag.clear();
                } else {
                    self.text += 1;
                }
                continue;
            }
            match (self.quote, byte) {
                (None, b'>') => {
                    self.in_tag = false;
                    let tag = std::mem::take(&mut self.tag);
                    self.tag(&tag);
                    self.tag = tag;
                    continue;
                }
                (None, b'"' | b'\'') => self.quote = Some(byte),
                (Some(quote), byte) if quote == byte => self.quote = None,
                _ => {}
            }
            self.tag.push(byte);
        }
    }

    fn tag(&mut self, tag: &[u8]) {
        let closed = tag.last() == Some(&b'/');
        let name = tag.split(|b| b.is_ascii_whitespace() || *b == b'/').next().unwrap_or_default();
        match name {
            b"table:table-cell" | b"table:covered-table-cell" => {
                self.repeats = attribute(tag, b"number-columns-repeated").min(MAX_COLUMNS);
                // Values in attributes are copied as often as the cell is.
                self.text = tag.len() as u64;
                let value = memchr::memmem::find(tag, b"value").is_some();
                if closed && !value {
                    self.pending = (self.pending + self.repeats).min(MAX_COLUMNS);
                } else if closed {
                    self.cell();
                }
            }
            b"table:table-row" => {
                self.row_repeats = attribute(tag, b"number-rows-repeated").min(MAX_ROWS);
                (self.row, self.row_text, self.pending) = (0, 0, 0);
                if closed {
                    self.end_row();
                }
            }
            b"" if tag == b"/table:table-cell" || tag == b"/table:covered-table-cell" => self.cell(),
            b"" if tag == b"/table:table-row" => self.end_row(),
            b"" if tag == b"/table:table" => {
                self.tables = self
                    .tables
                    .saturating_add(self.open)
                    .saturating_add(self.rows.saturating_mul(self.width));
                (self.rows, self.width, self.open, self.blank_rows) = (0, 0, 0, 0);
            }
            _ => {}
        }
    }

    fn cell(&mut self) {
        self.row = (self.row + self.pending + self.repeats).min(MAX_COLUMNS);
        self.pending = 0;
        self.row_text = self.row_text.saturating_add(self.text.saturating_mul(self.repeats));
    }

    fn end_row(&mut self) {
        if self.row == 0 {
            self.blank_rows = (self.blank_rows + self.row_repeats).min(MAX_ROWS);
            return;
        }
        if self.rows > 0 {
            self.rows += self.blank_rows;
        }
        self.blank_rows = 0;
        self.rows = (self.rows + self.row_repeats).min(MAX_ROWS);
        self.width = self.width.max(self.row);
        self.open = self.open.saturating_add(self.row);
        self.texts = self.texts.saturating_add(self.row_text.saturating_mul(self.row_repeats));
        self.row = 0;
    }
}

/// The number in an attribute; 1 where there is none.
fn attribute(tag: &[u8], name: &[u8]) -> u64 {
    let read = || {
        let at = memchr::memmem::find(tag, name)? + name.len();
        let rest = tag.get(at..)?;
        let digits = rest.iter().skip_while(|b| !b.is_ascii_digit()).take_while(|b| b.is_ascii_digit());
        Some(digits.fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0'))))
    };
    read().unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(xml: &str) -> u64 {
        let mut whole = OdsCells::default();
        whole.feed(xml.as_bytes());
        let mut bytes = OdsCells::default();
        xml.as_bytes().chunks(1).for_each(|b| bytes.feed(b));
        assert_eq!(whole.total(), bytes.total());
        whole.tables + whole.open + whole.rows * whole.width
    }

    #[test]
    fn repeated_cells_count_as_often_as_they_are_repeated_and_empty_ends_do_not() {
        let cell = "<table:table-cell office:value-type=\"float\" office:value=\"1\" table:formula=\"a>b\"/>";
        let many = cell.replace("/>", " table:number-columns-repeated=\"100\"/>");
        let blank = "<table:table-cell table:number-columns-repeated=\"16384\"/>";
        let row = |cells: &str, n: u64| {
            format!("<table:table-row table:number-rows-repeated=\"{n}\">{cells}</table:table-row>")
        };
        assert_eq!(cells(&format!("{}{}", row(&format!("{cell}{blank}"), 1), row(blank, 1_000_000))), 2);
        assert_eq!(cells(&format!("{}</table:table>", row(&many, 1_000))), 100 + 100_000);
        let text = "<table:table-cell office:value-type=\"string\"><text:p>x</text:p></table:table-cell>";
        assert_eq!(cells(&row(text, 1)), 2);
    }
}
