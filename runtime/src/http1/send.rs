//! Sending an answer: head and first content in one write, content as it comes, each wait bounded.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::encode::response_room;
use super::receive::Shared;
use super::wire::COPIED;
use super::{Framing, Out, Persistence, chunk_size, encode_response, last_chunk};
use crate::body::pipe::WORTH;
use crate::body::{Body, Pipe};
use crate::clock;
use crate::message::{Method, Response, Version};
use crate::serve::{End, Limits};
use crate::transport::socket_of;

/// What the request said that its answer must heed.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) takes_trailers: bool,
    /// Whether the connection may be kept.
    pub(super) persistent: bool,
}

/// Sends an answer; the bytes of content that went, and how it ended. `asked.persistent` becomes
/// false where the framing forces a close.
pub(super) async fn send<IO: AsyncRead + AsyncWrite + Unpin + 'static>(
    shared: &Rc<RefCell<Shared<IO>>>,
    limits: &Limits,
    asked: &mut Asked,
    response: &Response,
    body: Body,
    sent: &mut u64,
) -> End {
    let framing = framing(asked, response, &body);
    if framing == Framing::Close {
        asked.persistent = false;
    }
    let persistence = match (asked.persistent, asked.version) {
        (false, _) => Persistence::Close,
        (true, Version::Http10) => Persistence::KeepAlive,
        (true, _) => Persistence::Implied,
    };
    let headless =
        (asked.method == Method::Head && response.status != 204) || response.status == 304;
    // An interim response that was begun must end before the final one begins.
    let begun = shared.borrow_mut().take_interim();
    let with_content = response.may_have_content(&asked.method);
    // What is here and short is copied behind the head: room for both at once.
    let behind = body.as_full().map_or(0, <[u8]>::len);
    let behind = if with_content && behind <= COPIED { behind } else { 0 };
    let mut out = match begun {
        Some(begun) => begun,
        None => Out::with_room(response_room(response) + behind),
    };
    encode_response(out.head(), response, framing, headless, persistence);
    let mut sending = Sending {
        out,
        framing,
        left: body.content_length(),
        body: if with_content { body } else { Body::empty() },
        takes_trailers: asked.takes_trailers,
        ended: (!with_content).then_some(End::Complete),
        since: None,
        passes: matches!(framing, Framing::Length(length) if length >= WORTH)
            && socket_of(&shared.borrow().wire.io).is_some(),
        pipe: None,
        sent,
    };
    let end = poll_fn(|cx| sending.poll(cx, shared, limits)).await;
    if let Some(pipe) = sending.pipe {
        pipe.give_back();
    }
    end
}

/// The framing of an answer (RFC 9112 section 6.3).
fn framing(asked: &Asked, response: &Response, body: &Body) -> Framing {
    if response.may_have_content(&asked.method) {
        return Framing::of(body.content_length(), asked.version != Version::Http10);
    }
    // What GET would have said, where that is known without the content.
    match body.content_length() {
        Some(length @ 1..)
            if asked.method == Method::Head
                && response.status >= 200
                && !matches!(response.status, 204 | 304)
                && !response.headers.contains("content-length") =>
        {
            Framing::Length(length)
        }
        _ => Framing::None,
    }
}

struct Sending<'s> {
    out: Out,
    framing: Framing,
    // Bytes of the declared length that have not come yet.
    left: Option<u64>,
    body: Body,
    takes_trailers: bool,
    // How it will have ended, once all that was gathered is written.
    ended: Option<End>,
    // Since when the client is waited for.
    since: Option<Instant>,
    // Whether content may go to the client without being read, and by which pipe.
    passes: bool,
    pipe: Option<Pipe>,
    sent: &'s mut u64,
}

