//! The requests of one host and path, divided by what becomes of them on either side.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::Ipv6Addr;
use std::sync::Arc;

use lang::policy::Compare;
use lang::vocab::ExprId;
use lang::{Ty, Value};

use crate::caching::Asks;
use crate::diff::alike::{Choices, choices};
use crate::diff::choices::{Chosen, asked as asked_there, by_argument, by_status};
use crate::diff::effect::{Captured, Does, Effect};
use crate::diff::example::{Ground, hints, is_of, unfit_hints};
use crate::diff::fate::Fate;
use crate::diff::focus::Focus;
use crate::diff::free::Free;
use crate::diff::idle::{idle, said};
use crate::diff::kept::{self, Lookup};
use crate::diff::pairing::{Pair, Pairing};
use crate::diff::part::{Part, Parts};
use crate::diff::regions::{Region, Signatures};
use crate::diff::{Side as Which, aside, besides, bounds, gathered};
use crate::order::compare::budget;
use crate::program::{Expr, Listener};
use crate::proof::basis::{At, Basis, Known, Side, Taken, meeting};
use crate::proof::course::{Course, End, Reads};
use crate::proof::search::{guards, plainly};
use crate::space::{
    Cut, Env, Fact, Formula, Set, Space, Test, Undecided, arriving, believes, scheme,
};

/// The most requests of a region that are made up to see what computed values come to.
const MOST_TRIED: usize = 64;

/// The most candidates that are looked at together.
const MOST: usize = 20_000;

/// An address of version 6 that is nobody's (RFC 3849).
const VERSION_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// What there is at a host and path.
#[derive(Debug, Default)]
pub(super) struct Divided {
    /// Every pair of fates that some request has.
    pub(super) pairs: Vec<Pair>,
    /// Whether more statements tell requests of one kind than are told.
    pub(super) is_cut: bool,
}

/// The candidates that requests of a region meet on one side.
struct Met<'m> {
    ats: &'m [At],
    /// Those of just this host and path that differ.
    differing: &'m [At],
    /// Of each whether the other side has it, too.
    kept: Vec<bool>,
}

/// Which of these numbers are among the others.
fn kept_in(numbers: &[Option<u32>], others: &[Option<u32>]) -> Vec<bool> {
    let others: HashSet<u32> = others.iter().flatten().copied().collect();
    numbers.iter().map(|number| number.is_some_and(|number| others.contains(&number))).collect()
}

/// A candidate with its formulas.
struct Asked<'b> {
    taken: Taken<'b>,
    differs: bool,
    kept: bool,
    /// The statements that may refuse a request.
    refusing: HashSet<usize>,
    choices: Arc<Choices>,
    says: Arc<Vec<Formula>>,
    answered: Arc<Vec<(Arc<str>, Formula)>>,
    captured: Vec<Captured>,
    whole: Formula,
    but_method: Formula,
    ways: Vec<Way>,
    /// Ways of which no request tells whether it comes that way.
    aside: Vec<Way>,
}

/// One way through a candidate's statements.
#[derive(Clone)]
struct Way {
    course: Course,
    /// The requests that come this way.
    formula: Formula,
    chosen: Chosen,
    fate: Fate,
}

/// Divides the requests of a region: by what each argument comes to, where there are not too many of these.
pub(super) fn divide<'b>(
    basis: &'b Basis<'b>,
    sides: [(Side<'b>, &'b Listener); 2],
    (region, asks): (&Region, Option<&Asks>),
    signatures: &mut Signatures,
    known: &mut [Known; 2],
) -> Result<Divided, Undecided> {
    let finely = divided(basis, sides, (region, asks), signatures, known, true);
    finely.or_else(|_| divided(basis, sides, (region, asks), signatures, known, false))
}

