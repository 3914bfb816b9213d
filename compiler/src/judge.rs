//! Whether everything that decides says the same: made-up requests are put to the plain evaluator on the typed policy, the
//! plain walk over the program, the index with the interpreter, with machine code, and with decision tables. It repairs
//! nothing and trusts none of them; the order of routes of one host is the program's, with what path patterns say of it.

use std::net::IpAddr;
use std::sync::Arc;

use lang::{Policy, Value};

use crate::decision::Decision;
use crate::frame::{Ask, Fill, Frame, Head, Method, Read, SlotId};
use crate::interp::Pending;
use crate::matcher::{Backend, LoadError, Matcher, Refused, load_with};
use crate::program::{ListenerId, Program};
use crate::table::Tables;

mod plain;
mod requests;
mod values;

use requests::Maker;

/// How many differences are told; more are counted as well as few.
const MOST: usize = 10;

/// What became of it.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// How many requests were decided.
    pub requests: usize,
    /// How many of them some route answered.
    pub answered: usize,
    /// How many blocks of machine code decided them.
    pub blocks: usize,
    /// Requests of which not all said the same, the first few.
    pub differences: Vec<Difference>,
}

/// A request of which not all said the same.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The listener it came to.
    pub listener: Arc<str>,
    /// The request.
    pub request: Request,
    /// Who said what.
    pub answers: Vec<(&'static str, String)>,
}

/// A request that nobody sent, as far as the program looks at one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its host.
    pub host: String,
    /// Its path.
    pub path: String,
    /// What each slot of the program says, in order.
    pub slots: Vec<Value>,
}

/// Why nothing could be judged.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unjudged {
    /// The inputs do not fit.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// There is no machine code.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Puts `n` requests to all of them; the same `seed` makes the same requests. `program` is that of `policy`. An input that
/// has no default gets a value of its type.
pub fn judge(
    policy: &Policy,
    program: &Arc<Program>,
    seed: u64,
    n: usize,
) -> Result<Judgement, Unjudged> {
    let mut maker = Maker::new(policy, program, seed);
    let inputs = maker.inputs();
    let loaded = |backend, tables| load_with(program.clone(), inputs.clone(), backend, tables);
    let interp = loaded(Backend::Interp, Tables::Never)?;
    let jit = loaded(Backend::Jit, Tables::Never)?;
    let tabled = loaded(Backend::Interp, Tables::Everywhere)?;
    let mut judged = Judgement::default();
    loop {
        match jit.compile_all()?.blocks {
            0 => break,
            more => judged.blocks += more,
        }
    }
    let places = plain::Places::new(policy, program);
    for at in 0..n {
        let Some((listener, request)) = maker.next(&interp, at) else { break };
        let said = Asked { program, listener, request: &request };
        let answers = [
            ("the plain evaluator", places.decide(&interp, listener, &request)),
            ("the walk over the program", said.walk(&interp)),
            ("the interpreter", said.decide(&interp)),
            ("machine code", said.decide(&jit)),
            ("decision tables", said.decide(&tabled)),
        ];
        judged.requests += 1;
        judged.answered += usize::from(answers[0].1.starts_with('`'));
        let differs = answers.iter().any(|(_, answer)| *answer != answers[0].1);
        if differs && judged.differences.len() < MOST {
            let name = program.listeners.get(listener.0 as usize).map(|one| one.name.clone());
            judged.differences.push(Difference {
                listener: name.unwrap_or_else(|| Arc::from("")),
                answers: answers.to_vec(),
                request,
            });
        }
    }
    Ok(judged)
}

/// One request and who it is put to.
struct Asked<'a> {
    program: &'a Program,
    listener: ListenerId,
    request: &'a Request,
}

impl Asked<'_> {
    /// By the tables and trees of the program themselves.
    fn walk(&self, matcher: &Matcher) -> String {
        let frame = Frame::new();
        let interp = matcher.interp(&frame, self.request);
        let Some(listener) = self.program.listeners.get(self.listener.0 as usize) else {
            return nobody();
        };
        match interp.decide(listener, &self.request.head()) {
            Ok(decision) => self.told(&decision, matcher, &frame),
            Err(Pending(slot)) => self.told(&Decision::Pending(slot), matcher, &frame),
        }
    }

    /// As a request is decided that somebody sent.
    fn decide(&self, matcher: &Matcher) -> String {
        let frame = Frame::new();
        let head = Head { client: self.client(), ..self.request.head() };
        let ask = Ask { listener: self.listener, head, frame: &frame, fill: self.request };
        let decision = matcher.decide(&ask);
        self.told(&decision, matcher, &frame)
    }

    /// The client's address, if the program reads it.
    fn client(&self) -> Option<IpAddr> {
        let slot = self.program.slot_of("client.ip", None)?;
        match self.request.slots.get(slot.0 as usize) {
            Some(Value::Ip(address)) => Some(*address),
            _ => None,
        }
    }

    fn told(&self, decision: &Decision, matcher: &Matcher, frame: &Frame) -> String {
        match decision {
            Decision::Route(route) => {
                let name = self.program.route(*route).map_or("?", |route| &route.name);
                answered(name, &matcher.captures(frame, self.request))
            }
            Decision::MethodNotAllowed(methods) => not_allowed(&methods.names()),
            Decision::NotFound => nobody(),
            Decision::Pending(slot) => format!("waits for slot {}", slot.0),
        }
    }
}

fn answered(route: &str, captures: &[(Arc<str>, Value)]) -> String {
    let mut captures: Vec<String> =
        captures.iter().map(|(name, value)| format!("{name}={value}")).collect();
    captures.sort_unstable();
    format!("`{route}` {}", captures.join(" ")).trim_end().to_owned()
}

fn not_allowed(methods: &[&str]) -> String {
    format!("405 {}", methods.join(", "))
}

fn nobody() -> String {
    "404".to_owned()
}

impl Request {
    pub(crate) fn head(&self) -> Head<'_> {
        Head { host: &self.host, path: &self.path, method: Method::of(&self.method), client: None }
    }
}

impl Fill for Request {
    fn fill(&self, slot: SlotId) -> Read<'_> {
        match self.slots.get(slot.0 as usize) {
            Some(Value::String(text)) => Read::Text(text),
            Some(value) => Read::Kept(value),
            None => Read::Value(Value::Absent),
        }
    }

    fn path(&self) -> &str {
        &self.path
    }
}
