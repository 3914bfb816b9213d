//! HTTP/2 towards one endpoint: a request on a stream of its own, which the caller drives. The h2 crate speaks it.
//! It opens no connections and chooses no endpoint.

mod lanes;
mod upload;

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderValue, TE};
use tokio::time::Instant;

pub(super) use lanes::{Lanes, Stream};

use self::upload::{Going, Upload};
use super::clock::{Clock, Turn, begin};
use super::config::Timeouts;
use super::failure::{Kind, Lost, MOST_INTERIM};
use super::pool::Hold;
use crate::body::{Body, BodyError, Side, Source};
use crate::message::{
    Fault, Headers, Method, Request, Response, Version, header_map, headers_from_map, may_trail,
};
use crate::serve::{Alarm, hints};

/// What to send on a stream.
pub(super) struct Ask<'a> {
    pub(super) request: &'a Request,
    /// Whether the lane is TLS.
    pub(super) secure: bool,
    pub(super) takes_trailers: bool,
    pub(super) timeouts: &'a Timeouts,
    pub(super) until: Instant,
}

/// The head of an answer, what brings the rest of it, and what is left of the request.
struct Reply {
    response: Response,
    content: RecvStream,
    upload: Upload,
}

/// Why there is no answer.
enum Broken {
    /// The stream has ended, or the connection with it.
    Stream(h2::Error),
    /// What came is none, or the request's content broke.
    Told(Kind),
}

impl Stream {
    /// Sends a request and waits for the head of its answer. The answer's body holds `hold` and the stream; without
    /// an answer `hold` comes back.
    pub(super) async fn exchange(
        self,
        ask: &Ask<'_>,
        body: Body,
        hold: Hold,
    ) -> Result<(Response, Body), (Lost, Hold)> {
        let Reply { response, content, upload } = match self.ask(ask, body).await {
            Ok(reply) => reply,
            Err(lost) => return Err((lost, hold)),
        };
        if content.is_end_stream() {
            return Ok((response, Body::empty()));
        }
        let length = response.headers.text("content-length").and_then(|text| text.parse().ok());
        let download = Download {
            content,
            trailers: None,
            is_read: false,
            clock: Clock::new(ask.timeouts.idle, ask.until),
            alarm: Alarm::new(),
            _upload: upload.go_on(),
            _stream: self,
            _hold: hold,
        };
        Ok((response, Body::source(download, length)))
    }

    async fn ask(&self, ask: &Ask<'_>, body: Body) -> Result<Reply, Lost> {
        let unsent = |kind, body| Lost { kind, sent: false, body: Some(body) };
        let head = match ask.head(&body) {
            Ok(head) => head,
            Err(reason) => return Err(unsent(Kind::Request(reason), body)),
        };
        let mut sender = self.sender();
        let (mut answer, sending) = match sender.send_request(head, body.is_empty()) {
            Ok(sent) => sent,
            Err(error) => return Err(unsent(kind(&error), body)),
        };
        let turn = Turn::new();
        let mut upload = Upload::new(sending, body, turn.clone());
        let mut interim = 0;
        // Until the endpoint takes one stream more, nothing is on the wire.
        let mut waits = true;
        let heard = poll_fn(|cx| {
            if waits {
                waits = sender.poll_ready(cx).map_err(Broken::Stream)?.is_pending();
            }
            if !waits && let Poll::Ready(Err(error)) = upload.poll(cx) {
                return Poll::Ready(Err(Broken::Told(Kind::RequestBody(error))));
            }
            ready!(poll_interim(&mut answer, &mut interim, cx))?;
            std::pin::Pin::new(&mut answer).poll(cx).map_err(Broken::Stream)
        });
        let mut alarm = Alarm::new();
        let heard = begin(heard, &mut alarm, &turn, ask.timeouts.first_byte, ask.until).await;
        let answer = match heard {
            Ok(Ok(answer)) => answer,
            Ok(Err(Broken::Stream(error))) => {
                let sent = !waits && !is_refused(&error);
                return Err(Lost { kind: kind(&error), sent, body: upload.give_back() });
            }
            Ok(Err(Broken::Told(kind))) | Err(kind) => {
                return Err(Lost { kind, sent: true, body: upload.give_back() });
            }
        };
        self.answered();
        let (head, content) = answer.into_parts();
        let malformed = |reason| Lost { kind: Kind::Malformed(reason), sent: true, body: None };
        let status = head.status.as_u16();
        if !(200..=599).contains(&status) {
            return Err(malformed(format!("the status {status}")));
        }
        let headers =
            headers_from_map(&head.headers).map_err(|error| malformed(error.to_string()))?;
        let response = Response { status, headers, version: Version::Http2 };
        Ok(Reply { response, content, upload })
    }
}

