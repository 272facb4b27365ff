//! The frozen handshake. It comes before anything that may change, and it never changes itself: a client of any version
//! can ask any daemon for its status or to stop, and learns in words which side to update.
//!
//! Client to daemon, 16 bytes: `DROPFRG1`, protocol number (`u32`, little-endian), operation (one byte: 0 session,
//! 1 status, 2 stop), three bytes 0. Daemon to client: `DROPFRG1`, protocol number (`u32`), verdict (one byte: 0 accepted,
//! 1 other protocol, 2 not allowed), three bytes 0, length (`u32`) and that many bytes of JSON: [`Peer`]. After an accepted
//! session hello both sides speak tarpc; after the others the connection ends.

use std::io;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The number of the protocol behind the handshake. Raised whenever a peer of the number before could misunderstand.
/// 2: views, queries, suggestions, recipes and choices of type.
pub const PROTOCOL: u32 = 2;

const MAGIC: &[u8; 8] = b"DROPFRG1";
/// The answer's JSON is small; more means that something else answers.
const MAX_PEER: u32 = 64 * 1024;

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Calls over tarpc.
    Session,
    /// Who are you?
    Status,
    /// Stop in good order.
    Stop,
}

/// What the daemon made of the hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Accepted,
    /// The protocol numbers differ.
    OtherProtocol,
    /// The socket is another user's.
    NotAllowed,
}

/// What the daemon says of itself. Fields may be added, never removed or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Its protocol number.
    pub protocol: u32,
    /// A number that is new at each start of the daemon.
    pub epoch: u64,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
    /// Its home.
    pub home: String,
    /// Its drop folder.
    pub inbox: String,
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs that run.
    pub running: u64,
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: what answers is not a Dropforge daemon"))
}

/// The client's side: says hello and reads the answer.
pub async fn greet<S>(stream: &mut S, operation: Operation, protocol: u32) -> io::Result<(Verdict, Peer)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut hello = [0u8; 16];
    hello[..8].copy_from_slice(MAGIC);
    hello[8..12].copy_from_slice(&protocol.to_le_bytes());
    hello[12] = match operation {
        Operation::Session => 0,
        Operation::Status => 1,
        Operation::Stop => 2,
    };
    stream.write_all(&hello).await?;
    stream.flush().await?;
    let mut answer = [0u8; 16];
    stream.read_exact(&mut answer).await?;
    if &answer[..8] != MAGIC {
        return Err(bad("the first bytes are wrong"));
    }
    let verdict = match answer[12] {
        0 => Verdict::Accepted,
        1 => Verdict::OtherProtocol,
        _ => Verdict::NotAllowed,
    };
    let len = stream.read_u32_le().await?;
    if len > MAX_PEER {
        return Err(bad("the answer is too long"));
    }
    let mut json = vec![0u8; len as usize];
    stream.read_exact(&mut json).await?;
    let peer = serde_json::from_slice(&json).map_err(|_| bad("the answer is not understood"))?;
    Ok((verdict, peer))
}

/// The daemon's side, first half: what does the client want, and in which protocol?
pub async fn listen<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(Operation, u32)> {
    let mut hello = [0u8; 16];
    stream.read_exact(&mut hello).await?;
    if &hello[..8] != MAGIC {
        return Err(bad("the hello is wrong"));
    }
    let protocol = u32::from_le_bytes([hello[8], hello[9], hello[10], hello[11]]);
    let operation = match hello[12] {
        0 => Operation::Session,
        1 => Operation::Status,
        2 => Operation::Stop,
        _ => return Err(bad("the operation is unknown")),
    };
    Ok((operation, protocol))
}

/// The daemon's side, second half: the verdict and who it is.
pub async fn answer<S: AsyncWrite + Unpin>(stream: &mut S, verdict: Verdict, peer: &Peer) -> io::Result<()> {
    let json = serde_json::to_vec(peer)?;
    let mut out = Vec::with_capacity(20 + json.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&peer.protocol.to_le_bytes());
    out.push(match verdict {
        Verdict::Accepted => 0,
        Verdict::OtherProtocol => 1,
        Verdict::NotAllowed => 2,
    });
    out.extend_from_slice(&[0; 3]);
    out.extend_from_slice(&u32::try_from(json.len()).map_err(io::Error::other)?.to_le_bytes());
    out.extend_from_slice(&json);
    stream.write_all(&out).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Peer {
        Peer {
            pid: 7,
            version: "0.1.0".into(),
            protocol: PROTOCOL,
            epoch: 9,
            uptime_s: 1,
            rss_bytes: 2,
            home: "/h".into(),
            inbox: "/h/inbox".into(),
            queued: 0,
            running: 0,
        }
    }

    #[tokio::test]
    async fn a_client_of_another_protocol_still_learns_who_answers() {
        let (mut client, mut daemon) = tokio::io::duplex(1024);
        let served = tokio::spawn(async move {
            let (operation, protocol) = listen(&mut daemon).await.unwrap();
            assert_eq!(protocol, 99);
            answer(&mut daemon, Verdict::OtherProtocol, &peer()).await.unwrap();
            operation
        });
        let (verdict, who) = greet(&mut client, Operation::Status, 99).await.unwrap();
        assert_eq!((verdict, who), (Verdict::OtherProtocol, peer()));
        assert_eq!(served.await.unwrap(), Operation::Status);
    }

    #[tokio::test]
    async fn something_else_on_the_socket_is_told_apart() {
        let (mut client, mut other) = tokio::io::duplex(1024);
        other.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let error = greet(&mut client, Operation::Session, PROTOCOL).await.unwrap_err();
        assert!(error.to_string().contains("not a Dropforge daemon"));
    }
}
