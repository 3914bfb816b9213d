//! The life of an HTTP/1 connection: a head, its answer, what is left of its content, and again.
//! One task, no channel; the handler's future is polled where the connection is.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::receive::{Received, Shared};
use super::request::glimpse;
use super::send::{Asked, send};
use super::{Decoder, Framing, Out, RequestHead, Scan, Wire, parse_request};
use crate::body::Body;
use crate::message::{Fault, Method, Response, Scheme, Version};
use crate::serve::{Alarm, Drain, End, Handler, Incoming, Limits, Outgoing, Refusal, Settle};
use crate::upgrade::{Tunnel, Upgrade};

/// Serves a connection until it closes. `ahead` is what was read from `io` already.
pub(crate) async fn serve<IO, H>(
    io: IO,
    ahead: BytesMut,
    scheme: Scheme,
    limits: &Limits,
    drain: &Drain,
    handler: &H,
) where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler,
{
    let wire = Wire { io, buffer: ahead };
    let shared = Rc::new(RefCell::new(Shared {
        wire,
        decoder: Decoder::done(),
        held: false,
        expects: false,
        interim: Out::new(),
        broken: false,
    }));
    let mut connection = Connection { shared, alarm: Alarm::new(), scheme, limits, drain, handler };
    let mut wait = limits.head;
    loop {
        let deadline = Instant::now() + wait;
        match connection.head(deadline).await {
            Head::End => return connection.close().await,
            Head::Refused(refusal) => {
                let asked = Asked {
                    method: refusal.method.clone().unwrap_or(Method::Get),
                    version: Version::Http11,
                    takes_trailers: false,
                    persistent: false,
                };
                let outgoing = handler.refuse(refusal);
                connection.answer(asked, None, outgoing).await;
                return connection.linger().await;
            }
            Head::Request(head) => match connection.exchange(*head).await {
                Next::Request => wait = limits.idle,
                Next::Close => return connection.close().await,
                Next::Linger => return connection.linger().await,
                Next::Tunnel(tunnel) => return connection.tunnel(tunnel).await,
            },
        }
    }
}

pub(super) struct Connection<'c, IO, H: Handler> {
    pub(super) shared: Rc<RefCell<Shared<IO>>>,
    pub(super) alarm: Alarm,
    scheme: Scheme,
    pub(super) limits: &'c Limits,
    drain: &'c Drain,
    handler: &'c H,
}

enum Head {
    Request(Box<RequestHead>),
    Refused(Refusal),
    /// The client closed, or nothing came in time, between two requests.
    End,
}

enum Next<'c, H: Handler> {
    Request,
    /// Nothing of the client's is unread.
    Close,
    /// Something may be: closing at once could destroy the answer on its way.
    Linger,
    Tunnel(Box<Switched<'c, H>>),
}

/// An exchange that became a tunnel.
pub(super) struct Switched<'c, H: Handler> {
    pub(super) response: Response,
    pub(super) tunnel: Tunnel,
    pub(super) settle: Settle<'c, H>,
}

