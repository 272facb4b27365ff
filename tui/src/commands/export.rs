//! `export JOB|FILE --to DIR`: outputs copied out, each written beside and renamed in, each checked against its hash.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::ids::JobId;
use dropforge_shared::job::Output;
use dropforge_shared::query::Form;
use dropforge_shared::service::CALL;
use serde::Serialize;

use super::{Context, Done, waiting, written};
use crate::fetch::{failed, targets};
use crate::output as print;

/// What to copy, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge export sales.csv --to out --only profile.json")]
pub struct Args {
    /// Job, or file: then the outputs of its job
    what: String,
    /// The folder; made if it is missing
    #[arg(long)]
    to: PathBuf,
    /// Only these outputs
    #[arg(long, num_args = 1.., value_name = "NAME")]
    only: Vec<String>,
    /// The dataset's rows instead, in this form: csv, jsonl or parquet
    #[arg(long = "as", value_name = "FORM", value_parser = written::form, conflicts_with = "only")]
    form: Option<Form>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// A file that was written.
#[derive(Serialize)]
pub(super) struct Exported {
    name: String,
    path: String,
    bytes: u64,
    sha256: String,
}

impl Exported {
    pub(super) fn new(output: &Output, path: &Path) -> Self {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self { name, path: path.display().to_string(), bytes: output.bytes, sha256: output.sha256.clone() }
    }
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    if let Some(form) = args.form {
        return rows(&client, &args, form, context).await;
    }
    let (job, outputs) = outputs_of(&client, &args.what).await?;
    if outputs.is_empty() {
        return Err(Fault::not_found(format!("job {job} has no outputs"))
            .hint("`dropforge show` and `dropforge job` tell what became of it; `gc` removes what earlier readings left."));
    }
    for name in &args.only {
        if !outputs.iter().any(|o| o.name == *name) {
            let names: Vec<&str> = outputs.iter().map(|o| o.name.as_str()).collect();
            return Err(Fault::not_found(format!(
                "job {job} has no output '{}'",
                dropforge_shared::clean::fit(name, 60)
            ))
            .hint(format!("It has: {}.", names.join(", "))));
        }
    }
    let wanted: Vec<&Output> =
        outputs.iter().filter(|o| args.only.is_empty() || args.only.contains(&o.name)).collect();
    let names: Vec<&str> = wanted.iter().map(|o| o.name.as_str()).collect();
    let targets = targets(&args.to, &names, args.force)?;
    std::fs::create_dir_all(&args.to).map_err(|e| failed(&args.to, &e))?;
    let mut done = Vec::new();
    for (output, path) in wanted.into_iter().zip(targets) {
        written::fetch(&client, &job, output, &path, args.force).await?;
        done.push(Exported {
            name: output.name.clone(),
            path: path.display().to_string(),
            bytes: output.bytes,
            sha256: output.sha256.clone(),
        });
    }
    told(&done, context)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what was written.
pub(super) fn told(done: &[Exported], context: &Context) -> Result<(), Fault> {
    if context.json {
        return print::json(&done);
    }
    done.iter().try_for_each(|file| print::line(&format!("{} ({})", file.path, ByteSize(file.bytes))))
}

/// A dataset's rows, under its own name with the form's ending.
async fn rows(client: &Client, args: &Args, form: Form, context: &Context) -> Done {
    let file =
        flat(client.rpc.file(within(CALL), args.what.clone()).await).map_err(|fault| match fault.code {
            FaultCode::NotFound => fault.hint("--as takes a FILE; a job's outputs come without it."),
            _ => fault,
        })?;
    let name = renamed(&file.name, form);
    let path = targets(&args.to, &[&name], args.force)?.remove(0);
    let Some(rows) = written::write(Some(file.id.to_string()), BTreeMap::new(), form, context).await? else {
        return Ok(ExitCode::from(waiting::INTERRUPTED));
    };
    std::fs::create_dir_all(&args.to).map_err(|e| failed(&args.to, &e))?;
    rows.fetch(&path, args.force).await?;
    told(&[Exported::new(&rows.output, &path)], context)?;
    rows.done().await;
    Ok(ExitCode::SUCCESS)
}

/// `a/sales.csv.gz` becomes `sales.parquet`, a sheet `BOOK.xlsx#MAY` `BOOK-MAY.parquet`.
fn renamed(name: &str, form: Form) -> String {
    let (name, part) = name.split_once('#').map_or((name, None), |(book, part)| (book, Some(part)));
    let name = name.rsplit('/').next().unwrap_or(name);
    let packed = [".gz", ".zst", ".zip"].into_iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let stem = packed.rsplit_once('.').map_or(packed, |(stem, _)| stem);
    let stem = if stem.is_empty() { "dataset" } else { stem };
    let whole = part.map_or_else(|| stem.to_owned(), |part| format!("{stem}-{part}"));
    // The name came with a file, and goes to a disk: no control characters, and room for the ending.
    let plain: String = whole.chars().map(|c| if c.is_control() || c == '/' { '-' } else { c }).collect();
    let end = (0..=plain.len().min(240)).rev().find(|i| plain.is_char_boundary(*i)).unwrap_or(0);
    format!("{}.{}", plain.get(..end).unwrap_or_default(), form.name())
}

async fn outputs_of(client: &Client, what: &str) -> Result<(JobId, Vec<Output>), Fault> {
    let job = match flat(client.rpc.file(within(CALL), what.to_owned()).await) {
        Ok(file) => match file.job {
            Some(job) => job.to_string(),
            None => {
                let name = dropforge_shared::clean::line(&file.name).into_owned();
                return Err(Fault::failed(format!("{name} has no outputs: it is {}", file.state.name())));
            }
        },
        Err(fault) if fault.code == FaultCode::NotFound => what.to_owned(),
        Err(fault) => return Err(fault),
    };
    let job = flat(client.rpc.job(within(CALL), job).await).map_err(|fault| match fault.code {
        FaultCode::NotFound => {
            Fault::not_found(format!("no file or job '{}'", dropforge_shared::clean::fit(what, 80)))
        }
        _ => fault,
    })?;
    Ok((job.id, job.outputs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_keeps_its_name_in_another_form() {
        assert_eq!(renamed("a/sales.2024.csv.gz", Form::Parquet), "sales.2024.parquet");
        assert_eq!(renamed("book.xlsx#May/June", Form::Csv), "book-May-June.csv");
    }
}
