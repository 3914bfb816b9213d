//! The life of an HTTP/2 connection: accept streams, poll them, go away in time.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use h2::server::{Builder, Connection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

use super::exchange::exchange;
use crate::message::Scheme;
use crate::serve::{Alarm, Drain, Handler, Limits};

/// What a client may send on one stream before the handler reads it.
const STREAM_WINDOW: u32 = 256 << 10;
/// What a client may send on all streams before handlers read it.
const CONNECTION_WINDOW: u32 = 1 << 20;
/// What is buffered for a stream whose client does not read.
const SEND_BUFFER: usize = 64 << 10;

/// So many streams may be reset young before that is held against a client; then no more than half
/// of all may be.
const YOUNG_RESETS: u32 = 128;
/// A stream that is reset younger than this cost us more than the client.
const YOUNG: Duration = Duration::from_secs(1);

/// Serves a connection until it closes.
pub(crate) async fn serve<IO, H>(
    io: IO,
    scheme: Scheme,
    limits: &Limits,
    drain: &Drain,
    handler: &H,
) where
    IO: AsyncRead + AsyncWrite + Unpin,
    H: Handler,
{
    let handshake = Builder::new()
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .handshake::<_, Bytes>(io);
    let Ok(Ok(mut connection)) = timeout(limits.head, handshake).await else { return };
    let mut streams = FuturesUnordered::new();
    let (mut accepted, mut abandoned) = (0_u32, 0_u32);
    let mut state =
        State { since: Instant::now(), leaving: false, banned: false, alarm: Alarm::new() };
    poll_fn(|cx| {
        loop {
            let mut ended = false;
            while let Poll::Ready(Some(young_reset)) = streams.poll_next_unpin(cx) {
                ended = true;
                abandoned = abandoned.saturating_add(u32::from(young_reset));
            }
            // Opening streams only to reset them has us work for nothing (RFC 9113 section 10.5).
            if abandoned >= YOUNG_RESETS && abandoned > accepted / 2 && !state.banned {
                connection.abrupt_shutdown(h2::Reason::ENHANCE_YOUR_CALM);
                state.leave();
                state.banned = true;
            }
            if ended && streams.is_empty() {
                state.since = Instant::now();
            }
            match connection.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    accepted = accepted.saturating_add(1);
                    streams.push(async move {
                        let begun = Instant::now();
                        let abandoned = exchange(request, respond, scheme, limits, handler).await;
                        abandoned && begun.elapsed() < YOUNG
                    });
                }
                // Gone, in peace or not; what is still in flight has nobody to go to.
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => {
                    if state.poll(cx, &mut connection, limits, drain, streams.is_empty()) {
                        continue;
                    }
                    return if state.is_over(cx, limits, streams.is_empty()) {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    };
                }
            }
        }
    })
    .await;
}

struct State {
    // Since when there is no stream, or since we began to leave.
    since: Instant,
    leaving: bool,
    // The client was told to go at once: nothing that is in flight is waited for.
    banned: bool,
    alarm: Alarm,
}

impl State {
    /// Says goodbye when it is time; true if that was now, so that the frame is sent.
    fn poll<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection<IO, Bytes>,
        limits: &Limits,
        drain: &Drain,
        at_rest: bool,
    ) -> bool {
        if self.leaving {
            return false;
        }
        let idle = at_rest && self.alarm.poll(cx, self.since + limits.idle).is_ready();
        if !idle && drain.poll_started(cx).is_pending() {
            return false;
        }
        self.leave();
        connection.graceful_shutdown();
        true
    }

    fn leave(&mut self) {
        self.leaving = true;
        self.since = Instant::now();
    }

    /// Whether a client that does not answer our goodbye was waited for long enough.
    fn is_over(&mut self, cx: &mut Context<'_>, limits: &Limits, at_rest: bool) -> bool {
        let done = self.leaving && (at_rest || self.banned);
        done && self.alarm.poll(cx, self.since + limits.linger).is_ready()
    }
}
