//! Who says what stands in a field: the client, whom the gateway has verified, or the policy.

use std::collections::BTreeSet;

use lang::Value;
use lang::policy::LocalId;
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;

use crate::diff::choices::Chosen;
use crate::program::Expr;
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
    Identity(ExprId),
    /// The policy says it.
    Own(ExprId),
    /// The policy makes it of something else that the client says.
    Client(ExprId),
    /// It is there.
    Said,
    /// Nobody knows.
    Unknown,
}

impl Put {
    /// Whether it is the policy's word, and nothing that a client says.
    pub(super) fn is_firm(&self) -> bool {
        matches!(self, Put::Kept | Put::Identity(_) | Put::Own(_) | Put::Said)
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
        Expr::Slot(slot) => {
            basis.program.slots.get(slot.0 as usize).is_some_and(|slot| {
                &*slot.field == "req.header" && slot.key.as_deref() == Some(name)
            })
        }
        Expr::Coalesce(first, other) => {
            let is_nothing = matches!(basis.constants.get(*other), Some(Value::Absent));
            is_nothing && echoes(basis, *first, name, lets)
        }
        Expr::Local(local) => {
            let named = lets.iter().find(|(known, _)| known == local);
            named.is_some_and(|(_, value)| echoes(basis, *value, name, lets))
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
    let program = &basis.program;
    let (mut open, mut seen) = (vec![value], BTreeSet::new());
    let (mut by_client, mut is_verified) = (false, false);
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        match program.expr(id) {
            Expr::Slot(slot) => {
                let slot = program.slots.get(slot.0 as usize);
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
            Expr::Local(local) => {
                let named = lets.iter().rev().find(|(known, _)| known == local);
                open.extend(named.map(|(_, value)| *value));
            }
            Expr::Match(_, arms) => open.extend(arms.iter().map(|arm| arm.value)),
            expr => expr.each_operand(&mut |operand| open.push(operand)),
        }
    }
    match (by_client, is_verified) {
        (true, _) => Put::Client(value),
        (false, true) => Put::Identity(value),
        (false, false) => Put::Own(value),
    }
}
