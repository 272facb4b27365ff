//! `export JOB|FILE --to DIR`: outputs copied out, each written beside and renamed in, each checked against its hash.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::ids::JobId;
use dropforge_shared::job::Output;
use dropforge_shared::paths::hex;
use dropforge_shared::service::CALL;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Context, Done};
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
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Exported {
    name: String,
    path: String,
    bytes: u64,
    sha256: String,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let (job, outputs) = outputs_of(&client, &args.what).await?;
    for name in &args.only {
        if !outputs.iter().any(|o| o.name == *name) {
            let names: Vec<&str> = outputs.iter().map(|o| o.name.as_str()).collect();
            return Err(Fault::not_found(format!("job {job} has no output '{}'", dropforge_shared::clean::fit(name, 60)))
                .hint(format!("It has: {}.", names.join(", "))));
        }
    }
    std::fs::create_dir_all(&args.to).map_err(|e| failed(&args.to, &e))?;
    let mut done = Vec::new();
    for output in outputs.iter().filter(|o| args.only.is_empty() || args.only.contains(&o.name)) {
        let path = args.to.join(&output.name);
        if path.exists() && !args.force {
            return Err(Fault::refused(format!("{} is there already", path.display()))
                .hint("Choose another folder, or add --force to replace it."));
        }
        copy(&client, &job, output, &path).await?;
        done.push(Exported {
            name: output.name.clone(),
            path: path.display().to_string(),
            bytes: output.bytes,
            sha256: output.sha256.clone(),
        });
    }
    if context.json {
        print::json(&done)?;
    } else {
        for file in &done {
            print::line(&format!("{} ({})", file.path, ByteSize(file.bytes)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn failed(path: &Path, error: &std::io::Error) -> Fault {
    Fault::failed(format!("can't write {}: {error}", path.display()))
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
        FaultCode::NotFound => Fault::not_found(format!("no file or job '{}'", dropforge_shared::clean::fit(what, 80))),
        _ => fault,
    })?;
    Ok((job.id, job.outputs))
}

async fn copy(client: &Client, job: &JobId, output: &Output, to: &Path) -> Result<(), Fault> {
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(".part");
    let beside = to.with_file_name(name);
    let result = fill(client, job, output, &beside).await;
    match result {
        Ok(()) => std::fs::rename(&beside, to).map_err(|e| failed(to, &e)),
        Err(fault) => {
            let _ = std::fs::remove_file(&beside);
            Err(fault)
        }
    }
}

async fn fill(client: &Client, job: &JobId, output: &Output, path: &Path) -> Result<(), Fault> {
    let mut file = std::fs::File::create(path).map_err(|e| failed(path, &e))?;
    let (mut hash, mut at) = (Sha256::new(), 0);
    while at < output.bytes {
        let call = client.rpc.output_read(within(CALL), job.to_string(), output.name.clone(), at);
        let chunk = flat(call.await)?;
        if chunk.bytes.is_empty() {
            break;
        }
        hash.update(&chunk.bytes);
        file.write_all(&chunk.bytes).map_err(|e| failed(path, &e))?;
        at += chunk.bytes.len() as u64;
        print::progress(&format!("{}: {} of {}", output.name, ByteSize(at), ByteSize(output.bytes)));
    }
    print::progress("");
    if hex(&hash.finalize()) != output.sha256 {
        return Err(Fault::failed(format!("the output {} of job {job} is not what was recorded", output.name))
            .hint("Its file was changed on disk; `dropforge rerun` makes it anew."));
    }
    file.sync_all().map_err(|e| failed(path, &e))
}
