//! A file of a user becomes one typed Parquet file.

use std::path::Path;

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::reading::Decision;

use crate::columns::{Plan, schema};
use crate::container::{self, Container};
use crate::csv::rows::CsvRows;
use crate::csv::split::Splitter;
use crate::csv::{Dialect, NO_QUOTE};
use crate::decode::Encoding;
use crate::error::Error;
use crate::monitor::{Level, Monitor};
use crate::options::ReadOptions;
use crate::pass::{self, Job, Outcome, RowReader};
use crate::recognise::{self, Format, SAMPLE_BYTES, Sample};
use crate::rejects::RejectFile;
use crate::sniff::{self, Overrides};
use crate::source::Source;
use crate::told::Ingested;
use crate::types::lattice::Candidates;
use crate::types::nulls;
use crate::wrapping;
use crate::write::DatasetWriter;
use crate::{arrow, json, jsonl, parquet, sheets, told};

/// The dataset's name in the folder it is written to.
pub(crate) const DATASET: &str = "dataset.parquet";

/// Bytes of text a thread works on at a time.
const BLOCK_BYTES: usize = 4 << 20;

/// Bytes of the first line that are looked at where it goes beyond the sample. A hundred thousand names fit.
const LONG_SAMPLE_BYTES: usize = 4 << 20;
/// Bytes out of compressed content without a table after which it is believed to be no bomb.
const BOMB_BYTES: u64 = 256 << 20;

/// Reads `source`, types every column over all rows and writes `dataset.parquet` into `out_dir`, which must exist;
/// records that could not be placed go to `rejected.csv` beside it.
///
/// # Errors
/// [`Error::NotATable`] where the content is none, [`Error::Limit`] where a limit refuses it, [`Error::Cancelled`] when
/// the monitor says so; else what failed on the way. Half-written files may be left in `out_dir` after an error.
pub fn ingest(
    source: &Path,
    out_dir: &Path,
    options: &ReadOptions,
    monitor: &mut dyn Monitor,
) -> Result<Ingested, Error> {
    let delimiter = options.delimiter_text()?;
    let encoding = options.encoding()?;
    monitor.stage("recognise", None, "bytes");
    if monitor.cancelled() {
        return Err(Error::Cancelled);
    }
    let unwrapped = wrapping::unwrap(source, out_dir, options, monitor)?;
    let options = &ReadOptions { limits: unwrapped.limits, ..options.clone() };
    let read = Work { source: &unwrapped.path, out_dir, options, delimiter, encoding, place: None };
    // Nobody knows the file that was unpacked for the time of the reading.
    let told = read.any(unwrapped.part.as_deref(), monitor).map(|mut told| {
        told.decisions.extend(options.unused(told.format, unwrapped.part.as_deref()));
        told
    });
    told.map_err(|e| e.about(&unwrapped.path, source)).map(|told| unwrapped.told(told))
}

struct Work<'a> {
    source: &'a Path,
    out_dir: &'a Path,
    options: &'a ReadOptions,
    delimiter: Option<String>,
    /// The encoding that the user set.
    encoding: Option<Encoding>,
    /// Where the records of a JSON document are.
    place: Option<json::Place>,
}

