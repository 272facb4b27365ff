//! What a daemon may rely on.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;

use dropforge_shared::fault::FaultCode;
use dropforge_shared::file::FileKind;
use dropforge_shared::page::Cell;
use dropforge_shared::query::{Filter, FilterOp, SortKey, TableRef, View};
use dropforge_shared::work::{FromWorker, ReadAnswer, ReadRequest, ToWorker};

use crate::parent::{Worker, attempt, spec};

pub const CASES: &[(&str, fn())] = &[
    ("a_child_is_confined", a_child_is_confined),
    ("printing_does_not_garble_the_protocol", printing_does_not_garble_the_protocol),
    ("a_panic_is_a_failure_with_its_place", a_panic_is_a_failure_with_its_place),
    ("memory_over_the_limit_ends_the_child", memory_over_the_limit_ends_the_child),
    ("a_stack_overflow_ends_the_child", a_stack_overflow_ends_the_child),
    ("processor_time_over_the_limit_ends_the_child", processor_time_over_the_limit_ends_the_child),
    ("a_cancel_is_heard_in_the_middle_of_work", a_cancel_is_heard_in_the_middle_of_work),
    ("a_child_ends_with_its_input", a_child_ends_with_its_input),
    ("a_child_of_somebody_else_does_nothing", a_child_of_somebody_else_does_nothing),
    ("an_unknown_kind_is_refused", an_unknown_kind_is_refused),
    ("a_missing_input_is_named", a_missing_input_is_named),
    ("garbage_on_the_input_ends_the_child", garbage_on_the_input_ends_the_child),
    ("a_table_is_taken_in_and_read_page_by_page", a_table_is_taken_in_and_read_page_by_page),
    ("statements_and_views_run_where_little_is_allowed", statements_and_views_run_where_little_is_allowed),
];

fn a_child_is_confined() {
    let home = tempfile::tempdir().unwrap();
    let end = attempt("misbehaving", spec(home.path(), "tries", b"a,b\n1,2\n"));
    let FromWorker::Done { facts, outputs, .. } = end.frames.last().unwrap() else {
        panic!("{:?} {}", end.frames, end.stderr)
    };
    let told = facts.as_ref().unwrap().reading.as_ref().unwrap();
    let told: BTreeMap<&str, &str> = told.split(';').map(|one| one.split_once('=').unwrap()).collect();
    let support = dropforge_worker::probe();
    let sandbox = end.sandbox.unwrap();
    println!("  {sandbox}; {support:?}");

    for what in
        ["read_input", "write_out", "rename_out", "folder_in_out", "thread", "stream_pair", "signal_self"]
    {
        assert_eq!(told[what], "ok", "{what}");
    }
    assert_eq!(told["core_file"], "refused");
    match support.landlock_abi {
        Some(abi) => {
            assert!(sandbox.contains(&format!("landlock abi {abi}")), "{sandbox}");
            for what in ["write_input", "write_beside", "read_passwd", "list_root", "read_daemon_memory"] {
                assert_eq!(told[what], "refused", "{what}");
            }
            assert!(!home.path().join("beside.csv").exists());
        }
        None => assert!(sandbox.contains("no landlock"), "{sandbox}"),
    }
    if support.seccomp {
        assert!(sandbox.contains(", seccomp, rlimit_data 1.0 GiB"), "{sandbox}");
        let refused =
            ["tcp", "udp", "unix", "datagram_pair", "program", "chmod_out", "signal_daemon", "new_session"];
        for what in refused {
            assert_eq!(told[what], "refused", "{what}");
        }
    }
    let names: Vec<_> = outputs.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["folder/x.txt", "moved.csv"]);
    assert!(end.status.success());
}

