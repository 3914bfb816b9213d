//! Routes that no request reaches, because others take all that they could: one that covers them, or several together.
//!
//! A plain example shows almost every route to be reached; only where none does are sets of requests compared.

use std::collections::BTreeSet;
use std::sync::Arc;

use lang::Diag;
use lang::policy::{Host, Path, RouteId, Segment};

use crate::decision::Decision;
use crate::frame::Frame;
use crate::interp::Interp;
use crate::interp::decide::cells;
use crate::order::cells::Place;
use crate::order::compare::{budget, conditions};
use crate::order::report::Covered;
use crate::order::witness::Witness;
use crate::order::{Findings, Node, Order, Ordered, Places, report};
use crate::program::VirtualHost;
use crate::space::{Cut, Fact, Formula, Set, Undecided, arriving, door};
use lang::hosts::host_relation;
use lang::segment::{Relation, Segments};

/// The most candidates in front of a route that are looked at together, as long as nothing was given up.
const MOST: usize = 4_000;

/// With no more members than this in its cell, what the others leave to a candidate is looked at right away.
const FEW: usize = 16;

/// Says which routes of a program, whose listeners are complete, are never reached.
pub(crate) fn unreachable(places: &Places<'_>, order: &mut Order) -> Vec<Diag> {
    let n_routes = places.program.routes.len();
    let mut reached = vec![false; n_routes];
    let mut covered: Vec<Option<(usize, Covered)>> = Vec::new();
    covered.resize_with(n_routes, || None);
    let mut undecided: BTreeSet<RouteId> = BTreeSet::new();
    for (at, (listener, groups)) in order.listeners.iter_mut().enumerate() {
        let arriving = arriving(places.policy, *listener);
        for group in 0..groups.len() {
            for rank in 0..groups.get(group).map_or(0, |group| group.sequence.len()) {
                let Some(place) = place(groups, group, rank) else { continue };
                let number = place.route.0 as usize;
                if reached.get(number) != Some(&false) || order.blamed.contains(&place.route) {
                    continue;
                }
                let virtual_host = places.program.listeners.get(at);
                let virtual_host = virtual_host.and_then(|listener| listener.hosts.list.get(group));
                let Some(ordered) = groups.get_mut(group) else { continue };
                let shown = takes_an_example(places, at, ordered, rank);
                // Where an example came by this very place, some requests are left, whichever they are.
                let left = match shown && stands_alone(places, place) {
                    true => Left::Some,
                    false => left(ordered, rank),
                };
                let plain = virtual_host
                    .is_some_and(|host| reached_plainly(places, host, ordered, (rank, &left)));
                if !plain
                    && let Some(host) = groups.get(group).map(|ordered| &ordered.group.host)
                    && !matches!(host, Host::Exact(_))
                    && order.leaning.last() != Some(host)
                {
                    order.leaning.push(host.clone());
                }
                let is_reached = plain
                    || shown
                    || groups.get_mut(group).is_some_and(|ordered| {
                        reached_by_example(places, at, ordered, (rank, &left))
                    });
                let cover = match is_reached {
                    true => Ok(None),
                    false => cover(places, (at, &arriving), groups, group, rank),
                };
                match (cover, covered.get_mut(number), reached.get_mut(number)) {
                    (Ok(None), _, Some(reached)) => *reached = true,
                    (Ok(Some(cover)), Some(known), _) => add(known, *listener, cover),
                    (Err(Undecided), _, _) => {
                        undecided.insert(place.route);
                    }
                    _ => {}
                }
            }
        }
    }
    let mut findings = Findings::default();
    undecided.retain(|route| reached.get(route.0 as usize) == Some(&false));
    report::undecided_reach(places, &undecided, &mut findings);
    for (number, covered) in covered.into_iter().enumerate() {
        let route = RouteId(number as u32);
        let is_open = reached.get(number) == Some(&false) && !undecided.contains(&route);
        let Some((listener, covered)) = covered.filter(|_| is_open) else { continue };
        let door = door(places.policy, listener);
        report::unreachable(places, route, &covered, door, &mut findings);
    }
    findings.diags
}

