//! Copying between two transports until both have said all they had to say.
//! One buffer a direction, half-close passed on, one clock for the silence of both.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::Io;

const BUFFER: usize = 16 << 10;

/// How a tunnel ended.
#[derive(Debug)]
pub struct Copied {
    /// Bytes from `a` to `b`.
    pub forth: u64,
    /// Bytes from `b` to `a`.
    pub back: u64,
    /// Why it ended, unless both ends closed.
    pub error: Option<io::Error>,
}

/// Copies between `a` and `b`, first what was read ahead of each, until both directions ended, one
/// broke, or neither moved for `idle` (`ErrorKind::TimedOut`).
pub async fn copy(
    a: &mut (impl Io + ?Sized),
    a_ahead: Bytes,
    b: &mut (impl Io + ?Sized),
    b_ahead: Bytes,
    idle: Duration,
) -> Copied {
    let mut forth = Flow::new(a_ahead);
    let mut back = Flow::new(b_ahead);
    let mut silence: Pin<Box<Sleep>> = Box::pin(tokio::time::sleep(idle));
    let result = poll_fn(|cx| {
        let before = forth.moved + back.moved;
        let one = forth.poll(cx, &mut *a, &mut *b)?;
        let two = back.poll(cx, &mut *b, &mut *a)?;
        if one.is_ready() && two.is_ready() {
            return Poll::Ready(Ok(()));
        }
        if forth.moved + back.moved != before {
            silence.as_mut().reset(Instant::now() + idle);
        }
        match silence.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    Copied { forth: forth.written, back: back.written, error: result.err() }
}

/// One direction.
struct Flow {
    buffer: Vec<u8>,
    start: usize,
    state: State,
    // Bytes in and out, and the end: any change is a sign of life.
    moved: u64,
    written: u64,
    unflushed: bool,
}

#[derive(PartialEq, Eq)]
enum State {
    Copying,
    Closing,
    Done,
}

impl Flow {
    fn new(ahead: Bytes) -> Flow {
        Flow {
            buffer: ahead.into(),
            start: 0,
            state: State::Copying,
            moved: 0,
            written: 0,
            unflushed: false,
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin + ?Sized),
        to: &mut (impl AsyncWrite + Unpin + ?Sized),
    ) -> Poll<io::Result<()>> {
        // Bounded, so that a busy direction leaves room for the other and for other tasks.
        for _ in 0..16 {
            if self.state == State::Done {
                return Poll::Ready(Ok(()));
            }
            if let Some(rest @ [_, ..]) = self.buffer.get(self.start..) {
                let count = ready!(Pin::new(&mut *to).poll_write(cx, rest))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.start += count;
                let count = u64::try_from(count).unwrap_or(0);
                self.moved += count;
                self.written += count;
                self.unflushed = true;
                continue;
            }
            if self.state == State::Closing {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.state = State::Done;
                self.moved += 1;
                continue;
            }
            match self.fill(cx, from)? {
                Poll::Ready(0) => self.state = State::Closing,
                Poll::Ready(count) => self.moved += count,
                Poll::Pending => {
                    if self.unflushed {
                        ready!(Pin::new(&mut *to).poll_flush(cx))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin + ?Sized),
    ) -> Poll<io::Result<u64>> {
        self.buffer.resize(BUFFER, 0);
        self.start = 0;
        let mut into = ReadBuf::new(&mut self.buffer);
        let polled = Pin::new(from).poll_read(cx, &mut into);
        let count = into.filled().len();
        match polled {
            Poll::Ready(Ok(())) => {
                self.buffer.truncate(count);
                Poll::Ready(Ok(u64::try_from(count).unwrap_or(0)))
            }
            other => {
                // A waiting direction holds no buffer: most tunnels are silent most of the time.
                self.buffer = Vec::new();
                other.map_ok(|()| 0)
            }
        }
    }
}
