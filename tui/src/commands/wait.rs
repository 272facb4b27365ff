//! `wait JOB…`: until all have ended; exit 1 where one did not end well.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::job::{JobState, JobView};
use dropforge_shared::service::CALL;

use super::{Context, Done};
use crate::output as print;

/// Which jobs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge wait j3k j4m --timeout 600")]
pub struct Args {
    /// Jobs
    #[arg(required = true)]
    jobs: Vec<String>,
    /// Give up after so many seconds, with exit 1; the jobs go on
    #[arg(long)]
    timeout: Option<u64>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let all = wait_for(&client, &args.jobs);
    let views = match args.timeout {
        None => all.await?,
        Some(seconds) => match tokio::time::timeout(Duration::from_secs(seconds), all).await {
            Ok(views) => views?,
            Err(_) => {
                return Err(Fault::failed(format!("not all jobs have ended within {seconds} s"))
                    .hint("They go on; `dropforge jobs` shows how far they are."));
            }
        },
    };
    if context.json {
        print::json(&views)?;
    }
    let mut code = ExitCode::SUCCESS;
    for view in &views {
        if !context.json {
            print::line(&format!("{} {}", view.id, view.state.name()))?;
        }
        if view.state != JobState::Done {
            code = ExitCode::from(1);
            if let Some(error) = &view.error {
                print::note(&format!("job {}: {error}", view.id));
            }
        }
    }
    Ok(code)
}

/// Waits until all jobs have ended; shows how far they are where there is a terminal.
pub(crate) async fn wait_for(client: &Client, jobs: &[String]) -> Result<Vec<JobView>, Fault> {
    let mut views = Vec::new();
    for job in jobs {
        let start = Instant::now();
        loop {
            // Short polls while a person watches the progress, long ones otherwise.
            let view = flat(client.rpc.job_wait(within(CALL * 3), job.clone(), 1_000).await)?;
            if view.state.is_terminal() {
                views.push(view);
                break;
            }
            if let Some(progress) = &view.progress {
                let percent = progress.fraction().map_or_else(String::new, |f| format!(" {:.0} %", f * 100.0));
                let file = dropforge_shared::clean::fit(view.file_name.as_deref().unwrap_or(&view.kind), 40);
                print::progress(&format!("{file}: {}{percent}, {} s", progress.stage, start.elapsed().as_secs()));
            }
        }
    }
    print::progress("");
    Ok(views)
}