/// What takes the requests of one more of a route's places.
fn add(known: &mut Option<(usize, Covered)>, listener: usize, cover: Covered) {
    let Some((of, known)) = known else {
        *known = Some((listener, cover));
        return;
    };
    known
        .by
        .extend(cover.by.into_iter().filter(|route| !known.by.contains(route)).collect::<Vec<_>>());
    if known.sample.is_none() && cover.sample.is_some() {
        (*of, known.sample) = (listener, cover.sample);
    }
}

fn place(groups: &[Ordered], group: usize, rank: usize) -> Option<Place> {
    let ordered = groups.get(group)?;
    ordered.place(*ordered.sequence.get(rank)?)
}

/// What the earlier members of its own cell leave to a candidate.
enum Left {
    /// These requests.
    Set(Set),
    /// Some request or other.
    Some,
    /// It has no sets, or that is not known.
    Unknown,
}

/// Whether its route stands at no other host or path.
fn stands_alone(places: &Places<'_>, place: Place) -> bool {
    let route = places.program.route(place.route);
    route.is_some_and(|route| route.paths.len() == 1 && route.hosts.len() == 1)
}

fn left(ordered: &mut Ordered, rank: usize) -> Left {
    set_left(ordered, rank).map_or(Left::Unknown, Left::Set)
}

fn set_left(ordered: &mut Ordered, rank: usize) -> Option<Set> {
    let node = *ordered.sequence.get(rank)?;
    let own = earlier_members(ordered, rank, node);
    let sets = ordered.sets.get_mut(node.cell)?.as_mut()?;
    let of = |member: &usize| sets.sets.get(*member).copied();
    let earlier: Vec<Set> = own.iter().filter_map(of).collect();
    let set = of(&node.member)?;
    let earlier = sets.space.join_all(earlier).ok()?;
    sets.space.minus(set, earlier).ok()
}

/// Whether some plain path leads to the candidate: no candidate of another cell comes before it there, and those of its
/// own do not take everything.
fn reached_plainly(
    places: &Places<'_>,
    host: &VirtualHost,
    ordered: &Ordered,
    (rank, left): (usize, &Left),
) -> bool {
    let Some(node) = ordered.sequence.get(rank).copied() else { return false };
    let Some(cell) = ordered.group.cells.get(node.cell) else { return false };
    let Some(place) = ordered.place(node) else { return false };
    let is_some = !matches!(left, Left::Unknown | Left::Set(Set::NONE));
    match ordered.sets.get(node.cell) {
        Some(Some(sets)) if !sets.asks_head && is_some => {}
        Some(None) if cell.members.len() == 1 && places.is_unconditional(place) => {}
        _ => return false,
    }
    plain_paths(&cell.path).any(|segments| {
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        cells(host, &segments).into_iter().all(|cell| {
            // The first of a cell is the one tried first.
            let first = cell.first().and_then(|at| host.candidates.get(*at));
            let first = first.map_or(usize::MAX, |first| first.rank as usize);
            let own = ordered.sequence.get(first).is_some_and(|first| first.cell == node.cell);
            own || first > rank
        })
    })
}

/// Whether some request that the candidate asks for comes to it, though nobody looked at who is tried before: thousands
/// of routes may overlap at one place, and what they leave is large, but of most of them a plain example is not taken.
fn takes_an_example(
    places: &Places<'_>,
    listener: usize,
    ordered: &mut Ordered,
    rank: usize,
) -> bool {
    let set = |ordered: &Ordered| {
        let node = ordered.sequence.get(rank)?;
        let is_crowded = ordered.group.cells.get(node.cell)?.members.len() > FEW;
        if !is_crowded {
            return None;
        }
        ordered.sets.get(node.cell)?.as_ref()?.sets.get(node.member).copied()
    };
    set(ordered)
        .is_some_and(|set| reached_by_example(places, listener, ordered, (rank, &Left::Set(set))))
}

