//! Limits that count a request, compared by how much they let through. Who is counted apart must be the same; a rate
//! that only the request tells is as strict as itself and as nothing else.

use lang::Value;
use lang::policy::{Call, Expr, ExprKind};
use lang::value::Rate;
use lang::vocab::{ExprId, Form};

use super::Kind;
use super::fate::Does;

/// A limit on the way of a request.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    does: Does,
    /// What is counted apart.
    counts: Vec<ExprId>,
    rate: Option<Rate>,
    burst: Option<i64>,
}

impl Bound {
    /// The limit that an action is, if it is one.
    pub(super) fn of(call: &Call, does: &Does) -> Option<Bound> {
        let Form::Applied = call.row.form else { return None };
        let place = |name: &str| call.row.params.iter().position(|param| param.name == name);
        let known = |name: &str| constant(call.args.get(place(name)?)?);
        let counted = [place("value"), place("ipv6")];
        let counts = counted.into_iter().flatten().filter_map(|at| does.args.get(at).copied());
        Some(Bound {
            counts: counts.collect(),
            rate: known("rate").and_then(|value| match value {
                Value::Rate(rate) => Some(*rate),
                _ => None,
            }),
            burst: known("burst").and_then(|value| match value {
                Value::Int(burst) => Some(*burst),
                _ => None,
            }),
            does: does.clone(),
        })
    }

    /// Whether it lets no more through than `other`.
    fn is_as_strict_as(&self, other: &Bound) -> bool {
        if self.does == other.does {
            return true;
        }
        let meant = |bound: &Bound| (bound.does.lets.clone(), bound.does.captured.clone());
        let (Some(own), Some(theirs)) = (self.rate, other.rate) else { return false };
        let speed = |rate: Rate| rate.count as f64 / rate.per.as_secs_f64().max(f64::MIN_POSITIVE);
        // Without a burst of its own, a whole period's worth may come at once.
        let depth = |bound: &Bound, rate: Rate| {
            bound.burst.unwrap_or_else(|| i64::try_from(rate.count).unwrap_or(i64::MAX) - 1)
        };
        meant(self) == meant(other)
            && self.counts == other.counts
            && speed(own) <= speed(theirs)
            && depth(self, own) <= depth(other, theirs)
    }
}

/// What it means for protection that `new` takes the place of `old`; nothing, where both let as much through.
pub(super) fn verdict(old: &[Bound], new: &[Bound]) -> Option<Kind> {
    let keeps = |these: &[Bound], those: &[Bound]| {
        these.iter().all(|one| those.iter().any(|other| other.is_as_strict_as(one)))
    };
    match (keeps(old, new), keeps(new, old)) {
        (false, _) => Some(Kind::Loosened),
        (true, false) => Some(Kind::Tightened),
        (true, true) => None,
    }
}

fn constant(expr: &Expr) -> Option<&Value> {
    match &expr.kind {
        ExprKind::Const(value) => Some(value),
        _ => None,
    }
}
