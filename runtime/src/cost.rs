//! What a request costs at worst, route by route, told from the policy alone: how long it may take, how much of it is
//! kept, how much is asked before an answer is found. Bounds, not measurements.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use compiler::RouteId;
use compiler::program::{Call, Program, Route, Step, StepKind};
use lang::diag::beyond_cost::beyond_cost;
use lang::vocab::Argument;
use lang::{Diag, Value};

use crate::actions;
use crate::cache::longest_wait;
use crate::engine::{Destination, Engine};
use crate::exchange::MOST_READ;
use crate::upstream::Cause;

mod asking;
mod weight;

use asking::Asking;
use weight::Weighing;

/// The worst case of one route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cost {
    /// The route.
    pub route: RouteId,
    /// Tests that may be made until it answers: those of candidates before it, its own, those of its requirements, and
    /// those that go through lists in whatever else it says.
    pub predicates: usize,
    /// Bytes of a request's content that are kept in memory before it is answered or sent on.
    pub buffered: u64,
    /// How often the request is sent to an upstream, one time after the other.
    pub tries: u32,
    /// Until the answer begins: what sub-requests are waited for, all tries and the waits between them; with a `cache`, who
    /// else fetches the answer, and all of it. Zero where nothing is waited for. The time in which the client sends its
    /// content is not in it.
    pub first_byte: Duration,
    /// Until all of the answer is here: what sub-requests are waited for, and the bound on all tries together.
    pub total: Duration,
    /// The upstream that takes longest.
    pub upstream: Option<std::sync::Arc<str>>,
    /// Requests that the gateway makes on its own to answer one: for the keys of tokens.
    pub sub_requests: usize,
}

/// The worst case of every route, in the policy's order.
pub fn costs(engine: &Engine) -> Vec<Cost> {
    let routes = engine.program().routes.iter().enumerate();
    let upstreams: HashMap<&str, &Destination> =
        engine.upstreams.iter().map(|destination| (&*destination.name, destination)).collect();
    let caps = caps(engine);
    let weighing = Weighing::new(engine);
    let routing = compiler::burden::tests_before(engine.program(), &|candidate| {
        weighing.of_candidate(candidate)
    });
    let asking = Asking::new(engine);
    routes
        .map(|(at, route)| {
            let id = RouteId(at as u32);
            let own: usize = route.steps.iter().map(|step| tests(&weighing, at, step)).sum();
            let forwarded =
                route.steps.iter().filter_map(|step| forwarded(engine, &upstreams, step));
            let mut forwarded: Vec<_> = forwarded.flatten().collect();
            if route.steps.iter().any(is_cached) {
                forwarded.iter_mut().for_each(Way::cache);
            }
            let worst = forwarded.iter().max_by_key(|way| (way.total, way.first_byte));
            let longest = forwarded.iter().map(|way| way.first_byte).max().unwrap_or_default();
            let (sub_requests, waits) = asking.of(at);
            Cost {
                route: id,
                predicates: routing.get(at).copied().unwrap_or(0) + own,
                buffered: buffered(engine.program(), route, caps.get(at).copied().unwrap_or(0)),
                tries: forwarded.iter().map(|way| way.tries).max().unwrap_or(0),
                first_byte: waits.saturating_add(longest),
                total: waits.saturating_add(worst.map_or(Duration::ZERO, |way| way.total)),
                upstream: worst.map(|way| way.to.name.clone()),
                sub_requests,
            }
        })
        .collect()
}

/// The tests of a statement: those of a condition that must hold, and whatever goes through a list.
fn tests(weighing: &Weighing<'_>, route: usize, step: &Step) -> usize {
    let condition = match &step.kind {
        StepKind::Act(call) if asserts(call) => call.args.first(),
        _ => None,
    };
    let tests = step.exprs().into_iter().map(|id| match condition {
        Some(condition) if *condition == id => weighing.of_condition(route, id),
        _ => weighing.within(route, id),
    });
    tests.fold(0, usize::saturating_add)
}

fn asserts(call: &Call) -> bool {
    actions::row(&call.action).is_some_and(|row| row.asserts.is_some())
}

/// Where a statement may send a request, and how long that may take.
struct Way<'e> {
    to: &'e Destination,
    tries: u32,
    first_byte: Duration,
    total: Duration,
}

impl Way<'_> {
    /// The same with a cache in front of it: another request may be waited for that fetches the same answer, and what
    /// may be kept is read to its end before any of it is sent.
    fn cache(&mut self) {
        self.total = longest_wait(self.total).saturating_add(self.total);
        self.first_byte = self.total;
    }
}

/// Whether a statement has answers kept.
fn is_cached(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Act(call) if *call.action == *"cache")
}

