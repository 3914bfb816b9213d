//! What a request costs at worst, route by route, told from the policy alone: how long it may take, how much of it is
//! kept, how much is asked before an answer is found. Bounds, not measurements.

use std::time::Duration;

use compiler::RouteId;
use compiler::program::{Expr, Route, Step, StepKind};
use lang::Value;
use lang::vocab::{Argument, ExprId};

use crate::actions;
use crate::engine::{Destination, Engine};
use crate::exchange::MOST_READ;
use crate::pipeline::MOST_TRIES;

/// The worst case of one route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cost {
    /// The route.
    pub route: RouteId,
    /// Tests that may be made until it answers: those of candidates before it, its own, and those of its statements.
    pub predicates: usize,
    /// Bytes of a request's content that are kept in memory before it is answered or sent on.
    pub buffered: u64,
    /// To how many endpoints the request is sent, one after the other.
    pub tries: usize,
    /// Until an upstream's answer begins, over all tries; zero where nothing is forwarded. The time in which the client
    /// sends its content is not in it.
    pub first_byte: Duration,
    /// Until all of the answer is here, over all tries; zero where nothing is forwarded.
    pub total: Duration,
    /// The upstream that takes longest.
    pub upstream: Option<std::sync::Arc<str>>,
    /// Requests that the gateway makes on its own to answer one.
    pub sub_requests: usize,
}

/// The worst case of every route, in the policy's order.
pub fn costs(engine: &Engine) -> Vec<Cost> {
    let routes = engine.program().routes.iter().enumerate();
    let routing = compiler::explain::tests_before(engine.program());
    routes
        .map(|(at, route)| {
            let id = RouteId(at as u32);
            let own: usize = route.steps.iter().map(|step| tests(engine, step)).sum();
            let forwarded = route.steps.iter().filter_map(|step| forwarded(engine, step));
            let forwarded: Vec<_> = forwarded.flatten().collect();
            let worst = forwarded.iter().max_by_key(|(_, _, total)| *total);
            let upstream = worst.map(|(to, ..)| to.name.clone());
            let total = worst.map_or(Duration::ZERO, |(_, _, total)| *total);
            let first_byte = forwarded.iter().map(|(_, first_byte, _)| *first_byte).max();
            let first_byte = first_byte.unwrap_or(Duration::ZERO);
            let tries = if upstream.is_some() { MOST_TRIES } else { 0 };
            let times = |length: Duration| length.saturating_mul(tries as u32);
            Cost {
                route: id,
                predicates: routing.get(at).copied().unwrap_or(0) + own,
                buffered: buffered(engine, id, route),
                tries,
                first_byte: times(first_byte),
                total: times(total),
                upstream,
                sub_requests: 0,
            }
        })
        .collect()
}

/// The tests of a statement whose condition must hold.
fn tests(engine: &Engine, step: &Step) -> usize {
    let StepKind::Act(call) = &step.kind else { return 0 };
    let asserts = actions::row(&call.action).is_some_and(|row| row.asserts.is_some());
    if asserts { call.args.first().map_or(0, |condition| leaves(engine, *condition)) } else { 0 }
}

/// The tests in a condition.
fn leaves(engine: &Engine, id: ExprId) -> usize {
    let program = engine.program();
    let mut open = vec![id];
    let mut n_leaves = 0;
    while let Some(id) = open.pop() {
        match program.expr(id) {
            Expr::Const(_) | Expr::Input(_) => {}
            Expr::And(parts) | Expr::Or(parts) => open.extend(parts),
            Expr::Not(inner) => open.push(*inner),
            _ => n_leaves += 1,
        }
    }
    n_leaves
}

/// Where a statement may send a request, with the time of one try until the answer begins and until it ends.
fn forwarded<'e>(
    engine: &'e Engine,
    step: &Step,
) -> Option<Vec<(&'e Destination, Duration, Duration)>> {
    let StepKind::Act(call) = &step.kind else { return None };
    let row = actions::row(&call.action)?;
    if row.ends != lang::vocab::Ends::Forwards {
        return None;
    }
    let matcher = &engine.decider.matcher;
    let duration = |name: &str| {
        let at = row.params.iter().position(|param| param.name == name)?;
        match matcher.argument(*call.args.get(at)?) {
            Argument::Constant(Value::Duration(length)) => Some(length),
            _ => None,
        }
    };
    let whole = duration("timeout");
    let begin = duration("first_byte").or(whole);
    let arms = call.arms.iter().map(|(_, upstream)| *upstream);
    let names = call.args.first().copied().into_iter().chain(arms);
    let to = names.filter_map(|name| match matcher.argument(name) {
        Argument::Constant(Value::Item(name)) => {
            engine.upstreams.iter().find(|destination| destination.name == name)
        }
        _ => None,
    });
    let times = to.map(|to| {
        let timeouts = to.group.config.timeouts;
        let total = whole.unwrap_or(timeouts.total);
        let first_byte = begin.unwrap_or(timeouts.first_byte);
        (to, timeouts.connect.saturating_add(first_byte).min(total), total)
    });
    Some(times.collect())
}

/// What is kept of a request's content.
fn buffered(engine: &Engine, id: RouteId, route: &Route) -> u64 {
    let program = engine.program();
    let conditions = route.conditions.iter().map(|(condition, _)| *condition);
    let steps = route.steps.iter().flat_map(Step::exprs);
    let reads = program.reads(conditions.chain(steps));
    let waits = reads.iter().filter_map(|slot| program.slots.get(slot.0 as usize));
    if !waits.into_iter().any(|slot| matches!(&*slot.field, "req.json" | "req.body.size")) {
        return 0;
    }
    let on = program.listeners.iter().filter(|listener| {
        let candidates = listener.hosts.list.iter().flat_map(|host| &host.candidates);
        candidates.into_iter().any(|candidate| candidate.route == id)
    });
    let caps = on.filter_map(|listener| {
        let config = engine.listeners.iter().find(|config| config.name == listener.name)?;
        Some(config.limits.body_bytes)
    });
    caps.max().unwrap_or(0).min(MOST_READ as u64)
}
