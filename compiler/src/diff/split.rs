//! The requests of one host and path, divided by what becomes of them on either side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lang::Value;
use lang::policy::{Compare, RouteId};
use lang::vocab::ExprId;

use crate::diff::Side as Which;
use crate::diff::fate::{Effect, Fate, Key};
use crate::diff::regions::{Region, Signatures};
use crate::frame::Frame;
use crate::interp::Interp;
use crate::order::compare::budget;
use crate::order::witness::Witness;
use crate::program::{Expr, Listener, Program};
use crate::proof::basis::{At, Basis, Known, Side, Taken, meeting};
use crate::proof::course::{Course, End, Status, locals};
use crate::proof::replay::{Answer, answer, fits};
use crate::proof::search::{guards, plainly};
use crate::space::{Cut, Env, Formula, Set, Space, Test, Undecided, arriving, scheme};
use lang::segment::captures;

/// The most candidates that are looked at together.
const MOST: usize = 20_000;

/// What there is at a host and path.
#[derive(Debug, Default)]
pub(super) struct Divided {
    /// Every pair of fates that some request has.
    pub(super) pairs: Vec<Pair>,
}

/// Requests that have one fate on the old side and another on the new.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) old: Fate,
    pub(super) new: Fate,
    pub(super) example: Option<String>,
    /// An example that did not do what it was made for.
    pub(super) disagreement: Option<String>,
}

impl Pair {
    /// What pairs of one kind share.
    pub(super) fn key(&self, listener: &str) -> String {
        match self.old.words == self.new.words {
            // Only their effects differ: these tell them apart.
            true => format!("{listener} {:?} {:?}", self.old.key(), self.new.key()),
            false => format!("{listener} {:?} {:?}", self.old.words, self.new.words),
        }
    }
}

/// One way of faring, with where it comes from.
struct Part {
    fate: Fate,
    course: Course,
    taken: Option<RouteId>,
    set: Set,
}

/// A candidate with its formulas.
struct Asked<'b> {
    taken: Taken<'b>,
    whole: Formula,
    but_method: Formula,
    courses: Vec<(Course, Formula, Fate)>,
}

