//! `query SQL`: one read-only statement over datasets by name.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use dropforge_shared::client::{flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::query::{QueryRequest, settings};
use dropforge_shared::service::{CALL, Submission};

use super::{Context, Done, prepare, rows};
use crate::output as print;

/// Which statement.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A dataset is a table by its file name in double quotes, or by that name without its ending where
that is unique; a sheet is \"BOOK.xlsx#SHEET\".

Example:  dropforge query - --csv > result.csv"
)]
pub struct Args {
    /// The statement; `-` reads it from standard input
    sql: String,
    /// As CSV (RFC 4180)
    #[arg(long)]
    csv: bool,
    /// Rows at most
    #[arg(long, default_value_t = 1000, value_name = "N")]
    limit: u64,
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
    let request =
        QueryRequest { sql, max_rows: args.limit, timeout_ms: args.timeout * 1000, project: args.project };
    // As long as it may take, and as long as it may wait for others. Dropped by Ctrl-C, the call ends, and with it the statement.
    let result = flat(client.rpc.query(within(2 * time + CALL), request).await)?;
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
        // Fewer than were asked for: the answer is as large as one may be.
        let more = if shown as u64 >= args.limit {
            "--limit N shows more, "
        } else {
            "no more fit into one answer, "
        };
        print::note(&format!("there are more rows than these {shown}: {more}--save NAME keeps all"));
    }
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
