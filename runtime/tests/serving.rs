//! What a client sees of a connection: request bytes in, answer bytes out, on a paused clock.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use gw_runtime::body::{Body, BodyError, Source};
use gw_runtime::message::{Headers, Response, Scheme};
use gw_runtime::serve::{
    Drain, Drainer, Handler, Incoming, Limits, Outgoing, Protocol, Refusal, Sent, Service, Terms,
    serve,
};
use gw_runtime::upgrade::Tunnel;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, Sleep, sleep, timeout};

/// Answers by path; writes down what happens.
#[derive(Default)]
struct Site {
    log: Rc<RefCell<Vec<String>>>,
    cancelled: Rc<Cell<u32>>,
}

struct Note(Rc<Cell<u32>>, bool);

impl Drop for Note {
    fn drop(&mut self) {
        if !self.1 {
            self.0.set(self.0.get() + 1);
        }
    }
}

struct Parts(Vec<&'static str>, Option<Headers>);

impl Source for Parts {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Bytes::from_static(self.0.remove(0).as_bytes()))))
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.1.take()
    }
}

/// So many pieces, one a second.
struct Trickle(u32, Pin<Box<Sleep>>);

impl Source for Trickle {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        ready!(self.1.as_mut().poll(cx));
        let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(None) };
        *self = Trickle(left, Box::pin(sleep(Duration::from_secs(1))));
        Poll::Ready(Some(Ok(Bytes::from_static(b"drop"))))
    }
}

fn trailers() -> Option<Headers> {
    let mut headers = Headers::new();
    headers.append("x-sum", "7").unwrap();
    Some(headers)
}

impl Handler for Site {
    type Ticket = String;

    async fn handle(&self, incoming: Incoming) -> Outgoing<String> {
        let mut note = Note(Rc::clone(&self.cancelled), false);
        let Incoming { request, body, upgrade } = incoming;
        let ticket = format!("{} {}", request.method, request.target);
        let mut response = Response::new(200);
        let mut tunnel = None;
        let body = match request.target.path() {
            "/text" => Body::from("hello"),
            "/echo" => body,
            "/target" => Body::from(format!("{}", request.target)),
            "/length" => match body.collect(1 << 20).await {
                Ok(bytes) => Body::from(format!("{} bytes", bytes.len())),
                Err(error) => {
                    response.status = error.status();
                    Body::from(error.to_string())
                }
            },
            "/parts" => Body::source(Parts(vec!["one", "two"], trailers()), None),
            "/short" => Body::source(Parts(vec!["one"], None), Some(5)),
            "/long" => Body::source(Parts(vec!["one", "two"], None), Some(5)),
            "/big" => Body::full(vec![b'x'; 300_000]),
            "/none" => {
                response.status = 204;
                response.headers.append("content-length", "9").unwrap();
                Body::from("not to be sent")
            }
            "/unchanged" => {
                response.status = 304;
                response.headers.append("content-length", "9").unwrap();
                Body::empty()
            }
            "/fields" => {
                for (name, value) in [
                    ("Connection", "x"),
                    ("Transfer-Encoding", "gzip"),
                    ("Content-Length", "999"),
                    ("Keep-Alive", "a"),
                    ("X-Kept", "b"),
                ] {
                    response.headers.append(name, value).unwrap();
                }
                Body::from("ok")
            }
            "/never" => {
                sleep(Duration::from_secs(3600)).await;
                Body::empty()
            }
            "/expects" => {
                // A policy does not see what hangs on how the request came.
                assert!(!request.headers.contains("expect"));
                Body::from(if body.awaits_continue() { "yes" } else { "no" })
            }
            "/soon" => {
                sleep(Duration::from_secs(1)).await;
                Body::from("hello")
            }
            "/trickle" => Body::source(Trickle(5, Box::pin(sleep(Duration::ZERO))), None),
            "/slow" => {
                sleep(Duration::from_secs(5)).await;
                Body::from("slow")
            }
            "/upgrade" => {
                if let Some(upgrade) = upgrade {
                    response.status = 101;
                    response.headers.append("Upgrade", &upgrade.protocol).unwrap();
                    let (near, mut far) = duplex(64);
                    tokio::task::spawn_local(async move {
                        let mut buffer = [0; 16];
                        while let Ok(count @ 1..) = far.read(&mut buffer).await {
                            let text = buffer[..count].to_ascii_uppercase();
                            far.write_all(&text).await.unwrap();
                        }
                        far.write_all(b"bye").await.unwrap();
                    });
                    let read_ahead = Bytes::from_static(b"hi ");
                    tunnel = Some(Box::new(Tunnel { io: Box::new(near), read_ahead }));
                }
                Body::empty()
            }
            "/lies" => {
                response.status = 101;
                Body::empty()
            }
            _ => {
                response.status = 404;
                Body::empty()
            }
        };
        note.1 = true;
        Outgoing { response, body, tunnel, ticket }
    }

