//! Connecting to a daemon that runs.

use std::io;
use std::time::Duration;

use tokio::net::UnixStream;

use crate::codec;
use crate::fault::Fault;
use crate::handshake::{self, Operation, PROTOCOL, Peer, Verdict};
use crate::paths::Paths;
use crate::service::DropforgeClient;

/// How long a daemon may take to answer the hello.
const PROBE: Duration = Duration::from_secs(5);

/// A connection.
#[derive(Debug, Clone)]
pub struct Client {
    /// The calls.
    pub rpc: DropforgeClient,
    /// Who answered.
    pub peer: Peer,
}

/// Says hello for an operation. `None` where no daemon listens.
async fn hello(paths: &Paths, operation: Operation) -> Result<Option<(UnixStream, Verdict, Peer)>, Fault> {
    let socket = paths.socket.display();
    let mut stream = match UnixStream::connect(&paths.socket).await {
        Ok(stream) => stream,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(e) => {
            let fault = Fault::unreachable(format!("can't connect to the daemon's socket {socket}: {e}"));
            return Err(match e.kind() {
                io::ErrorKind::PermissionDenied => {
                    fault.hint("Is it another user's? Set DROPFORGE_HOME to a folder of your own.")
                }
                _ => fault.hint("`dropforge doctor` looks at the socket."),
            });
        }
    };
    // The folder of a socket outside of the home could be somebody else's: nothing is told to a stranger.
    let server =
        stream.peer_cred().map_err(|e| Fault::unreachable(format!("the daemon's socket {socket}: {e}")))?;
    if server.uid() != rustix::process::geteuid().as_raw() {
        return Err(not_allowed());
    }
    let greeting = handshake::greet(&mut stream, operation, PROTOCOL);
    match tokio::time::timeout(PROBE, greeting).await {
        Ok(Ok((verdict, peer))) => Ok(Some((stream, verdict, peer))),
        // It went away between connect and answer: the same as not there.
        Ok(Err(e))
            if matches!(
                e.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            ) =>
        {
            Ok(None)
        }
        Ok(Err(e)) => Err(Fault::unreachable(format!("the daemon's socket {socket}: {e}"))),
        Err(_) => Err(Fault::unreachable(format!(
            "the daemon behind {socket} did not answer within {} s",
            PROBE.as_secs()
        ))
        .hint("It may be stopped (SIGSTOP) or overloaded. `dropforge daemon status` asks again.")),
    }
}

/// Asks for the status, or to stop, in the frozen handshake: works across versions. `None` where no daemon listens.
pub async fn ask(paths: &Paths, operation: Operation) -> Result<Option<Peer>, Fault> {
    match hello(paths, operation).await? {
        None => Ok(None),
        Some((_, Verdict::NotAllowed, _)) => Err(not_allowed()),
        Some((_, _, peer)) => Ok(Some(peer)),
    }
}

/// Connects for calls. `None` where no daemon listens.
pub async fn connect(paths: &Paths) -> Result<Option<Client>, Fault> {
    let Some((stream, verdict, peer)) = hello(paths, Operation::Session).await? else { return Ok(None) };
    match verdict {
        Verdict::Accepted => {}
        Verdict::NotAllowed => return Err(not_allowed()),
        Verdict::OtherProtocol => {
            let (older, way_out) = if peer.protocol < PROTOCOL {
                (
                    "the daemon",
                    "`dropforge daemon stop` ends it in good order; the next call starts this version.",
                )
            } else {
                ("this client", "Update this client to the daemon's version.")
            };
            return Err(Fault::unreachable(format!(
                "the daemon (version {}, pid {}) speaks protocol {}, this client (version {}) speaks {PROTOCOL}: {older} is \
                 the older",
                peer.version,
                peer.pid,
                peer.protocol,
                crate::VERSION,
            ))
            .hint(way_out));
        }
    }
    let client = DropforgeClient::new(tarpc::client::Config::default(), codec::transport(stream)).spawn();
    Ok(Some(Client { rpc: client, peer }))
}

fn not_allowed() -> Fault {
    Fault::unreachable("the daemon behind this socket belongs to another user")
        .hint("Set DROPFORGE_HOME to a folder of your own.")
}
