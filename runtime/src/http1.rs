//! HTTP/1.1 and 1.0 (RFC 9112): a codec without input or output of its own, strict in both roles,
//! and the serving loop around it. What two readers could understand differently is refused.

mod connection;
mod decode;
mod encode;
mod ending;
mod fields;
mod lines;
#[cfg(test)]
mod mangle;
mod receive;
mod request;
mod response;
mod room;
mod scan;
mod send;
mod wire;

pub(crate) use connection::serve;
pub use decode::{Decoded, Decoder};
pub(crate) use encode::request_room;
pub use encode::{Persistence, chunk_size, encode_request, encode_response, last_chunk, reason};
pub(crate) use receive::Shared;
pub use request::{RequestHead, parse_request};
pub(crate) use response::parse as read_response;
pub use response::{ResponseHead, parse_response};
pub use scan::Scan;
pub use wire::{Out, Wire};

/// How the end of a body is found (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no content.
    None,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection; responses only.
    Close,
}

impl Framing {
    /// The framing of content whose length is `length`, towards a peer that may or may not
    /// understand the chunked coding.
    pub fn of(length: Option<u64>, chunked: bool) -> Framing {
        match length {
            Some(length) => Framing::Length(length),
            None if chunked => Framing::Chunked,
            None => Framing::Close,
        }
    }
}
