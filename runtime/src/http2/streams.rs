//! The streams of a connection that are not closed, in places that are used again: what a stream
//! needs is allocated once for many. Of the closed ones, how the last of them ended.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use tokio::time::Instant;

use super::bell::Bell;
use super::flow::Window;
use super::receive::Inbox;
use super::request::Asked;
use super::send::Sending;
use crate::body::{BodyError, Side};
use crate::message::Method;
use crate::serve::Handler;

/// Places that are kept for the streams to come, until the connection rests.
const SPARE: usize = 32;
/// The closed streams that are remembered.
const REMEMBERED: usize = 64;

/// A stream that is open, or half closed (RFC 9113 section 5.1).
pub(super) struct Stream<'c, H: Handler> {
    pub(super) id: u32,
    pub(super) begun: Instant,
    pub(super) method: Method,
    /// The request, until it is given to the handler.
    pub(super) asked: Option<Asked>,
    /// Its content; none if there is none, or if nobody will read it.
    pub(super) inbox: Option<Rc<RefCell<Inbox>>>,
    /// The answer, once the handler gave it and until it is sent.
    pub(super) sending: Option<Sending<'c, H>>,
    /// Since when it is sent, while the client still sends what nobody will read.
    pub(super) answered: Option<Instant>,
    /// Whether the client has sent all of its request.
    pub(super) ended: bool,
    /// The bytes of the declared length that did not come yet.
    pub(super) declared: Option<u64>,
    /// The bytes of content that may still come: the cap of a body, then that of what is thrown away.
    pub(super) room: u64,
    /// How much the client may send, and how much of that is to be opened again.
    pub(super) receiving: Window,
    pub(super) owed: u32,
    /// How much may be sent.
    pub(super) window: Window,
    /// It stands in the queue of those that have something to send.
    pub(super) queued: bool,
    /// It waits for the window of the connection.
    pub(super) parked: bool,
}

/// Whoever still reads its content is not left waiting.
impl<H: Handler> Drop for Stream<'_, H> {
    fn drop(&mut self) {
        if let Some(inbox) = &self.inbox {
            inbox.borrow_mut().fail(BodyError::closed(Side::Client));
        }
    }
}

/// A place for a stream.
pub(super) struct Place<'c, H: Handler, F> {
    pub(super) stream: Option<Stream<'c, H>>,
    /// The handler at work.
    pub(super) task: Pin<Box<Option<F>>>,
    pub(super) waker: Waker,
}

/// How a closed stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Both sides said all.
    Ended,
    /// The client reset it.
    Abandoned,
    /// We reset it: what the client sent before it knew may still come.
    Reset,
}

/// All streams of a connection.
pub(super) struct Streams<'c, H: Handler, F> {
    places: Vec<Option<Place<'c, H, F>>>,
    free: Vec<usize>,
    // By identifier: a client opens them in rising order, so adding one keeps the order.
    open: Vec<(u32, usize)>,
    closed: VecDeque<(u32, Fate)>,
    bell: Option<Arc<Bell>>,
    most: usize,
}

impl<'c, H: Handler, F> Streams<'c, H, F> {
    /// None yet, and never more than `most`.
    pub(super) fn new(most: u32) -> Streams<'c, H, F> {
        Streams {
            places: Vec::new(),
            free: Vec::new(),
            open: Vec::new(),
            closed: VecDeque::new(),
            bell: None,
            most: usize::try_from(most).unwrap_or(usize::MAX),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether one more would be too many.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= self.most
    }

    /// The bell of all streams; none before the first.
    pub(super) fn bell(&self) -> Option<&Arc<Bell>> {
        self.bell.as_ref()
    }

    /// Opens a stream; `make` is told the waker of its place. Only if it is not too many.
    pub(super) fn open(
        &mut self,
        id: u32,
        make: impl FnOnce(&Waker) -> Stream<'c, H>,
    ) -> Option<usize> {
        let at = self.free.pop().unwrap_or(self.places.len());
        if at == self.places.len() {
            self.places.push(None);
        }
        let bell = self.bell.get_or_insert_with(|| Bell::new(self.most));
        let place = self.places.get_mut(at)?.get_or_insert_with(|| Place {
            stream: None,
            task: Box::pin(None),
            waker: bell.waker(at),
        });
        place.stream = Some(make(&place.waker));
        self.open.push((id, at));
        Some(at)
    }

    /// The place of an open stream.
    pub(super) fn find(&self, id: u32) -> Option<usize> {
        let at = self.open.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.open.get(at).map(|(_, place)| *place)
    }

    pub(super) fn place(&mut self, at: usize) -> Option<&mut Place<'c, H, F>> {
        self.places.get_mut(at)?.as_mut()
    }

    pub(super) fn stream(&mut self, at: usize) -> Option<&mut Stream<'c, H>> {
        self.place(at)?.stream.as_mut()
    }

    /// The places of all open streams.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.open.iter().map(|(_, place)| *place)
    }

    /// Closes a stream: whatever of it is left is dropped where it is.
    pub(super) fn close(&mut self, at: usize, fate: Fate) {
        let Some(place) = self.places.get_mut(at) else { return };
        let Some(Place { stream, task, .. }) = place else { return };
        let Some(id) = stream.as_ref().map(|stream| stream.id) else { return };
        task.as_mut().set(None);
        *stream = None;
        if self.free.len() >= SPARE {
            *place = None;
        }
        self.free.push(at);
        if let Ok(nth) = self.open.binary_search_by_key(&id, |(id, _)| *id) {
            self.open.remove(nth);
        }
        self.remember(id, fate);
    }

    /// Remembers how a stream ended.
    pub(super) fn remember(&mut self, id: u32, fate: Fate) {
        if self.closed.len() >= REMEMBERED {
            self.closed.pop_front();
        }
        self.closed.push_back((id, fate));
    }

    /// How a stream ended, if that is remembered.
    pub(super) fn fate(&self, id: u32) -> Option<Fate> {
        self.closed.iter().rev().find(|(closed, _)| *closed == id).map(|(_, fate)| *fate)
    }

    /// Gives back the memory that no open stream needs.
    pub(super) fn rest(&mut self) {
        if self.is_empty() {
            *self = Streams { most: self.most, ..Streams::new(0) };
            return;
        }
        for at in &self.free {
            if let Some(place) = self.places.get_mut(*at) {
                *place = None;
            }
        }
    }
}
