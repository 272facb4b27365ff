//! Whether a file that was read where it lies is the one that was taken in. Must not know what was made of it.

use std::fs::File;
use std::io::Read as _;

use dropforge_shared::fault::Fault;
use dropforge_shared::paths::hex;
use dropforge_shared::work::Input;
use sha2::{Digest as _, Sha256};

use crate::context::{Context, WorkError};

/// Fails where a referenced file's content is not what it was at intake. To be asked when it was read: then it also tells a
/// change while it was read.
pub(super) fn check(ctx: &mut Context, input: &Input) -> Result<(), WorkError> {
    let Some(expected) = &input.sha256 else { return Ok(()) };
    let failed = |e: std::io::Error| WorkError::io("looking whether the file has changed", &e);
    let mut file = File::open(&input.path).map_err(failed)?;
    ctx.stage("verify", Some(input.bytes), "bytes");
    let (mut hash, mut done, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        if ctx.cancelled() {
            return Err(WorkError::Cancelled);
        }
        let n = file.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        done += n as u64;
        ctx.progress(done);
    }
    if hex(&hash.finalize()) == *expected {
        return Ok(());
    }
    let fault = Fault::failed(format!("{} has changed since it was added", input.path.display()));
    Err(WorkError::failed(fault.hint("Add it again: it becomes a new version.")))
}
