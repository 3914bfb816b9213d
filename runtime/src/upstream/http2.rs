//! HTTP/2 towards one endpoint: a few connections (lanes) with many streams each. hyper speaks it; each
//! connection is driven by a task of this core. It bounds streams and opens lanes; it chooses no endpoint.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Body as _;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::Instant;

use super::clock::{Clock, Turn, begin};
use super::config::Timeouts;
use super::connect::Socket;
use super::failure::{Kind, Lost};
use super::pool::Hold;
use crate::body::{Body, BodyError, BodyFault, Side, Source};
use crate::message::{Headers, Request, Response, Version, header_map, headers_from_map};
use crate::serve::Alarm;

/// Streams on one lane, if the endpoint allows as many.
const MOST_STREAMS: usize = 128;

/// Streams that are opened before the endpoint has said how many it takes; more would risk a refusal. Those that
/// come meanwhile wait in the lane, for less than a round trip.
const BEFORE_SETTINGS: usize = 1;

/// The header section of an answer.
const MOST_HEAD: u32 = 64 * 1024;

/// How much of a body may come before it is read. A lane's window is that of all its streams together: clients that
/// do not read theirs must not hold up the others.
const WINDOW: u32 = 256 * 1024;

/// How much of a request's body hyper takes before the endpoint does.
const SEND_BUFFER: usize = 128 * 1024;

/// A lane on which requests wait is asked for a sign of life this often.
const PING: Duration = Duration::from_secs(20);

/// The connections of one endpoint on one core.
#[derive(Default)]
pub(super) struct Lanes {
    list: RefCell<Vec<Rc<Lane>>>,
    /// One lane is opened at a time: a hundred requests that arrive together need one, not a hundred.
    opening: Cell<bool>,
    opened: Notify,
}

struct Lane {
    sender: SendRequest<Body>,
    driver: Rc<RefCell<Option<Driver>>>,
    /// Whether it has brought an answer, and so the endpoint's settings.
    answered: Cell<bool>,
    streams: Cell<usize>,
    /// When the last stream ended.
    since: Cell<Instant>,
}

/// What to send on a stream.
pub(super) struct Ask<'a> {
    pub(super) request: &'a Request,
    /// Whether the lane is TLS.
    pub(super) secure: bool,
    pub(super) takes_trailers: bool,
    pub(super) timeouts: &'a Timeouts,
    pub(super) until: Instant,
}

/// What moves a lane's frames; nothing, once the connection has ended.
type Driver = http2::Connection<TokioIo<Socket>, Body, Here>;

/// A place for one stream on a lane.
pub(super) struct Stream {
    lane: Rc<Lane>,
}

impl Lanes {
    /// A stream on an open lane, or on one that `open` opens; says whether the lane was there before. Whoever waits
    /// bounds the wait.
    pub(super) async fn stream<F>(&self, open: impl Fn() -> F) -> Result<(Stream, bool), Kind>
    where
        F: Future<Output = Result<Socket, Kind>>,
    {
        loop {
            if let Some(stream) = self.free() {
                return Ok((stream, true));
            }
            if self.opening.get() {
                self.opened.notified().await;
                continue;
            }
            let _opening = Opening::begin(self);
            let lane = Rc::new(Lane::open(open().await?).await?);
            self.list.borrow_mut().push(lane.clone());
            return Ok((Stream::on(lane), false));
        }
    }

    /// Closes lanes without streams that were unused for `keep`, and forgets those that were closed.
    pub(super) fn sweep(&self, now: Instant, keep: Duration) {
        self.list.borrow_mut().retain(|lane| {
            let unused = lane.streams.get() == 0 && now.duration_since(lane.since.get()) >= keep;
            !unused && !lane.sender.is_closed()
        });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.list.borrow().len()
    }

    fn free(&self) -> Option<Stream> {
        let mut list = self.list.borrow_mut();
        list.retain(|lane| !lane.sender.is_closed());
        let emptiest = list.iter().filter(|lane| lane.streams.get() < lane.most());
        emptiest.min_by_key(|lane| lane.streams.get()).map(|lane| Stream::on(lane.clone()))
    }
}

