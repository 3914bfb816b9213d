//! A request that was recorded, asked again: which route answers it, and what that comes to, as far as the record holds
//! what the policy reads. It decides by the code that serves; it sends nothing, waits for nothing and counts nothing down.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use compiler::{Ask, Decision, Fill, Frame, ListenerId, Read, RouteId, SlotId};

use crate::body::Body;
use crate::engine::Engine;
use crate::exchange::{Content, Decides, Exchange};
use crate::http1::{Framing, parse_request};
use crate::listen::Connection;
use crate::message::{Fault, InvalidField, Method, Request, Scheme, Target};
use crate::serve::Limits;
use crate::telemetry::Telemetry;

mod plan;
mod source;

use plan::{Plan, Status, Step};
use source::Source;

/// A request as it was recorded.
#[derive(Clone, Debug)]
pub struct Recorded<'r> {
    /// The listener it comes to.
    pub listener: ListenerId,
    /// Whether it came over TLS.
    pub scheme: Scheme,
    /// Who sent it, if that is known.
    pub sender: Option<Sender>,
    /// What it said.
    pub said: Said<'r>,
}

/// Who sent a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// `client.ip`: it was judged already whom a proxy speaks for.
    Client(IpAddr),
    /// Whoever opened the connection: a proxy that the listener trusts speaks for another one.
    Peer(IpAddr),
}

/// What is known of what a request said.
#[derive(Clone, Debug)]
pub enum Said<'r> {
    /// Its first line, and some of its header fields.
    Line {
        /// The method.
        method: &'r str,
        /// The host, without a port; may be empty.
        host: &'r str,
        /// The path, with `?` and the query if that is known.
        target: &'r str,
        /// Whether the query, or that there was none, is known.
        query: bool,
        /// The header fields of which all is known.
        fields: &'r [Noted<'r>],
    },
    /// Its whole head.
    Head {
        /// As HTTP/1.1 writes it.
        head: &'r [u8],
        /// Fields, in lower case, of which nothing is known.
        lacks: &'r [&'static str],
        /// The content, if that is known.
        content: Option<Vec<u8>>,
    },
}

/// A header field that was written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Noted<'r> {
    /// Its name, in lower case.
    pub name: Cow<'r, str>,
    /// Its values, in order; none where it was absent.
    pub values: Vec<Cow<'r, str>>,
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fate {
    /// The route that answers.
    pub route: Option<RouteId>,
    /// What comes of it.
    pub end: End,
}

/// What comes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum End {
    /// Its form is refused before any route.
    Refused(Fault),
    /// No route answers: 404.
    NotFound,
    /// Routes answer other methods: 405.
    Method,
    /// It depends on this, which the record does not hold.
    Unknown(SlotId),
    /// A requirement does not hold; the status, where the policy says it.
    Denied(Option<u16>),
    /// The gateway answers; the status, where the policy says it.
    Answered(Option<u16>),
    /// An upstream of [`Replay::targets`] is asked.
    Forwarded,
}

/// A policy that recorded requests are put to.
pub struct Replay {
    engine: Engine,
    decider: Decides,
    /// One for each listener of the program, with whom it trusts and its caps.
    listeners: Vec<(Connection, Arc<Limits>)>,
    /// Where each slot of the program is read from.
    sources: Vec<Source>,
    /// Where a trusted proxy says for whom it speaks.
    chain: Source,
    /// One for each route.
    plans: Vec<Plan>,
    assumes_absent: bool,
}

