//! The protocol of a connection without its transport: bytes in, bytes out, streams in between
//! (RFC 9113 sections 5 to 8).
//!
//! What comes in is taken by [`Machine::feed`]; [`Machine::work`] then lets handlers run and gathers
//! what all streams have to send. Frames are in `frames.rs`.

use std::collections::VecDeque;
use std::future::Future;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::calm::Calm;
use super::flow::{INITIAL, Window};
use super::frame::{self, Code};
use super::hpack::{Decoder, Encoder};
use super::receive::{CONNECTION_WINDOW, Received, STREAM_WINDOW, WORTH, count};
use super::request::Asked;
use super::send::{Sending, Turn, Wire, interim};
use super::streams::{Fate, Place, Streams};
use crate::body::{Body, BodyError, Side};
use crate::message::{Fault, Response, Scheme};
use crate::serve::hints::Listening;
use crate::serve::{Bite, End, Handler, Incoming, Limits, Outgoing, Refusal, Settle};

/// So much is gathered before it is written. While it is not, nothing is read: what that asks for
/// would only be added.
pub(super) const GATHERED: usize = 64 << 10;
/// Says that a `PING` asks whether the client has seen our goodbye.
const GOODBYE: [u8; 8] = *b"goodbye!";

/// A connection that speaks HTTP/2.
pub(super) struct Machine<'c, H: Handler, F> {
    pub(super) handler: &'c H,
    pub(super) limits: &'c Limits,
    pub(super) scheme: Scheme,
    pub(super) streams: Streams<'c, H, F>,
    pub(super) decoder: Decoder,
    pub(super) encoder: Encoder,
    /// The bytes of the preface that came.
    pub(super) preface: usize,
    /// Whether the client's settings came, and whether it has acknowledged ours.
    pub(super) settled: bool,
    pub(super) acknowledged: bool,
    /// A header block that goes on in the next frame.
    pub(super) block: Option<Block>,
    /// The last stream that the client opened, and whether it ever left one out.
    pub(super) last: u32,
    pub(super) skips: bool,
    pub(super) calm: Calm,
    /// When the last bytes came.
    pub(super) now: Instant,
    /// How much the client may send on all streams, and how much of that is to be opened again.
    pub(super) receiving: Window,
    pub(super) owed: u32,
    /// How much may be sent on all streams, and on a new one.
    pub(super) window: Window,
    pub(super) initial: u32,
    /// What is to be written, and how much of it is.
    pub(super) out: Vec<u8>,
    pub(super) written: usize,
    /// Streams whose request is whole enough to be handled, and those that have something to send.
    pub(super) opened: Vec<usize>,
    ready: VecDeque<usize>,
    pub(super) leaving: Leaving,
    /// The client goes.
    pub(super) left: bool,
    pub(super) fatal: Option<Fatal>,
    /// Since when there is no stream, or since we began to leave.
    pub(super) since: Instant,
    /// When the first of the streams that wait for their client has waited long enough.
    pub(super) due: Option<Instant>,
}

/// A header block in several frames.
pub(super) struct Block {
    pub(super) stream: u32,
    pub(super) end: bool,
    pub(super) depends: Option<u32>,
    pub(super) bytes: Vec<u8>,
    pub(super) since: Instant,
}

/// How far our goodbye got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    Not,
    /// The client was told; what it sent before it knew is still answered.
    Announced,
    /// It knows: no stream follows.
    Known,
}

/// Why a connection ends at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fatal {
    pub(super) code: Code,
    /// The limit that was reached, if one was.
    pub(super) fault: Option<Fault>,
}

impl From<Code> for Fatal {
    fn from(code: Code) -> Fatal {
        Fatal { code, fault: None }
    }
}

/// A limit that was reached.
impl From<Fault> for Fatal {
    fn from(fault: Fault) -> Fatal {
        Fatal { code: Code::Calm, fault: Some(fault) }
    }
}

