//! Decisions about a request of which not everything is known. What is pending stays unknown where a decision that has
//! to be made would wait for it: `and` with something false is false, `or` with something true is true. It never guesses.

use std::sync::Arc;

use lang::Value;
use lang::segment::split;
use lang::vocab::ExprId;

use crate::decision::Decision;
use crate::frame::{Ask, Fill, Frame, Head, SlotId};
use crate::interp::{Interp, Pending};
use crate::matcher::Matcher;
use crate::program::code::Methods;
use crate::program::{Candidate, Expr, ListenerId};

impl Matcher {
    /// As [`Matcher::decide`], for a request of which not everything is known: pending is what nobody will bring, and
    /// only where the decision depends on it.
    pub fn decide_partly(&self, ask: &Ask<'_>) -> Decision {
        match self.decide(ask) {
            Decision::Pending(_) => {
                decide(&self.interp(ask.frame, ask.fill), ask.listener, &ask.head)
            }
            decision => decision,
        }
    }

    /// Whether an expression is `true`, or the pending slot on which that depends.
    pub fn holds(&self, expr: ExprId, frame: &Frame, fill: &dyn Fill) -> Result<bool, SlotId> {
        holds(&self.interp(frame, fill), expr)
    }

    /// As [`Matcher::eval`]; what is pending is told.
    pub fn eval_partly(
        &self,
        expr: ExprId,
        frame: &Frame,
        fill: &dyn Fill,
    ) -> Result<Value, SlotId> {
        self.interp(frame, fill).value(expr).map_err(|Pending(slot)| slot)
    }
}

/// Which route answers, if what is pending does not matter. It asks what [`Interp::decide`] asks, in the same order, and
/// is asked where that one would have to wait.
fn decide(interp: &Interp<'_>, listener: ListenerId, head: &Head<'_>) -> Decision {
    let table = interp.program.listeners.get(listener.0 as usize);
    let Some(table) = table else { return Decision::NotFound };
    let segments: Vec<&str> = split(head.path).collect();
    let mut others: Vec<(&Candidate, &[Arc<str>])> = Vec::new();
    for host in table.hosts.find(head.host) {
        for candidate in crate::interp::decide::candidates(host, &segments) {
            match candidate.methods.as_deref() {
                Some(methods) if !methods.iter().any(|method| **method == *head.method.name()) => {
                    others.push((candidate, methods));
                }
                _ => match takes(interp, candidate, &segments) {
                    Ok(true) => return Decision::Route(candidate.route),
                    Ok(false) => {}
                    Err(slot) => return Decision::Pending(slot),
                },
            }
        }
    }
    let mut allowed: Vec<Arc<str>> = Vec::new();
    for (candidate, methods) in others {
        match takes(interp, candidate, &segments) {
            Ok(true) => allowed.extend(methods.iter().cloned()),
            Ok(false) => {}
            Err(slot) => return Decision::Pending(slot),
        }
    }
    interp.frame.set_captures(Vec::new());
    Decision::without_route(Methods::of(&allowed))
}

/// Whether an expression is `true`, or the slot on which that depends.
fn holds(interp: &Interp<'_>, id: ExprId) -> Result<bool, SlotId> {
    if interp.constants.get(id).is_some() {
        return interp.holds(id).map_err(|Pending(slot)| slot);
    }
    match interp.program.expr(id) {
        Expr::Not(inner) => holds(interp, *inner).map(|holds| !holds),
        Expr::And(parts) => any_is(interp, parts.iter().copied(), false).map(|met| !met),
        Expr::Or(parts) => any_is(interp, parts.iter().copied(), true),
        _ => interp.holds(id).map_err(|Pending(slot)| slot),
    }
}

/// Whether one of the parts is `wanted`; unknown if none is and one is unknown.
fn any_is(
    interp: &Interp<'_>,
    parts: impl Iterator<Item = ExprId>,
    wanted: bool,
) -> Result<bool, SlotId> {
    let mut unknown = None;
    for part in parts {
        match holds(interp, part) {
            Ok(found) if found == wanted => return Ok(true),
            Ok(_) => {}
            Err(slot) => unknown = unknown.or(Some(slot)),
        }
    }
    unknown.map_or(Ok(false), Err)
}

fn takes(interp: &Interp<'_>, candidate: &Candidate, segments: &[&str]) -> Result<bool, SlotId> {
    let Some(route) = interp.program.route(candidate.route) else { return Ok(false) };
    interp.capture(candidate, segments);
    let conditions = route.conditions.iter().map(|(condition, _)| *condition);
    any_is(interp, conditions, false).map(|failed| !failed)
}