impl Lane {
    async fn open(socket: Socket) -> Result<Lane, Kind> {
        let handshake = http2::Builder::new(Here)
            .timer(TokioTimer::new())
            .initial_max_send_streams(BEFORE_SETTINGS)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(MOST_STREAMS as u32 * WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(MOST_HEAD)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .handshake(TokioIo::new(socket))
            .await;
        let (sender, driver) = handshake.map_err(|error| kind(&error))?;
        let driver = Rc::new(RefCell::new(Some(driver)));
        let driven = driver.clone();
        spawn_local(poll_fn(move |cx| {
            let mut driver = driven.borrow_mut();
            let Some(connection) = driver.as_mut() else { return Poll::Ready(()) };
            let end = ready!(Pin::new(connection).poll(cx));
            if let Err(error) = end {
                tracing::debug!(%error, "connection to an upstream ended");
            }
            // Dropped at once, for the requests that wait in it are told by that.
            let ended = driver.take();
            drop(driver);
            drop(ended);
            Poll::Ready(())
        }));
        let since = Cell::new(Instant::now());
        Ok(Lane { sender, driver, answered: Cell::new(false), streams: Cell::new(0), since })
    }

    /// Streams it takes at a time: the endpoint's own word, as soon as its settings have come.
    fn most(&self) -> usize {
        // It is only borrowed otherwise while it is driven, and whoever asks then is told a little more.
        let driver = self.driver.try_borrow().ok();
        let allowed = driver.and_then(|driver| Some(driver.as_ref()?.current_max_send_streams()));
        match allowed {
            Some(allowed) if self.answered.get() || allowed != BEFORE_SETTINGS => {
                allowed.min(MOST_STREAMS)
            }
            _ => MOST_STREAMS,
        }
    }
}

impl Stream {
    fn on(lane: Rc<Lane>) -> Stream {
        lane.streams.set(lane.streams.get() + 1);
        Stream { lane }
    }

    /// Sends a request and waits for the head of its answer. The answer's body holds `hold` and the stream; without
    /// an answer `hold` comes back.
    pub(super) async fn exchange(
        self,
        ask: &Ask<'_>,
        body: Body,
        hold: Hold,
    ) -> Result<(Response, Body), (Lost, Hold)> {
        match self.ask(ask, body).await {
            Err(lost) => Err((lost, hold)),
            Ok((response, body)) if body.is_empty() => Ok((response, body)),
            Ok((response, body)) => {
                let length = body.content_length();
                let clock = Clock::new(ask.timeouts.idle, ask.until);
                let alarm = Alarm::new();
                let download = Download { body, clock, alarm, _stream: self, _hold: hold };
                Ok((response, Body::source(download, length)))
            }
        }
    }

    async fn ask(&self, ask: &Ask<'_>, body: Body) -> Result<(Response, Body), Lost> {
        let head = match ask.head() {
            Ok(head) => head,
            Err(reason) => {
                return Err(Lost { kind: Kind::Request(reason), sent: false, body: Some(body) });
            }
        };
        let turn = Turn::new();
        let upload = Rc::new(Upload::default());
        let (body, whole) = keep(body);
        let sent = head.map(|()| watched(body, &upload, &turn));
        let mut sender = self.lane.sender.clone();
        let answer = sender.try_send_request(sent);
        let mut alarm = Alarm::new();
        let begun = begin(answer, &mut alarm, &turn, ask.timeouts.first_byte, ask.until);
        let answer = match begun.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(mut refused)) => {
                // What hyper hands back has never been on the wire.
                let back = refused.take_message().map(http::Request::into_body);
                let unseen = back.is_some() || is_refused(refused.error());
                let kind = match upload.error.take() {
                    Some(error) => Kind::RequestBody(error),
                    None => kind(refused.error()),
                };
                return Err(Lost { kind, sent: !unseen, body: back.or(whole.map(Body::full)) });
            }
            Err(kind) => return Err(Lost { kind, sent: true, body: whole.map(Body::full) }),
        };
        self.lane.answered.set(true);
        let (head, incoming) = answer.into_parts();
        if !(200..=599).contains(&head.status.as_u16()) {
            let kind = Kind::Malformed(format!("the status {}", head.status.as_u16()));
            return Err(Lost { kind, sent: true, body: None });
        }
        let headers = headers_from_map(&head.headers).map_err(|error| {
            let kind = Kind::Malformed(error.to_string());
            Lost { kind, sent: true, body: None }
        })?;
        let response = Response { status: head.status.as_u16(), headers, version: Version::Http2 };
        let body = if incoming.is_end_stream() { Body::empty() } else { Body::hyper(incoming) };
        Ok((response, body))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.lane.streams.set(self.lane.streams.get().saturating_sub(1));
        self.lane.since.set(Instant::now());
    }
}

