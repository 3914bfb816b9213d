//! A request that nobody sent, walked through a policy by the code that walks real ones: which route answers, why the
//! others do not, and what its statements come to. It forwards nothing.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use compiler::program::{Step, StepKind};
use compiler::{Ask, Decision, Explanation, Fill, ListenerId, Read, SlotId};
use futures_util::FutureExt;
use lang::vocab::ExprId;

use crate::actions::{self, Flow};
use crate::auth::{self, Identity};
use crate::body::{Body, BodyError, Source};
use crate::engine::{Engine, Statement};
use crate::exchange::{Exchange, MOST_READ};
use crate::failure::Failure;
use crate::http1::{Framing, parse_request};
use crate::listen::Connection;
pub use crate::listen::Over;
use crate::message::{Fault, Scheme};
use crate::serve::Refusal;
use crate::telemetry::Telemetry;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    /// The listener it would come to.
    pub listener: ListenerId,
    /// The head of the request as HTTP/1.1 writes it.
    pub head: &'q [u8],
    /// Whether it would come over TLS.
    pub scheme: Scheme,
    /// From where it would be sent.
    pub client: IpAddr,
    /// What it would come over.
    pub over: Over,
    /// Its content.
    pub content: Vec<u8>,
    /// Who would have been verified, one for each auth at most; of another auth, whoever its header fields prove.
    pub who: Vec<Identity>,
}

/// What would happen.
#[derive(Debug)]
pub struct Rehearsal {
    /// Which route answers, and what became of each.
    pub explanation: Explanation,
    /// The same as the code decides it that serves requests, compiled where that is.
    pub decision: Decision,
    /// What each statement comes to, in the route's order, up to the one behind which nothing is known.
    pub steps: Vec<Done>,
    /// The normal form of the target: scheme, host and path.
    pub target: String,
    /// `client.ip`, where that is not where it was sent from: trusted proxies say so.
    pub client: Option<IpAddr>,
    /// The auths whose token it brings without that it counts, and why, in a word.
    pub refused: Vec<(Arc<str>, &'static str)>,
}

/// What a statement comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Done {
    /// The next one runs.
    Passed,
    /// The request would be forwarded to this upstream.
    Forwarded(Arc<str>),
    /// The gateway answers with this status.
    Answered(u16),
    /// The request ends here with this status.
    Ended(u16),
    /// It ends here with 413, because the route reads its content, which is longer than what is read.
    Long,
    /// It ends here with this status, because a value of it cannot stand where the statement puts it.
    Unfit(u16),
    /// It runs on the way back, when the answer is known.
    OnTheWayBack,
}

/// Walks a request through the policy. A request whose form is refused never reaches it.
pub fn rehearse(engine: &Engine, question: &Question<'_>) -> Result<Rehearsal, Refusal> {
    let (mut ex, target) = imagine(engine, question)?;
    let matcher = &engine.decider.matcher;
    let explanation = matcher.explain(&ex.ask(question.listener));
    let decision = matcher.decide(&ex.ask(question.listener));
    debug_assert_eq!(decision, explanation.decision);
    let mut steps = Vec::new();
    if let Decision::Route(route) = &decision {
        ex.route = Some(*route);
        steps = walk(engine, &mut ex);
    }
    let client = ex.client();
    let client = (client != question.client.to_canonical()).then_some(client);
    let refused = auth::refused(&ex).into_iter().map(|(auth, reason)| (auth, reason.slug()));
    let refused = refused.collect();
    Ok(Rehearsal { explanation, decision, steps, target, client, refused })
}

/// Whether what becomes of it hangs on whose certificate the client shows: which route answers, what
/// that one requires, or its status.
pub fn hangs_on_certificate(engine: &Engine, question: &Question<'_>) -> bool {
    let program = engine.program();
    let slot = program.slot_of("conn.tls.client", None);
    let (Some(slot), Ok((ex, _))) = (slot, imagine(engine, question)) else { return false };
    let without = Without { ex: &ex, slot };
    let matcher = &engine.decider.matcher;
    match matcher.decide_partly(&Ask { fill: &without, ..ex.ask(question.listener) }) {
        Decision::Pending(pending) => pending == slot,
        Decision::Route(route) => {
            let steps = program.route(route).map_or(&[][..], |route| &route.steps);
            program.reads(steps.iter().flat_map(deciding)).contains(&slot)
        }
        Decision::MethodNotAllowed(_) | Decision::NotFound => false,
    }
}

/// What a statement may let a request go on or end by: not what it writes.
fn deciding(step: &Step) -> Vec<ExprId> {
    let call = match &step.kind {
        StepKind::Let(_, value) => return vec![*value],
        StepKind::Act(call) => call,
        StepKind::Always(_) => return Vec::new(),
    };
    match actions::row(&call.action) {
        Some(row) if row.asserts.is_some() => call.args.to_vec(),
        Some(row) => {
            let args = row.params.iter().zip(&call.args);
            args.filter(|(param, _)| param.name == "status").map(|(_, arg)| *arg).collect()
        }
        None => Vec::new(),
    }
}

