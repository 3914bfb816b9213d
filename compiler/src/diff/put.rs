//! Who says what stands in a field: the client, whom the gateway has verified, or the policy.

use std::collections::BTreeSet;
use std::sync::Arc;

use lang::Value;
use lang::policy::LocalId;
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;

use crate::diff::Kind;
use crate::diff::choices::Chosen;
use crate::program::{Expr, named};
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
    /// Whether that is the host that is asked for, and no more.
    pub(super) is_host: bool,
}

/// What it means that another value stands in a place, for what is verified in it. `None` where all of that is still there.
pub(super) fn remade(old: &Put, new: &Put) -> Option<Kind> {
    let (lost, gained) = (!old.verifies_within(new), !new.verifies_within(old));
    match (lost && !new.says_within(old), gained && !old.says_within(new)) {
        (true, false) => Some(Kind::Loosened),
        (false, true) => Some(Kind::Tightened),
        _ => lost.then_some(Kind::Unclear),
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
            (Put::Client(one), Put::Client(other)) => one.said.is_subset(&other.said),
            (one, _) => !one.passes() && !matches!(one, Put::Client(_)),
        }
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
    (chosen, lets): (&Chosen, &[(LocalId, ExprId)]),
) -> Put {
    let value = chosen.value(argument);
    match basis.program.expr(value) {
        Expr::Const(Value::Absent) => Put::Kept,
        // A client that says one of the texts that the policy names has chosen among these.
        _ if chosen.is_named(argument) => Put::Own(value),
        _ => put(basis, value, lets),
    }
}

/// Who says a value: the client, or else whom the gateway has verified (by claims, a certificate, an address), or else the
/// policy. What only chooses among values is none of them.
pub(super) fn put(basis: &Basis<'_>, value: ExprId, lets: &[(LocalId, ExprId)]) -> Put {
    let (verified, said) = (BTreeSet::new(), BTreeSet::new());
    let mut made = Made { value, verified, said, is_host: false };
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

/// What a value is computed of: what a name stands for, what is chosen among. Nothing, of a part of what is read.
fn operands(basis: &Basis<'_>, id: ExprId, lets: &[(LocalId, ExprId)]) -> Vec<ExprId> {
    let mut operands = Vec::new();
    match basis.program.expr(id) {
        Expr::Local(local) => operands.extend(named(lets, *local)),
        Expr::Match(_, arms) => operands.extend(arms.iter().map(|arm| arm.value)),
        Expr::Member(..) => {}
        expr => expr.each_operand(&mut |operand| operands.push(operand)),
    }
    operands
}
