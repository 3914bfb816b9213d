//! A body that can be sent again: what was read is kept, up to a limit, for the next attempt.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::{Body, BodyError, Kind, Source};
use crate::message::Headers;

/// A recording of a body. Each attempt reads it with a [`Tape::play`] of its own.
///
/// While no more than the limit was read, another attempt can start from the beginning; beyond it
/// the recording is thrown away and only the attempt under way goes on.
pub struct Tape {
    state: Rc<RefCell<State>>,
}

/// Chunks shorter than this are copied.
const SHORT: usize = 16 << 10;

struct State {
    body: Body,
    length: Option<u64>,
    chunks: Vec<Bytes>,
    room: usize,
    lost: bool,
    end: Option<Option<BodyError>>,
    trailers: Option<Headers>,
    // Only the newest play may read on: an abandoned attempt must not eat its bytes.
    plays: usize,
}

impl Tape {
    /// A recording of `body` that keeps at most `limit` bytes.
    pub fn new(body: Body, limit: usize) -> Tape {
        let length = body.content_length();
        let state = State {
            body,
            length,
            chunks: Vec::new(),
            room: limit,
            lost: false,
            end: None,
            trailers: None,
            plays: 0,
        };
        Tape { state: Rc::new(RefCell::new(state)) }
    }

    /// Whether another attempt can be given the whole body.
    pub fn replayable(&self) -> bool {
        let state = self.state.borrow();
        !state.lost && !matches!(state.end, Some(Some(_)))
    }

    /// The body from its beginning; the play before this one is cut off.
    ///
    /// Call it only while [`Tape::replayable`]: a lost recording yields an error.
    pub fn play(&self) -> Body {
        let mut state = self.state.borrow_mut();
        state.plays += 1;
        if let Kind::Once(bytes) = &state.body.kind {
            return Body::full(bytes.clone());
        }
        let play = Play { state: Rc::clone(&self.state), at: 0, number: state.plays };
        Body::source(play, state.length)
    }
}

struct Play {
    state: Rc<RefCell<State>>,
    at: usize,
    number: usize,
}

impl Source for Play {
    fn awaits_continue(&self) -> bool {
        let state = self.state.borrow();
        self.number == state.plays && state.body.awaits_continue()
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let state = &mut *self.state.borrow_mut();
        if self.number != state.plays || (state.lost && self.at == 0) {
            return Poll::Ready(Some(Err(BodyError::reset(super::Side::Gateway))));
        }
        if let Some(chunk) = state.chunks.get(self.at) {
            self.at += 1;
            return Poll::Ready(Some(Ok(chunk.clone())));
        }
        if let Some(end) = state.end {
            return Poll::Ready(end.map(Err));
        }
        match ready!(state.body.poll_next(cx)) {
            Some(Ok(chunk)) => {
                self.at += 1;
                match state.room.checked_sub(chunk.len()) {
                    Some(room) if !state.lost => {
                        state.room = room;
                        // A few bytes may hold a whole read buffer alive; a copy holds itself.
                        let short = chunk.len() < SHORT;
                        let kept =
                            if short { Bytes::copy_from_slice(&chunk) } else { chunk.clone() };
                        state.chunks.push(kept);
                    }
                    _ => {
                        state.lost = true;
                        state.chunks = Vec::new();
                    }
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            Some(Err(error)) => {
                state.end = Some(Some(error));
                Poll::Ready(Some(Err(error)))
            }
            None => {
                state.end = Some(None);
                state.trailers = state.body.take_trailers();
                Poll::Ready(None)
            }
        }
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.state.borrow().trailers.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Parts(Vec<&'static str>);

    impl Source for Parts {
        fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
            if self.0.is_empty() {
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Ok(Bytes::from_static(self.0.remove(0).as_bytes()))))
        }
    }

    #[tokio::test]
    async fn a_short_body_is_played_again_from_the_middle() {
        let tape = Tape::new(Body::source(Parts(vec!["ab", "cd", "ef"]), None), 64);
        let mut first = tape.play();
        assert_eq!(first.next().await, Some(Ok(Bytes::from_static(b"ab"))));
        assert!(tape.replayable());
        assert_eq!(tape.play().collect(64).await, Ok(Bytes::from_static(b"abcdef")));
        assert!(first.next().await.unwrap().is_err());
        assert_eq!(tape.play().collect(64).await, Ok(Bytes::from_static(b"abcdef")));
    }

    #[tokio::test]
    async fn whoever_waits_to_be_told_is_asked_until_something_came() {
        struct Waits(Parts, bool);
        impl Source for Waits {
            fn awaits_continue(&self) -> bool {
                self.1
            }

            fn poll_chunk(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Result<Bytes, BodyError>>> {
                self.1 = false;
                self.0.poll_chunk(cx)
            }
        }
        let waits = Waits(Parts(vec!["ab"]), true);
        let tape = Tape::new(Body::source(waits, None).capped(64, crate::body::Side::Client), 64);
        assert!(tape.play().awaits_continue());
        let mut second = tape.play();
        assert!(second.awaits_continue());
        assert_eq!(second.next().await, Some(Ok(Bytes::from_static(b"ab"))));
        assert!(!second.awaits_continue() && !tape.play().awaits_continue());
    }

    #[tokio::test]
    async fn a_long_body_passes_once() {
        let tape = Tape::new(Body::source(Parts(vec!["ab", "cd", "ef"]), None), 3);
        assert_eq!(tape.play().collect(64).await, Ok(Bytes::from_static(b"abcdef")));
        assert!(!tape.replayable());
        assert!(tape.play().next().await.unwrap().is_err());
    }
}