fn printing_does_not_garble_the_protocol() {
    let home = tempfile::tempdir().unwrap();
    let end = attempt("misbehaving", spec(home.path(), "chatty", b""));
    let kinds: Vec<_> = end
        .frames
        .iter()
        .map(|frame| match frame {
            FromWorker::Log { text, .. } => text.as_str(),
            FromWorker::Checkpoint { bytes, .. } => std::str::from_utf8(bytes).unwrap(),
            FromWorker::Done { .. } => "done",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["counted", "so far", "done"]);
    assert!((2..50).contains(&end.progress), "100,000 reports became {}", end.progress);
    assert!(end.stderr.contains("this is no frame"));
}

fn a_panic_is_a_failure_with_its_place() {
    let home = tempfile::tempdir().unwrap();
    let end = attempt("misbehaving", spec(home.path(), "panics", b""));
    let [FromWorker::Failed { fault, transient: false, .. }] = end.frames.as_slice() else {
        panic!("{:?}", end.frames)
    };
    assert!(fault.message.contains("index is 7") && fault.message.contains("kinds.rs:"), "{fault}");
    assert!(end.stderr.contains("panicked: index out of bounds"), "{}", end.stderr);
    assert!(end.status.success(), "it said its last word");
}

fn memory_over_the_limit_ends_the_child() {
    let home = tempfile::tempdir().unwrap();
    let mut spec = spec(home.path(), "greedy", b"");
    spec.memory_bytes = 256 << 20;
    let end = attempt("misbehaving", spec);
    assert_eq!(end.status.signal(), Some(6), "{:?} {}", end.status, end.stderr);
    assert!(end.stderr.contains("memory allocation of 1048576 bytes failed"), "{}", end.stderr);
}

fn a_stack_overflow_ends_the_child() {
    let home = tempfile::tempdir().unwrap();
    let end = attempt("misbehaving", spec(home.path(), "deep", b""));
    assert_eq!(end.status.signal(), Some(6), "{:?} {}", end.status, end.stderr);
    assert!(end.stderr.contains("has overflowed its stack"), "{}", end.stderr);
}

fn processor_time_over_the_limit_ends_the_child() {
    let home = tempfile::tempdir().unwrap();
    let mut spec = spec(home.path(), "spins", b"");
    spec.cpu_seconds = 1;
    let end = attempt("misbehaving", spec);
    // SIGXCPU of signal(7).
    assert_eq!(end.status.signal(), Some(24), "{:?} {}", end.status, end.stderr);
}

fn a_cancel_is_heard_in_the_middle_of_work() {
    let home = tempfile::tempdir().unwrap();
    let mut worker = Worker::start("misbehaving", &[]);
    worker.send(&ToWorker::Start(Box::new(spec(home.path(), "patient", b""))));
    worker.wait_for_progress();
    worker.send(&ToWorker::Cancel);
    let end = worker.end();
    assert!(matches!(end.frames.as_slice(), [FromWorker::Cancelled { .. }]), "{:?}", end.frames);
    assert!(end.status.success());
}

fn a_child_ends_with_its_input() {
    let home = tempfile::tempdir().unwrap();
    let mut worker = Worker::start("misbehaving", &[]);
    worker.send(&ToWorker::Start(Box::new(spec(home.path(), "deaf", b""))));
    worker.wait_for_progress();
    drop(worker.stdin.take());
    let began = std::time::Instant::now();
    let end = worker.end();
    assert_eq!(end.status.code(), Some(3));
    assert!(began.elapsed().as_secs() < 20, "the kind sleeps for a minute");
}

fn a_child_of_somebody_else_does_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut worker = Worker::start("misbehaving", &[("DROPFORGE_PARENT", "1")]);
    // It may be gone before it could read this.
    let frame = ToWorker::Start(Box::new(spec(home.path(), "tries", b"a")));
    let _ = dropforge_shared::work::write_frame(worker.stdin.as_mut().unwrap(), &frame);
    let end = worker.end();
    assert_eq!(end.status.code(), Some(3));
    assert!(end.frames.is_empty() && end.stderr.contains("went away"), "{}", end.stderr);
}

fn an_unknown_kind_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let end = attempt("real", spec(home.path(), "levitate", b""));
    let [FromWorker::Failed { fault, transient: false, .. }] = end.frames.as_slice() else {
        panic!("{:?}", end.frames)
    };
    assert_eq!(fault.code, FaultCode::Usage);
    assert!(fault.to_string().contains("levitate") && fault.to_string().contains("ingest"), "{fault}");
}

fn a_missing_input_is_named() {
    let home = tempfile::tempdir().unwrap();
    let spec = spec(home.path(), "ingest", b"a");
    std::fs::remove_file(home.path().join("input")).unwrap();
    let end = attempt("real", spec);
    let [FromWorker::Failed { fault, .. }] = end.frames.as_slice() else { panic!("{:?}", end.frames) };
    assert!(fault.message.contains("input") && fault.message.contains("No such file"), "{fault}");
}

fn garbage_on_the_input_ends_the_child() {
    use std::io::Write as _;
    let mut worker = Worker::start("real", &[]);
    worker.stdin.as_mut().unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let end = worker.end();
    assert_eq!(end.status.code(), Some(2));
    assert!(end.stderr.contains("over the limit"), "{}", end.stderr);
}

