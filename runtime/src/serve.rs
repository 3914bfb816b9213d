//! The serving side: what a connection hands to a handler and what it takes back.
//! It frames, bounds and cancels; which answer is given, the handler alone decides.

mod alarm;
mod date;
mod drain;
pub(crate) mod hints;
mod life;
mod limits;
mod settle;
mod sniff;

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use alarm::Alarm;
pub use date::http_date;
pub(crate) use date::with_http_date;
pub use drain::{Drain, Drainer, GRACE};
pub(crate) use life::{Life, Waiting};
pub use limits::Limits;
pub(crate) use settle::Settle;

use crate::body::{Body, BodyError};
use crate::message::{Fault, Method, Request, Response, Scheme};
use crate::upgrade::{Tunnel, Upgrade};
use crate::{http1, http2};

/// A request as it comes in: its head in normal form, its content streaming behind.
#[derive(Debug)]
pub struct Incoming {
    /// The head. Hop-by-hop fields are still there: see [`crate::message::strip_hop_by_hop`].
    pub request: Request,
    /// The content; it may go on arriving while the response is sent.
    pub body: Body,
    /// The protocols the client offers to switch to, on HTTP/1.1 and without content.
    pub upgrade: Option<Upgrade>,
}

/// An answer on its way out.
pub struct Outgoing<T> {
    /// The head. Framing fields (`Content-Length`, `Transfer-Encoding`, `Connection`) are written
    /// by the connection; `Content-Length` is kept where the content is not sent (HEAD, 304).
    pub response: Response,
    /// The content.
    pub body: Body,
    /// For a 101: the other end of the tunnel. A 101 without it is not sent.
    pub tunnel: Option<Box<Tunnel>>,
    /// Given back in [`Handler::finished`].
    pub ticket: T,
}

/// What the connection does not let through to [`Handler::handle`].
#[derive(Debug)]
pub struct Refusal {
    /// The reason; its status is the one to answer with.
    pub fault: Fault,
    /// The method, as far as it could be read; an answer to `HEAD` has no content.
    pub method: Option<Method>,
    /// The request target as it was sent, cut to 256 bytes; hostile, for the log only.
    pub target: Option<String>,
}

impl Refusal {
    /// A refusal of which nothing is known but the reason.
    pub fn of(fault: Fault) -> Refusal {
        Refusal { fault, method: None, target: None }
    }

    /// The plain answer to this refusal.
    pub fn answer(&self) -> (Response, Body) {
        let mut response = Response::new(self.fault.status());
        let text = format!("{}: {}\n", self.fault.status(), self.fault);
        // Both are literals of a valid form.
        let _ = response.headers.append("content-type", "text/plain; charset=utf-8");
        (response, Body::full(text))
    }
}

/// How the sending of an answer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Bytes of content handed to the transport, without framing; for a tunnel, those towards the
    /// client.
    pub bytes: u64,
    /// Bytes of a tunnel from the client.
    pub received: u64,
    /// How it ended.
    pub end: End,
}

/// How the sending of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All of it was handed to the transport.
    Complete,
    /// The client went away.
    ClientClosed,
    /// The client did not take it in time.
    ClientTimeout,
    /// The content broke on the way; the client sees it cut short.
    Body(BodyError),
    /// The content was shorter or longer than its declared length.
    WrongLength,
    /// The connection was dropped by its owner, for instance at the end of a drain.
    Dropped,
}

/// Decides the answers of a connection. One handler stands behind each connection.
pub trait Handler: Unpin {
    /// What the handler remembers of an exchange until its answer is sent.
    type Ticket;

    /// Answers a request.
    ///
    /// When the client goes away the future is dropped; a guard inside it can take note.
    fn handle(&self, incoming: Incoming) -> impl Future<Output = Outgoing<Self::Ticket>>;

    /// Answers what is malformed, so that refusals too are logged and counted. The connection is
    /// closed behind the answer (on HTTP/2: the stream).
    fn refuse(&self, refusal: Refusal) -> Outgoing<Self::Ticket>;

    /// Told of a limit that was reached where no request is to be answered. Nobody has to listen.
    fn bit(&self, bite: Bite) {
        let _ = bite;
    }

    /// Told once for every answer, whatever became of it.
    fn finished(&self, ticket: Self::Ticket, sent: Sent);
}

/// A limit that a connection reaches between requests, behind an answer, or in the place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bite {
    /// Nothing came for as long as a connection may wait.
    Idle,
    /// There was a stream more than the client may have open.
    Streams,
    /// More content that nobody wants is to come than is thrown away.
    Unread,
    /// A client took too long to end what is answered, or has closed its side and could not be answered in time.
    Linger,
}

impl<H: Handler> Handler for &H {
    type Ticket = H::Ticket;

    fn handle(&self, incoming: Incoming) -> impl Future<Output = Outgoing<H::Ticket>> {
        (**self).handle(incoming)
    }

    fn refuse(&self, refusal: Refusal) -> Outgoing<H::Ticket> {
        (**self).refuse(refusal)
    }

    fn bit(&self, bite: Bite) {
        (**self).bit(bite);
    }

    fn finished(&self, ticket: H::Ticket, sent: Sent) {
        (**self).finished(ticket, sent);
    }
}

/// Which protocol a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 and 1.0, as ALPN `http/1.1` says.
    Http1,
    /// HTTP/2, as ALPN `h2` says.
    Http2,
    /// HTTP/2 if the connection begins with its preface, else HTTP/1: cleartext, or no ALPN.
    Auto,
}

/// What is fixed for a connection before its first byte.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Which protocol is spoken.
    pub protocol: Protocol,
    /// The scheme of every request on the connection.
    pub scheme: Scheme,
}

/// What a connection is served with, from its first byte to its last.
pub struct Service<H> {
    /// What is spoken on it.
    pub terms: Terms,
    /// Its caps.
    pub limits: Arc<Limits>,
    /// Tells it when it is time to finish.
    pub drain: Drain,
    /// Answers its requests.
    pub handler: H,
}

/// Serves a connection until it closes. Never fails: what goes wrong is told to the handler where
/// it concerns an exchange, and ends the connection where it does not.
///
/// Dropping the future drops the connection and every handler future on it.
pub fn serve<'h, IO, H>(io: IO, service: Service<H>) -> impl Future<Output = ()> + 'h
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler + 'h,
{
    Life::begin(io, service)
}

/// A connection that is about to be served. What it takes lies apart from what serves it.
pub(crate) type Started<IO> = Rc<RefCell<http1::Shared<IO>>>;

/// Begins with a connection, of which nothing was read.
fn start<IO>(io: IO) -> Started<IO> {
    Rc::new(RefCell::new(http1::Shared {
        wire: http1::Wire { io, buffer: BytesMut::new() },
        alarm: Alarm::new(),
        rare: None,
    }))
}

/// Serves a connection until it closes, or until nothing has come for a while.
async fn go_on<IO, H>(waiting: Waiting<IO>, service: &Service<H>) -> Option<Waiting<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler,
{
    let is_http2 = match waiting.protocol {
        Protocol::Http1 => false,
        Protocol::Http2 => true,
        Protocol::Auto => sniff::sniff(&waiting, service).await?,
    };
    if !is_http2 {
        return http1::serve(waiting, service).await;
    }
    // Nobody else holds it before there is a request.
    let wire = Rc::try_unwrap(waiting.started).ok()?.into_inner().wire;
    // Apart, so that a connection that speaks HTTP/1 has no room for it.
    Box::pin(http2::serve(wire, service)).await;
    None
}
