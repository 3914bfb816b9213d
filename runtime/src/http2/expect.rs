//! Telling when the content of a request is wanted for the first time: then is the time to say
//! `100 Continue`, and not before (RFC 9110 section 10.1.1).

use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::body::{Body, BodyError, Source};
use crate::message::Headers;

/// Whether content was asked for.
#[derive(Clone, Default)]
pub(super) struct Wanted(Rc<Cell<bool>>);

impl Wanted {
    /// Whether it was; said once.
    pub(super) fn take(&self) -> bool {
        self.0.take()
    }

    /// The same body; the first read says that it is wanted.
    pub(super) fn watch(&self, body: Body) -> Body {
        let length = body.content_length();
        Body::source(Watched { body, wanted: Some(self.clone()) }, length)
    }
}

struct Watched {
    body: Body,
    wanted: Option<Wanted>,
}

impl Source for Watched {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = self.body.poll_next(cx);
        // A client that did not wait to be asked needs no word.
        if let Some(wanted) = self.wanted.take()
            && next.is_pending()
        {
            wanted.0.set(true);
        }
        next
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.body.take_trailers()
    }
}
