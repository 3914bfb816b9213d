//! A request that nobody sent, walked through a policy by the code that walks real ones: which route answers, why the
//! others do not, and what its statements come to. It forwards nothing.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use compiler::{Decision, Explanation, ListenerId};
use futures_util::FutureExt;

use crate::actions::Flow;
use crate::auth::Identity;
use crate::body::Body;
use crate::engine::{Engine, Statement};
use crate::exchange::{Exchange, MOST_READ};
use crate::failure::Failure;
use crate::http1::parse_request;
use crate::listen::Connection;
pub use crate::listen::Over;
use crate::message::Scheme;
use crate::serve::{Limits, Refusal};
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
    /// Who would have been verified; where nobody is said, whoever its header fields prove.
    pub who: Option<Identity>,
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
    /// It ends here with this status, because a value of it cannot stand where the statement puts it.
    Unfit(u16),
    /// It runs on the way back, when the answer is known.
    OnTheWayBack,
}

/// Walks a request through the policy. A request whose form is refused never reaches it.
pub fn rehearse(engine: &Engine, question: &Question<'_>) -> Result<Rehearsal, Refusal> {
    let (mut ex, target) = imagine(engine, question)?;
    let matcher = &engine.decider.matcher;
    let explanation = matcher.explain(question.listener, &ex.head(), &ex.frame, &ex);
    let decision = matcher.decide(question.listener, &ex.head(), &ex.frame, &ex);
    debug_assert_eq!(decision, explanation.decision);
    let mut steps = Vec::new();
    if let Decision::Route(route) = &decision {
        ex.route = Some(*route);
        steps = walk(engine, &mut ex);
    }
    Ok(Rehearsal { explanation, decision, steps, target })
}

/// What would have to change in a request for `route` to answer it: a proposal, to be rehearsed.
pub fn wish(
    engine: &Engine,
    question: &Question<'_>,
    route: compiler::RouteId,
) -> Result<compiler::Wish, Refusal> {
    let (ex, _) = imagine(engine, question)?;
    Ok(engine.decider.matcher.wish(question.listener, &ex.head(), &ex.frame, &ex, route))
}

/// The request as if it had come, and its target.
fn imagine(engine: &Engine, question: &Question<'_>) -> Result<(Exchange, String), Refusal> {
    let parsed = parse_request(question.head, question.scheme, &Limits::default())?;
    let name = engine
        .program()
        .listeners
        .get(question.listener.0 as usize)
        .map_or("", |listener| &listener.name);
    let sni = (question.scheme == Scheme::Https).then(|| parsed.request.target.host());
    let series = Telemetry::silent(1).metrics.listener(name);
    let connection = Connection::imagined(name, question.client, sni, series);
    let mut connection = Connection { identity: question.who.clone().map(Box::new), ..connection };
    connection.is_over(&question.over);
    let target = format!(
        "{}://{}{}",
        question.scheme.as_str(),
        parsed.request.target.host(),
        parsed.request.target.path_and_query()
    );
    let decider = Rc::new(Arc::clone(&engine.decider));
    let is_read = question.content.len() <= MOST_READ;
    let content = match question.content.is_empty() {
        true => Body::empty(),
        false => Body::full(question.content.clone()),
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
    for statement in &plan.way_in {
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