/// Content that nobody waits for.
struct Unread;

impl Source for Unread {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        Poll::Pending
    }
}

/// A request of which one slot is not known.
struct Without<'a> {
    ex: &'a Exchange,
    slot: SlotId,
}

impl Fill for Without<'_> {
    fn fill(&self, slot: SlotId) -> Read<'_> {
        if slot == self.slot { Read::Pending } else { self.ex.fill(slot) }
    }

    fn path(&self) -> &str {
        self.ex.path()
    }
}

/// What would have to change in a request for `route` to answer it: a proposal, to be rehearsed.
pub fn wish(
    engine: &Engine,
    question: &Question<'_>,
    route: compiler::RouteId,
    policy: &lang::Policy,
) -> Result<compiler::Wish, Refusal> {
    let (ex, _) = imagine(engine, question)?;
    let matcher = &engine.decider.matcher;
    Ok(matcher.wish(&ex.ask(question.listener), route, Some(policy)))
}

/// The request as if it had come, and its target.
fn imagine(engine: &Engine, question: &Question<'_>) -> Result<(Exchange, String), Refusal> {
    let listeners = &engine.program().listeners;
    let name = listeners.get(question.listener.0 as usize).map_or("", |listener| &listener.name);
    let config = engine.listeners.iter().find(|config| *config.name == *name);
    let limits = config.map(|config| config.limits.clone()).unwrap_or_default();
    let parsed = parse_request(question.head, question.scheme, &limits)?;
    let is_within = question.content.len() as u64 <= limits.body_bytes;
    // Of content that does not declare its length that is seen when it is read.
    if !is_within && parsed.framing != Framing::Chunked {
        return Err(Refusal::of(Fault::BodyTooLarge));
    }
    let sni = (question.scheme == Scheme::Https).then(|| parsed.request.target.host());
    let series = Telemetry::silent(1).metrics.listener(name);
    let mut connection = Connection {
        forwarded: config.map(|config| config.forwarded.clone().into()).unwrap_or_default(),
        identities: question.who.clone().into(),
        ..Connection::imagined(name, question.client, sni, series)
    };
    connection.is_over(&question.over);
    let target = format!(
        "{}://{}{}",
        question.scheme.as_str(),
        parsed.request.target.host(),
        parsed.request.target.path_and_query()
    );
    let decider = Rc::new(Arc::clone(&engine.decider));
    let is_read = is_within && question.content.len() <= MOST_READ;
    let content = match (question.content.is_empty(), parsed.framing) {
        (true, _) => Body::empty(),
        // How long it is would be known at its end, which is not waited for.
        (false, Framing::Chunked) if !is_read => Body::source(Unread, None),
        (false, _) => Body::full(question.content.clone()),
    };
    let mut ex =
        Exchange::new(Rc::new(connection), decider, parsed.request, content, parsed.upgrade);
    // More than that is never waited for.
    if is_read {
        // All of it is at hand.
        let _ = ex.read_content().now_or_never();
    }
    Ok((ex, target))
}

fn walk(engine: &Engine, ex: &mut Exchange) -> Vec<Done> {
    let Some(plan) = ex.route.and_then(|route| engine.plan(route)) else { return Vec::new() };
    let mut steps = Vec::new();
    // What is not here by now is longer than what is read.
    let is_long = plan.awaited.iter().any(|slot| matches!(ex.fill(*slot), Read::Pending));
    for statement in &plan.way_in {
        if is_long && !matches!(statement, Statement::Always(_)) {
            steps.push(Done::Long);
            break;
        }
        let action = match statement {
            Statement::Let(local, value) => {
                ex.frame.set_local(*local, ex.evaluate(*value));
                steps.push(Done::Passed);
                continue;
            }
            Statement::Always(_) => {
                steps.push(Done::OnTheWayBack);
                continue;
            }
            Statement::Act(action) => action,
        };
        // Without a body there is nothing to wait for before a request is forwarded.
        let outcome = action.on_request(ex).now_or_never().unwrap_or(Err(Failure::Ours("waits")));
        let done = match outcome {
            Ok(Flow::Next) => Done::Passed,
            Ok(Flow::Forward) => {
                let to = ex.plan.to.and_then(|id| engine.upstream(id));
                Done::Forwarded(
                    to.map_or_else(|| "?".into(), |destination| destination.name.clone()),
                )
            }
            Ok(Flow::Reply(answer)) => Done::Answered(answer.response.status),
            Err(failure @ Failure::Value) => Done::Unfit(failure.status()),
            Err(failure) => Done::Ended(failure.status()),
        };
        let last = !matches!(done, Done::Passed);
        let answered = matches!(done, Done::Forwarded(_) | Done::Answered(_));
        steps.push(done);
        if last {
            if answered {
                steps.extend(plan.way_back.iter().map(|_| Done::OnTheWayBack));
            }
            break;
        }
    }
    steps
}
