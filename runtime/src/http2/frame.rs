//! Frames (RFC 9113 sections 4 and 6): read with every size checked, and written. What a frame does
//! to a connection is not known here.

/// The bytes before every frame's payload.
pub(super) const HEAD: usize = 9;
/// The largest payload that is taken, and that is sent without being asked for more (RFC 9113
/// section 4.2).
pub(super) const MOST: usize = 16_384;
/// What a client begins with (RFC 9113 section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 0x1;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITISED: u8 = 0x20;

/// Why a stream or a connection ends (RFC 9113 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    None = 0,
    Protocol = 1,
    Internal = 2,
    FlowControl = 3,
    StreamClosed = 5,
    FrameSize = 6,
    Refused = 7,
    Cancel = 8,
    Compression = 9,
    Calm = 11,
}

/// What is wrong with a frame, and how far it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Stream(Code),
    Connection(Code),
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) len: usize,
    pub(super) kind: u8,
    flags: u8,
    pub(super) stream: u32,
}

/// A frame that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'p> {
    Data { data: &'p [u8], end: bool },
    Headers { block: &'p [u8], end: bool, whole: bool, depends: Option<u32> },
    Continuation { block: &'p [u8], whole: bool },
    Priority { depends: u32 },
    Reset,
    Settings(Settings<'p>),
    SettingsAck,
    Ping([u8; 8]),
    Pong([u8; 8]),
    GoAway,
    Window(u32),
    Unknown,
}

/// The settings of a frame, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings<'p>(&'p [u8]);

impl Settings<'_> {
    /// Identifiers and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, u32)> {
        self.0.chunks_exact(6).filter_map(|setting| {
            let (id, value) = setting.split_first_chunk::<2>()?;
            Some((u16::from_be_bytes(*id), number(value)?))
        })
    }
}

impl Head {
    /// Reads the head that `bytes` begins with; `None` if it is not whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Head> {
        let [a, b, c, kind, flags, rest @ ..] = bytes.first_chunk::<HEAD>()?;
        let len = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let stream = u32::from_be_bytes(*rest) & 0x7fff_ffff;
        Some(Head { len, kind: *kind, flags: *flags, stream })
    }

    /// Whether the frame says settings, and does not acknowledge any.
    pub(super) fn is_settings(&self) -> bool {
        self.kind == SETTINGS && !self.has(ACK)
    }

    /// Whether the frame goes on with a header block.
    pub(super) fn is_continuation(&self) -> bool {
        self.kind == CONTINUATION
    }

    /// Reads the payload.
    pub(super) fn parse<'p>(&self, payload: &'p [u8]) -> Result<Frame<'p>, Wrong> {
        const PROTOCOL: Wrong = Wrong::Connection(Code::Protocol);
        const SIZE: Wrong = Wrong::Connection(Code::FrameSize);
        let of_connection = matches!(self.kind, SETTINGS | PING | GOAWAY);
        let of_stream =
            matches!(self.kind, DATA | HEADERS | PRIORITY | RESET | PUSH | CONTINUATION);
        if (of_connection && self.stream != 0) || (of_stream && self.stream == 0) {
            return Err(PROTOCOL);
        }
        match self.kind {
            DATA => {
                let data = self.unpadded(payload)?;
                Ok(Frame::Data { data, end: self.has(END_STREAM) })
            }
            HEADERS => {
                let mut block = self.unpadded(payload)?;
                let mut depends = None;
                if self.has(PRIORITISED) {
                    let (on, rest) = block.split_at_checked(5).ok_or(SIZE)?;
                    depends = number(on).map(|on| on & 0x7fff_ffff);
                    block = rest;
                }
                let (end, whole) = (self.has(END_STREAM), self.has(END_HEADERS));
                Ok(Frame::Headers { block, end, whole, depends })
            }
            PRIORITY if payload.len() != 5 => Err(Wrong::Stream(Code::FrameSize)),
            PRIORITY => {
                let depends = number(payload).unwrap_or(0) & 0x7fff_ffff;
                Ok(Frame::Priority { depends })
            }
            RESET if payload.len() != 4 => Err(SIZE),
            RESET => Ok(Frame::Reset),
            SETTINGS if self.has(ACK) => {
                if payload.is_empty() {
                    Ok(Frame::SettingsAck)
                } else {
                    Err(SIZE)
                }
            }
            SETTINGS if !payload.len().is_multiple_of(6) => Err(SIZE),
            SETTINGS => Ok(Frame::Settings(Settings(payload))),
            // A client pushes nothing (RFC 9113 section 8.4).
            PUSH => Err(PROTOCOL),
            PING => {
                let opaque = <[u8; 8]>::try_from(payload).map_err(|_| SIZE)?;
                Ok(if self.has(ACK) { Frame::Pong(opaque) } else { Frame::Ping(opaque) })
            }
            GOAWAY if payload.len() < 8 => Err(SIZE),
            GOAWAY => Ok(Frame::GoAway),
            WINDOW => match (payload.len(), number(payload).map(|more| more & 0x7fff_ffff)) {
                (4, Some(0)) if self.stream != 0 => Err(Wrong::Stream(Code::Protocol)),
                (4, Some(0)) => Err(PROTOCOL),
                (4, Some(more)) => Ok(Frame::Window(more)),
                _ => Err(SIZE),
            },
            CONTINUATION => {
                Ok(Frame::Continuation { block: payload, whole: self.has(END_HEADERS) })
            }
            _ => Ok(Frame::Unknown),
        }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload without its padding (RFC 9113 section 6.1).
    fn unpadded<'p>(&self, payload: &'p [u8]) -> Result<&'p [u8], Wrong> {
        if !self.has(PADDED) {
            return Ok(payload);
        }
        let (&padding, rest) = payload.split_first().ok_or(Wrong::Connection(Code::FrameSize))?;
        let len = rest.len().checked_sub(usize::from(padding));
        len.and_then(|len| rest.get(..len)).ok_or(Wrong::Connection(Code::Protocol))
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
}

