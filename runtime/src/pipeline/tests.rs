//! Requests through whole policies: from text to the bytes on a socket.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use compiler::Backend;
use lang::Value;
use lang::policy::Input;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::LocalSet;

use crate::body::{Body, BodyError, Side, Source};
use std::path::PathBuf;

use crate::engine::{Aim, BuildError, Engine, Ground};
use crate::gateway::{Gateway, Options, Snapshot};
use crate::listen::Connection;
use crate::message::{Headers, Method, Request, Response, Scheme, Target};
use crate::serve::{Handler, Incoming};
use crate::telemetry::{Output, Telemetry};

/// A policy of one listener, an upstream `app` of these servers, and a route for `/u/{id}` of these lines.
fn policy(servers: &[SocketAddr], lines: &str) -> String {
    let servers: String = servers.iter().map(|server| format!("  server \"{server}\"\n")).collect();
    format!(
        "edition 2026\nlistener web {{ bind \"127.0.0.1:0\" }}\nupstream app {{\n{servers}}}\n\
         route user on web {{\n  path \"/u/{{id}}\"\n  {lines}\n}}\n"
    )
}

/// The engine of a policy, which the checker has nothing against.
fn engine(policy: &str) -> Result<Engine, Vec<BuildError>> {
    built(policy, None, &[])
}

/// The same, after another one.
fn loaded(policy: &str, previous: Option<&Engine>) -> Engine {
    built(policy, previous, &[]).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

/// The same; of its inputs those are given that have these names.
fn built(
    policy: &str,
    previous: Option<&Engine>,
    given: &[(&str, Value)],
) -> Result<Engine, Vec<BuildError>> {
    let mut sources = lang::Sources::default();
    let source = sources.add("test.gw", policy).clone();
    let (tree, found) = lang::parse(&source);
    let unit = lang::Unit { source: &source, tree: &tree, uses: Vec::new() };
    let checked = lang::check(&[unit], &crate::vocabulary());
    let mut wrong = checked.joined(&found);
    wrong.retain(lang::Diag::is_error);
    assert!(wrong.is_empty(), "{wrong:#?}\n{policy}");
    let (program, wrong) = compiler::lower(&checked.policy);
    assert!(wrong.iter().all(|diag| !diag.is_error()), "{wrong:#?}");
    let program = program.unwrap();
    let value = |input: &Input| {
        let given = given.iter().find(|(name, _)| *name == &*input.name);
        given.map(|(_, value)| value.clone()).or_else(|| input.default.clone()).unwrap()
    };
    let inputs = program.inputs.iter().map(value).collect();
    let matcher = compiler::load(Arc::new(program), inputs, Backend::Interp).unwrap();
    Engine::build(
        matcher,
        Ground { folder: &|_| PathBuf::new(), inputs: &[], previous, aim: Aim::Serve },
    )
}

struct Answered {
    response: Response,
    body: String,
}

/// A connection to the listener `web`.
fn connection(telemetry: &Telemetry) -> Connection {
    let address = IpAddr::from([192, 0, 2, 7]);
    Connection {
        listener: "web".into(),
        peer: address,
        source: address,
        tls: None,
        forwarded: Arc::default(),
        series: telemetry.metrics.listener("web"),
        identities: Box::default(),
    }
}

/// Sends a request through the policy. Must be called on a `LocalSet`.
async fn ask(
    policy: &str,
    method: &[u8],
    target: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Answered {
    let telemetry = Telemetry::silent(1);
    let core = Rc::new(Engine::core(&telemetry));
    Arc::new(engine(policy).unwrap_or_else(|wrong| panic!("{wrong:?}"))).enter(&core);
    let session = Engine::session(&core, connection(&telemetry));
    let target = Target::new(Scheme::Http, b"shop.example", target.as_bytes()).unwrap();
    let mut request = Request::new(Method::from_bytes(method).unwrap(), target);
    for (name, value) in headers {
        request.headers.append(name, value).unwrap();
    }
    let outgoing = session.handle(Incoming { request, body, upgrade: None }).await;
    let bytes = outgoing.body.collect(1 << 20).await.unwrap();
    Answered { response: outgoing.response, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

async fn get(policy: &str, target: &str, headers: &[(&str, &str)]) -> Answered {
    ask(policy, b"GET", target, headers, Body::empty()).await
}

/// An upstream that hears every request and closes without an answer.
async fn hearer() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
        }
    });
    address
}

