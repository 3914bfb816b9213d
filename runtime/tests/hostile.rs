//! What a hostile client gets out of a connection: bytes and frames that no client library would send.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use gw_runtime::body::Body;
use gw_runtime::message::{Response, Scheme};
use gw_runtime::serve::{
    Drain, Drainer, GRACE, Handler, Incoming, Limits, Outgoing, Protocol, Refusal, Sent, Service,
    Terms, serve,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

mod frames;

use frames::frame;

/// Answers by path; writes down what happens.
#[derive(Default)]
struct Site {
    log: Rc<RefCell<Vec<String>>>,
    begun: Rc<Cell<u32>>,
}

impl Handler for Site {
    type Ticket = String;

    async fn handle(&self, incoming: Incoming) -> Outgoing<String> {
        self.begun.set(self.begun.get() + 1);
        let Incoming { request, body, .. } = incoming;
        let mut ticket = format!("{} {}", request.method, request.target);
        let mut response = Response::new(200);
        let body = match request.target.path() {
            "/text" => Body::from("hello"),
            "/fields" => {
                let line = |(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value));
                Body::from(request.headers.iter().map(line).collect::<String>())
            }
            "/length" => match body.collect(1 << 20).await {
                Ok(bytes) => Body::from(format!("{} bytes", bytes.len())),
                Err(error) => {
                    response.status = error.status();
                    ticket = error.to_string();
                    Body::empty()
                }
            },
            "/none" => {
                response.status = 204;
                response.headers.append("content-length", "9").unwrap();
                Body::empty()
            }
            "/lengths" => {
                for length in ["x", "9", "10"] {
                    response.headers.append("content-length", length).unwrap();
                }
                Body::empty()
            }
            "/never" => {
                sleep(Duration::from_secs(3600)).await;
                Body::empty()
            }
            _ => Body::empty(),
        };
        Outgoing { response, body, tunnel: None, ticket }
    }

    fn refuse(&self, refusal: Refusal) -> Outgoing<String> {
        let (response, _) = refusal.answer();
        let name = refusal.fault.name();
        Outgoing { response, body: Body::from(name), tunnel: None, ticket: name.to_owned() }
    }

    fn finished(&self, ticket: String, sent: Sent) {
        self.log.borrow_mut().push(format!("{ticket}: {:?}", sent.end));
    }
}

/// Serves one connection while `client` talks on it.
async fn with<T>(site: &Site, drain: Drain, client: impl AsyncFnOnce(DuplexStream) -> T) -> T {
    let (near, far) = duplex(64 << 10);
    let limits = Limits { head_bytes: 1024, fields: 20, ..Limits::default() };
    let terms = Terms { protocol: Protocol::Auto, scheme: Scheme::Http };
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let serving =
                serve(near, Service { terms, limits: limits.into(), drain, handler: site });
            tokio::join!(serving, client(far)).1
        })
        .await
}

/// Sends the pieces, each after a pause, and reads to the end; without `Date`, with plain line ends.
async fn talk(pieces: &[&str]) -> String {
    with(&Site::default(), Drain::never(), async |mut io: DuplexStream| {
        for piece in pieces {
            io.write_all(piece.as_bytes()).await.unwrap();
            sleep(Duration::from_millis(1)).await;
        }
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer).replace("\r\n", "\n");
        text.split_inclusive('\n').filter(|line| !line.starts_with("Date: ")).collect()
    })
    .await
}

const TEXT: &str = "GET /text HTTP/1.1\r\nHost: a\r\n\r\n";
const HELLO: &str = "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello";

