//! Policies and requests in few words, over a small vocabulary.

use std::sync::Arc;

use compiler::{
    Ask, Backend, Decision, Fill, Frame, Head, Matcher, Method, Program, Read, SlotId, load, lower,
};
use lang::policy::{
    Arithmetic, Arm, Before, Block, Call, Compare, Expr, ExprKind, Host, LocalId, Path, Place,
    Policy, Quantifier, Route, RouteId, Segment, Step, StepKind,
};
use lang::vocab::{self, Ends, Form, Joint, Key, Known, Phase, Spliced};
use lang::{Diag, Source, SourceId, Span, Ty, Value, Vocabulary};
use proptest::prelude::ProptestConfig;

macro_rules! field {
    ($name:ident, $path:literal, $key:expr, $ty:expr) => {
        pub(crate) static $name: vocab::Field = vocab::Field {
            path: $path,
            key: $key,
            ty: || $ty,
            from: Phase::Request,
            written: None,
            doc: "",
            example: "",
        };
    };
}

field!(HEADER, "req.header", Key::IgnoreCase, Ty::String.optional());
field!(QUERY, "req.query", Key::Exact, Ty::String.optional());
field!(METHOD, "req.method", Key::None, Ty::Method);
field!(HOST, "req.host", Key::None, Ty::String);
field!(PATH, "req.path", Key::None, Ty::String);
field!(IP, "client.ip", Key::None, Ty::Ip);
field!(SIZE, "req.body.size", Key::None, Ty::Size);
field!(SCHEME, "req.scheme", Key::None, Ty::one_of(&["http", "https"]));
field!(SNI, "conn.sni", Key::None, Ty::String.optional());
field!(ALPN, "conn.alpn", Key::None, Ty::String.optional());
field!(VERSION, "conn.tls.version", Key::None, Ty::one_of(&["1.2", "1.3"]).optional());
field!(CLIENT, "conn.tls.client", Key::None, Ty::String.optional());

const fn param(name: &'static str, ty: fn() -> Ty, default: Option<&'static str>) -> vocab::Param {
    let accepts = vocab::Param::anything;
    vocab::Param { name, ty, default, dynamic: true, rest: false, accepts, hint: None, doc: "" }
}

static RESPOND: vocab::Action = vocab::Action {
    name: "respond",
    params: &[
        param("status", || Ty::Status, Some("200")),
        param("body", || Ty::String.optional(), None),
    ],
    form: Form::Plain,
    phase: Phase::Request,
    ends: Ends::Responds,
    late: true,
    coherent: None,
    asserts: None,
    methods: &[],
    doc: "",
    example: "",
};

const fn action(
    name: &'static str,
    params: &'static [vocab::Param],
    form: Form,
    ends: Ends,
    asserts: Option<&'static str>,
) -> vocab::Action {
    let phase = Phase::Request;
    let (late, coherent, doc, example) = (true, None, "", "");
    let methods = &[];
    vocab::Action {
        name,
        params,
        form,
        phase,
        ends,
        late,
        coherent,
        asserts,
        methods,
        doc,
        example,
    }
}

static REQUIRE: vocab::Action = action(
    "require",
    &[param("condition", || Ty::Bool, None), param("else", || Ty::Status, Some("403"))],
    Form::Plain,
    Ends::No,
    Some("condition"),
);
static FORWARD: vocab::Action = action(
    "forward",
    &[param("upstream", || Ty::Item("upstream"), None)],
    Form::Plain,
    Ends::Forwards,
    None,
);
static REWRITE: vocab::Action = action(
    "rewrite",
    &[vocab::Param { accepts: is_path, ..param("path", || Ty::String, None) }],
    Form::Plain,
    Ends::No,
    None,
);
static SET: vocab::Action = action("set", &[], Form::Assign, Ends::No, None);
static ADD: vocab::Action = action("add", &[], Form::Append, Ends::No, None);
static UNSET: vocab::Action = action("unset", &[], Form::Place, Ends::No, None);
field!(UP_HEADER, "up.header", Key::IgnoreCase, Ty::String.optional());
field!(RESP_HEADER, "resp.header", Key::IgnoreCase, Ty::String.optional());

fn step(row: &'static vocab::Action, args: Vec<Expr>, place: Option<Place>) -> Step {
    let kind = StepKind::Act(Call { row, args, place, arms: Vec::new() });
    Step { kind, span: Span::default(), via: Vec::new() }
}

