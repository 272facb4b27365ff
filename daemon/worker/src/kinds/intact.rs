//! Whether a file that was read where it lies is the one that was taken in. Must not know what was made of it.

use std::fs::File;

use dropforge_shared::fault::Fault;
use dropforge_shared::work::Input;

use crate::context::{Context, WorkError};
use crate::outputs::digest;

/// Fails where a referenced file's content is not what it was at intake. To be asked when it was read: then it also tells a
/// change while it was read.
pub(super) fn check(ctx: &mut Context, input: &Input) -> Result<(), WorkError> {
    let Some(expected) = &input.sha256 else { return Ok(()) };
    let doing = "looking whether the file has changed";
    let mut file = File::open(&input.path).map_err(|e| WorkError::io(doing, &e))?;
    ctx.stage("verify", Some(input.bytes), "bytes");
    let (_, found) = digest(&mut file, doing, |read| {
        ctx.progress(read);
        !ctx.cancelled()
    })?;
    if found == *expected {
        return Ok(());
    }
    let fault = Fault::failed(format!("{} has changed since it was added", input.path.display()));
    Err(WorkError::failed(fault.hint("Add it again: it becomes a new version.")))
}
