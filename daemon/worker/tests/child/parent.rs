//! The daemon's side of a child, blocking and with a deadline.

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use dropforge_shared::ids::{AttemptId, FileId, JobId};
use dropforge_shared::work::{FromWorker, Input, JobSpec, ToWorker, read_frame, write_frame};

pub const ROLE: &str = "DROPFORGE_TEST_ROLE";
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Worker {
    pub child: Child,
    pub stdin: Option<ChildStdin>,
    frames: Receiver<FromWorker>,
}

/// How a child ended: its frames but for Ready and Progress, its end, what it printed.
pub struct End {
    pub frames: Vec<FromWorker>,
    pub progress: usize,
    pub sandbox: Option<String>,
    pub status: ExitStatus,
    pub stderr: String,
}

impl Worker {
    pub fn start(role: &str, envs: &[(&str, &str)]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .env(ROLE, role)
            .env("DROPFORGE_PARENT", std::process::id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in envs {
            command.env(name, value);
        }
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (tell, frames) = channel();
        std::thread::spawn(move || {
            while let Some(frame) = read_frame::<FromWorker>(&mut stdout).unwrap() {
                if tell.send(frame).is_err() {
                    break;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, frames }
    }

    pub fn send(&mut self, frame: &ToWorker) {
        write_frame(self.stdin.as_mut().unwrap(), frame).unwrap();
    }

    pub fn next(&self) -> FromWorker {
        self.frames.recv_timeout(DEADLINE).unwrap()
    }

    /// Waits for a frame of progress: the kind is at work then.
    pub fn wait_for_progress(&self) {
        while !matches!(self.next(), FromWorker::Progress { .. }) {}
    }

    pub fn end(mut self) -> End {
        let mut end = End {
            frames: Vec::new(),
            progress: 0,
            sandbox: None,
            status: ExitStatus::from_raw(0),
            stderr: String::new(),
        };
        while let Ok(frame) = self.frames.recv_timeout(DEADLINE) {
            match frame {
                FromWorker::Ready { sandbox } => end.sandbox = Some(sandbox),
                FromWorker::Progress { .. } => end.progress += 1,
                other => end.frames.push(other),
            }
        }
        let began = Instant::now();
        end.status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > DEADLINE {
                self.child.kill().unwrap();
            }
            std::thread::yield_now();
        };
        self.child.stderr.take().unwrap().read_to_string(&mut end.stderr).unwrap();
        end
    }
}

/// A spec whose input and output folder lie in `home`.
pub fn spec(home: &Path, kind: &str, input: &[u8]) -> JobSpec {
    let path = home.join("input");
    let out_dir = home.join("out");
    std::fs::write(&path, input).unwrap();
    std::fs::create_dir_all(&out_dir).unwrap();
    JobSpec {
        attempt: AttemptId { job: JobId::random(), number: 1 },
        kind: kind.into(),
        input: Some(Input {
            file: FileId::random(),
            name: "input".into(),
            path,
            bytes: input.len() as u64,
            sha256: None,
        }),
        out_dir,
        settings: Default::default(),
        memory_bytes: 1 << 30,
        cpu_seconds: 0,
        checkpoint: None,
        given: Default::default(),
    }
}

/// Runs one attempt from beginning to end.
pub fn attempt(role: &str, spec: JobSpec) -> End {
    let mut worker = Worker::start(role, &[]);
    worker.send(&ToWorker::Start(Box::new(spec)));
    worker.end()
}
