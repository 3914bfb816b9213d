//! Telling HTTP/2 with prior knowledge from HTTP/1 by the first bytes of a connection.

use std::future::poll_fn;
use std::task::{Poll, ready};

use tokio::io::AsyncRead;

use super::{Bite, GRACE, Handler, Service, Waiting};
use crate::clock;
use crate::http1::Shared;
use crate::http2::PREFACE;

/// Reads until it is clear whether this is HTTP/2; `None` if the connection ended before that.
pub(super) async fn sniff<IO: AsyncRead + Unpin, H: Handler>(
    waiting: &Waiting<IO>,
    service: &Service<H>,
) -> Option<bool> {
    let mut deadline = waiting.until;
    let mut leaves = false;
    poll_fn(|cx| {
        let Shared { wire, alarm, .. } = &mut *waiting.started.borrow_mut();
        loop {
            let seen = wire.buffer.len().min(PREFACE.len());
            if wire.buffer.get(..seen) != PREFACE.get(..seen) {
                return Poll::Ready(Some(false));
            }
            if seen == PREFACE.len() {
                return Poll::Ready(Some(true));
            }
            if seen == 0 && !leaves && service.drain.poll_started(cx).is_ready() {
                leaves = true;
                deadline = deadline.min(clock::now() + GRACE);
            }
            match wire.poll_fill(cx, 0) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(None),
                Poll::Pending => {
                    ready!(alarm.poll(cx, deadline));
                    if !leaves {
                        service.handler.bit(Bite::Idle);
                    }
                    return Poll::Ready(None);
                }
            }
        }
    })
    .await
}
