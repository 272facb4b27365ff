//! `doctor`: what is fine, what is not, and what to do; works without a daemon too. Exit 1 where something is broken.

use std::io::IsTerminal;
use std::process::ExitCode;

use dropforge_shared::client::{connect, flat, within};
use dropforge_shared::service::{CALL, Check};

use super::{Context, Done};
use crate::output as print;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge doctor")]
pub struct Args {}

fn check(name: &str, level: &str, detail: impl Into<String>, advice: Option<&str>) -> Check {
    Check { name: name.into(), level: level.into(), detail: detail.into(), advice: advice.map(str::to_owned) }
}

/// Runs the verb.
pub async fn run(_: Args, context: &Context) -> Done {
    let mut checks = vec![configuration(context), home(context)];
    match connect(&context.paths).await {
        Ok(Some(client)) => {
            let detail = format!("pid {}, version {}", client.peer.pid, client.peer.version);
            checks.push(check("daemon", "ok", detail, None));
            checks.extend(flat(client.rpc.doctor(within(CALL)).await)?);
        }
        Ok(None) => {
            let advice = "Any verb starts it; `dropforge daemon start` does only that.";
            checks.push(check("daemon", "warning", "is not running", Some(advice)));
            checks.extend(offline(context));
        }
        Err(fault) => {
            let log = format!("What it said lies in {}.", context.paths.logs.display());
            checks.push(check("daemon", "error", fault.message, Some(fault.hint.as_deref().unwrap_or(&log))));
        }
    }
    checks.extend(sandbox());
    checks.extend(terminal());
    let broken = checks.iter().any(|c| c.level == "error");
    if context.json {
        print::json(&checks)?;
    } else {
        for c in &checks {
            let mark = match c.level.as_str() {
                "ok" => "ok     ",
                "warning" => "warning",
                _ => "ERROR  ",
            };
            print::line(&format!("{mark}  {:<18} {}", c.name, dropforge_shared::clean::line(&c.detail)))?;
            if let Some(advice) = &c.advice {
                print::line(&format!("         {:<18} → {advice}", ""))?;
            }
        }
    }
    Ok(if broken { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// What the daemon would meet at its start.
#[cfg(feature = "local")]
fn offline(context: &Context) -> Vec<Check> {
    dropforge_daemon::check_offline(&context.paths)
}

#[cfg(not(feature = "local"))]
fn offline(_: &Context) -> Vec<Check> {
    Vec::new()
}

fn configuration(context: &Context) -> Check {
    let path = context.paths.config.display();
    match context.config() {
        Ok(_) if context.paths.config.exists() => check("configuration", "ok", path.to_string(), None),
        Ok(_) => check("configuration", "ok", format!("{path} is not there: all defaults"), None),
        Err(fault) => check("configuration", "error", fault.message, fault.hint.as_deref()),
    }
}

fn home(context: &Context) -> Check {
    let home = &context.paths.home;
    if !home.exists() {
        return check("home", "ok", format!("{} is made at the first start", home.display()), None);
    }
    match dropforge_shared::paths::private_dir(home) {
        // The daemon looks at its folders itself; where none runs, this may be why.
        Ok(()) => match rustix::fs::access(home, rustix::fs::Access::WRITE_OK) {
            Ok(()) => check("home", "ok", home.display().to_string(), None),
            Err(e) => check(
                "home",
                "error",
                format!("{} can't be written: {e}", home.display()),
                Some(
                    "Mount its file system to be written, mend its permissions, or set DROPFORGE_HOME to another place.",
                ),
            ),
        },
        Err(fault) => check("home", "error", fault.message, fault.hint.as_deref()),
    }
}

#[cfg(feature = "local")]
fn sandbox() -> Vec<Check> {
    let support = dropforge_worker::probe();
    vec![
        match support.landlock_abi {
            Some(abi) => {
                check("landlock", "ok", format!("ABI {abi}: children reach only their own files"), None)
            }
            None => check(
                "landlock",
                "warning",
                "this kernel has none: children are not confined to their files",
                Some("Linux 5.13 or later with `landlock` among its security modules has it."),
            ),
        },
        if support.seccomp {
            check("seccomp", "ok", "children make no sockets and start no programs", None)
        } else {
            check(
                "seccomp",
                "warning",
                "this kernel has none: children could make sockets",
                Some("A kernel with CONFIG_SECCOMP_FILTER has it; a container may be keeping it away."),
            )
        },
    ]
}

#[cfg(not(feature = "local"))]
fn sandbox() -> Vec<Check> {
    Vec::new()
}

fn terminal() -> Vec<Check> {
    if !std::io::stdout().is_terminal() {
        return vec![check("terminal", "ok", "none here: the verbs work, the workbench needs one", None)];
    }
    let mut all = Vec::new();
    let term = std::env::var("TERM").unwrap_or_default();
    all.push(if term.is_empty() || term == "dumb" {
        check(
            "terminal",
            "error",
            format!("TERM is '{term}'"),
            Some("Set TERM, for example to xterm-256color."),
        )
    } else {
        check("terminal", "ok", term, None)
    });
    all.push(match crossterm::terminal::size() {
        Ok((columns, rows)) if columns < 40 || rows < 10 => check(
            "window",
            "warning",
            format!("{columns}×{rows}"),
            Some("The workbench needs 40×10 at least."),
        ),
        Ok((columns, rows)) => check("window", "ok", format!("{columns}×{rows}"), None),
        Err(e) => check("window", "warning", format!("its size can't be told: {e}"), None),
    });
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|v| std::env::var(v).ok().filter(|s| !s.is_empty()));
    let utf8 = locale.as_deref().is_some_and(|l| {
        let l = l.to_ascii_lowercase();
        l.contains("utf-8") || l.contains("utf8")
    });
    all.push(if utf8 {
        check("characters", "ok", locale.unwrap_or_default(), None)
    } else {
        check(
            "characters",
            "warning",
            format!("the locale is '{}', not UTF-8", locale.unwrap_or_default()),
            Some("`export LANG=C.UTF-8`: bars and frames are drawn with Unicode."),
        )
    });
    if std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) {
        all.push(check("colours", "ok", "off by NO_COLOR", None));
    }
    all
}