/// Whether a request of what is left to the candidate comes to it.
fn reached_by_example(
    places: &Places<'_>,
    listener: usize,
    ordered: &mut Ordered,
    (rank, left): (usize, &Left),
) -> bool {
    let Some(node) = ordered.sequence.get(rank).copied() else { return false };
    let Some((place, cell)) = ordered.place(node).zip(ordered.group.cells.get(node.cell)) else {
        return false;
    };
    let Some(Some(sets)) = ordered.sets.get_mut(node.cell) else { return false };
    let Left::Set(left) = left else { return false };
    let Some(values) = sets.space.witness(*left) else { return false };
    let example = Witness::new((&ordered.group.host, &cell.path), values, &sets.arriving);
    example.arrives(places.program) && answer(places, listener, &example) == Some(place.route)
}

/// The members of the node's own cell that come before it and can take some of its requests.
fn earlier_members(ordered: &Ordered, rank: usize, node: Node) -> Vec<usize> {
    let ranks = ordered.ranks.get(node.cell);
    let earlier =
        |other: &usize| ranks.and_then(|ranks| ranks.get(*other)).is_some_and(|r| *r < rank);
    let meeting = ordered.meeting.get(node.cell).and_then(|members| members.get(node.member));
    meeting.into_iter().flatten().copied().filter(earlier).collect()
}

/// Paths of the pattern that few other patterns hold.
fn plain_paths(path: &Path) -> impl Iterator<Item = Vec<Arc<str>>> + use<> {
    let stem: Vec<Arc<str>> = path
        .segments
        .iter()
        .map(|segment| match (segment, Segments::of(segment)) {
            (Segment::Capture(..), Segments::Any) => Arc::from("~any~"),
            (_, kind) => Arc::from(kind.sample()),
        })
        .collect();
    let tails = if path.rest { 4 } else { 1 };
    (0..tails).map(move |more| {
        let tail = std::iter::repeat_n(Arc::from("~any~"), more);
        stem.iter().cloned().chain(tail).collect()
    })
}

/// What covers the candidate. Nothing, if some request may reach it.
fn cover(
    places: &Places<'_>,
    (listener, arriving): (usize, &[Fact]),
    groups: &[Ordered],
    group: usize,
    rank: usize,
) -> Result<Option<Covered>, Undecided> {
    let Some(ordered) = groups.get(group) else { return Ok(None) };
    let Some(place) = place(groups, group, rank) else { return Ok(None) };
    let Some((_, path)) = places.of(place) else { return Ok(None) };
    let earlier = earlier(groups, (group, rank), places.patience.limit(MOST))?;

    let mut cut = Cut::new(places.program, &places.constants, &places.patience);
    let own = whole(places, &ordered.group.host, place, &mut cut)?;
    let mut formulas = Vec::with_capacity(earlier.len());
    for (host, place) in &earlier {
        formulas.push(whole(places, host, *place, &mut cut)?);
    }
    let spent = |_: &Undecided| places.patience.give_up();
    cut.arriving(arriving);
    let mut space = cut.finish(budget(earlier.len())).inspect_err(spent)?;
    let own = space.set(&own).inspect_err(spent)?;
    let mut left = own;
    let mut taking: Vec<(RouteId, Set)> = Vec::new();
    for ((_, place), formula) in earlier.iter().zip(&formulas) {
        if left == Set::NONE {
            break;
        }
        let set = space.set(formula).inspect_err(spent)?;
        let less = space.minus(left, set).inspect_err(spent)?;
        if less != left {
            taking.push((place.route, set));
        }
        left = less;
    }
    if left != Set::NONE {
        return Ok(None);
    }
    let by = fewest(&mut space, own, taking)?;
    let host = &ordered.group.host;
    let place = (host, path);
    let sure = space.witness(own).map(|values| Witness::new(place, values, arriving));
    let sample = sure.or_else(|| Some(Witness::guess(place, space.guess(own)?, arriving)));
    let sample = sample.filter(|witness| witness.arrives(places.program)).and_then(|witness| {
        let answering = answer(places, listener, &witness)?;
        Some((witness, answering))
    });
    Ok(Some(Covered { by, sample }))
}