/// Divides the requests of a region.
pub(super) fn divide(
    basis: &Basis<'_>,
    sides: [(Side<'_>, &Listener); 2],
    region: &Region,
    signatures: &mut Signatures,
    known: &mut [Known; 2],
) -> Result<Divided, Undecided> {
    let [(old, old_table), (new, new_table)] = sides;
    let lists = [old_table, new_table].map(|table| meeting(table, &region.host, &region.path));
    let [olds, news] = &lists;
    if olds.len().max(news.len()) > MOST {
        return Err(Undecided);
    }
    let mut number = |which, side, table, at| signatures.of(basis, (which, side), table, at);
    // What both try first and in the same way is out of the question.
    let n_common = olds
        .iter()
        .zip(news)
        .take_while(|(a, b)| {
            number(Which::Old, &old, old_table, **a) == number(Which::New, &new, new_table, **b)
        })
        .count();
    let mut cut = basis.cut();
    let head = vec![cut.host(&region.host), cut.path(&region.path)];
    let head = Formula::all(head);
    let plain = plainly(&mut cut);
    let mut common = Vec::with_capacity(n_common);
    for at in olds.iter().take(n_common) {
        let Some(taken) = basis.taken(&old, old_table, *at) else { continue };
        common.push((taken.whole(&mut cut), taken.but_method(&mut cut)));
    }
    let [known_old, known_new] = known;
    let rest_old: Vec<At> = olds.iter().skip(n_common).copied().collect();
    let rest_new: Vec<At> = news.iter().skip(n_common).copied().collect();
    let rest_old = asked(basis, &old, old_table, &rest_old, &mut cut, known_old)?;
    let rest_new = asked(basis, &new, new_table, &rest_new, &mut cut, known_new)?;

    // What holds of requests to one alone is a difference of the listeners, and told as such.
    let before = arriving(old.policy, old_table.block);
    let both =
        arriving(new.policy, new_table.block).into_iter().filter(|fact| before.contains(fact));
    cut.arriving(&both.collect::<Vec<_>>());
    let mut space = cut.finish(budget(olds.len() + news.len()))?;
    let mut left = space.set(&head)?;
    let mut takes = Vec::with_capacity(common.len());
    let mut by_method = Vec::with_capacity(common.len());
    for (whole, but_method) in &common {
        takes.push(space.set(whole)?);
        by_method.push(space.set(but_method)?);
    }
    let takes = space.join_all(takes)?;
    left = space.minus(left, takes)?;
    let by_method = space.join_all(by_method)?;
    let old_parts = parts(&mut space, left, by_method, &rest_old)?;
    let new_parts = parts(&mut space, left, by_method, &rest_new)?;

    let mut pairs = Vec::new();
    let plain: Result<Vec<Set>, Undecided> = plain.iter().map(|plain| space.set(plain)).collect();
    let plain = plain?;
    let at = |side: &Side<'_>, table: &Listener| {
        side.lowered.listeners.iter().position(|known| known.name == table.name)
    };
    let (Some(old_at), Some(new_at)) = (at(&old, old_table), at(&new, new_table)) else {
        return Ok(Divided::default());
    };
    for (old_key, olds) in &old_parts {
        for (new_key, news) in &new_parts {
            if old_key == new_key {
                continue;
            }
            let mut found: Option<Pair> = None;
            for one in olds {
                for other in news {
                    let both = space.meet(one.set, other.set)?;
                    if both == Set::NONE || found.as_ref().is_some_and(|f| f.example.is_some()) {
                        continue;
                    }
                    let mut tried = both;
                    for plain in &plain {
                        let plainer = space.meet(tried, *plain)?;
                        if plainer != Set::NONE && space.witness(plainer).is_some() {
                            tried = plainer;
                        }
                    }
                    let certain = space.witness(tried);
                    let is_certain = certain.is_some();
                    let values = certain.or_else(|| space.guess(tried));
                    let witness = values.map(|v| Witness::new(&region.host, &region.path, v));
                    let witness = witness.map(|witness| {
                        let before = fares(basis, (&old, old_at), &witness, one);
                        let after = fares(basis, (&new, new_at), &witness, other);
                        (witness, before.zip(after))
                    });
                    let same = one.fate.words == other.fate.words
                        && one.fate.applied == other.fate.applied;
                    let scheme = scheme(new.policy, new_table.block);
                    let (mut example, mut disagreement) = (None, None);
                    match witness {
                        // What is written otherwise comes to the same here.
                        Some((_, Some((before, after))))
                            if same && before == after && before.iter().all(is_known) => {}
                        Some((witness, Some(_))) => {
                            example = Some(witness.text(&basis.program, scheme));
                        }
                        Some((witness, None)) if is_certain => {
                            disagreement = Some(witness.text(&basis.program, scheme));
                        }
                        _ => {}
                    }
                    let pair = Pair {
                        old: one.fate.clone(),
                        new: other.fate.clone(),
                        example,
                        disagreement,
                    };
                    found = Some(pair);
                }
            }
            pairs.extend(found);
        }
    }
    Ok(Divided { pairs })
}

/// The candidates with what they ask, and their courses with the fates these lead to.
fn asked<'b>(
    basis: &'b Basis<'_>,
    side: &Side<'b>,
    table: &'b Listener,
    ats: &[At],
    cut: &mut Cut<'_>,
    known: &mut Known,
) -> Result<Vec<Asked<'b>>, Undecided> {
    let mut all = Vec::with_capacity(ats.len());
    for at in ats {
        let Some(taken) = basis.taken(side, table, *at) else { continue };
        let (whole, but_method) = (taken.whole(cut), taken.but_method(cut));
        let courses = known.courses(basis, side, taken.id);
        let courses = courses.as_ref().as_ref().map_err(|_| Undecided)?;
        let captured: Vec<(Arc<str>, usize)> =
            captures(taken.path).into_iter().map(|(name, place, _)| (name, place)).collect();
        let mut made: Vec<(Course, Formula, Fate)> = Vec::new();
        // Which requests are beyond a limit is not told by the requests: the limit itself is compared.
        let told = |course: &&Course| course.sure && !matches!(course.end, End::Limited(_));
        for course in courses.iter().filter(told) {
            let twin = |(other, ..): &(Course, Formula, Fate)| {
                (other.at, &other.guards) == (course.at, &course.guards)
            };
            // Of upstreams among which is drawn, one speaks for all.
            if made.iter().any(twin) {
                continue;
            }
            let guards = guards(cut, course, taken.env());
            for (course, formula) in by_status(&basis.program, course, cut, taken.env()) {
                let fate = Fate::of(basis, side, taken.id, &course, &captured);
                let formula = Formula::all(vec![guards.clone(), formula]);
                made.extend(fate.map(|fate| (course, formula, fate)));
            }
        }
        all.push(Asked { taken, whole, but_method, courses: made });
    }
    Ok(all)
}

