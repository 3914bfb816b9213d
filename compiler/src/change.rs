//! What would have to change in a request for a given route to answer it: of all requests that the route answers, one
//! that keeps as much of the given one as it can. A proposal; whoever shows it rehearses it first.

use std::sync::Arc;

use lang::Value;
use lang::policy::Path;
use lang::vocab::ExprId;

use crate::frame::{Head, SlotId};
use crate::interp::Interp;
use crate::order::witness::Witness;
use crate::program::{Candidate, ListenerId, Program, Route, RouteId, VirtualHost};
use crate::space::{Cut, Env, Formula, Patience, Set, Space, Term, Undecided};
use lang::hosts::host_relation;
use lang::segment::{Relation, captures, path_relation, split};

/// The most places of a route, and the most candidates before each of them, that are looked at.
const MOST: usize = 400;

/// The nodes that one question may take.
const LIMIT: usize = 400_000;

/// A request that differs from the given one where it must.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Its method.
    pub method: Arc<str>,
    /// Its host.
    pub host: Arc<str>,
    /// Its path.
    pub path: String,
    /// Whether that is the given one.
    pub same_path: bool,
    /// What else it says differently; absent for what has to go.
    pub slots: Vec<(SlotId, Value)>,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// This request, if a rehearsal agrees.
    Changed(Change),
    /// No request does: these routes always come first, or nothing fits it at all if there are none.
    Never(Vec<RouteId>),
    /// The route is not on this listener.
    Elsewhere,
    /// It is too much to look at, or depends on what no request can be made to fit.
    Undecided,
}

/// One field of the given request that would rather be kept.
struct Kept {
    formula: Formula,
    /// How much it counts; what counts more is kept first.
    weight: u32,
}

pub(crate) fn wish(
    interp: &Interp<'_>,
    listener: ListenerId,
    head: &Head<'_>,
    route: RouteId,
) -> Wish {
    let program = interp.program;
    let Some(table) = program.listeners.get(listener.0 as usize) else { return Wish::Elsewhere };
    let mut best: Option<(u32, Change)> = None;
    let (mut found, mut undecided) = (0, false);
    let mut first: Vec<RouteId> = Vec::new();
    for host in &table.hosts.list {
        for candidate in host.candidates.iter().filter(|one| one.route == route).take(MOST) {
            found += 1;
            match place(interp, &table.hosts.list, host, candidate, head) {
                Ok(Ok((weight, change))) => {
                    if best.as_ref().is_none_or(|(known, _)| *known < weight) {
                        best = Some((weight, change));
                    }
                }
                Ok(Err(by)) => first.extend(by),
                Err(Undecided) => undecided = true,
            }
        }
    }
    first.sort_unstable();
    first.dedup();
    match best {
        Some((_, change)) => Wish::Changed(change),
        None if found == 0 => Wish::Elsewhere,
        None if undecided => Wish::Undecided,
        None => Wish::Never(first),
    }
}

/// The nearest request that the candidate answers, and how much of the given one is kept; the routes that come first if
/// there is none.
fn place(
    interp: &Interp<'_>,
    hosts: &[Arc<VirtualHost>],
    host: &VirtualHost,
    candidate: &Candidate,
    head: &Head<'_>,
) -> Result<Result<(u32, Change), Vec<RouteId>>, Undecided> {
    let program = interp.program;
    let mut earlier: Vec<(&VirtualHost, &Candidate)> = Vec::new();
    let own = path(program, candidate).ok_or(Undecided)?;
    let route = program.route(candidate.route).ok_or(Undecided)?;
    for other in hosts {
        let same = other.host == host.host;
        if !same && host_relation(&other.host, &host.host) != Relation::Inside {
            continue;
        }
        let before = other.candidates.iter().filter(|one| {
            (!same || one.rank < candidate.rank)
                && path(program, one)
                    .is_some_and(|path| path_relation(path, own) != Relation::Disjoint)
        });
        earlier.extend(before.map(|one| (&**other, one)).take(MOST + 1));
    }
    if earlier.len() > MOST {
        return Err(Undecided);
    }

    let patience = Patience::default();
    let mut cut = Cut::new(program, interp.constants, &patience);
    let wanted = whole(program, host, candidate, &mut cut).ok_or(Undecided)?;
    let mut before: Vec<(RouteId, Formula)> = Vec::with_capacity(earlier.len());
    for (host, one) in &earlier {
        before.push((one.route, whole(program, host, one, &mut cut).ok_or(Undecided)?));
    }
    let asked = std::iter::once(candidate).chain(earlier.iter().map(|(_, one)| *one));
    let kept = keep(interp, asked, head, &mut cut);
    let mut space = cut.finish(LIMIT)?;

    let mut left = space.set(&wanted)?;
    let mut by = Vec::new();
    for (route, formula) in &before {
        let taken = space.set(formula)?;
        let less = space.minus(left, taken)?;
        if less != left {
            by.push(*route);
        }
        left = less;
    }
    if left == Set::NONE {
        return Ok(Err(by));
    }
    let mut weight = 0;
    for kept in kept {
        let set = space.set(&kept.formula)?;
        let narrower = space.meet(left, set)?;
        if narrower != Set::NONE {
            left = narrower;
            weight += kept.weight;
        }
    }
    let change = change(interp, &mut space, left, (host, own, route), (head, &patience))?;
    Ok(Ok((weight, change)))
}

