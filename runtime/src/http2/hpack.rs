//! Header compression (RFC 7541): a decoder and an encoder, each with its dynamic table.
//! Nothing here waits or knows a connection; what a section may hold is up to who reads it.

mod decode;
mod encode;
mod huffman;
mod name;
mod table;
#[cfg(test)]
mod tests;

pub(super) use decode::Decoder;
pub(super) use encode::{Encoder, length, status};
pub(super) use name::Name;

/// A field as a block says it. Name and value are whatever the sender wrote.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'f> {
    /// What the name means to a server.
    pub(super) kind: Name,
    /// Whether the value may stand in a field (RFC 9113 section 8.2.1).
    pub(super) clean: bool,
    pub(super) name: &'f [u8],
    pub(super) value: &'f [u8],
}

impl Field<'_> {
    /// The size that limits count (RFC 7541 section 4.1).
    pub(super) fn size(&self) -> usize {
        self.name.len() + self.value.len() + OVERHEAD
    }
}

/// What an entry counts besides its text (RFC 7541 section 4.1).
const OVERHEAD: usize = 32;

/// A block that is no header block: both sides' tables differ from here on, and the connection is
/// over (RFC 9113 section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Garbled;
