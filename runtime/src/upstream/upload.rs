//! A request on its way up an HTTP/1.1 connection: head and first bytes in one write, then what the body brings.
//! It reads nothing, and it outlives the head of an answer that comes early.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

use super::clock::Turn;
use super::connect::Socket;
use crate::body::pipe::WORTH;
use crate::body::{Body, BodyError, BodyFault, Pipe, Side};
use crate::http1::{Framing, Out, chunk_size, encode_request, last_chunk, request_room};
use crate::message::{Known, Request};
use crate::upgrade::Upgrade;

/// How long an endpoint may take to say `100 Continue`; many never do (RFC 9110, section 10.1.1).
const EXPECT: Duration = Duration::from_millis(500);

const EXPECTATION: Known = Known::of(&["expect"]);

/// A request on its way.
pub(super) struct Upload {
    out: Out,
    body: Body,
    framing: Framing,
    /// What the declared length still promises.
    left: u64,
    stage: Stage,
    turn: Turn,
    wrote: bool,
    replay: Replay,
    /// Whether the body may go on without being read, and by which pipe.
    passes: bool,
    pipe: Option<Pipe>,
}

enum Stage {
    /// The head goes out; the body waits for `100 Continue`, an answer, or patience to end.
    Expecting(Option<Pin<Box<Sleep>>>),
    Flowing,
    /// All is in `out`.
    Finishing,
    Done,
    /// The endpoint takes no more.
    Broken,
}

/// What another attempt could begin with.
enum Replay {
    /// The body itself: nothing was taken of it.
    Untouched,
    /// It was here as a whole.
    Whole(Bytes),
    /// Nothing.
    Lost,
}

/// Why a request cannot be sent to its end.
pub(super) enum Broken {
    /// Its body broke.
    Body(BodyError),
    /// The connection broke, which the reading side notices too.
    Connection,
}

impl Upload {
    /// A request of which nothing was written.
    pub(super) fn new(
        request: &Request,
        body: Body,
        upgrade: Option<&Upgrade>,
        takes_trailers: bool,
        turn: Turn,
    ) -> Upload {
        let framing = Framing::of(body.content_length(), true);
        let left = body.content_length().unwrap_or(0);
        let mut out = Out::with_room(request_room(request));
        let is_said = request.headers.may_have(EXPECTATION)
            && request.headers.lists("expect", "100-continue");
        // Whoever it is sent to says whether the content is wanted (RFC 9110, section 10.1.1).
        let expects = body.awaits_continue() && !request.headers.contains("expect");
        encode_request(out.head(), request, framing, false, upgrade, takes_trailers, expects);
        let stage = if body.is_empty() {
            Stage::Finishing
        } else if is_said || expects {
            Stage::Expecting(None)
        } else {
            Stage::Flowing
        };
        let replay = Replay::Untouched;
        let passes = matches!(framing, Framing::Length(length) if length >= WORTH);
        Upload { out, body, framing, left, stage, turn, wrote: false, replay, passes, pipe: None }
    }

    /// Whether all of it was written.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Whether others have their turn before anything of it is written: nothing can be heard of it yet.
    pub(super) fn gives_way(&self) -> bool {
        self.out.gives_way()
    }

    /// The endpoint wants the body.
    pub(super) fn expected(&mut self, cx: &mut Context<'_>) {
        if matches!(self.stage, Stage::Expecting(_)) {
            self.stage = Stage::Flowing;
            cx.waker().wake_by_ref();
        }
    }

    /// Whether a byte may have been seen, and the body if it is whole.
    pub(super) fn give_back(self) -> (bool, Option<Body>) {
        let body = match self.replay {
            Replay::Untouched => Some(self.body),
            Replay::Whole(bytes) => Some(Body::full(bytes)),
            Replay::Lost => None,
        };
        (self.wrote, body)
    }

