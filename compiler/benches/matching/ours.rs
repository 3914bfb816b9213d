//! This engine on a workload: its rules as a policy, its requests as a program reads them, extraction included.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gw_compiler::artifact::Artifact;
use gw_compiler::names::Mark;
use gw_compiler::{
    Ask, Backend, Decision, Fill, Frame, Head, ListenerId, Matcher, Program, Read, SlotId,
};
use lang::policy::{
    Before, Block, Compare, Expr, ExprKind, Host, Path, Policy, Route, RouteId, Segment,
};
use lang::vocab::{self, Field, Key, Phase};
use lang::{Span, Ty, Value, Vocabulary};

use crate::regexes;
use crate::workload::{Claim, Cond, Request, Rule, Token, Workload};

/// The engine with a workload's rules in it.
pub(crate) struct Ours {
    matcher: Matcher,
    listener: ListenerId,
    readers: Vec<Reader>,
    /// What the requests' tokens say, as they are kept once verified.
    tokens: Vec<[Value; 7]>,
    /// How long loading took, and what it keeps.
    pub(crate) load: Duration,
    pub(crate) bytes: u64,
    /// The machine code of all blocks.
    pub(crate) machine_bytes: u64,
}

/// How a slot is read.
enum Reader {
    Header(Arc<str>, Mark),
    Address,
    Claim(usize),
    Nothing,
}

/// A request being decided.
struct World<'w> {
    ours: &'w Ours,
    request: &'w Request,
    at: usize,
}

macro_rules! field {
    ($row:ident, $path:literal, $key:expr, $ty:expr) => {
        static $row: Field = Field {
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
field!(HOST, "req.host", Key::None, Ty::String);
field!(PATH, "req.path", Key::None, Ty::String);
field!(IP, "client.ip", Key::None, Ty::Ip);
field!(SUB, "token.sub", Key::None, Ty::String);
field!(ISS, "token.iss", Key::None, Ty::String);
field!(TENANT, "token.tenant", Key::None, Ty::String);
field!(LEVEL, "token.level", Key::None, Ty::Int);
field!(LIFE, "token.life", Key::None, Ty::Int);
field!(ROLES, "token.roles", Key::None, Ty::list(Ty::String));
field!(SCOPES, "token.scopes", Key::None, Ty::list(Ty::String));

static FIELDS: &[&Field] =
    &[&HEADER, &HOST, &PATH, &IP, &SUB, &ISS, &TENANT, &LEVEL, &LIFE, &ROLES, &SCOPES];

static CLAIMS: [&Field; 7] = [&SUB, &ISS, &TENANT, &LEVEL, &LIFE, &ROLES, &SCOPES];

static LISTENER: vocab::Block = vocab::Block {
    name: "listener",
    exclusive: None,
    applied: None,
    settings: &[],
    doc: "",
    example: "",
};

static BLOCKS: &[&vocab::Block] = &[&LISTENER];

impl Ours {
    /// Loads the program of a workload; with machine code, if it is to have some, for all of it.
    pub(crate) fn new(workload: &Workload, program: &Arc<Program>, backend: Backend) -> Ours {
        let mut load = Duration::ZERO;
        let mut matcher = None;
        let heap = allocation_counter::measure(|| {
            let begun = processor();
            let loaded = gw_compiler::load(program.clone(), Vec::new(), backend);
            load = processor() - begun;
            matcher = loaded.ok();
        });
        let matcher = matcher.unwrap();
        let mut machine_bytes = 0;
        loop {
            let made = matcher.compile_all().unwrap();
            machine_bytes += made.bytes as u64;
            if made.blocks == 0 {
                break;
            }
        }
        let readers = program.slots.iter().map(|slot| match &*slot.field {
            "req.header" => {
                let key = slot.key.clone().unwrap();
                let mark = Mark::of(key.as_bytes());
                Reader::Header(key, mark)
            }
            "client.ip" => Reader::Address,
            claim => {
                let at = CLAIMS.iter().position(|field| field.path == claim);
                at.map_or(Reader::Nothing, Reader::Claim)
            }
        });
        let text = |text: &String| Value::string(text.as_str());
        let tokens = workload.tokens.iter().map(|Token { texts, numbers, lists }| {
            let [sub, iss, tenant] = texts;
            let [level, life] = numbers.map(Value::Int);
            let [roles, scopes] =
                [&lists[0], &lists[1]].map(|list| Value::list(list.iter().map(text)));
            [text(sub), text(iss), text(tenant), level, life, roles, scopes]
        });
        Ours {
            listener: program.listener("web").unwrap(),
            readers: readers.collect(),
            matcher,
            tokens: tokens.collect(),
            load,
            bytes: heap.bytes_current.max(0) as u64,
            machine_bytes,
        }
    }

    /// Decides every request.
    pub(crate) fn decide_all(&self, workload: &Workload, answers: &mut [Option<u32>]) {
        for (at, (request, answer)) in workload.requests.iter().zip(answers).enumerate() {
            let world = World { ours: self, request, at };
            let head = Head {
                host: request.host,
                path: request.path,
                method: request.method,
                client: Some(IpAddr::from(request.ip)),
            };
            let frame = Frame::new();
            let ask = Ask { listener: self.listener, head, frame: &frame, fill: &world };
            *answer = match self.matcher.decide(&ask) {
                Decision::Route(route) => Some(route.0),
                _ => None,
            };
        }
    }
}

impl World<'_> {
    /// What is seldom read, apart: the rest needs few registers.
    #[inline(never)]
    fn fill_otherwise(&self, slot: SlotId) -> Read<'_> {
        match &self.ours.readers[slot.0 as usize] {
            Reader::Header(name, mark) => Read::optional(self.request.header_among(name, *mark)),
            Reader::Address => Read::Value(Value::Ip(IpAddr::from(self.request.ip))),
            Reader::Claim(_) | Reader::Nothing => Read::Value(Value::Absent),
        }
    }
}

impl Fill for World<'_> {
    fn path(&self) -> &str {
        self.request.path
    }

    fn fill(&self, slot: SlotId) -> Read<'_> {
        match &self.ours.readers[slot.0 as usize] {
            Reader::Claim(claim) => Read::Kept(&self.ours.tokens[self.at][*claim]),
            Reader::Header(name, mark) => match self.request.header(name, *mark) {
                Some(value) => Read::Text(value),
                None => self.fill_otherwise(slot),
            },
            Reader::Address | Reader::Nothing => self.fill_otherwise(slot),
        }
    }
}

