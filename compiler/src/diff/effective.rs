//! Which statements of a way leave something behind: not those whose work a later one undoes, and not those that change
//! what is never sent.

use std::sync::Arc;

use lang::Value;
use lang::vocab::Form;

use crate::diff::effect::Effect;
use crate::program::{Expr, Program};
use crate::proof::course::Course;
use crate::proof::sent;

/// A statement that ran.
pub(super) struct Ran {
    pub(super) effect: Effect,
    pub(super) form: Form,
    /// The action, as a policy calls it.
    pub(super) verb: &'static str,
    /// When it runs.
    pub(super) phase: Phase,
    /// Whether it may refuse a request: then it matters that it ran.
    pub(super) refuses: bool,
}

/// When a statement runs. Those of an `always` run with the answer, and not where they are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Phase {
    In,
    Kept,
    Answer,
    Always,
    Back,
}

/// Those that leave something behind, in order.
pub(super) fn effective(program: &Program, course: &Course, mut all: Vec<Ran>) -> Vec<Effect> {
    if course.to().is_none() {
        let is_read = all.iter().any(|one| reads(program, &one.effect, "up."));
        all.retain(|one| is_read || one.refuses || !one.effect.does.goes_up());
    }
    plainly(program, course, &mut all);
    let mut at = 0;
    while let Some(one) = all.get(at) {
        let behind = all.get(at + 1..).unwrap_or_default();
        let before = all.get(..at).unwrap_or_default();
        match is_undone(program, one, behind) || is_idle(course, one, before) {
            true => drop(all.remove(at)),
            false => at += 1,
        }
    }
    all.into_iter().map(|one| one.effect).collect()
}

/// Statements as the plainest that do the same: what is put beside nothing is set, and who sets nothing takes away.
fn plainly(program: &Program, course: &Course, all: &mut [Ran]) {
    for at in 0..all.len() {
        let (before, behind) = all.split_at_mut(at);
        let Some(one) = behind.first_mut() else { continue };
        let is_nothing = |arg| matches!(program.expr(arg), Expr::Const(Value::Absent));
        match (one.form, one.effect.does.args.as_slice()) {
            (_, [_]) if one.verb == "rewrite" => {
                one.form = Form::Assign;
                one.effect.does.action = Arc::from("set");
                one.effect.does.place = Some((Arc::from("up.path"), None));
            }
            (Form::Assign, [value]) if one.effect.does.place.is_some() && is_nothing(*value) => {
                one.form = Form::Place;
                one.effect.does.action = Arc::from("unset");
                one.effect.does.args.clear();
            }
            (Form::Append, [_]) => {
                let same = |other: &&Ran| other.effect.does.place == one.effect.does.place;
                let is_bare = match before.iter().rfind(same) {
                    Some(last) => matches!(last.form, Form::Place),
                    None => is_bare(course, one),
                };
                if is_bare {
                    one.effect.is_alone = true;
                    one.form = Form::Assign;
                    one.effect.does.action = Arc::from("set");
                }
            }
            _ => {}
        }
    }
}

/// Whether nothing is where it puts something, unless a statement has put it there: on an answer of the gateway's own.
fn is_bare(course: &Course, one: &Ran) -> bool {
    let Some((field, Some(name))) = &one.effect.does.place else { return false };
    course.own && &**field == "resp.header" && sent::is_bare(name)
}

/// Whether a later statement changes the same place whatever is there, and nothing has asked for it in between.
fn is_undone(program: &Program, one: &Ran, behind: &[Ran]) -> bool {
    if one.refuses {
        return false;
    }
    let Some((field, _)) = &one.effect.does.place else {
        // Of several lines about one answer the last one counts.
        let replaces = |later: &Ran| later.verb == one.verb && later.phase == one.phase;
        return one.verb == "cache" && behind.iter().any(replaces);
    };
    for later in behind {
        if reads(program, &later.effect, field) {
            return false;
        }
        // What always holds does so for other answers, too.
        let is_as_often = later.phase != Phase::Always || one.phase == Phase::Always;
        let replaces = matches!(later.form, Form::Assign | Form::Place) && is_as_often;
        if replaces && later.effect.does.place == one.effect.does.place {
            return true;
        }
    }
    false
}

/// Whether it takes away what is not there: a field that nothing has put on an answer of the gateway's own.
fn is_idle(course: &Course, one: &Ran, before: &[Ran]) -> bool {
    matches!(one.form, Form::Place)
        && one.phase != Phase::Always
        && is_bare(course, one)
        && !before.iter().any(|other| other.effect.does.place == one.effect.does.place)
}

/// Whether a statement reads a field whose name begins so.
fn reads(program: &Program, effect: &Effect, field: &str) -> bool {
    let mut slots = program.walk(effect.does.reads(), &[]).slots();
    slots.any(|(_, slot)| slot.field.starts_with(field))
}
