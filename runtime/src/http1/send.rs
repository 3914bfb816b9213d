//! Sending an answer: head and first content in one write, content as it comes, each wait bounded.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::receive::Shared;
use super::wire::COPIED;
use super::{Framing, Out, Persistence, chunk_size, encode_response, last_chunk};
use crate::body::Body;
use crate::clock;
use crate::message::{Method, Response, Version};
use crate::serve::{Alarm, End, Limits};

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
pub(super) async fn send<IO: AsyncRead + AsyncWrite + Unpin>(
    shared: &Rc<RefCell<Shared<IO>>>,
    alarm: &mut Alarm,
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
    let begun =
        shared.borrow_mut().content.as_mut().map(|content| std::mem::take(&mut content.interim));
    let mut out = begun.unwrap_or_default();
    let with_content = response.may_have_content(&asked.method);
    // What is here and short is copied behind the head: room for both at once.
    let behind = body.as_full().map_or(0, <[u8]>::len);
    if with_content && behind <= COPIED {
        out.head().reserve(response.headers.wire_len() + 192 + behind);
    }
    encode_response(out.head(), response, framing, headless, persistence);
    let mut sending = Sending {
        out,
        framing,
        left: body.content_length(),
        body: if with_content { body } else { Body::empty() },
        takes_trailers: asked.takes_trailers,
        ended: (!with_content).then_some(End::Complete),
        since: None,
        sent,
    };
    poll_fn(|cx| sending.poll(cx, shared, alarm, limits)).await
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
    sent: &'s mut u64,
}

impl Sending<'_> {
    fn poll<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        shared: &Rc<RefCell<Shared<IO>>>,
        alarm: &mut Alarm,
        limits: &Limits,
    ) -> Poll<End> {
        loop {
            // Not under a borrow: the content may be that of the request itself.
            self.gather(cx);
            let mut shared = shared.borrow_mut();
            let flushing = self.out.is_empty();
            let polled = if flushing {
                std::pin::Pin::new(&mut shared.wire.io).poll_flush(cx)
            } else {
                self.out.poll_write(cx, &mut shared.wire.io).map_ok(|_| ())
            };
            match polled {
                Poll::Ready(Err(_)) => return Poll::Ready(End::ClientClosed),
                Poll::Ready(Ok(())) => self.since = None,
                Poll::Pending => {
                    let since = *self.since.get_or_insert_with(clock::now);
                    return alarm.poll(cx, since + limits.send_idle).map(|()| End::ClientTimeout);
                }
            }
            if !flushing {
                continue;
            }
            if let Some(end) = self.ended {
                return Poll::Ready(end);
            }
            if shared.client_is_gone(cx) {
                return Poll::Ready(End::ClientClosed);
            }
            return Poll::Pending;
        }
    }

    /// Takes what the content has ready, so that it goes in one write.
    fn gather(&mut self, cx: &mut Context<'_>) {
        while self.ended.is_none() && self.out.has_room() {
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

    fn push(&mut self, chunk: Bytes) {
        let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if let Some(left) = &mut self.left {
            match left.checked_sub(len) {
                Some(rest) => *left = rest,
                None => {
                    self.ended = Some(End::WrongLength);
                    return;
                }
            }
        }
        *self.sent += len;
        if self.framing == Framing::Chunked {
            chunk_size(self.out.head(), chunk.len());
            self.out.push(chunk, b"\r\n");
        } else {
            self.out.push(chunk, b"");
        }
    }
}