    /// Writes what there is to write. Ready when all is written, or when it cannot be.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
    ) -> Poll<Result<(), Broken>> {
        loop {
            let passes = self.is_to_pass(socket);
            match &mut self.stage {
                Stage::Done => return Poll::Ready(Ok(())),
                Stage::Broken => return Poll::Ready(Err(Broken::Connection)),
                Stage::Expecting(_) => {
                    ready!(self.write(cx, socket))?;
                    ready!(self.flush(cx, socket))?;
                    let Stage::Expecting(patience) = &mut self.stage else { continue };
                    let patience = patience.get_or_insert_with(|| Box::pin(sleep(EXPECT)));
                    ready!(patience.as_mut().poll(cx));
                    self.stage = Stage::Flowing;
                }
                Stage::Flowing if passes => ready!(self.pass(cx, socket))?,
                Stage::Flowing => {
                    let gathered = self.gather(cx, socket).map_err(Broken::Body)?;
                    ready!(self.write(cx, socket))?;
                    if gathered.is_pending() {
                        ready!(self.flush(cx, socket))?;
                        self.turn.client();
                        return Poll::Pending;
                    }
                }
                Stage::Finishing => {
                    ready!(self.write(cx, socket))?;
                    ready!(self.flush(cx, socket))?;
                    self.turn.upstream();
                    self.stage = Stage::Done;
                    if let Some(pipe) = self.pipe.take() {
                        pipe.give_back();
                    }
                }
            }
        }
    }

    /// Fills `out` from the body; pending when the body is what must be waited for.
    fn gather(&mut self, cx: &mut Context<'_>, socket: &Socket) -> Result<Poll<()>, BodyError> {
        while self.out.has_room() {
            if self.can_pass(socket) {
                return Ok(Poll::Ready(()));
            }
            let whole = self.body.as_full().is_some();
            match self.body.poll_next(cx) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(Some(Ok(chunk))) => {
                    self.turn.upstream();
                    self.replay = if whole { Replay::Whole(chunk.clone()) } else { Replay::Lost };
                    self.push(chunk)?;
                }
                Poll::Ready(Some(Err(error))) => {
                    self.replay = Replay::Lost;
                    return Err(error);
                }
                Poll::Ready(None) => {
                    self.end()?;
                    return Ok(Poll::Ready(()));
                }
            }
        }
        Ok(Poll::Ready(()))
    }

    /// Whether what the body brings next can go on without being read.
    fn can_pass(&self, socket: &Socket) -> bool {
        self.passes && socket.socket().is_some() && self.body.can_pass()
    }

    /// Whether it is the pipe's turn.
    fn is_to_pass(&self, socket: &Socket) -> bool {
        let holds = self.pipe.as_ref().is_some_and(|pipe| !pipe.is_empty());
        self.out.is_empty() && (holds || self.can_pass(socket))
    }

    /// Moves a piece of the body into the pipe, or out of it.
    fn pass(&mut self, cx: &mut Context<'_>, socket: &Socket) -> Poll<Result<(), Broken>> {
        let (Some(pipe), Some(socket)) = (self.pipe.take().or_else(Pipe::take), socket.socket())
        else {
            self.passes = false;
            return Poll::Ready(Ok(()));
        };
        let pipe = self.pipe.insert(pipe);
        if !pipe.is_empty() {
            let drained = ready!(pipe.poll_drain(cx, socket));
            self.wrote = true;
            self.turn.upstream();
            return Poll::Ready(self.settle(drained.map(|_| ())));
        }
        let Poll::Ready(passed) = self.body.poll_pass(cx, pipe) else {
            self.turn.client();
            return Poll::Pending;
        };
        self.replay = Replay::Lost;
        self.turn.upstream();
        let left = passed.and_then(|count| self.left.checked_sub(count).ok_or(WRONG_LENGTH));
        Poll::Ready(left.map(|left| self.left = left).map_err(Broken::Body))
    }

    fn push(&mut self, chunk: Bytes) -> Result<(), BodyError> {
        if self.framing == Framing::Chunked {
            chunk_size(self.out.head(), chunk.len());
            self.out.push(chunk, b"\r\n");
            return Ok(());
        }
        // A body that does not keep its word would smuggle: what is too much is the next request.
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or(WRONG_LENGTH)?;
        self.out.push(chunk, b"");
        Ok(())
    }

    fn end(&mut self) -> Result<(), BodyError> {
        if self.framing == Framing::Chunked {
            // The client's trailers stay here: no statement of a policy has seen them, and a server
            // that merges them into the head would believe them (RFC 9110, section 6.5.1).
            last_chunk(self.out.head(), None);
        } else if self.left > 0 {
            return Err(WRONG_LENGTH);
        }
        self.stage = Stage::Finishing;
        Ok(())
    }

    fn write(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Result<(), Broken>> {
        while !self.out.is_empty() {
            let written = ready!(self.out.poll_write(cx, socket));
            self.wrote = true;
            self.settle(written.map(|_| ()))?;
            self.turn.upstream();
        }
        Poll::Ready(Ok(()))
    }

    fn flush(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Result<(), Broken>> {
        let flushed = ready!(tokio::io::AsyncWrite::poll_flush(Pin::new(socket), cx));
        Poll::Ready(self.settle(flushed))
    }

    fn settle(&mut self, result: io::Result<()>) -> Result<(), Broken> {
        result.map_err(|_| {
            self.stage = Stage::Broken;
            Broken::Connection
        })
    }
}

const WRONG_LENGTH: BodyError =
    BodyError { side: Side::Client, fault: BodyFault::Malformed("content-length") };
