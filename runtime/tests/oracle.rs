//! Our framing against hyper's: whatever the bytes, the requests we see are the first of those
//! that hyper sees, with the same content. Where we differ, a request could be smuggled.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use gw_runtime::body::Body;
use gw_runtime::message::{Response, Scheme};
use gw_runtime::serve::{
    Drain, Handler, Incoming, Limits, Outgoing, Protocol, Refusal, Sent, Service, Terms, serve,
};
use http_body_util::{BodyExt, Empty};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

type Seen = Rc<RefCell<Vec<(String, Vec<u8>)>>>;

struct Recorder(Seen);

impl Handler for Recorder {
    type Ticket = ();

    async fn handle(&self, incoming: Incoming) -> Outgoing<()> {
        let mut response = Response::new(200);
        match incoming.body.collect(1 << 20).await {
            Ok(content) => {
                let method = incoming.request.method.to_string();
                self.0.borrow_mut().push((method, content.to_vec()));
            }
            Err(_) => response.status = 400,
        }
        Outgoing { response, body: Body::empty(), tunnel: None, ticket: () }
    }

    fn refuse(&self, refusal: Refusal) -> Outgoing<()> {
        let (response, body) = refusal.answer();
        Outgoing { response, body, tunnel: None, ticket: () }
    }

    fn finished(&self, (): (), _: Sent) {}
}

/// Sends `bytes` in pieces and waits until the other side has nothing more to say.
async fn send(mut io: DuplexStream, bytes: &[u8], piece: usize) {
    for piece in bytes.chunks(piece) {
        if io.write_all(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let _ = timeout(Duration::from_secs(5), io.read_to_end(&mut Vec::new())).await;
}

async fn ours(bytes: &[u8], piece: usize) -> Vec<(String, Vec<u8>)> {
    let seen = Seen::default();
    let (near, far) = duplex(1 << 20);
    let terms = Terms { protocol: Protocol::Http1, scheme: Scheme::Http };
    let (limits, recorder) = (Limits::default(), Recorder(Rc::clone(&seen)));
    let drain = Drain::never();
    let serving = serve(near, Service { terms, limits: limits.into(), drain, handler: recorder });
    tokio::join!(serving, send(far, bytes, piece));
    seen.take()
}

async fn hypers(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let seen = Seen::default();
    let (near, far) = duplex(1 << 20);
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let method = request.method().to_string();
            if let Ok(content) = request.into_body().collect().await {
                seen.borrow_mut().push((method, content.to_bytes().to_vec()));
            }
            Ok::<_, Infallible>(hyper::Response::new(Empty::<hyper::body::Bytes>::new()))
        }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(near), service);
    let _ = tokio::join!(timeout(Duration::from_secs(20), serving), send(far, bytes, usize::MAX));
    seen.take()
}

const REQUESTS: &[&str] = &[
    "GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
];

const SPLICES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\0",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "0",
    "5",
    "f",
    "\x0b",
    "\u{85}",
    "GET / HTTP/1.1\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 0\r\n",
    "content-length:5\r\n",
    "Content-Length: 5,5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding:\tchunked \r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer_Encoding: chunked\r\n",
    "Connection: keep-alive\r\n",
    "Expect: 100-continue\r\n",
    "Host: b\r\n",
    "0\r\n\r\n",
    "ffffffffffffffff\r\n",
    "\r\n\r\n",
    " folded\r\n",
];

fn mutated(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.usize(1..=3) {
        bytes.extend_from_slice(REQUESTS[random.usize(..REQUESTS.len())].as_bytes());
    }
    for _ in 0..random.usize(0..=3) {
        let mut at = random.usize(..=bytes.len());
        if random.bool() {
            // At the beginning of a line more often than chance would have it.
            at = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |feed| feed + 1);
        }
        match random.u8(..4) {
            0 if at < bytes.len() => drop(bytes.remove(at)),
            1 if at < bytes.len() => bytes[at] = random.u8(..),
            _ => {
                let splice = SPLICES[random.usize(..SPLICES.len())];
                bytes.splice(at..at, splice.bytes());
            }
        }
    }
    bytes
}

#[tokio::test(start_paused = true)]
async fn we_see_no_request_that_hyper_does_not() {
    let mut random = fastrand::Rng::with_seed(2026);
    let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000);
    let (mut accepted, mut total) = (0, 0);
    for _ in 0..rounds {
        let bytes = mutated(&mut random);
        let text = bytes.escape_ascii();
        let whole = ours(&bytes, usize::MAX).await;
        let pieces = ours(&bytes, random.usize(1..=7)).await;
        assert_eq!(whole, pieces, "the cut into packets matters: {text}");
        let theirs = hypers(&bytes).await;
        assert!(theirs.starts_with(&whole), "ours: {whole:?}\ntheirs: {theirs:?}\nbytes: {text}");
        accepted += whole.len();
        total += theirs.len();
    }
    // The comparison means something only while many requests pass.
    assert!(accepted > rounds / 2, "{accepted} of {total} accepted");
}
