//! Why a route answers and each other one does not. It asks the same questions as the decision, of every route of the
//! listener, and writes no prose: whoever shows it does.

use std::sync::Arc;

use lang::Span;
use lang::policy::Path;

use crate::decision::Decision;
use crate::frame::{Head, SlotId};
use crate::interp::{Interp, Pending};
use crate::program::{Candidate, ListenerId, RouteId, VirtualHost};
use crate::segment::{Relation, path_relation, split};

/// What becomes of a request, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// Which route answers.
    pub decision: Decision,
    /// Every route of the listener, in the policy's order, with what became of it.
    pub routes: Vec<(RouteId, Verdict)>,
}

/// What becomes of a route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It answers.
    Answers,
    /// It does not.
    Lost(Loss),
}

/// Why a route does not answer: what stopped the one of its hosts and paths that came furthest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loss {
    /// None of its hosts is the request's.
    Host,
    /// Its host is, none of its paths holds the request's.
    Path,
    /// Host and path are, the method is not among these.
    Method(Vec<Arc<str>>),
    /// Only this conjunct of its `where` fails, or it and those behind it; the place is in the policy.
    Condition(Span),
    /// It depends on a slot that is pending.
    Pending(SlotId),
    /// It would take the request, but this route is tried first, by this rule.
    Later(RouteId, Rule),
}

/// Why one route is tried before another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Its host is strictly narrower.
    Host,
    /// Its path is strictly narrower.
    Path,
    /// Its methods and `where` are strictly narrower.
    Condition,
    /// A `before` says so, directly or through others.
    Before,
}

/// A candidate and the virtual host it belongs to.
type Place<'p> = (&'p VirtualHost, &'p Candidate);

pub(crate) fn explain(interp: &Interp<'_>, listener: ListenerId, head: &Head<'_>) -> Explanation {
    let Some(table) = interp.program.listeners.get(listener.0 as usize) else {
        return Explanation { decision: Decision::NotFound, routes: Vec::new() };
    };
    let segments: Vec<&str> = split(head.path).collect();
    let mut verdicts: Vec<Option<Loss>> = vec![None; interp.program.routes.len()];
    let mut winner: Option<Place<'_>> = None;
    let answering: Vec<&VirtualHost> = table.hosts.find(head.host).collect();

    let everywhere = table.hosts.list.iter().flat_map(|host| &host.candidates);
    everywhere.for_each(|candidate| note(&mut verdicts, candidate.route, Loss::Host));
    for host in answering {
        host.candidates.iter().for_each(|one| note(&mut verdicts, one.route, Loss::Path));
        for candidate in crate::interp::decide::candidates(host, &segments) {
            let loss = loss(interp, candidate, &segments, head);
            match (loss, winner) {
                (Some(loss), _) => note(&mut verdicts, candidate.route, loss),
                (None, None) => winner = Some((host, candidate)),
                (None, Some(first)) => {
                    let rule = rule(interp, first, (host, candidate));
                    note(&mut verdicts, candidate.route, Loss::Later(first.1.route, rule));
                }
            }
        }
    }
    let decision = match interp.decide(table, head) {
        Ok(decision) => decision,
        Err(Pending(slot)) => Decision::Pending(slot),
    };
    let routes = verdicts.into_iter().enumerate().filter_map(|(at, loss)| {
        let route = RouteId(at as u32);
        let verdict = match loss {
            _ if decision == Decision::Route(route) => Verdict::Answers,
            loss => Verdict::Lost(loss?),
        };
        Some((route, verdict))
    });
    let routes = routes.collect();
    Explanation { decision, routes }
}

/// What stops this candidate, if anything does.
fn loss(
    interp: &Interp<'_>,
    candidate: &Candidate,
    segments: &[&str],
    head: &Head<'_>,
) -> Option<Loss> {
    if let Some(methods) = &candidate.methods
        && !methods.iter().any(|method| **method == *head.method)
    {
        return Some(Loss::Method(methods.clone()));
    }
    interp.capture(candidate, segments);
    let route = interp.program.route(candidate.route)?;
    for (condition, span) in &route.conditions {
        match interp.holds(*condition) {
            Ok(true) => {}
            Ok(false) => return Some(Loss::Condition(*span)),
            Err(Pending(slot)) => return Some(Loss::Pending(slot)),
        }
    }
    None
}

/// By which rule the first is tried before the second.
fn rule(interp: &Interp<'_>, first: Place<'_>, second: Place<'_>) -> Rule {
    if first.0.host != second.0.host {
        return Rule::Host;
    }
    let path = |candidate: &Candidate| -> Option<&Path> {
        let route = interp.program.route(candidate.route)?;
        route.paths.get(candidate.path).map(|(path, _)| path)
    };
    let relation = match (path(first.1), path(second.1)) {
        (Some(a), Some(b)) => path_relation(a, b),
        _ => Relation::Equal,
    };
    let pair = (first.1.route, second.1.route);
    match relation {
        Relation::Inside => Rule::Path,
        Relation::Equal if !interp.program.before.contains(&pair) => Rule::Condition,
        _ => Rule::Before,
    }
}

/// Keeps the loss that came furthest.
fn note(verdicts: &mut [Option<Loss>], route: RouteId, loss: Loss) {
    if let Some(kept) = verdicts.get_mut(route.0 as usize)
        && kept.as_ref().is_none_or(|kept| distance(kept) < distance(&loss))
    {
        *kept = Some(loss);
    }
}

fn distance(loss: &Loss) -> u8 {
    match loss {
        Loss::Host => 0,
        Loss::Path => 1,
        Loss::Method(_) => 2,
        Loss::Condition(_) => 3,
        Loss::Pending(_) => 4,
        Loss::Later(..) => 5,
    }
}
