//! Who says what stands in a field: the client, whom the gateway has verified, or the policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lang::policy::LocalId;
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;
use lang::{Ty, Value};

use crate::diff::Kind;
use crate::diff::choices::Chosen;
use crate::diff::effect::Captured;
use crate::diff::free::Hold;
use crate::diff::typed::ty;
use crate::program::{Expr, MatchArm, named};
use crate::proof::basis::Basis;

/// What becomes of a header field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Put {
    /// It is as it came.
    Passes,
    /// It is as it came, beside what the policy says.
    Beside,
    /// It is taken away.
    Kept,
    /// The policy says it, by who the gateway knows asks.
    Identity(Made),
    /// The policy says it.
    Own(ExprId),
    /// The policy makes it of something else that the client says.
    Client(Made),
    /// It is there.
    Said,
    /// The gateway writes it by itself.
    Written,
    /// Nobody knows.
    Unknown,
}

/// What a value is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Made {
    pub(super) value: ExprId,
    /// What the gateway has verified in it.
    verified: BTreeSet<ExprId>,
    /// What the client says in it, a choice between that and what is verified included.
    said: BTreeSet<ExprId>,
    /// What the client says in it of what a condition asks something.
    asked: BTreeSet<ExprId>,
    /// What the client says in it of what it is held to.
    held: BTreeSet<ExprId>,
    /// Which of all that the client says is no text.
    numbers: BTreeSet<ExprId>,
    /// What the client says among which it chooses.
    choices: BTreeSet<BTreeSet<ExprId>>,
    /// Whether that is the host that is asked for, and no more.
    pub(super) is_host: bool,
}

/// What holds a client in a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    /// The gateway has verified it.
    Verified,
    /// The policy takes no request that says something else there.
    Held,
}

/// What it means that another value stands in a place, for what is verified in it, or for what a client is held to. `None`
/// where all of that is still there.
pub(super) fn remade(old: &Put, new: &Put) -> Option<(Kind, By)> {
    let (more, less) = (!new.says_within(old), !old.says_within(new));
    let (lost, gained) = (!old.verifies_within(new), !new.verifies_within(old));
    match (lost && more, gained && less) {
        (true, false) => return Some((Kind::Loosened, By::Verified)),
        (false, true) => return Some((Kind::Tightened, By::Verified)),
        _ if lost => return Some((Kind::Unclear, By::Verified)),
        _ => {}
    }
    let lets_go = |one: &Put, other: &Put| {
        !one.holds_within(other) || (one.is_all_held() && other.says_freely())
    };
    let may_let_go = more && old.may_hold_more_than(new);
    match (lets_go(old, new) && more, lets_go(new, old) && less) {
        (true, false) => Some((Kind::Loosened, By::Held)),
        (_, false) | (false, _) if may_let_go => Some((Kind::Unclear, By::Held)),
        (false, true) => Some((Kind::Tightened, By::Held)),
        (true, true) => match (old.is_number(), new.is_number()) {
            (true, false) => Some((Kind::Loosened, By::Held)),
            (false, true) => Some((Kind::Tightened, By::Held)),
            (false, false) => Some((Kind::Unclear, By::Held)),
            (true, true) => None,
        },
        _ => None,
    }
}

/// What a client says in a path or a query that no expression reads.
pub(super) const REST: ExprId = ExprId(u32::MAX);

impl Made {
    fn new(value: ExprId) -> Made {
        Made {
            value,
            verified: BTreeSet::new(),
            said: BTreeSet::new(),
            asked: BTreeSet::new(),
            held: BTreeSet::new(),
            numbers: BTreeSet::new(),
            choices: BTreeSet::new(),
            is_host: false,
        }
    }

    /// Divides what the client says by how it is held there. Of what it chooses among the loosest counts.
    fn hold(&mut self, hold: &mut dyn FnMut(ExprId) -> Hold) {
        let Made { said, asked, held, numbers, choices, .. } = self;
        let mut own = |id: &ExprId| match numbers.contains(id) {
            true => Hold::Firmly,
            false => hold(*id),
        };
        let how: BTreeMap<ExprId, Hold> = said.iter().map(|id| (*id, own(id))).collect();
        said.clear();
        for (id, own) in &how {
            let among = choices.iter().filter(|all| all.contains(id)).flatten();
            let loosest = among.filter_map(|id| how.get(id)).chain([own]).min();
            match own {
                Hold::Not => drop(said.insert(*id)),
                own if loosest != Some(own) => {}
                Hold::Perhaps => drop(asked.insert(*id)),
                Hold::Firmly => drop(held.insert(*id)),
            }
        }
    }
}

