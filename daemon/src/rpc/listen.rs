//! The socket: accepts connections of this user, shakes hands, and serves each until it ends.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use dropforge_shared::codec;
use dropforge_shared::fault::Fault;
use dropforge_shared::handshake::{self, Operation, PROTOCOL, Verdict};
use dropforge_shared::service::Dropforge;
use futures::StreamExt;
use tarpc::server::{BaseChannel, Channel};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::Calls;
use crate::lifecycle::{House, raised};

/// How long a client may take to say hello.
const HELLO: Duration = Duration::from_secs(5);
/// How often the socket is looked for: something may clear the folder it lies in.
const STILL_THERE: Duration = Duration::from_secs(5);

/// Binds the socket, private to the user, in place of a dead one.
pub(crate) fn bind(socket: &Path) -> Result<UnixListener, Fault> {
    let failed = |e: std::io::Error| {
        Fault::failed(format!("can't listen on the socket {}: {e}", socket.display()))
            .hint("Is the folder writable and on a file system that has sockets?")
    };
    // The daemon's lock is held: nobody else of this home listens, whatever lies here.
    match std::fs::remove_file(socket) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    let listener = UnixListener::bind(socket).map_err(failed)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

fn inode(socket: &Path) -> Option<u64> {
    std::fs::symlink_metadata(socket).ok().map(|m| m.ino())
}

/// Serves until the house is asked to stop.
pub async fn serve(house: Arc<House>, mut listener: UnixListener) {
    let mut stop = house.stop.subscribe();
    let socket = house.paths.socket.clone();
    let mut bound = inode(&socket);
    let mut look = tokio::time::interval(STILL_THERE);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection(house.clone(), stream));
                }
                Err(e) => {
                    tracing::warn!("can't accept a connection: {e}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            _ = look.tick() => {
                if !house.store.is_on_disk() {
                    tracing::error!("the store was removed from under the daemon");
                    house.ask_to_stop("its store is gone");
                    return;
                }
                if bound.is_none() || inode(&socket) != bound {
                    tracing::warn!("the socket {} is gone; making it anew", socket.display());
                    if let Some(dir) = socket.parent() {
                        let _ = dropforge_shared::paths::private_dir(dir);
                    }
                    match bind(&socket) {
                        Ok(anew) => {
                            listener = anew;
                            bound = inode(&socket);
                        }
                        Err(fault) => tracing::error!("{fault}"),
                    }
                }
            }
            () = raised(&mut stop) => return,
        }
    }
}

async fn connection(house: Arc<House>, mut stream: UnixStream) {
    let Ok(peer) = stream.peer_cred() else { return };
    let hello = tokio::time::timeout(HELLO, handshake::listen(&mut stream)).await;
    let Ok(Ok((operation, protocol))) = hello else { return };
    let verdict = if peer.uid() != rustix::process::geteuid().as_raw() {
        Verdict::NotAllowed
    } else if operation == Operation::Session && protocol != PROTOCOL {
        Verdict::OtherProtocol
    } else {
        Verdict::Accepted
    };
    if handshake::answer(&mut stream, verdict, &house.peer()).await.is_err() || verdict != Verdict::Accepted {
        return;
    }
    match operation {
        Operation::Status => {}
        Operation::Stop => house.ask_to_stop("a client asked"),
        Operation::Session => {
            let gone = CancellationToken::new();
            let calls = Calls { house: house.clone(), owner: peer.uid(), gone: gone.clone() };
            let (read, write) = stream.into_split();
            let stream = tokio::io::join(TellsEnd { inner: read, gone }, write);
            let channel = BaseChannel::with_defaults(codec::transport(stream));
            let mut stop = house.stop.subscribe();
            let served = channel.execute(calls.serve()).for_each(|handler| async move {
                tokio::spawn(handler);
            });
            tokio::select! {
                () = served => {}
                () = raised(&mut stop) => {}
            }
        }
    }
}

/// What a client says. Tells when it says nothing more: tarpc then waits for the calls that are under way, however long they
/// take and though nobody hears their answers.
struct TellsEnd {
    inner: OwnedReadHalf,
    gone: CancellationToken,
}

impl AsyncRead for TellsEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let ended = match &polled {
            Poll::Ready(Ok(())) => buf.remaining() > 0 && buf.filled().len() == before,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if ended {
            self.gone.cancel();
        }
        polled
    }
}