impl Work<'_> {
    /// Reads a file without wrappers, whatever its form.
    fn any(&self, part: Option<&str>, monitor: &mut dyn Monitor) -> Result<Ingested, Error> {
        let (source, limits) = (self.source, &self.options.limits);
        if let Container::Workbook(format) = container::container(source, limits)? {
            return sheets::ingest(source, self.out_dir, format, part, self.options, monitor);
        }
        let sample = recognise::sample_as(source, self.encoding, SAMPLE_BYTES, *limits)?;
        let mut by_name = false;
        let format = match recognise::recognise_sample(&sample) {
            Ok(recognised) => recognised.format,
            // A user who names a delimiter knows that it is a table.
            Err(_) if self.delimiter.is_some() && !sample.text.trim().is_empty() => Format::Csv,
            Err(reason) if self.options.named_table && reason == recognise::NO_COLUMNS => {
                by_name = true;
                Format::Csv
            }
            Err(reason) => {
                if sample.compression.is_some() {
                    // The first bytes of a bomb say nothing; how it goes on does.
                    let mut content = Source::open(source, Encoding::Utf8Damaged, *limits)?;
                    content.drain(BOMB_BYTES, &|| monitor.cancelled())?;
                }
                return Err(Error::NotATable { path: source.to_path_buf(), reason });
            }
        };
        match format {
            Format::Csv => self.csv(&sample, monitor).map(|mut told| {
                let why = "its lines could be any text, and its name says that they are a table";
                let found = || Decision { what: "format".into(), value: "csv".into(), why: why.into() };
                told.decisions.splice(0..0, by_name.then(found));
                told
            }),
            Format::JsonLines => self.json_lines(&sample, monitor),
            Format::Json => self.json(&sample, part, monitor),
            Format::Arrow | Format::Parquet if !self.options.types.is_empty() => {
                Err(self.options.types_stand_in(format))
            }
            Format::Arrow => arrow::ingest(source, self.out_dir, limits, monitor),
            Format::Parquet => parquet::foreign::ingest(source, self.out_dir, limits, monitor),
            Format::Xlsx | Format::Xlsb | Format::Xls | Format::Ods => {
                sheets::ingest(source, self.out_dir, format, part, self.options, monitor)
            }
        }
    }

    /// A JSON document: finds its records, then reads them as lines.
    fn json(
        &self,
        sample: &Sample,
        part: Option<&str>,
        monitor: &mut dyn Monitor,
    ) -> Result<Ingested, Error> {
        let found = json::locate(self.source, sample, part, &self.options.limits, monitor)?;
        let work = Work { place: Some(found.place), delimiter: None, ..*self };
        let read = work.json_lines(sample, monitor)?;
        Ok(found.told(read, monitor))
    }

    fn csv(&self, sample: &Sample, monitor: &mut dyn Monitor) -> Result<Ingested, Error> {
        let limits = self.options.limits;
        // A first line that goes beyond the sample would hide columns.
        let longer;
        let mut sample = sample;
        if is_cut(sample) {
            longer = recognise::sample_as(self.source, self.encoding, LONG_SAMPLE_BYTES, limits)?;
            sample = &longer;
        }
        let text = recognise::whole_records(sample);
        let overrides = Overrides { delimiter: self.delimiter.clone(), header: self.options.header };
        let sniffed = sniff::sniff(text, overrides).ok_or_else(|| Error::NotATable {
            path: self.source.to_path_buf(),
            reason: "it has no records".to_owned(),
        })?;
        monitor.log(Level::Info, &format!("read as {}: {}", sample.encoding.name(), sniffed.how));
        if is_cut(sample) {
            return Err(Error::Limit {
                what: format!("a first line with at least {} columns", sniffed.names.len()),
                place: self.source.display().to_string(),
                limit: format!("{LONG_SAMPLE_BYTES} bytes for the first line"),
                way_out: "see that the delimiter and the line ends are right, or reshape the table to rows",
            });
        }
        self.check_width(sniffed.names.len())?;
        let table = crate::csv::rows::sampled(text, &sniffed);
        let forced = self.options.forced(&sniffed.names, &table)?;
        let dialect = sniffed.dialect;
        let reader = CsvRows {
            dialect,
            header: sniffed.header,
            names: sniffed.names,
            preamble_lines: sniffed.preamble_lines,
            short_records: sniffed.short_records,
            forced,
            limits,
        };
        let read = self.passes(&reader, Some(dialect), &reader.names, table.seen, sample, true, monitor)?;
        let quoted = sniffed.decisions.iter().any(|d| d.what == "quote") && dialect.quote != NO_QUOTE;
        let quote = quoted.then(|| char::from(dialect.quote).to_string());
        let mut notes = preamble_note(sample, sniffed.preamble_lines, &dialect);
        notes.extend(read.notes);
        let mut decisions = sniffed.decisions;
        decisions.splice(0..0, [self.encoding_decision(&read.encoding, sample.encoding)]);
        decisions.extend(read.decisions);
        Ok(Ingested {
            format: Format::Csv,
            delimiter: Some(dialect.delimiter_text()),
            escape: if dialect.backslash { Some("\\".to_owned()) } else { quote.clone() },
            quote,
            comment: dialect.comment.map(|c| char::from(c).to_string()),
            header: sniffed.header,
            preamble_lines: sniffed.preamble_lines,
            how: sniffed.how,
            decisions,
            notes,
            ..read
        })
    }

    fn encoding_decision(&self, found: &Option<String>, sampled: Encoding) -> Decision {
        let value = found.clone().unwrap_or_default();
        let why = match self.encoding {
            Some(_) => "set by the user",
            None if value == sampled.name() => sampled.why(),
            None => "later bytes are not valid in the encoding of the first ones",
        };
        Decision { what: "encoding".to_owned(), value, why: why.to_owned() }
    }

    fn json_lines(&self, sample: &Sample, monitor: &mut dyn Monitor) -> Result<Ingested, Error> {
        let total = std::fs::metadata(self.source).map_err(Error::io("open", self.source))?.len();
        monitor.stage("read", Some(total), "bytes");
        // Which columns there are is known only after the last line.
        let source = self.open(sample.encoding)?;
        let mut splitter = Splitter::new(source, None, BLOCK_BYTES, self.options.limits);
        let found = jsonl::survey(&mut splitter, &self.options.types, &self.options.limits, monitor)?;
        self.check_width(found.names.len())?;
        if found.names.is_empty() {
            return Err(Error::NotATable {
                path: self.source.to_path_buf(),
                reason: "its JSON objects have no keys".to_owned(),
            });
        }
        let forced = self.options.forced(&found.names, &found.sampled)?;
        let reader = jsonl::JsonRows::new(&found.names, forced);
        let read = self.passes(&reader, None, &found.names, found.sampled.seen, sample, false, monitor)?;
        let how =
            "one JSON object a line; one level of nested objects is flattened to dotted names".to_owned();
        Ok(Ingested { format: Format::JsonLines, header: true, how, ..read })
    }

    fn open(&self, encoding: Encoding) -> Result<Source, Error> {
        let source = Source::open(self.source, encoding, self.options.limits)?;
        Ok(source.with_lines(self.place.map(json::Lines::new)))
    }

    fn check_width(&self, width: usize) -> Result<(), Error> {
        if width <= self.options.limits.max_columns {
            return Ok(());
        }
        Err(Error::Limit {
            what: format!("{width} columns"),
            place: self.source.display().to_string(),
            limit: format!("{} columns", self.options.limits.max_columns),
            way_out: "see that the delimiter is right, or reshape the table to rows",
        })
    }

    /// One pass after the sample's plan; another where the text or a type turned out otherwise.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a pass needs; a struct would name the same things again"
    )]
    fn passes(
        &self,
        reader: &dyn RowReader,
        dialect: Option<Dialect>,
        names: &[String],
        sampled: Vec<Candidates>,
        sample: &Sample,
        from_sample: bool,
        monitor: &mut dyn Monitor,
    ) -> Result<Ingested, Error> {
        let plan =
            |seen: &Candidates| if from_sample { Plan::from_sample(*seen) } else { Plan::settled(*seen) };
        let mut plans: Vec<Plan> = sampled.iter().map(plan).collect();
        force(&mut plans, reader);
        let mut seen = sampled;
        let mut encoding = sample.encoding;
        let mut notes = Vec::new();
        // Encoding and types may each turn out otherwise once.
        for round in 0..4 {
            let (outcome, kept) = self.pass(reader, dialect, names, &plans, encoding, round, monitor)?;
            if let Some(other) = outcome.other_encoding {
                // What the user set is kept; what is damaged in it shows as such.
                let other = if self.encoding.is_some() { Encoding::Utf8Damaged } else { other };
                let note =
                    format!("the text is not valid {}; read again as {}", encoding.name(), other.name());
                monitor.log(Level::Warn, &note);
                notes.push(note);
                encoding = other;
                continue;
            }
            seen = seen.iter().zip(&outcome.seen).map(|(a, b)| a.and(*b)).collect();
            let changed =
                seen.iter().zip(&plans).any(|(seen, plan)| !plan.forced && seen.kind() != plan.kind);
            if changed {
                monitor.log(Level::Info, &changes(names, &plans, &seen));
                plans = seen.iter().map(|seen| Plan::settled(*seen)).collect();
                force(&mut plans, reader);
                continue;
            }
            kept.finish()?;
            return Ok(self.told(names, &plans, &seen, encoding, sample, outcome, notes, monitor));
        }
        Err(Error::Internal("the types of a file did not settle in four passes".to_owned()))
    }

    #[expect(clippy::too_many_arguments, reason = "one pass with everything it depends on")]
    fn pass(
        &self,
        reader: &dyn RowReader,
        dialect: Option<Dialect>,
        names: &[String],
        plans: &[Plan],
        encoding: Encoding,
        round: usize,
        monitor: &mut dyn Monitor,
    ) -> Result<(Outcome, DatasetWriter), Error> {
        let total = std::fs::metadata(self.source).map_err(Error::io("open", self.source))?.len();
        monitor.stage(if round == 0 && dialect.is_some() { "read" } else { "type" }, Some(total), "bytes");
        let source = self.open(encoding)?;
        let mut splitter =
            Splitter::new(source, dialect, BLOCK_BYTES, self.options.limits).skipping(reader.lines_before());
        let writer = DatasetWriter::create(&self.out_dir.join(DATASET), &schema(names, plans))?;
        // A block in work takes about eight times its size: text, typed columns, encoded pages, and one that waits.
        let affordable = (self.options.limits.memory_bytes / (8 * BLOCK_BYTES as u64)).max(1) as usize;
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4);
        let threads = self.options.threads.unwrap_or_else(cores).min(affordable);
        let job = Job { reader, names, plans, writer: &writer, encoding, threads };
        let mut outcome = pass::run(&job, &mut splitter, RejectFile::new(self.out_dir), monitor)?;
        outcome.zeros = splitter.zeros();
        outcome.damaged = splitter.is_damaged();
        Ok((outcome, writer))
    }

    #[expect(clippy::too_many_arguments, reason = "gathers what the passes found")]
    fn told(
        &self,
        names: &[String],
        plans: &[Plan],
        seen: &[Candidates],
        encoding: Encoding,
        sample: &Sample,
        outcome: Outcome,
        mut notes: Vec<String>,
        monitor: &mut dyn Monitor,
    ) -> Ingested {
        let first_new = notes.len();
        let types = told::types(names, plans, seen);
        notes.extend(types.notes);
        notes.extend(told::left_out(&outcome));
        for note in notes.iter().skip(first_new) {
            monitor.log(Level::Warn, note);
        }
        let kinds = plans.iter().map(|plan| plan.kind.column_type());
        Ingested {
            compression: sample.compression,
            encoding: Some(encoding.name()),
            footer_lines: outcome.footer_lines,
            rows: outcome.rows,
            rejected_rows: outcome.rejected,
            columns: names.iter().cloned().zip(kinds).map(|(name, kind)| Column { name, kind }).collect(),
            null_tokens: outcome.nulls.iter().map(nulls::NullCounts::to_map).collect(),
            decisions: types.decisions,
            notes,
            ..Ingested::bare(Format::Csv)
        }
    }
}