/// The most statuses by which a course is divided.
const STATUSES: usize = 16;

/// A course whose status is one of a few that the request chooses among, as one course for each.
fn by_status(
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

/// The requests in `left` by what becomes of them.
fn parts(
    space: &mut Space,
    mut left: Set,
    by_method: Set,
    all: &[Asked<'_>],
) -> Result<BTreeMap<Key, Vec<Part>>, Undecided> {
    let mut parts: BTreeMap<Key, Vec<Part>> = BTreeMap::new();
    let mut others = vec![by_method];
    for one in all {
        let but_method = space.set(&one.but_method)?;
        others.push(but_method);
        let whole = space.set(&one.whole)?;
        let takes = space.meet(left, whole)?;
        left = space.minus(left, whole)?;
        if takes == Set::NONE {
            continue;
        }
        for (course, formula, fate) in &one.courses {
            let set = space.set(formula)?;
            let set = space.meet(takes, set)?;
            if set == Set::NONE {
                continue;
            }
            parts.entry(fate.key()).or_default().push(Part {
                fate: fate.clone(),
                course: course.clone(),
                taken: Some(one.taken.id),
                set,
            });
        }
    }
    let others = space.join_all(others)?;
    let method = space.meet(left, others)?;
    let nobody = space.minus(left, others)?;
    for (end, set) in [(End::Method, method), (End::Nobody, nobody)] {
        if set != Set::NONE {
            let fate = Fate::past(&end);
            let part = Part { fate: fate.clone(), course: Course::past(end), taken: None, set };
            parts.entry(fate.key()).or_default().push(part);
        }
    }
    Ok(parts)
}

/// What the statements of a part come to for the example, by the code that decides and computes. `None` if it does not
/// fare so.
fn fares(
    basis: &Basis<'_>,
    (side, listener): (&Side<'_>, usize),
    witness: &Witness,
    part: &Part,
) -> Option<Vec<Done>> {
    let frame = Frame::new();
    let expected = match (part.taken, &part.course.end) {
        (Some(id), _) => Answer::Route(id),
        (None, End::Method) => Answer::Method,
        (None, _) => Answer::Nobody,
    };
    if answer(basis, side, listener, witness, &frame) != expected {
        return None;
    }
    let fill = witness.fill(&basis.program);
    let interp =
        Interp { program: &basis.program, constants: &basis.constants, frame: &frame, fill: &fill };
    let route = part.taken.and_then(|id| basis.route(side, id));
    for (local, value) in locals(route.map_or(&[][..], |route| &route.steps)) {
        frame.set_local(local, interp.value(value).unwrap_or_default());
    }
    let done = part.fate.effects.iter().map(|Effect { does, .. }| {
        let values = does.args.iter().map(|arg| interp.value(*arg).ok());
        (does.action.clone(), does.place.clone(), values.collect())
    });
    fits(&interp, &part.course).then(|| done.collect())
}

/// What a statement does, and with which values.
type Done = (Arc<str>, Option<(Arc<str>, Option<Arc<str>>)>, Vec<Option<Value>>);

/// Whether each value is known, and not one that an answer of an upstream decides.
fn is_known((.., values): &Done) -> bool {
    values.iter().all(Option::is_some)
}