#[tokio::test(start_paused = true)]
async fn a_line_end_between_requests_is_not_the_beginning_of_one() {
    let begin = Instant::now();
    let answer = talk(&[&format!("{TEXT}\r\n")]).await;
    assert_eq!((&*answer, begin.elapsed().as_secs()), (HELLO, 60));
    let answer = talk(&[TEXT, "\r\n"]).await;
    assert_eq!(answer, HELLO);
    let drainer = Drainer::new();
    with(&Site::default(), drainer.drain(), async |mut io: DuplexStream| {
        let begin = Instant::now();
        io.write_all(format!("{TEXT}\r\n").as_bytes()).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        drainer.start();
        io.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(begin.elapsed(), Duration::from_secs(1) + GRACE);
    })
    .await;
    // However it is cut, a bare LF behind it is none.
    for pieces in [&["\r", "\n", TEXT][..], &["\r\n", "\r", "\n", TEXT]] {
        assert_eq!(talk(pieces).await, HELLO, "{pieces:?}");
    }
    for pieces in
        [&["\r\n\nGET / HTTP/1.1\r\n"][..], &["\r", "\n", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"]]
    {
        let answer = talk(pieces).await;
        assert!(answer.ends_with("\n\nline-ending"), "{pieces:?}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_pipelined_head_has_the_time_of_a_head() {
    let begin = Instant::now();
    let answer = talk(&[&format!("{TEXT}GET /text HT")]).await;
    assert!(answer.starts_with(&format!("{HELLO}HTTP/1.1 408 ")), "{answer}");
    assert!((10..13).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_a_server_behind_may_read_differently_is_refused() {
    let options = format!("Connection: {}close\r\n", "x, ".repeat(40));
    for (line, fields, fault) in [
        ("get / HTTP/1.1", "", "method"),
        ("Post / HTTP/1.1", "", "method"),
        ("CONNECt / HTTP/1.1", "", "method"),
        ("GET / HTTP/1.1", &*options, "connection-options"),
        ("GET / HTTP/1.1", "Connection: close, content-length\r\n", "connection-option"),
        ("GET / HTTP/1.1", "Connection: close\r\nConnection: HOST\r\n", "connection-option"),
        ("GET / HTTP/1.1", "Host: b\r\n", "field-repeated"),
        ("GET / HTTP/1.1", "Content-Length: 0x1\r\n", "content-length"),
        ("GET / HTTP/1.1", "Content-Length: 1 1\r\n", "content-length"),
        ("GET / HTTP/1.1", "Content-Length: 1\r\nContent-length: 2\r\n", "content-length"),
        ("GET / HTTP/1.1", "Transfer-Encoding: xchunked\r\n", "transfer-coding"),
        ("GET / HTTP/1.1", "Transfer-Encoding: chunked;q=1\r\n", "transfer-coding"),
        ("GET / HTTP/1.1", "Transfer-Encoding: \"chunked\"\r\n", "transfer-coding"),
        ("GET / HTTP/1.1", "Transfer-Encoding\r\n : chunked\r\n", "field-name"),
        ("GET / HTTP/1.1", "Transfer-Encoding\t: chunked\r\n", "field-name"),
        ("GET /%2e%2e;x HTTP/1.1", "", "path-dot-parameter"),
        ("GET /.%2e/ HTTP/1.1", "", "path-above-root"),
        ("GET /a/%2e%2E%2f HTTP/1.1", "", "path-encoded-slash"),
        ("GET /a%00 HTTP/1.1", "", "path-control"),
        ("GET ?a HTTP/1.1", "", "target-form"),
        ("GET /#/../b HTTP/1.1", "", "path-character"),
        ("GET http:///text HTTP/1.1", "", "host-invalid"),
        ("GET http://a#b/ HTTP/1.1", "", "path-character"),
        ("GET http://a:80:80/ HTTP/1.1", "", "host-invalid"),
        ("GET http://a\\@b/ HTTP/1.1", "", "host-invalid"),
    ] {
        let answer = talk(&[&format!("{line}\r\nHost: a\r\n{fields}\r\n{TEXT}")]).await;
        assert!(answer.ends_with(&format!("\n\n{fault}")), "{line} {fields}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_without_content_says_no_length_that_is_not_one() {
    let head = |path: &str| format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(talk(&[&head("/none")]).await, "HTTP/1.1 204 No Content\n\n");
    let lengths = "HTTP/1.1 200 OK\ncontent-length: 9\n\n";
    assert_eq!(talk(&[&head("/lengths")]).await, lengths);
}

#[tokio::test(start_paused = true)]
async fn an_absolute_target_has_the_port_of_the_connection() {
    let site = Site::default();
    let text = "GET https://a:80/text HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n";
    with(&site, Drain::never(), async |mut io: DuplexStream| {
        io.write_all(text.as_bytes()).await.unwrap();
        io.read_to_end(&mut Vec::new()).await.unwrap();
    })
    .await;
    assert_eq!(*site.log.borrow(), ["GET http://a/text: Complete"]);
}

/// A header block of literals, whatever they say.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const GOAWAY: u8 = 7;
const END: u8 = 5;

/// Reads frames until one that ends `stream` or the connection: what it says.
async fn outcome(io: &mut DuplexStream, stream: u32) -> String {
    loop {
        let Ok(first) = io.read_u32().await else { return "closed".to_owned() };
        let (length, kind) = (first >> 8, first.to_be_bytes()[3]);
        let flags = io.read_u8().await.unwrap();
        let on = io.read_u32().await.unwrap();
        let mut payload = vec![0; length as usize];
        io.read_exact(&mut payload).await.unwrap();
        let code = |at: usize| payload.get(at + 3).copied().unwrap_or(255);
        match kind {
            RESET if on == stream => return format!("reset {}", code(0)),
            GOAWAY if code(4) != 0 => return format!("goaway {}", code(4)),
            0 | HEADERS if on == stream && flags & 1 != 0 => return "answered".to_owned(),
            _ => {}
        }
    }
}

/// What becomes of one request with these fields, and what the handler saw of it.
async fn ask(fields: &[(&str, &str)], trailers: Option<&[(&str, &str)]>) -> (String, String) {
    let site = Site::default();
    let outcome = with(&site, Drain::never(), async |mut io: DuplexStream| {
        let mut bytes = PREFACE.to_vec();
        match trailers {
            None => bytes.extend(frame(HEADERS, END, 1, &block(fields))),
            Some(trailers) => {
                bytes.extend(frame(HEADERS, 4, 1, &block(fields)));
                bytes.extend(frame(0, 0, 1, b"abc"));
                bytes.extend(frame(HEADERS, END, 1, &block(trailers)));
            }
        }
        io.write_all(&bytes).await.unwrap();
        outcome(&mut io, 1).await
    })
    .await;
    let log = site.log.borrow().join(" ");
    (outcome, log)
}

#[tokio::test(start_paused = true)]
async fn malformed_requests_of_http2_reach_no_handler() {
    let (method, scheme, path) = ((":method", "GET"), (":scheme", "http"), (":path", "/text"));
    let authority = (":authority", "a");
    let all = [method, scheme, path, authority];
    let (outcome, log) = ask(&all, None).await;
    assert_eq!((&*outcome, &*log), ("answered", "GET http://a/text: Complete"));
    for fields in [
        &[scheme, path, authority][..],
        &[method, path, authority],
        &[method, scheme, authority],
        &[method, method, scheme, path, authority],
        &[method, scheme, path, path, authority],
        &[method, scheme, path, authority, authority],
        &[method, scheme, path, ("accept", "*/*"), authority],
        &[method, scheme, path, authority, (":status", "200")],
        &[method, scheme, path, authority, (":odd", "x")],
        &[method, scheme, (":path", ""), authority],
    ] {
        let (outcome, log) = ask(fields, None).await;
        assert!(
            outcome.starts_with("reset ") || outcome.starts_with("goaway "),
            "{fields:?}: {outcome} {log}"
        );
        assert_eq!(log, "", "{fields:?}");
    }
    for more in [
        ("X-Upper", "a"),
        ("x y", "a"),
        ("", "a"),
        ("x", "a\r\nb: c"),
        ("x", "a\nb"),
        ("x", "a\0b"),
        ("connection", "close"),
        ("connection", "content-length"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("keep-alive", "1"),
        ("proxy-connection", "close"),
        ("te", "gzip"),
        ("content-length", "5"),
        ("content-length", "+0"),
        ("content-length", "0, 0"),
    ] {
        let fields = [&all[..], &[more]].concat();
        let (outcome, log) = ask(&fields, None).await;
        assert!(
            outcome.starts_with("reset ") || outcome.starts_with("goaway "),
            "{more:?}: {outcome} {log}"
        );
        assert_eq!(log, "", "{more:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn hostile_targets_of_http2_are_refused_like_those_of_http1() {
    for (method, path, authority, fault) in [
        ("get", "/text", "a", "method"),
        ("GET", "text", "a", "target-form"),
        ("GET", "*", "a", "target-form"),
        ("GET", "http://a/", "a", "target-form"),
        ("GET", "/../text", "a", "path-above-root"),
        ("GET", "/a%2f", "a", "path-encoded-slash"),
        ("GET", "/a\\b", "a", "path-backslash"),
        ("GET", "/..;/text", "a", "path-dot-parameter"),
        ("GET", "/text", "u@a", "host-invalid"),
        ("GET", "/text", "a:99999", "host-invalid"),
        ("GET", "/text", "a%41", "host-invalid"),
        ("GET", "/text", "[::1%25x]", "host-invalid"),
    ] {
        let fields =
            [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)];
        let (outcome, log) = ask(&fields, None).await;
        // What the frame layer refuses by itself is as good.
        let refused = outcome == "answered" && log == format!("{fault}: Complete");
        assert!(refused || (outcome == "reset 1" && log.is_empty()), "{fields:?}: {outcome} {log}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_trailer_of_http2_cannot_say_what_a_head_says() {
    let head =
        [(":method", "POST"), (":scheme", "http"), (":path", "/length"), (":authority", "a")];
    let (_, log) = ask(&head, Some(&[("x-sum", "1")])).await;
    assert_eq!(log, "POST http://a/length: Complete");
    for name in ["authorization", "content-length", "host", "x-forwarded-for", "cookie"] {
        let (_, log) = ask(&head, Some(&[(name, "1")])).await;
        assert_eq!(log, "body of the client: trailer-field: Complete", "{name}");
    }
    for name in ["transfer-encoding", "X-Sum"] {
        let (outcome, log) = ask(&head, Some(&[(name, "1")])).await;
        assert!(!outcome.starts_with("answered"), "{name}: {outcome} {log}");
    }
}

#[tokio::test(start_paused = true)]
async fn crumbs_of_cookies_are_one_field() {
    let site = Site::default();
    let seen = with(&site, Drain::never(), async |io: DuplexStream| {
        let (mut client, connection) = h2::client::handshake(io).await.unwrap();
        tokio::task::spawn_local(connection);
        let request = http::Request::get("http://a/fields").header("cookie", "a=1");
        let request = request.header("cookie", "b=2").body(()).unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        let mut body = answer.await.unwrap().into_body();
        String::from_utf8(body.data().await.unwrap().unwrap().to_vec()).unwrap()
    })
    .await;
    assert_eq!(seen, "cookie: a=1; b=2\n");
}

#[tokio::test(start_paused = true)]
async fn continue_is_said_over_http2_too() {
    let site = Site::default();
    with(&site, Drain::never(), async |io: DuplexStream| {
        let (mut client, connection) = h2::client::handshake(io).await.unwrap();
        tokio::task::spawn_local(connection);
        for (path, interim) in [("/length", true), ("/text", false)] {
            let request = http::Request::post(format!("http://a{path}"));
            let request = request.header("expect", "100-continue").body(()).unwrap();
            let (mut answer, mut send) = client.send_request(request, false).unwrap();
            if interim {
                let said = poll_fn(|cx| answer.poll_informational(cx)).await.unwrap().unwrap();
                assert_eq!(said.status(), 100);
                send.send_data(Bytes::from_static(b"abc"), true).unwrap();
            }
            assert_eq!(answer.await.unwrap().status(), 200);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_only_resets_is_sent_away() {
    let site = Site::default();
    let said = with(&site, Drain::never(), async |mut io: DuplexStream| {
        io.write_all(PREFACE).await.unwrap();
        let head = block(&[
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/never"),
            (":authority", "a"),
        ]);
        for number in 0..1000 {
            let stream = 2 * number + 1;
            if io.write_all(&frame(HEADERS, END, stream, &head)).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(1)).await;
            if io.write_all(&frame(RESET, 0, stream, &[0, 0, 0, 8])).await.is_err() {
                break;
            }
        }
        outcome(&mut io, u32::MAX).await
    })
    .await;
    assert_eq!(said, "goaway 11");
    assert!(site.begun.get() < 300, "{}", site.begun.get());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_ends_long_streams_by_reset_is_kept() {
    let site = Site::default();
    with(&site, Drain::never(), async |io: DuplexStream| {
        let (mut client, connection) = h2::client::handshake(io).await.unwrap();
        tokio::task::spawn_local(connection);
        for _ in 0..600 {
            let request = http::Request::get("http://a/never").body(()).unwrap();
            let (_, mut send) = client.send_request(request, true).unwrap();
            sleep(Duration::from_secs(2)).await;
            send.send_reset(h2::Reason::CANCEL);
        }
        let request = http::Request::get("http://a/text").body(()).unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        assert_eq!(answer.await.unwrap().status(), 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_window_that_stays_shut_is_not_waited_for_for_ever() {
    let site = Site::default();
    let begin = Instant::now();
    with(&site, Drain::never(), async |io: DuplexStream| {
        let mut builder = h2::client::Builder::new();
        let handshake = builder.initial_window_size(0).handshake::<_, Bytes>(io);
        let (mut client, connection) = handshake.await.unwrap();
        tokio::task::spawn_local(connection);
        let ask = |path| http::Request::get(format!("http://a{path}")).body(()).unwrap();
        let (shut, _) = client.send_request(ask("/text"), true).unwrap();
        let mut shut = shut.await.unwrap().into_body();
        assert!(shut.data().await.unwrap().unwrap_err().is_reset());
    })
    .await;
    assert_eq!(begin.elapsed().as_secs(), 30);
    assert!(site.log.borrow().contains(&"GET http://a/text: ClientTimeout".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn floods_end_the_connection_or_are_harmless() {
    let settings = frame(4, 0, 0, &[]);
    let ping = frame(6, 0, 0, b"12345678");
    let window = frame(8, 0, 0, &[0, 0, 0, 1]);
    let continuation = frame(9, 0, 1, &block(&[("x", "y")]));
    let begin = Instant::now();
    for flood in [settings, ping, window, continuation] {
        let site = Site::default();
        with(&site, Drain::never(), async |mut io: DuplexStream| {
            io.write_all(PREFACE).await.unwrap();
            if flood[3] == 9 {
                let open = frame(HEADERS, 0, 1, &block(&[(":method", "GET")]));
                io.write_all(&open).await.unwrap();
            }
            // Nothing is read: whatever is queued for us must have a bound, and so must the wait.
            let mut sent = 0;
            while let Ok(Ok(())) =
                tokio::time::timeout(Duration::from_secs(90), io.write_all(&flood)).await
            {
                sent += 1;
                if sent > 100_000 {
                    break;
                }
            }
        })
        .await;
    }
    assert!(begin.elapsed().as_secs() < 400, "{:?}", begin.elapsed());
}
