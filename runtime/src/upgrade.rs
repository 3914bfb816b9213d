//! Connections that stop being HTTP: after a 101 the bytes are copied both ways, unread.

mod copy;

use std::fmt;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

pub use copy::{Copied, copy};

use crate::message::Headers;

/// A connection of any transport.
pub trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// What a client offers to switch to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The value of `Upgrade`, such as `websocket`: what is passed on to the upstream.
    pub protocol: String,
}

impl Upgrade {
    /// Whether an answer switches to nothing else (RFC 9110, section 7.8). One that does not say to what takes the offer.
    pub(crate) fn offers(&self, answer: &Headers) -> bool {
        let offered = |one: &str| {
            self.protocol.split(',').any(|known| known.trim().eq_ignore_ascii_case(one.trim()))
        };
        let mut values = answer.all("upgrade").map(std::str::from_utf8);
        values.all(|value| value.is_ok_and(|value| value.split(',').all(offered)))
    }
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
