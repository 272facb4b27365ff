//! Figures of the spine, printed and not asserted: `cargo bench -p dropforge-tests`.
//!
//! - jobs enqueued by durable calls, 64 under way at once, and pages of 100 listed while they are there;
//! - the workbench's first frame with a running daemon;
//! - the daemon's resident memory and CPU time while idle.

// Its figures are what it is for.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use dropforge_shared::client::{connect, flat, within};
use dropforge_shared::service::{CALL, JobQuery, Submission};
use dropforge_tests::{Home, Terminal, bytes_of};
use futures::StreamExt;

const JOBS: usize = 10_000;

fn main() {
    let home = Home::new(env!("CARGO_BIN_EXE_dropforge-under-test"));
    let sample = home.file("penguins.csv", bytes_of("assets/samples/penguins.csv"));
    home.json(&format!("add {} --wait", sample.display()));
    idle(&home);
    first_frame(&home);
    queue(&home);
}

fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a daemon that runs");
    let fields: Vec<&str> = stat[stat.rfind(')').expect("a command") + 2..].split(' ').collect();
    fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
}

fn idle(home: &Home) {
    let pid = home.daemon_pid().expect("a daemon that runs");
    let before = cpu_ticks(pid);
    std::thread::sleep(Duration::from_secs(10));
    let ticks = cpu_ticks(pid) - before;
    let rss = home.json("daemon status")["rss_bytes"].as_u64().expect("a number");
    println!("idle daemon: {:.1} MB resident, {ticks} CPU ticks (10 ms each) in 10 s", rss as f64 / 1e6);
}

fn first_frame(home: &Home) {
    let mut times: Vec<f64> = (0..20)
        .map(|_| {
            let start = Instant::now();
            let terminal = Terminal::open(home, 80, 24);
            while !terminal.text().contains("Dropforge") {
                std::thread::sleep(Duration::from_micros(200));
            }
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("first frame: median {:.0} ms, slowest of 20 {:.0} ms", times[10], times[19]);
}

fn queue(home: &Home) {
    // Nothing may start meanwhile: what is measured is the queue, not the children.
    home.stop_daemon();
    home.configure("[queue]\ningest_jobs = 1\n");
    home.start_daemon();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    runtime.block_on(async {
        let client =
            connect(&home.paths()).await.expect("a daemon that answers").expect("a daemon that runs");
        let submission = |what: &str| Submission {
            kind: "fault".into(),
            file: None,
            settings: [("do".to_owned(), what.to_owned())].into(),
            priority: 0,
            idempotency: None,
        };
        // The only place is taken by one that sleeps.
        flat(client.rpc.submit(within(CALL), submission("sleep")).await).expect("a job that is queued");
        let start = Instant::now();
        futures::stream::iter(0..JOBS)
            .map(|_| {
                let rpc = client.rpc.clone();
                let submission = submission("nothing");
                async move { flat(rpc.submit(within(CALL), submission).await).expect("a job that is queued") }
            })
            .buffer_unordered(64)
            .for_each(|_| async {})
            .await;
        let took = start.elapsed().as_secs_f64();
        println!("{JOBS} jobs enqueued durably in {took:.2} s ({:.0}/s)", JOBS as f64 / took);
        let (mut times, mut after) = (Vec::new(), None);
        while times.len() < 300 {
            let start = Instant::now();
            let query = JobQuery { state: None, after, limit: 100 };
            let page = flat(client.rpc.jobs(within(CALL), query).await).expect("a page");
            times.push(start.elapsed().as_secs_f64() * 1e3);
            after = page.next;
        }
        times.sort_by(f64::total_cmp);
        println!("a page of 100 of them: median {:.1} ms, p99 {:.1} ms", times[150], times[297]);
    });
}