/// Whether not even the first line ends in the sample.
fn is_cut(sample: &Sample) -> bool {
    !sample.whole && !sample.text.contains(['\n', '\r'])
}

fn force(plans: &mut [Plan], reader: &dyn RowReader) {
    for (index, kind) in reader.forced() {
        if let Some(plan) = plans.get_mut(*index) {
            *plan = Plan::forced(*kind);
        }
    }
}

/// The lines before the table, for people. Blank ones say nothing.
fn preamble_note(sample: &Sample, lines: u64, dialect: &Dialect) -> Vec<String> {
    let mut texts = Vec::new();
    let mut at = 0;
    for _ in 0..lines {
        let end = dialect.line_end(sample.text.as_bytes(), at, true).unwrap_or(sample.text.len());
        texts.extend(sample.text.get(at..end).map(str::trim).filter(|l| !l.is_empty()));
        at = end;
    }
    told::outside("before", &texts, texts.len() as u64)
}

fn changes(names: &[String], plans: &[Plan], seen: &[Candidates]) -> String {
    let name = |kind: ColumnType| kind.name();
    let changed: Vec<String> = names
        .iter()
        .zip(plans.iter().zip(seen))
        .filter(|(_, (plan, seen))| !plan.forced && plan.kind != seen.kind())
        .take(20)
        .map(|(column, (plan, seen))| {
            format!("{column} is {}, not {}", name(seen.kind().column_type()), name(plan.kind.column_type()))
        })
        .collect();
    format!("later rows changed types, reading again: {}", changed.join("; "))
}
