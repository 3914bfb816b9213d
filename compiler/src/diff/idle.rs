//! Statements that come to nothing for some requests: who takes away a header field that a request does not have, or gives
//! it what it says already, has sent the upstream what it would have got anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lang::Value;

use super::fate::{Does, Effect, Fate};
use crate::frame::SlotId;
use crate::program::{Expr, Program};
use crate::proof::sent::{Reach, reach};
use crate::space::{Cut, Formula, Term};

/// The requests for which a statement comes to nothing, where the other policy has none that changes the same field.
#[derive(Clone, Debug)]
pub(super) enum When {
    /// All: the gateway never passes on what a client says there.
    Always,
    /// Those that say just this, absence included.
    Says(SlotId, Value),
}

/// The statements that may come to nothing, with the requests for which they do.
pub(super) type Idle = BTreeMap<Does, When>;

/// Which of these statements come to nothing, and when.
pub(super) fn idle(program: &Program, all: &[&Does], believes: bool) -> Idle {
    let when = |does: &Does| {
        let (name, value) = (field(does)?, value(program, does)?);
        match reach(name, believes) {
            Reach::Never => value.is_absent().then_some(When::Always),
            Reach::AsSaid => Some(When::Says(read(program, name)?, value)),
            Reach::Otherwise => None,
        }
    };
    all.iter().filter_map(|does| Some(((*does).clone(), when(does)?))).collect()
}

/// The requests in which a client says something that reaches the upstream where these statements do not run, by the
/// header field that they change.
pub(super) fn said(
    program: &Program,
    all: &[&Does],
    believes: bool,
    cut: &mut Cut<'_>,
) -> BTreeMap<Arc<str>, Formula> {
    let names: BTreeSet<&Arc<str>> = all.iter().filter_map(|does| field(does)).collect();
    let mut says = |name: &Arc<str>| match reach(name, believes) {
        Reach::AsSaid => {
            let slot = Term::Slot(read(program, name)?);
            Some(cut.is(slot, &Value::Absent).not())
        }
        // Only `via` goes on with what stood in it.
        Reach::Otherwise if believes || &**name == "via" => None,
        Reach::Otherwise | Reach::Never => Some(Formula::Always(false)),
    };
    names.into_iter().filter_map(|name| Some((name.clone(), says(name)?))).collect()
}

/// What reads a header field of the request as it came.
fn read(program: &Program, name: &str) -> Option<SlotId> {
    program.slot_of("req.header", Some(name))
}

/// The header field that a statement changes on the way to the upstream, if it does.
fn field(does: &Does) -> Option<&Arc<str>> {
    match &does.place {
        Some((field, Some(name))) if &**field == "up.header" => Some(name),
        _ => None,
    }
}

/// What a statement leaves there, if that is always the same.
fn value(program: &Program, does: &Does) -> Option<Value> {
    match (&*does.action, does.args.as_slice()) {
        ("unset", []) => Some(Value::Absent),
        ("set", [value]) => match program.expr(*value) {
            // A field that stands several times reads as one with commas.
            Expr::Const(value @ Value::String(text)) if !text.contains(',') => Some(value.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether nothing else on either side changes what this statement of `own` does.
pub(super) fn is_alone(effect: &Effect, own: &Fate, other: &Fate) -> bool {
    let same = |one: &&Effect| one.does.place == effect.does.place;
    own.effects.iter().filter(same).count() == 1 && !other.effects.iter().any(|one| same(&one))
}

impl When {
    /// These requests.
    pub(super) fn formula(&self, cut: &mut Cut<'_>) -> Formula {
        match self {
            When::Always => Formula::Always(true),
            When::Says(slot, value) => cut.is(Term::Slot(*slot), value),
        }
    }
}
