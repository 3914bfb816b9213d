//! The caps of a connection: every size and every wait that a client could stretch.

use std::time::Duration;

/// Caps of one listener's connections. All are finite.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest request head in bytes, start line included (431, or 414 for the target alone).
    pub head_bytes: usize,
    /// Largest request target in bytes (414).
    pub target_bytes: usize,
    /// Most header fields (431); at most [`Limits::MAX_FIELDS`].
    pub fields: usize,
    /// Largest request content in bytes (413).
    pub body_bytes: u64,
    /// Most bytes of trailers, and of all chunk extensions of one body (400).
    pub overhead_bytes: usize,
    /// Longest wait for a whole request head once its first byte came (408), and for the HTTP/2
    /// preface.
    pub head: Duration,
    /// Longest wait for the next request, and longest silence of a tunnel.
    pub idle: Duration,
    /// Longest wait for the next piece of a request's content (408).
    pub body_idle: Duration,
    /// Longest wait for the client to take the next piece of a response.
    pub send_idle: Duration,
    /// Most bytes of unread request content that are read and thrown away to keep a connection; sixteen times as much behind
    /// a last answer.
    pub drain_bytes: u64,
    /// Longest wait for that, for the client's close behind our last answer, and for the answer to a client that has closed
    /// its side.
    pub linger: Duration,
    /// Most concurrent HTTP/2 streams.
    pub streams: u32,
}

impl Limits {
    /// More fields than this are never read, whatever [`Limits::fields`] says.
    pub const MAX_FIELDS: usize = 256;

    /// Most bytes that are read and thrown away behind a last answer.
    pub(crate) fn behind_the_last(&self) -> u64 {
        self.drain_bytes.saturating_mul(16)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head_bytes: 32 << 10,
            target_bytes: 8 << 10,
            fields: 100,
            body_bytes: 10 << 20,
            overhead_bytes: 8 << 10,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            body_idle: Duration::from_secs(30),
            send_idle: Duration::from_secs(30),
            drain_bytes: 64 << 10,
            linger: Duration::from_secs(2),
            streams: 100,
        }
    }
}
