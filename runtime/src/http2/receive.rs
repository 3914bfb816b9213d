//! The content of a request: put in by the connection as it comes, taken out by whoever reads it.
//! Windows open by what was taken, so a slow reader slows its client and nobody else.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use crate::body::{BodyError, Side, Source};
use crate::message::Headers;
use crate::serve::Alarm;

/// What a client may send on one stream before it is read.
pub(super) const STREAM_WINDOW: u32 = 256 << 10;
/// What a client may send on all streams before it is read.
pub(super) const CONNECTION_WINDOW: u32 = 1 << 20;

/// The part of a stream's window that is worth a frame to open.
pub(super) const WORTH: u32 = STREAM_WINDOW / 4;

/// What a connection and the reader of a content share: both run on one core, and a borrow never
/// lasts longer than a call.
pub(super) struct Inbox {
    // All of it in one piece: small frames cost no more than their bytes.
    buffer: BytesMut,
    state: State,
    /// What was taken and is not yet added to the windows.
    taken: u32,
    /// The client waits for `100 Continue`, which was not sent.
    expects: bool,
    /// Whether the content was asked for before it came.
    wanted: bool,
    held: bool,
    reader: Option<Waker>,
    connection: Waker,
}

enum State {
    Open,
    Ended(Option<Headers>),
    Broken(BodyError),
}

impl Inbox {
    /// An empty one; `connection` is woken when there is something to send for it.
    pub(super) fn new(connection: Waker, expects: bool) -> Inbox {
        Inbox {
            buffer: BytesMut::new(),
            state: State::Open,
            taken: 0,
            expects,
            wanted: false,
            held: true,
            reader: None,
            connection,
        }
    }

    /// Adds content; false if nobody will read it.
    pub(super) fn push(&mut self, data: &[u8]) -> bool {
        if !self.held || !matches!(self.state, State::Open) {
            return false;
        }
        self.expects = false;
        self.buffer.extend_from_slice(data);
        self.wake();
        true
    }

    /// The content has ended.
    pub(super) fn end(&mut self, trailers: Option<Headers>) {
        if matches!(self.state, State::Open) {
            self.expects = false;
            self.state = State::Ended(trailers);
            self.wake();
        }
    }

    /// The content ends in a fault; how many bytes were not read.
    pub(super) fn fail(&mut self, error: BodyError) -> usize {
        if !matches!(self.state, State::Open) {
            return 0;
        }
        self.state = State::Broken(error);
        self.wake();
        std::mem::take(&mut self.buffer).len()
    }

    /// The whole content, if that is all there will be.
    pub(super) fn whole(&mut self) -> Option<Bytes> {
        matches!(self.state, State::Ended(None)).then(|| self.buffer.split().freeze())
    }

    /// What was taken since the last time, and what nobody will take any more.
    pub(super) fn settle(&mut self) -> (u32, u32) {
        let taken = std::mem::take(&mut self.taken);
        let dropped = if self.held { 0 } else { count(std::mem::take(&mut self.buffer).len()) };
        (taken, dropped)
    }

    /// The bytes that are here and were not taken.
    pub(super) fn unread(&self) -> usize {
        self.buffer.len()
    }

    /// Whether `100 Continue` is to be said now; true once.
    pub(super) fn take_wanted(&mut self) -> bool {
        std::mem::take(&mut self.wanted)
    }

    /// No more `100 Continue`: the answer has begun.
    pub(super) fn answered(&mut self) {
        (self.expects, self.wanted) = (false, false);
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// Bytes of a window.
pub(super) fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The content as the handler sees it.
pub(super) struct Received {
    inbox: Rc<RefCell<Inbox>>,
    idle: Duration,
    // Since when the client is waited for.
    since: Option<Instant>,
    alarm: Alarm,
}

impl Received {
    pub(super) fn new(inbox: Rc<RefCell<Inbox>>, idle: Duration) -> Received {
        Received { inbox, idle, since: None, alarm: Alarm::new() }
    }
}

impl Source for Received {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut inbox = self.inbox.borrow_mut();
        if !inbox.buffer.is_empty() {
            let chunk = inbox.buffer.split().freeze();
            inbox.taken = inbox.taken.saturating_add(count(chunk.len()));
            if inbox.taken >= WORTH {
                inbox.connection.wake_by_ref();
            }
            self.since = None;
            return Poll::Ready(Some(Ok(chunk)));
        }
        match &inbox.state {
            State::Ended(_) => return Poll::Ready(None),
            State::Broken(error) => return Poll::Ready(Some(Err(*error))),
            State::Open => {}
        }
        if std::mem::take(&mut inbox.expects) {
            inbox.wanted = true;
            inbox.connection.wake_by_ref();
        }
        if !inbox.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            inbox.reader = Some(cx.waker().clone());
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        ready!(self.alarm.poll(cx, since + self.idle));
        let error = BodyError::timeout(Side::Client);
        inbox.fail(error);
        Poll::Ready(Some(Err(error)))
    }

    fn awaits_continue(&self) -> bool {
        self.inbox.borrow().expects
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        match &mut self.inbox.borrow_mut().state {
            State::Ended(trailers) => trailers.take(),
            _ => None,
        }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // The connection may be the one that drops it, under a borrow of its own; then it knows.
        if let Ok(mut inbox) = self.inbox.try_borrow_mut() {
            inbox.held = false;
            inbox.connection.wake_by_ref();
        }
    }
}