fn a_table_is_taken_in_and_read_page_by_page() {
    let home = tempfile::tempdir().unwrap();
    let end = attempt("real", spec(home.path(), "ingest", b"city,people\nOslo,717710\nBergen,291940\n"));
    let Some(FromWorker::Done { outputs, facts: Some(facts), .. }) = end.frames.last() else {
        panic!("{:?} {}", end.frames, end.stderr)
    };
    assert_eq!((facts.kind, facts.rows), (Some(FileKind::Dataset), Some(2)));
    let names: Vec<_> = outputs.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["dataset.parquet", "detection.json", "profile.json", "reading.json"]);

    let root = home.path().join("out");
    let mut reader = Worker::start("real", &[("DROPFORGE_READ_ROOT", root.to_str().unwrap())]);
    assert!(matches!(reader.next(), FromWorker::Ready { .. }));
    let ask = |reader: &mut Worker, dataset: std::path::PathBuf, offset| {
        reader.send(&ToWorker::Read(ReadRequest::Page { dataset, offset, rows: 10 }));
        match reader.next() {
            FromWorker::Answer(answer) => answer.map(|answer| match *answer {
                ReadAnswer::Page(page) => page,
                other => panic!("{other:?}"),
            }),
            other => panic!("{other:?}"),
        }
    };
    let page = ask(&mut reader, root.join("dataset.parquet"), 1).unwrap();
    assert_eq!(page.rows, [[Cell::Text("Bergen".into()), Cell::Int(291_940)]]);
    assert_eq!(page.total_rows, 2);
    // A reader sees nothing but what lies beneath its root, and lives on after a refusal.
    std::fs::copy(root.join("dataset.parquet"), home.path().join("outside.parquet")).unwrap();
    let outside = ask(&mut reader, home.path().join("outside.parquet"), 0);
    if dropforge_worker::probe().landlock_abi.is_some() {
        assert!(outside.unwrap_err().message.contains("ermission denied"));
    }
    assert_eq!(ask(&mut reader, root.join("dataset.parquet"), 0).unwrap().rows.len(), 2);
    drop(reader.stdin.take());
    assert_eq!(reader.end().status.code(), Some(3));
}

fn statements_and_views_run_where_little_is_allowed() {
    let home = tempfile::tempdir().unwrap();
    let end =
        attempt("real", spec(home.path(), "ingest", b"city,people\nOslo,717710\nBergen,291940\nBergen,1\n"));
    assert!(matches!(end.frames.last(), Some(FromWorker::Done { .. })), "{:?} {}", end.frames, end.stderr);
    let root = home.path().join("out");
    let dataset = root.join("dataset.parquet");
    let tables = vec![TableRef { name: "input".into(), dataset: dataset.clone() }];

    let mut reader = Worker::start("real", &[("DROPFORGE_READ_ROOT", root.to_str().unwrap())]);
    assert!(matches!(reader.next(), FromWorker::Ready { .. }));
    let mut ask = |request: ReadRequest| {
        reader.send(&ToWorker::Read(request));
        match reader.next() {
            FromWorker::Answer(answer) => answer.map(|answer| *answer),
            other => panic!("{other:?}"),
        }
    };
    let query = |sql: &str, timeout_ms| ReadRequest::Query {
        sql: sql.into(),
        tables: tables.clone(),
        unclear: vec![],
        max_rows: 10,
        timeout_ms,
    };
    let grouped = "SELECT city, SUM(people) AS n FROM input GROUP BY city ORDER BY n";
    let Ok(ReadAnswer::Query(result)) = ask(query(grouped, 60_000)) else { panic!("no result") };
    assert_eq!(
        result.rows,
        [[Cell::Text("Bergen".into()), Cell::Int(291_941)], [Cell::Text("Oslo".into()), Cell::Int(717_710)]]
    );
    let refused = ask(query("SELECT * FROM read_csv('/etc/hostname')", 60_000)).unwrap_err();
    assert_eq!(refused.code, FaultCode::Refused);
    let view = View {
        filters: vec![Filter { column: "city".into(), op: FilterOp::Contains, value: "berg".into() }],
        sort: vec![SortKey { column: "people".into(), descending: false }],
    };
    let Ok(ReadAnswer::Page(page)) = ask(ReadRequest::View { dataset, view, offset: 0, rows: 10 }) else {
        panic!("no page")
    };
    assert_eq!((page.total_rows, &page.rows[0][1]), (2, &Cell::Int(1)));

    // 3^24 rows: nobody waits for them, and what is left of the work ends with the process.
    let mut endless = "SELECT COUNT(*) AS n FROM input a0".to_owned();
    for i in 1..24 {
        endless.push_str(&format!(" CROSS JOIN input a{i}"));
    }
    let slow = ask(query(&endless, 300)).unwrap_err();
    assert_eq!(slow.code, FaultCode::Refused, "{slow}");
    assert!(slow.message.contains("longer than 0.3 s"), "{slow}");
    assert!(reader.end().status.success());
}
