//! Values that a request chooses among: each choice is a case of its own, with the requests that make it, so that only
//! those are told apart for which something else comes out.

use std::collections::{BTreeSet, HashMap};

use lang::Value;
use lang::policy::{Compare, LocalId};
use lang::vocab::ExprId;

use crate::diff::kept::Kept;
use crate::interp::Interp;
use crate::program::walk::plainly;
use crate::program::{Expr, Program, named};
use crate::proof::basis::Basis;
use crate::proof::course::{Course, Status};
use crate::space::{Cut, Env, Formula, Test};

/// What a request has chosen.
#[derive(Clone, Default, Debug)]
pub(super) struct Chosen {
    /// What arguments come to, by what is written.
    arguments: HashMap<ExprId, Case>,
    /// What becomes of it at the cache, where the way has one.
    kept: Option<Kept>,
    /// What gives the status, and what it gives.
    status: Option<(ExprId, u16)>,
}

/// One of the values among which a request chooses.
#[derive(Clone, Copy, Debug)]
struct Case {
    value: ExprId,
    /// What is written there, and whether it is there, where that makes a difference.
    of: ExprId,
    is_there: Option<bool>,
    /// Whether it is a text that the policy names, though the request says which.
    is_named: bool,
}

impl Chosen {
    /// What an argument comes to: what is chosen of it, or all of it.
    pub(super) fn value(&self, argument: ExprId) -> ExprId {
        self.arguments.get(&argument).map_or(argument, |case| case.value)
    }

    /// The same where this becomes of the request at the cache.
    pub(super) fn at_cache(self, kept: Option<Kept>) -> Chosen {
        Chosen { kept, ..self }
    }

    /// What becomes of the request at the cache, where the way has one.
    pub(super) fn kept(&self) -> Option<Kept> {
        self.kept
    }

    /// Whether something is chosen of the argument.
    pub(super) fn divides(&self, argument: ExprId) -> bool {
        self.arguments.contains_key(&argument)
    }

    /// Whether the argument comes to a text that the policy names.
    pub(super) fn is_named(&self, argument: ExprId) -> bool {
        self.arguments.get(&argument).is_some_and(|case| case.is_named)
    }

    /// Whether a request chooses just this.
    pub(super) fn is_of(&self, interp: &Interp<'_>, lets: &[(LocalId, ExprId)]) -> bool {
        let status = self.status.is_none_or(|(id, status)| {
            interp.value(id).is_ok_and(|value| value == Value::Status(status))
        });
        let is_there = |case: &Case| {
            let value = interp.value(case.of).ok();
            case.is_there.is_none_or(|there| value.is_some_and(|of| of.is_absent() != there))
        };
        let mut cases = self.arguments.iter();
        status
            && cases.all(|(argument, case)| {
                comes_to(interp, *argument, lets) == Some(case.of) && is_there(case)
            })
    }

    /// The expressions of which something is chosen.
    pub(super) fn reads(&self) -> impl Iterator<Item = ExprId> {
        let status = self.status.map(|(id, _)| id);
        self.arguments.keys().copied().chain(status)
    }
}

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
) -> Vec<(Course, Formula, Chosen)> {
    let whole = || vec![(course.clone(), Formula::Always(true), Chosen::default())];
    let Status::Computed(id) = &course.status else { return whole() };
    let mut statuses = BTreeSet::new();
    if !chosen(program, *id, env, &mut statuses) {
        return whole();
    }
    let mut with = |status: u16| {
        let test = Test::Compare(Compare::Eq, Value::Status(status));
        let course = Course { status: Status::Known(status), ..course.clone() };
        let chosen = Chosen { status: Some((*id, status)), ..Chosen::default() };
        (course, cut.ask(*id, &test, env), chosen)
    };
    statuses.into_iter().map(&mut with).collect()
}

/// The statuses that an expression chooses among; false if it computes any other, or if they are too many.
fn chosen(program: &Program, id: ExprId, env: Env<'_>, statuses: &mut BTreeSet<u16>) -> bool {
    program.is_of_all(id, env.locals, |_, expr| match expr {
        Expr::Const(Value::Status(status)) => {
            statuses.insert(*status);
            plainly(statuses.len() <= STATUSES)
        }
        expr => expr.alternatives(),
    })
}

/// What these arguments come to, beside what has been `chosen`: the requests of each case. Of an argument that would make
/// too many of them nothing is chosen. Of what the other side asks whether it is there (`asked`), absence is a case.
pub(super) fn by_argument(
    basis: &Basis<'_>,
    (arguments, asked): (&BTreeSet<ExprId>, &BTreeSet<ExprId>),
    chosen: &Chosen,
    cut: &mut Cut<'_>,
    env: Env<'_>,
) -> Vec<(Formula, Chosen)> {
    let mut all = vec![(Formula::Always(true), chosen.clone())];
    for argument in arguments {
        let mut cases = Cases { basis, env, asked, all: Vec::new() };
        if !cases.add(*argument, cut, Formula::Always(true), &[]) || cases.all.len() < 2 {
            continue;
        }
        if all.len() * cases.all.len() > CASES {
            continue;
        }
        let mut next = Vec::with_capacity(all.len() * cases.all.len());
        for (formula, chosen) in &all {
            for (given, case) in &cases.all {
                let mut chosen = chosen.clone();
                chosen.arguments.insert(*argument, *case);
                next.push((Formula::all(vec![formula.clone(), given.clone()]), chosen));
            }
        }
        all = next;
    }
    all
}

/// What an expression comes to, with the requests for which it does.
struct Cases<'c> {
    basis: &'c Basis<'c>,
    env: Env<'c>,
    asked: &'c BTreeSet<ExprId>,
    all: Vec<(Formula, Case)>,
}

