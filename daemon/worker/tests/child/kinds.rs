//! Kinds of job that misbehave in one way each, run in the child.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Command;
use std::time::{Duration, Instant};

use dropforge_shared::file::FileFacts;
use dropforge_shared::job::LogLevel;
use dropforge_shared::kind::{JobClass, KindSpec};
use dropforge_worker::{Context, Delivery, Kind, WorkError};

const fn kind(name: &'static str, run: fn(&mut Context) -> Result<Delivery, WorkError>) -> Kind {
    Kind { spec: KindSpec::new(name, JobClass::Compute, 1 << 30), run }
}

pub const KINDS: &[Kind] = &[
    kind("tries", tries),
    kind("chatty", chatty),
    kind("panics", panics),
    kind("greedy", greedy),
    kind("deep", deep),
    kind("spins", spins),
    kind("patient", patient),
    kind("deaf", deaf),
];

/// Tries what it must not, and says how each try ended.
fn tries(ctx: &mut Context) -> Result<Delivery, WorkError> {
    let input = ctx.input()?.path.clone();
    let out = ctx.out_dir().join("made.csv");
    let beside = ctx.out_dir().with_file_name("beside.csv");
    let below = ctx.out_dir().join("folder");
    let daemon = rustix::process::getppid().unwrap();
    let tries: Vec<(&str, io::Result<()>)> = vec![
        ("read_input", File::open(&input).and_then(|mut f| f.read_to_string(&mut String::new())).map(drop)),
        ("write_input", File::options().append(true).open(&input).map(drop)),
        ("write_out", fs::write(&out, "a,b\n")),
        ("rename_out", fs::rename(&out, ctx.out_dir().join("moved.csv"))),
        ("folder_in_out", fs::create_dir(&below).and_then(|()| fs::write(below.join("x.txt"), "x"))),
        ("write_beside", fs::write(beside, "a,b\n")),
        ("read_passwd", fs::read("/etc/passwd").map(drop)),
        ("list_root", fs::read_dir("/").map(drop)),
        ("read_daemon_memory", fs::read(format!("/proc/{}/environ", daemon.as_raw_nonzero())).map(drop)),
        ("chmod_out", fs::set_permissions(ctx.out_dir(), fs::Permissions::from_mode(0o777))),
        ("tcp", TcpListener::bind("127.0.0.1:0").map(drop)),
        ("udp", UdpSocket::bind("127.0.0.1:0").map(drop)),
        ("unix", UnixStream::connect("/run/whatever").map(drop)),
        ("stream_pair", UnixStream::pair().map(drop)),
        ("datagram_pair", UnixDatagram::pair().map(drop)),
        ("program", Command::new("/bin/true").status().map(drop)),
        (
            "signal_daemon",
            rustix::process::kill_process(daemon, rustix::process::Signal::CONT).map_err(Into::into),
        ),
        (
            "signal_self",
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::CONT)
                .map_err(Into::into),
        ),
        ("new_session", rustix::process::setsid().map(drop).map_err(Into::into)),
        ("thread", std::thread::Builder::new().spawn(|| ()).map(|t| t.join().unwrap())),
        (
            "core_file",
            match rustix::process::getrlimit(rustix::process::Resource::Core).maximum {
                Some(0) => Err(ErrorKind::PermissionDenied.into()),
                _ => Ok(()),
            },
        ),
    ];
    let told: Vec<String> = tries
        .into_iter()
        .map(|(what, result)| match result {
            Ok(()) => format!("{what}=ok"),
            Err(e) if e.kind() == ErrorKind::PermissionDenied => format!("{what}=refused"),
            Err(e) => format!("{what}={e}"),
        })
        .collect();
    let facts = FileFacts { reading: Some(told.join(";")), ..FileFacts::default() };
    Ok(Delivery { facts: Some(facts), ..Delivery::default() })
}

/// Prints on standard output, as a library might, and reports a lot.
fn chatty(ctx: &mut Context) -> Result<Delivery, WorkError> {
    println!("this is no frame");
    let mut nothing = String::new();
    io::stdin().read_to_string(&mut nothing).unwrap();
    assert!(nothing.is_empty(), "{nothing}");
    ctx.stage("count", Some(100_000), "things");
    for done in 1..=100_000 {
        ctx.progress(done);
    }
    ctx.log(LogLevel::Warn, "counted");
    ctx.checkpoint(b"so far".to_vec()).unwrap();
    Ok(Delivery::default())
}

fn panics(_: &mut Context) -> Result<Delivery, WorkError> {
    let empty: Vec<u8> = Vec::new();
    let index = std::hint::black_box(7);
    let _ = std::hint::black_box(empty[index]);
    Ok(Delivery::default())
}

fn greedy(_: &mut Context) -> Result<Delivery, WorkError> {
    let mut all = Vec::new();
    loop {
        all.push(std::hint::black_box(vec![1u8; 1 << 20]));
    }
}

fn deep(_: &mut Context) -> Result<Delivery, WorkError> {
    fn down(n: u64) -> u64 {
        let here = std::hint::black_box([n; 64]);
        if n == u64::MAX { 0 } else { down(n + 1) + here[0] }
    }
    std::hint::black_box(down(0));
    Ok(Delivery::default())
}

fn spins(_: &mut Context) -> Result<Delivery, WorkError> {
    let mut n = 0u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

/// Works until it is asked to stop.
fn patient(ctx: &mut Context) -> Result<Delivery, WorkError> {
    ctx.stage("wait", None, "");
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if ctx.cancelled() {
            return Err(WorkError::Cancelled);
        }
        std::thread::yield_now();
    }
    Ok(Delivery::default())
}

/// Never looks up.
fn deaf(ctx: &mut Context) -> Result<Delivery, WorkError> {
    ctx.stage("sleep", None, "");
    std::thread::sleep(Duration::from_secs(60));
    Ok(Delivery::default())
}
