//! The life of an HTTP/1 connection: a head, its answer, what is left of its content, and again.
//! One task, no channel; the handler's future is polled where the connection is.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::receive::{Content, Received, Shared};
use super::request::{begins_wrong, glimpse, parse};
use super::room::{Desk, Room, is_crowded};
use super::send::{Asked, send};
use super::{Decoder, Framing, RequestHead, Scan, parse_request};
use crate::body::Body;
use crate::clock;
use crate::message::{Fault, Method, Response, Scheme, Version, is_token_byte};
use crate::serve::hints::Listening;
use crate::serve::{
    Bite, Drain, End, GRACE, Handler, Incoming, Limits, Outgoing, Protocol, Refusal, Service,
    Settle, Started, Waiting,
};
use crate::upgrade::{Tunnel, Upgrade};

/// Serves a connection until it closes, or until nothing has come for a while.
///
/// What only an exchange needs has a place of its own, so that a tunnel takes little.
pub(crate) async fn serve<IO, H>(waiting: Waiting<IO>, service: &Service<H>) -> Option<Waiting<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler,
{
    let Waiting { started, mut until, .. } = waiting;
    let connection = Connection {
        shared: started,
        scheme: service.terms.scheme,
        limits: &service.limits,
        drain: &service.drain,
        handler: &service.handler,
    };
    let desk = Desk::new();
    let mut room = Room::new();
    let end = loop {
        let next = match connection.head(until).await {
            Heard::Nothing => Next::Close,
            Heard::NothingYet => Next::Wait,
            Heard::Head(head) => {
                let enter = || desk.work(async |head| connection.exchange(head).await);
                room.run(head, &desk, enter).await
            }
        };
        match next {
            Next::Request => until = clock::now() + connection.limits.idle,
            end => break end,
        }
    };
    drop(room);
    match end {
        Next::Wait => {
            let (started, protocol) = (connection.shared, Protocol::Http1);
            return Some(Waiting { started, protocol, until });
        }
        Next::Request | Next::Close => connection.close().await,
        Next::Linger => connection.linger().await,
        Next::Cut => connection.cut(),
        Next::Tunnel(tunnel) => connection.tunnel(tunnel).await,
    }
    None
}

/// For how long a connection on which nothing comes keeps what serves it.
const CALM: Duration = Duration::from_secs(1);

pub(super) struct Connection<'c, IO, H: Handler> {
    pub(super) shared: Started<IO>,
    scheme: Scheme,
    pub(super) limits: &'c Limits,
    drain: &'c Drain,
    pub(super) handler: &'c H,
}

/// The length of a head in the buffer, or why there will be none. Absent where the buffer ends as a head does: whether one
/// is in it is seen when it is read, and seldom it is not.
type Found = Result<Option<usize>, Fault>;

/// What came of waiting for a head.
enum Heard {
    Head(Found),
    /// The client closed, or nothing came in time.
    Nothing,
    /// Nothing came for a while, and there is more time.
    NothingYet,
}

enum Next<'c, H: Handler> {
    Request,
    /// For what is to come, at less expense.
    Wait,
    /// Nothing of the client's is unread.
    Close,
    /// Something may be: closing at once could destroy the answer on its way.
    Linger,
    /// The client is to see that it ended too early.
    Cut,
    Tunnel(Box<Switched<'c, H>>),
}

/// An exchange that became a tunnel.
pub(super) struct Switched<'c, H: Handler> {
    pub(super) response: Response,
    pub(super) tunnel: Box<Tunnel>,
    pub(super) settle: Settle<'c, H>,
}