/// A lane being opened; whatever comes of it, those who wait look again.
struct Opening<'a>(&'a Lanes);

impl<'a> Opening<'a> {
    fn begin(lanes: &'a Lanes) -> Opening<'a> {
        lanes.opening.set(true);
        Opening(lanes)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.opening.set(false);
        self.0.opened.notify_waiters();
    }
}

/// Runs hyper's tasks on this core.
#[derive(Clone, Copy)]
struct Here;

impl<F: Future<Output = ()> + 'static> Executor<F> for Here {
    fn execute(&self, task: F) {
        spawn_local(task);
    }
}

/// The body, and what it holds if all of it is here: what another attempt can begin with.
fn keep(mut body: Body) -> (Body, Option<Bytes>) {
    if body.as_full().is_none() {
        return (body, None);
    }
    let whole = match body.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(bytes))) => bytes,
        _ => Bytes::new(),
    };
    (Body::full(whole.clone()), Some(whole))
}

/// What became of the request's body so far.
#[derive(Default)]
struct Upload {
    error: Cell<Option<BodyError>>,
}

/// A request's body on its way, which says whose move it is. The client's trailers stay here: no statement of a
/// policy has seen them.
struct Watched {
    body: Body,
    upload: Rc<Upload>,
    turn: Turn,
}

fn watched(body: Body, upload: &Rc<Upload>, turn: &Turn) -> Body {
    if body.as_full().is_some() {
        return body;
    }
    let length = body.content_length();
    Body::source(Watched { body, upload: upload.clone(), turn: turn.clone() }, length)
}

impl Source for Watched {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = self.body.poll_next(cx);
        match &next {
            Poll::Pending => self.turn.client(),
            Poll::Ready(Some(Err(error))) => self.upload.error.set(Some(*error)),
            Poll::Ready(_) => self.turn.upstream(),
        }
        next
    }
}

/// An answer's body, with what it occupies.
struct Download {
    body: Body,
    clock: Clock,
    alarm: Alarm,
    _stream: Stream,
    _hold: Hold,
}

impl Source for Download {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = self.body.poll_next(cx);
        if next.is_ready() {
            self.clock.hear();
            return next;
        }
        let late = BodyError { side: Side::Upstream, fault: BodyFault::Timeout };
        self.clock.poll_end(cx, &mut self.alarm).map(|()| Some(Err(late)))
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.body.take_trailers()
    }
}

impl Ask<'_> {
    fn head(&self) -> Result<http::Request<()>, String> {
        let target = &self.request.target;
        let uri = http::Uri::builder()
            .scheme(if self.secure { "https" } else { "http" })
            .authority(target.authority())
            .path_and_query(target.path_and_query())
            .build()
            .map_err(|error| error.to_string())?;
        let mut head = http::Request::builder()
            .method(self.request.method.as_str())
            .uri(uri)
            .version(http::Version::HTTP_2)
            .body(())
            .map_err(|error| error.to_string())?;
        let mut map = header_map(&self.request.headers).map_err(|error| error.to_string())?;
        // hyper frames by the body it is given.
        map.remove(http::header::CONTENT_LENGTH);
        if self.takes_trailers {
            map.insert(http::header::TE, http::HeaderValue::from_static("trailers"));
        }
        *head.headers_mut() = map;
        Ok(head)
    }
}

fn kind(error: &hyper::Error) -> Kind {
    if error.is_parse() {
        return Kind::Malformed(error.to_string());
    }
    let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    Kind::Reset(std::io::Error::new(std::io::ErrorKind::ConnectionReset, reason))
}

/// Whether the endpoint vouches that it has done nothing: it refused the stream, or said goodbye and named an earlier
/// one as its last (RFC 9113, sections 6.8 and 8.7).
fn is_refused(error: &hyper::Error) -> bool {
    let inner = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    inner.is_some_and(|error| {
        // Streams up to the last one live on after a GOAWAY; only the others are told of it.
        let goodbye = error.is_go_away() && error.is_remote();
        goodbye || error.reason() == Some(h2::Reason::REFUSED_STREAM)
    })
}