fn place(up: bool, name: &str) -> Place {
    let field = if up { &UP_HEADER } else { &RESP_HEADER };
    Place { field, key: Some(Arc::from(name)), span: Span::default() }
}

pub(crate) fn require(condition: Expr, status: u16) -> Step {
    step(&REQUIRE, vec![condition, constant(Value::Status(status))], None)
}

pub(crate) fn forward(to: &str) -> Step {
    step(&FORWARD, vec![constant(Value::Item(Arc::from(to)))], None)
}

pub(crate) fn respond(status: u16) -> Step {
    step(&RESPOND, vec![constant(Value::Status(status)), constant(Value::Absent)], None)
}

/// `rewrite "/t/{value}/x"`
pub(crate) fn rewrite(value: Expr) -> Step {
    let words = |text: &str| constant(Value::string(text));
    let parts = vec![words("/t/"), value, words("/x")];
    step(&REWRITE, vec![expr(ExprKind::Template(parts), Ty::String)], None)
}

/// Whether it can be a segment of a path.
pub(crate) fn is_segment(text: &str) -> bool {
    let dots = text.split(';').next();
    !text.is_empty() && dots != Some(".") && dots != Some("..") && !text.contains('/')
}

fn is_path(known: Known<'_>) -> Result<(), String> {
    let is_said = |part: &Spliced<'_>| part.joint == Joint::Value && !is_segment(part.text);
    match known {
        Known::Spliced(parts) if parts.iter().any(is_said) => Err("no path".to_owned()),
        _ => Ok(()),
    }
}

/// `set up.header["name"] = value`, or `resp.header`.
pub(crate) fn set(up: bool, name: &str, value: Expr) -> Step {
    step(&SET, vec![value], Some(place(up, name)))
}

/// `add up.header["name"] = value`, or `resp.header`.
pub(crate) fn add(up: bool, name: &str, value: Expr) -> Step {
    step(&ADD, vec![value], Some(place(up, name)))
}

pub(crate) fn unset(up: bool, name: &str) -> Step {
    step(&UNSET, Vec::new(), Some(place(up, name)))
}

const fn setting(name: &'static str, params: &'static [vocab::Param]) -> vocab::Setting {
    vocab::Setting {
        name,
        params,
        times: vocab::Times::Any,
        within: &[],
        guards: &[],
        doc: "",
        example: "",
    }
}

static LISTENER: vocab::Block = vocab::Block {
    name: "listener",
    exclusive: None,
    applied: None,
    settings: &[
        setting("bind", &[param("address", || Ty::String, None)]),
        setting("tls", &[param("cert", || Ty::String, None), param("key", || Ty::String, None)]),
    ],
    doc: "",
    example: "",
};

static FIELDS: [&vocab::Field; 12] =
    [&HEADER, &QUERY, &METHOD, &HOST, &PATH, &IP, &SIZE, &SCHEME, &SNI, &ALPN, &VERSION, &CLIENT];
static ACTIONS: [&vocab::Action; 7] = [&RESPOND, &REQUIRE, &REWRITE, &FORWARD, &SET, &ADD, &UNSET];
static BLOCKS: [&vocab::Block; 1] = [&LISTENER];

/// So many random cases, and `GW_THOROUGH` times as many where that is set.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how many")]
pub(crate) fn cases(n: u32) -> ProptestConfig {
    let times = std::env::var("GW_THOROUGH").ok().and_then(|times| times.parse().ok());
    let cases = n.saturating_mul(times.unwrap_or(1));
    ProptestConfig { cases, max_shrink_iters: 200, ..ProptestConfig::default() }
}

pub(crate) fn vocabulary() -> Vocabulary {
    Vocabulary {
        fields: &FIELDS,
        functions: lang::functions::FUNCTIONS,
        actions: &ACTIONS,
        balancers: &[],
        blocks: &BLOCKS,
        budgets: &[],
    }
}

/// A policy from its text, which must check clean.
pub(crate) fn read(text: &str) -> (Policy, Source) {
    let source = Source::new(SourceId(0), "test.gw", text);
    let (tree, mut diags) = lang::syntax::parse(&source);
    let unit = lang::check::Unit { source: &source, tree: &tree, uses: Vec::new() };
    let checked = lang::check::check(&[unit], &vocabulary());
    diags.extend(checked.diags);
    assert!(!diags.iter().any(Diag::is_error), "{text}\n{diags:#?}");
    (checked.policy, source)
}