impl Sending<'_> {
    fn poll<IO: AsyncRead + AsyncWrite + Unpin + 'static>(
        &mut self,
        cx: &mut Context<'_>,
        shared: &Rc<RefCell<Shared<IO>>>,
        limits: &Limits,
    ) -> Poll<End> {
        loop {
            // Not under a borrow: the content may be that of the request itself.
            self.gather(cx);
            let mut shared = shared.borrow_mut();
            let wrote = match self.poll_out(cx, &mut shared.wire.io) {
                Poll::Ready(Err(_)) => return Poll::Ready(End::ClientClosed),
                Poll::Ready(Ok(wrote)) => wrote,
                Poll::Pending => {
                    let since = *self.since.get_or_insert_with(clock::now);
                    let late = shared.alarm.poll(cx, since + limits.send_idle);
                    return late.map(|()| End::ClientTimeout);
                }
            };
            self.since = None;
            if wrote {
                if let Some(until) = shared.closed_mut() {
                    *until = clock::now() + limits.linger;
                }
                continue;
            }
            if let Some(end) = self.ended {
                return Poll::Ready(end);
            }
            if shared.client_is_gone(cx, limits.linger) {
                return Poll::Ready(End::ClientClosed);
            }
            return Poll::Pending;
        }
    }

    /// Writes once, or flushes if there is nothing to write; whether there was.
    fn poll_out<IO: AsyncWrite + Unpin + 'static>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
    ) -> Poll<io::Result<bool>> {
        if !self.out.is_empty() {
            return self.out.poll_write(cx, io).map_ok(|_| true);
        }
        match (&mut self.pipe, socket_of(io)) {
            (Some(pipe), Some(socket)) if !pipe.is_empty() => {
                pipe.poll_drain(cx, socket).map_ok(|_| true)
            }
            _ => Pin::new(io).poll_flush(cx).map_ok(|()| false),
        }
    }

    /// Takes what the content has ready, so that it goes in one write.
    fn gather(&mut self, cx: &mut Context<'_>) {
        while self.ended.is_none()
            && self.out.has_room()
            && self.pipe.as_ref().is_none_or(Pipe::is_empty)
        {
            if self.passes && self.body.can_pass() {
                // What was read ahead of it goes first.
                if !self.out.is_empty() || self.pass(cx).is_pending() {
                    return;
                }
                continue;
            }
            match self.body.poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(chunk))) => self.push(chunk),
                Poll::Ready(Some(Err(error))) => self.ended = Some(End::Body(error)),
                Poll::Ready(None) => {
                    self.ended = Some(match self.left {
                        Some(1..) => End::WrongLength,
                        _ => End::Complete,
                    });
                    if self.framing == Framing::Chunked {
                        let trailers = self.body.take_trailers().filter(|_| self.takes_trailers);
                        last_chunk(self.out.head(), trailers.as_ref());
                    }
                }
            }
        }
    }

    /// Takes it into the pipe.
    fn pass(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(pipe) = self.pipe.take().or_else(Pipe::take) else {
            self.passes = false;
            return Poll::Ready(());
        };
        match ready!(self.body.poll_pass(cx, self.pipe.insert(pipe))) {
            Ok(count) => {
                self.count(count);
            }
            Err(error) => self.ended = Some(End::Body(error)),
        }
        Poll::Ready(())
    }

    /// Counts content that is to be sent; whether that much was declared.
    fn count(&mut self, len: u64) -> bool {
        if let Some(left) = &mut self.left {
            match left.checked_sub(len) {
                Some(rest) => *left = rest,
                None => {
                    self.ended = Some(End::WrongLength);
                    return false;
                }
            }
        }
        *self.sent += len;
        true
    }

    fn push(&mut self, chunk: Bytes) {
        if !self.count(u64::try_from(chunk.len()).unwrap_or(u64::MAX)) {
            return;
        }
        if self.framing == Framing::Chunked {
            chunk_size(self.out.head(), chunk.len());
            self.out.push(chunk, b"\r\n");
        } else {
            self.out.push(chunk, b"");
        }
    }
}
