//! Outputs appear whole or not at all: an attempt writes to a folder of its own, which is renamed in once it delivered.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path};

use dropforge_shared::failpoint;
use dropforge_shared::job::Output;

/// Checks that an attempt left what it says, and puts it in the place of the job's outputs.
pub(super) fn publish(attempt_dir: &Path, out: &Path, outputs: &[Output]) -> io::Result<()> {
    for output in outputs {
        let plain =
            |part: Component| matches!(part, Component::Normal(p) if !p.as_encoded_bytes().starts_with(b"."));
        if output.name.is_empty() || !Path::new(&output.name).components().all(plain) {
            return Err(io::Error::other(format!("the output name '{}' is not allowed", output.name)));
        }
        let path = attempt_dir.join(&output.name);
        let meta = fs::symlink_metadata(&path)?;
        if !meta.is_file() || meta.len() != output.bytes {
            return Err(io::Error::other(format!(
                "the output '{}' has {} bytes, not the {} that were announced",
                output.name,
                meta.len(),
                output.bytes
            )));
        }
    }
    failpoint::pass("queue.publish.before")?;
    // Outputs of an attempt that was published but not committed before a crash: this attempt's take their place.
    match fs::remove_dir_all(out) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    fs::rename(attempt_dir, out)?;
    if let Some(parent) = out.parent() {
        File::open(parent)?.sync_all()?;
    }
    failpoint::pass("queue.publish.after")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(name: &str, bytes: u64) -> Output {
        Output { name: name.into(), media_type: "text/plain".into(), bytes, sha256: String::new() }
    }

    #[test]
    fn outputs_replace_what_a_crash_left_and_lies_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (attempt, out) = (dir.path().join("attempt-2"), dir.path().join("out"));
        fs::create_dir_all(&attempt).unwrap();
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join("stale"), "x").unwrap();
        fs::write(attempt.join("a.txt"), "new").unwrap();
        assert!(publish(&attempt, &out, &[output("a.txt", 4)]).is_err());
        assert!(publish(&attempt, &out, &[output("../a.txt", 3)]).is_err());
        assert!(out.join("stale").exists(), "nothing is lost by a refusal");
        publish(&attempt, &out, &[output("a.txt", 3)]).unwrap();
        assert_eq!(fs::read_to_string(out.join("a.txt")).unwrap(), "new");
        assert!(!out.join("stale").exists() && !attempt.exists());
    }
}
