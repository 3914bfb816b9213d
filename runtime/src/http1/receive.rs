//! The content of a request, read off the connection when the handler asks for it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Decoded, Decoder, Framing, Out, Persistence, Wire, encode_response};
use crate::body::{BodyError, Pipe, Side, Source};
use crate::clock;
use crate::message::{Fault, Headers, Response};
use crate::serve::Alarm;
use crate::transport::socket_of;

/// What the serving loop and the content of the current request share: both run on one task, and
/// a borrow never lasts longer than a poll.
pub(crate) struct Shared<IO> {
    pub(crate) wire: Wire<IO>,
    /// Whatever the serving loop waits for, it waits by this.
    pub(crate) alarm: Alarm,
    /// What few exchanges need, and no connection that waits.
    pub(crate) rare: Option<Box<Rare>>,
}

/// What is known of an exchange that is more than a head and its answer.
#[derive(Default)]
pub(crate) struct Rare {
    /// The content of the request, unless all of it came with the head.
    pub(super) content: Option<Content>,
    /// Until when a client that has closed its side is answered.
    closed: Option<Instant>,
    /// What is left of interim responses.
    interim: Option<Out>,
}

/// The content of a request on its way.
pub(crate) struct Content {
    pub(super) decoder: Decoder,
    /// Whether the handler still holds the content.
    pub(super) held: bool,
    /// The client waits for `100 Continue`, and no final response was begun.
    pub(super) expects: bool,
    /// The content broke: the connection cannot be used again.
    pub(super) broken: bool,
}

impl Content {
    pub(super) fn new(decoder: Decoder, expects: bool) -> Content {
        Content { decoder, held: false, expects, broken: false }
    }

    fn broke(&mut self, error: BodyError) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.broken = true;
        Poll::Ready(Some(Err(error)))
    }
}

impl<IO> Shared<IO> {
    /// The content of the current request, unless all of it came with the head.
    pub(super) fn content(&self) -> Option<&Content> {
        self.rare.as_ref()?.content.as_ref()
    }

    /// The same, to be changed.
    pub(super) fn content_mut(&mut self) -> Option<&mut Content> {
        self.rare.as_mut()?.content.as_mut()
    }

    /// From now on there is this content.
    pub(super) fn begin_content(&mut self, content: Content) {
        self.rare.get_or_insert_default().content = Some(content);
    }