/// An upstream that answers every request with its own head, and `n` connections at most.
async fn mirror() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::task::spawn_local(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                        return;
                    }
                    head.extend_from_slice(&byte);
                }
                let answer = format!(
                    "HTTP/1.1 207 Multi\r\nX-Origin: yes\r\nConnection: x-hop\r\nX-Hop: 1\r\n\
                     Content-Length: {}\r\n\r\n",
                    head.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.write_all(&head).await;
            });
        }
    });
    address
}

/// An address where nobody listens.
async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

async fn on_a_core<T>(test: impl Future<Output = T>) -> T {
    LocalSet::new().run_until(test).await
}

#[tokio::test]
async fn a_request_is_forwarded_and_its_answer_changed() {
    on_a_core(async {
        let lines = r#"
            rewrite "/internal/{path.id}"
            set     up.header["x-user"] = req.header["x-caller"]
            unset   up.header["authorization"]
            set     up.host = "Internal.Example:81"
            forward app
            set     resp.header["x-served-by"] = up.address
            set     resp.header["x-sent"] = up.path
            set     resp.header["x-origin"] = match origin.status { 207 => "multi", _ => "other" }
        "#;
        let server = mirror().await;
        let headers = [("Authorization", "secret"), ("X-Caller", "ann"), ("X-User", "root")];
        let answered = get(&policy(&[server], lines), "/u/a%20b?q=1", &headers).await;
        let head = answered.body.to_lowercase();
        assert_eq!(answered.response.status, 207);
        assert!(head.starts_with("get /internal/a%20b?q=1 http/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nhost: internal.example:81\r\n"), "{head}");
        assert!(head.contains("\r\nx-user: ann\r\n") && !head.contains("root"), "{head}");
        assert!(head.contains("\r\nx-forwarded-host: shop.example\r\n"), "{head}");
        assert!(!head.contains("authorization"), "{head}");
        let headers = &answered.response.headers;
        assert_eq!(headers.text("x-served-by"), Some(&*server.to_string()));
        assert_eq!(headers.text("x-sent"), Some("/internal/a%20b"));
        assert_eq!(headers.text("x-origin"), Some("multi"));
        assert!(!headers.contains("x-hop") && !headers.contains("connection"));
    })
    .await;
}

#[tokio::test]
async fn an_absent_value_takes_the_field_away() {
    on_a_core(async {
        let lines = r#"
            set up.header["x-user"] = req.header["x-caller"]
            set up.query = req.header["x-query"]
            forward app
        "#;
        let policy = policy(&[mirror().await], lines);
        let answered = get(&policy, "/u/a?q=1", &[("X-User", "root")]).await;
        assert!(answered.body.starts_with("GET /u/a HTTP/1.1"), "{}", answered.body);
        assert!(!answered.body.contains("root"), "{}", answered.body);
    })
    .await;
}

#[tokio::test]
async fn a_requirement_that_does_not_hold_ends_the_request() {
    on_a_core(async {
        let lines = r#"
            require req.header["x-key"] is present, else=401
            respond 200, "hello {req.header["x-key"]}"
            set     resp.header["x-after"] = "1"
        "#;
        let policy = policy(&[nobody().await], lines);
        let refused = get(&policy, "/u/a", &[]).await;
        assert_eq!((refused.response.status, &*refused.body), (401, "401 Unauthorized\n"));
        assert!(!refused.response.headers.contains("x-after"));
        let passed = get(&policy, "/u/a", &[("X-Key", "ann")]).await;
        assert_eq!((passed.response.status, &*passed.body), (200, "hello ann"));
        assert_eq!(passed.response.headers.text("x-after"), Some("1"));
    })
    .await;
}

