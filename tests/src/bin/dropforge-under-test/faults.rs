//! A kind of job that misbehaves as its setting `do` says, as an engine with a fault would.
#![allow(unsafe_code, clippy::panic)]

use std::io::Write;
use std::time::{Duration, Instant};

use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileFacts, FileKind, TypeGuess};
use dropforge_shared::job::LogLevel;
use dropforge_shared::kind::{JobClass, KindSpec};
use dropforge_shared::work::Derived;
use dropforge_worker::{Context, Delivery, Kind, WorkError};

pub const KIND: Kind = Kind { spec: KindSpec::new("fault", JobClass::Ingest, 256 << 20), run };

/// Longer than any test waits: what ends it is the thing under test.
const FOR_EVER: Duration = Duration::from_secs(3600);

fn run(context: &mut Context) -> Result<Delivery, WorkError> {
    let what = context.spec().settings.get("do").cloned().unwrap_or_default();
    context.stage(&what, Some(100), "steps");
    match what.as_str() {
        "nothing" => {}
        "sleep" => {
            let start = Instant::now();
            while start.elapsed() < FOR_EVER && !context.cancelled() {
                std::thread::sleep(Duration::from_millis(10));
            }
            if context.cancelled() {
                return Err(WorkError::Cancelled);
            }
        }
        "tick" => {
            for step in 0..100 {
                context.progress(step);
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        "output" => {
            let path = context.out_dir().join("note.txt");
            std::fs::write(path, "made").map_err(|e| WorkError::io("writing a note", &e))?;
        }
        // As an engine that makes a dataset: the output `made.csv` becomes a file.
        "derive" => {
            let set = |name: &str, usual: &str| {
                context.spec().settings.get(name).cloned().unwrap_or_else(|| usual.to_owned())
            };
            let (content, name, output) =
                (set("content", "a,b\n1,2\n"), set("name", "made.csv"), set("output", "made.csv"));
            let path = context.out_dir().join("made.csv");
            std::fs::write(path, content).map_err(|e| WorkError::io("writing a dataset", &e))?;
            let derived = vec![Derived { output, name, how: "made by a test".into() }];
            return Ok(Delivery { derived, ..Delivery::default() });
        }
        // As an engine that reads a workbook: `part` was read, `parts` are there too, by commas.
        "parts" => {
            let set = |name: &str| context.spec().settings.get(name).cloned();
            let other_parts = set("parts").unwrap_or_default();
            let facts = FileFacts {
                kind: Some(FileKind::Dataset),
                part: set("part"),
                other_parts: other_parts.split(',').filter(|p| !p.is_empty()).map(str::to_owned).collect(),
                ..FileFacts::default()
            };
            return Ok(Delivery { facts: Some(facts), ..Delivery::default() });
        }
        // As a detector that is not sure, of a table with the header `header`.
        "unsure" => {
            let facts = FileFacts {
                kind: Some(FileKind::Dataset),
                type_guess: Some(TypeGuess {
                    name: "generic".into(),
                    confidence: 20.0,
                    level: "very_low".into(),
                    decided_by: "detector".into(),
                    evidence: vec![],
                }),
                fingerprint: context.spec().settings.get("header").cloned(),
                ask: true,
                ..FileFacts::default()
            };
            return Ok(Delivery { facts: Some(facts), ..Delivery::default() });
        }
        // What it was given is told in its log.
        "given" => {
            let given = context.spec().given.clone();
            let list = |dir: &Option<std::path::PathBuf>| match dir {
                None => "none".to_owned(),
                Some(dir) => {
                    let mut names: Vec<String> = std::fs::read_dir(dir).map_or_else(
                        |e| vec![e.to_string()],
                        |entries| {
                            entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect()
                        },
                    );
                    names.sort();
                    names.join(" ")
                }
            };
            context.log(LogLevel::Info, &format!("data: {}", list(&given.data)));
            context.log(LogLevel::Info, &format!("rules: {}", list(&given.rules)));
            for unclear in given.unclear.iter().filter(|u| u.several) {
                context.log(LogLevel::Info, &format!("ambiguous {}: {}", unclear.name, unclear.why));
            }
            for table in &given.tables {
                let bytes = std::fs::read(&table.dataset).map(|b| b.len());
                context.log(LogLevel::Info, &format!("table {}: {bytes:?}", table.name));
            }
        }
        "panic" => panic!("a fault that a test asked for"),
        "abort" => std::process::abort(),
        "memory" => {
            let mut held: Vec<Vec<u8>> = Vec::new();
            loop {
                held.push(vec![held.len() as u8; 8 << 20]);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        "stack" => {
            std::hint::black_box(deeper(1));
        }
        "deaf" => {
            // Ignores the message and SIGTERM.
            // SAFETY: SIG_IGN is a valid disposition, and no handler of ours is replaced.
            unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
            std::thread::sleep(FOR_EVER);
        }
        "busy" => {
            let start = Instant::now();
            while start.elapsed() < FOR_EVER {
                std::hint::black_box(start);
            }
        }
        "fail" => return Err(WorkError::failed(Fault::failed("it can't be done, ever"))),
        "transient" => {
            return Err(WorkError::Failed { fault: Fault::failed("it may pass"), transient: true });
        }
        "flood" => {
            for line in 0..1_000_000u32 {
                context.log(LogLevel::Info, &format!("line {line}"));
            }
        }
        "long_line" => {
            let mut stderr = std::io::stderr().lock();
            let piece = vec![b'x'; 1 << 20];
            for _ in 0..100 {
                stderr.write_all(&piece).map_err(|e| WorkError::io("writing", &e))?;
            }
            let _ = stderr.write_all(b"\nthe line after\n");
        }
        "socket" => {
            return match std::net::UdpSocket::bind("127.0.0.1:0") {
                Ok(_) => Err(WorkError::failed(Fault::failed("a socket could be made"))),
                Err(e) => Err(WorkError::failed(Fault::failed(format!("no socket: {e}")))),
            };
        }
        "fork_twice" => {
            // A process that leaves its parent and its group, as a helper program of an engine might.
            // SAFETY: the children call nothing but what is allowed after a fork (signal-safety(7)).
            let forked = unsafe {
                match libc::fork() {
                    0 => {
                        libc::setsid();
                        if libc::fork() == 0 {
                            libc::sleep(3600);
                        }
                        libc::_exit(0)
                    }
                    pid => pid,
                }
            };
            if forked < 0 {
                let e = std::io::Error::last_os_error();
                context.log(LogLevel::Info, &format!("no fork: {e}"));
            } else {
                context.log(LogLevel::Info, "forked");
            }
        }
        "read_elsewhere" => {
            return match std::fs::read("/etc/passwd") {
                Ok(_) => Err(WorkError::failed(Fault::failed("a file elsewhere could be read"))),
                Err(e) => Err(WorkError::failed(Fault::failed(format!("no reading: {e}")))),
            };
        }
        other => return Err(WorkError::failed(Fault::usage(format!("no such fault: {other}")))),
    }
    Ok(Delivery::default())
}

#[allow(unconditional_recursion)]
fn deeper(n: u64) -> u64 {
    let room = std::hint::black_box([n; 512]);
    deeper(n + 1).wrapping_add(room[(n % 512) as usize])
}
