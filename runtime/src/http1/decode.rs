//! Cutting a body out of the bytes of a connection.

use bytes::{Bytes, BytesMut};

use super::lines::Lines;
use super::{Framing, Scan};
use crate::body::pipe::WORTH;
use crate::message::{Fault, Headers, may_trail};

/// A step of decoding.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Content; never empty.
    Chunk(Bytes),
    /// More bytes are needed.
    More,
    /// The body has ended; what is left in the buffer belongs to the next message.
    Done,
}

/// Decodes one body (RFC 9112 sections 6 and 7).
#[derive(Debug)]
pub struct Decoder {
    state: State,
    // Bytes of content that may still come before the cap is reached.
    room: u64,
    // Bytes of chunk extensions and trailers that may still come.
    overhead: usize,
    // Bytes were passed on: so are the others.
    passes: bool,
    trailers: Option<Headers>,
}

#[derive(Debug)]
enum State {
    Length(u64),
    Size,
    Data(u64),
    DataEnd,
    Trailers(Scan),
    Close,
    Done,
}

impl Decoder {
    /// A decoder for a body of at most `cap` bytes, with at most `overhead` bytes of chunk
    /// extensions and trailers.
    pub fn new(framing: Framing, cap: u64, overhead: usize) -> Decoder {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size,
            Framing::Close => State::Close,
        };
        Decoder { state, room: cap, overhead, passes: false, trailers: None }
    }

    /// A decoder of nothing: it is done.
    pub fn done() -> Decoder {
        Decoder::new(Framing::None, 0, 0)
    }

    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The bytes of content still to come, where that is known.
    pub fn left(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            State::Done => Some(0),
            _ => None,
        }
    }

    /// What is wrong with chunks that begin so, if that can be told already.
    pub(crate) fn begins_wrong(text: &[u8], overhead: usize) -> Option<Fault> {
        let digits = hex_digits(text);
        let rest = text.get(digits..).unwrap_or_default();
        if text.is_empty() || ((1..=8).contains(&digits) && rest.starts_with(b"\r\n")) {
            return None;
        }
        let line = memchr::memchr(b'\n', text).map_or(text, |end| text.get(..=end).unwrap_or(text));
        let mut line = BytesMut::from(line);
        Decoder::new(Framing::Chunked, u64::MAX, overhead).size(&mut line).err()
    }

    /// The bytes of content that are certain to come next: how much to make room for.
    pub fn next_bytes(&self) -> u64 {
        match self.state {
            State::Length(left) | State::Data(left) => left,
            State::Close => u64::MAX,
            _ => 0,
        }
    }

    /// The bytes that can be passed on without being decoded, if they are worth it; 0 otherwise.
    pub(crate) fn passable(&self) -> u64 {
        match self.state {
            State::Length(left) if left >= WORTH || self.passes => left,
            _ => 0,
        }
    }

    /// So many of them were passed on.
    pub(crate) fn passed(&mut self, count: u64) {
        if let State::Length(left) = &mut self.state {
            *left = left.saturating_sub(count);
            self.room = self.room.saturating_sub(count);
            self.passes = true;
            if *left == 0 {
                self.state = State::Done;
            }
        }
    }

    /// The trailer section, once done.
    pub fn take_trailers(&mut self) -> Option<Headers> {
        self.trailers.take()
    }

    /// Takes the next piece out of `buffer`.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Decoded, Fault> {
        loop {
            match &mut self.state {
                State::Done => return Ok(Decoded::Done),
                State::Length(left) => {
                    let Some(chunk) = take(buffer, left) else { return Ok(Decoded::More) };
                    if *left == 0 {
                        self.state = State::Done;
                    }
                    return self.content(chunk);
                }
                State::Data(left) => {
                    let Some(chunk) = take(buffer, left) else { return Ok(Decoded::More) };
                    if *left == 0 {
                        self.state = State::DataEnd;
                    }
                    return self.content(chunk);
                }
                State::Close => {
                    if buffer.is_empty() {
                        return Ok(Decoded::More);
                    }
                    let chunk = buffer.split().freeze();
                    return self.content(chunk);
                }
                State::Size => match self.size(buffer)? {
                    None => return Ok(Decoded::More),
                    Some(0) => self.state = State::Trailers(Scan::new()),
                    Some(size) if size > self.room => return Err(Fault::BodyTooLarge),
                    Some(size) => self.state = State::Data(size),
                },
                State::DataEnd => {
                    match buffer.get(..2) {
                        None if buffer.first().is_none_or(|&byte| byte == b'\r') => {
                            return Ok(Decoded::More);
                        }
                        Some(b"\r\n") => {}
                        _ => return Err(Fault::Chunk),
                    }
                    drop(buffer.split_to(2));
                    self.state = State::Size;
                }
                State::Trailers(scan) => {
                    let mut scan = *scan;
                    let Some(end) = scan.find(buffer, self.overhead.max(3)).map_err(|fault| {
                        if fault == Fault::HeadTooLarge { Fault::ChunkOverhead } else { fault }
                    })?
                    else {
                        self.state = State::Trailers(scan);
                        return Ok(Decoded::More);
                    };
                    let section = buffer.split_to(end);
                    if end > 2 {
                        self.trailers = Some(trailers(&section)?);
                    }
                    self.state = State::Done;
                }
            }
        }
    }

    /// Tells that the connection ended: the proper end of a body that is delimited by that, and a
    /// truncation of any other.
    pub fn end(&mut self) -> Result<(), Fault> {
        match self.state {
            State::Close | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(Fault::Truncated),
        }
    }

    fn content(&mut self, chunk: Bytes) -> Result<Decoded, Fault> {
        let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.room = self.room.checked_sub(len).ok_or(Fault::BodyTooLarge)?;
        Ok(Decoded::Chunk(chunk))
    }

    /// Reads `1*HEXDIG [ BWS ";" extension ] CRLF`.
    fn size(&mut self, buffer: &mut BytesMut) -> Result<Option<u64>, Fault> {
        const DIGITS: usize = 16;
        let Some(feed) = memchr::memchr(b'\n', buffer) else {
            // What can be told already is told now: a sender of garbage is not waited for.
            let digits = hex_digits(buffer);
            match buffer.get(digits) {
                None | Some(b'\r') if digits <= DIGITS => {}
                Some(b';' | b' ' | b'\t') if (1..=DIGITS).contains(&digits) => {}
                _ => return Err(Fault::Chunk),
            }
            if buffer.len() > digits + 2 + self.overhead {
                return Err(Fault::ChunkOverhead);
            }
            return Ok(None);
        };
        let line = buffer.split_to(feed + 1);
        let line = line.strip_suffix(b"\r\n").ok_or(Fault::Chunk)?;
        let (digits, extension) = line.split_at_checked(hex_digits(line)).ok_or(Fault::Chunk)?;
        if !(1..=DIGITS).contains(&digits.len()) {
            return Err(Fault::Chunk);
        }
        if !extension.is_empty() {
            let clean = extension.iter().all(|&byte| crate::message::is_value_byte(byte));
            // White space may stand around the semicolon (RFC 9112 section 7.1.1), and nowhere else.
            let begins = extension.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
            if begins != Some(&b';') || !clean {
                return Err(Fault::Chunk);
            }
            self.overhead =
                self.overhead.checked_sub(extension.len()).ok_or(Fault::ChunkOverhead)?;
        }
        let text = std::str::from_utf8(digits).map_err(|_| Fault::Chunk)?;
        u64::from_str_radix(text, 16).map(Some).map_err(|_| Fault::Chunk)
    }
}