/// The ways of a statement that forwards.
fn forwarded<'e>(
    engine: &'e Engine,
    upstreams: &HashMap<&str, &'e Destination>,
    step: &Step,
) -> Option<Vec<Way<'e>>> {
    let StepKind::Act(call) = &step.kind else { return None };
    let row = actions::row(&call.action)?;
    if row.ends != lang::vocab::Ends::Forwards {
        return None;
    }
    let matcher = &engine.decider.matcher;
    let duration = |name: &str| {
        let at = row.place_of(name)?;
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
        Argument::Constant(Value::Item(name)) => upstreams.get(&*name).copied(),
        _ => None,
    });
    let ways = to.map(|to| {
        let (timeouts, retry) = (to.group.config.timeouts, &to.group.config.retry);
        let total = whole.unwrap_or(timeouts.total);
        let begin = begin.unwrap_or(timeouts.first_byte);
        // What an endpoint may have seen is sent again out of the budget, what none has seen costs none of it.
        let (is_paid, is_free) = (retry.budget > 0, retry.on.has(Cause::Connect));
        let tries = if is_paid || is_free { 1 + retry.retries } else { 1 };
        let connected = timeouts.queue.saturating_add(timeouts.connect);
        let one = connected.saturating_add(begin);
        // What no endpoint may have seen fails before an answer could begin.
        let failed = if is_paid && retry.on.has_seen() { one } else { connected };
        let first_byte = (1..tries)
            .map(|n| retry.longest_wait(n + 1).saturating_add(failed))
            .fold(one, Duration::saturating_add);
        Way { to, tries, first_byte: first_byte.min(total), total }
    });
    Some(ways.collect())
}

/// What is kept of a request's content, of which a listener lets so much pass.
fn buffered(program: &Program, route: &Route, cap: u64) -> u64 {
    let conditions = route.conditions.iter().map(|(condition, _)| *condition);
    let steps = route.steps.iter().flat_map(Step::exprs);
    let reads = program.reads(conditions.chain(steps));
    let mut waits = reads.iter().filter_map(|slot| program.slot(*slot));
    let reads = waits.any(|slot| matches!(&*slot.field, "req.json" | "req.body.size"));
    if reads { cap.min(MOST_READ as u64) } else { 0 }
}

/// For each route the largest content that one of its listeners lets pass.
fn caps(engine: &Engine) -> Vec<u64> {
    let program = engine.program();
    let mut caps = vec![0; program.routes.len()];
    for listener in &program.listeners {
        let config = engine.listeners.iter().find(|config| config.name == listener.name);
        let body = config.map_or(0, |config| config.limits.body_bytes);
        for candidate in listener.hosts.list.iter().flat_map(|host| &host.candidates) {
            if let Some(cap) = caps.get_mut(candidate.route.0 as usize) {
                *cap = body.max(*cap);
            }
        }
    }
    caps
}

/// The routes that may cost more than a listener allows on which they answer, in the policy's order.
pub fn beyond(engine: &Engine) -> Vec<Diag> {
    let program = engine.program();
    let bounded = engine.listeners.iter().filter_map(|config| Some((config, config.cost?)));
    let bounded: Vec<_> = bounded.collect();
    if bounded.is_empty() {
        return Vec::new();
    }
    let costs = costs(engine);
    let mut diags = Vec::new();
    for (config, bounds) in bounded {
        let listener = program.listeners.iter().find(|listener| listener.name == config.name);
        let hosts = listener.into_iter().flat_map(|listener| &listener.hosts.list);
        let routes = hosts.flat_map(|host| &host.candidates).map(|one| one.route);
        // A route with several hosts and paths is told once.
        for id in routes.collect::<BTreeSet<RouteId>>() {
            let (Some(cost), Some(route)) = (costs.get(id.0 as usize), program.route(id)) else {
                continue;
            };
            let place = (&*route.name, route.span);
            let mut exceeds = |may: (&str, &str, &str), bound: &str| {
                diags.push(beyond_cost(place, may, (bound, bounds.span)));
            };
            let time = |length| Value::Duration(length).to_string();
            let size = |bytes| Value::Size(bytes).to_string();
            let tests = |n: usize| format!("{n} tests");
            if let Some(bound) = bounds.time.filter(|bound| cost.total > *bound) {
                let to = cost.upstream.as_deref().unwrap_or_default();
                let help = match to {
                    "" => "ask nobody whose keys have to be fetched, or allow more".to_owned(),
                    to => {
                        format!("lower `total` of upstream `{to}`, or give `forward` a `timeout`")
                    }
                };
                exceeds(("take", &time(cost.total), &help), &time(bound));
            }
            if let Some(bound) = bounds.buffer.filter(|bound| cost.buffered > *bound) {
                let help = "lower `cap body` of the listener, or do not read the content";
                exceeds(("keep", &size(cost.buffered), help), &size(bound));
            }
            let most = bounds.tests.map(|bound| bound as usize);
            if let Some(bound) = most.filter(|bound| cost.predicates > *bound) {
                let help = "ask for less in it and in the routes that are tried before it";
                exceeds(("make", &tests(cost.predicates), help), &tests(bound));
            }
        }
    }
    diags
}
