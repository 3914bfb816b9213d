//! Requests through whole policies. The policies are written as the checker would hand them over, so that this crate
//! is tested without policy text; the suite has the texts.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use compiler::Backend;
use lang::policy::{
    Block, Call, Expr, ExprKind, Host, Path, Place, Policy, Route, Segment, Setting, Step, StepKind,
};
use lang::vocab::Vocabulary;
use lang::{Span, Ty, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::LocalSet;

use crate::body::Body;
use crate::engine::{BuildError, Engine};
use crate::gateway::{Gateway, Options, Snapshot};
use crate::listen::Connection;
use crate::message::{Method, Request, Response, Scheme, Target};
use crate::serve::{Handler, Incoming};
use crate::telemetry::Telemetry;

fn vocabulary() -> Vocabulary {
    crate::vocabulary()
}

fn constant(value: Value) -> Expr {
    Expr { kind: ExprKind::Const(value), ty: Ty::Error, span: Span::default() }
}

fn text(text: &str) -> Expr {
    constant(Value::string(text))
}

fn field(path: &str, key: Option<&str>) -> Expr {
    let row = vocabulary().field(path).unwrap();
    Expr { kind: ExprKind::Field(row, key.map(Arc::from)), ty: (row.ty)(), span: Span::default() }
}

fn capture(name: &str) -> Expr {
    Expr { kind: ExprKind::Capture(name.into()), ty: Ty::String, span: Span::default() }
}

fn template(parts: Vec<Expr>) -> Expr {
    Expr { kind: ExprKind::Template(parts), ty: Ty::String, span: Span::default() }
}

fn present(of: Expr) -> Expr {
    Expr { kind: ExprKind::Present(Box::new(of)), ty: Ty::Bool, span: Span::default() }
}

/// An action; what is not given is its default, or absent.
fn act(name: &str, given: Vec<(&str, Expr)>) -> Step {
    let row = vocabulary().action(name).unwrap();
    let args = row.params.iter().map(|param| {
        let found = given.iter().find(|(name, _)| *name == param.name);
        let default = || match (param.name, param.default) {
            (_, None) => Value::Absent,
            (_, Some(status)) => Value::Status(status.parse().unwrap()),
        };
        found.map_or_else(|| constant(default()), |(_, expr)| expr.clone())
    });
    let call = Call { row, args: args.collect(), place: None, arms: Vec::new() };
    Step { kind: StepKind::Act(call), span: Span::default(), via: Vec::new() }
}

fn change(name: &str, path: &str, key: Option<&str>, value: Option<Expr>) -> Step {
    let row = vocabulary().action(name).unwrap();
    let field = vocabulary().field(path).unwrap();
    let place = Place { field, key: key.map(Arc::from), span: Span::default() };
    let args = value.into_iter().collect();
    let call = Call { row, args, place: Some(place), arms: Vec::new() };
    Step { kind: StepKind::Act(call), span: Span::default(), via: Vec::new() }
}

fn set(path: &str, key: Option<&str>, value: Expr) -> Step {
    change("set", path, key, Some(value))
}

fn forward() -> Step {
    act("forward", vec![("upstream", constant(Value::Item("app".into())))])
}

/// A policy of one listener, an upstream `app` of these servers, and one route for `/u/{id}` and everything else.
fn policy(servers: &[SocketAddr], steps: Vec<Step>) -> Policy {
    let setting = |block: &str, name: &str, args: Vec<Expr>| Setting {
        row: vocabulary().block(block).unwrap().setting(name).unwrap(),
        args,
        span: Span::default(),
    };
    let protocols = Value::list([Value::string("h1"), Value::string("h2")]);
    let bind = setting("listener", "bind", vec![text("127.0.0.1:0"), constant(protocols)]);
    let servers = servers.iter().map(|server| {
        setting("upstream", "server", vec![text(&server.to_string()), constant(Value::Int(1))])
    });
    let block = |kind: &str, name: &str, settings| Block {
        row: vocabulary().block(kind).unwrap(),
        name: name.into(),
        settings,
        span: Span::default(),
    };
    let literal = |text: &str| Segment::Literal(text.into());
    let route = |name: &str, path: Path, captures: Vec<(Arc<str>, Ty)>| Route {
        name: name.into(),
        listeners: vec![0],
        hosts: vec![(Host::Any, Span::default())],
        paths: vec![(path, Span::default())],
        methods: None,
        conditions: Vec::new(),
        captures,
        steps: steps.clone(),
        doc: "".into(),
        span: Span::default(),
        item: Span::default(),
    };
    let segments = vec![literal("u"), Segment::Capture("id".into(), Ty::String)];
    let user = Path { segments, rest: false };
    Policy {
        blocks: vec![
            block("listener", "web", vec![bind]),
            block("upstream", "app", servers.collect()),
        ],
        routes: vec![route("user", user, vec![("id".into(), Ty::String)])],
        ..Policy::default()
    }
}

fn engine(policy: &Policy) -> Result<Engine, Vec<BuildError>> {
    let (program, wrong) = compiler::lower(policy);
    assert!(wrong.is_empty(), "{wrong:?}");
    let program = program.unwrap();
    let matcher = compiler::load(Arc::new(program), vec![], Backend::Interp).unwrap();
    Engine::build(matcher, None)
}

struct Answered {
    response: Response,
    body: String,
}

/// Sends a request through the policy. Must be called on a `LocalSet`.
async fn ask(
    policy: &Policy,
    method: &[u8],
    target: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Answered {
    let telemetry = Telemetry::silent(1);
    let core = Rc::new(Engine::core(&telemetry));
    Arc::new(engine(policy).unwrap_or_else(|wrong| panic!("{wrong:?}"))).enter(&core);
    let address = SocketAddr::from(([192, 0, 2, 7], 40_000));
    let connection = Connection {
        listener: "web".into(),
        peer: address,
        source: address,
        local: SocketAddr::from(([127, 0, 0, 1], 80)),
        tls: None,
        forwarded: Arc::default(),
        series: telemetry.metrics.listener("web"),
    };
    let session = Engine::session(&core, connection);
    let target = Target::new(Scheme::Http, b"shop.example", target.as_bytes()).unwrap();
    let mut request = Request::new(Method::from_bytes(method).unwrap(), target);
    for (name, value) in headers {
        request.headers.append(name, value).unwrap();
    }
    let outgoing = session.handle(Incoming { request, body, upgrade: None }).await;
    let bytes = outgoing.body.collect(1 << 20).await.unwrap();
    Answered { response: outgoing.response, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

async fn get(policy: &Policy, target: &str, headers: &[(&str, &str)]) -> Answered {
    ask(policy, b"GET", target, headers, Body::empty()).await
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
        let steps = vec![
            act("rewrite", vec![("path", template(vec![text("/internal/"), capture("id")]))]),
            set("up.header", Some("x-user"), field("req.header", Some("x-caller"))),
            change("unset", "up.header", Some("authorization"), None),
            set("up.host", None, text("Internal.Example:81")),
            forward(),
            set("resp.header", Some("x-served-by"), field("up.address", None)),
            set("resp.header", Some("x-sent"), field("up.path", None)),
            set("resp.header", Some("x-origin"), field("origin.status", None)),
        ];
        let server = mirror().await;
        let headers = [("Authorization", "secret"), ("X-Caller", "ann"), ("X-User", "root")];
        let answered = get(&policy(&[server], steps), "/u/a%20b?q=1", &headers).await;
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
        assert_eq!(headers.text("x-origin"), Some("207"));
        assert!(!headers.contains("x-hop") && !headers.contains("connection"));
    })
    .await;
}

#[tokio::test]
async fn an_absent_value_takes_the_field_away() {
    on_a_core(async {
        let steps = vec![
            set("up.header", Some("x-user"), field("req.header", Some("x-caller"))),
            set("up.query", None, field("req.header", Some("x-query"))),
            forward(),
        ];
        let policy = policy(&[mirror().await], steps);
        let answered = get(&policy, "/u/a?q=1", &[("X-User", "root")]).await;
        assert!(answered.body.starts_with("GET /u/a HTTP/1.1"), "{}", answered.body);
        assert!(!answered.body.contains("root"), "{}", answered.body);
    })
    .await;
}

#[tokio::test]
async fn a_requirement_that_does_not_hold_ends_the_request() {
    on_a_core(async {
        let needs = present(field("req.header", Some("x-key")));
        let steps = vec![
            act("require", vec![("condition", needs), ("else", constant(Value::Status(401)))]),
            act("respond", vec![("body", text("hello"))]),
            set("resp.header", Some("x-after"), text("1")),
        ];
        let policy = policy(&[nobody().await], steps);
        let refused = get(&policy, "/u/a", &[]).await;
        assert_eq!((refused.response.status, &*refused.body), (401, "401 Unauthorized\n"));
        assert!(!refused.response.headers.contains("x-after"));
        let passed = get(&policy, "/u/a", &[("X-Key", "1")]).await;
        assert_eq!((passed.response.status, &*passed.body), (200, "hello"));
        assert_eq!(passed.response.headers.text("x-after"), Some("1"));
    })
    .await;
}

#[tokio::test]
async fn a_dead_upstream_is_answered_with_502_and_the_way_back_still_runs() {
    on_a_core(async {
        let steps = vec![
            forward(),
            set("resp.header", Some("x-frame-options"), text("DENY")),
            set("resp.header", Some("x-origin"), field("origin.status", None)),
        ];
        let answered = get(&policy(&[nobody().await], steps), "/u/a", &[]).await;
        assert_eq!((answered.response.status, &*answered.body), (502, "502 Bad Gateway\n"));
        assert_eq!(answered.response.headers.text("x-frame-options"), Some("DENY"));
        assert!(!answered.response.headers.contains("x-origin"));
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_saw_nothing_is_passed_over() {
    on_a_core(async {
        let policy = policy(&[nobody().await, nobody().await, mirror().await], vec![forward()]);
        for _ in 0..6 {
            assert_eq!(get(&policy, "/u/a", &[]).await.response.status, 207);
        }
    })
    .await;
}

#[tokio::test]
async fn the_content_is_read_where_a_statement_asks_for_it() {
    on_a_core(async {
        let steps = vec![
            act("require", vec![("condition", present(field("req.json", None)))]),
            act("respond", vec![("json", field("req.json", None))]),
        ];
        let policy = policy(&[nobody().await], steps);
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
        let steps = vec![
            forward(),
            set("resp.header", Some("x-size"), template(vec![field("req.body.size", None)])),
        ];
        let policy = policy(&[mirror().await], steps);
        let length = crate::exchange::MOST_READ + 1;
        let answered = ask(&policy, b"POST", "/u/a", &[], Body::full(vec![b'0'; length])).await;
        assert_eq!(answered.response.status, 207);
        assert_eq!(answered.response.headers.text("x-size"), Some("16777217B"));
    })
    .await;
}

#[tokio::test]
async fn shares_decide_between_upstreams() {
    on_a_core(async {
        let share = |share, name: &str| {
            (constant(Value::Percent(share)), constant(Value::Item(name.into())))
        };
        let arms = |arms| {
            let mut step = act("forward", vec![]);
            if let StepKind::Act(call) = &mut step.kind {
                call.arms = arms;
            }
            policy(&[SocketAddr::from(([127, 0, 0, 1], 1))], vec![step])
        };
        let told = |policy| engine(&policy).err().map(|errors| errors[0].message.clone());
        assert_eq!(told(arms(vec![share(99.5, "app"), share(0.5, "app")])), None);
        assert_eq!(
            told(arms(vec![share(90.0, "app"), share(5.0, "app")])).as_deref(),
            Some("`forward` needs shares that make 100%, not 95%")
        );
        assert_eq!(
            told(arms(vec![share(100.0, "nope")])).as_deref(),
            Some("`forward` names `nope`, which is no upstream")
        );
    })
    .await;
}

#[tokio::test]
async fn values_cannot_break_out() {
    on_a_core(async {
        let query = || field("req.query", Some("v"));
        let header =
            policy(&[mirror().await], vec![set("up.header", Some("x-v"), query()), forward()]);
        let answered = get(&header, "/u/a?v=x%0d%0aX-Evil:%201", &[]).await;
        assert_eq!(answered.response.status, 400);
        let fine = get(&header, "/u/a?v=x%20y", &[]).await;
        assert!(fine.body.contains("\r\nx-v: x y\r\n"), "{}", fine.body);

        let rewrite = act("rewrite", vec![("path", template(vec![text("/in/"), query()]))]);
        let path = policy(&[mirror().await], vec![rewrite, forward()]);
        for evil in ["..%2fadmin", "%2e%2e", "a%2fb", "", "%0d%0a", "%5c"] {
            let answered = get(&path, &format!("/u/a?v={evil}"), &[]).await;
            assert_eq!(answered.response.status, 400, "{evil}");
        }
        let fine = get(&path, "/u/a?v=x%3fy", &[]).await;
        assert!(fine.body.starts_with("GET /in/x%3Fy?v=x%3fy "), "{}", fine.body);

        let location = template(vec![text("https://shop.example/"), query()]);
        let redirect =
            policy(&[nobody().await], vec![act("redirect", vec![("location", location)])]);
        let answered = get(&redirect, "/u/a?v=%0d%0a/x?y", &[]).await;
        let location = answered.response.headers.text("location");
        assert_eq!(location, Some("https://shop.example/%0D%0A%2Fx%3Fy"));
        assert_eq!(answered.response.status, 302);
    })
    .await;
}

#[tokio::test]
async fn nobody_answers_elsewhere() {
    on_a_core(async {
        let answered = get(&policy(&[nobody().await], vec![forward()]), "/elsewhere", &[]).await;
        assert_eq!((answered.response.status, &*answered.body), (404, "404 Not Found\n"));
    })
    .await;
}

#[test]
fn what_cannot_be_served_is_told_on_loading() {
    let server = SocketAddr::from(([127, 0, 0, 1], 80));
    let told = |steps: Vec<Step>| {
        let errors = engine(&policy(&[server], steps)).err().unwrap_or_default();
        errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("; ")
    };
    let status = |status| constant(Value::Status(status));
    let respond = || act("respond", vec![]);
    for (steps, message) in [
        (vec![], "route `user` neither forwards nor answers"),
        (
            vec![set("up.header", Some("content-length"), text("5")), forward()],
            "`set` cannot change `content-length`: the gateway writes it itself",
        ),
        (
            vec![forward(), set("up.header", Some("x"), text("5"))],
            "`set` comes too late: the request is already sent",
        ),
        (
            vec![set("resp.header", Some("x"), text("5")), forward()],
            "`set` comes too early: there is no answer yet",
        ),
        (
            vec![set("up.header", Some("x"), text("a\nb")), forward()],
            "`set` cannot put \"a\\nb\" there",
        ),
        (
            vec![act("redirect", vec![("status", status(200)), ("location", text("/x"))])],
            "`redirect` cannot send a client elsewhere with 200",
        ),
        (
            vec![act("rewrite", vec![("path", text("x"))]), forward()],
            "`rewrite` needs a path that begins with `/`",
        ),
        (
            vec![act("rewrite", vec![("path", text("/x?y"))]), forward()],
            "`rewrite` takes a path only; the query is changed by `set up.query`",
        ),
        (
            vec![act("respond", vec![("body", text("a")), ("html", text("b"))])],
            "`respond` takes one of `body`, `html` and `json`, not several",
        ),
        (
            vec![
                act(
                    "require",
                    vec![("condition", constant(Value::Bool(true))), ("else", status(200))],
                ),
                respond(),
            ],
            "`require` cannot answer what it refuses with a status below 400",
        ),
        (
            vec![act("forward", vec![("upstream", constant(Value::Item("nope".into())))])],
            "`forward` names `nope`, which is no upstream",
        ),
    ] {
        assert_eq!(told(steps), message);
    }
}

/// A gateway that serves `policy` on one core, and its address.
fn start(policy: &Policy) -> (Gateway<Engine>, SocketAddr) {
    let engine = engine(policy).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let options = Options::default();
    let gateway = Gateway::start(Arc::new(engine), "test", Telemetry::silent(1), options).unwrap();
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
        let steps = vec![forward(), set("resp.header", Some("x-by"), text("gw"))];
        let (gateway, address) = start(&policy(&[mirror().await], steps));
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

        let next = engine(&policy(&[nobody().await], vec![act("respond", vec![])])).ok().unwrap();
        gateway.reload(Arc::new(next), "next").unwrap();
        let (answer, _) = talk(address, request, "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
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
        let steps = vec![forward(), set("resp.header", Some("x-by"), text("gw"))];
        let (_gateway, address) = start(&policy(&[server], steps));
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
