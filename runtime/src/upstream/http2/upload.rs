//! A request's content on its way up a stream, as fast as the endpoint takes it.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use tokio::task::{AbortHandle, spawn_local};

use crate::body::{Body, BodyError, BodyFault, Side};
use crate::upstream::clock::Turn;

/// A request's content, and where it goes. The client's trailers stay here: no statement of a policy has seen them.
pub(super) struct Upload {
    body: Body,
    sending: SendStream<Bytes>,
    /// What waits for the endpoint to take more.
    piece: Option<Bytes>,
    /// What the declared length still promises.
    left: Option<u64>,
    is_done: bool,
    turn: Turn,
    replay: Replay,
}

/// What goes on while the answer is read already; it ends with that.
pub(super) struct Going(AbortHandle);

/// What another attempt could begin with.
enum Replay {
    /// The body itself: nothing was taken of it.
    Untouched,
    /// It was here as a whole.
    Whole(Bytes),
    /// Nothing.
    Lost,
}

impl Upload {
    /// Content of which nothing was sent.
    pub(super) fn new(sending: SendStream<Bytes>, body: Body, turn: Turn) -> Upload {
        Upload {
            left: body.content_length(),
            is_done: body.is_empty(),
            piece: None,
            replay: Replay::Untouched,
            body,
            sending,
            turn,
        }
    }

    /// The content, if all of it is still here.
    pub(super) fn give_back(self) -> Option<Body> {
        match self.replay {
            Replay::Untouched => Some(self.body),
            Replay::Whole(bytes) => Some(Body::full(bytes)),
            Replay::Lost => None,
        }
    }

    /// Sends what is left of it while the answer is read; nothing, if nothing is left.
    pub(super) fn go_on(mut self) -> Option<Going> {
        if self.is_done {
            return None;
        }
        let going = spawn_local(poll_fn(move |cx| self.poll(cx).map(drop)));
        Some(Going(going.abort_handle()))
    }

    /// Sends what there is. Ready when all is sent, or the endpoint wants no more, which its answer tells; or when the
    /// content is broken, and the stream with it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        while !self.is_done {
            // Asked so that a reset wakes whoever waits for the client.
            if self.sending.poll_reset(cx).is_ready() {
                break;
            }
            if self.piece.is_some() && !ready!(self.poll_room(cx)) {
                break;
            }
            if let Some(piece) = self.piece.take() {
                let is_last = self.left == Some(0) || self.body.is_empty();
                if self.sending.send_data(piece, is_last).is_err() || is_last {
                    break;
                }
                continue;
            }
            let is_whole = self.body.as_full().is_some();
            match self.body.poll_next(cx) {
                Poll::Pending => {
                    self.turn.client();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(piece))) => {
                    self.turn.upstream();
                    self.replay = match is_whole {
                        true => Replay::Whole(piece.clone()),
                        false => Replay::Lost,
                    };
                    if let Err(error) = self.count(&piece) {
                        return Poll::Ready(Err(self.broke(error)));
                    }
                    // A claim and no more: one for all of it would keep other streams from what is left.
                    self.sending.reserve_capacity(1);
                    self.piece = Some(piece);
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(self.broke(error))),
                Poll::Ready(None) if self.left.is_some_and(|left| left > 0) => {
                    return Poll::Ready(Err(self.broke(WRONG_LENGTH)));
                }
                Poll::Ready(None) => {
                    // Where this fails the stream has ended, which its answer tells.
                    let _ = self.sending.send_data(Bytes::new(), true);
                    break;
                }
            }
        }
        self.is_done = true;
        Poll::Ready(Ok(()))
    }

    /// Waits until the endpoint takes something; whether it ever will.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while self.sending.capacity() == 0 {
            match ready!(self.sending.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(false),
            }
        }
        Poll::Ready(true)
    }

    /// Takes a piece off what was declared: a body that does not keep its word could be read as another one.
    fn count(&mut self, piece: &Bytes) -> Result<(), BodyError> {
        if let Some(left) = self.left {
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.left = Some(left.checked_sub(length).ok_or(WRONG_LENGTH)?);
        }
        Ok(())
    }

    fn broke(&mut self, error: BodyError) -> BodyError {
        self.sending.send_reset(Reason::CANCEL);
        self.is_done = true;
        self.replay = Replay::Lost;
        error
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.0.abort();
    }
}

const WRONG_LENGTH: BodyError =
    BodyError { side: Side::Client, fault: BodyFault::Malformed("content-length") };
