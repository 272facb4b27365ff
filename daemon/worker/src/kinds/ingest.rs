//! Takes a file in: reads it as a table, writes the typed dataset, profiles it. A file that is no table is not a
//! failure: the facts then say what it seems to be.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::Path;

use dropforge_shared::detection::{DETECTION, Detection};
use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileFacts, FileKind};
use dropforge_shared::job::LogLevel;
use dropforge_shared::kind::{JobClass, KindSpec};
use dropforge_shared::profile::Profile;
use dropforge_shared::reading::{READING, REJECTED, Reading, settings};
use dropforge_tabular::{self as tabular, ReadOptions, Rules};

use crate::Kind;
use crate::context::{Context, Delivery, WorkError};

/// The kind `ingest`. Its settings are named in [`dropforge_shared::reading::settings`]; what is not set is found.
pub(super) const KIND: Kind = Kind {
    spec: KindSpec {
        stages: &["profile"],
        settings: &settings::ALL,
        check,
        ..KindSpec::new("ingest", JobClass::Ingest, 2 << 30)
    },
    run: ingest,
};

/// The profile's name in the output folder.
const PROFILE: &str = "profile.json";
/// The dataset's name, as the engine writes it.
const DATASET: &str = "dataset.parquet";

fn ingest(ctx: &mut Context) -> Result<Delivery, WorkError> {
    let input = ctx.input()?.clone();
    let out_dir = ctx.out_dir().to_owned();
    if let (Some(_), Some(data)) = (&ctx.spec().given.from, ctx.spec().given.data.clone()) {
        return from_profile(ctx, &data, &out_dir, input.file.as_str());
    }
    if let Some(earlier) = ctx.spec().given.earlier.clone()
        && let Some(delivery) = as_before(ctx, &earlier, &out_dir)?
    {
        return Ok(delivery);
    }
    let options = ReadOptions {
        named_table: tabular::is_named_table(&input.name),
        ..options(&ctx.spec().settings).map_err(WorkError::failed)?
    };
    if fs::metadata(&input.path).map_err(|e| WorkError::io("looking at the file", &e))?.len() == 0 {
        return Ok(no_table("empty: 0 bytes"));
    }
    let ingested = match tabular::ingest(&input.path, &out_dir, &options, ctx) {
        Ok(ingested) => ingested,
        Err(tabular::Error::NotATable { reason, .. }) => {
            empty(&out_dir).map_err(|e| WorkError::io("clearing the output folder", &e))?;
            return Ok(no_table(&format!("not a table: {reason}")));
        }
        Err(e) => return Err(e.into()),
    };
    super::intact::check(ctx, &input)?;
    ctx.complete(DATASET);
    let dataset = out_dir.join(DATASET);
    let profile = tabular::profile(&dataset, input.file.as_str(), &ingested.null_tokens, ctx)?;
    write_json(&out_dir.join(PROFILE), &profile).map_err(|e| WorkError::io("writing the profile", &e))?;
    let reading = ingested.reading();
    write_json(&out_dir.join(READING), &reading)
        .map_err(|e| WorkError::io("writing how the file was read", &e))?;
    told(ctx, &profile, ingested.header, facts(reading, options.part.is_some()))
}

/// Uses what an earlier job made of the same bytes with the same settings, if this version did: table, profile and reading are
/// taken as they are. What kind of data it is is found again, as the user's rules may have changed.
fn as_before(ctx: &mut Context, earlier: &Path, out_dir: &Path) -> Result<Option<Delivery>, WorkError> {
    let (Some(reading), Some(profile)) =
        (read_json::<Reading>(&earlier.join(READING)), read_json::<Profile>(&earlier.join(PROFILE)))
    else {
        return Ok(None);
    };
    if reading.version != dropforge_shared::VERSION || !earlier.join(DATASET).is_file() {
        return Ok(None);
    }
    ctx.log(LogLevel::Info, "read so before: that table and its profile are used again");
    for name in [DATASET, PROFILE, READING, REJECTED] {
        copy(ctx, &earlier.join(name), &out_dir.join(name))?;
    }
    let header = reading.header.unwrap_or(true);
    let part_was_set = options(&ctx.spec().settings).map_err(WorkError::failed)?.part.is_some();
    told(ctx, &profile, header, facts(reading, part_was_set)).map(Some)
}

/// `None` where the file is not there or means nothing to this version.
fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}

/// Detects what kind of data it is, and hands all over.
fn told(ctx: &mut Context, profile: &Profile, header: bool, known: FileFacts) -> Result<Delivery, WorkError> {
    let out_dir = ctx.out_dir().to_owned();
    let detection = detect(ctx, profile, &out_dir.join(DATASET), header);
    write_json(&out_dir.join(DETECTION), &detection)
        .map_err(|e| WorkError::io("writing what kind of data it is", &e))?;
    let facts = FileFacts {
        type_guess: Some(detection.decided),
        fingerprint: detection.fingerprint,
        ask: detection.ask,
        ..known
    };
    Ok(Delivery { facts: Some(facts), ..Delivery::default() })
}

