//! Limits that count a request, compared by how much they let through. Whoever shares a count with more others passes less
//! often, so a key of fewer parts is the stricter one. A rate that only the request tells is as strict as itself and as
//! nothing else.

use std::collections::{BTreeMap, BTreeSet};

use lang::policy::{Call, LocalId};
use lang::value::Rate;
use lang::vocab::{ExprId, Form};
use lang::{Ty, Value};

use super::counts::Counts;
use super::effect::Does;
use super::typed::ty;
use super::{Kind, Reason};
use crate::program::{Expr, named};
use crate::proof::basis::Basis;

/// Why a limit of another name lets less through.
const TOGETHER: &str = "a limit counts it together with what it was counted apart from";

/// A limit on the way of a request.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    does: Does,
    /// What the names stand for that its parts read.
    lets: Vec<ExprId>,
    /// Its name: what counts under one name counts together.
    name: Option<ExprId>,
    /// What is counted apart: each part of the key, with the bits that count of an address of version 6.
    parts: Parts,
    /// What the key says beside them, the same for all: routes that say the same share a count.
    words: BTreeSet<ExprId>,
    rate: Option<Rate>,
    rate_by: Option<ExprId>,
    burst: Option<i64>,
}

/// The parts of a key, with the bits that count of what is an address of version 6 there.
type Parts = BTreeMap<ExprId, Option<i64>>;

/// The bits of an address of version 6, which all count where it is written as a text.
const ALL_BITS: i64 = 128;

/// A limit's arguments as plainly as they can be said: a list of one value to count by is that value, and of a burst that is
/// what it is without one, a whole period's worth, nothing is said.
pub(super) fn plainly(basis: &Basis<'_>, call: &Call, args: &mut [ExprId]) {
    let Form::Applied = call.row.form else { return };
    if let Some(value) = call.row.place_of("value").and_then(|at| args.get_mut(at))
        && let Expr::List(items) = basis.program.expr(*value)
        && let [one] = items[..]
        && basis.program.read_by(one).is_some_and(|(_, slot)| slot.ty.is_single())
    {
        *value = one;
    }
    let known = |name: &str, args: &[ExprId]| {
        let at = call.row.place_of(name)?;
        Some((at, basis.constants.get(*args.get(at)?)?))
    };
    let (Some((_, Value::Rate(rate))), Some((at, Value::Int(burst)))) =
        (known("rate", args), known("burst", args))
    else {
        return;
    };
    if i64::try_from(rate.count).is_ok_and(|count| *burst == count - 1)
        && let Some(nothing) = basis.program.nothing()
        && let Some(burst) = args.get_mut(at)
    {
        *burst = nothing;
    }
}

/// What of a limit says how it answers who is refused.
const REFUSAL: [&str; 3] = ["status", "retry_after", "body"];

/// Leaves of a limit's arguments only what matters to requests that it refuses, or only what matters to the others.
pub(super) fn as_met(basis: &Basis<'_>, call: &Call, args: &mut [ExprId], refuses: bool) {
    let Form::Applied = call.row.form else { return };
    let Some(nothing) = basis.program.nothing() else { return };
    for (param, arg) in call.row.params.iter().zip(args) {
        let is_which = param.name == "limit";
        if !is_which && REFUSAL.contains(&param.name) != refuses {
            *arg = nothing;
        }
    }
}

