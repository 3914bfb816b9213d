//! The life of an HTTP/2 connection: what it reads goes to the machine, what all streams have to say
//! leaves in one write, every wait has an end.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout};

use super::machine::{GATHERED, Leaving, Machine};
use super::request::Room;
use crate::http1::Wire;
use crate::message::Fault;
use crate::serve::{Alarm, Bite, Drain, End, Handler, Incoming, Limits, Outgoing, Service};

/// The most that one read takes.
const READ: usize = 32 << 10;
/// A connection on which nothing came for so long gives the memory back that it does not need.
const REST: Duration = Duration::from_secs(1);
/// A buffer that grew beyond this is not kept for the next connection.
const KEPT: usize = 256 << 10;
/// So often a connection reads and writes before others have their turn.
const TURNS: usize = 16;

thread_local! {
    /// What all connections of a core read into, and gather in: one that waits owns nothing.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
    static OUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

struct Scratch {
    bytes: Vec<u8>,
    room: Room,
}

/// Serves a connection until it closes. What was read from it already is in the wire's buffer.
pub(crate) async fn serve<IO, H>(wire: Wire<IO>, service: &Service<H>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
    H: Handler,
{
    let Service { terms, limits, drain, handler } = service;
    let make = |incoming| handler.handle(incoming);
    let now = Instant::now();
    let mut connection = Connection {
        io: wire.io,
        machine: Machine::new(handler, terms.scheme, limits, now),
        partial: Vec::new(),
        flushed: true,
        blocked: None,
        gone: false,
        begun: now,
        rested: false,
        alarm: Alarm::new(),
        limits,
        drain,
    };
    connection.take(wire.buffer);
    poll_fn(|cx| connection.poll(cx, &make)).await;
    connection.close().await;
}

struct Connection<'c, IO, H: Handler, F> {
    io: IO,
    machine: Machine<'c, H, F>,
    /// The beginning of a frame.
    partial: Vec<u8>,
    /// Whether the transport passed on what was written.
    flushed: bool,
    /// Since when the client takes nothing.
    blocked: Option<Instant>,
    /// The client is gone, or is not waited for any more.
    gone: bool,
    begun: Instant,
    /// Its memory was given back.
    rested: bool,
    alarm: Alarm,
    limits: &'c Limits,
    drain: &'c Drain,
}

impl<IO, H, F> Connection<'_, IO, H, F>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    H: Handler,
    F: Future<Output = Outgoing<H::Ticket>>,
{
    /// Ready when the connection is over; what is left to be said is in [`Machine::out`].
    fn poll(&mut self, cx: &mut Context<'_>, make: &impl Fn(Incoming) -> F) -> Poll<()> {
        if self.machine.out.capacity() == 0 {
            self.machine.out = OUT.take();
        }
        let polled = self.turns(cx, make);
        if self.machine.out.is_empty() && self.machine.out.capacity() <= KEPT {
            OUT.set(std::mem::take(&mut self.machine.out));
        }
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        polled
    }

    fn turns(&mut self, cx: &mut Context<'_>, make: &impl Fn(Incoming) -> F) -> Poll<()> {
        self.machine.hush();
        if self.machine.leaving == Leaving::Not && self.drain.poll_started(cx).is_ready() {
            self.machine.leave();
        }
        for _ in 0..TURNS {
            let mut moved = self.poll_read(cx);
            if self.machine.fatal.is_none() {
                moved |= self.machine.work(make);
            }
            if self.machine.fatal.is_some() {
                self.machine.end(End::ClientClosed);
                return Poll::Ready(());
            }
            moved |= self.poll_write(cx);
            if self.gone || self.machine.is_over() {
                self.machine.end(End::ClientClosed);
                return Poll::Ready(());
            }
            if !moved && self.machine.arm(cx.waker()) {
                let Some(deadline) = self.deadline() else { return Poll::Pending };
                if self.alarm.poll(cx, deadline).is_pending() {
                    return Poll::Pending;
                }
                if self.is_late() {
                    return Poll::Ready(());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once, if there is something and if it may be taken; whether there was.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        if self.machine.unsent().len() >= GATHERED {
            return false;
        }
        let mut scratch = SCRATCH
            .take()
            .unwrap_or_else(|| Box::new(Scratch { bytes: vec![0; READ], room: Room::default() }));
        let mut into = ReadBuf::new(&mut scratch.bytes);
        let polled = Pin::new(&mut self.io).poll_read(cx, &mut into);
        let count = into.filled().len();
        match polled {
            Poll::Pending => {}
            Poll::Ready(Ok(())) if count > 0 => {
                let read = scratch.bytes.get(..count).unwrap_or_default();
                self.feed(read, &mut scratch.room);
            }
            Poll::Ready(_) => self.gone = true,
        }
        SCRATCH.set(Some(scratch));
        polled.is_ready()
    }

    /// Takes what was read before the connection came here.
    fn take(&mut self, ahead: BytesMut) {
        let mut room = Room::default();
        self.feed(&ahead, &mut room);
    }

    fn feed(&mut self, read: &[u8], room: &mut Room) {
        let now = Instant::now();
        self.rested = false;
        if self.partial.is_empty() {
            let used = self.machine.feed(read, room, now);
            self.partial.extend_from_slice(read.get(used..).unwrap_or_default());
        } else {
            self.partial.extend_from_slice(read);
            let used = self.machine.feed(&self.partial, room, now);
            self.partial.drain(..used.min(self.partial.len()));
        }
    }

    /// Writes what there is as far as it goes; whether anything went.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while !self.gone {
            let left = self.machine.unsent();
            let polled = if !left.is_empty() {
                Pin::new(&mut self.io).poll_write(cx, left)
            } else if !self.flushed {
                Pin::new(&mut self.io).poll_flush(cx).map_ok(|()| 0)
            } else {
                break;
            };
            match polled {
                Poll::Pending => {
                    self.blocked.get_or_insert_with(Instant::now);
                    break;
                }
                Poll::Ready(Ok(0)) if left.is_empty() => self.flushed = true,
                Poll::Ready(Ok(0) | Err(_)) => self.gone = true,
                Poll::Ready(Ok(count)) => {
                    self.machine.sent(count);
                    (self.flushed, moved) = (false, true);
                }
            }
            self.blocked = None;
        }
        moved
    }

    /// The first wait that ends.
    fn deadline(&self) -> Option<Instant> {
        let (machine, limits) = (&self.machine, self.limits);
        let rest = machine.streams.is_empty().then(|| {
            let not = machine.leaving == Leaving::Not;
            machine.since + if not { limits.idle } else { limits.linger }
        });
        [
            rest,
            (!self.rested).then(|| machine.now + REST),
            self.blocked.map(|since| since + limits.send_idle),
            machine.due,
            machine.block.as_ref().map(|block| block.since + limits.head),
            (!machine.settled).then(|| self.begun + limits.head),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due; whether the connection is over.
    fn is_late(&mut self) -> bool {
        let (now, limits) = (Instant::now(), self.limits);
        let machine = &mut self.machine;
        if self.blocked.is_some_and(|since| since + limits.send_idle <= now) {
            // It asked for more than it takes; where that is no answer, frames are all there is.
            if machine.streams.is_empty() {
                machine.record(Fault::FrameFlood, End::ClientTimeout);
            }
            machine.end(End::ClientTimeout);
            self.gone = true;
            return true;
        }
        if machine.block.as_ref().is_some_and(|block| block.since + limits.head <= now) {
            machine.fatal = Some(Fault::HeadTimeout.into());
            machine.end(End::ClientClosed);
            return true;
        }
        if !machine.settled && self.begun + limits.head <= now {
            return true;
        }
        if machine.due.is_some_and(|due| due <= now) {
            machine.sweep(now);
        }
        if !self.rested && machine.now + REST <= now {
            machine.rest();
            self.rested = true;
        }
        if machine.streams.is_empty() {
            match machine.leaving {
                Leaving::Not if machine.since + limits.idle <= now => {
                    machine.handler.bit(Bite::Idle);
                    machine.leave();
                }
                Leaving::Announced if machine.since + limits.linger <= now => {
                    machine.handler.bit(Bite::Linger);
                    machine.part();
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    /// Says what is left to say, and reads on for a while: closing with bytes unread resets the
    /// connection and may destroy our goodbye before the client reads it.
    async fn close(&mut self) {
        if self.gone {
            return;
        }
        let (left, most) = (self.machine.unsent(), self.limits.behind_the_last());
        let io = &mut self.io;
        let closing = async {
            io.write_all(left).await?;
            io.shutdown().await?;
            let mut rest = io.take(most);
            let mut into = vec![0; 4096];
            while rest.read(&mut into).await? > 0 {}
            std::io::Result::Ok(rest.limit() == 0)
        };
        // Whether the client hears it or not, it is over.
        match timeout(self.limits.linger, closing).await {
            Ok(Ok(true)) => self.machine.handler.bit(Bite::Unread),
            Ok(_) => {}
            Err(_) => self.machine.handler.bit(Bite::Linger),
        }
    }
}