#[tokio::test]
async fn a_dead_upstream_is_answered_with_502_and_the_way_back_still_runs() {
    on_a_core(async {
        let lines = r#"
            forward app
            set resp.header["x-frame-options"] = "DENY"
            set resp.header["x-origin"] = origin.header["server"]
        "#;
        let answered = get(&policy(&[nobody().await], lines), "/u/a", &[]).await;
        assert_eq!((answered.response.status, &*answered.body), (502, "502 Bad Gateway\n"));
        assert_eq!(answered.response.headers.text("x-frame-options"), Some("DENY"));
        assert!(!answered.response.headers.contains("x-origin"));
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_saw_nothing_is_passed_over() {
    on_a_core(async {
        let policy = policy(&[nobody().await, nobody().await, mirror().await], "forward app");
        for _ in 0..6 {
            assert_eq!(get(&policy, "/u/a", &[]).await.response.status, 207);
        }
    })
    .await;
}

#[tokio::test]
async fn what_an_endpoint_lost_is_sent_again_if_the_method_allows_it() {
    on_a_core(async {
        let policy = policy(&[hearer().await, mirror().await], "forward app");
        for _ in 0..6 {
            assert_eq!(get(&policy, "/u/a", &[]).await.response.status, 207);
        }
        // A gateway begins at either endpoint, and each of these is one of its own.
        let mut lost = false;
        for _ in 0..64 {
            let answered = ask(&policy, b"POST", "/u/a", &[], Body::empty()).await;
            lost |= answered.response.status == 502;
        }
        assert!(lost, "a POST that was heard must not be sent again");
    })
    .await;
}

#[tokio::test]
async fn the_content_is_read_where_a_statement_asks_for_it() {
    on_a_core(async {
        let lines = "require req.json is present\nrespond 200, json=req.json";
        let policy = policy(&[nobody().await], lines);
        let json = Body::full(r#"{"b": [1, "\u0022x", null], "a": 1.5}"#);
        let answered = ask(&policy, b"POST", "/u/a", &[], json).await;
        assert_eq!(answered.body, r#"{"a":1.5,"b":[1,"\"x",null]}"#);
        assert_eq!(answered.response.headers.text("content-type"), Some("application/json"));
        let twice = ask(&policy, b"POST", "/u/a", &[], Body::full(r#"{"a":1,"a":2}"#)).await;
        assert_eq!(twice.response.status, 403);
        let large = Body::full(vec![b'0'; crate::exchange::MOST_READ + 1]);
        assert_eq!(ask(&policy, b"POST", "/u/a", &[], large).await.response.status, 413);
    })
    .await;
}

#[tokio::test]
async fn a_declared_length_is_read_without_the_content() {
    on_a_core(async {
        let lines = "forward app\nset resp.header[\"x-size\"] = \"{req.body.size}\"";
        let policy = policy(&[mirror().await], lines);
        let length = crate::exchange::MOST_READ + 1;
        let answered = ask(&policy, b"POST", "/u/a", &[], Body::full(vec![b'0'; length])).await;
        assert_eq!(answered.response.status, 207);
        assert_eq!(answered.response.headers.text("x-size"), Some("16777217B"));
    })
    .await;
}

/// A content of which nobody knows how long it is.
struct Pieces(Vec<Result<&'static str, BodyError>>, Option<Headers>);

impl Source for Pieces {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = (!self.0.is_empty()).then(|| self.0.remove(0));
        Poll::Ready(next.map(|piece| piece.map(Bytes::from)))
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.1.take()
    }
}

#[tokio::test]
async fn a_content_that_turns_out_empty_is_none_for_the_cache() {
    on_a_core(async {
        let policy = policy(&[mirror().await], "cache 30s\nforward app");
        let mut trailers = Headers::new();
        trailers.append("x-sum", "1").unwrap();
        let broken = BodyError::malformed(Side::Client, "chunk");
        for (pieces, method, status, told) in [
            (Pieces(vec![], None), b"GET".as_slice(), 207, "gw; fwd=miss"),
            (Pieces(vec![], Some(trailers)), b"GET", 207, "gw; fwd=miss"),
            (Pieces(vec![], None), b"HEAD", 207, "gw; fwd=miss"),
            (Pieces(vec![Ok("a"), Ok("b")], None), b"GET", 207, "gw; fwd=bypass"),
            (Pieces(vec![], None), b"POST", 207, "gw; fwd=bypass"),
            (Pieces(vec![Err(broken)], None), b"GET", 400, ""),
        ] {
            let answered = ask(&policy, method, "/u/a", &[], Body::source(pieces, None)).await;
            assert_eq!(answered.response.status, status);
            let found = answered.response.headers.text("cache-status").unwrap_or_default();
            assert_eq!(found, told);
            // The mirror shows the head that it got.
            let sent = answered.body.to_ascii_lowercase().contains("transfer-encoding: chunked");
            assert_eq!(sent, told.ends_with("bypass"), "{}", answered.body);
        }
    })
    .await;
}

#[tokio::test]
async fn shares_decide_between_upstreams() {
    on_a_core(async {
        let (one, other) = (mirror().await, nobody().await);
        let more = format!("upstream next {{ server \"{other}\" }}\n");
        let with = |lines| policy(&[one], lines) + &more;
        let mut seen = [0, 0];
        for _ in 0..40 {
            let answered = get(&with("forward { 50% => app, 50% => next }"), "/u/a", &[]).await;
            match answered.response.status {
                207 => seen[0] += 1,
                502 => seen[1] += 1,
                other => panic!("{other}"),
            }
        }
        assert!(seen.iter().all(|&seen| seen > 5), "{seen:?}");
        let all = with("forward { 0% => next, 100% => app }");
        assert_eq!(get(&all, "/u/a", &[]).await.response.status, 207);
    })
    .await;
}

#[tokio::test]
async fn values_cannot_break_out() {
    on_a_core(async {
        let lines = "set up.header[\"x-v\"] = req.query[\"v\"]\nforward app";
        let header = policy(&[mirror().await], lines);
        let answered = get(&header, "/u/a?v=x%0d%0aX-Evil:%201", &[]).await;
        assert_eq!(answered.response.status, 400);
        let fine = get(&header, "/u/a?v=x%20y", &[]).await;
        assert!(fine.body.contains("\r\nx-v: x y\r\n"), "{}", fine.body);

        let lines = "let v = req.query[\"v\"] ?? \"\"\nrewrite \"/in/{v}\"\nforward app";
        let path = policy(&[mirror().await], lines);
        for evil in ["..%2fadmin", "%2e%2e", "a%2fb", "", "%0d%0a", "%5c"] {
            let answered = get(&path, &format!("/u/a?v={evil}"), &[]).await;
            assert_eq!(answered.response.status, 400, "{evil}");
        }
        let fine = get(&path, "/u/a?v=x%3fy", &[]).await;
        assert!(fine.body.starts_with("GET /in/x%3Fy?v=x%3fy "), "{}", fine.body);

        let lines = "let v = req.query[\"v\"] ?? \"\"\nredirect 302, \"https://shop.example/{v}\"";
        let redirect = policy(&[nobody().await], lines);
        let answered = get(&redirect, "/u/a?v=%0d%0a/x?y", &[]).await;
        let location = answered.response.headers.text("location");
        assert_eq!(location, Some("https://shop.example/%0D%0A%2Fx%3Fy"));
        assert_eq!(answered.response.status, 302);
    })
    .await;
}

#[tokio::test]
async fn what_is_left_of_the_own_path_keeps_its_segments() {
    on_a_core(async {
        let lines = "let rest = strip_prefix(req.path, \"/u\")\nrewrite \"/v2{rest}\"\nforward app";
        let policy = policy(&[mirror().await], lines).replace("/u/{id}", "/u/**");
        for (path, sent) in [("/u/a%20b/c/", "/v2/a%20b/c/"), ("/u", "/v2"), ("/u/", "/v2/")] {
            let answered = get(&policy, path, &[]).await;
            assert!(answered.body.starts_with(&format!("GET {sent} ")), "{}", answered.body);
        }
        let lines = "redirect 308, \"https://{req.host}{req.target}\"";
        let redirect = self::policy(&[nobody().await], lines);
        let answered = get(&redirect, "/u/a?b=%2f", &[]).await;
        let location = answered.response.headers.text("location");
        assert_eq!(location, Some("https://shop.example/u/a?b=%2f"));
    })
    .await;
}

#[tokio::test]
async fn nobody_answers_elsewhere() {
    on_a_core(async {
        let answered = get(&policy(&[nobody().await], "forward app"), "/elsewhere", &[]).await;
        assert_eq!((answered.response.status, &*answered.body), (404, "404 Not Found\n"));
    })
    .await;
}

#[test]
fn what_inputs_decide_is_told_on_loading() {
    let server = SocketAddr::from(([127, 0, 0, 1], 80));
    let inputs =
        "param word: String\nparam code: Status\nparam none: Duration\nparam long: Duration\n";
    let given = [
        ("word", Value::string("a\nb")),
        ("code", Value::Status(200)),
        ("none", Value::Duration(Duration::ZERO)),
        ("long", Value::Duration(Duration::from_hours(400 * 24))),
    ];
    let told = |lines: &str| {
        let policy = format!("{}{inputs}", policy(&[server], lines));
        let errors = built(&policy, None, &given).err().unwrap_or_default();
        errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("; ")
    };
    for (lines, message) in [
        (
            "set up.header[\"x\"] = word\nforward app",
            "`set` cannot do this: a field value must not hold control characters",
        ),
        (
            "redirect code, \"/x\"",
            "`redirect` cannot take its `status`: `200` sends nobody elsewhere",
        ),
        (
            "rewrite word\nforward app",
            "`rewrite` cannot take its `path`: `a\nb` does not begin with `/`, as a path does",
        ),
        (
            "require req.header[\"x\"] is present, else=code\nforward app",
            "`require` cannot take its `else`: `200` does not refuse",
        ),
        (
            "forward app, timeout=none",
            "`forward` cannot take its `timeout`: `0ms` is not between 1ms and 365d",
        ),
        (
            "forward app, timeout=long",
            "`forward` cannot take its `timeout`: `400d` is not between 1ms and 365d",
        ),
    ] {
        assert_eq!(told(lines), message);
    }
}

/// A gateway that serves `policy` on one core, and its address.
fn start(policy: &str) -> (Gateway<Engine>, SocketAddr) {
    start_with(policy, Telemetry::silent(1))
}

fn start_with(policy: &str, telemetry: Arc<Telemetry>) -> (Gateway<Engine>, SocketAddr) {
    let engine = engine(policy).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let options = Options::default();
    let gateway = Gateway::start(Arc::new(engine), "test", telemetry, options).unwrap();
    let address = gateway.addresses()[0].1;
    (gateway, address)
}

/// Writes `request` and reads until the other end closes, or until `end` is there.
async fn talk(address: SocketAddr, request: &str, end: &str) -> (String, tokio::net::TcpStream) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let n = stream.read(&mut bytes).await.unwrap();
        read.extend_from_slice(&bytes[..n]);
        let text = String::from_utf8_lossy(&read).into_owned();
        if n == 0 || (!end.is_empty() && text.contains(end)) {
            return (text, stream);
        }
    }
}

#[tokio::test]
async fn a_gateway_answers_over_a_socket() {
    on_a_core(async {
        let lines = "forward app\nset resp.header[\"x-by\"] = \"gw\"";
        let (gateway, address) = start(&policy(&[mirror().await], lines));
        let request = "GET /u/7 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
        let (answer, _) = talk(address, request, "").await;
        assert!(answer.starts_with("HTTP/1.1 207 "), "{answer}");
        assert!(
            answer.contains("\r\nx-by: gw\r\n") && answer.contains("\r\n\r\nGET /u/7 "),
            "{answer}"
        );
        assert!(answer.to_lowercase().contains("\r\nvia: 1.1 gw\r\n"), "{answer}");

        let head = "HEAD /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let (answer, _) = talk(address, head, "").await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("\r\n\r\n"), "{answer}");

        let bad = "GET /u/%2f HTTP/1.1\r\nHost: x\r\n\r\n";
        let (answer, _) = talk(address, bad, "").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("400 Bad Request: the path holds an encoded slash\n"), "{answer}");

        let next = engine(&policy(&[nobody().await], "respond 200")).ok().unwrap();
        gateway.reload(Arc::new(next), "next").unwrap();
        let (answer, _) = talk(address, request, "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn the_log_holds_the_header_fields_of_what_was_forwarded() {
    on_a_core(async {
        let policy = policy(&[mirror().await], "forward app").replacen(
            "127.0.0.1:0\"",
            "127.0.0.1:0\"; log headers=[\"x-tag\"]",
            1,
        );
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("access.log");
        let telemetry = Telemetry::start(1, Output::File(log.clone())).unwrap();
        let (gateway, address) = start_with(&policy, telemetry);
        let request =
            "GET /u/7 HTTP/1.1\r\nHost: shop.example\r\nX-Tag: a\r\nConnection: close\r\n\r\n";
        let (answer, _) = talk(address, request, "").await;
        assert!(answer.contains("\r\nX-Tag: a\r\n"), "{answer}");
        gateway.drain(Duration::from_secs(5));
        let line = std::fs::read_to_string(log).unwrap();
        assert!(line.contains(r#""headers":{"x-tag":"a"}"#), "{line}");
    })
    .await;
}

#[tokio::test]
async fn a_connection_of_a_removed_listener_is_answered_as_before() {
    on_a_core(async {
        let telemetry = Telemetry::silent(1);
        let core = Rc::new(Engine::core(&telemetry));
        let respond = policy(&[nobody().await], "respond 200");
        Arc::new(engine(&respond).ok().unwrap()).enter(&core);
        let session = Engine::session(&core, connection(&telemetry));
        for (status, name) in [(200, "web"), (200, "other"), (404, "third")] {
            let text = respond.replace("listener web", &format!("listener {name}"));
            let text = text.replace("on web", &format!("on {name}"));
            Arc::new(engine(&text).ok().unwrap()).enter(&core);
            let target = Target::new(Scheme::Http, b"shop.example", b"/u/a").unwrap();
            let request = Request::new(Method::Get, target);
            let incoming = Incoming { request, body: Body::empty(), upgrade: None };
            assert_eq!(session.handle(incoming).await.response.status, status, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_upgrade_is_passed_through() {
    on_a_core(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        tokio::task::spawn_local(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            assert!(head.contains("\r\nupgrade: websocket\r\n"), "{head}");
            assert!(head.contains("\r\nconnection: upgrade\r\n"), "{head}");
            let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                          Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let mut bytes = [0; 4];
            stream.read_exact(&mut bytes).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        });
        let lines = "forward app\nset resp.header[\"x-by\"] = \"gw\"";
        let (_gateway, address) = start(&policy(&[server], lines));
        let request = "GET /u/7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n";
        let (answer, mut stream) = talk(address, request, "\r\n\r\n").await;
        let answer = answer.to_lowercase();
        assert!(answer.starts_with("http/1.1 101 "), "{answer}");
        for field in ["upgrade: websocket", "connection: upgrade", "sec-websocket-accept: x", "x-by: gw"] {
            assert!(answer.contains(&format!("\r\n{field}\r\n")), "{field}: {answer}");
        }
        stream.write_all(b"ping").await.unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"ping");
    })
    .await;
}

/// An upstream that takes its time, and counts how often it is asked.
async fn counter(asked: Rc<std::cell::Cell<u32>>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = Rc::clone(&asked);
            tokio::task::spawn_local(async move {
                while stream.read(&mut [0; 4096]).await.unwrap_or(0) > 0 {
                    asked.set(asked.get() + 1);
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";
                    let _ = stream.write_all(answer).await;
                }
            });
        }
    });
    address
}

fn request(target: &str, headers: &[(&str, &str)]) -> Incoming {
    let target = Target::new(Scheme::Http, b"shop.example", target.as_bytes()).unwrap();
    let mut request = Request::new(Method::Get, target);
    for (name, value) in headers {
        request.headers.append(name, value).unwrap();
    }
    Incoming { request, body: Body::empty(), upgrade: None }
}

#[tokio::test]
async fn one_fetch_serves_all_who_ask_for_the_same_at_once() {
    on_a_core(async {
        let asked = Rc::new(std::cell::Cell::new(0));
        let upstream = counter(Rc::clone(&asked)).await;
        let telemetry = Telemetry::silent(1);
        let core = Rc::new(Engine::core(&telemetry));
        let policy = policy(&[upstream], "cache 1min\nforward app");
        Arc::new(engine(&policy).unwrap_or_else(|wrong| panic!("{wrong:?}"))).enter(&core);
        let many = |headers: &'static [(&'static str, &'static str)]| {
            let (core, telemetry) = (Rc::clone(&core), Arc::clone(&telemetry));
            let all = (0..20).map(move |_| {
                let session = Engine::session(&core, connection(&telemetry));
                async move {
                    let outgoing = session.handle(request("/u/7", headers)).await;
                    let how = outgoing.response.headers.text("cache-status").map(str::to_owned);
                    (outgoing.body.collect(1 << 20).await.unwrap(), how.unwrap())
                }
            });
            futures_util::future::join_all(all)
        };
        let answers = many(&[]).await;
        assert!(answers.iter().all(|(body, _)| &body[..] == b"fine"));
        let collapsed = answers.iter().filter(|(_, how)| how.contains("collapsed")).count();
        assert_eq!((asked.get(), collapsed), (1, 19));
        // Those who say who they are each ask for themselves.
        many(&[("cookie", "id=1")]).await;
        assert_eq!(asked.get(), 21);
    })
    .await;
}

#[tokio::test]
async fn counts_of_a_limit_survive_a_reload() {
    on_a_core(async {
        let telemetry = Telemetry::silent(1);
        let core = Rc::new(Engine::core(&telemetry));
        let policy = |rate: &str, more: &str| {
            format!(
                "edition 2026\nlistener web {{ bind \"127.0.0.1:0\" }}\n\
                 limit caller {{\n  key client.ip\n  allow {rate}\n}}\n\
                 route all on web {{\n  apply caller\n  respond 200\n}}\n{more}"
            )
        };
        let status = async || {
            let session = Engine::session(&core, connection(&telemetry));
            session.handle(request("/", &[])).await.response.status
        };
        let first = Arc::new(loaded(&policy("2/h", ""), None));
        Arc::clone(&first).enter(&core);
        assert_eq!((status().await, status().await, status().await), (200, 200, 429));
        let other = "route more on web { path \"/more\"; respond 204 }\n";
        let second = Arc::new(loaded(&policy("2/h", other), Some(&first)));
        Arc::clone(&second).enter(&core);
        assert_eq!(status().await, 429, "as it was");
        let third = Arc::new(loaded(&policy("1000/s", ""), Some(&second)));
        third.enter(&core);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        assert_eq!(status().await, 200, "a wider limit is felt at once");
    })
    .await;
}
