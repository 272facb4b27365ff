//! Reading what a job made: which job a selector means, and an output's bytes piece by piece.

use dropforge_shared::clean;
use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::file::{FileState, FileView};
use dropforge_shared::ids::JobId;
use dropforge_shared::job::JobView;
use dropforge_shared::service::{CALL, Chunk};

/// The job that holds a file's data; a fault with the next step where there is none yet.
pub(crate) fn job_of(file: &FileView) -> Result<&JobId, Fault> {
    let name = clean::line(&file.name);
    match (&file.job, file.state) {
        (Some(job), _) => Ok(job),
        (None, FileState::Failed) => Err(Fault::failed(format!(
            "{name} could not be read: {}",
            file.error.as_deref().unwrap_or("the reason is in its job's log")
        ))
        .hint("`dropforge jobs` lists its job, `dropforge logs JOB` shows what it said.")),
        (None, state) => Err(Fault::failed(format!("{name} has no data yet: it is {}", state.name()))
            .hint("`dropforge jobs` shows its job; `dropforge wait JOB` waits for it.")),
    }
}

/// The job that a selector of a job or a file means. A job's whole id is a job; else a file goes first.
pub(crate) async fn resolve(client: &Client, selector: &str) -> Result<JobView, Fault> {
    let job = async |selector: String| flat(client.rpc.job(within(CALL), selector).await);
    if selector.parse::<JobId>().is_ok() {
        return job(selector.to_owned()).await;
    }
    match flat(client.rpc.file(within(CALL), selector.to_owned()).await) {
        Ok(file) => job(job_of(&file)?.to_string()).await,
        Err(fault) if fault.code == FaultCode::NotFound => {
            job(selector.to_owned()).await.map_err(|fault| match fault.code {
                FaultCode::NotFound => Fault::not_found(format!("no file or job '{}'", clean::fit(selector, 60)))
                    .hint("`dropforge files` and `dropforge jobs` list them."),
                _ => fault,
            })
        }
        Err(fault) => Err(fault),
    }
}

/// Hands an output's bytes on, piece by piece.
pub(crate) async fn each_chunk(
    mut read: impl AsyncFnMut(u64) -> Result<Chunk, Fault>,
    mut piece: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<u64, Fault> {
    let mut at = 0u64;
    loop {
        let chunk = read(at).await?;
        if chunk.bytes.is_empty() && at < chunk.total {
            return Err(Fault::failed(format!("the output ends after {at} of {} bytes", chunk.total))
                .hint("`dropforge fsck` checks what is stored."));
        }
        piece(&chunk.bytes)?;
        at += chunk.bytes.len() as u64;
        if at >= chunk.total {
            return Ok(at);
        }
    }
}

/// All bytes of an output.
pub(crate) async fn read_all(client: &Client, job: &str, name: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = async |at| flat(client.rpc.output_read(within(CALL), job.to_owned(), name.to_owned(), at).await);
    each_chunk(read, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })
    .await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(bytes: &[u8], total: u64) -> Result<Chunk, Fault> {
        Ok(Chunk { bytes: serde_bytes::ByteBuf::from(bytes), total })
    }

    #[tokio::test]
    async fn pieces_are_joined_and_a_short_output_is_a_fault() {
        let whole = b"abcdefghij";
        let mut got = Vec::new();
        let read = async |at: u64| chunk(&whole[at as usize..(at as usize + 3).min(10)], 10);
        let keep = |p: &[u8]| -> Result<(), Fault> {
            got.extend_from_slice(p);
            Ok(())
        };
        assert_eq!(each_chunk(read, keep).await, Ok(10));
        assert_eq!(got, whole);
        let cut = async |at: u64| chunk(if at == 0 { b"abc" } else { b"" }, 10);
        let fault = each_chunk(cut, |_| Ok(())).await.unwrap_err();
        assert!(fault.message.contains("after 3 of 10 bytes"), "{fault}");
        assert_eq!(each_chunk(async |_| chunk(b"", 0), |_| Ok(())).await, Ok(0), "an empty output is whole");
    }
}
