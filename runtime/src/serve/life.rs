//! The life of a connection: most of it is waiting, and while it waits it is little more than its socket. What serves it
//! is made when something comes, and given up when nothing has come for a while.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Handler, Protocol, Service, Started, go_on, start};
use crate::clock;
use crate::http1::Shared;

/// A connection to its end, or until it is cut. Dropping it drops the connection and every handler future on it.
pub(crate) struct Life<'h, IO, H> {
    service: Rc<Service<H>>,
    stage: Stage<'h, IO>,
}

enum Stage<'h, IO> {
    Waits(Waiting<IO>),
    Busy(Pin<Box<dyn Future<Output = Option<Waiting<IO>>> + 'h>>),
}

/// A connection before its first request, or between two.
pub(crate) struct Waiting<IO> {
    pub(crate) started: Started<IO>,
    /// What it may speak when something comes.
    pub(crate) protocol: Protocol,
    /// How long it may wait.
    pub(crate) until: Instant,
}

impl<'h, IO, H> Life<'h, IO, H>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler + 'h,
{
    /// The life of a connection of which nothing was read.
    pub(crate) fn begin(io: IO, service: Service<H>) -> Life<'h, IO, H> {
        let (protocol, until) = (service.terms.protocol, clock::now() + service.limits.head);
        let waiting = Waiting { started: start(io), protocol, until };
        let service = Rc::new(service);
        // In HTTP/2 it is the server that speaks first.
        let stage = match protocol {
            Protocol::Http2 => Stage::busy(&service, waiting),
            Protocol::Http1 | Protocol::Auto => Stage::Waits(waiting),
        };
        Life { service, stage }
    }
}

impl<'h, IO, H> Future for Life<'h, IO, H>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler + 'h,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Life { service, stage } = &mut *self;
        if service.drain.poll_cut(cx).is_ready() {
            return Poll::Ready(());
        }
        loop {
            *stage = match stage {
                Stage::Waits(waiting) => {
                    ready!(waiting.poll(cx, service));
                    Stage::busy(service, waiting.again())
                }
                Stage::Busy(work) => match ready!(work.as_mut().poll(cx)) {
                    Some(waiting) => Stage::Waits(waiting),
                    None => return Poll::Ready(()),
                },
            }
        }
    }
}

impl<'h, IO> Stage<'h, IO>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn busy<H: Handler + 'h>(service: &Rc<Service<H>>, waiting: Waiting<IO>) -> Stage<'h, IO> {
        let service = Rc::clone(service);
        Stage::Busy(Box::pin(async move { go_on(waiting, &service).await }))
    }
}

impl<IO: AsyncRead + Unpin> Waiting<IO> {
    /// Ready when there is something to do: bytes came, or the end of the connection, or its time is over.
    fn poll<H>(&self, cx: &mut Context<'_>, service: &Service<H>) -> Poll<()> {
        if service.drain.is_started() {
            return Poll::Ready(());
        }
        let Shared { wire, alarm, .. } = &mut *self.started.borrow_mut();
        wire.rest();
        match wire.poll_fill(cx, 0) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => alarm.poll(cx, self.until),
        }
    }

    /// The same once more; it is to be held by one alone.
    fn again(&self) -> Waiting<IO> {
        Waiting { started: Rc::clone(&self.started), protocol: self.protocol, until: self.until }
    }
}