impl Bound {
    /// The limit that an action is, if it is one.
    pub(super) fn of(
        basis: &Basis<'_>,
        call: &Call,
        (does, lets): (&Does, &[(LocalId, ExprId)]),
    ) -> Option<Bound> {
        let Form::Applied = call.row.form else { return None };
        let argument = |name: &str| {
            let at = call.row.place_of(name)?;
            does.args.get(at).copied()
        };
        let known = |name: &str| basis.constants.get(argument(name)?);
        let number = |name: &str| match known(name) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        };
        let program = &basis.program;
        let counted = |part| {
            let (mut of, mut bits) = (part, number("ipv6"));
            // Names stand for what was computed before, and so nothing stands for itself.
            loop {
                of = match program.expr(of) {
                    Expr::Local(local) => match named(lets, *local) {
                        Some(value) => value,
                        None => break,
                    },
                    Expr::Template(texts) if texts.len() == 1 => {
                        bits = Some(ALL_BITS);
                        texts.first().copied().unwrap_or(of)
                    }
                    _ => break,
                };
            }
            (of, bits.filter(|_| ty(program, of, lets, &does.captured) == Some(Ty::Ip)))
        };
        let (words, parts) = argument("value").map(|key| divided(basis, key)).unwrap_or_default();
        let parts: Parts = parts.into_iter().map(counted).collect();
        let locals = program.walk(parts.keys().copied(), &[]).filter_map(|(_, expr)| match expr {
            Expr::Local(local) => named(lets, *local),
            _ => None,
        });
        Some(Bound {
            name: argument("limit"),
            parts,
            words,
            rate: match known("rate") {
                Some(Value::Rate(rate)) => Some(*rate),
                _ => None,
            },
            rate_by: argument("rate"),
            burst: number("burst"),
            lets: locals.collect(),
            does: does.clone(),
        })
    }

    /// How it stands in the place of `other`.
    fn instead_of(&self, other: &Bound, counts: &Shared<'_>) -> Instead {
        if self.does == other.does {
            return Instead::AsStrict;
        }
        let meant = |bound: &Bound| {
            let captured = bound.does.captured.iter().map(|one| (one.name.clone(), one.at));
            (bound.lets.clone(), captured.collect::<Vec<_>>())
        };
        let (fewer, more) =
            (is_within(&self.parts, &other.parts), is_within(&other.parts, &self.parts));
        // With other words a key shares its count with other routes.
        let shares_otherwise = self.words != other.words
            && ((fewer && more) || !(self.words.is_empty() || other.words.is_empty()));
        if meant(self) != meant(other) || shares_otherwise || !(fewer || more) {
            return Instead::OtherKey;
        }
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
                _ => return Instead::OtherRate,
            },
            _ => return Instead::OtherRate,
        };
        let by_bits = self.parts.iter().all(|(part, bits)| other.parts.get(part) >= Some(bits));
        match fewer && by_rate && by_bits {
            true if counts.parts(other.name, self.name) => Instead::Apart,
            true => Instead::AsStrict,
            false => Instead::Looser,
        }
    }
}

/// Who shares which counts, as one side sees the other.
#[derive(Clone, Copy)]
struct Shared<'c> {
    counts: &'c Counts,
    /// Whether the one that is replaced is the new one.
    back: bool,
}

impl Shared<'_> {
    /// Whether something that shared its count under the one name no longer does under the one in its place.
    fn parts(&self, gone: Option<ExprId>, other: Option<ExprId>) -> bool {
        let (Some(gone), Some(other)) = (gone, other) else { return gone != other };
        match self.back {
            false => self.counts.parts(gone, other),
            true => self.counts.gathers(other, gone),
        }
    }
}

/// How one limit stands in the place of another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Instead {
    /// It lets no more through.
    AsStrict,
    /// It lets no more through of those that it counts, and there is another one for others that shared the count.
    Apart,
    /// It lets more through.
    Looser,
    /// It counts the same; how much each lets through is not known.
    OtherRate,
    /// It counts something else.
    OtherKey,
}

/// What has become of a limit, or of what it is to another policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Now {
    /// One is there that lets no more through.
    Kept,
    /// The one in its place counts fewer together.
    Apart,
    /// The one in its place lets more through.
    Looser,
    /// None is in its place.
    Gone,
    /// One of these two, and another limit, which counts something else, lets less through.
    Mixed,
    /// Nobody knows how strict the one in its place is.
    OtherRate,
    /// One that counts something else may be in its place.
    OtherKey,
}