    /// From now on there is none.
    pub(super) fn end_content(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.content = None;
            self.tidy();
        }
    }

    /// Whether nothing is to come of the content.
    pub(super) fn is_read(&self) -> bool {
        self.content().is_none_or(|content| content.decoder.is_done())
    }

    /// Until when a client that has closed its side is answered.
    pub(super) fn closed(&self) -> Option<Instant> {
        self.rare.as_ref()?.closed
    }

    /// The same, to be changed.
    pub(super) fn closed_mut(&mut self) -> Option<&mut Instant> {
        self.rare.as_mut()?.closed.as_mut()
    }

    /// What is left of interim responses, for whoever writes next.
    pub(super) fn take_interim(&mut self) -> Option<Out> {
        let interim = self.rare.as_mut()?.interim.take();
        self.tidy();
        interim
    }

    fn tidy(&mut self) {
        self.rare.take_if(|rare| {
            rare.content.is_none() && rare.closed.is_none() && rare.interim.is_none()
        });
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Shared<IO> {
    /// Adds interim responses to those that are to be written. Who does not take them goes without.
    pub(super) fn hint(&mut self, hints: &[Response]) {
        const MOST: usize = 16 << 10;
        let out = self.rare.get_or_insert_default().interim.get_or_insert_default();
        for hint in hints {
            if out.head().len() < MOST {
                encode_response(out.head(), hint, Framing::None, false, Persistence::Implied);
            }
        }
    }

    /// Writes what is left of interim responses.
    pub(super) fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(rare) = &mut self.rare else { return Poll::Ready(Ok(())) };
        if let Some(interim) = &mut rare.interim {
            ready!(interim.poll_finish(cx, &mut self.wire.io))?;
            rare.interim = None;
        }
        Poll::Ready(Ok(()))
    }

    /// The next piece of content. The end of the connection is an error of its own.
    pub(super) fn poll_content(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let Some(rare) = &mut self.rare else { return Poll::Ready(None) };
            let (wire, Some(content)) = (&mut self.wire, &mut rare.content) else {
                return Poll::Ready(None);
            };
            let decoded = content.decoder.decode(&mut wire.buffer);
            if matches!(decoded, Ok(Decoded::Chunk(_) | Decoded::Done)) {
                // The client did not wait to be asked.
                content.expects = false;
            }
            match decoded {
                Ok(Decoded::Chunk(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Ok(Decoded::Done) => return Poll::Ready(None),
                Ok(Decoded::More) => {}
                Err(fault) => return content.broke(error(fault)),
            }
            if content.expects {
                content.expects = false;
                let interim = rare.interim.get_or_insert_default();
                interim.head().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            }
            let expected = content.decoder.next_bytes();
            let read = match ready!(self.poll_interim(cx)) {
                Ok(()) => ready!(self.wire.poll_fill(cx, expected)),
                wrong => wrong.map(|()| 0),
            };
            if let Ok(0) | Err(_) = read
                && let Some(content) = self.content_mut()
            {
                return content.broke(BodyError::closed(Side::Client));
            }
        }
    }

    /// Whether the client closed while it should wait. What it sends ahead stays in the buffer,
    /// which is filled once and no more.
    ///
    /// Who has said all there is to say may close that side and read on, and nothing tells such a client from one that
    /// left: the answer has `patience` to come, or its next piece.
    pub(super) fn client_is_gone(&mut self, cx: &mut Context<'_>, patience: Duration) -> bool {
        if let Some(until) = self.closed() {
            return self.alarm.poll(cx, until).is_ready();
        }
        let at_rest = self.is_read() || self.content().is_none_or(|content| !content.held);
        if !at_rest || !self.wire.buffer.is_empty() {
            return false;
        }
        match self.wire.poll_fill(cx, 0) {
            Poll::Pending | Poll::Ready(Ok(1..)) => false,
            Poll::Ready(Err(_)) => true,
            Poll::Ready(Ok(0)) => {
                let until = clock::now() + patience;
                self.rare.get_or_insert_default().closed = Some(until);
                self.alarm.poll(cx, until).is_ready()
            }
        }
    }
}

/// The content as the handler sees it.
pub(super) struct Received<IO> {
    shared: Rc<RefCell<Shared<IO>>>,
    idle: Duration,
    // Since when the client is waited for.
    since: Option<Instant>,
    alarm: Alarm,
}

impl<IO> Received<IO> {
    pub(super) fn new(shared: &Rc<RefCell<Shared<IO>>>, idle: Duration) -> Received<IO> {
        if let Some(content) = shared.borrow_mut().content_mut() {
            content.held = true;
        }
        Received { shared: Rc::clone(shared), idle, since: None, alarm: Alarm::new() }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin + 'static> Source for Received<IO> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut shared = self.shared.borrow_mut();
        if shared.content().is_some_and(|content| content.broken) {
            return Poll::Ready(Some(Err(BodyError::closed(Side::Client))));
        }
        if let Poll::Ready(next) = shared.poll_content(cx) {
            self.since = None;
            return Poll::Ready(next);
        }
        let since = *self.since.get_or_insert_with(clock::now);
        ready!(self.alarm.poll(cx, since + self.idle));
        match shared.content_mut() {
            Some(content) => content.broke(BodyError::timeout(Side::Client)),
            None => Poll::Ready(None),
        }
    }

    fn awaits_continue(&self) -> bool {
        let shared = self.shared.borrow();
        // Whoever has begun does not wait.
        shared.wire.buffer.is_empty() && shared.content().is_some_and(|one| one.expects)
    }

    fn can_pass(&self) -> bool {
        let shared = self.shared.borrow();
        let Some(rare) = &shared.rare else { return false };
        rare.content.as_ref().is_some_and(|content| {
            content.decoder.passable() > 0 && !content.broken && !content.expects
        }) && rare.interim.is_none()
            && shared.wire.buffer.is_empty()
            && socket_of(&shared.wire.io).is_some()
    }

    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
    ) -> Poll<Result<usize, BodyError>> {
        let shared = &mut *self.shared.borrow_mut();
        let content = shared.rare.as_mut().and_then(|rare| rare.content.as_mut());
        let (Some(content), Some(socket)) = (content, socket_of(&shared.wire.io)) else {
            return Poll::Pending;
        };
        let error = match pipe.poll_fill(cx, socket, content.decoder.passable()) {
            Poll::Ready(Ok(count @ 1..)) => {
                self.since = None;
                content.decoder.passed(count as u64);
                return Poll::Ready(Ok(count));
            }
            Poll::Ready(Ok(0) | Err(_)) => BodyError::closed(Side::Client),
            Poll::Pending => {
                let since = *self.since.get_or_insert_with(clock::now);
                ready!(self.alarm.poll(cx, since + self.idle));
                BodyError::timeout(Side::Client)
            }
        };
        content.broken = true;
        Poll::Ready(Err(error))
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.shared.borrow_mut().content_mut()?.decoder.take_trailers()
    }
}

impl<IO> Drop for Received<IO> {
    fn drop(&mut self) {
        // The loop may be the one that drops it, under a borrow of its own; then it knows.
        if let Ok(mut shared) = self.shared.try_borrow_mut()
            && let Some(content) = shared.content_mut()
        {
            content.held = false;
        }
    }
}

fn error(fault: Fault) -> BodyError {
    match fault {
        Fault::BodyTooLarge => BodyError::too_large(Side::Client),
        fault => BodyError::malformed(Side::Client, fault.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::ClientTransport;

    #[test]
    fn what_a_waiting_connection_keeps_fits_into_two_cache_lines() {
        let counts = 2 * size_of::<usize>();
        assert!(size_of::<RefCell<Shared<ClientTransport>>>() + counts <= 128);
    }
}