impl Cases<'_> {
    /// Adds the cases of an expression, where these ones are known to say one of the texts that the policy names. False if
    /// there are too many.
    fn add(&mut self, id: ExprId, cut: &mut Cut<'_>, given: Formula, named: &[ExprId]) -> bool {
        if self.all.len() >= CASES {
            return false;
        }
        let (program, env) = (&self.basis.program, self.env);
        match program.expr(id) {
            Expr::Match(subject, arms) if !changes(program, *subject, env.locals) => {
                let mut left = given;
                arms.iter().all(|arm| {
                    let (taken, says) = match &arm.patterns {
                        Some(patterns) => {
                            let taken = cut.ask(*subject, &Test::Matches(patterns.clone()), env);
                            (taken, self.says(*subject, patterns))
                        }
                        None => (Formula::Always(true), None),
                    };
                    let own = Formula::all(vec![left.clone(), taken.clone()]);
                    left = Formula::all(vec![left.clone(), taken.not()]);
                    let named: Vec<ExprId> = named.iter().copied().chain(says).collect();
                    own.is_never() || self.add(arm.value, cut, own, &named)
                })
            }
            Expr::Coalesce(first, second) if !changes(program, *first, env.locals) => {
                let present = cut.ask(*first, &Test::Present, env);
                let one = Formula::all(vec![given.clone(), present.clone()]);
                let other = Formula::all(vec![given, present.not()]);
                (one.is_never() || self.add(*first, cut, one, named))
                    && (other.is_never() || self.add(*second, cut, other, named))
            }
            Expr::Local(local) => match stands_for(program, *local, env.locals) {
                Some(value) => self.add(value, cut, given, named),
                None => self.leaf(id, cut, given, named),
            },
            _ => self.leaf(id, cut, given, named),
        }
    }

    fn leaf(&mut self, id: ExprId, cut: &mut Cut<'_>, given: Formula, named: &[ExprId]) -> bool {
        let is_named = named.contains(&self.bare(id));
        let case = Case { value: id, of: id, is_there: None, is_named };
        let nothing = || self.basis.program.nothing();
        match self.asked.contains(&self.bare(id)).then(nothing).flatten() {
            Some(value) => {
                let present = cut.ask(id, &Test::Present, self.env);
                let with = Formula::all(vec![given.clone(), present.clone()]);
                let without = Formula::all(vec![given, present.not()]);
                self.all.push((with, Case { is_there: Some(true), ..case }));
                self.all.push((without, Case { value, is_there: Some(false), ..case }));
            }
            None => self.all.push((given, case)),
        }
        true
    }

    /// What says one of a few texts that the policy names, where the subject is one of these patterns.
    fn says(&self, subject: ExprId, patterns: &[Value]) -> Option<ExprId> {
        let Basis { program, constants, .. } = self.basis;
        let is_text = |value: &Value| matches!(value, Value::String(_));
        if patterns.iter().all(is_text) {
            return Some(self.bare(subject));
        }
        let (of, texts) = match program.expr(self.bare(subject)) {
            Expr::In(of, texts) | Expr::Compare(Compare::Eq, of, texts) => (*of, *texts),
            _ => return None,
        };
        let named = match constants.get(texts)? {
            Value::List(items) => items.iter().all(is_text),
            Value::Set(items) => items.iter().all(is_text),
            one => is_text(one),
        };
        (named && patterns.iter().all(Value::is_true)).then(|| self.bare(of))
    }

    /// An expression without its name, and without what stands for it where it is absent.
    fn bare(&self, id: ExprId) -> ExprId {
        match self.basis.program.expr(id) {
            Expr::Coalesce(first, _) => self.bare(*first),
            Expr::Local(local) => {
                named(self.env.locals, *local).map_or(id, |value| self.bare(value))
            }
            _ => id,
        }
    }
}

/// What these expressions ask whether it is there.
pub(super) fn asked(program: &Program, of: &BTreeSet<ExprId>) -> BTreeSet<ExprId> {
    let asks = program.walk(of.iter().copied(), &[]).filter_map(|(_, expr)| match expr {
        Expr::Coalesce(first, _) => Some(*first),
        _ => None,
    });
    asks.filter(|id| !changes(program, *id, &[])).collect()
}

/// The one of an expression's cases to which it comes for a request. `None` where the request does not tell.
fn comes_to(interp: &Interp<'_>, id: ExprId, lets: &[(LocalId, ExprId)]) -> Option<ExprId> {
    let program = interp.program;
    match program.expr(id) {
        choice @ (Expr::Match(by, _) | Expr::Coalesce(by, _)) if !changes(program, *by, lets) => {
            let taken = interp.chosen(id).ok()??;
            comes_to(interp, *choice.alternatives()?.get(taken)?, lets)
        }
        Expr::Local(local) => match stands_for(program, *local, lets) {
            Some(value) => comes_to(interp, value, lets),
            None => Some(id),
        },
        _ => Some(id),
    }
}

/// Whether it reads a field that statements change: that is another thing each time.
fn changes(program: &Program, id: ExprId, lets: &[(LocalId, ExprId)]) -> bool {
    let mut slots = program.walk([id], lets).slots();
    slots.any(|(_, slot)| !slot.stable && !slot.is_answered())
}

/// What a name stands for, if that is a choice.
fn stands_for(program: &Program, local: LocalId, lets: &[(LocalId, ExprId)]) -> Option<ExprId> {
    let first = named(lets, local)?;
    let mut id = first;
    for _ in 0..CASES {
        match program.expr(id) {
            Expr::Match(..) | Expr::Coalesce(..) => return Some(first),
            Expr::Local(local) => id = named(lets, *local)?,
            _ => return None,
        }
    }
    None
}