fn divided<'b>(
    basis: &'b Basis<'b>,
    sides: [(Side<'b>, &'b Listener); 2],
    (region, asks): (&Region, Option<&Asks>),
    signatures: &mut Signatures,
    known: &mut [Known; 2],
    finely: bool,
) -> Result<Divided, Undecided> {
    let [(old, old_table), (new, new_table)] = sides;
    let focus = Focus::of(basis, sides, region);
    let meeting = |side: &Side<'b>, table: &'b Listener| {
        let mut all = meeting(table, &region.host, &region.path);
        all.retain(|at| focus.may_meet(basis, side, table, *at));
        all
    };
    let (olds, news) = (&meeting(&old, old_table), &meeting(&new, new_table));
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
    let mut concerned = Vec::new();
    for ((side, table), differing) in sides.iter().zip(&region.differing) {
        let differing = differing.iter().filter_map(|at| basis.taken(side, table, *at));
        concerned.extend(differing.map(|taken| taken.but_method(&mut cut)));
    }
    let concerned = Formula::any(concerned);
    let mut plain = plainly(&mut cut);
    plain.extend(usually(basis, &mut cut));
    plain.extend(asks.into_iter().flat_map(|asks| kept::plainly(asks, &mut cut)));
    let mut common = Vec::with_capacity(n_common);
    for at in olds.iter().take(n_common) {
        let Some(taken) = basis.taken(&old, old_table, *at) else { continue };
        common.push((taken.whole(&mut cut), taken.but_method(&mut cut)));
    }
    let [known_old, known_new] = known;
    let rest_old: Vec<At> = olds.iter().skip(n_common).copied().collect();
    let rest_new: Vec<At> = news.iter().skip(n_common).copied().collect();
    let old_numbers: Vec<Option<u32>> =
        rest_old.iter().map(|at| number(Which::Old, &old, old_table, *at)).collect();
    let new_numbers: Vec<Option<u32>> =
        rest_new.iter().map(|at| number(Which::New, &new, new_table, *at)).collect();
    let [old_differ, new_differ] = &region.differing;
    let old_met =
        Met { ats: &rest_old, differing: old_differ, kept: kept_in(&old_numbers, &new_numbers) };
    let new_met =
        Met { ats: &rest_new, differing: new_differ, kept: kept_in(&new_numbers, &old_numbers) };
    let lookup = asks.map(|asks| Lookup { basis, asks });
    let mut made = |side, met, known| asked(basis, side, met, lookup.as_ref(), (&mut cut, known));
    let mut rest_old = made((&old, old_table), &old_met, known_old)?;
    let mut rest_new = made((&new, new_table), &new_met, known_new)?;
    let mut hints = Vec::new();
    let (before, after) = (done(&rest_old), done(&rest_new));
    chosen(basis, (&old, &mut rest_old), &after, finely, &mut cut, &mut hints);
    chosen(basis, (&new, &mut rest_new), &before, finely, &mut cut, &mut hints);

    let believes = believes(new.policy, new_table.block);
    let (before, after) = (done(&rest_old), done(&rest_new));
    let mut free = Free::default();
    let differing: Vec<&Does> = before.symmetric_difference(&after).collect();
    // What only some put into what is sent is compared with what others put in its place.
    let leads = |does: &&&Does| does.goes_up() || does.sends();
    let upward: HashSet<_> = differing.iter().filter(leads).map(|does| does.kind()).collect();
    if !upward.is_empty() {
        let all = || rest_old.iter().chain(&rest_new);
        let ways = all().flat_map(|one| one.ways.iter().map(|way| (&one.taken, &way.course)));
        let verified = Free::verified(basis, ways);
        for one in all() {
            let effects = one.ways.iter().flat_map(|way| &way.fate.effects);
            let does =
                effects.map(|effect| &effect.does).filter(|does| upward.contains(&does.kind()));
            free.add(basis, does, (&one.captured, one.taken.env()), &verified, &mut cut);
        }
    }
    let idle = idle(&basis.program, &differing, believes);
    let nothing = idle.iter().map(|(does, when)| (does.clone(), when.formula(&mut cut)));
    let nothing: BTreeMap<Does, Formula> = nothing.collect();
    let said = said(&basis.program, &differing, believes, &mut cut);
    // What matters is shown first; else a request that says less is easier to read.
    plain.extend(said.values().map(|said| said.nothing.clone()));

    // What holds of requests to one alone is a difference of the listeners, and told as such.
    let before = arriving(old.policy, old_table.block);
    let both =
        arriving(new.policy, new_table.block).into_iter().filter(|fact| before.contains(fact));
    let both: Vec<Fact> = both.collect();
    cut.arriving(&both);
    let mut space = cut.finish(budget(olds.len() + news.len()))?;
    let (mut left, concerned) = (space.set(&head)?, space.set(&concerned)?);
    left = space.meet(left, concerned)?;
    let mut takes = Vec::with_capacity(common.len());
    let mut by_method = Vec::with_capacity(common.len());
    for (whole, but_method) in &common {
        takes.push(space.set(whole)?);
        by_method.push(space.set(but_method)?);
    }
    let takes = space.join_all(takes)?;
    left = space.minus(left, takes)?;
    let by_method = space.join_all(by_method)?;
    let (old_takes, old_left) = taken(&mut space, left, &rest_old)?;
    let (new_takes, new_left) = taken(&mut space, left, &rest_new)?;
    let mut old_parts = parts(&mut space, &rest_old, &old_takes, |one| &one.ways)?;
    let mut new_parts = parts(&mut space, &rest_new, &new_takes, |one| &one.ways)?;
    past(&mut space, (old_left, by_method), &rest_old, &mut old_parts)?;
    past(&mut space, (new_left, by_method), &rest_new, &mut new_parts)?;

    let at = |side: &Side<'_>, table: &Listener| {
        side.lowered.listeners.iter().position(|known| known.name == table.name)
    };
    let (Some(old_at), Some(new_at)) = (at(&old, old_table), at(&new, new_table)) else {
        return Ok(Divided::default());
    };
    let mut sets = |formulas: &[Formula]| -> Result<Vec<Set>, Undecided> {
        formulas.iter().map(|formula| space.set(formula)).collect()
    };
    let ground = Ground {
        basis,
        sides: [(old, old_at), (new, new_at)],
        arriving: &both,
        host: &region.host,
        path: &region.path,
        scheme: scheme(new.policy, new_table.block),
        plain: sets(&plain)?,
        hints: sets(&hints)?,
        believes,
    };
    let secure = [(old, old_table), (new, new_table)]
        .map(|(side, table)| scheme(side.policy, table.block) == "https");
    let pairing = Pairing { ground, nothing, said, free, secure };
    let (mut pairs, is_cut) = pairing.told(&mut space, &old_parts, &new_parts)?;
    let asides = [
        parts(&mut space, &rest_old, &old_takes, |one| &one.aside)?,
        parts(&mut space, &rest_new, &new_takes, |one| &one.aside)?,
    ];
    let told = [&old_parts, &new_parts];
    aside::compare(&pairing, &mut space, told, asides.each_ref(), &mut pairs)?;
    gathered::add(&pairing, &mut space, told, &mut pairs)?;
    Ok(Divided { pairs, is_cut })
}