/// The program of a workload's rules.
pub(crate) fn program(workload: &Workload) -> Arc<Program> {
    let (program, diags) = gw_compiler::lower(&policy(workload));
    let mut program = program.unwrap_or_else(|| panic!("{:#?}", diags.first()));
    regexes::put(&mut program, &workload.rules);
    Arc::new(program)
}

/// A program as bytes, for another process.
pub(crate) fn encoded(program: &Arc<Program>) -> Vec<u8> {
    let built = Artifact { program: Program::clone(program), ..Artifact::default() };
    built.encode().unwrap()
}

/// The program that these bytes are.
pub(crate) fn decoded(bytes: &[u8]) -> Arc<Program> {
    let vocabulary = Vocabulary {
        fields: FIELDS,
        functions: lang::functions::FUNCTIONS,
        actions: &[],
        balancers: &[],
        blocks: BLOCKS,
        budgets: &[],
    };
    Arc::new(Artifact::decode(bytes, &vocabulary).unwrap().program)
}

/// The policy of a workload's rules.
fn policy(workload: &Workload) -> Policy {
    let span = Span::default();
    let listener = Block { row: &LISTENER, name: Arc::from("web"), settings: Vec::new(), span };
    let rules = workload.rules.iter().enumerate();
    let mut policy = Policy {
        blocks: vec![listener],
        routes: rules.map(|(at, rule)| route(at, rule)).collect(),
        ..Policy::default()
    };
    // What stands for patterns is apart anyway.
    let is_apart = |rule: &Rule| regexes::stand_in(rule, 0).is_some();
    if workload.is_ordered && !workload.rules.iter().any(is_apart) {
        let mut cells: std::collections::HashMap<(&Option<String>, &str), Vec<u32>> =
            Default::default();
        for (at, rule) in workload.rules.iter().enumerate() {
            cells.entry((&rule.host, &rule.path)).or_default().push(at as u32);
        }
        for cell in cells.values() {
            for (at, second) in cell.iter().enumerate() {
                for first in &cell[..at] {
                    let (first, second) = (RouteId(*first), RouteId(*second));
                    policy.before.push(Before { first, second, span, whole: span });
                }
            }
        }
    }
    policy
}

