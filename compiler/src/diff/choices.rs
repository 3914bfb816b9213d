//! Values that a request chooses among: each choice is a case of its own, with the requests that make it, so that only
//! those are told apart for which something else comes out.

use std::collections::{BTreeSet, HashMap};

use lang::Value;
use lang::policy::Compare;
use lang::vocab::ExprId;

use crate::program::{Expr, Program};
use crate::proof::course::{Course, Status};
use crate::space::{Cut, Env, Formula, Test};

/// What arguments come to, by what is written.
pub(super) type Chosen = HashMap<ExprId, ExprId>;

/// The most cases of one argument, and of all arguments of a course together.
const CASES: usize = 256;

/// The most statuses by which a course is divided.
const STATUSES: usize = 16;

/// A course whose status is one of a few that the request chooses among, as one course for each.
pub(super) fn by_status(
    program: &Program,
    course: &Course,
    cut: &mut Cut<'_>,
    env: Env<'_>,
) -> Vec<(Course, Formula)> {
    let whole = || vec![(course.clone(), Formula::Always(true))];
    let Status::Computed(id) = &course.status else { return whole() };
    let mut statuses = BTreeSet::new();
    if !chosen(program, *id, env, &mut statuses) || statuses.len() > STATUSES {
        return whole();
    }
    let mut with = |status: u16| {
        let test = Test::Compare(Compare::Eq, Value::Status(status));
        let course = Course { status: Status::Known(status), ..course.clone() };
        (course, cut.ask(*id, &test, env))
    };
    statuses.into_iter().map(&mut with).collect()
}

/// The statuses that an expression chooses among; false if it computes any other.
fn chosen(program: &Program, id: ExprId, env: Env<'_>, statuses: &mut BTreeSet<u16>) -> bool {
    if statuses.len() > STATUSES {
        return false;
    }
    match program.expr(id) {
        Expr::Const(Value::Status(status)) => {
            statuses.insert(*status);
            true
        }
        Expr::Match(_, arms) => arms.iter().all(|arm| chosen(program, arm.value, env, statuses)),
        Expr::Coalesce(one, other) => {
            chosen(program, *one, env, statuses) && chosen(program, *other, env, statuses)
        }
        Expr::Local(local) => {
            let named = env.locals.iter().rev().find(|(named, _)| named == local);
            named.is_some_and(|(_, value)| chosen(program, *value, env, statuses))
        }
        _ => false,
    }
}

/// What these arguments come to: the requests of each case. Of an argument that would make too many of them nothing is
/// chosen.
pub(super) fn by_argument(
    program: &Program,
    arguments: &BTreeSet<ExprId>,
    cut: &mut Cut<'_>,
    env: Env<'_>,
) -> Vec<(Formula, Chosen)> {
    let mut all = vec![(Formula::Always(true), Chosen::new())];
    for argument in arguments {
        let mut cases = Vec::new();
        let whole = Formula::Always(true);
        if !each(program, *argument, cut, env, whole, &mut cases) || cases.len() < 2 {
            continue;
        }
        if all.len() * cases.len() > CASES {
            continue;
        }
        let mut next = Vec::with_capacity(all.len() * cases.len());
        for (formula, chosen) in &all {
            for (given, value) in &cases {
                let mut chosen = chosen.clone();
                chosen.insert(*argument, *value);
                next.push((Formula::all(vec![formula.clone(), given.clone()]), chosen));
            }
        }
        all = next;
    }
    all
}

/// Adds what an expression comes to, with the requests for which it does. False if there are too many cases.
fn each(
    program: &Program,
    id: ExprId,
    cut: &mut Cut<'_>,
    env: Env<'_>,
    given: Formula,
    cases: &mut Vec<(Formula, ExprId)>,
) -> bool {
    if cases.len() >= CASES {
        return false;
    }
    match program.expr(id) {
        Expr::Match(subject, arms) => {
            let mut left = given;
            arms.iter().all(|arm| {
                let taken = match &arm.patterns {
                    Some(patterns) => cut.ask(*subject, &Test::Matches(patterns.clone()), env),
                    None => Formula::Always(true),
                };
                let own = Formula::all(vec![left.clone(), taken.clone()]);
                left = Formula::all(vec![left.clone(), taken.not()]);
                own.is_never() || each(program, arm.value, cut, env, own, cases)
            })
        }
        // What statements change is another thing each time.
        Expr::Coalesce(first, second) if !changes(program, *first) => {
            let present = cut.ask(*first, &Test::Present, env);
            let one = Formula::all(vec![given.clone(), present.clone()]);
            let other = Formula::all(vec![given, present.not()]);
            (one.is_never() || each(program, *first, cut, env, one, cases))
                && (other.is_never() || each(program, *second, cut, env, other, cases))
        }
        Expr::Local(local) => {
            let named = env.locals.iter().rev().find(|(named, _)| named == local);
            match named {
                Some((_, value)) if chooses(program, *value, env, 0) => {
                    each(program, *value, cut, env, given, cases)
                }
                _ => {
                    cases.push((given, id));
                    true
                }
            }
        }
        _ => {
            cases.push((given, id));
            true
        }
    }
}

/// Whether it is a field that statements change.
fn changes(program: &Program, id: ExprId) -> bool {
    match program.expr(id) {
        Expr::Slot(slot) => program.slots.get(slot.0 as usize).is_some_and(|slot| !slot.stable),
        _ => false,
    }
}

/// Whether an expression is a choice.
fn chooses(program: &Program, id: ExprId, env: Env<'_>, depth: usize) -> bool {
    match program.expr(id) {
        Expr::Match(..) | Expr::Coalesce(..) => true,
        Expr::Local(local) if depth < CASES => {
            let named = env.locals.iter().rev().find(|(named, _)| named == local);
            named.is_some_and(|(_, value)| chooses(program, *value, env, depth + 1))
        }
        _ => false,
    }
}
