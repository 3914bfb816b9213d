//! Why a route answers and each other one does not. It asks the same questions as the decision, of every route of the
//! listener, and writes no prose: whoever shows it does.

use std::collections::HashSet;
use std::sync::Arc;

use lang::policy::Compare;
use lang::vocab::ExprId;
use lang::{Span, Value};

use crate::decision::Decision;
use crate::frame::{Head, Slot, SlotId};
use crate::interp::{Interp, Pending};
use crate::program::{Candidate, Expr, ListenerId, RouteId, VirtualHost};
use lang::segment::split;

mod rule;

pub use rule::Rule;
use rule::rule;

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
    /// These conjuncts of its `where` do not hold, in order.
    Condition(Vec<Failure>),
    /// It depends on a slot that is pending.
    Pending(SlotId),
    /// It would take the request, but this route is tried first, by this rule.
    Later(RouteId, Rule),
}

/// A conjunct of a `where` that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Its place in the policy.
    pub span: Span,
    /// What it looked at, as the policy names it, and what was found.
    pub found: Vec<(String, Value)>,
    /// What it computed of that.
    pub computed: Vec<Computed>,
}

/// A value that a condition computes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Computed {
    /// The expression, as a program has it.
    pub text: String,
    /// What it comes to.
    pub value: Value,
    /// What it would have to be, where one thing is asked of it.
    pub wanted: Option<Wanted>,
}

/// What a value would have to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// In this relation to that value.
    Compare(Compare, Value),
    /// One of these, or in one.
    In(Value),
    /// Any.
    Present,
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
        && !methods.iter().any(|method| **method == *head.method.name())
    {
        return Some(Loss::Method(methods.clone()));
    }
    interp.capture(candidate, segments);
    let route = interp.program.route(candidate.route)?;
    let mut failures = Vec::new();
    let mut pending = None;
    for (condition, span) in &route.conditions {
        match interp.holds(*condition) {
            Ok(true) => {}
            Ok(false) => failures.push(Failure {
                span: *span,
                found: found(interp, *condition),
                computed: computed(interp, *condition),
            }),
            Err(Pending(slot)) => pending = pending.or(Some(Loss::Pending(slot))),
        }
    }
    if failures.is_empty() { pending } else { Some(Loss::Condition(failures)) }
}

/// Everything that an expression reads of the request and of the inputs, with its value.
fn found(interp: &Interp<'_>, root: ExprId) -> Vec<(String, Value)> {
    let program = interp.program;
    let mut found: Vec<(String, Value)> = Vec::new();
    for (id, expr) in program.walk([root], &[]) {
        let name = match expr {
            Expr::Slot(slot) => program.slot(*slot).map(Slot::written),
            Expr::Capture(name) => Some(format!("path.{name}")),
            Expr::Input(input) => {
                program.inputs.get(input.0 as usize).map(|input| input.name.to_string())
            }
            _ => None,
        };
        if let (Some(name), Ok(value)) = (name, interp.value(id)) {
            found.push((name, value));
        }
    }
    found
}

/// What a condition computes, beyond what it reads, with what would have to come of it. Under a `not` nothing is wanted.
fn computed(interp: &Interp<'_>, root: ExprId) -> Vec<Computed> {
    let mut computed: Vec<Computed> = Vec::new();
    let mut open = vec![(root, true)];
    let mut seen = HashSet::new();
    while let Some((id, plain)) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let mut side = |id: &ExprId, wanted: Option<Wanted>| {
            let is_read = matches!(
                interp.program.expr(*id),
                Expr::Slot(_) | Expr::Capture(_) | Expr::Input(_) | Expr::Const(_)
            );
            let is_fixed = interp.constants.get(*id).is_some();
            if let (false, false, Ok(value)) = (is_read, is_fixed, interp.value(*id)) {
                let text = interp.program.show(*id).to_string();
                computed.push(Computed { text, value, wanted: wanted.filter(|_| plain) });
            }
        };
        let known = |id: &ExprId| interp.value(*id).ok().filter(|value| !value.is_absent());
        match interp.program.expr(id) {
            Expr::Compare(how, a, b) => {
                side(a, known(b).map(|with| Wanted::Compare(*how, with)));
                side(b, known(a).map(|with| Wanted::Compare(how.mirrored(), with)));
            }
            Expr::In(item, of) => {
                side(item, known(of).map(Wanted::In));
                side(of, None);
            }
            Expr::Present(of) => side(of, Some(Wanted::Present)),
            Expr::Call(_, arguments) => arguments.iter().for_each(|argument| side(argument, None)),
            Expr::Not(inner) => open.push((*inner, false)),
            Expr::And(parts) | Expr::Or(parts) => {
                open.extend(parts.iter().rev().map(|part| (*part, plain)));
            }
            _ => {}
        }
    }
    computed
}

impl Loss {
    /// How near the route came to answering; more is nearer.
    pub fn nearness(&self) -> u8 {
        distance(self)
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
