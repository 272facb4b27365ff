//! The wire form of calls: MessagePack with field names, so that a field may be added without breaking an older peer of
//! the same protocol number. Frames are length-delimited and limited.

use std::io;
use std::pin::Pin;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::LengthDelimitedCodec;

/// The largest frame in bytes. Pages stay under 256 KiB, chunks under 1 MiB; the rest is room for lists.
pub const MAX_FRAME: usize = 8 * 1024 * 1024;

/// Frames under a `u32` length.
pub fn framing() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME).new_codec()
}

/// MessagePack as a codec of `tokio_serde`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessagePack;

impl<T: Serialize> tokio_serde::Serializer<T> for MessagePack {
    type Error = io::Error;

    fn serialize(self: Pin<&mut Self>, item: &T) -> io::Result<Bytes> {
        rmp_serde::to_vec_named(item).map(Bytes::from).map_err(io::Error::other)
    }
}

impl<T: DeserializeOwned> tokio_serde::Deserializer<T> for MessagePack {
    type Error = io::Error;

    fn deserialize(self: Pin<&mut Self>, src: &BytesMut) -> io::Result<T> {
        rmp_serde::from_slice(src).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}

/// A tarpc transport over a stream that has shaken hands.
pub fn transport<Req, Resp, S>(stream: S) -> tarpc::serde_transport::Transport<S, Req, Resp, MessagePack>
where
    Req: DeserializeOwned,
    Resp: Serialize,
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite,
{
    tarpc::serde_transport::new(tokio_util::codec::Framed::new(stream, framing()), MessagePack)
}