/// Answers that make good examples: an upstream does answer, and says what many do.
fn usually(basis: &Basis<'_>, cut: &mut Cut<'_>) -> Vec<Formula> {
    let Some(status) = besides::source(&basis.program, ("resp.status", None)) else {
        return Vec::new();
    };
    let env = Env { captures: &[], locals: &[] };
    let is = |status| Test::Compare(Compare::Eq, Value::Status(status));
    let tests = [200, 404, 500, 503].into_iter().map(is);
    std::iter::once(Test::Present).chain(tests).map(|test| cut.ask(status, &test, env)).collect()
}

/// The candidates with what they ask, and their courses with the fates these lead to.
fn asked<'b>(
    basis: &'b Basis<'b>,
    (side, table): (&Side<'b>, &'b Listener),
    met: &Met<'_>,
    lookup: Option<&Lookup<'_>>,
    (cut, known): (&mut Cut<'_>, &mut Known),
) -> Result<Vec<Asked<'b>>, Undecided> {
    let differing: HashSet<&At> = met.differing.iter().collect();
    let mut all = Vec::with_capacity(met.ats.len());
    for (at, kept) in met.ats.iter().zip(&met.kept) {
        let Some(taken) = basis.taken(side, table, *at) else { continue };
        let (whole, but_method) = (taken.whole(cut), taken.but_method(cut));
        let courses = known.courses(basis, side, taken.id);
        let courses = courses.as_ref().as_ref().map_err(|_| Undecided)?;
        let captured = Captured::of(taken.path);
        let mut made: Vec<Way> = Vec::new();
        let refusing = courses.iter().filter(|course| !course.sure && !is_told(course));
        let refusing: HashSet<usize> = refusing.filter_map(|course| course.at).collect();
        let told = |course: &Course| match course.end {
            End::Limited(_) | End::Long(Reads::Length) => false,
            _ => course.sure || is_told(course),
        };
        let mut aside: Vec<Way> = Vec::new();
        for course in courses {
            let twin = |other: &Way| {
                (other.course.at, &other.course.guards) == (course.at, &course.guards)
            };
            // Of upstreams among which is drawn, one speaks for all.
            if told(course) && made.iter().any(twin) {
                continue;
            }
            let guards = guards(cut, course, taken.env());
            if !told(course) {
                let (course, chosen) = (course.clone(), Chosen::default());
                let told = (&chosen, &refusing);
                let fate = Fate::of(basis, side, &taken, &course, &captured, told);
                aside.extend(fate.map(|fate| Way { course, formula: guards, chosen, fate }));
                continue;
            }
            let looked_up = match lookup {
                Some(lookup) => lookup.cases(side, course, cut),
                None => vec![(Formula::Always(true), None)],
            };
            for (course, formula, chosen) in by_status(&basis.program, course, cut, taken.env()) {
                for (concerned, kept) in &looked_up {
                    let chosen = chosen.clone().at_cache(*kept);
                    let told = (&chosen, &refusing);
                    let fate = Fate::of(basis, side, &taken, &course, &captured, told);
                    let formula = vec![guards.clone(), formula.clone(), concerned.clone()];
                    let (course, formula) = (course.clone(), Formula::all(formula));
                    made.extend(fate.map(|fate| Way { course, formula, chosen, fate }));
                }
            }
        }
        let differs = differing.contains(at);
        let (choices, says, answered) = (Arc::default(), Arc::default(), Arc::default());
        all.push(Asked {
            taken,
            differs,
            kept: *kept,
            refusing,
            choices,
            says,
            answered,
            captured,
            whole,
            but_method,
            ways: made,
            aside,
        });
    }
    Ok(all)
}