impl<'c, IO, H> Connection<'c, IO, H>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler,
{
    /// Waits for a head: until `deadline` for its first byte, then for as long as heads may take.
    async fn head(&mut self, mut deadline: Instant) -> Head {
        let mut scan = Scan::new();
        let mut begun = false;
        let mut blank = 0;
        let (alarm, limits, drain, scheme) =
            (&mut self.alarm, self.limits, self.drain, self.scheme);
        poll_fn(|cx| {
            let wire = &mut self.shared.borrow_mut().wire;
            loop {
                // RFC 9112 section 2.2: an empty line before the request line is overlooked; one
                // more is for clients that end their content with one.
                while blank < 2 && wire.buffer.starts_with(b"\r\n") {
                    wire.buffer.advance(2);
                    blank += 1;
                    // What was looked at is gone: its place belongs to other bytes now.
                    scan = Scan::new();
                }
                match scan.find(&wire.buffer, limits.head_bytes) {
                    Ok(Some(end)) => {
                        let head = wire.buffer.split_to(end);
                        return Poll::Ready(match parse_request(&head, scheme, limits) {
                            Ok(head) => Head::Request(Box::new(head)),
                            Err(refusal) => Head::Refused(refusal),
                        });
                    }
                    Ok(None) => {}
                    Err(fault) => return Poll::Ready(refused(&wire.buffer, fault)),
                }
                // The target alone is measured early, so that it gets its own status.
                let longest = limits.target_bytes.saturating_add(Method::MAX + 16);
                if scan.in_first_line() && wire.buffer.len() > longest {
                    return Poll::Ready(refused(&wire.buffer, Fault::TargetTooLong));
                }
                // Half an empty line may be no more than that. What came with the request before
                // begins a head as well, and has no more time than one that comes later.
                if !begun && !matches!(&wire.buffer[..], [] | [b'\r']) {
                    begun = true;
                    deadline = Instant::now() + limits.head;
                }
                if !begun {
                    if drain.poll_started(cx).is_ready() {
                        return Poll::Ready(Head::End);
                    }
                    wire.rest();
                }
                match wire.poll_fill(cx, 0) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Head::End),
                    Poll::Pending => {
                        ready!(alarm.poll(cx, deadline));
                        return Poll::Ready(if begun {
                            refused(&wire.buffer, Fault::HeadTimeout)
                        } else {
                            Head::End
                        });
                    }
                }
            }
        })
        .await
    }

    /// One request and its answer.
    async fn exchange(&mut self, head: RequestHead) -> Next<'c, H> {
        let handler = self.handler;
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
        let outgoing = {
            let mut handling = pin!(handler.handle(incoming));
            poll_fn(|cx| {
                if let Poll::Ready(outgoing) = handling.as_mut().poll(cx) {
                    return Poll::Ready(Some(outgoing));
                }
                if self.shared.borrow_mut().client_is_gone(cx) {
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

    /// The content of a request: at once if all of it is here, else as it comes.
    fn body(&mut self, framing: Framing, expects: bool) -> Body {
        let mut shared = self.shared.borrow_mut();
        shared.expects = expects;
        let length = match framing {
            Framing::None | Framing::Close => return Body::empty(),
            Framing::Chunked => None,
            Framing::Length(length) => {
                let here = usize::try_from(length).ok().filter(|&n| n <= shared.wire.buffer.len());
                if let Some(here) = here {
                    shared.expects = false;
                    return Body::full(shared.wire.buffer.split_to(here).freeze());
                }
                Some(length)
            }
        };
        shared.decoder = Decoder::new(framing, self.limits.body_bytes, self.limits.overhead_bytes);
        drop(shared);
        Body::source(Received::new(&self.shared, self.limits.body_idle), length)
    }

    /// Sends an answer and finishes with its request.
    async fn answer(
        &mut self,
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
        if self.drain.is_started() || self.must_close() {
            asked.persistent = false;
        }
        let end = send(
            &self.shared,
            &mut self.alarm,
            self.limits,
            &mut asked,
            &response,
            body,
            &mut settle.bytes,
        )
        .await;
        settle.finish(end);
        match end {
            End::Complete if asked.persistent => {
                if self.discard().await {
                    Next::Request
                } else {
                    Next::Linger
                }
            }
            End::Complete | End::WrongLength | End::Body(_) => {
                let shared = self.shared.borrow();
                let clean = shared.decoder.is_done() && shared.wire.buffer.is_empty();
                if clean { Next::Close } else { Next::Linger }
            }
            End::ClientClosed | End::ClientTimeout | End::Dropped => Next::Close,
        }
    }

    /// Whether what is left of the request's content forbids to keep the connection; and no more
    /// `100 Continue` from here on.
    fn must_close(&self) -> bool {
        let mut shared = self.shared.borrow_mut();
        // Who was never told to go on may or may not send the content: nobody can tell what the
        // next bytes are.
        let unasked = std::mem::take(&mut shared.expects);
        let too_much = shared.decoder.left().is_some_and(|left| left > self.limits.drain_bytes);
        unasked || shared.broken || (!shared.held && too_much)
    }
}

fn refused(head: &[u8], fault: Fault) -> Head {
    let (method, target) = glimpse(head);
    Head::Refused(Refusal { fault, method, target })
}
