//! Telling HTTP/2 with prior knowledge from HTTP/1 by the first bytes of a connection.

use std::future::poll_fn;
use std::task::{Poll, ready};

use tokio::io::AsyncRead;
use tokio::time::Instant;

use super::{Alarm, Drain, Limits};
use crate::http1::Wire;
use crate::http2::PREFACE;

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