fn head(len: usize, kind: u8, flags: u8, stream: u32) -> [u8; HEAD] {
    // INVARIANT: every payload written here is smaller than 2^24 bytes.
    let [_, a, b, c] = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
    let [d, e, f, g] = stream.to_be_bytes();
    [a, b, c, kind, flags, d, e, f, g]
}

/// Appends `SETTINGS` with these settings.
pub(super) fn settings(settings: &[(u16, u32)], out: &mut Vec<u8>) {
    out.extend_from_slice(&head(settings.len() * 6, SETTINGS, 0, 0));
    for (id, value) in settings {
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Appends the acknowledgement of `SETTINGS`.
pub(super) fn settings_ack(out: &mut Vec<u8>) {
    out.extend_from_slice(&head(0, SETTINGS, ACK, 0));
}

/// Appends `PING`, or the answer to one.
pub(super) fn ping(opaque: [u8; 8], answer: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(&head(8, PING, if answer { ACK } else { 0 }, 0));
    out.extend_from_slice(&opaque);
}

/// Appends `GOAWAY`.
pub(super) fn goaway(last: u32, code: Code, out: &mut Vec<u8>) {
    out.extend_from_slice(&head(8, GOAWAY, 0, 0));
    out.extend_from_slice(&last.to_be_bytes());
    out.extend_from_slice(&(code as u32).to_be_bytes());
}

/// Appends `RST_STREAM`.
pub(super) fn reset(stream: u32, code: Code, out: &mut Vec<u8>) {
    out.extend_from_slice(&head(4, RESET, 0, stream));
    out.extend_from_slice(&(code as u32).to_be_bytes());
}

/// Appends `WINDOW_UPDATE`.
pub(super) fn window(stream: u32, more: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&head(4, WINDOW, 0, stream));
    out.extend_from_slice(&more.to_be_bytes());
}

/// Appends `DATA` with the content that `write` appends, less than 2^24 bytes; it says whether that
/// is the end of the stream.
pub(super) fn data(stream: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> bool) {
    let begin = out.len();
    out.extend_from_slice(&[0; HEAD]);
    let end = write(out);
    let len = out.len().saturating_sub(begin + HEAD);
    put(out, begin, head(len, DATA, if end { END_STREAM } else { 0 }, stream));
}

/// Appends a header block that `write` appends, in as many frames as it takes.
pub(super) fn headers(stream: u32, end: bool, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    headers_of(MOST, stream, end, out, write);
}

fn headers_of(
    most: usize,
    stream: u32,
    end: bool,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let begin = out.len();
    out.extend_from_slice(&[0; HEAD]);
    write(out);
    let len = out.len().saturating_sub(begin + HEAD);
    let end = if end { END_STREAM } else { 0 };
    if len <= most {
        put(out, begin, head(len, HEADERS, end | END_HEADERS, stream));
        return;
    }
    put(out, begin, head(most, HEADERS, end, stream));
    // Rare, and then long: what is beyond the first frame is taken off and put back in pieces.
    let rest = out.split_off(begin + HEAD + most);
    let mut pieces = rest.chunks(most).peekable();
    while let Some(piece) = pieces.next() {
        let flags = if pieces.peek().is_none() { END_HEADERS } else { 0 };
        out.extend_from_slice(&head(piece.len(), CONTINUATION, flags, stream));
        out.extend_from_slice(piece);
    }
}

fn put(out: &mut [u8], at: usize, head: [u8; HEAD]) {
    if let Some(place) = out.get_mut(at..at + HEAD) {
        place.copy_from_slice(&head);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<Frame<'_>, Wrong> {
        Head { len: payload.len(), kind, flags, stream }.parse(payload)
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let mut out = Vec::new();
        data(5, &mut out, |out| {
            out.extend_from_slice(b"abc");
            true
        });
        let head = Head::read(&out).unwrap();
        assert_eq!((head.len, head.stream), (3, 5));
        assert_eq!(head.parse(&out[HEAD..]), Ok(Frame::Data { data: b"abc", end: true }));
        assert_eq!(Head::read(&out[..8]), None);
    }

    #[test]
    fn a_long_block_goes_on_in_frames_of_its_own() {
        let mut out = Vec::new();
        headers_of(4, 1, true, &mut out, |out| out.extend_from_slice(b"0123456789"));
        let (mut at, mut seen) = (0, Vec::new());
        while let Some(head) = Head::read(&out[at..]) {
            let payload = &out[at + HEAD..at + HEAD + head.len];
            seen.push(match head.parse(payload) {
                Ok(Frame::Headers { block, end: true, whole, .. }) => (block, whole),
                Ok(Frame::Continuation { block, whole }) => (block, whole),
                other => panic!("{other:?}"),
            });
            at += HEAD + head.len;
        }
        assert_eq!(seen, [(&b"0123"[..], false), (b"4567", false), (b"89", true)]);
    }

    #[test]
    fn what_is_malformed_reaches_as_far_as_it_says() {
        let (protocol, size) =
            (Wrong::Connection(Code::Protocol), Wrong::Connection(Code::FrameSize));
        for (kind, flags, stream, payload, wrong) in [
            (DATA, 0, 0, &b"abc"[..], protocol),
            (DATA, PADDED, 1, b"", size),
            (DATA, PADDED, 1, b"\x03ab", protocol),
            (HEADERS, 0, 0, b"", protocol),
            (HEADERS, PADDED, 1, b"\x01", protocol),
            (HEADERS, PRIORITISED, 1, b"\0\0\0\0", size),
            (PRIORITY, 0, 0, b"\0\0\0\0\0", protocol),
            (PRIORITY, 0, 1, b"\0\0\0\0", Wrong::Stream(Code::FrameSize)),
            (RESET, 0, 0, b"\0\0\0\0", protocol),
            (RESET, 0, 1, b"\0\0\0", size),
            (SETTINGS, 0, 1, b"", protocol),
            (SETTINGS, 0, 0, b"\0\x01\0\0\0", size),
            (SETTINGS, ACK, 0, b"\0\x01\0\0\0\0", size),
            (PUSH, 0, 1, b"\0\0\0\x02", protocol),
            (PING, 0, 1, b"12345678", protocol),
            (PING, 0, 0, b"1234567", size),
            (GOAWAY, 0, 1, b"\0\0\0\0\0\0\0\0", protocol),
            (GOAWAY, 0, 0, b"\0\0\0\0", size),
            (WINDOW, 0, 0, b"\0\0\0\0", protocol),
            (WINDOW, 0, 1, b"\0\0\0\0", Wrong::Stream(Code::Protocol)),
            (WINDOW, 0, 1, b"\0\0\0\0\0", size),
            (CONTINUATION, 0, 0, b"", protocol),
        ] {
            assert_eq!(parse(kind, flags, stream, payload), Err(wrong), "{kind} {payload:?}");
        }
        assert_eq!(parse(0x77, 0xff, 1, b"abc"), Ok(Frame::Unknown));
    }
}