/// What is said of the order, with the text of each place: `code [place]: message`, labels below.
pub(crate) fn said_of(text: &str) -> String {
    let (policy, source) = read(text);
    let mut said = String::new();
    for diag in lower(&policy).1 {
        said += &format!("{} {}\n", diag.code, diag.message);
        for label in &diag.labels {
            said += &format!("  [{}] {}\n", source.slice(label.span), label.text);
        }
        said += &diag.help.iter().map(|help| format!("  help: {help}\n")).collect::<String>();
        for fix in &diag.fixes {
            let edit = &fix.edits[0];
            let mut mended = source.text.to_string();
            mended.replace_range(edit.span.range(), &edit.text);
            let from = mended[..edit.span.start as usize].rfind('\n').map_or(0, |at| at + 1);
            let line = mended[from..].lines().next().unwrap_or_default();
            said += &format!("  fix: {}: {}\n", fix.title, line.trim());
        }
    }
    said
}

/// A policy with one listener, `web`, and these routes.
pub(crate) fn policy(routes: Vec<Route>) -> Policy {
    let listener = Block {
        row: &LISTENER,
        name: Arc::from("web"),
        settings: Vec::new(),
        span: Span::default(),
    };
    let mut policy = Policy { blocks: vec![listener], routes, ..Policy::default() };
    for (at, route) in policy.routes.iter_mut().enumerate() {
        route.span.start = at as u32 * 10;
        route.span.end = at as u32 * 10 + 5;
    }
    policy
}

/// A route on `web` for every host and path, that answers with its own name.
pub(crate) fn route(name: &str) -> Route {
    let span = Span::default();
    Route {
        name: Arc::from(name),
        module: None,
        listeners: vec![0],
        hosts: vec![(Host::Any, span)],
        paths: vec![(path("/**"), span)],
        methods: None,
        conditions: Vec::new(),
        captures: Vec::new(),
        steps: vec![Step {
            kind: StepKind::Act(Call {
                row: &RESPOND,
                args: vec![constant(Value::string(name))],
                place: None,
                arms: Vec::new(),
            }),
            span,
            via: Vec::new(),
        }],
        doc: Arc::from(""),
        span,
        item: span,
    }
}

/// The clauses of a route.
pub(crate) trait Clauses {
    fn host(self, patterns: &[&str]) -> Route;
    fn path(self, patterns: &[&str]) -> Route;
    fn method(self, names: &[&str]) -> Route;
    fn when(self, condition: Expr) -> Route;
}

impl Clauses for Route {
    fn host(mut self, patterns: &[&str]) -> Route {
        self.hosts = patterns.iter().map(|text| (host(text), Span::default())).collect();
        self
    }

    fn path(mut self, patterns: &[&str]) -> Route {
        self.paths = patterns.iter().map(|text| (path(text), Span::default())).collect();
        self.captures = self.paths[0]
            .0
            .segments
            .iter()
            .filter_map(|segment| match segment {
                Segment::Capture(name, ty) => Some((name.clone(), ty.clone())),
                Segment::Literal(_) => None,
            })
            .collect();
        self
    }

    fn method(mut self, names: &[&str]) -> Route {
        let names = names.iter().map(|&name| Arc::from(name)).collect();
        self.methods = Some((names, Span::default()));
        self
    }

    fn when(mut self, condition: Expr) -> Route {
        self.conditions.push(condition);
        self
    }
}

/// `first before second`, by their places.
pub(crate) fn before(policy: &mut Policy, first: usize, second: usize) {
    let at = 1000 + policy.before.len() as u32 * 10;
    let span = Span { start: at, end: at + 5, ..Span::default() };
    let (first, second) = (RouteId(first as u32), RouteId(second as u32));
    policy.before.push(Before { first, second, span, whole: span });
}

pub(crate) fn host(text: &str) -> Host {
    match text {
        "any" => Host::Any,
        text if text.starts_with("**.") => Host::Labels(Arc::from(&text[3..])),
        text if text.starts_with("*.") => Host::OneLabel(Arc::from(&text[2..])),
        text => Host::Exact(Arc::from(text)),
    }
}

