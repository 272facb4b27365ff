//! `query SQL`: one read-only statement over datasets by name.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use dropforge_shared::client::{flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::query::{Form, QueryRequest, settings};
use dropforge_shared::service::{CALL, Submission};

use super::{Context, Done, export, prepare, rows, waiting, written};
use crate::fetch;
use crate::output as print;

/// Which statement.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A dataset is a table by its file name in double quotes, or by that name without its ending where
that is unique; a sheet is \"BOOK.xlsx#SHEET\".

Example:  dropforge query - --csv > result.csv
          dropforge query 'SELECT * FROM sales' --to sales.parquet"
)]
pub struct Args {
    /// The statement; `-` reads it from standard input
    sql: String,
    /// As CSV (RFC 4180): all rows, or as many as --limit says
    #[arg(long)]
    csv: bool,
    /// Rows at most: 1000 where they are shown, all with --to and with --csv into a file or a pipe
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Write all rows (or as many as --limit says) to this file, by its ending: .csv, .jsonl or .parquet
    #[arg(long, value_name = "PATH", conflicts_with_all = ["csv", "save"])]
    to: Option<PathBuf>,
    /// With --to: the form, whatever the ending says
    #[arg(long = "as", value_name = "FORM", requires = "to", value_parser = written::form)]
    form: Option<Form>,
    /// With --to: replace the file that is there
    #[arg(long, requires = "to")]
    force: bool,
    /// Seconds that it may take
    #[arg(long, default_value_t = 60, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Save the whole result as a dataset of this name, as a job
    #[arg(long, value_name = "NAME", conflicts_with = "csv")]
    save: Option<String>,
    /// With --save: wait until the dataset is there, then show it
    #[arg(long, requires = "save")]
    wait: bool,
    /// Only datasets of this project
    #[arg(long)]
    project: Option<String>,
}

/// The largest statement that is read, in bytes.
const MAX_SQL: u64 = 1 << 20;

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let sql = if args.sql == "-" { from_stdin()? } else { args.sql.clone() };
    if let Some(to) = &args.to {
        if to.as_os_str() == "-" {
            return Err(
                Fault::usage("--to takes the path of a file").hint("--csv writes to standard output.")
            );
        }
        let form = args.form.or_else(|| Form::of_path(to)).ok_or_else(|| {
            Fault::usage(format!("{} does not say its form by its ending", to.display()))
                .hint("Call it .csv, .jsonl or .parquet, or add --as FORM.")
        })?;
        return to_file(to, form, args.force, whole(sql, args.limit, args.project), context).await;
    }
    let client = context.client().await?;
    if let Some(name) = args.save {
        let mut settings =
            BTreeMap::from([(settings::SQL.to_owned(), sql), (settings::NAME.to_owned(), name)]);
        settings.extend(args.project.map(|p| (settings::PROJECT.to_owned(), p)));
        let submission =
            Submission { kind: "query".into(), file: None, settings, priority: 0, idempotency: None };
        let job = flat(client.rpc.submit(within(CALL), submission).await)?;
        return prepare::finish(job, args.wait, client, context).await;
    }
    let time = Duration::from_secs(args.timeout);
    // Into a file or a pipe goes all there is, as from any other program.
    let piped = args.csv && !print::is_terminal();
    let limit = args.limit.unwrap_or(if piped { u64::MAX } else { SHOWN });
    let request = QueryRequest {
        sql: sql.clone(),
        max_rows: limit,
        timeout_ms: args.timeout * 1000,
        project: args.project.clone(),
    };
    // As long as it may take, and as long as it may wait for others. Dropped by Ctrl-C, the call ends, and with it the statement.
    let result = flat(client.rpc.query(within(2 * time + CALL), request).await)?;
    // An answer has a bound, a job has none.
    if piped && !context.json && result.truncated && (result.rows.len() as u64) < limit {
        return to_stdout(whole(sql, args.limit, args.project), context).await;
    }
    if context.json {
        print::json(&result)?;
    } else if args.csv {
        print::out(&rows::csv(&result.columns, &result.rows, print::is_terminal()))?;
    } else {
        rows::text(&result.columns, &result.rows)?;
        print::note(&format!("{} rows in {} ms", result.rows.len(), result.elapsed_ms));
    }
    if result.truncated {
        let shown = result.rows.len();
        // Fewer than were asked for: the answer is as large as one may be. Who set a limit knows of it.
        let more = match args.limit {
            _ if (shown as u64) < limit => "no more fit into one answer, ",
            Some(_) => "",
            None => "--limit N shows more, ",
        };
        print::note(&format!(
            "there are more rows than these {shown}: {more}--to FILE writes all, --save NAME keeps all"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Rows that are shown where nothing else was said.
const SHOWN: u64 = 1000;

/// The settings of a job that writes a statement's rows.
fn whole(sql: String, rows: Option<u64>, project: Option<String>) -> BTreeMap<String, String> {
    let mut with = BTreeMap::from([(settings::SQL.to_owned(), sql)]);
    with.extend(rows.map(|rows| (settings::ROWS.to_owned(), rows.to_string())));
    with.extend(project.map(|project| (settings::PROJECT.to_owned(), project)));
    with
}

async fn to_file(
    to: &Path,
    form: Form,
    force: bool,
    with: BTreeMap<String, String>,
    context: &Context,
) -> Done {
    // Said before the work is done, and looked at again when the file gets its name.
    let to = fetch::target(to, force)?;
    let Some(rows) = written::write(None, with, form, context).await? else {
        return Ok(ExitCode::from(waiting::INTERRUPTED));
    };
    rows.fetch(&to, force).await?;
    export::told(&[export::Exported::new(&rows.output, &to)], context)?;
    rows.done().await;
    Ok(ExitCode::SUCCESS)
}

async fn to_stdout(with: BTreeMap<String, String>, context: &Context) -> Done {
    let Some(rows) = written::write(None, with, Form::Csv, context).await? else {
        return Ok(ExitCode::from(waiting::INTERRUPTED));
    };
    rows.pour(&mut print::bytes).await?;
    rows.done().await;
    Ok(ExitCode::SUCCESS)
}

fn from_stdin() -> Result<String, Fault> {
    let mut sql = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_SQL + 1)
        .read_to_string(&mut sql)
        .map_err(|e| Fault::usage(format!("the statement can't be read from standard input: {e}")))?;
    if sql.len() as u64 > MAX_SQL {
        return Err(Fault::refused("the statement is larger than 1 MiB"));
    }
    Ok(sql)
}
