//! Content that goes from one socket to another without being read: the kernel moves it through a pipe (`splice`).
//! Whoever has a source that can be passed on, and a sink that is a socket, asks for a pipe; where there is none to be
//! had, content is read and written as ever.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Content shorter than this is not worth a pipe.
pub(crate) const WORTH: u64 = 32 << 10;

/// What a pipe should hold. The kernel may grant less.
const SIZE: usize = 1 << 20;

/// Empty pipes that a core keeps for later.
const SPARE: usize = 32;

thread_local! {
    static KEPT: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

/// A pipe, and how much is in it.
#[derive(Debug)]
pub struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    holds: usize,
}

impl Pipe {
    /// An empty pipe; nothing, where the system has none to give.
    pub(crate) fn take() -> Option<Pipe> {
        if let Some(kept) = KEPT.with_borrow_mut(Vec::pop) {
            return Some(kept);
        }
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // It works with what it was made with, too.
        let _ = fcntl_setpipe_size(&write, SIZE);
        Some(Pipe { read, write, holds: 0 })
    }

    /// Keeps the pipe for later, if nothing is in it.
    pub(crate) fn give_back(self) {
        if self.holds == 0 {
            KEPT.with_borrow_mut(|kept| {
                if kept.len() < SPARE {
                    kept.push(self);
                }
            });
        }
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.holds == 0
    }

    /// Moves at most `most` bytes from a socket into the empty pipe; 0 is the end of the stream.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &TcpStream,
        most: u64,
    ) -> Poll<io::Result<usize>> {
        let most = usize::try_from(most).unwrap_or(SIZE).min(SIZE);
        loop {
            ready!(from.poll_read_ready(cx))?;
            // INVARIANT: the pipe is empty, so that it is the socket alone which may have to be waited for.
            let moved = from.try_io(Interest::READABLE, || {
                Ok(splice(from, None, &self.write, None, most, flags())?)
            });
            match moved {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    self.holds += count;
                    return Poll::Ready(Ok(count));
                }
            }
        }
    }

    /// Moves what is in the pipe into a socket.
    pub(crate) fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        into: &TcpStream,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(into.poll_write_ready(cx))?;
            let moved = into.try_io(Interest::WRITABLE, || {
                Ok(splice(&self.read, None, into, None, self.holds, flags())?)
            });
            match moved {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    self.holds = self.holds.saturating_sub(count);
                    return Poll::Ready(Ok(count));
                }
            }
        }
    }
}

fn flags() -> SpliceFlags {
    SpliceFlags::MOVE | SpliceFlags::NONBLOCK
}