/// `/a/{x: Int}/**`; a union is written `{x: p|q}`.
pub(crate) fn path(text: &str) -> Path {
    let (text, rest) = match text.strip_suffix("/**") {
        Some(stem) => (stem, true),
        None => (text, false),
    };
    let segments = text.strip_prefix('/').into_iter().flat_map(|text| text.split('/'));
    let segments =
        segments.map(|segment| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(capture) => {
                let (name, ty) = capture.split_once(": ").unwrap_or((capture, "String"));
                let ty = match ty {
                    "Int" => Ty::Int,
                    "Uuid" => Ty::Uuid,
                    "String" => Ty::String,
                    words => Ty::one_of(&words.split('|').collect::<Vec<_>>()),
                };
                Segment::Capture(Arc::from(name), ty)
            }
            None => Segment::Literal(Arc::from(segment)),
        });
    Path { segments: segments.collect(), rest }
}

pub(crate) fn expr(kind: ExprKind, ty: Ty) -> Expr {
    Expr { kind, ty, span: Span::default() }
}

pub(crate) fn boolean(kind: ExprKind) -> Expr {
    expr(kind, Ty::Bool)
}

pub(crate) fn constant(value: Value) -> Expr {
    expr(ExprKind::Const(value), Ty::String)
}

pub(crate) fn field(row: &'static vocab::Field, key: Option<&str>) -> Expr {
    expr(ExprKind::Field(row, key.map(Arc::from)), (row.ty)())
}

pub(crate) fn header(name: &str) -> Expr {
    field(&HEADER, Some(name))
}

pub(crate) fn capture(name: &str) -> Expr {
    expr(ExprKind::Capture(Arc::from(name)), Ty::String)
}

/// `a == "text"`
pub(crate) fn is(a: Expr, text: &str) -> Expr {
    compare(Compare::Eq, a, Value::string(text))
}

pub(crate) fn compare(how: Compare, a: Expr, value: Value) -> Expr {
    boolean(ExprKind::Compare(how, Box::new(a), Box::new(constant(value))))
}

/// `a == b`, or another comparison, of two that a request says.
pub(crate) fn sides(how: Compare, a: Expr, b: Expr) -> Expr {
    boolean(ExprKind::Compare(how, Box::new(a), Box::new(b)))
}

pub(crate) fn is_in(a: Expr, value: Value) -> Expr {
    boolean(ExprKind::In(Box::new(a), Box::new(constant(value))))
}

pub(crate) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let row = lang::functions::FUNCTIONS.iter().find(|row| row.name == name).unwrap();
    expr(ExprKind::Call(row, arguments), (row.returns)())
}

pub(crate) fn arithmetic(how: Arithmetic, a: Expr, value: Value) -> Expr {
    let kind = ExprKind::Arithmetic(how, Box::new(a), Box::new(constant(value)));
    expr(kind, Ty::Int)
}

pub(crate) fn matches(a: Expr, pattern: &str) -> Expr {
    let pattern = Arc::new(regex::Regex::new(pattern).unwrap());
    let pattern = expr(ExprKind::Const(Value::Regex(lang::value::Pattern(pattern))), Ty::Regex);
    call("matches", vec![a, pattern])
}

pub(crate) fn not(a: Expr) -> Expr {
    boolean(ExprKind::Not(Box::new(a)))
}

pub(crate) fn and(parts: Vec<Expr>) -> Expr {
    boolean(ExprKind::And(parts))
}

pub(crate) fn or(parts: Vec<Expr>) -> Expr {
    boolean(ExprKind::Or(parts))
}

/// Whether the predicate holds of one of these texts, which it calls [`item`].
pub(crate) fn one_of(of: &[&str], predicate: Expr) -> Expr {
    let list = constant(Value::list(of.iter().map(|&text| Value::string(text))));
    let (list, predicate) = (Box::new(list), Box::new(predicate));
    boolean(ExprKind::Quantified(Quantifier::Any, LocalId(99), list, predicate))
}

pub(crate) fn item() -> Expr {
    expr(ExprKind::Local(LocalId(99)), Ty::String)
}

pub(crate) fn coalesce(a: Expr, text: &str) -> Expr {
    either(a, constant(Value::string(text)))
}

/// `match a { … }`, in which no patterns are `_`.
pub(crate) fn chosen(a: Expr, arms: Vec<(Vec<Value>, Expr)>) -> Expr {
    let span = Span::default();
    let arm = |(patterns, value): (Vec<Value>, Expr)| {
        let patterns = (!patterns.is_empty()).then_some(patterns);
        Arm { patterns, value, span }
    };
    let arms = arms.into_iter().map(arm).collect();
    expr(ExprKind::Match(Box::new(a), arms), Ty::String)
}

/// `a ?? b`
pub(crate) fn either(a: Expr, b: Expr) -> Expr {
    expr(ExprKind::Coalesce(Box::new(a), Box::new(b)), Ty::String)
}

