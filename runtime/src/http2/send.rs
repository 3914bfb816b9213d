//! The answer of one stream: its head, then content as it comes and as the windows let it through,
//! all appended to what the connection writes next.

use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::time::Instant;

use super::flow::Window;
use super::frame::{self, Code};
use super::hpack::{self, Encoder};
use crate::body::Body;
use crate::message::{Headers, Method, Response};
use crate::serve::{End, Handler, Outgoing, Settle, with_http_date};

/// An answer on its way.
pub(super) struct Sending<'c, H: Handler> {
    // Nothing once it is sent.
    head: Option<Response>,
    with_content: bool,
    // What the head says of the content's length.
    length: Option<u64>,
    body: Body,
    // Bytes of the declared length that have not come yet.
    left: Option<u64>,
    chunk: Bytes,
    // Nothing more comes of the body; if it broke, why.
    over: bool,
    broken: Option<End>,
    trailers: Option<Headers>,
    /// Since when the client keeps its window shut.
    pub(super) stalled: Option<Instant>,
    pub(super) settle: Settle<'c, H>,
}

/// What an answer needs next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Another turn.
    Again,
    /// The body wakes it.
    Waits,
    /// The window of its stream.
    Shut,
    /// The window of the connection.
    AllShut,
    /// Nothing: the stream has ended.
    Done,
    /// The stream is to be reset.
    Reset(Code, End),
}

/// What an answer is sent with.
pub(super) struct Wire<'w> {
    pub(super) stream: u32,
    pub(super) window: &'w mut Window,
    pub(super) shared: &'w mut Window,
    pub(super) encoder: &'w mut Encoder,
    pub(super) out: &'w mut Vec<u8>,
}

impl<'c, H: Handler> Sending<'c, H> {
    pub(super) fn new(handler: &'c H, method: &Method, outgoing: Outgoing<H::Ticket>) -> Self {
        let Outgoing { mut response, mut body, ticket, .. } = outgoing;
        if response.status < 200 {
            // There is no such answer: the handler promised what it does not hold.
            (response, body) = (Response::new(502), Body::empty());
        }
        let left = body.content_length();
        let may_have_content = response.may_have_content(method);
        let length = match response.status {
            _ if may_have_content => left,
            204 => None,
            304 => declared(&response),
            // What GET would have said, where that is known without the content.
            _ => declared(&response).or(left.filter(|&length| length > 0)),
        };
        let with_content = may_have_content && !body.is_empty();
        Sending {
            head: Some(response),
            with_content,
            length,
            body: if with_content { body } else { Body::empty() },
            left,
            chunk: Bytes::new(),
            over: false,
            broken: None,
            trailers: None,
            stalled: None,
            settle: Settle::new(handler, ticket),
        }
    }