/// Whether requests are told from others by which a statement refuses them for a value.
fn is_told(course: &Course) -> bool {
    course.end == End::Unfit && !course.is_judged()
}

/// Divides courses further, if `finely`, by what the arguments come to with which the other side does nothing, and adds what
/// may make a difference between them.
fn chosen(
    basis: &Basis<'_>,
    (side, all): (&Side<'_>, &mut [Asked<'_>]),
    others: &HashSet<Does>,
    finely: bool,
    cut: &mut Cut<'_>,
    tried: &mut Vec<Formula>,
) {
    let elsewhere: BTreeSet<ExprId> =
        others.iter().flat_map(|does| does.args.iter().copied()).collect();
    let chosen_there: BTreeSet<ExprId> = others.iter().flat_map(Does::reads).collect();
    let mut asked = asked_there(&basis.program, &elsewhere);
    // What may be absent takes away what an upstream says there.
    let ways = all.iter().flat_map(|one| &one.ways);
    let set = ways
        .flat_map(|way| &way.fate.effects)
        .filter(|effect| effect.does.changes("resp.header") && !others.contains(&effect.does));
    asked
        .extend(set.flat_map(|effect| &effect.does.args).filter(|arg| may_be_absent(basis, **arg)));
    for one in all {
        let mut made = Vec::with_capacity(one.ways.len());
        let (mut all_arguments, mut says) = (BTreeSet::new(), BTreeSet::new());
        let (mut answered, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for way in std::mem::take(&mut one.ways) {
            let Way { course, formula, fate, .. } = &way;
            let differ = fate.effects.iter().filter(|effect| !others.contains(&effect.does));
            let arguments: BTreeSet<ExprId> =
                differ.flat_map(|effect| effect.does.args.iter().copied()).collect();
            says.extend(seen_by(basis, fate, others));
            addresses.extend(told_by_address(basis, fate, others));
            answered.extend(fate.effects.iter().filter_map(|effect| answers(basis, effect)));
            let env = one.taken.env();
            if tried.len() < MOST_TRIED {
                let differ = fate.effects.iter().filter(|effect| !others.contains(&effect.does));
                let places = differ.filter_map(|effect| effect.does.place.as_ref());
                let before = places.filter_map(|(field, key)| {
                    besides::source(&basis.program, (field, key.as_deref()))
                });
                let read = (before.collect(), &arguments);
                tried.extend(hints(basis, read, &elsewhere, cut, env));
            }
            let cases = match finely {
                true => by_argument(basis, (&arguments, &asked), &way.chosen, cut, env),
                false => Vec::new(),
            };
            if cases.len() < 2 {
                made.push(way);
            } else {
                made.extend(cases.into_iter().filter_map(|(given, chosen)| {
                    let told = (&chosen, &one.refusing);
                    let fate = Fate::of(basis, side, &one.taken, course, &one.captured, told)?;
                    let formula = Formula::all(vec![formula.clone(), given]);
                    let course = course.clone();
                    Some(Way { course, formula, chosen, fate })
                }));
            }
            all_arguments.extend(arguments);
        }
        for refusing in one.aside.iter().filter_map(|way| way.fate.refusing()) {
            if tried.len() < MOST_TRIED {
                tried.extend(unfit_hints(basis, refusing, cut, one.taken.env()));
            }
        }
        let arguments = all_arguments.into_iter().collect();
        let asked = (arguments, &chosen_there);
        let says = says.into_iter().map(|id| cut.ask(id, &Test::Present, one.taken.env()));
        let mut says: Vec<Formula> = says.collect();
        let of_version_6 = Test::Compare(Compare::Eq, Value::ip(VERSION_6.into()));
        says.extend(addresses.into_iter().map(|id| cut.ask(id, &of_version_6, one.taken.env())));
        one.says = Arc::new(says);
        let answered = answered
            .into_iter()
            .map(|(name, value)| (name, cut.ask(value, &Test::Present, one.taken.env())));
        one.answered = Arc::new(answered.collect());
        one.choices = Arc::new(choices(basis, asked, cut, one.taken.env()));
        one.ways = made;
    }
}

/// What requests say for which the statements that the other side does not run are seen to do something: what a field is
/// set to, and by what a cache tells requests apart.
fn seen_by(basis: &Basis<'_>, fate: &Fate, others: &HashSet<Does>) -> Vec<ExprId> {
    let parts = |does: &Does| -> BTreeSet<ExprId> {
        match &*does.action {
            "cache" => does.args.iter().flat_map(|arg| bounds::parts(basis, *arg)).collect(),
            "set" | "add" => does.args.iter().copied().filter(|arg| is_slot(basis, *arg)).collect(),
            _ => BTreeSet::new(),
        }
    };
    let elsewhere: BTreeSet<ExprId> = others.iter().flat_map(parts).collect();
    let differ = fate.effects.iter().filter(|effect| !others.contains(&effect.does));
    let own: BTreeSet<ExprId> = differ.flat_map(|effect| parts(&effect.does)).collect();
    let told = own.difference(&elsewhere).copied();
    let told = basis.program.walk(told, &[]).map(|(id, _)| id);
    let mut told: Vec<ExprId> = told.filter(|id| is_slot(basis, *id)).collect();
    let differ = |effect: &&Effect| !others.contains(&effect.does);
    let is_query = |does: &Does| does.changes("up.query");
    if fate.effects.iter().filter(differ).any(|effect| is_query(&effect.does))
        && !others.iter().any(is_query)
    {
        told.extend(besides::source(&basis.program, ("up.query", None)));
    }
    told
}

/// The addresses that a limit tells apart by more or fewer bits of version 6 than on the other side.
fn told_by_address(basis: &Basis<'_>, fate: &Fate, others: &HashSet<Does>) -> Vec<ExprId> {
    let program = &basis.program;
    let read = |does: &Does| {
        let mut read: Vec<ExprId> = program
            .walk(does.reads(), &[])
            .slots()
            .filter_map(|(id, _)| program.reading(id))
            .collect();
        read.sort_unstable();
        read.dedup();
        read
    };
    let by_more = |effect: &&Effect, other: &Does| {
        let is_other = effect.does != *other;
        effect.differs_in(other, "ipv6")
            || (is_other
                && effect.is_told_as(other, "value")
                && (effect.differs_in(other, "value") || effect.has_names(program, "value"))
                && read(&effect.does) == read(other))
    };
    let differ = fate.effects.iter().filter(|effect| {
        &*effect.does.action == "limit" && others.iter().any(|other| by_more(effect, other))
    });
    let read = differ.flat_map(|effect| read(&effect.does));
    read.filter(|id| is_of(program, *id, &Ty::Ip)).collect()
}

/// The header field of an answer that a statement gives to some requests, and what it is given.
fn answers(basis: &Basis<'_>, effect: &Effect) -> Option<(Arc<str>, ExprId)> {
    let (field, name) = effect.does.place.as_ref()?;
    let value = *effect.does.args.first()?;
    let chooses = matches!(
        basis.program.expr(value),
        Expr::Slot(_) | Expr::Match(..) | Expr::Coalesce(..) | Expr::Local(_)
    );
    (&**field == "resp.header" && chooses).then_some((name.clone()?, value))
}

/// Whether it reads what a request or an answer may or may not say.
fn may_be_absent(basis: &Basis<'_>, id: ExprId) -> bool {
    match basis.program.expr(id) {
        Expr::Slot(slot) => {
            let slot = basis.program.slot(*slot);
            slot.is_some_and(|slot| slot.ty.is_optional() && (slot.stable || slot.is_answered()))
        }
        _ => false,
    }
}

fn is_slot(basis: &Basis<'_>, id: ExprId) -> bool {
    basis.program.read_by(id).is_some_and(|(_, slot)| slot.stable)
}

/// Everything that is done on some course.
fn done(all: &[Asked<'_>]) -> HashSet<Does> {
    let fates = all.iter().flat_map(|one| &one.ways).map(|way| &way.fate);
    fates.flat_map(|fate| &fate.effects).map(|effect| effect.does.clone()).collect()
}

/// Those of the requests in `left` that each candidate takes, and those that none takes.
fn taken(
    space: &mut Space,
    mut left: Set,
    all: &[Asked<'_>],
) -> Result<(Vec<Set>, Set), Undecided> {
    let mut takes = Vec::with_capacity(all.len());
    for one in all {
        let whole = space.set(&one.whole)?;
        takes.push(space.meet(left, whole)?);
        left = space.minus(left, whole)?;
    }
    Ok((takes, left))
}

/// The requests that each candidate takes by what becomes of them on some of its ways.
fn parts<'b>(
    space: &mut Space,
    all: &[Asked<'b>],
    takes: &[Set],
    ways: impl for<'a> Fn(&'a Asked<'b>) -> &'a [Way],
) -> Result<Parts, Undecided> {
    let mut parts = Parts::new();
    let taking = all.iter().zip(takes.iter().copied());
    for (one, takes) in taking.filter(|(_, takes)| *takes != Set::NONE) {
        for Way { course, formula, chosen, fate } in ways(one) {
            let set = space.set(formula)?;
            let set = space.meet(takes, set)?;
            if set == Set::NONE {
                continue;
            }
            parts.entry(fate.key()).or_default().push(Part {
                fate: fate.clone(),
                course: course.clone(),
                taken: Some(one.taken.id),
                differs: one.differs,
                kept: one.kept,
                choices: one.choices.clone(),
                chosen: chosen.clone(),
                says: one.says.clone(),
                answered: one.answered.clone(),
                set,
            });
        }
    }
    Ok(parts)
}

/// Adds the requests in `left`, which no candidate takes. Those in `by_method` are taken before all of these but for their
/// method.
fn past(
    space: &mut Space,
    (left, by_method): (Set, Set),
    all: &[Asked<'_>],
    parts: &mut Parts,
) -> Result<(), Undecided> {
    let mut others = vec![by_method];
    for one in all {
        others.push(space.set(&one.but_method)?);
    }
    let others = space.join_all(others)?;
    let method = space.meet(left, others)?;
    let nobody = space.minus(left, others)?;
    for (end, set) in [(End::Method, method), (End::Nobody, nobody)] {
        if set != Set::NONE {
            let fate = Fate::past(&end);
            let part = Part {
                fate: fate.clone(),
                course: Course::past(end),
                taken: None,
                differs: false,
                kept: false,
                choices: Arc::default(),
                chosen: Chosen::default(),
                says: Arc::default(),
                answered: Arc::default(),
                set,
            };
            parts.entry(fate.key()).or_default().push(part);
        }
    }
    Ok(())
}
