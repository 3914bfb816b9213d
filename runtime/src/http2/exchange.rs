//! One stream: its request to the handler, its answer into the windows the client opens.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::header::{CONTENT_LENGTH, DATE, HeaderValue};
use tokio::time::timeout;

use super::expect::Wanted;
use super::request::{self, Asked};
use crate::body::{Body, Side};
use crate::message::{Method, Response, Scheme, header_map};
use crate::serve::{End, Handler, Incoming, Limits, Outgoing, Settle, http_date};

/// Serves one stream to its end; whether the client left before the answer was sent.
pub(super) async fn exchange<H: Handler>(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    scheme: Scheme,
    limits: &Limits,
    handler: &H,
) -> bool {
    let (parts, content) = request.into_parts();
    let mut method = Method::from_bytes(parts.method.as_str().as_bytes()).unwrap_or(Method::Get);
    let outgoing = match request::read(&parts, scheme, limits) {
        Err(refusal) => {
            method = refusal.method.clone().unwrap_or(method);
            handler.refuse(refusal)
        }
        Ok(Asked { request, length, expects }) => {
            let mut body = Body::h2(content, Side::Client, length)
                .capped(limits.body_bytes, Side::Client)
                .timed(limits.body_idle, Side::Client);
            let wanted = Wanted::default();
            if expects && !body.is_empty() {
                body = wanted.watch(body);
            }
            let incoming = Incoming { request, body, upgrade: None };
            let mut handling = pin!(handler.handle(incoming));
            let outgoing = poll_fn(|cx| {
                if let Poll::Ready(outgoing) = handling.as_mut().poll(cx) {
                    return Poll::Ready(Some(outgoing));
                }
                if wanted.take() {
                    // A client that is gone is noticed below.
                    let _ = respond.send_informational(interim());
                }
                respond.poll_reset(cx).map(|_| None)
            });
            match outgoing.await {
                Some(outgoing) => outgoing,
                None => return true,
            }
        }
    };
    let Outgoing { response, body, ticket, .. } = outgoing;
    let mut settle = Settle::new(handler, ticket);
    let end = send(respond, &method, &response, body, limits, &mut settle.bytes).await;
    settle.finish(end);
    end == End::ClientClosed
}

/// `100 Continue`.
fn interim() -> http::Response<()> {
    let mut head = http::Response::new(());
    *head.version_mut() = http::Version::HTTP_2;
    *head.status_mut() = http::StatusCode::CONTINUE;
    head
}

async fn send(
    mut respond: SendResponse<Bytes>,
    method: &Method,
    response: &Response,
    mut body: Body,
    limits: &Limits,
    sent: &mut u64,
) -> End {
    let Some(head) = head(method, response, &body) else {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return End::WrongLength;
    };
    // An interim status is none to end with: the head is a 502 then, and has no content.
    let with_content = response.may_have_content(method) && !body.is_empty();
    let Ok(mut stream) = respond.send_response(head, !with_content) else {
        return End::ClientClosed;
    };
    if !with_content {
        return End::Complete;
    }
    let mut left = body.content_length();
    let mut next = match awaited(&mut body, &mut stream).await {
        Some(next) => next,
        None => return End::ClientClosed,
    };
    loop {
        let chunk = match next {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => {
                stream.send_reset(Reason::INTERNAL_ERROR);
                return End::Body(error);
            }
            None => return finish(stream, body, left),
        };
        let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if let Some(rest) = left {
            let Some(rest) = rest.checked_sub(len) else {
                stream.send_reset(Reason::INTERNAL_ERROR);
                return End::WrongLength;
            };
            left = Some(rest);
        }
        // Looking ahead lets the last frame carry the end of the stream.
        let ahead = poll_fn(|cx| Poll::Ready(body.poll_next(cx))).await;
        let trailers = if matches!(ahead, Poll::Ready(None)) { body.take_trailers() } else { None };
        let last = matches!(ahead, Poll::Ready(None))
            && trailers.is_none()
            && left.is_none_or(|left| left == 0);
        match send_chunk(&mut stream, chunk, last, limits).await {
            Ok(()) => *sent += len,
            Err(end) => return end,
        }
        if last {
            return End::Complete;
        }
        if let Some(trailers) = trailers {
            body = body.with_trailers(trailers);
        }
        next = match ahead {
            Poll::Ready(next) => next,
            Poll::Pending => match awaited(&mut body, &mut stream).await {
                Some(next) => next,
                None => return End::ClientClosed,
            },
        };
    }
}

