//! The content of a message as it flows: one type, whatever produces the bytes.
//! It lives on one core, is read once, and says whose fault it is when it breaks.

mod error;
pub(crate) mod pipe;
mod tape;
mod wrap;

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

pub use error::{BodyError, BodyFault, Side};
pub use pipe::Pipe;
pub use tape::Tape;

use crate::message::Headers;

/// Something that yields the chunks of a body: a connection, a decoder, a wrapper.
pub trait Source {
    /// The next chunk. `None` is the proper end; after it or after an error nothing more comes.
    ///
    /// An implementation that waits for a peer must bound that wait.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>>;

    /// The trailer section, once the end was reached and if there was one.
    fn take_trailers(&mut self) -> Option<Headers> {
        None
    }

    /// Whether whoever sends it waits to be told to go on, as it is at the first poll (RFC 9110, section 10.1.1).
    fn awaits_continue(&self) -> bool {
        false
    }

    /// Whether the next bytes can be passed on unread: many are certain to come, by a socket, and none was read ahead.
    fn can_pass(&self) -> bool {
        false
    }

    /// Moves what there is of them into a pipe, which is empty. Called only while it [can](Source::can_pass); waits as
    /// [`Source::poll_chunk`] does.
    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
    ) -> Poll<Result<usize, BodyError>> {
        let _ = (cx, pipe);
        Poll::Pending
    }
}

/// The content of a request or a response.
pub struct Body {
    kind: Kind,
    left: Option<u64>,
    // Boxed, because few have any.
    trailers: Option<Box<Headers>>,
}

enum Kind {
    Empty,
    Once(Bytes),
    Source(Box<dyn Source>),
}

impl Body {
    /// No content.
    pub fn empty() -> Body {
        Body { kind: Kind::Empty, left: Some(0), trailers: None }
    }

    /// All of the content at once.
    pub fn full(bytes: impl Into<Bytes>) -> Body {
        let bytes = bytes.into();
        match u64::try_from(bytes.len()) {
            Ok(0) | Err(_) => Body::empty(),
            Ok(len) => Body { kind: Kind::Once(bytes), left: Some(len), trailers: None },
        }
    }

    /// Content that `source` yields; `length` is its exact size in bytes, where that is known.
    ///
    /// The source answers for `length`; whoever sends the body checks it once more.
    pub fn source(source: impl Source + 'static, length: Option<u64>) -> Body {
        Body { kind: Kind::Source(Box::new(source)), left: length, trailers: None }
    }

    /// The same content with a trailer section behind it.
    pub fn with_trailers(mut self, trailers: Headers) -> Body {
        self.trailers = Some(Box::new(trailers));
        self
    }

    /// The bytes still to come, where that is known exactly.
    pub fn content_length(&self) -> Option<u64> {
        self.left
    }

    /// Whether it is known that no byte and no trailer will come.
    pub fn is_empty(&self) -> bool {
        matches!(self.kind, Kind::Empty) && self.trailers.is_none()
    }

    /// The content, if all of it is here already.
    pub fn as_full(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::Empty => Some(&[]),
            Kind::Once(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Polls for the next chunk; chunks are never empty. `None` is the proper end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let next = match &mut self.kind {
                Kind::Empty => None,
                Kind::Once(bytes) => Some(Ok(std::mem::take(bytes))),
                Kind::Source(source) => {
                    let next = ready!(source.poll_chunk(cx));
                    if next.is_none()
                        && let Some(trailers) = source.take_trailers()
                    {
                        self.trailers = Some(Box::new(trailers));
                    }
                    next
                }
            };
            match &next {
                Some(Ok(bytes)) if bytes.is_empty() && !matches!(self.kind, Kind::Once(_)) => {}
                Some(Ok(bytes)) => {
                    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    self.left = self.left.map(|left| left.saturating_sub(len));
                    if matches!(self.kind, Kind::Once(_)) {
                        self.kind = Kind::Empty;
                    }
                    return Poll::Ready(next);
                }
                Some(Err(_)) | None => {
                    // Dropping the producer at once gives its connection back, or closes it.
                    self.kind = Kind::Empty;
                    self.left = Some(0);
                    return Poll::Ready(next);
                }
            }
        }
    }

    /// Whether whoever sends it waits to be told to go on, as it is when the first chunk is asked for.
    pub fn awaits_continue(&self) -> bool {
        matches!(&self.kind, Kind::Source(source) if source.awaits_continue())
    }

    /// Whether what comes next can be passed on by [`Body::poll_pass`]. It need not be.
    pub(crate) fn can_pass(&self) -> bool {
        matches!(&self.kind, Kind::Source(source) if source.can_pass())
    }

    /// Moves the next piece into a pipe, which is empty, instead of handing it over; the bytes that went. Only while
    /// it [can](Body::can_pass).
    pub(crate) fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
    ) -> Poll<Result<u64, BodyError>> {
        let Kind::Source(source) = &mut self.kind else { return Poll::Pending };
        let passed = ready!(source.poll_pass(cx, pipe)).map(|count| count as u64);
        match &passed {
            Ok(count) => self.left = self.left.map(|left| left.saturating_sub(*count)),
            Err(_) => {
                self.kind = Kind::Empty;
                self.left = Some(0);
            }
        }
        Poll::Ready(passed)
    }

    /// Waits for the next chunk; chunks are never empty. `None` is the proper end.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The trailer section, once the end was reached.
    pub fn take_trailers(&mut self) -> Option<Headers> {
        self.trailers.take().map(|trailers| *trailers)
    }

    /// Reads all of the content into one buffer of at most `limit` bytes.
    ///
    /// More than that is [`BodyFault::TooLarge`], on the side of the gateway.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, BodyError> {
        let too_large = || BodyError { side: Side::Gateway, fault: BodyFault::TooLarge };
        if self.left.is_some_and(|left| left > u64::try_from(limit).unwrap_or(u64::MAX)) {
            return Err(too_large());
        }
        let Some(first) = self.next().await.transpose()? else { return Ok(Bytes::new()) };
        if first.len() > limit {
            return Err(too_large());
        }
        let Some(second) = self.next().await.transpose()? else { return Ok(first) };
        let mut all = BytesMut::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        let mut chunk = second;
        loop {
            if all.len() + chunk.len() > limit {
                return Err(too_large());
            }
            all.extend_from_slice(&chunk);
            match self.next().await.transpose()? {
                Some(next) => chunk = next,
                None => return Ok(all.freeze()),
            }
        }
    }

    /// The same body, broken with [`BodyFault::TooLarge`] once more than `limit` bytes came.
    ///
    /// A body whose known length is larger breaks at the first read.
    pub fn capped(self, limit: u64, side: Side) -> Body {
        wrap::capped(self, limit, side)
    }

    /// The same body, broken with [`BodyFault::Timeout`] when no chunk came for `idle`.
    pub fn timed(self, idle: std::time::Duration, side: Side) -> Body {
        wrap::timed(self, idle, side)
    }

    /// The same body; its bytes are counted as they come.
    pub fn counted(self, count: Rc<Cell<u64>>) -> Body {
        wrap::counted(self, count)
    }
}

impl Default for Body {
    fn default() -> Body {
        Body::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Empty => "empty",
            Kind::Once(_) => "once",
            Kind::Source(_) => "source",
        };
        f.debug_struct("Body").field("kind", &kind).field("left", &self.left).finish()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body::full(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::full(text)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Body::full(text)
    }
}