impl<'c, IO, H> Connection<'c, IO, H>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler,
{
    /// Waits for a head: until `deadline` for its first byte, then for as long as heads may take.
    fn head(&self, mut deadline: Instant) -> impl Future<Output = Heard> {
        let calm = clock::now() + CALM;
        let mut scan = Scan::new();
        let (mut begun, mut read, mut leaves) = (false, false, false);
        let mut blank = 0;
        let (limits, drain, handler) = (self.limits, self.drain, self.handler);
        poll_fn(move |cx| {
            let Shared { wire, alarm, .. } = &mut *self.shared.borrow_mut();
            loop {
                // RFC 9112 section 2.2: an empty line before the request line is overlooked; one
                // more is for clients that end their content with one.
                while blank < 2 && wire.buffer.starts_with(b"\r\n") {
                    wire.buffer.advance(2);
                    blank += 1;
                    // What was looked at is gone: its place belongs to other bytes now.
                    scan = Scan::new();
                }
                if wire.buffer.ends_with(b"\r\n\r\n") {
                    return Poll::Ready(Heard::Head(Ok(None)));
                }
                match scan.find(&wire.buffer, limits.head_bytes) {
                    Ok(Some(end)) => return Poll::Ready(Heard::Head(Ok(Some(end)))),
                    Ok(None) => {}
                    Err(fault) => return Poll::Ready(Heard::Head(Err(fault))),
                }
                // The target alone is measured early, so that it gets its own status.
                let longest = limits.target_bytes.saturating_add(Method::MAX + 16);
                if scan.in_first_line() && wire.buffer.len() > longest {
                    return Poll::Ready(Heard::Head(Err(Fault::TargetTooLong)));
                }
                // Whoever waits behind a start line that is none would wait until the head is late.
                if !read {
                    read = !scan.in_first_line();
                    if let Some(fault) = begins_wrong(&wire.buffer, read) {
                        return Poll::Ready(Heard::Head(Err(fault)));
                    }
                }
                // Half an empty line may be no more than that. What came with the request before
                // begins a head as well, and has no more time than one that comes later.
                if !begun
                    && let [first, rest @ ..] = &wire.buffer[..]
                    && (*first != b'\r' || !rest.is_empty())
                {
                    // A handshake of TLS, for one, never becomes a request.
                    if !is_token_byte(*first) {
                        return Poll::Ready(Heard::Head(Err(Fault::StartLine)));
                    }
                    begun = true;
                    deadline = clock::now() + limits.head;
                }
                if !begun {
                    if !leaves && drain.poll_started(cx).is_ready() {
                        leaves = true;
                        deadline = deadline.min(clock::now() + GRACE);
                    }
                    wire.rest();
                }
                match wire.poll_fill(cx, 0) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Heard::Nothing),
                    Poll::Pending => {
                        if !begun && !leaves && calm < deadline {
                            if !is_crowded() {
                                ready!(alarm.poll(cx, calm));
                            }
                            return Poll::Ready(Heard::NothingYet);
                        }
                        ready!(alarm.poll(cx, deadline));
                        if begun {
                            return Poll::Ready(Heard::Head(Err(Fault::HeadTimeout)));
                        }
                        if !leaves {
                            handler.bit(Bite::Idle);
                        }
                        return Poll::Ready(Heard::Nothing);
                    }
                }
            }
        })
    }

    /// One request and its answer.
    async fn exchange(&self, found: Found) -> Next<'c, H> {
        let handler = self.handler;
        let head = match self.take(found) {
            Ok(head) => head,
            Err(refusal) => {
                let asked = Asked {
                    method: refusal.method.clone().unwrap_or(Method::Get),
                    version: Version::Http11,
                    takes_trailers: false,
                    persistent: false,
                };
                let outgoing = handler.refuse(refusal);
                self.answer(asked, None, outgoing).await;
                return Next::Linger;
            }
        };
        let asked = Asked {
            method: head.request.method.clone(),
            version: head.request.version,
            takes_trailers: head.takes_trailers,
            persistent: head.persistent,
        };
        let too_large = matches!(head.framing, Framing::Length(n) if n > self.limits.body_bytes);
        if too_large {
            let target = head.request.target.path_and_query();
            let refusal = Refusal {
                fault: Fault::BodyTooLarge,
                method: Some(head.request.method.clone()),
                target: Some(target.get(..256).unwrap_or(target).to_owned()),
            };
            let outgoing = handler.refuse(refusal);
            self.answer(Asked { persistent: false, ..asked }, None, outgoing).await;
            return Next::Linger;
        }
        let body = self.body(head.framing, head.expects_continue);
        let upgrade = head.upgrade.clone();
        let incoming = Incoming { request: head.request, body, upgrade: head.upgrade };
        let takes_hints = asked.version == Version::Http11;
        let outgoing = {
            let mut handling = pin!(handler.handle(incoming));
            poll_fn(|cx| {
                let listening = Listening::begin();
                let polled = handling.as_mut().poll(cx);
                let hints = listening.end();
                // A client of HTTP/1.0 does not know of them (RFC 9110 section 15.2).
                if !hints.is_empty() && takes_hints {
                    self.shared.borrow_mut().hint(&hints);
                }
                if let Poll::Ready(outgoing) = polled {
                    return Poll::Ready(Some(outgoing));
                }
                if let Poll::Ready(Err(_)) = self.shared.borrow_mut().poll_interim(cx) {
                    return Poll::Ready(None);
                }
                if !clock::gives_way()
                    && self.shared.borrow_mut().client_is_gone(cx, self.limits.linger)
                {
                    self.count_linger();
                    return Poll::Ready(None);
                }
                Poll::Pending
            })
            .await
        };
        match outgoing {
            Some(outgoing) => self.answer(asked, upgrade, outgoing).await,
            None => Next::Close,
        }
    }

    /// Takes a head out of the buffer.
    fn take(&self, found: Found) -> Result<RequestHead, Refusal> {
        let buffer = &mut self.shared.borrow_mut().wire.buffer;
        if let Ok(None) = found
            && let Ok((head, end)) = parse(buffer, self.scheme, self.limits)
            && end <= self.limits.head_bytes
        {
            buffer.advance(end);
            return Ok(head);
        }
        // What is wrong with a head is told of that head alone, whatever stands behind it.
        let found = match found {
            Ok(None) => Scan::new().find(buffer, self.limits.head_bytes),
            found => found,
        };
        match found {
            Ok(end) => {
                let head = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
                let end = head.len();
                let head = parse_request(head, self.scheme, self.limits)?;
                buffer.advance(end);
                Ok(head)
            }
            Err(fault) => {
                let (method, target) = glimpse(buffer);
                Err(Refusal { fault, method, target })
            }
        }
    }

    /// The content of a request: at once if all of it is here, else as it comes.
    fn body(&self, framing: Framing, expects: bool) -> Body {
        let mut shared = self.shared.borrow_mut();
        shared.end_content();
        let length = match framing {
            Framing::None | Framing::Close => return Body::empty(),
            Framing::Chunked => None,
            Framing::Length(length) => {
                let here = usize::try_from(length).ok().filter(|&n| n <= shared.wire.buffer.len());
                if let Some(here) = here {
                    return Body::full(shared.wire.buffer.split_to(here).freeze());
                }
                Some(length)
            }
        };
        let decoder = Decoder::new(framing, self.limits.body_bytes, self.limits.overhead_bytes);
        shared.begin_content(Content::new(decoder, expects));
        drop(shared);
        Body::source(Received::new(&self.shared, self.limits.body_idle), length)
    }

    /// Sends an answer and finishes with its request.
    async fn answer(
        &self,
        mut asked: Asked,
        upgrade: Option<Upgrade>,
        outgoing: Outgoing<H::Ticket>,
    ) -> Next<'c, H> {
        let Outgoing { mut response, mut body, tunnel, ticket } = outgoing;
        let mut settle = Settle::new(self.handler, ticket);
        if response.status < 200 {
            match (response.status, tunnel, upgrade) {
                (101, Some(tunnel), Some(upgrade)) => {
                    if !response.headers.contains("upgrade") {
                        // It was a field value when it was read.
                        let _ = response.headers.append("upgrade", &upgrade.protocol);
                    }
                    let switched = Switched { response, tunnel, settle };
                    return Next::Tunnel(Box::new(switched));
                }
                // There is no such answer: the handler promised what it does not hold.
                _ => {
                    response = Response::new(502);
                    body = Body::empty();
                    asked.persistent = false;
                }
            }
        }
        // Behind the answer to a client that has closed its side there is no next request.
        let is_last = {
            let shared = self.shared.borrow();
            shared.closed().is_some() && shared.wire.buffer.is_empty()
        };
        if is_last || self.drain.is_started() || self.must_close() {
            asked.persistent = false;
        }
        // Where nothing but the end of the connection says where the answer ends, one that broke must not end so.
        let ends_it = asked.version == Version::Http10 && body.content_length().is_none();
        let end =
            send(&self.shared, self.limits, &mut asked, &response, body, &mut settle.bytes).await;
        settle.finish(end);
        match end {
            End::Complete if asked.persistent => {
                if self.discard().await {
                    Next::Request
                } else {
                    Next::Linger
                }
            }
            End::WrongLength | End::Body(_) | End::ClientClosed | End::ClientTimeout if ends_it => {
                Next::Cut
            }
            End::Complete | End::WrongLength | End::Body(_) => {
                let shared = self.shared.borrow();
                let clean = shared.is_read() && shared.wire.buffer.is_empty();
                if clean { Next::Close } else { Next::Linger }
            }
            End::ClientClosed => {
                self.count_linger();
                Next::Close
            }
            End::ClientTimeout | End::Dropped => Next::Close,
        }
    }

    /// Counts that a client which has closed its side was not answered in time, if that is so.
    fn count_linger(&self) {
        if self.shared.borrow().closed().is_some_and(|until| until <= clock::now()) {
            self.handler.bit(Bite::Linger);
        }
    }

    /// Whether what is left of the request's content forbids to keep the connection; and no more
    /// `100 Continue` from here on.
    fn must_close(&self) -> bool {
        let shared = &mut *self.shared.borrow_mut();
        let Some(content) = shared.content_mut() else { return false };
        // Who was never told to go on may or may not send the content: nobody can tell what the
        // next bytes are.
        let unasked = std::mem::take(&mut content.expects);
        if unasked || content.broken {
            return true;
        }
        let too_much = content.decoder.left().is_some_and(|left| left > self.limits.drain_bytes);
        if content.held || !too_much {
            return false;
        }
        self.handler.bit(Bite::Unread);
        true
    }
}
