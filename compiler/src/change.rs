//! What would have to change in a request for a given route to answer it: of all requests that the route answers, one
//! that keeps as much of the given one as it can. A proposal; whoever shows it rehearses it first.

use std::sync::Arc;

use lang::Value;
use lang::policy::{Block, Path, Policy};
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;

use crate::frame::{Head, SlotId};
use crate::interp::Interp;
use crate::order::witness::Witness;
use crate::program::{Candidate, ListenerId, Pieces, Program, Route, RouteId, VirtualHost};
use crate::space::{Cut, Env, Fact, Formula, Patience, Set, Space, Term, Undecided, arriving};
use lang::hosts::host_relation;
use lang::segment::{Relation, captures, path_relation, split};

/// The most places of a route, and the most candidates before each of them, that are looked at.
const MOST: usize = 400;

/// The most requests that are proposed.
const MOST_SHOWN: usize = 8;

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
    /// Who sends it, by the slots of auths: the claims that are verified, or absent where nobody is to be.
    pub who: Vec<(SlotId, Value)>,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// One of these requests, the nearest first, if a rehearsal agrees.
    Changed(Vec<Change>),
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
    policy: Option<&Policy>,
) -> Wish {
    let program = interp.program;
    let Some(table) = program.listeners.get(listener.0 as usize) else { return Wish::Elsewhere };
    let arriving = policy.map(|policy| arriving_at(policy, &table.name)).unwrap_or_default();
    let mut nearest: Vec<(u32, Change)> = Vec::new();
    let (mut found, mut undecided) = (0, false);
    let mut first: Vec<RouteId> = Vec::new();
    for host in &table.hosts.list {
        for candidate in host.candidates.iter().filter(|one| one.route == route).take(MOST) {
            found += 1;
            match place(interp, (&table.hosts.list, &arriving), host, candidate, head) {
                Ok(Ok(found)) => nearest.push(found),
                Ok(Err(by)) => first.extend(by),
                Err(Undecided) => undecided = true,
            }
        }
    }
    first.sort_unstable();
    first.dedup();
    nearest.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    nearest.truncate(MOST_SHOWN);
    match nearest.is_empty() {
        false => Wish::Changed(nearest.into_iter().map(|(_, change)| change).collect()),
        true if found == 0 => Wish::Elsewhere,
        true if undecided => Wish::Undecided,
        true => Wish::Never(first),
    }
}

/// What holds of every request that comes to the listener of this name.
pub(crate) fn arriving_at(policy: &Policy, listener: &str) -> Vec<Fact> {
    let is = |block: &Block| block.row.name == "listener" && *block.name == *listener;
    policy.blocks.iter().position(is).map(|at| arriving(policy, at)).unwrap_or_default()
}

/// The nearest request that the candidate answers, and how much of the given one is kept; the routes that come first if
/// there is none.
fn place(
    interp: &Interp<'_>,
    (hosts, arriving): (&Pieces<Arc<VirtualHost>>, &[Fact]),
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
    cut.arriving(arriving);
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
    // Of what would be kept something may stand in the way of an example: the most is tried first.
    for least in [0, 15, 20, 1_000, u32::MAX] {
        let (mut narrowed, mut weight) = (left, 0);
        for kept in kept.iter().filter(|kept| kept.weight >= least) {
            let set = space.set(&kept.formula)?;
            let narrower = space.meet(narrowed, set)?;
            if narrower != Set::NONE {
                narrowed = narrower;
                weight += kept.weight;
            }
        }
        let found =
            change(interp, (&mut space, arriving), narrowed, (host, own, route), (head, &patience));
        if let Ok(change) = found {
            return Ok(Ok((weight, change)));
        }
    }
    Err(Undecided)
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
    add(cut.is(Term::Method, &Value::Method(Arc::from(head.method.name()))), 15);
    let conditions = asked.filter_map(|one| program.route(one.route)).flat_map(|route| {
        route.conditions.iter().map(|(condition, _)| *condition).collect::<Vec<ExprId>>()
    });
    for slot in program.reads(conditions) {
        let field = program.slot(slot).map_or("", |slot| &*slot.field);
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
    (space, arriving): (&mut Space, &[Fact]),
    set: Set,
    (host, path, route): (&VirtualHost, &Path, &Route),
    (head, patience): (&Head<'_>, &Patience),
) -> Result<Change, Undecided> {
    let request = |values: Vec<(Term, Value)>, is_sure: bool| {
        let says_method = values.iter().any(|(term, _)| *term == Term::Method);
        let made = if is_sure { Witness::new } else { Witness::guess };
        (says_method, made((&host.host, path), values, arriving))
    };
    let of = (interp.program, interp.constants);
    let (says_method, witness) = match space.witness(set) {
        Some(values) => request(values, true),
        None => {
            let guesses = space.guesses(set, interp.program, patience).into_iter();
            let mut taken = guesses
                .map(|values| request(values, false))
                .filter(|(_, guess)| guess.is_taken(of, route, path, &host.host));
            taken.next().ok_or(Undecided)?
        }
    };
    let differs =
        |(slot, value): &(SlotId, Value)| interp.slot(*slot).is_ok_and(|given| given != *value);
    let is_auth = |slot: &SlotId| {
        let slot = interp.program.slot(*slot);
        slot.is_some_and(|slot| *slot.field == *CLAIMS.path)
    };
    let auths = witness.slots.iter().filter(|(slot, _)| is_auth(slot));
    let who = auths.map(|said| {
        let given = interp.slot(said.0).unwrap_or_default();
        (said.0, witness.claims_of(interp.program, said, &given))
    });
    let who = who.collect();
    // The token of somebody who is known has no form that could be written.
    let is_written = |slot: &SlotId| {
        let of = interp.program.slot(*slot);
        !is_auth(slot) && !of.is_some_and(|of| witness.is_token(interp.program, of))
    };
    Ok(Change {
        who,
        method: if says_method { witness.method.clone() } else { Arc::from(head.method.name()) },
        host: witness.host.clone(),
        same_path: witness.path == head.path,
        path: witness.path.clone(),
        slots: witness
            .slots
            .iter()
            .filter(|said| is_written(&said.0) && differs(said))
            .cloned()
            .collect(),
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