fn route(at: usize, rule: &Rule) -> Route {
    let span = Span { start: at as u32 * 2, end: at as u32 * 2 + 1, ..Span::default() };
    let host = rule.host.as_deref().map_or(Host::Any, |host| Host::Exact(Arc::from(host)));
    let (stem, rest) = match rule.path.strip_suffix("/**") {
        Some(stem) => (stem, true),
        None => (&*rule.path, false),
    };
    let segments = stem.split('/').skip(1).enumerate().map(|(at, segment)| match segment {
        "{}" => Segment::Capture(Arc::from(format!("c{at}")), Ty::String),
        literal => Segment::Literal(Arc::from(literal)),
    });
    let path = Path { segments: segments.collect(), rest };
    let captures = path.segments.iter().filter_map(|segment| match segment {
        Segment::Capture(name, ty) => Some((name.clone(), ty.clone())),
        Segment::Literal(_) => None,
    });
    let methods = rule.methods.iter().map(|method| Arc::from(*method)).collect::<Vec<_>>();
    let stand_in = regexes::stand_in(rule, at);
    let when = stand_in.as_ref().unwrap_or(&rule.when);
    Route {
        name: Arc::from(format!("r{at}")),
        listeners: vec![0],
        hosts: vec![(host, span)],
        paths: vec![(path.clone(), span)],
        methods: (!methods.is_empty()).then_some((methods, span)),
        conditions: when.iter().map(expr).collect(),
        captures: captures.collect(),
        steps: Vec::new(),
        doc: Arc::from(""),
        module: None,
        span,
        item: span,
    }
}

fn expr(cond: &Cond) -> Expr {
    let made = |kind| Expr { kind, ty: Ty::Bool, span: Span::default() };
    let field = |row: &'static Field, key: Option<&str>| {
        let kind = ExprKind::Field(row, key.map(Arc::from));
        Expr { kind, ty: (row.ty)(), span: Span::default() }
    };
    let claim = |claim: Claim| field(CLAIMS[claim as usize], None);
    let constant =
        |value| Expr { kind: ExprKind::Const(value), ty: Ty::String, span: Span::default() };
    let compare =
        |how, a, value| made(ExprKind::Compare(how, Box::new(a), Box::new(constant(value))));
    let is_in = |item, of| made(ExprKind::In(Box::new(item), Box::new(of)));
    let call = |name: &str, row, text: &str| {
        let function = lang::functions::FUNCTIONS.iter().find(|row| row.name == name).unwrap();
        made(ExprKind::Call(function, vec![field(row, None), constant(Value::string(text))]))
    };
    let all = |parts: &[Cond]| parts.iter().map(expr).collect();
    match cond {
        Cond::Header(name, value) => {
            compare(Compare::Eq, field(&HEADER, Some(name)), Value::string(value.as_str()))
        }
        Cond::Net(net, bits) => {
            let net = format!("{}/{bits}", IpAddr::from(*net));
            is_in(field(&IP, None), constant(Value::Cidr(net.parse().unwrap())))
        }
        Cond::Captured(place, text) => {
            let name = ExprKind::Capture(Arc::from(format!("c{place}")));
            let captured = Expr { kind: name, ty: Ty::String, span: Span::default() };
            compare(Compare::Eq, captured, Value::string(*text))
        }
        Cond::Is(of, text) => compare(Compare::Eq, claim(*of), Value::string(text.as_str())),
        Cond::OneOf(of, texts) => {
            let texts = texts.iter().map(|text| Value::string(text.as_str()));
            is_in(claim(*of), constant(Value::list(texts)))
        }
        Cond::AtLeast(of, least) => compare(Compare::Ge, claim(*of), Value::Int(*least)),
        Cond::AtMost(of, most) => compare(Compare::Le, claim(*of), Value::Int(*most)),
        Cond::Has(of, text) => is_in(constant(Value::string(text.as_str())), claim(*of)),
        Cond::HostEnds(end) => call("ends_with", &HOST, end),
        Cond::PathBegins(begin) => call("starts_with", &PATH, begin),
        Cond::PathHas(part) => call("contains", &PATH, part),
        Cond::PathFits(_) => unreachable!("something stands for it"),
        Cond::Any(parts) => made(ExprKind::Or(all(parts))),
        Cond::All(parts) => made(ExprKind::And(all(parts))),
        Cond::Not(inner) => made(ExprKind::Not(Box::new(expr(inner)))),
    }
}

/// The time that this thread had on a processor, where the system tells it; else the time of the clock on the wall.
fn processor() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}