    /// Appends what can be sent now, one frame of content at most.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>, wire: Wire<'_>) -> Turn {
        if let Some(response) = self.head.take() {
            let (length, whole) = (self.length, !self.with_content);
            headers(wire.stream, whole, wire.encoder, wire.out, |encoder, out| {
                head(&response, length, encoder, out);
            });
            if whole {
                return Turn::Done;
            }
        }
        self.fill(cx);
        if self.chunk.is_empty() {
            return self.end(wire);
        }
        let most = frame::MOST.min(wire.window.open()).min(wire.shared.open());
        if most == 0 {
            return if wire.window.open() == 0 { Turn::Shut } else { Turn::AllShut };
        }
        let (mut left, mut last) = (most, false);
        frame::data(wire.stream, wire.out, |out| {
            // Small chunks that are here share a frame; and the last one carries the end.
            while left > 0 && !self.chunk.is_empty() {
                let len = self.chunk.len().min(left);
                out.extend_from_slice(self.chunk.get(..len).unwrap_or_default());
                self.chunk.advance(len);
                left -= len;
                self.fill(cx);
            }
            last = self.chunk.is_empty()
                && self.over
                && self.broken.is_none()
                && self.trailers.is_none();
            last
        });
        let len = most - left;
        wire.window.take(len);
        wire.shared.take(len);
        self.settle.bytes += u64::try_from(len).unwrap_or(0);
        self.stalled = None;
        if last { Turn::Done } else { Turn::Again }
    }

    /// Nothing of the body is left here.
    fn end(&mut self, wire: Wire<'_>) -> Turn {
        if !self.over {
            return Turn::Waits;
        }
        if let Some(end) = self.broken {
            return Turn::Reset(Code::Internal, end);
        }
        match self.trailers.take() {
            Some(trailers) => headers(wire.stream, true, wire.encoder, wire.out, |encoder, out| {
                trailers.raw().for_each(|(name, value)| field(name, value, encoder, out));
            }),
            None => frame::data(wire.stream, wire.out, |_| true),
        }
        Turn::Done
    }

    /// Takes the next chunk of the body, if there is none here and one is ready.
    fn fill(&mut self, cx: &mut Context<'_>) {
        while !self.over && self.chunk.is_empty() {
            match self.body.poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(chunk))) => {
                    let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                    if let Some(left) = &mut self.left {
                        match left.checked_sub(len) {
                            Some(rest) => *left = rest,
                            None => return self.breaks(End::WrongLength),
                        }
                    }
                    self.chunk = chunk;
                }
                Poll::Ready(Some(Err(error))) => self.breaks(End::Body(error)),
                Poll::Ready(None) if self.left.is_some_and(|left| left > 0) => {
                    self.breaks(End::WrongLength);
                }
                Poll::Ready(None) => {
                    self.over = true;
                    self.trailers = self.body.take_trailers();
                }
            }
        }
    }

    fn breaks(&mut self, end: End) {
        (self.over, self.broken, self.body) = (true, Some(end), Body::empty());
    }
}

/// Appends an interim answer (RFC 9113 section 8.1).
pub(super) fn interim(stream: u32, response: &Response, encoder: &mut Encoder, out: &mut Vec<u8>) {
    headers(stream, false, encoder, out, |encoder, out| {
        hpack::status(response.status, out);
        response.headers.raw().for_each(|(name, value)| field(name, value, encoder, out));
    });
}

fn headers(
    stream: u32,
    end: bool,
    encoder: &mut Encoder,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Encoder, &mut Vec<u8>),
) {
    frame::headers(stream, end, out, |out| {
        encoder.begin(out);
        write(encoder, out);
    });
}

/// The length that a response without content declares, if it declares one.
fn declared(response: &Response) -> Option<u64> {
    let mut lengths = response.headers.all("content-length");
    let (Some(length), None) = (lengths.next(), lengths.next()) else { return None };
    let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(length).ok().filter(|_| digits)?.parse().ok()
}

/// Writes a head, with a `date` if it has none. `length` is all that is said of a length.
fn head(response: &Response, length: Option<u64>, encoder: &mut Encoder, out: &mut Vec<u8>) {
    hpack::status(response.status, out);
    let mut dated = false;
    for (name, value) in response.headers.raw() {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"date") => dated = true,
            14 if name.eq_ignore_ascii_case(b"content-length") => continue,
            _ => {}
        }
        field(name, value, encoder, out);
    }
    if let Some(length) = length {
        hpack::length(length, out);
    }
    if !dated {
        with_http_date(|now| encoder.field(b"date", now.as_bytes(), out));
    }
}

/// Writes a field, unless it concerns one connection only (RFC 9113 section 8.2.2).
fn field(name: &[u8], value: &[u8], encoder: &mut Encoder, out: &mut Vec<u8>) {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let stays = match name.len() {
        2 => is("te") && !value.eq_ignore_ascii_case(b"trailers"),
        4 => is("host"),
        7 => is("upgrade"),
        10 => is("connection") || is("keep-alive"),
        16 => is("proxy-connection"),
        17 => is("transfer-encoding"),
        _ => false,
    };
    if !stays {
        encoder.field(name, value, out);
    }
}
