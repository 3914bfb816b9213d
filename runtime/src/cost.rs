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

/// The worst case of one route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cost {
    /// The route.
    pub route: RouteId,
    /// Tests that may be made until it answers: those of candidates before it, its own, and those of its statements.
    pub predicates: usize,
    /// Bytes of a request's content that are kept in memory before it is answered or sent on.
    pub buffered: u64,
    /// How often the request is sent to an upstream, one time after the other.
    pub tries: u32,
    /// Until an upstream's answer begins, over all tries and the waits between them; zero where nothing is forwarded. The
    /// time in which the client sends its content is not in it.
    pub first_byte: Duration,
    /// Until all of the answer is here, which bounds all tries together; zero where nothing is forwarded.
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
            let worst = forwarded.iter().max_by_key(|way| (way.total, way.first_byte));
            let longest = forwarded.iter().map(|way| way.first_byte).max();
            Cost {
                route: id,
                predicates: routing.get(at).copied().unwrap_or(0) + own,
                buffered: buffered(engine, id, route),
                tries: forwarded.iter().map(|way| way.tries).max().unwrap_or(0),
                first_byte: longest.unwrap_or(Duration::ZERO),
                total: worst.map_or(Duration::ZERO, |way| way.total),
                upstream: worst.map(|way| way.to.name.clone()),
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

/// Where a statement may send a request, and how long that may take.
struct Way<'e> {
    to: &'e Destination,
    tries: u32,
    first_byte: Duration,
    total: Duration,
}

/// The ways of a statement that forwards.
fn forwarded<'e>(engine: &'e Engine, step: &Step) -> Option<Vec<Way<'e>>> {
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
    let ways = to.map(|to| {
        let (timeouts, retry) = (to.group.config.timeouts, &to.group.config.retry);
        let total = whole.unwrap_or(timeouts.total);
        let begin = begin.unwrap_or(timeouts.first_byte);
        let tries = 1 + retry.retries;
        let one = timeouts.connect.saturating_add(begin);
        // What no endpoint may have seen fails before an answer could begin.
        let failed = if retry.on.has_seen() { one } else { timeouts.connect };
        let first_byte = (1..tries)
            .map(|n| retry.longest_wait(n + 1).saturating_add(failed))
            .fold(one, Duration::saturating_add);
        Way { to, tries, first_byte: first_byte.min(total), total }
    });
    Some(ways.collect())
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
