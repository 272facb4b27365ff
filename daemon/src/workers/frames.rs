//! Frames over a child's pipes, in a form that survives being dropped in the middle: both directions are used in
//! `select!`, and half a frame lost would garble all that follow.

use std::io;
use std::pin::Pin;

use dropforge_shared::work::{self, FromWorker, MAX_FRAME, ToWorker};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const CHUNK: usize = 16 * 1024;
const HEADER: usize = 4;

/// Reads frames.
pub(super) struct Frames {
    input: Pin<Box<dyn AsyncRead + Send + Sync>>,
    held: Vec<u8>,
    chunk: Box<[u8]>,
    ended: bool,
}

impl Frames {
    pub(super) fn new(input: impl AsyncRead + Send + Sync + 'static) -> Self {
        Self {
            input: Box::pin(input),
            held: Vec::new(),
            chunk: vec![0; CHUNK].into_boxed_slice(),
            ended: false,
        }
    }

    /// The next frame; `None` at the end of the stream. A stream that ends within a frame has ended: how the child
    /// ended says why. After an error nothing more is read.
    pub(super) async fn next(&mut self) -> io::Result<Option<FromWorker>> {
        loop {
            if self.ended {
                return Ok(None);
            }
            match self.take() {
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(e) => {
                    self.ended = true;
                    return Err(e);
                }
            }
            let read = self.input.read(&mut self.chunk).await?;
            if read == 0 {
                self.ended = true;
                self.held = Vec::new();
            }
            self.held.extend_from_slice(&self.chunk[..read]);
        }
    }

    fn take(&mut self) -> io::Result<Option<FromWorker>> {
        let Some(header) = self.held.first_chunk::<HEADER>() else { return Ok(None) };
        let len = u32::from_le_bytes(*header) as usize;
        if len > MAX_FRAME {
            let text = format!("the child sent a frame of {len} bytes; the limit is {MAX_FRAME}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if self.held.len() < HEADER + len {
            return Ok(None);
        }
        let frame = work::decode(&self.held[HEADER..HEADER + len]);
        self.held.drain(..HEADER + len);
        if self.held.is_empty() && self.held.capacity() > 16 * CHUNK {
            self.held = Vec::new();
        }
        frame.map(Some)
    }
}

/// Writes frames.
pub(super) struct Outbox {
    output: Pin<Box<dyn AsyncWrite + Send + Sync>>,
    /// What an earlier call, dropped in the middle, left unwritten.
    pending: Vec<u8>,
    written: usize,
}

impl Outbox {
    pub(super) fn new(output: impl AsyncWrite + Send + Sync + 'static) -> Self {
        Self { output: Box::pin(output), pending: Vec::new(), written: 0 }
    }

    /// Writes a frame. Dropped in the middle, the rest goes out with the next call.
    pub(super) async fn send(&mut self, frame: &ToWorker) -> io::Result<()> {
        self.pending.extend_from_slice(&work::encode(frame)?);
        while self.written < self.pending.len() {
            let wrote = self.output.write(&self.pending[self.written..]).await?;
            if wrote == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.written += wrote;
        }
        self.pending = Vec::new();
        self.written = 0;
        self.output.flush().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(text: &str) -> FromWorker {
        FromWorker::Ready { sandbox: text.into() }
    }

    #[tokio::test]
    async fn frames_arrive_whole_however_the_pipe_cuts_them() {
        let (mut near, far) = tokio::io::duplex(7);
        let mut frames = Frames::new(far);
        let sent: Vec<_> = (0..50).map(|i| ready(&"x".repeat(i * 40))).collect();
        let bytes: Vec<u8> = sent.iter().flat_map(|f| work::encode(f).unwrap()).collect();
        let writer = tokio::spawn(async move { near.write_all(&bytes).await.unwrap() });
        let mut seen = Vec::new();
        loop {
            // Every other wait is dropped in the middle.
            tokio::select! {
                biased;
                () = tokio::task::yield_now() => {}
                frame = frames.next() => match frame.unwrap() {
                    Some(frame) => seen.push(frame),
                    None => break,
                },
            }
        }
        writer.await.unwrap();
        assert_eq!(seen, sent);
    }

    #[tokio::test]
    async fn a_frame_over_the_cap_is_refused_before_it_is_held() {
        let mut bytes = u32::MAX.to_le_bytes().to_vec();
        bytes.extend([0; 1024]);
        let mut frames = Frames::new(std::io::Cursor::new(bytes));
        let error = frames.next().await.unwrap_err();
        assert!(error.to_string().contains("4294967295 bytes; the limit is 8388608"), "{error}");
        assert!(frames.held.capacity() < 64 * 1024);
        assert_eq!(frames.next().await.unwrap(), None, "nothing after it can be trusted");
    }

    #[tokio::test]
    async fn a_child_that_ends_within_a_frame_has_ended() {
        let bytes = work::encode(&ready("confined")).unwrap();
        let mut frames = Frames::new(std::io::Cursor::new(bytes[..bytes.len() - 1].to_vec()));
        assert_eq!(frames.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_frame_dropped_in_the_middle_still_arrives_whole() {
        let (near, mut far) = tokio::io::duplex(8);
        let mut outbox = Outbox::new(near);
        tokio::select! {
            biased;
            sent = outbox.send(&ToWorker::Cancel) => sent.unwrap(),
            () = tokio::task::yield_now() => {}
        }
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            all
        });
        outbox.send(&ToWorker::Cancel).await.unwrap();
        drop(outbox);
        let all = reader.await.unwrap();
        let mut all = all.as_slice();
        for _ in 0..2 {
            assert_eq!(work::read_frame::<ToWorker>(&mut all).unwrap(), Some(ToWorker::Cancel));
        }
        assert!(all.is_empty());
    }
}
