//! The bytes of a connection on their way in and out: a buffer that exists only while it holds
//! something, and vectored writes.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::clock;

/// The most that one read takes.
const READ: usize = 64 << 10;
/// What a read takes where nobody knows what comes: a head, and what stands behind it. Long content is left where it can
/// be moved unread.
const GUESS: usize = 16 << 10;
/// From this size on, content is read in place instead of being copied off the stack.
const IN_PLACE: usize = 16 << 10;
/// Up to this size, content is copied behind the head instead of being sent from where it is.
pub(super) const COPIED: usize = 16 << 10;

/// The reading side: a transport and what was read from it ahead.
#[derive(Debug)]
pub struct Wire<IO> {
    /// The transport.
    pub io: IO,
    /// What was read and not yet taken.
    pub buffer: BytesMut,
}

impl<IO: AsyncRead + Unpin> Wire<IO> {
    /// A wire on `io` of which nothing was read.
    pub fn new(io: IO) -> Wire<IO> {
        Wire { io, buffer: BytesMut::new() }
    }

    /// Reads once into the buffer; 0 is the end of the stream. `expected` is how many bytes are
    /// sure to come (content), 0 where that is not known.
    ///
    /// At most 64 KiB are read, 16 KiB where nothing is expected; that the buffer stays bounded is up to the caller.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>, expected: u64) -> Poll<io::Result<usize>> {
        let expected = usize::try_from(expected).unwrap_or(READ).min(READ);
        if expected >= IN_PLACE {
            self.buffer.reserve(expected);
            return pin!(self.io.read_buf(&mut self.buffer)).poll(cx);
        }
        // On the stack: what is only looked for, and nearly always short, needs no memory of its own.
        let mut scratch = [MaybeUninit::uninit(); GUESS];
        let mut read = ReadBuf::uninit(&mut scratch);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
        let filled = read.filled();
        if self.buffer.is_empty() {
            self.buffer = BytesMut::from(filled);
        } else {
            self.buffer.extend_from_slice(filled);
        }
        Poll::Ready(Ok(filled.len()))
    }

    /// Gives the memory of an empty buffer back.
    pub fn rest(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }
}

/// The writing side: what is to be written, copied where it is short, in place where it is long.
#[derive(Debug, Default)]
pub struct Out {
    head: Vec<u8>,
    written: usize,
    way: Way,
    tail: Bytes,
    after: &'static [u8],
}

/// Whether others had their turn before the first write.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Way {
    #[default]
    ToGive,
    Giving,
    Given,
}

impl Out {
    /// Nothing to write.
    pub fn new() -> Out {
        Out::default()
    }

    /// The same, with room for so many bytes of heads and short content.
    pub(crate) fn with_room(bytes: usize) -> Out {
        Out { head: Vec::with_capacity(bytes), ..Out::default() }
    }

    /// The buffer that heads and framing are appended to. Only while [`Out::has_room`].
    pub fn head(&mut self) -> &mut Vec<u8> {
        &mut self.head
    }

    /// Adds content, and `after` behind it. Only while [`Out::has_room`].
    pub fn push(&mut self, chunk: Bytes, after: &'static [u8]) {
        if chunk.len() <= COPIED {
            self.head.extend_from_slice(&chunk);
            self.head.extend_from_slice(after);
        } else {
            self.tail = chunk;
            self.after = after;
        }
    }

    /// Whether more should be gathered before a write.
    pub fn has_room(&self) -> bool {
        self.tail.is_empty() && self.after.is_empty() && self.head.len() < READ
    }

    /// Whether all is written.
    pub fn is_empty(&self) -> bool {
        self.written == self.head.len() && self.tail.is_empty() && self.after.is_empty()
    }

    /// Whether others have their turn now, and the first write is to be tried at once behind them.
    pub(crate) fn gives_way(&self) -> bool {
        self.way == Way::Giving
    }

    /// Writes once; the number of bytes that went.
    ///
    /// Before the first write, whatever else is ready on this core has its turn. So the writes of a burst follow each
    /// other closely, and the peer whom the first one wakes is awake for the others: to wake a process that sleeps
    /// costs more than to write, and one that finds a single event between two writes sleeps again at once.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<usize>> {
        if self.way == Way::ToGive {
            self.way = Way::Giving;
            cx.waker().wake_by_ref();
            clock::give_way();
            return Poll::Pending;
        }
        self.way = Way::Given;
        let head = self.head.get(self.written..).unwrap_or_default();
        let count = if self.tail.is_empty() && self.after.is_empty() {
            ready!(Pin::new(io).poll_write(cx, head))?
        } else {
            let parts = [IoSlice::new(head), IoSlice::new(&self.tail), IoSlice::new(self.after)];
            // A transport that takes one part at a time must not be offered an empty one.
            let first = parts.iter().position(|part| !part.is_empty()).unwrap_or(0);
            ready!(Pin::new(io).poll_write_vectored(cx, parts.get(first..).unwrap_or_default()))?
        };
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        let of_head = count.min(head.len());
        let of_tail = (count - of_head).min(self.tail.len());
        self.written += of_head;
        self.tail.advance(of_tail);
        self.after = self.after.get(count - of_head - of_tail..).unwrap_or_default();
        if self.written == self.head.len() {
            self.head.clear();
            self.written = 0;
        }
        Poll::Ready(Ok(count))
    }

    /// Writes all of it and flushes.
    pub fn poll_finish(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            ready!(self.poll_write(cx, io))?;
        }
        Pin::new(io).poll_flush(cx)
    }
}