/// What kind of data it is, by the built-in rules and the user's. A rule that is not good is told in the log and kept
/// with the answer; it stops nothing.
fn detect(ctx: &mut Context, profile: &Profile, dataset: &Path, header: bool) -> Detection {
    let (rules, bad_rules) = match ctx.spec().given.rules.clone() {
        Some(folder) => Rules::with_user_folder(&folder),
        None => (Rules::builtin(), Vec::new()),
    };
    for bad in &bad_rules {
        ctx.log(LogLevel::Warn, &format!("detection rule {bad}"));
    }
    let detection = tabular::detect(profile, dataset, header, &rules);
    let decided = &detection.decided;
    let text = format!("type: {}, {} ({:.0} of 100)", decided.name, decided.level, decided.confidence);
    ctx.log(LogLevel::Info, &text);
    Detection { bad_rules, ..detection }
}

/// Profiles again what an earlier job read. What it does not deliver is as that job found it.
fn from_profile(ctx: &mut Context, data: &Path, out_dir: &Path, file: &str) -> Result<Delivery, WorkError> {
    for name in [DATASET, READING, REJECTED] {
        copy(ctx, &data.join(name), &out_dir.join(name))?;
    }
    ctx.complete(DATASET);
    // How often each spelling of missing came up is known from reading alone.
    let before: Option<Profile> = read_json(&data.join(PROFILE));
    let null_tokens: Vec<_> =
        before.into_iter().flat_map(|p| p.columns).map(|column| column.null_tokens).collect();
    // Files taken in before there were readings had a header, as far as the store knows.
    let read: Reading = read_json(&data.join(READING)).unwrap_or_default();
    let profile = tabular::profile(&out_dir.join(DATASET), file, &null_tokens, ctx)?;
    write_json(&out_dir.join(PROFILE), &profile).map_err(|e| WorkError::io("writing the profile", &e))?;
    let header = read.header.unwrap_or(true);
    told(ctx, &profile, header, FileFacts { kind: Some(FileKind::Dataset), ..FileFacts::default() })
}

/// Copies a file that an earlier job left; that there is none is no fault. Byte by byte, as modes can't be set here.
fn copy(ctx: &mut Context, from: &Path, to: &Path) -> Result<(), WorkError> {
    let failed = |e: io::Error| WorkError::io("copying what was read before", &e);
    let mut source = match File::open(from) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(e)),
    };
    let total = source.metadata().map_err(failed)?.len();
    ctx.stage("copy", Some(total), "bytes");
    let mut target = File::create(to).map_err(failed)?;
    let (mut buffer, mut done) = (vec![0; 1 << 20], 0);
    loop {
        if ctx.cancelled() {
            return Err(WorkError::Cancelled);
        }
        let n = source.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            return Ok(());
        }
        target.write_all(&buffer[..n]).map_err(failed)?;
        done += n as u64;
        ctx.progress(done);
    }
}

fn options(settings: &BTreeMap<String, String>) -> Result<ReadOptions, Fault> {
    ReadOptions::from_settings(settings)
        .map_err(|e| Fault::usage(format!("the settings can't be followed: {e}")))
}

/// What a job is to be given. An empty value takes back what was set before, and never comes here.
fn check(settings: &BTreeMap<String, String>) -> Result<(), Fault> {
    let set = settings.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k.clone(), v.clone())).collect();
    options(&set).map(|_| ())
}

fn facts(reading: Reading, part_was_set: bool) -> FileFacts {
    // Of a content with one table there is nothing to tell apart.
    let several = part_was_set || reading.parts.len() > 1;
    let others = reading.parts.iter().filter(|other| !part_was_set && Some(*other) != reading.part.as_ref());
    FileFacts {
        kind: Some(FileKind::Dataset),
        other_parts: others.cloned().collect(),
        format: Some(reading.format),
        encoding: reading.encoding,
        delimiter: reading.delimiter,
        rows: Some(reading.rows),
        columns: Some(reading.columns.len() as u64),
        rejected_rows: Some(reading.rejected_rows),
        pages: None,
        reading: Some(reading.summary),
        part: reading.part.filter(|_| several),
        ..FileFacts::default()
    }
}

fn no_table(reading: &str) -> Delivery {
    let facts = FileFacts {
        kind: Some(FileKind::Unknown),
        reading: Some(reading.to_owned()),
        ..FileFacts::default()
    };
    Delivery { facts: Some(facts), ..Delivery::default() }
}

/// Removes what the engine had begun to write.
fn empty(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut out, value)?;
    out.flush()
}

#[cfg(test)]
mod tests;