impl Put {
    /// Whether all that is verified in it is so in the other, too.
    fn verifies_within(&self, other: &Put) -> bool {
        match (self, other) {
            // Who has opened the connection is known.
            (_, Put::Written) => true,
            (Put::Identity(one) | Put::Client(one), Put::Identity(other) | Put::Client(other)) => {
                one.verified.is_subset(&other.verified)
            }
            (Put::Identity(one) | Put::Client(one), _) => one.verified.is_empty(),
            _ => true,
        }
    }

    /// Whether the client says in it no more than in the other.
    fn says_within(&self, other: &Put) -> bool {
        match (self, other) {
            (_, other) if other.passes() => true,
            (Put::Client(one), Put::Client(other)) => {
                let says = |id| {
                    let Made { said, asked, held, .. } = other;
                    [said, asked, held].iter().any(|all| all.contains(id))
                };
                one.said.iter().chain(&one.asked).chain(&one.held).all(says)
            }
            (one, _) => !one.passes() && !matches!(one, Put::Client(_)),
        }
    }

    /// Whether a client is held in the other to all that it is held to in this one.
    fn holds_within(&self, other: &Put) -> bool {
        match (self, other) {
            (Put::Client(one), Put::Client(other)) => one.held.is_subset(&other.held),
            (Put::Client(one), _) => one.held.is_empty(),
            _ => true,
        }
    }

    /// Whether the client says no text in it.
    fn is_number(&self) -> bool {
        let Put::Client(made) = self else { return false };
        let mut all = made.said.iter().chain(&made.asked).chain(&made.held);
        all.all(|id| made.numbers.contains(id))
    }

    /// Whether a client is held in all that it says in it.
    fn is_all_held(&self) -> bool {
        match self {
            Put::Client(made) => made.said.is_empty() && made.asked.is_empty(),
            _ => false,
        }
    }

    /// Whether a client says something in it in which it may not be held.
    fn says_freely(&self) -> bool {
        match self {
            Put::Client(made) => !made.said.is_empty() || !made.asked.is_empty(),
            put => put.passes(),
        }
    }

    /// Whether something is asked of what a client says in it, and not of what it says in the other.
    fn may_hold_more_than(&self, other: &Put) -> bool {
        let Put::Client(one) = self else { return false };
        let holds = |id| match other {
            Put::Client(other) => other.asked.contains(id) || other.held.contains(id),
            _ => false,
        };
        let is_free = match other {
            Put::Client(other) => !other.said.is_empty(),
            other => other.passes(),
        };
        !one.asked.is_empty() && (!one.asked.iter().all(holds) || (one.said.is_empty() && is_free))
    }

    /// Notes how the client is held in what it says.
    pub(super) fn hold(&mut self, hold: &mut dyn FnMut(ExprId) -> Hold) {
        if let Put::Client(made) = self {
            made.hold(hold);
        }
    }

    /// What a client says in a place as it came, as a value that is made of just that.
    pub(super) fn as_came(of: impl IntoIterator<Item = ExprId>) -> Put {
        let said: BTreeSet<ExprId> = of.into_iter().collect();
        let value = said.first().copied().unwrap_or(REST);
        Put::Client(Made { said, ..Made::new(value) })
    }

    /// The same beside what is said here.
    pub(super) fn beside(mut self, other: &Put) -> Put {
        if let (Put::Client(made), Put::Client(other) | Put::Identity(other)) = (&mut self, other) {
            made.said.extend(&other.said);
            made.verified.extend(&other.verified);
            made.numbers.extend(&other.numbers);
            made.choices.extend(other.choices.iter().cloned());
        }
        self
    }

    /// Puts all of these in the place of what stands for the whole of them.
    pub(super) fn take_apart(&mut self, whole: ExprId, parts: &BTreeSet<ExprId>) {
        let Put::Client(made) = self else { return };
        let apart = |set: &BTreeSet<ExprId>| -> BTreeSet<ExprId> {
            let own = set.iter().filter(|id| **id != whole);
            let more = parts.iter().filter(|_| set.contains(&whole));
            own.chain(more).copied().collect()
        };
        made.choices = made.choices.iter().map(apart).collect();
        made.said = apart(&made.said);
    }