/// A request: its head, and what its other fields say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    /// By field and key.
    pub(crate) fields: Vec<(String, Value)>,
}

/// `GET host/path`
pub(crate) fn get(text: &str) -> Request {
    let at = text.find('/').unwrap();
    Request {
        method: "GET".to_owned(),
        host: text[..at].to_owned(),
        path: text[at..].to_owned(),
        fields: Vec::new(),
    }
}

impl Request {
    pub(crate) fn method(mut self, name: &str) -> Request {
        self.method = name.to_owned();
        self
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Request {
        self.with(&format!("req.header {name}"), Value::string(value))
    }

    pub(crate) fn with(mut self, field: &str, value: Value) -> Request {
        self.fields.push((field.to_owned(), value));
        self
    }

    /// What it says of a field, for the plain evaluator.
    pub(crate) fn says(&self, field: &str, key: Option<&str>) -> Value {
        match field {
            "req.method" => Value::Method(Arc::from(&*self.method)),
            "req.host" => Value::string(&*self.host),
            "req.path" => Value::string(&*self.path),
            "req.scheme" => Value::string("http"),
            field => {
                let name = format!("{field} {}", key.unwrap_or_default());
                let found = self.fields.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            }
        }
    }

    pub(crate) fn head(&self) -> Head<'_> {
        let client = match self.says("client.ip", None) {
            Value::Ip(address) => Some(address),
            _ => None,
        };
        Head { host: &self.host, path: &self.path, method: Method::of(&self.method), client }
    }
}

/// A request as a program reads it.
pub(crate) struct World<'w>(pub(crate) &'w Program, pub(crate) &'w Request);

impl Fill for World<'_> {
    fn path(&self) -> &str {
        &self.1.path
    }

    fn fill(&self, slot: SlotId) -> Read<'_> {
        let slot = &self.0.slots[slot.0 as usize];
        let name = match &slot.key {
            Some(key) => format!("{} {key}", slot.field),
            None => slot.field.to_string(),
        };
        let request = self.1;
        if let Some((_, value)) = request.fields.iter().find(|(known, _)| *known == name) {
            return Read::Value(value.clone());
        }
        Read::Value(match &*name {
            "req.method" => Value::Method(Arc::from(&*request.method)),
            "req.host" => Value::string(&*request.host),
            "req.path" => Value::string(&*request.path),
            "req.scheme" => Value::string("http"),
            "req.body.size" => return Read::Pending,
            _ => Value::Absent,
        })
    }
}

/// The program of a policy whose order is in order, all of it compiled.
pub(crate) fn matcher(policy: &Policy) -> Matcher {
    let [_, jit] = matchers(policy);
    jit
}

/// The same interpreted, and compiled.
pub(crate) fn matchers(policy: &Policy) -> [Matcher; 2] {
    let (program, diags) = lower(policy);
    let program = Arc::new(program.unwrap_or_else(|| panic!("{diags:#?}")));
    let interp = load(program.clone(), Vec::new(), Backend::Interp).unwrap();
    let jit = load(program, Vec::new(), Backend::Jit).unwrap();
    jit.compile_all().unwrap();
    [interp, jit]
}

/// The name of the route that answers, `405 …` or `404`.
pub(crate) fn decide(matcher: &Matcher, request: &Request) -> String {
    let program = matcher.program();
    let listener = program.listener("web").unwrap();
    let frame = Frame::new();
    let fill = World(program, request);
    match matcher.decide(&Ask { listener, head: request.head(), frame: &frame, fill: &fill }) {
        Decision::Route(route) => program.route(route).unwrap().name.to_string(),
        Decision::MethodNotAllowed(methods) => format!("405 {}", methods.names().join(", ")),
        Decision::NotFound => "404".to_owned(),
        Decision::Pending(slot) => format!("pending {}", program.slots[slot.0 as usize].field),
    }
}

/// The diagnostics in short: code, message and labels.
pub(crate) fn said(diags: &[Diag]) -> String {
    let mut text = String::new();
    for diag in diags {
        text += &format!("{}: {}\n", diag.code, diag.message);
        for label in &diag.labels {
            text += &format!("  {}: {}\n", label.span.start / 10, label.text);
        }
        text += &diag.help.iter().map(|help| format!("  help: {help}\n")).collect::<String>();
        for fix in &diag.fixes {
            text += &format!("  fix: {}: {:?}\n", fix.title, fix.edits[0].text);
        }
    }
    text
}