impl<'c, H, F> Machine<'c, H, F>
where
    H: Handler,
    F: Future<Output = Outgoing<H::Ticket>>,
{
    /// A connection on which nothing came yet; what the server says first is in `out`.
    pub(super) fn new(handler: &'c H, scheme: Scheme, limits: &'c Limits, now: Instant) -> Self {
        const STREAMS: u16 = 3;
        const WINDOW: u16 = 4;
        const LIST: u16 = 6;
        let list = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
        let mut out = Vec::new();
        let settings = [(STREAMS, limits.streams), (WINDOW, STREAM_WINDOW), (LIST, list)];
        frame::settings(&settings, &mut out);
        frame::window(0, CONNECTION_WINDOW - INITIAL, &mut out);
        Machine {
            handler,
            limits,
            scheme,
            streams: Streams::new(limits.streams),
            decoder: Decoder::new(),
            encoder: Encoder::new(),
            preface: 0,
            settled: false,
            acknowledged: false,
            block: None,
            last: 0,
            skips: false,
            calm: Calm::new(now),
            now,
            receiving: Window::new(CONNECTION_WINDOW),
            owed: 0,
            window: Window::new(INITIAL),
            initial: INITIAL,
            out,
            written: 0,
            opened: Vec::new(),
            ready: VecDeque::new(),
            leaving: Leaving::Not,
            left: false,
            fatal: None,
            since: now,
            due: None,
        }
    }

    /// What is not written yet.
    pub(super) fn unsent(&self) -> &[u8] {
        self.out.get(self.written..).unwrap_or_default()
    }

    /// So many bytes more are written.
    pub(super) fn sent(&mut self, count: usize) {
        self.written += count;
        if self.written >= self.out.len() {
            self.out.clear();
            self.written = 0;
        } else if self.written >= GATHERED {
            self.out.drain(..self.written);
            self.written = 0;
        }
    }

    /// The task runs: streams need not wake it.
    pub(super) fn hush(&self) {
        if let Some(bell) = self.streams.bell() {
            bell.hush();
        }
    }

    /// The task is about to rest; false if there is something to do after all.
    pub(super) fn arm(&self, task: &Waker) -> bool {
        self.streams.bell().is_none_or(|bell| bell.arm(task))
    }

    /// Lets handlers run that have something to do, and gathers what there is to send; whether
    /// anything happened.
    pub(super) fn work(&mut self, make: &impl Fn(Incoming) -> F) -> bool {
        let mut worked = self.begin(make);
        if let Some(bell) = self.streams.bell().cloned() {
            for word in 0..bell.words() {
                let mut bits = bell.take(word);
                while bits != 0 {
                    worked = true;
                    self.visit(word * 64 + bits.trailing_zeros() as usize);
                    bits &= bits - 1;
                }
            }
        }
        self.gather();
        self.open_window();
        worked
    }

    /// Gives the requests that came to the handler.
    fn begin(&mut self, make: &impl Fn(Incoming) -> F) -> bool {
        let worked = !self.opened.is_empty();
        for at in std::mem::take(&mut self.opened) {
            let Some(place) = self.streams.place(at) else { continue };
            let Some(stream) = &mut place.stream else { continue };
            let Some(Asked { request, length, .. }) = stream.asked.take() else { continue };
            let mut body = Body::empty();
            if let Some(inbox) = stream.inbox.take() {
                let whole = inbox.borrow_mut().whole();
                body = match whole {
                    Some(bytes) => {
                        self.owed = self.owed.saturating_add(count(bytes.len()));
                        Body::full(bytes)
                    }
                    None => {
                        stream.inbox = Some(inbox.clone());
                        Body::source(Received::new(inbox, self.limits.body_idle), length)
                    }
                };
            }
            place.task.as_mut().set(Some(make(Incoming { request, body, upgrade: None })));
            self.visit(at);
        }
        worked
    }

    /// Lets the handler of a stream run, or its answer go on, and looks after its content.
    fn visit(&mut self, at: usize) {
        let Some(Place { stream: Some(stream), task, waker }) = self.streams.place(at) else {
            return;
        };
        let id = stream.id;
        if let Some(handling) = task.as_mut().as_pin_mut() {
            let cx = &mut Context::from_waker(waker);
            let listening = Listening::begin();
            let polled = handling.poll(cx);
            let hints = listening.end();
            for hint in &hints {
                // Who does not take them goes without.
                if self.out.len() - self.written < GATHERED {
                    interim(id, hint, &mut self.encoder, &mut self.out);
                }
            }
            if let Poll::Ready(outgoing) = polled {
                task.as_mut().set(None);
                stream.sending = Some(Sending::new(self.handler, &stream.method, outgoing));
            }
        }
        if let Some(inbox) = &stream.inbox {
            let mut inbox = inbox.borrow_mut();
            let (taken, dropped) = inbox.settle();
            self.owed = self.owed.saturating_add(taken).saturating_add(dropped);
            stream.owed = stream.owed.saturating_add(taken);
            if stream.owed >= WORTH && !stream.ended {
                // INVARIANT: no more is owed than the window was opened by before.
                let _ = stream.receiving.widen(stream.owed);
                frame::window(id, std::mem::take(&mut stream.owed), &mut self.out);
            }
            if inbox.take_wanted() && stream.sending.is_none() {
                interim(id, &Response::new(100), &mut self.encoder, &mut self.out);
            }
        }
        if stream.sending.is_some() {
            self.queue(at);
        }
    }

    /// Puts a stream into the queue of those that have something to send.
    pub(super) fn queue(&mut self, at: usize) {
        if let Some(stream) = self.streams.stream(at)
            && !std::mem::replace(&mut stream.queued, true)
        {
            self.ready.push_back(at);
        }
    }

    /// Appends what streams have to send, each in its turn, until that is enough for a write.
    fn gather(&mut self) {
        while self.unsent().len() < GATHERED {
            let Some(at) = self.ready.pop_front() else { return };
            let Some(Place { stream: Some(stream), waker, .. }) = self.streams.place(at) else {
                continue;
            };
            stream.queued = false;
            let Some(sending) = &mut stream.sending else { continue };
            if let Some(inbox) = &stream.inbox {
                inbox.borrow_mut().answered();
            }
            let before = sending.settle.bytes;
            let wire = Wire {
                stream: stream.id,
                window: &mut stream.window,
                shared: &mut self.window,
                encoder: &mut self.encoder,
                out: &mut self.out,
            };
            let turn = sending.turn(&mut Context::from_waker(waker), wire);
            self.calm.content(usize::try_from(sending.settle.bytes - before).unwrap_or(0));
            match turn {
                Turn::Again => self.queue(at),
                Turn::Waits => {}
                Turn::Shut | Turn::AllShut => {
                    stream.parked = turn == Turn::AllShut;
                    let since = *sending.stalled.get_or_insert_with(Instant::now);
                    self.expect(since + self.limits.send_idle);
                }
                Turn::Done => self.done(at),
                Turn::Reset(code, end) => self.reset(at, code, end),
            }
        }
    }

    /// Opens the window of the connection by what was read, if that is worth a frame.
    fn open_window(&mut self) {
        if self.owed >= CONNECTION_WINDOW / 4 {
            // INVARIANT: no more is owed than the window was opened by before.
            let _ = self.receiving.widen(self.owed);
            frame::window(0, std::mem::take(&mut self.owed), &mut self.out);
        }
    }

    /// An answer is sent.
    fn done(&mut self, at: usize) {
        let Some(stream) = self.streams.stream(at) else { return };
        if stream.ended {
            return self.close(at, Fate::Ended, End::Complete);
        }
        // What little is left of the request is thrown away, so that its client sees no reset; who
        // has more to send is told to stop (RFC 9113 section 8.1).
        let most = self.limits.drain_bytes;
        if stream.declared.is_some_and(|left| left > most) {
            self.handler.bit(Bite::Unread);
            return self.reset(at, Code::None, End::Complete);
        }
        let now = Instant::now();
        (stream.answered, stream.room) = (Some(now), most);
        self.dismiss(at, End::Complete);
        self.expect(now + self.limits.linger);
    }

    /// A stream waits for its client until `due`.
    fn expect(&mut self, due: Instant) {
        self.due = Some(self.due.map_or(due, |first| first.min(due)));
    }

    /// Resets a stream.
    pub(super) fn reset(&mut self, at: usize, code: Code, end: End) {
        if let Some(stream) = self.streams.stream(at) {
            frame::reset(stream.id, code, &mut self.out);
            self.close(at, Fate::Reset, end);
        }
    }

    /// Closes a stream: whatever of it is at work ends.
    pub(super) fn close(&mut self, at: usize, fate: Fate, end: End) {
        self.dismiss(at, end);
        self.streams.close(at, fate);
        if self.streams.is_empty() {
            self.since = Instant::now();
        }
    }

    /// Tells how an answer ended; what was not read of its request nobody will read.
    fn dismiss(&mut self, at: usize, end: End) {
        let Some(Place { stream: Some(stream), task, .. }) = self.streams.place(at) else { return };
        task.as_mut().set(None);
        if let Some(sending) = &mut stream.sending {
            sending.settle.end(end);
            stream.sending = None;
        }
        if let Some(inbox) = stream.inbox.take() {
            let mut inbox = inbox.borrow_mut();
            let (taken, dropped) = inbox.settle();
            let unread = inbox.fail(BodyError::reset(Side::Client)) + inbox.unread();
            self.owed = self
                .owed
                .saturating_add(taken)
                .saturating_add(dropped)
                .saturating_add(count(unread));
        }
    }

    /// Says goodbye, in peace: the client is told, then asked whether it knows.
    pub(super) fn leave(&mut self) {
        if self.leaving == Leaving::Not {
            frame::goaway(0x7fff_ffff, Code::None, &mut self.out);
            frame::ping(GOODBYE, false, &mut self.out);
            self.leaving = Leaving::Announced;
            self.since = Instant::now();
        }
    }

    /// The client has answered a `PING`.
    pub(super) fn ponged(&mut self, opaque: [u8; 8]) {
        if self.leaving == Leaving::Announced && opaque == GOODBYE {
            self.part();
        }
    }

    /// Says which streams were the last.
    pub(super) fn part(&mut self) {
        frame::goaway(self.last, Code::None, &mut self.out);
        self.leaving = Leaving::Known;
    }

    /// Whether nothing follows any more.
    pub(super) fn is_over(&self) -> bool {
        self.streams.is_empty() && (self.left || self.leaving == Leaving::Known)
    }

    /// Ends all streams; a connection that broke the rules is told so.
    pub(super) fn end(&mut self, end: End) {
        if let Some(Fatal { code, fault }) = self.fatal {
            frame::goaway(self.last, code, &mut self.out);
            if let Some(fault) = fault {
                self.record(fault, end);
            }
        }
        for at in self.streams.all().rev().collect::<Vec<_>>() {
            self.close(at, Fate::Reset, end);
        }
    }

    /// Has a limit that was reached logged and counted, as refusals are.
    pub(super) fn record(&self, fault: Fault, end: End) {
        let outgoing = self.handler.refuse(Refusal::of(fault));
        Settle::new(self.handler, outgoing.ticket).finish(end);
    }

    /// Resets the streams whose client was waited for long enough.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.due = None;
        for at in self.streams.all().collect::<Vec<_>>() {
            let Some(stream) = self.streams.stream(at) else { continue };
            let stalled = stream.sending.as_ref().and_then(|sending| sending.stalled);
            let (due, code, end) = match (stalled, stream.answered) {
                (Some(since), _) => {
                    (since + self.limits.send_idle, Code::Cancel, End::ClientTimeout)
                }
                (None, Some(since)) => (since + self.limits.linger, Code::None, End::Complete),
                (None, None) => continue,
            };
            if due > now {
                self.expect(due);
                continue;
            }
            if stalled.is_none() {
                self.handler.bit(Bite::Linger);
            }
            self.reset(at, code, end);
        }
    }

    /// Gives back the memory that is kept for streams to come.
    pub(super) fn rest(&mut self) {
        self.streams.rest();
        self.decoder.rest();
        self.encoder.rest();
        self.opened.shrink_to_fit();
        self.ready.shrink_to_fit();
    }
}