    /// Whether it is the policy's word, and nothing that a client says.
    pub(super) fn is_firm(&self) -> bool {
        matches!(self, Put::Kept | Put::Identity(_) | Put::Own(_) | Put::Said | Put::Written)
    }

    /// Whether it is what a client says in the same place.
    pub(super) fn passes(&self) -> bool {
        matches!(self, Put::Passes | Put::Beside)
    }
}

/// Whether a value is what the request says in the same field.
pub(super) fn echoes(
    basis: &Basis<'_>,
    value: ExprId,
    name: &str,
    lets: &[(LocalId, ExprId)],
) -> bool {
    match basis.program.expr(value) {
        Expr::Slot(slot) => basis
            .program
            .slot(*slot)
            .is_some_and(|slot| &*slot.field == "req.header" && slot.key.as_deref() == Some(name)),
        Expr::Coalesce(first, other) => {
            let is_nothing = matches!(basis.constants.get(*other), Some(Value::Absent));
            is_nothing && echoes(basis, *first, name, lets)
        }
        Expr::Local(local) => {
            named(lets, *local).is_some_and(|value| echoes(basis, value, name, lets))
        }
        _ => false,
    }
}

/// What becomes of a field that is given an argument, or what a request has chosen of it.
pub(super) fn given(
    basis: &Basis<'_>,
    argument: ExprId,
    chosen: &Chosen,
    (lets, captured): (&[(LocalId, ExprId)], &[Captured]),
) -> Put {
    let value = chosen.value(argument);
    match basis.program.expr(value) {
        Expr::Const(Value::Absent) => Put::Kept,
        // A client that says one of the texts that the policy names has chosen among these.
        _ if chosen.is_named(argument) => Put::Own(value),
        _ => put(basis, value, (lets, captured)),
    }
}

/// Who says a value: the client, or else whom the gateway has verified (by claims, a certificate, an address), or else the
/// policy. What only chooses among values is none of them.
pub(super) fn put(
    basis: &Basis<'_>,
    value: ExprId,
    (lets, captured): (&[(LocalId, ExprId)], &[Captured]),
) -> Put {
    let mut made = Made::new(value);
    let (mut open, mut seen) = (vec![value], BTreeSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let chooses = || matches!(basis.program.expr(id), Expr::Match(..) | Expr::Coalesce(..));
        let operands = operands(basis, id, lets);
        match sayers(basis, id, lets) {
            (false, false) => {}
            // Who may say one of the two has the choice.
            (true, true) if chooses() => drop(made.said.insert(id)),
            (true, false) if is_number(basis, id, (lets, captured)) => {
                made.said.insert(id);
                made.numbers.insert(id);
            }
            (true, false) if chooses() => {
                made.choices.insert(said(basis, id, lets));
                open.extend(operands);
            }
            _ if !operands.is_empty() => open.extend(operands),
            (by_client, _) => {
                let of = if by_client { &mut made.said } else { &mut made.verified };
                of.insert(id);
            }
        }
    }
    let is_host = |id: &ExprId| {
        basis.program.read_by(*id).is_some_and(|(_, slot)| &*slot.field == "req.host")
    };
    made.is_host = made.said.iter().all(is_host);
    match (made.said.is_empty(), made.verified.is_empty()) {
        (false, _) => Put::Client(made),
        (true, false) => Put::Identity(made),
        (true, true) => Put::Own(value),
    }
}

/// Whether a client says which of several values it is, and whether what is verified does.
pub(super) fn choosers(
    basis: &Basis<'_>,
    value: ExprId,
    lets: &[(LocalId, ExprId)],
) -> (bool, bool) {
    let chosen = basis.program.walk([value], lets).filter_map(|(_, expr)| match expr {
        Expr::Match(subject, _) => Some(sayers(basis, *subject, lets)),
        _ => None,
    });
    chosen.fold((false, false), |(client, verified), (a, b)| (client || a, verified || b))
}

/// What a client says in a value.
pub(super) fn said(
    basis: &Basis<'_>,
    value: ExprId,
    lets: &[(LocalId, ExprId)],
) -> BTreeSet<ExprId> {
    let (mut open, mut seen, mut said) = (vec![value], BTreeSet::new(), BTreeSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let operands = operands(basis, id, lets);
        if !operands.is_empty() {
            open.extend(operands);
        } else if sayers(basis, id, lets).0 {
            said.insert(id);
        }
    }
    said
}

