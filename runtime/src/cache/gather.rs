//! Reads a content ahead: all of it, if it is short enough, or only so far that it is known whether there is any. What
//! was taken goes on in front of the rest, as if nothing had been.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};

use crate::body::{Body, BodyError, Source};
use crate::message::Headers;

/// A content, or what there is of it.
#[derive(Debug)]
pub(super) enum Gathered {
    /// All of it, in memory of its own.
    Whole(Bytes),
    /// It is longer than is kept, or ends in trailers.
    Longer(Body),
}

/// What was taken, then the rest.
struct Resumed {
    taken: VecDeque<Bytes>,
    rest: Body,
}

impl Source for Resumed {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self.taken.pop_front() {
            Some(chunk) => Poll::Ready(Some(Ok(chunk))),
            None => self.rest.poll_next(cx),
        }
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.rest.take_trailers()
    }
}

/// The content of a request, or none where one that was announced without a length turns out to have none (a trailer
/// section behind nothing is left out). Waits for one chunk, as long as whoever receives it allows.
pub(super) async fn begun(mut body: Body) -> Result<Body, BodyError> {
    let length = body.content_length();
    if length.is_some_and(|length| length > 0) {
        return Ok(body);
    }
    Ok(match body.next().await.transpose()? {
        Some(first) => Body::source(Resumed { taken: [first].into(), rest: body }, length),
        None => Body::empty(),
    })
}

/// Reads at most `largest` bytes and one chunk more.
pub(super) async fn gather(mut body: Body, largest: usize) -> Result<Gathered, BodyError> {
    let length = body.content_length();
    let mut taken: VecDeque<Bytes> = VecDeque::new();
    let mut size = 0_usize;
    while let Some(chunk) = body.next().await.transpose()? {
        size = size.saturating_add(chunk.len());
        taken.push_back(chunk);
        if size > largest {
            return Ok(Gathered::Longer(Body::source(Resumed { taken, rest: body }, length)));
        }
    }
    if let Some(trailers) = body.take_trailers() {
        let rest = Body::empty().with_trailers(trailers);
        return Ok(Gathered::Longer(Body::source(Resumed { taken, rest }, length)));
    }
    // Copied: a few bytes would hold a whole read buffer, which nobody counts.
    let mut whole = BytesMut::with_capacity(size);
    taken.iter().for_each(|chunk| whole.extend_from_slice(chunk));
    Ok(Gathered::Whole(whole.freeze()))
}