/// Every candidate that is tried before this one and has some host and path with it, if there are no more than `most`.
fn earlier(
    groups: &[Ordered],
    (group, rank): (usize, usize),
    most: usize,
) -> Result<Vec<(&Host, Place)>, Undecided> {
    let mut earlier = Vec::new();
    let Some(own) = groups.get(group) else { return Ok(earlier) };
    let Some(node) = own.sequence.get(rank).copied() else { return Ok(earlier) };
    let Some(cell) = own.group.cells.get(node.cell) else { return Ok(earlier) };
    for (at, ordered) in groups.iter().enumerate() {
        let hosts = host_relation(&ordered.group.host, &own.group.host);
        if at != group && hosts != Relation::Inside {
            continue;
        }
        let mut ranks: Vec<usize> = Vec::new();
        for other in ordered.group.overlapping(cell) {
            let members = ordered.ranks.get(other);
            let rank_of =
                |member: &usize| members.and_then(|members| members.get(*member)).copied();
            match at == group && other == node.cell {
                true => ranks.extend(earlier_members(own, rank, node).iter().filter_map(rank_of)),
                false => {
                    let members = members.into_iter().flatten().copied();
                    ranks.extend(members.filter(|other| at != group || *other < rank));
                }
            }
        }
        ranks.sort_unstable();
        let nodes = ranks.into_iter().filter_map(|rank| ordered.sequence.get(rank));
        let places = nodes.filter_map(|node| ordered.place(*node));
        earlier.extend(places.map(|place| (&ordered.group.host, place)));
        if earlier.len() > most {
            return Err(Undecided);
        }
    }
    Ok(earlier)
}

/// Everything that a candidate asks of a request.
fn whole(
    places: &Places<'_>,
    host: &Host,
    place: Place,
    cut: &mut Cut<'_>,
) -> Result<Formula, Undecided> {
    let (_, path) = places.of(place).ok_or(Undecided)?;
    Ok(Formula::All(vec![cut.host(host), cut.path(path), conditions(places, place, cut)]))
}

/// As few routes as it takes to cover the set: one if one does, else none without which they would not.
fn fewest(
    space: &mut crate::space::Space,
    own: Set,
    mut taking: Vec<(RouteId, Set)>,
) -> Result<Vec<RouteId>, Undecided> {
    for (route, set) in &taking {
        if space.minus(own, *set)? == Set::NONE && own != Set::NONE {
            return Ok(vec![*route]);
        }
    }
    let mut at = 0;
    while at < taking.len() && taking.len() <= 64 {
        let others: Vec<Set> =
            taking.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, (_, set))| *set).collect();
        let others = space.join_all(others)?;
        if space.minus(own, others)? == Set::NONE {
            taking.remove(at);
        } else {
            at += 1;
        }
    }
    let mut routes: Vec<RouteId> = Vec::new();
    for (route, _) in taking {
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    Ok(routes)
}

/// The route that answers a request.
fn answer(places: &Places<'_>, listener: usize, witness: &Witness) -> Option<RouteId> {
    let table = places.program.listeners.get(listener)?;
    let (frame, fill) = (Frame::new(), witness.fill(places.program));
    let interp = Interp {
        program: places.program,
        constants: &places.constants,
        frame: &frame,
        fill: &fill,
    };
    match interp.decide(table, &witness.head()) {
        Ok(Decision::Route(route)) => Some(route),
        _ => None,
    }
}