impl Replay {
    /// The policy of this engine. With `assumes_absent`, what a record does not hold of a request's query, header
    /// section and content was not in the request either.
    pub fn new(engine: Engine, assumes_absent: bool) -> Replay {
        let metrics = &Telemetry::silent(1).metrics;
        let imagined = |name: &str| {
            let client = IpAddr::from([0, 0, 0, 0]);
            Connection::imagined(name, client, None, metrics.listener(name))
        };
        let program = engine.program();
        let listeners = program.listeners.iter().map(|listener| {
            let config = engine.listeners.iter().find(|config| config.name == listener.name);
            let limits = config.map_or_else(Arc::default, |config| config.limits.clone());
            let forwarded = config.map(|config| config.forwarded.clone().into());
            let connection =
                Connection { forwarded: forwarded.unwrap_or_default(), ..imagined(&listener.name) };
            (connection, limits)
        });
        let listeners = listeners.collect();
        let sources = program.slots.iter().map(Source::of).collect();
        let plans = program.routes.iter().map(|route| Plan::of(&engine, route)).collect();
        let decider = Rc::new(Arc::clone(&engine.decider));
        let chain = Source::Field(Arc::from("x-forwarded-for"));
        Replay { engine, decider, listeners, sources, chain, plans, assumes_absent }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The upstreams that a route may ask; in percent each one's share, where they share.
    pub fn targets(&self, route: RouteId) -> &[(Option<f64>, Arc<str>)] {
        self.plans.get(route.0 as usize).map_or(&[], |plan| &plan.targets)
    }

    /// What becomes of a request.
    pub fn ask(&self, recorded: &Recorded<'_>) -> Fate {
        match self.exchange(recorded) {
            Ok(ex) => self.decide(recorded, &ex),
            Err(fault) => Fate { route: None, end: End::Refused(fault) },
        }
    }

    fn decide(&self, recorded: &Recorded<'_>, ex: &Exchange) -> Fate {
        let asked = Asked { replay: self, recorded, ex };
        let matcher = &self.decider.matcher;
        let frame = &ex.frame;
        match matcher.decide_partly(&Ask { frame, fill: &asked, ..ex.ask(recorded.listener) }) {
            Decision::Route(route) => {
                let plan = self.plans.get(route.0 as usize);
                let end = plan.map_or(End::NotFound, |plan| self.walk(plan, frame, &asked));
                Fate { route: Some(route), end }
            }
            Decision::MethodNotAllowed(_) => Fate { route: None, end: End::Method },
            Decision::NotFound => Fate { route: None, end: End::NotFound },
            Decision::Pending(slot) => Fate { route: None, end: End::Unknown(slot) },
        }
    }

    /// What a route's statements come to.
    fn walk(&self, plan: &Plan, frame: &Frame, asked: &Asked<'_, '_>) -> End {
        let matcher = &self.decider.matcher;
        let mut unknown = Vec::new();
        let depends = |unknown: &[(_, SlotId)], locals: &[_]| {
            unknown.iter().find(|(local, _)| locals.contains(local)).map(|(_, slot)| *slot)
        };
        for step in &plan.steps {
            match step {
                Step::Let(local, value, locals) => {
                    let known = match depends(&unknown, locals) {
                        Some(slot) => Err(slot),
                        None => matcher.eval_partly(*value, frame, asked),
                    };
                    match known {
                        Ok(value) => frame.set_local(*local, value),
                        Err(slot) => unknown.push((*local, slot)),
                    }
                }
                Step::Require { condition, locals, status } => {
                    let known = match depends(&unknown, locals) {
                        Some(slot) => Err(slot),
                        None => matcher.holds(*condition, frame, asked),
                    };
                    match known {
                        Ok(true) => {}
                        Ok(false) => return End::Denied(*status),
                        Err(slot) => return End::Unknown(slot),
                    }
                }
                Step::Forward => return End::Forwarded,
                Step::Answer(Status::Known(status)) => return End::Answered(Some(*status)),
                Step::Answer(Status::Unknown) => return End::Answered(None),
                Step::Answer(Status::Computed(value, locals)) => {
                    let known = match depends(&unknown, locals) {
                        Some(slot) => Err(slot),
                        None => matcher.eval_partly(*value, frame, asked),
                    };
                    return match known {
                        Ok(lang::Value::Status(status)) => End::Answered(Some(status)),
                        Ok(_) => End::Answered(None),
                        Err(slot) => End::Unknown(slot),
                    };
                }
            }
        }
        // INVARIANT: an engine holds no route without an end.
        End::Answered(None)
    }

    /// The request as if it had come.
    fn exchange(&self, recorded: &Recorded<'_>) -> Result<Exchange, Fault> {
        let listener = self.listeners.get(recorded.listener.0 as usize);
        let (connection, limits) = listener.ok_or(Fault::HostInvalid)?;
        let mut connection = connection.clone();
        match recorded.sender {
            Some(Sender::Peer(peer)) => (connection.source, connection.peer) = (peer, peer),
            Some(Sender::Client(client)) => {
                (connection.source, connection.peer) = (client, client);
                connection.forwarded = Arc::default();
            }
            None => connection.forwarded = Arc::default(),
        }
        let (request, content) = match &recorded.said {
            Said::Line { method, host, target, fields, .. } => {
                let method = Method::from_bytes(method.as_bytes()).ok_or(Fault::Method)?;
                let target = Target::new(recorded.scheme, host.as_bytes(), target.as_bytes())?;
                let mut request = Request::new(method, target);
                for Noted { name, values } in *fields {
                    for value in values {
                        let added = request.headers.append(name, value.as_bytes());
                        added.map_err(|invalid| match invalid {
                            InvalidField::Name => Fault::FieldName,
                            InvalidField::Value => Fault::FieldValue,
                            InvalidField::TooLarge => Fault::HeadTooLarge,
                        })?;
                    }
                }
                let declared = request.headers.text("content-length");
                let declared = declared.and_then(|length| length.trim().parse().ok());
                (request, declared.map(|length| Content::Sent(Some(length))))
            }
            Said::Head { head, content, .. } => {
                let parsed = parse_request(head, recorded.scheme, limits);
                let parsed = parsed.map_err(|refusal| refusal.fault)?;
                let content = match (content, parsed.framing) {
                    (Some(content), _) => Some(Content::Whole(content.clone().into())),
                    // Of a content that was not written down its length may be known.
                    (None, Framing::Length(length)) => Some(Content::Sent(Some(length))),
                    (None, _) => None,
                };
                (parsed.request, content)
            }
        };
        let decider = Rc::clone(&self.decider);
        let mut ex = Exchange::new(Rc::new(connection), decider, request, Body::empty(), None);
        if let Some(content) = content {
            ex.content = content;
        }
        Ok(ex)
    }
}

/// What can be read of a recorded request.
struct Asked<'a, 'r> {
    replay: &'a Replay,
    recorded: &'a Recorded<'r>,
    ex: &'a Exchange,
}

impl Asked<'_, '_> {
    fn knows(&self, source: &Source) -> bool {
        source.is_held(self.recorded) || self.replay.assumes_absent && source.may_be_absent()
    }

    /// Of a trusted proxy it has to be known for whom it speaks.
    fn knows_client(&self) -> bool {
        match self.recorded.sender {
            None => false,
            Some(Sender::Client(_)) => true,
            Some(Sender::Peer(_)) => {
                !self.ex.connection.trusts_forwarded() || self.knows(&self.replay.chain)
            }
        }
    }
}

impl Fill for Asked<'_, '_> {
    fn fill(&self, slot: SlotId) -> Read<'_> {
        let source = self.replay.sources.get(slot.0 as usize);
        let known = source.is_some_and(|source| match source {
            Source::Client => self.knows_client(),
            Source::Size if matches!(self.ex.content, Content::Sent(_)) => true,
            source => self.knows(source),
        });
        if known { self.ex.fill(slot) } else { Read::Pending }
    }

    fn path(&self) -> &str {
        self.ex.path()
    }
}