/// What the given request says, wherever it is asked.
fn keep<'c>(
    interp: &Interp<'_>,
    asked: impl Iterator<Item = &'c Candidate>,
    head: &Head<'_>,
    cut: &mut Cut<'_>,
) -> Vec<Kept> {
    let program = interp.program;
    let mut kept = Vec::new();
    let mut add = |formula, weight| kept.push(Kept { formula, weight });
    add(cut.is(Term::Host, &Value::string(head.host)), 1_000);
    let segments: Vec<&str> = split(head.path).collect();
    let given = segments.iter().map(|text| Value::string(*text)).chain([Value::Absent]);
    for (at, segment) in given.enumerate().take(64) {
        add(cut.is(Term::Segment(at), &segment), 20);
    }
    add(cut.is(Term::Method, &Value::Method(Arc::from(head.method))), 15);
    let conditions = asked.filter_map(|one| program.route(one.route)).flat_map(|route| {
        route.conditions.iter().map(|(condition, _)| *condition).collect::<Vec<ExprId>>()
    });
    for slot in program.reads(conditions) {
        let field = program.slots.get(slot.0 as usize).map_or("", |slot| &*slot.field);
        if matches!(field, "req.method" | "req.host" | "req.path") {
            continue;
        }
        if let Ok(value) = interp.slot(slot) {
            add(cut.is(Term::Slot(slot), &value), 10);
        }
    }
    kept
}

/// The request that a set comes down to.
fn change(
    interp: &Interp<'_>,
    space: &mut Space,
    set: Set,
    (host, path, route): (&VirtualHost, &Path, &Route),
    (head, patience): (&Head<'_>, &Patience),
) -> Result<Change, Undecided> {
    let request = |values: Vec<(Term, Value)>| {
        let says_method = values.iter().any(|(term, _)| *term == Term::Method);
        (says_method, Witness::new(&host.host, path, values))
    };
    let of = (interp.program, interp.constants);
    let (says_method, witness) = match space.witness(set) {
        Some(values) => request(values),
        None => {
            let guesses = space.guesses(set, interp.program, patience).into_iter().map(request);
            let mut taken =
                guesses.filter(|(_, guess)| guess.is_taken(of, route, path, &host.host));
            taken.next().ok_or(Undecided)?
        }
    };
    let differs =
        |(slot, value): &(SlotId, Value)| interp.slot(*slot).is_ok_and(|given| given != *value);
    Ok(Change {
        method: if says_method { witness.method } else { Arc::from(head.method) },
        host: witness.host,
        same_path: witness.path == head.path,
        path: witness.path,
        slots: witness.slots.into_iter().filter(differs).collect(),
    })
}

/// Everything that a candidate asks of a request.
pub(crate) fn whole(
    program: &Program,
    host: &VirtualHost,
    candidate: &Candidate,
    cut: &mut Cut<'_>,
) -> Option<Formula> {
    let route = program.route(candidate.route)?;
    let path = path(program, candidate)?;
    let captures = captures(path);
    let methods = cut.methods(candidate.methods.as_deref());
    let mut all = vec![cut.host(&host.host), cut.path(path), methods];
    let env = Env { captures: &captures, locals: &[] };
    all.extend(route.conditions.iter().map(|(id, _)| cut.condition(*id, env)));
    Some(Formula::All(all))
}

fn path<'p>(program: &'p Program, candidate: &Candidate) -> Option<&'p Path> {
    let (path, _) = program.route(candidate.route)?.paths.get(candidate.path)?;
    Some(path)
}