    fn refuse(&self, refusal: Refusal) -> Outgoing<String> {
        let ticket = format!("refused {}", refusal.fault.name());
        let (response, _) = refusal.answer();
        let body = Body::from(refusal.fault.name());
        Outgoing { response, body, tunnel: None, ticket }
    }

    fn finished(&self, ticket: String, sent: Sent) {
        self.log.borrow_mut().push(format!("{ticket}: {} {:?}", sent.bytes, sent.end));
    }
}

const PLAIN: Terms = Terms { protocol: Protocol::Auto, scheme: Scheme::Http };

fn limits() -> Limits {
    Limits {
        head_bytes: 1024,
        target_bytes: 256,
        fields: 10,
        body_bytes: 1 << 20,
        ..Limits::default()
    }
}

fn service(site: &Site, drain: Drain) -> Service<&Site> {
    Service { terms: PLAIN, limits: limits().into(), drain, handler: site }
}

/// Serves one connection while `client` talks on it.
async fn with<T>(site: &Site, drain: Drain, client: impl AsyncFnOnce(DuplexStream) -> T) -> T {
    let (near, far) = duplex(64 << 10);
    let serving = serve(near, service(site, drain));
    let local = tokio::task::LocalSet::new();
    local.run_until(async { tokio::join!(serving, client(far)).1 }).await
}

/// Sends `text`, leaves the connection open, and reads until the other side closes.
async fn talk_bytes(site: &Site, text: &[u8]) -> String {
    with(site, Drain::never(), async |mut io: DuplexStream| {
        let (mut read, mut write) = tokio::io::split(&mut io);
        let mut answer = Vec::new();
        let (_, _) = tokio::join!(write.write_all(text), read.read_to_end(&mut answer));
        plain(&answer)
    })
    .await
}

async fn talk(text: &str) -> String {
    talk_bytes(&Site::default(), text.as_bytes()).await
}

/// Without `Date`, and with plain line ends.
fn plain(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer).replace("\r\n", "\n");
    let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("Date: "));
    lines.collect()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")
}