fn hex_digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
}

/// At most `left` bytes of `buffer`; `None` if there are none.
fn take(buffer: &mut BytesMut, left: &mut u64) -> Option<Bytes> {
    let len = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
    if len == 0 {
        return None;
    }
    *left -= u64::try_from(len).unwrap_or(*left);
    Some(buffer.split_to(len).freeze())
}

/// Reads a trailer section, its blank line included.
fn trailers(section: &[u8]) -> Result<Headers, Fault> {
    const MOST: usize = 64;
    let fields = Lines::new(section).fields(MOST, |_, name, _| match may_trail(name) {
        true => Ok(true),
        false => Err(Fault::TrailerField),
    });
    match fields? {
        (trailers, end) if end == section.len() => Ok(trailers),
        _ => Err(Fault::LineEnding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (Vec<u8>, Option<Headers>, Vec<u8>);

    /// Decodes `text` given in pieces of `step` bytes; the content and what is left behind.
    fn run(text: &[u8], step: usize) -> Result<Parts, Fault> {
        let mut decoder = Decoder::new(Framing::Chunked, 1 << 20, 64);
        let (mut buffer, mut content) = (BytesMut::new(), Vec::new());
        let mut pieces = text.chunks(step);
        loop {
            match decoder.decode(&mut buffer)? {
                Decoded::Chunk(chunk) => content.extend_from_slice(&chunk),
                Decoded::More => match pieces.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => {
                        decoder.end()?;
                    }
                },
                Decoded::Done => break,
            }
        }
        pieces.for_each(|piece| buffer.extend_from_slice(piece));
        Ok((content, decoder.take_trailers(), buffer.to_vec()))
    }

    #[test]
    fn chunks_are_joined_however_they_are_cut() {
        let text = b"5\r\nhello\r\n0006;x=\"y\"\r\n world\r\n0 \t; y\r\nX-Sum: 1\r\n\r\nGET /";
        for step in 1..text.len() {
            let (content, trailers, rest) = run(text, step).unwrap();
            assert_eq!((&*content, &*rest), (&b"hello world"[..], &b"GET /"[..]), "{step}");
            assert_eq!(trailers.unwrap().get("x-sum"), Some(&b"1"[..]));
        }
        assert!(run(b"0\r\n\r\n", 1).unwrap().1.is_none());
    }

    #[test]
    fn sizes_are_read_strictly() {
        for (text, fault) in [
            ("x\r\n", Fault::Chunk),
            ("\r\n", Fault::Chunk),
            ("5 \r\nhello\r\n", Fault::Chunk),
            ("5\t\r\nhello\r\n", Fault::Chunk),
            ("5 a=b\r\nhello\r\n", Fault::Chunk),
            ("5 5\r\nhello\r\n", Fault::Chunk),
            (" 5\r\nhello\r\n", Fault::Chunk),
            ("0x5\r\nhello\r\n", Fault::Chunk),
            ("+5\r\nhello\r\n", Fault::Chunk),
            ("5\nhello\r\n", Fault::Chunk),
            ("5\r\nhello\n0\r\n\r\n", Fault::Chunk),
            ("5\r\nhelloX0\r\n\r\n", Fault::Chunk),
            ("5;a\rb\r\nhello\r\n", Fault::Chunk),
            ("5;a\0\r\nhello\r\n", Fault::Chunk),
            ("00000000000000005\r\nhello\r\n", Fault::Chunk),
            ("ffffffffffffffff\r\n", Fault::BodyTooLarge),
            ("100001\r\n", Fault::BodyTooLarge),
            ("0\r\nA: b\n\r\n", Fault::LineEnding),
            ("0\r\nContent-Length: 3\r\n\r\n", Fault::TrailerField),
            ("0\r\nA : b\r\n\r\n", Fault::FieldName),
            ("5\r\nhel", Fault::Truncated),
            ("0\r\n", Fault::Truncated),
        ] {
            for step in [1, 2, 100] {
                assert_eq!(run(text.as_bytes(), step).map(|_| ()), Err(fault), "{text:?} {step}");
            }
        }
    }

    #[test]
    fn extensions_and_trailers_have_a_cap() {
        let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(80));
        assert_eq!(run(long.as_bytes(), 7).map(|_| ()), Err(Fault::ChunkOverhead));
        let many = "1;xxxxxxxxx\r\na\r\n".repeat(9);
        assert_eq!(run(many.as_bytes(), 100).map(|_| ()), Err(Fault::ChunkOverhead));
        let long = format!("0\r\na: {}\r\n\r\n", "x".repeat(80));
        assert_eq!(run(long.as_bytes(), 7).map(|_| ()), Err(Fault::ChunkOverhead));
    }
}
