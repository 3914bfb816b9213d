//! A built program as bytes: what `gwc build` writes and `gwc run` reads. Functions, actions and blocks stand in it by
//! name and are looked up when it is read; patterns by their text. Reading is total: whatever the bytes are, it ends with
//! a program that [`verify()`] accepts or with the reason why there is none.
//!
//! Layout, integers little-endian: 8 bytes of [`MAGIC`], the format's version (u32), the length of the body (u32), the
//! body, the CRC-32 of all of that (u32); then nothing, or the 64 bytes of a signature of all that stands before it.

use lang::{Sources, Vocabulary};

use crate::program::Program;
use crate::verify;

mod bounds;
mod bytes;
mod coded;
mod exprs;
mod items;
mod routing;
mod values;

use bytes::{Reader, Writer, crc};
use coded::Coded;

/// How a built program begins. The line ends in it show a copy that a text mode has changed.
pub const MAGIC: [u8; 8] = *b"\x89GWB\r\n\x1a\n";

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 2;

/// The most bytes of a built program.
pub const MOST_BYTES: u64 = 128 << 20;

/// The bytes of a signature (ed25519, RFC 8032, section 5.1.6).
pub const SIGNATURE: usize = 64;

const HEAD: usize = 16;
const CHECK: usize = 4;

/// A program, and what it was built of.
#[derive(Clone, Debug, Default)]
pub struct Artifact {
    /// The program.
    pub program: Program,
    /// The texts it was built of, by which its places are told; names are paths, relative to the folder of the first.
    pub sources: Sources,
    /// The hash of these texts, as whoever built it computed it.
    pub hash: String,
}

/// Why bytes are no program.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unfit {
    /// They do not begin like one.
    #[error("it is no built program")]
    Foreign,
    /// They are of another version of the format.
    #[error("it is of version {0} of the format, and this `gwc` reads version {VERSION}")]
    Version(u32),
    /// They end too early.
    #[error("it is cut short: {found} bytes of {expected}")]
    Truncated {
        /// How many there should be at least.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// They were changed since they were written.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It names what this program does not know.
    #[error("it names the {kind} `{name}`, which this `gwc` does not have")]
    Unknown {
        /// What that would be.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A program does not fit into the format.
    #[error("the program takes more than {} MiB", MOST_BYTES >> 20)]
    TooLarge,
}

impl Artifact {
    /// As bytes, without a signature.
    pub fn encode(&self) -> Result<Vec<u8>, Unfit> {
        let mut body = Writer::default();
        self.hash.put(&mut body);
        let texts: Vec<(String, String)> = self
            .sources
            .iter()
            .map(|source| (source.name.to_string(), source.text.to_string()))
            .collect();
        texts.put(&mut body);
        self.program.put(&mut body);
        let body = body.bytes();
        if body.len() as u64 > MOST_BYTES - (HEAD + CHECK + SIGNATURE) as u64 {
            return Err(Unfit::TooLarge);
        }
        let mut bytes = Vec::with_capacity(HEAD + body.len() + CHECK + SIGNATURE);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(body);
        bytes.extend(crc(&bytes).to_le_bytes());
        Ok(bytes)
    }

    /// From bytes, signed or not: whose signature it is, is for the caller to ask first. What is read has been verified.
    pub fn decode(bytes: &[u8], vocabulary: &Vocabulary) -> Result<Artifact, Unfit> {
        let (signed, _) = split(bytes)?;
        let damaged = |what: &str| Unfit::Damaged(what.to_owned());
        let (content, check) =
            signed.split_last_chunk::<CHECK>().ok_or_else(|| damaged("it has no checksum"))?;
        if crc(content) != u32::from_le_bytes(*check) {
            return Err(damaged("its checksum is not that of its content"));
        }
        let mut from = Reader::new(content.get(HEAD..).unwrap_or_default(), vocabulary);
        let hash = String::take(&mut from)?;
        let texts = Vec::<(String, String)>::take(&mut from)?;
        let mut program = Program::take(&mut from)?;
        from.end()?;
        verify(&program).map_err(Unfit::Damaged)?;
        bounds::bounded(&program)?;
        routing::share(&mut program.listeners);
        let mut sources = Sources::default();
        for (name, text) in texts {
            sources.add(name, text);
        }
        Ok(Artifact { program, sources, hash })
    }
}

/// A program as bytes that this process reads again, so that it lies in memory by itself and not between what else was
/// needed to make it.
pub fn pack(program: &Program) -> Vec<u8> {
    let mut bytes = Writer::default();
    program.put(&mut bytes);
    bytes.bytes()
}

/// The program that [`pack`] has written. Loading verifies it.
pub fn unpack(bytes: &[u8], vocabulary: &Vocabulary) -> Result<Program, Unfit> {
    let mut program = Program::take(&mut Reader::new(bytes, vocabulary))?;
    routing::share(&mut program.listeners);
    Ok(program)
}

/// What a signature is made of, and the signature if there is one. Looks at the frame alone.
pub fn split(bytes: &[u8]) -> Result<(&[u8], Option<&[u8; SIGNATURE]>), Unfit> {
    let truncated = |expected| Unfit::Truncated { expected, found: bytes.len() };
    let known = bytes.len().min(MAGIC.len());
    if bytes.is_empty() || bytes.get(..known) != MAGIC.get(..known) {
        return Err(Unfit::Foreign);
    }
    let (version, rest) = bytes
        .get(MAGIC.len()..)
        .and_then(<[u8]>::split_first_chunk)
        .ok_or_else(|| truncated(HEAD))?;
    let version = u32::from_le_bytes(*version);
    if version != VERSION {
        return Err(Unfit::Version(version));
    }
    let length = rest.first_chunk().ok_or_else(|| truncated(HEAD))?;
    let end = (u32::from_le_bytes(*length) as usize).saturating_add(HEAD + CHECK);
    let (signed, behind) = bytes.split_at_checked(end).ok_or_else(|| truncated(end))?;
    match (behind.len(), behind.first_chunk::<SIGNATURE>()) {
        (0, _) => Ok((signed, None)),
        (SIGNATURE, signature) => Ok((signed, signature)),
        (n, _) if n < SIGNATURE => Err(truncated(end + SIGNATURE)),
        _ => Err(Unfit::Damaged("something stands behind its end".to_owned())),
    }
}