type Next = Option<Result<Bytes, crate::body::BodyError>>;

/// The next chunk; `None` if the client reset the stream instead.
async fn awaited(body: &mut Body, stream: &mut SendStream<Bytes>) -> Option<Next> {
    poll_fn(|cx| {
        if let Poll::Ready(next) = body.poll_next(cx) {
            return Poll::Ready(Some(next));
        }
        stream.poll_reset(cx).map(|_| None)
    })
    .await
}

/// Sends a chunk as the client opens its window, each opening within the limit.
async fn send_chunk(
    stream: &mut SendStream<Bytes>,
    mut chunk: Bytes,
    last: bool,
    limits: &Limits,
) -> Result<(), End> {
    while !chunk.is_empty() {
        stream.reserve_capacity(chunk.len());
        let mut ready = stream.capacity();
        if ready == 0 {
            let capacity = poll_fn(|cx| stream.poll_capacity(cx));
            ready = match timeout(limits.send_idle, capacity).await {
                Ok(Some(Ok(ready))) => ready,
                Ok(_) => return Err(End::ClientClosed),
                Err(_) => {
                    stream.send_reset(Reason::CANCEL);
                    return Err(End::ClientTimeout);
                }
            };
        }
        let piece = chunk.split_to(ready.min(chunk.len()));
        let end = last && chunk.is_empty();
        if !piece.is_empty() {
            stream.send_data(piece, end).map_err(|_| End::ClientClosed)?;
        }
    }
    Ok(())
}

fn finish(mut stream: SendStream<Bytes>, mut body: Body, left: Option<u64>) -> End {
    if left.is_some_and(|left| left > 0) {
        stream.send_reset(Reason::INTERNAL_ERROR);
        return End::WrongLength;
    }
    let trailers = body.take_trailers().and_then(|trailers| header_map(&trailers).ok());
    let ended = match trailers {
        Some(trailers) => stream.send_trailers(trailers),
        None => stream.send_data(Bytes::new(), true),
    };
    if ended.is_ok() { End::Complete } else { End::ClientClosed }
}

/// Whether `Content-Length` stands there at most once, as a number.
fn says_one_length(headers: &http::HeaderMap) -> bool {
    let mut all = headers.get_all(CONTENT_LENGTH).iter();
    let first = all.next();
    all.next().is_none()
        && first.is_none_or(|value| {
            !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit)
        })
}

/// The head as `h2` takes it; `None` if it cannot be said in HTTP/2.
fn head(method: &Method, response: &Response, body: &Body) -> Option<http::Response<()>> {
    let mut head = http::Response::new(());
    *head.version_mut() = http::Version::HTTP_2;
    if response.status < 200 {
        *head.status_mut() = http::StatusCode::BAD_GATEWAY;
        return Some(head);
    }
    *head.status_mut() = http::StatusCode::from_u16(response.status).ok()?;
    let mut headers = header_map(&response.headers).ok()?;
    let length = body.content_length();
    if response.may_have_content(method) {
        headers.remove(CONTENT_LENGTH);
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
    } else if response.status == 204 || !says_one_length(&headers) {
        headers.remove(CONTENT_LENGTH);
    } else if *method == Method::Head
        && response.status != 304
        && let (Some(length @ 1..), None) = (length, headers.get(CONTENT_LENGTH))
    {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if !headers.contains_key(DATE) {
        let mut now = Vec::with_capacity(32);
        http_date(&mut now);
        headers.insert(DATE, HeaderValue::from_bytes(&now).ok()?);
    }
    *head.headers_mut() = headers;
    Some(head)
}
