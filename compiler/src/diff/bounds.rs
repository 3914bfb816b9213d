//! Limits that count a request, compared by how much they let through. Whoever shares a count with more others passes less
//! often, so a key of fewer parts is the stricter one. A rate that only the request tells is as strict as itself and as
//! nothing else.

use std::collections::BTreeSet;

use lang::Value;
use lang::policy::Call;
use lang::value::Rate;
use lang::vocab::{ExprId, Form};

use super::Kind;
use super::exposure::Reason;
use super::fate::Does;
use crate::program::Expr;
use crate::proof::basis::Basis;

/// A limit on the way of a request.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    does: Does,
    /// What is counted apart: each part of the key.
    parts: BTreeSet<ExprId>,
    /// How many bits of an address of version 6 count.
    ipv6: Option<i64>,
    rate: Option<Rate>,
    rate_by: Option<ExprId>,
    burst: Option<i64>,
}

impl Bound {
    /// The limit that an action is, if it is one.
    pub(super) fn of(basis: &Basis<'_>, call: &Call, does: &Does) -> Option<Bound> {
        let Form::Applied = call.row.form else { return None };
        let argument = |name: &str| {
            let at = call.row.params.iter().position(|param| param.name == name)?;
            does.args.get(at).copied()
        };
        let known = |name: &str| basis.constants.get(argument(name)?);
        let number = |name: &str| match known(name) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        };
        Some(Bound {
            parts: argument("value").map(|key| parts(basis, key)).unwrap_or_default(),
            ipv6: number("ipv6"),
            rate: match known("rate") {
                Some(Value::Rate(rate)) => Some(*rate),
                _ => None,
            },
            rate_by: argument("rate"),
            burst: number("burst"),
            does: does.clone(),
        })
    }

    /// Whether it lets no more through than `other`, if that can be told.
    fn is_as_strict_as(&self, other: &Bound) -> Option<bool> {
        if self.does == other.does {
            return Some(true);
        }
        let meant = |bound: &Bound| (bound.does.lets.clone(), bound.does.captured.clone());
        if meant(self) != meant(other) {
            return None;
        }
        let by_key =
            match (self.parts.is_subset(&other.parts), self.parts.is_superset(&other.parts)) {
                (true, _) => true,
                (false, true) => false,
                (false, false) => return None,
            };
        let speed = |rate: Rate| rate.count as f64 / rate.per.as_secs_f64().max(f64::MIN_POSITIVE);
        // Without a burst of its own, a whole period's worth may come at once.
        let depth = |bound: &Bound, rate: Rate| {
            bound.burst.unwrap_or_else(|| i64::try_from(rate.count).unwrap_or(i64::MAX) - 1)
        };
        let by_rate = match (self.rate, other.rate) {
            (Some(own), Some(theirs)) => {
                speed(own) <= speed(theirs) && depth(self, own) <= depth(other, theirs)
            }
            _ if self.rate_by == other.rate_by => match (self.burst, other.burst) {
                (own, theirs) if own == theirs => true,
                (Some(own), Some(theirs)) => own <= theirs,
                _ => return None,
            },
            _ => return None,
        };
        Some(by_key && by_rate && self.ipv6 <= other.ipv6)
    }
}

/// What it means for protection that `new` takes the place of `old`, and why; nothing, where both let as much through.
pub(super) fn verdict(old: &[Bound], new: &[Bound]) -> Option<Reason> {
    let keeps = |these: &[Bound], those: &[Bound]| -> Option<bool> {
        let mut all = Some(true);
        for one in these {
            let told: Vec<Option<bool>> =
                those.iter().map(|other| other.is_as_strict_as(one)).collect();
            if told.contains(&Some(true)) {
                continue;
            }
            if !told.contains(&None) {
                return Some(false);
            }
            all = None;
        }
        all
    };
    let told = |kind, words: &str| Some((kind, words.to_owned()));
    match (keeps(old, new), keeps(new, old)) {
        (Some(false), _) if new.is_empty() => told(Kind::Loosened, "no limit counts it any more"),
        (Some(false), _) => told(Kind::Loosened, "a limit lets more through than the one before"),
        (None, _) => told(Kind::Unclear, "a limit counts by something else"),
        (Some(true), Some(true)) => None,
        (Some(true), _) => told(Kind::Tightened, "a limit lets less through"),
    }
}

/// The parts of a key.
pub(super) fn parts(basis: &Basis<'_>, key: ExprId) -> BTreeSet<ExprId> {
    match basis.program.expr(key) {
        Expr::List(items) => items.iter().copied().collect(),
        Expr::Const(Value::Absent) => BTreeSet::new(),
        _ => BTreeSet::from([key]),
    }
}
