//! Tells how a child ended without a word of its own, with the likeliest cause and what to do.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use dropforge_shared::fault::Fault;

/// What is known of a child's end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ending<'a> {
    /// What the kernel says; `None` where the child could not be ended.
    pub status: Option<ExitStatus>,
    /// The memory it was allowed, in bytes.
    pub memory_bytes: u64,
    /// The key of the configuration that says so.
    pub memory_key: &'static str,
    /// The most memory it was seen to hold, in bytes.
    pub peak_rss_bytes: u64,
    /// Whether it was ended for holding more than it was allowed.
    pub over_limit: bool,
    /// The last lines of its standard error.
    pub stderr_tail: &'a str,
}

const REPORT: &str =
    "Please report this with the file's first lines; the job's log has what the child printed.";

/// The end in words.
pub fn describe(ending: &Ending<'_>) -> Fault {
    let limit = size(ending.memory_bytes);
    let peak = size(ending.peak_rss_bytes);
    let more_memory = format!(
        "Allow more memory in the configuration, `{}`, or ask for less at a time.",
        ending.memory_key
    );
    // The peak counts pages of files that it had mapped, the limit does not.
    let of_limit = if ending.peak_rss_bytes > ending.memory_bytes {
        format!("it held up to {peak}, files that it had mapped among them")
    } else {
        format!("it held up to {peak} of the {limit} that it may")
    };
    if ending.over_limit {
        // A control group counts what no look at the process finds: files in memory, and what came and went in between.
        let held = if ending.peak_rss_bytes > ending.memory_bytes {
            format!(" (it held {peak})")
        } else {
            ", with all that it wrote to a file system in memory".to_owned()
        };
        return Fault::failed(format!("the worker went over its memory limit of {limit}{held}"))
            .hint(more_memory);
    }
    let Some(status) = ending.status else {
        return Fault::failed("the worker hangs in the kernel and can't be ended yet")
            .hint("A disk or a network share that does not answer does this; see `dmesg`.");
    };
    if let Some(code) = status.code() {
        return exited(code);
    }
    let number = status.signal().unwrap_or(0);
    let said = |words: &str| ending.stderr_tail.contains(words);
    match number {
        // What the Rust runtime prints before it aborts.
        libc::SIGABRT | libc::SIGSEGV if said("has overflowed its stack") => {
            Fault::failed(format!("the worker overflowed its stack (signal {number}, {})", name(number)))
                .hint("The file nests something very deeply. It is kept as it is.")
        }
        libc::SIGABRT if said("memory allocation of") => {
            Fault::failed(format!("the worker ran out of memory under its limit of {limit} ({of_limit})"))
                .hint(more_memory)
        }
        libc::SIGABRT => Fault::failed(format!(
            "the worker aborted (signal 6, SIGABRT), as it does when memory runs out under its limit of {limit} \
             or its stack overflows ({of_limit})"
        ))
        .hint(more_memory),
        libc::SIGKILL if ending.peak_rss_bytes >= ending.memory_bytes / 4 * 3 && ending.memory_bytes > 0 => {
            Fault::failed(format!(
                "the worker was killed (signal 9, SIGKILL), most likely as the machine ran out of memory ({of_limit})"
            ))
            .hint("Let fewer jobs run at once, or free some memory.")
        }
        libc::SIGKILL => Fault::failed(format!(
            "the worker was killed (signal 9, SIGKILL) by someone, or by the kernel as memory ran short ({of_limit})"
        ))
        .hint("`dmesg` tells when it was the kernel."),
        libc::SIGXCPU => Fault::failed("the worker used up the processor time that it may take (signal 24, SIGXCPU)")
            .hint("Allow a job more in the configuration, `queue.job_cpu_seconds`."),
        libc::SIGBUS => Fault::failed("the worker lost sight of a file that it was reading (signal 7, SIGBUS)")
            .hint("The file was cut short meanwhile, or the disk has a fault."),
        libc::SIGSEGV | libc::SIGILL | libc::SIGFPE | libc::SIGSYS => {
            Fault::failed(format!("the worker crashed (signal {number}, {})", name(number))).hint(REPORT)
        }
        _ => Fault::failed(format!("the worker was ended from outside (signal {number}, {})", name(number))),
    }
}

fn exited(code: i32) -> Fault {
    match code {
        0 => Fault::failed("the worker ended without a result (exit code 0)").hint(REPORT),
        2 => Fault::failed("the worker and the daemon did not understand each other (exit code 2)")
            .hint("Restart the daemon, so that both are of the same build."),
        3 => Fault::failed("the worker lost its connection to the daemon (exit code 3)"),
        _ => Fault::failed(format!("the worker ended without a result (exit code {code})")).hint(REPORT),
    }
}

fn name(signal: i32) -> &'static str {
    match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGTERM => "SIGTERM",
        libc::SIGSYS => "SIGSYS",
        libc::SIGXFSZ => "SIGXFSZ",
        _ => "see signal(7)",
    }
}

fn size(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib >= 1024.0 { format!("{:.1} GiB", mib / 1024.0) } else { format!("{mib:.0} MiB") }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sh;
    use super::*;

    fn ended(raw: i32) -> Ending<'static> {
        Ending {
            status: Some(ExitStatus::from_raw(raw)),
            memory_bytes: 2 << 30,
            memory_key: "queue.job_memory",
            peak_rss_bytes: 20 << 20,
            over_limit: false,
            stderr_tail: "",
        }
    }

    #[test]
    fn going_over_the_limit_is_told_with_the_limit() {
        let ending = Ending { over_limit: true, peak_rss_bytes: 2_200 << 20, ..ended(9) };
        let fault = describe(&ending);
        assert!(fault.message.contains("over its memory limit of 2.0 GiB (it held 2.1 GiB)"));
        assert!(fault.hint.is_some_and(|hint| hint.contains("`queue.job_memory`")));
        // What a control group counted and no look found.
        let ending = Ending { over_limit: true, ..ended(9) };
        assert!(describe(&ending).message.ends_with("in memory"), "{}", describe(&ending).message);
    }

    #[test]
    fn what_the_runtime_printed_tells_two_kinds_of_abort_apart() {
        let stack = Ending { stderr_tail: "thread 'main' (7) has overflowed its stack\n", ..ended(6) };
        assert!(describe(&stack).message.contains("overflowed its stack"));
        let memory = Ending { stderr_tail: "memory allocation of 99 bytes failed\n", ..ended(6) };
        assert!(describe(&memory).message.contains("ran out of memory under its limit of 2.0 GiB"));
        assert!(describe(&ended(6)).message.contains("SIGABRT"));
    }

    #[test]
    fn a_kill_with_little_memory_held_is_not_blamed_on_memory_alone() {
        assert!(describe(&ended(9)).message.contains("by someone"));
        let big = Ending { peak_rss_bytes: 1_900 << 20, ..ended(9) };
        assert!(describe(&big).message.contains("the machine ran out of memory"));
    }

    #[tokio::test]
    async fn real_ends_are_named() {
        let sh = Sh::start();
        for (script, words) in [
            ("kill -SEGV $$", "signal 11, SIGSEGV"),
            ("kill -TERM $$", "signal 15, SIGTERM"),
            ("exit 0", "without a result (exit code 0)"),
            ("exit 42", "exit code 42"),
        ] {
            let status = sh.spawn(script).await.exited().await;
            let told = describe(&Ending { status: Some(status), ..ended(0) }).message;
            assert!(told.contains(words), "{script}: {told}");
        }
    }
}
