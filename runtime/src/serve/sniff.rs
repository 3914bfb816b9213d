//! Telling HTTP/2 with prior knowledge from HTTP/1 by the first bytes of a connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::{Alarm, Drain, Limits};
use crate::http1::Wire;

/// What an HTTP/2 client begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads until it is clear whether this is HTTP/2; `None` if the connection ended before that.
pub(super) async fn sniff<IO: AsyncRead + Unpin>(
    io: IO,
    limits: &Limits,
    drain: &Drain,
) -> Option<(Wire<IO>, bool)> {
    let mut wire = Wire::new(io);
    let mut alarm = Alarm::new();
    let deadline = Instant::now() + limits.head;
    let is_http2 = poll_fn(|cx| {
        loop {
            let seen = wire.buffer.len().min(PREFACE.len());
            if wire.buffer.get(..seen) != PREFACE.get(..seen) {
                return Poll::Ready(Some(false));
            }
            if seen == PREFACE.len() {
                return Poll::Ready(Some(true));
            }
            if seen == 0 && drain.poll_started(cx).is_ready() {
                return Poll::Ready(None);
            }
            match wire.poll_fill(cx, 0) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(None),
                Poll::Pending => {
                    ready!(alarm.poll(cx, deadline));
                    return Poll::Ready(None);
                }
            }
        }
    })
    .await?;
    Some((wire, is_http2))
}

/// A transport of which something was read already.
pub(crate) struct Rewound<IO> {
    io: IO,
    ahead: BytesMut,
}

impl<IO> Rewound<IO> {
    pub(crate) fn new(io: IO, ahead: BytesMut) -> Rewound<IO> {
        Rewound { io, ahead }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Rewound<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, into);
        }
        let count = self.ahead.len().min(into.remaining());
        into.put_slice(self.ahead.get(..count).unwrap_or_default());
        self.ahead.advance(count);
        if self.ahead.is_empty() {
            self.ahead = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Rewound<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
