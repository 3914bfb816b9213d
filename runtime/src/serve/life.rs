//! The life of a connection: most of it is waiting, and while it waits it is little more than its socket. What serves it
//! is made when something comes, and given up when nothing has come for a while.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Handler, Protocol, Service, Started, go_on, start};
use crate::clock;
use crate::http1::Shared;

/// A connection to its end, or until it is cut. Dropping it drops the connection and every handler future on it.
pub(crate) enum Life<'h, IO, H> {
    Waits(Waiting<IO>, Service<H>),
    Busy(Pin<Box<dyn Future<Output = Next<IO, H>> + 'h>>),
    Over,
}

/// What follows work: it waits again, or it is over.
type Next<IO, H> = Option<(Waiting<IO>, Service<H>)>;

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
        let begun = Life::Waits(Waiting { started: start(io), protocol, until }, service);
        match protocol {
            // It is the server that speaks first.
            Protocol::Http2 => begun.busy(),
            Protocol::Http1 | Protocol::Auto => begun,
        }
    }

    /// The same at work, if it waits.
    fn busy(self) -> Life<'h, IO, H> {
        let Life::Waits(waiting, service) = self else { return self };
        Life::Busy(Box::pin(async move {
            let next = {
                let mut work = pin!(go_on(waiting, &service));
                poll_fn(|cx| match service.drain.poll_cut(cx) {
                    Poll::Ready(()) => Poll::Ready(None),
                    Poll::Pending => work.as_mut().poll(cx),
                })
                .await
            };
            next.map(|waiting| (waiting, service))
        }))
    }
}

impl<'h, IO, H> Future for Life<'h, IO, H>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler + 'h,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let next = match &mut *self {
                Life::Waits(waiting, service) => {
                    ready!(waiting.poll(cx, service));
                    std::mem::replace(&mut *self, Life::Over).busy()
                }
                Life::Busy(work) => match ready!(work.as_mut().poll(cx)) {
                    Some((waiting, service)) => Life::Waits(waiting, service),
                    None => Life::Over,
                },
                Life::Over => return Poll::Ready(()),
            };
            *self = next;
        }
    }
}

impl<IO: AsyncRead + Unpin> Waiting<IO> {
    /// Ready when there is something to do: bytes came, or the connection's end, or its time is over.
    fn poll<H>(&self, cx: &mut Context<'_>, service: &Service<H>) -> Poll<()> {
        if service.drain.poll_started(cx).is_ready() {
            return Poll::Ready(());
        }
        let Shared { wire, alarm, .. } = &mut *self.started.borrow_mut();
        wire.rest();
        match wire.poll_fill(cx, 0) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => alarm.poll(cx, self.until),
        }
    }
}
