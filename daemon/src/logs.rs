//! The daemon's own log: one file a day, kept for as many days as configured.

use dropforge_shared::config;
use dropforge_shared::fault::Fault;
use dropforge_shared::paths::Paths;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

/// Starts logging to files, and to standard error as well where a person or systemd reads it. A panic is logged too.
pub(crate) fn start(paths: &Paths, log: &config::Log, to_stderr: bool) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(&log.level).map_err(|e| {
        Fault::usage(format!("{}: log.level = '{}': {e}", paths.config.display(), log.level))
            .hint("One of error, warn, info, debug, trace.")
    })?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("daemon")
        .filename_suffix("log")
        .max_log_files(log.keep_days.max(1) as usize)
        .build(&paths.logs)
        .map_err(|e| Fault::failed(format!("can't write logs in {}: {e}", paths.logs.display())))?;
    if to_stderr {
        install(filter, files.and(std::io::stderr));
    } else {
        install(filter, files);
    }
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(())
}

fn install(filter: EnvFilter, writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer).finish();
    // A second subscriber in one process happens only in tests; the first goes on.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