/// Passes interim answers on, as long as there are not too many. Ready when what comes next is none.
fn poll_interim(
    answer: &mut ResponseFuture,
    count: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Broken>> {
    let malformed = |reason: String| Poll::Ready(Err(Broken::Told(Kind::Malformed(reason))));
    loop {
        let hint = match ready!(answer.poll_informational(cx)) {
            None => return Poll::Ready(Ok(())),
            Some(Ok(hint)) => hint,
            Some(Err(error)) => return Poll::Ready(Err(Broken::Stream(error))),
        };
        *count += 1;
        if *count > MOST_INTERIM {
            return malformed("too many interim answers".to_owned());
        }
        match hint.status().as_u16() {
            // Whoever asked to be told to go on was answered by us.
            100 => {}
            // RFC 9113, section 8.6.
            101 => return malformed("the status 101".to_owned()),
            status => match headers_from_map(hint.headers()) {
                Ok(headers) => hints::tell(&Response { status, headers, version: Version::Http2 }),
                Err(error) => return malformed(error.to_string()),
            },
        }
    }
}

/// An answer's body, with what it occupies.
struct Download {
    content: RecvStream,
    trailers: Option<Headers>,
    /// Whether all but the trailers was read.
    is_read: bool,
    clock: Clock,
    alarm: Alarm,
    _upload: Option<Going>,
    _stream: Stream,
    _hold: Hold,
}

impl Source for Download {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if let Poll::Ready(next) = self.poll_content(cx) {
            self.clock.hear();
            return Poll::Ready(next);
        }
        let late = BodyError::timeout(Side::Upstream);
        self.clock.poll_end(cx, &mut self.alarm).map(|()| Some(Err(late)))
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.trailers.take()
    }
}

impl Download {
    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        while !self.is_read {
            match ready!(self.content.poll_data(cx)) {
                Some(Ok(bytes)) => {
                    // More than was received it cannot be.
                    let _ = self.content.flow_control().release_capacity(bytes.len());
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(broken(&error)),
                None => self.is_read = true,
            }
        }
        Poll::Ready(match ready!(self.content.poll_trailers(cx)) {
            Ok(None) => None,
            Ok(Some(map)) => match trailers(&map) {
                Ok(trailers) => {
                    self.trailers = Some(trailers);
                    None
                }
                Err(error) => Some(Err(error)),
            },
            Err(error) => broken(&error),
        })
    }
}

/// A stream that was reset, which is no fault if it says so: the endpoint needs no more of the request (RFC 9113,
/// section 8.1).
fn broken(error: &h2::Error) -> Option<Result<Bytes, BodyError>> {
    (error.reason() != Some(Reason::NO_ERROR)).then(|| Err(BodyError::reset(Side::Upstream)))
}

/// The trailer section, if nothing stands in it that belongs into a head.
fn trailers(map: &HeaderMap) -> Result<Headers, BodyError> {
    let malformed = || BodyError::malformed(Side::Upstream, Fault::TrailerField.name());
    if !map.keys().all(|name| may_trail(name.as_str().as_bytes())) {
        return Err(malformed());
    }
    headers_from_map(map).map_err(|_| malformed())
}

impl Ask<'_> {
    fn head(&self, body: &Body) -> Result<http::Request<()>, String> {
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
        map.remove(CONTENT_LENGTH);
        // A method that usually has content says that there is none (RFC 9110, section 8.6).
        let has_content = matches!(self.request.method, Method::Post | Method::Put | Method::Patch);
        if let Some(length) = body.content_length().filter(|length| *length > 0 || has_content) {
            map.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        if self.takes_trailers {
            map.insert(TE, HeaderValue::from_static("trailers"));
        }
        *head.headers_mut() = map;
        Ok(head)
    }
}

fn kind(error: &h2::Error) -> Kind {
    Kind::Reset(io::Error::new(io::ErrorKind::ConnectionReset, error.to_string()))
}

/// Whether the endpoint vouches that it has done nothing: it refused the stream, or said goodbye and named an earlier
/// one as its last (RFC 9113, sections 6.8 and 8.7).
fn is_refused(error: &h2::Error) -> bool {
    // Streams up to the last one live on after a GOAWAY; only the others are told of it.
    let goodbye = error.is_go_away() && error.is_remote();
    goodbye || error.reason() == Some(Reason::REFUSED_STREAM)
}
