//! Bodies around bodies: a cap on the size, a limit on the wait, a count of the bytes.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Sleep;

use super::{Body, BodyError, Pipe, Side, Source};
use crate::clock;
use crate::message::Headers;

pub(super) fn capped(body: Body, limit: u64, side: Side) -> Body {
    if body.content_length().is_some_and(|length| length <= limit) {
        return body;
    }
    let length = body.content_length();
    Body::source(Capped { body, left: limit, side }, length)
}

pub(super) fn timed(body: Body, idle: Duration, side: Side) -> Body {
    if body.as_full().is_some() {
        return body;
    }
    let length = body.content_length();
    Body::source(Timed { body, idle, side, sleep: None, waiting: false }, length)
}

pub(super) fn counted(body: Body, count: Rc<Cell<u64>>) -> Body {
    let length = body.content_length();
    Body::source(Counted { body, count }, length)
}

struct Capped {
    body: Body,
    left: u64,
    side: Side,
}

impl Source for Capped {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.body.content_length().is_some_and(|length| length > self.left) {
            return Poll::Ready(Some(Err(BodyError::too_large(self.side))));
        }
        self.body.poll_next(cx).map(|next| {
            let bytes = match next? {
                Ok(bytes) => bytes,
                Err(error) => return Some(Err(error)),
            };
            match self.left.checked_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX)) {
                Some(left) => self.left = left,
                None => return Some(Err(BodyError::too_large(self.side))),
            }
            Some(Ok(bytes))
        })
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.body.take_trailers()
    }

    fn awaits_continue(&self) -> bool {
        self.body.awaits_continue()
    }
}

struct Timed {
    body: Body,
    idle: Duration,
    side: Side,
    // Made at the first wait: most bodies never wait.
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Source for Timed {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if let Poll::Ready(next) = self.body.poll_next(cx) {
            self.waiting = false;
            return Poll::Ready(next);
        }
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.idle)));
        if !self.waiting {
            sleep.as_mut().reset(clock::now() + self.idle);
            self.waiting = true;
        }
        match sleep.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Some(Err(BodyError::timeout(self.side)))),
        }
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.body.take_trailers()
    }

    fn awaits_continue(&self) -> bool {
        self.body.awaits_continue()
    }
}

struct Counted {
    body: Body,
    count: Rc<Cell<u64>>,
}

impl Counted {
    fn count(&self, bytes: u64) {
        self.count.set(self.count.get() + bytes);
    }
}

impl Source for Counted {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = self.body.poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.count(bytes.len() as u64);
        }
        next
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.body.take_trailers()
    }

    fn awaits_continue(&self) -> bool {
        self.body.awaits_continue()
    }

    fn can_pass(&self) -> bool {
        self.body.can_pass()
    }

    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
    ) -> Poll<Result<usize, BodyError>> {
        let passed = ready!(self.body.poll_pass(cx, pipe));
        if let Ok(bytes) = passed {
            self.count(bytes);
        }
        Poll::Ready(passed.map(|bytes| bytes as usize))
    }
}
