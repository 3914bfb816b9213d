//! Statements that come to nothing for some requests: who takes away a header field that a request does not have, or gives
//! it what it says already, has sent the upstream what it would have got anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lang::Value;

use super::effect::{Does, Effect};
use super::fate::Fate;
use crate::frame::SlotId;
use crate::passing::PROTECTED;
use crate::program::{Expr, Program};
use crate::proof::sent::{Reach, reach};
use crate::space::{Cut, Formula, Term};

/// The requests for which a statement comes to nothing, where the other policy has none that changes the same field.
#[derive(Clone, Debug)]
pub(super) enum When {
    /// All: the gateway never passes on what a client says there, or writes just this itself.
    Always,
    /// Those that say just this in the field, absence included, as far as it passes.
    Says(SlotId, Arc<str>, Value),
}

/// The statements that may come to nothing, with the requests for which they do.
pub(super) type Idle = BTreeMap<Does, When>;

/// Which of these statements come to nothing, and when.
pub(super) fn idle(program: &Program, all: &[&Does], believes: bool) -> Idle {
    let when = |does: &Does| {
        let name = field(does)?;
        if !believes && is_own(program, name, does) {
            return Some(When::Always);
        }
        let value = value(program, does)?;
        match reach(name, believes) {
            Reach::Never => value.is_absent().then_some(When::Always),
            Reach::AsSaid => Some(When::Says(read(program, name)?, name.clone(), value)),
            Reach::Otherwise => None,
        }
    };
    all.iter().filter_map(|does| Some(((*does).clone(), when(does)?))).collect()
}

/// Fields that the gateway writes also where it believes what a peer says about the client.
const WRITTEN: [&str; 2] = ["x-forwarded-for", "x-forwarded-proto"];

/// What a client says in a header field.
pub(super) struct Said {
    /// The requests of which it reaches the upstream, by a statement where the gateway does not pass it on.
    pub(super) reaches: Formula,
    /// The requests that say nothing there.
    pub(super) nothing: Formula,
}

/// What a client says where these statements do not run, by the header field that they change.
pub(super) fn said(
    program: &Program,
    all: &[&Does],
    believes: bool,
    cut: &mut Cut<'_>,
) -> BTreeMap<Arc<str>, Said> {
    let names: BTreeSet<&Arc<str>> = all.iter().filter_map(|does| field(does)).collect();
    let mut says = |name: &Arc<str>| match reach(name, believes) {
        Reach::AsSaid => {
            let slot = Term::Slot(read(program, name)?);
            let nothing = cut.is(slot, &Value::Absent);
            let passes = stripped(cut, name).not();
            let reaches = Formula::all(vec![nothing.clone().not(), passes]);
            Some(Said { reaches, nothing })
        }
        // These are written whatever stood in them, and `via` goes on with that.
        Reach::Otherwise if &**name == "via" => None,
        Reach::Otherwise if believes && WRITTEN.contains(&&**name) => None,
        Reach::Otherwise | Reach::Never => {
            let slot = read(program, name).map(Term::Slot);
            let nothing = slot.map_or(Formula::Always(true), |slot| cut.is(slot, &Value::Absent));
            Some(Said { reaches: nothing.clone().not(), nothing })
        }
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

/// Whether a statement sets what the gateway says of the client by itself.
fn is_own(program: &Program, name: &str, does: &Does) -> bool {
    let ("set", [value]) = (&*does.action, does.args.as_slice()) else { return false };
    let part = match program.expr(*value) {
        Expr::Template(parts) if parts.len() == 1 => parts.first(),
        _ => Some(value),
    };
    let read = part.and_then(|part| program.read_by(*part));
    let field = read.map_or("", |(_, slot)| &*slot.field);
    matches!(
        (name, field),
        ("x-forwarded-for", "client.ip" | "conn.peer") | ("x-forwarded-proto", "req.scheme")
    )
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
            When::Says(slot, name, value) => {
                let says = cut.is(Term::Slot(*slot), value);
                let stripped = stripped(cut, name);
                match value.is_absent() {
                    true => Formula::any(vec![says, stripped]),
                    false => Formula::all(vec![says, stripped.not()]),
                }
            }
        }
    }
}

/// The requests of which a field is not passed on because their `connection` names it.
fn stripped(cut: &mut Cut<'_>, name: &Arc<str>) -> Formula {
    match PROTECTED.contains(&&**name) {
        true => Formula::Always(false),
        false => cut.stripped(name),
    }
}
