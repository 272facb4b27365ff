//! A child's standard error as lines of bounded length. What it prints is its own affair, and may be hostile: one
//! endless line, or bytes that are no text. Cleaning for display is for whoever shows it.

use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A line's text, the note about what was cut included.
const MAX_LINE: usize = 8 * 1024;
/// What of a line is kept; the rest of [`MAX_LINE`] is for the note.
const KEEP: usize = MAX_LINE - 64;
const CHUNK: usize = 8 * 1024;

/// The lines of a child's standard error.
pub struct StderrLines {
    input: Pin<Box<dyn AsyncRead + Send + Sync>>,
    chunk: Box<[u8]>,
    /// The part of the chunk that was read and not looked at.
    ahead: std::ops::Range<usize>,
    line: Vec<u8>,
    cut: u64,
    ended: bool,
}

impl std::fmt::Debug for StderrLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StderrLines").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl StderrLines {
    pub(super) fn new(input: impl AsyncRead + Send + Sync + 'static) -> Self {
        Self {
            input: Box::pin(input),
            chunk: vec![0; CHUNK].into_boxed_slice(),
            ahead: 0..0,
            line: Vec::new(),
            cut: 0,
            ended: false,
        }
    }

    /// The next line, at most 8 KiB of it; `None` at the end. May be dropped and called again.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            let ahead = &self.chunk[self.ahead.clone()];
            if let Some(end) = ahead.iter().position(|b| *b == b'\n') {
                let start = self.ahead.start;
                self.ahead.start += end + 1;
                self.keep(start..start + end);
                return Some(self.finish());
            }
            let rest = self.ahead.clone();
            self.ahead = 0..0;
            self.keep(rest);
            if self.ended {
                let any = !self.line.is_empty() || self.cut > 0;
                return any.then(|| self.finish());
            }
            match self.input.read(&mut self.chunk).await {
                Ok(0) | Err(_) => self.ended = true,
                Ok(read) => self.ahead = 0..read,
            }
        }
    }

    fn keep(&mut self, range: std::ops::Range<usize>) {
        let bytes = &self.chunk[range];
        let room = KEEP.saturating_sub(self.line.len()).min(bytes.len());
        self.line.extend_from_slice(&bytes[..room]);
        self.cut += (bytes.len() - room) as u64;
    }

    fn finish(&mut self) -> String {
        let mut line = std::mem::take(&mut self.line);
        let mut cut = std::mem::take(&mut self.cut);
        if cut == 0 {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return lossy(&line, MAX_LINE);
        }
        // Not within a character: the bytes of one that was halved go with the rest.
        if let Some(Err(e)) = line.utf8_chunks().last().map(|c| std::str::from_utf8(c.invalid()))
            && e.error_len().is_none()
        {
            let whole = line.len() - line.utf8_chunks().last().map_or(0, |c| c.invalid().len());
            cut += (line.len() - whole) as u64;
            line.truncate(whole);
        }
        format!("{} … [{cut} bytes cut]", lossy(&line, KEEP))
    }
}

/// As text of at most `max` bytes: bytes that are no text become U+FFFD, which takes three.
fn lossy(bytes: &[u8], max: usize) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sh;
    use super::*;

    async fn lines(bytes: impl Into<Vec<u8>>) -> Vec<String> {
        let mut lines = StderrLines::new(std::io::Cursor::new(bytes.into()));
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn lines_come_as_they_were_written() {
        assert_eq!(lines("one\ntwo\r\n\nlast without end").await, ["one", "two", "", "last without end"]);
        assert_eq!(lines("").await, Vec::<String>::new());
        assert_eq!(lines(b"caf\xe9\n").await, ["caf\u{fffd}"]);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_between_characters_and_the_next_one_is_whole() {
        let text = format!("a{}\nnext\n", "é".repeat(10_000));
        let seen = lines(text).await;
        assert_eq!(seen.len(), 2);
        assert!(seen[0].len() <= MAX_LINE && !seen[0].contains('\u{fffd}'), "{}", seen[0].len());
        let kept = seen[0].split(" … [").next().unwrap().len();
        assert!(seen[0].ends_with(&format!(" … [{} bytes cut]", 20_001 - kept)), "{}", &seen[0][KEEP - 20..]);
        assert_eq!(seen[1], "next");
        assert!(lines(vec![0xff; 20_000]).await[0].len() <= MAX_LINE);
    }

    #[tokio::test]
    async fn a_line_of_100_megabytes_does_no_harm() {
        let sh = Sh::start();
        let mut child =
            sh.spawn("head -c 100000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo after >&2").await;
        let mut lines = child.take_stderr().unwrap();
        let long = lines.next().await.unwrap();
        assert!(long.len() <= MAX_LINE);
        assert!(long.ends_with(&format!("[{} bytes cut]", 100_000_000 - KEEP)), "{}", &long[KEEP..]);
        assert!(lines.line.capacity() <= 2 * MAX_LINE);
        assert_eq!(lines.next().await.as_deref(), Some("after"));
        assert_eq!(lines.next().await, None);
    }
}