/// What has become of each of `these` limits where `those` are. What both have stands in the place of nothing but itself,
/// and what counts the same as another one in the place of that.
fn now(these: &[Bound], those: &[Bound], counts: Shared<'_>) -> Vec<Now> {
    let only = |own: &[Bound], other: &[Bound]| -> Vec<Bound> {
        let is_new = |bound: &&Bound| !other.iter().any(|known| known.does == bound.does);
        own.iter().filter(is_new).cloned().collect()
    };
    let (gone, new) = (only(these, those), only(those, these));
    let counts_same =
        |one: &Bound, other: &Bound| one.instead_of(other, &counts) != Instead::OtherKey;
    let is_free = |other: &&Bound| !gone.iter().any(|one| counts_same(other, one));
    let holds = |all: &[Bound], one: &Bound| {
        all.iter().any(|other| other.instead_of(one, &counts) == Instead::AsStrict)
    };
    let become_of = |one: &Bound| {
        let by_the_same = |one: &Bound, other: &Bound| one.parts.keys().eq(other.parts.keys());
        // Whoever differs in what one counts may be the same in what the other counts.
        let is_made_up_for =
            || new.iter().any(|other| !by_the_same(other, one) && !holds(these, other));
        match new.iter().map(|other| other.instead_of(one, &counts)).min() {
            _ if holds(those, one) => Now::Kept,
            Some(Instead::OtherRate) => Now::OtherRate,
            Some(Instead::OtherKey) if new.iter().any(|other| is_free(&other)) => Now::OtherKey,
            _ if is_made_up_for() => Now::Mixed,
            Some(Instead::Apart) => Now::Apart,
            Some(Instead::Looser) => Now::Looser,
            _ => Now::Gone,
        }
    };
    gone.iter().map(become_of).collect()
}

/// What it means for protection that `new` limits take the place of `old` ones, and why; nothing, where both let as much
/// through.
pub(super) fn verdict(old: &[Bound], new: &[Bound], counts: &Counts) -> Option<Reason> {
    let before = now(old, new, Shared { counts, back: false });
    let after = now(new, old, Shared { counts, back: true });
    let told = |kind, words: &str| Some((kind, words.to_owned()));
    let unclear = |what: Now| before.contains(&what) || after.contains(&what);
    if before.contains(&Now::Gone) {
        return told(
            Kind::Loosened,
            match new.is_empty() {
                true => "no limit counts it any more",
                false => "a limit no longer counts it",
            },
        );
    }
    if before.contains(&Now::Looser) {
        return told(Kind::Loosened, "a limit lets more through than the one before");
    }
    if before.contains(&Now::Mixed) {
        return told(
            Kind::Unclear,
            "a limit lets more through than the one before, another one less",
        );
    }
    if unclear(Now::OtherKey) {
        return told(Kind::Unclear, "a limit counts by something else");
    }
    if unclear(Now::OtherRate) {
        return told(Kind::Unclear, "how much a limit lets through hangs on something else");
    }
    match (before.contains(&Now::Apart), after.contains(&Now::Apart)) {
        (true, true) => {
            return told(Kind::Unclear, "a limit counts it together with other requests");
        }
        (true, false) => {
            return told(Kind::Loosened, "a limit counts it apart from what it was counted with");
        }
        _ => {}
    }
    if counts_less(old, new) {
        return told(Kind::Loosened, "a limit counts a request fewer times");
    }
    let lets_less = |one: &Now| !matches!(one, Now::Kept | Now::Apart);
    if after.iter().any(lets_less) || counts_less(new, old) {
        return told(Kind::Tightened, "a limit lets less through");
    }
    let is_together = after.contains(&Now::Apart);
    is_together.then(|| (Kind::Tightened, TOGETHER.to_owned()))
}

/// Whether a limit that `these` are several times is there fewer times among `those`.
fn counts_less(these: &[Bound], those: &[Bound]) -> bool {
    let times = |all: &[Bound], one: &Bound| all.iter().filter(|of| of.does == one.does).count();
    these.iter().any(|one| (1..times(these, one)).contains(&times(those, one)))
}

/// Whether all these parts are among the others.
fn is_within(parts: &Parts, others: &Parts) -> bool {
    parts.keys().all(|part| others.contains_key(part))
}

/// The parts of a key. What is the same for all tells nobody apart.
pub(super) fn parts(basis: &Basis<'_>, key: ExprId) -> BTreeSet<ExprId> {
    divided(basis, key).1
}

/// What a key says that is the same for all, and its parts.
fn divided(basis: &Basis<'_>, key: ExprId) -> (BTreeSet<ExprId>, BTreeSet<ExprId>) {
    let all = match basis.program.expr(key) {
        Expr::List(items) => items.clone(),
        _ => vec![key],
    };
    all.into_iter().partition(|part| matches!(basis.program.expr(*part), Expr::Const(_)))
}
