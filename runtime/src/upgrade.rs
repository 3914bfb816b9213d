//! Connections that stop being HTTP: after a 101 the bytes are copied both ways, unread.

mod copy;

use std::fmt;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

pub use copy::{Copied, copy};

/// A connection of any transport.
pub trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// What a client offers to switch to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The value of `Upgrade`, such as `websocket`: what is passed on to the upstream.
    pub protocol: String,
}

/// The other end of an upgraded connection: the upstream's, after its 101.
pub struct Tunnel {
    /// The transport.
    pub io: Box<dyn Io>,
    /// What was read from it behind the 101 already.
    pub read_ahead: Bytes,
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").field("read_ahead", &self.read_ahead.len()).finish()
    }
}