#[tokio::test(start_paused = true)]
async fn answers_are_framed_by_what_is_known() {
    let site = Site::default();
    for (path, answer) in [
        ("/text", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
        ("/parts", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\none\n3\ntwo\n0\n\n"),
        ("/none", "HTTP/1.1 204 No Content\n\n"),
        ("/unchanged", "HTTP/1.1 304 Not Modified\ncontent-length: 9\n\n"),
        ("/fields", "HTTP/1.1 200 OK\nX-Kept: b\nContent-Length: 2\n\nok"),
        ("/short", "HTTP/1.1 200 OK\nContent-Length: 5\n\none"),
        ("/long", "HTTP/1.1 200 OK\nContent-Length: 5\n\none"),
        ("/lies", "HTTP/1.1 502 Bad Gateway\nContent-Length: 0\nConnection: close\n\n"),
        ("/nowhere", "HTTP/1.1 404 Not Found\nContent-Length: 0\n\n"),
    ] {
        assert_eq!(talk_bytes(&site, get(path).as_bytes()).await, answer, "{path}");
    }
    let log = site.log.borrow().join("\n");
    assert!(log.contains("GET http://a.example/text: 5 Complete"), "{log}");
    assert!(log.contains("/short: 3 WrongLength") && log.contains("/long: 3 WrongLength"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_head_has_the_head_of_get() {
    let answer = talk("HEAD /text HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answer, "HTTP/1.1 200 OK\nContent-Length: 5\n\n");
    let answer = talk("HEAD /fields HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answer, "HTTP/1.1 200 OK\nContent-Length: 999\nX-Kept: b\n\n");
}

#[tokio::test(start_paused = true)]
async fn trailers_go_to_those_who_take_them() {
    let answer =
        talk("GET /parts HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\n\r\n").await;
    assert!(answer.ends_with("\n3\none\n3\ntwo\n0\nx-sum: 7\n\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_in_order() {
    let post = "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let chunked = "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
    let text = [&get("/text"), post, "\r\n", chunked, &get("/target")].concat();
    let expected = "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello\
        HTTP/1.1 200 OK\nContent-Length: 7\n\n3 bytes\
        HTTP/1.1 200 OK\nContent-Length: 7\n\n2 bytes\
        HTTP/1.1 200 OK\nContent-Length: 23\n\nhttp://a.example/target";
    assert_eq!(talk(&text).await, expected);
}

#[tokio::test(start_paused = true)]
async fn old_clients_get_what_they_understand() {
    let closed = "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\nhello";
    assert_eq!(talk("GET /text HTTP/1.0\r\n\r\n").await, closed);
    let kept = "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: keep-alive\n\nhello";
    let text = "GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".repeat(2);
    assert_eq!(talk(&text).await, kept.repeat(2));
    let parts = "HTTP/1.1 200 OK\nConnection: close\n\nonetwo";
    assert_eq!(talk("GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await, parts);
}

#[tokio::test(start_paused = true)]
async fn what_is_ambiguous_is_refused_and_the_connection_closed() {
    let chunked = "POST /length HTTP/1.1\r\nHost: a\r\n";
    for (text, status, fault) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400, "host-missing"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned(), 400, "field-repeated"),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n".to_owned(), 400, "host-invalid"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), 400, "host-invalid"),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "host-mismatch"),
        ("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "host-mismatch"),
        ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "host-invalid"),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "target-form"),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "target-form"),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "target-form"),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".to_owned(), 501, "connect"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(), 505, "version"),
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n".to_owned(), 505, "version"),
        ("GET / http/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "start-line"),
        ("GET /\r\n\r\n".to_owned(), 400, "start-line"),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "start-line"),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n".to_owned(), 400, "line-ending"),
        ("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "start-line"),
        ("GET / HTTP/1.1\nHost: a\n\n".to_owned(), 400, "line-ending"),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n".to_owned(), 400, "field-value"),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n".to_owned(), 400, "field-value"),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n".to_owned(), 400, "field-name"),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n".to_owned(), 400, "field-name"),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), 400, "field-name"),
        ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n".to_owned(), 400, "field-name"),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n".to_owned(), 400, "field-name"),
        ("GET /%2f HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "path-encoded-slash"),
        ("GET /.. HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "path-above-root"),
        ("GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "query-character"),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(300)), 414, "target-too-long"),
        (format!("GET /{}", "a".repeat(600)), 414, "target-too-long"),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "a".repeat(1000)),
            431,
            "head-too-large",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(10)),
            431,
            "too-many-fields",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: cookie\r\n\r\n".to_owned(),
            400,
            "connection-option",
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n".to_owned(), 417, "expectation"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nauthorization: y\r\n\r\n".to_owned(),
            400,
            "field-repeated",
        ),
        (
            format!("{chunked}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
            400,
            "content-length",
        ),
        (format!("{chunked}Content-Length: 3, 3\r\n\r\nabc"), 400, "content-length"),
        (format!("{chunked}Content-Length: +3\r\n\r\nabc"), 400, "content-length"),
        (format!("{chunked}Content-Length: -1\r\n\r\nabc"), 400, "content-length"),
        (format!("{chunked}Content-Length:\r\n\r\nabc"), 400, "content-length"),
        (format!("{chunked}Content-Length: 18446744073709551616\r\n\r\n"), 400, "content-length"),
        (format!("{chunked}Content-Length: 18446744073709551615\r\n\r\n"), 413, "body-too-large"),
        (
            format!("{chunked}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
            "length-with-chunked",
        ),
        (format!("{chunked}Transfer-Encoding: gzip, chunked\r\n\r\n"), 501, "transfer-coding"),
        (format!("{chunked}Transfer-Encoding: identity\r\n\r\n"), 501, "transfer-coding"),
        (format!("{chunked}Transfer-Encoding: \x0bchunked\r\n\r\n"), 400, "field-value"),
        (format!("{chunked}Transfer-Encoding: chunked, chunked\r\n\r\n"), 400, "transfer-encoding"),
        (format!("{chunked}Transfer-Encoding:\r\n\r\n"), 400, "transfer-encoding"),
        (
            format!("{chunked}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400,
            "transfer-encoding",
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            400,
            "transfer-encoding",
        ),
        ("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, "start-line"),
        ("\x16\x03\x01\x02\0\x01\0\n".to_owned(), 400, "line-ending"),
    ] {
        let site = Site::default();
        // Had the connection been kept, the second answer would be seen.
        let after = if text.contains("\r\n") { get("/text") } else { String::new() };
        let answer = talk_bytes(&site, [&*text, &*after].concat().as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{text:?}: {answer}");
        assert!(answer.contains("Connection: close\n"), "{text:?}: {answer}");
        assert!(answer.ends_with(&format!("\n\n{fault}")), "{text:?}: {answer}");
        let log = site.log.borrow();
        assert_eq!(*log, [format!("refused {fault}: {} Complete", fault.len())], "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn targets_are_normal_in_every_form() {
    for (line, host, target) in [
        ("GET /a/../target?Q=%20 HTTP/1.1", "A.Example.:80", "http://a.example/target?Q=%20"),
        (
            "GET http://A.example:8080/target HTTP/1.1",
            "a.example:8080",
            "http://a.example:8080/target",
        ),
        ("GET HTTP://a.example/target HTTP/1.1", "a.example", "http://a.example/target"),
        ("GET https://a.example/target HTTP/1.1", "a.example:443", "http://a.example/target"),
        ("GET //%74arget HTTP/1.1", "[::1]:81", "http://[::1]:81/target"),
    ] {
        let answer = talk(&format!("{line}\r\nHost: {host}\r\n\r\n")).await;
        assert!(answer.ends_with(&format!("\n\n{target}")), "{line}: {answer}");
    }
    let site = Site::default();
    talk_bytes(&site, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").await;
    talk_bytes(&site, b"OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(*site.log.borrow(), vec!["OPTIONS http://a*: 0 Complete"; 2]);
}

#[tokio::test(start_paused = true)]
async fn continue_is_said_when_the_content_is_wanted() {
    let head =
        "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    let site = Site::default();
    let answer = with(&site, Drain::never(), async |mut io: DuplexStream| {
        io.write_all(head.as_bytes()).await.unwrap();
        let mut interim = [0; 25];
        io.read_exact(&mut interim).await.unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        io.write_all(b"abc").await.unwrap();
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await.unwrap();
        plain(&answer)
    })
    .await;
    assert_eq!(answer, "HTTP/1.1 200 OK\nContent-Length: 7\n\n3 bytes");
    // Whoever the request goes to may decide, unless the content is here.
    let asking = head.replace("/length", "/expects");
    let answer = talk(&asking).await;
    assert_eq!(answer, "HTTP/1.1 200 OK\nContent-Length: 3\nConnection: close\n\nyes");
    let answer = talk(&format!("{asking}abc")).await;
    assert_eq!(answer, "HTTP/1.1 200 OK\nContent-Length: 2\n\nno");
    // Who does not want it says so at once and closes: what comes next could be either.
    let head = head.replace("/length", "/text");
    let closed = "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\nhello";
    assert_eq!(talk(&head).await, closed);
}

#[tokio::test(start_paused = true)]
async fn unread_content_is_drained_or_the_connection_closed() {
    let post = |len: usize| {
        format!(
            "POST /text HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n{}",
            "x".repeat(len)
        )
    };
    let kept = "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello";
    let closed = "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\nhello";
    let text = [post(60_000), get("/text")].concat();
    assert_eq!(talk(&text).await, kept.repeat(2));
    let text = [post(200_000), get("/text")].concat();
    assert_eq!(talk(&text).await, closed);
}

#[tokio::test(start_paused = true)]
async fn content_has_a_cap_and_a_clock() {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let head = "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = talk(&[head, &chunk.repeat(17), "0\r\n\r\n"].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let answer = talk(&[head, "3\r\nab"].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let answer = talk(&[head, "3\r\nabcd"].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("client: chunk"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn every_wait_ends() {
    let site = Site::default();
    // Nothing at all; half a head; nothing after an answer.
    for (text, seconds, answer) in
        [("", 10, ""), ("GET / HT", 10, "HTTP/1.1 408 "), (&*get("/nowhere"), 60, "HTTP/1.1 404 ")]
    {
        let begin = Instant::now();
        let seen = talk_bytes(&site, text.as_bytes()).await;
        assert!(seen.starts_with(answer), "{text:?}: {seen}");
        let spent = begin.elapsed().as_secs();
        assert!((seconds..seconds + 3).contains(&spent), "{text:?}: {spent} s");
    }
    // A client that does not read.
    let begin = Instant::now();
    with(&site, Drain::never(), async |mut io: DuplexStream| {
        io.write_all(get("/big").as_bytes()).await.unwrap();
        sleep(Duration::from_secs(100)).await;
    })
    .await;
    assert_eq!(begin.elapsed().as_secs(), 100);
    let log = site.log.borrow();
    assert!(log.last().unwrap().ends_with("ClientTimeout"), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_become_a_request_is_not_waited_for() {
    let site = Site::default();
    for (bytes, status) in [
        (&b"\x16\x03\x01\x02\x00\x01"[..], 400),
        (b"\0", 400),
        (b"\r\n\0", 400),
        (b"\r\r", 400),
        // HTTP/0.9; a peer that ends its lines with CR; what speaks another protocol.
        (b"GET /\r\n", 400),
        (b"GET / HTTP/1.1\rHost: a\r\r", 400),
        (b"GET / HTTP/1.1 x\r\n", 400),
        (b"GET / HTTP/3.0\r\n", 505),
        (b"EHLO a.example\r\n", 400),
    ] {
        let begin = Instant::now();
        let seen = talk_bytes(&site, bytes).await;
        assert!(seen.starts_with(&format!("HTTP/1.1 {status} ")), "{bytes:?}: {seen}");
        assert!(begin.elapsed().as_secs() < 5, "{bytes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_may_come_byte_by_byte_within_its_time() {
    let site = Site::default();
    let answer = with(&site, Drain::never(), async |mut io: DuplexStream| {
        for byte in get("/text").bytes() {
            io.write_all(&[byte]).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await.unwrap();
        plain(&answer)
    })
    .await;
    assert_eq!(answer, "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello");
}

#[tokio::test(start_paused = true)]
async fn content_streams_both_ways_at_once() {
    let site = Site::default();
    with(&site, Drain::never(), async |mut io: DuplexStream| {
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        io.write_all(head.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        for word in ["one", "two"] {
            io.write_all(format!("3\r\n{word}\r\n").as_bytes()).await.unwrap();
            while !seen.ends_with(format!("3\r\n{word}\r\n").as_bytes()) {
                assert_ne!(io.read_buf(&mut seen).await.unwrap(), 0);
            }
        }
        io.write_all(b"0\r\n\r\n").await.unwrap();
        while !seen.ends_with(b"0\r\n\r\n") {
            assert_ne!(io.read_buf(&mut seen).await.unwrap(), 0);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_cancels_its_request() {
    let site = Site::default();
    let begin = Instant::now();
    with(&site, Drain::never(), async |mut io: DuplexStream| {
        io.write_all(get("/never").as_bytes()).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    })
    .await;
    let left = Duration::from_secs(1) + limits().linger;
    assert_eq!((site.cancelled.get(), begin.elapsed().as_secs()), (1, left.as_secs()));
    assert!(site.log.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_its_side_is_answered() {
    let site = Site::default();
    let pipelined = [get("/text"), get("/text")].concat();
    let hello = "HTTP/1.1 200 OK\nContent-Length: 5\n";
    for (text, begins, ends) in [
        (&*get("/soon"), hello, "\nConnection: close\n\nhello"),
        // It is known too late that the first answer is the last one.
        (&*get("/text"), hello, "\n\nhello"),
        (&*pipelined, hello, "\n\nhello"),
        (&*get("/trickle"), "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n", "0\n\n"),
        (
            "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 200 ",
            "3 bytes",
        ),
        ("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabc", "HTTP/1.1 400 ", ""),
    ] {
        let answer = with(&site, Drain::never(), async |mut io: DuplexStream| {
            io.write_all(text.as_bytes()).await.unwrap();
            io.shutdown().await.unwrap();
            let mut answer = Vec::new();
            io.read_to_end(&mut answer).await.unwrap();
            plain(&answer)
        })
        .await;
        assert!(answer.starts_with(begins) && answer.ends_with(ends), "{text:?}: {answer}");
        let asked = text.matches("/text").count() + text.matches("/soon").count();
        assert_eq!(answer.matches("hello").count(), asked, "{answer}");
    }
    assert_eq!(site.cancelled.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_is_in_flight() {
    let (site, drainer) = (Site::default(), Drainer::new());
    let begin = Instant::now();
    let answer = with(&site, drainer.drain(), async |mut io: DuplexStream| {
        io.write_all(get("/slow").as_bytes()).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        drainer.start();
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await.unwrap();
        plain(&answer)
    })
    .await;
    assert_eq!(answer, "HTTP/1.1 200 OK\nContent-Length: 4\nConnection: close\n\nslow");
    assert_eq!((begin.elapsed().as_secs(), drainer.live()), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_on_its_way_when_a_drain_begins_is_answered() {
    let kept = "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello";
    let closed = "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\nhello";
    let both = [kept, closed].concat();
    for (before, after, told, ends) in [
        (true, None, kept, 1000),
        (true, Some(900), &*both, 900),
        (false, None, "", 1000),
        (false, Some(900), closed, 900),
    ] {
        let (site, drainer) = (Site::default(), Drainer::new());
        with(&site, drainer.drain(), async |mut io: DuplexStream| {
            if before {
                io.write_all(get("/text").as_bytes()).await.unwrap();
            }
            sleep(Duration::from_secs(3)).await;
            drainer.start();
            let begin = Instant::now();
            if let Some(after) = after {
                sleep(Duration::from_millis(after)).await;
                io.write_all(get("/text").as_bytes()).await.unwrap();
            }
            let mut answer = Vec::new();
            io.read_to_end(&mut answer).await.unwrap();
            let told_after = (plain(&answer), begin.elapsed().as_millis());
            assert_eq!(told_after, (told.to_owned(), ends), "{before}, {after:?}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_becomes_a_tunnel() {
    let site = Site::default();
    let head = "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nab";
    let answer = with(&site, Drain::never(), async |mut io: DuplexStream| {
        io.write_all(head.as_bytes()).await.unwrap();
        sleep(Duration::from_secs(50)).await;
        io.write_all(b"cd").await.unwrap();
        sleep(Duration::from_secs(50)).await;
        io.shutdown().await.unwrap();
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await.unwrap();
        plain(&answer)
    })
    .await;
    let expected =
        "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: upgrade\n\nhi ABCDbye";
    assert_eq!(answer, expected);
    assert_eq!(*site.log.borrow(), ["GET http://a/upgrade: 10 Complete"]);
    // Without the offer in `Connection`, of HTTP/2, or with content there is no upgrade.
    for rest in [
        "Upgrade: websocket\r\n\r\n",
        "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\na",
    ] {
        let answer = talk(&format!("GET /upgrade HTTP/1.1\r\nHost: a\r\n{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\n"), "{rest}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_tunnel_is_closed() {
    let site = Site::default();
    let begin = Instant::now();
    let head =
        "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    talk_bytes(&site, head.as_bytes()).await;
    assert_eq!(begin.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn http2_runs_behind_the_same_handler() {
    let (site, drainer) = (Site::default(), Drainer::new());
    let end = with(&site, drainer.drain(), async |io: DuplexStream| {
        let (mut client, connection) = h2::client::handshake(io).await.unwrap();
        let connection = tokio::task::spawn_local(connection);
        let ask = |method: &str, path: &str| {
            http::Request::builder()
                .method(method)
                .uri(format!("http://A.example{path}"))
                .body(())
                .unwrap()
        };
        // Content, trailers, a large body through the windows.
        for (path, content, with_trailers) in
            [("/target", "http://a.example/target", false), ("/parts", "onetwo", true)]
        {
            let (answer, _) = client.send_request(ask("GET", path), true).unwrap();
            let (head, mut body) = answer.await.unwrap().into_parts();
            assert!(head.status == 200 && head.headers.contains_key("date"), "{head:?}");
            let mut all = Vec::new();
            while let Some(chunk) = body.data().await {
                all.extend_from_slice(&chunk.unwrap());
            }
            assert_eq!(String::from_utf8_lossy(&all), content);
            assert_eq!(body.trailers().await.unwrap().is_some(), with_trailers);
        }
        let (answer, _) = client.send_request(ask("GET", "/big"), true).unwrap();
        let mut body = answer.await.unwrap().into_body();
        let mut len = 0;
        while let Some(chunk) = body.data().await {
            let chunk = chunk.unwrap();
            len += chunk.len();
            body.flow_control().release_capacity(chunk.len()).unwrap();
        }
        assert_eq!(len, 300_000);
        // An echo while it is sent.
        let (answer, mut send) = client.send_request(ask("POST", "/echo"), false).unwrap();
        let mut body = answer.await.unwrap().into_body();
        for word in ["one", "two"] {
            send.send_data(Bytes::from_static(word.as_bytes()), false).unwrap();
            assert_eq!(body.data().await.unwrap().unwrap(), word);
        }
        send.send_data(Bytes::new(), true).unwrap();
        while let Some(chunk) = body.data().await {
            assert!(chunk.unwrap().is_empty());
        }
        // What is refused over HTTP/1 is refused here, and the connection lives on.
        let (answer, _) = client.send_request(ask("GET", "/%2e%2e/x"), true).unwrap();
        assert_eq!(answer.await.unwrap().status(), 400);
        let mut request = ask("GET", "/text");
        request.headers_mut().insert("host", "b.example".parse().unwrap());
        let (answer, _) = client.send_request(request, true).unwrap();
        assert_eq!(answer.await.unwrap().status(), 400);
        let (answer, _) = client.send_request(ask("GET", "/none"), true).unwrap();
        let answer = answer.await.unwrap();
        assert!(answer.status() == 204 && !answer.headers().contains_key("content-length"));
        // A reset cancels the handler.
        let (_, mut send) = client.send_request(ask("GET", "/never"), true).unwrap();
        sleep(Duration::from_secs(1)).await;
        send.send_reset(h2::Reason::CANCEL);
        // A drain lets the last one finish.
        let (answer, _) = client.send_request(ask("GET", "/slow"), true).unwrap();
        sleep(Duration::from_secs(1)).await;
        drainer.start();
        assert_eq!(answer.await.unwrap().status(), 200);
        drop(client);
        timeout(Duration::from_secs(10), connection).await
    })
    .await;
    end.unwrap().unwrap().unwrap();
    assert_eq!(site.cancelled.get(), 1);
    let log = site.log.borrow().join("\n");
    assert!(
        log.contains("refused path-above-root") && log.contains("refused host-mismatch"),
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_told_to_go() {
    let site = Site::default();
    let begin = Instant::now();
    with(&site, Drain::never(), async |io: DuplexStream| {
        let (client, connection) = h2::client::handshake(io).await.unwrap();
        let _ = tokio::join!(connection, async { drop(client) });
    })
    .await;
    assert!(begin.elapsed().as_secs() <= 62);
    // One that never answers is left.
    let begin = Instant::now();
    with(&site, Drain::never(), async |mut io: DuplexStream| {
        io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        io.read_to_end(&mut Vec::new()).await.unwrap();
    })
    .await;
    assert!(begin.elapsed().as_secs() <= 75, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_connection_that_waits_has_no_room_for_an_exchange() {
    let (near, _far) = duplex(64);
    let site = Site::default();
    let bytes = size_of_val(&serve(near, service(&site, Drain::never())));
    assert!(bytes <= 96, "{bytes}");
}