/// What the gateway has verified of what these values are computed of.
pub(super) fn verified(
    basis: &Basis<'_>,
    values: impl IntoIterator<Item = ExprId>,
    lets: &[(LocalId, ExprId)],
) -> BTreeSet<ExprId> {
    let all = basis.program.walk(values, lets).map(|(id, _)| id);
    let leaves = all.filter(|id| operands(basis, *id, lets).is_empty());
    leaves.filter(|id| sayers(basis, *id, lets) == (false, true)).collect()
}

/// Whether a value is no text, of whatever it is computed.
fn is_number(
    basis: &Basis<'_>,
    id: ExprId,
    (lets, captured): (&[(LocalId, ExprId)], &[Captured]),
) -> bool {
    let ty = ty(&basis.program, id, lets, captured);
    ty.is_some_and(|ty| !matches!(ty.present(), Ty::String | Ty::Json) && ty.present().is_single())
}

/// The header fields of an upstream's answer that a value passes on.
pub(super) fn passed_on(
    basis: &Basis<'_>,
    value: ExprId,
    lets: &[(LocalId, ExprId)],
) -> BTreeSet<Arc<str>> {
    let (mut open, mut seen, mut told) = (vec![value], BTreeSet::new(), BTreeSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        if let Some((_, slot)) = basis.program.read_by(id) {
            let message = slot.field.strip_suffix(".all").unwrap_or(&slot.field);
            let is_answer = matches!(message, "origin.header" | "resp.header");
            told.extend(slot.key.clone().filter(|_| is_answer));
        }
        match basis.program.expr(id) {
            Expr::Member(of, _) => open.push(*of),
            _ => open.extend(operands(basis, id, lets)),
        }
    }
    told
}

/// Whether a client says part of a value, and whether part of it is verified.
fn sayers(basis: &Basis<'_>, value: ExprId, lets: &[(LocalId, ExprId)]) -> (bool, bool) {
    let program = &basis.program;
    let (mut open, mut seen) = (vec![value], BTreeSet::new());
    let (mut by_client, mut is_verified) = (false, false);
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        match program.expr(id) {
            Expr::Slot(slot) => {
                let slot = program.slot(*slot);
                match slot.map_or("", |slot| &*slot.field) {
                    "req.id" | "req.method" | "req.scheme" => {}
                    field if field.starts_with("conn.") || field.starts_with("client.") => {
                        is_verified = true;
                    }
                    field if field.starts_with("origin.") || field.starts_with("resp.") => {}
                    field => match field == CLAIMS.path {
                        true => is_verified = true,
                        false => by_client = true,
                    },
                }
            }
            Expr::Capture(_) => by_client = true,
            Expr::Member(of, _) => open.push(*of),
            _ => open.extend(operands(basis, id, lets)),
        }
    }
    (by_client, is_verified)
}

/// Whether an arm of a choice gives what chooses it, which is one of its texts then.
pub(super) fn says_named(basis: &Basis<'_>, subject: ExprId, arm: &MatchArm) -> bool {
    let bare = |id: ExprId| match basis.program.expr(id) {
        Expr::Coalesce(first, _) => *first,
        _ => id,
    };
    let texts = arm.patterns.iter().flatten();
    arm.patterns.is_some()
        && texts.into_iter().all(|text| matches!(text, Value::String(_)))
        && bare(arm.value) == bare(subject)
}

/// What a value is computed of: what a name stands for, what is chosen among. Nothing, of a part of what is read.
fn operands(basis: &Basis<'_>, id: ExprId, lets: &[(LocalId, ExprId)]) -> Vec<ExprId> {
    let mut operands = Vec::new();
    match basis.program.expr(id) {
        Expr::Local(local) => operands.extend(named(lets, *local)),
        // A client that says one of the texts that the policy names has chosen among these.
        Expr::Match(subject, arms) => {
            let others = arms.iter().filter(|arm| !says_named(basis, *subject, arm));
            operands.extend(others.map(|arm| arm.value));
        }
        Expr::Member(..) => {}
        expr => expr.each_operand(&mut |operand| operands.push(operand)),
    }
    operands
}
