//! Who shares the count of a limit. What counts under one name counts together, wherever it is applied; which name that is
//! matters to nobody, so a limit that counts what another one counted is the same one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use lang::Value;
use lang::policy::{self, Host, RouteId};
use lang::segment::Segments;
use lang::vocab::{ExprId, Form};

use crate::program::{Call, Route, Step, StepKind};
use crate::proof::basis::{Basis, Side};

/// How the counts of two policies compare. Limits go by the names of the old one where they count what one of its limits
/// counted.
#[derive(Default, Debug)]
pub(super) struct Counts {
    /// At how many places both count.
    both: BTreeMap<(ExprId, ExprId), usize>,
    /// At how many places an old limit counts that could be counted with others by the new policy, and the other way round.
    places: [HashMap<ExprId, usize>; 2],
}

/// Where something may be counted: a listener, a host, a path, and what is asked besides.
type Place<'b> = (&'b str, &'b Host, Vec<Segments>, bool, Option<&'b [Arc<str>]>, Vec<ExprId>);

/// The limits of a place on either side. `None` where a side has no such place.
type Limits = [Option<BTreeSet<ExprId>>; 2];

impl Counts {
    /// The counts of the two policies; limits of the new one get the names that they go by.
    pub(super) fn of(basis: &mut Basis<'_>) -> Counts {
        let [old, new] = *basis.sides.as_slice() else { return Counts::default() };
        let sides = [old, new];
        let applied = sides.map(|side| applied(basis, &side));
        if applied.iter().any(|routes| routes.iter().all(|limits| limits.is_empty())) {
            return Counts::default();
        }
        let limits = gathered(basis, sides, &applied);
        let counts = Counts::among(&limits);
        let told = sides.map(|side| told(basis, &side));
        let Some(names) = counts.names(&limits, |old, new| {
            old == new || !told.iter().any(|told| told.contains(&old) || told.contains(&new))
        }) else {
            return counts;
        };
        let changes = names.iter().any(|(new, old)| new != old);
        for at in (0..new.policy.routes.len()).filter(|_| changes) {
            rename(basis, &new, RouteId(at as u32), &names);
        }
        counts.renamed(&names)
    }

    /// Whether something that the old limit counted with others is counted apart from these by the new one.
    pub(super) fn parts(&self, old: ExprId, new: ExprId) -> bool {
        old != new && self.both(old, new) < self.at(0, old)
    }

    /// Whether the new limit counts something with others that the old one counted apart from these.
    pub(super) fn gathers(&self, old: ExprId, new: ExprId) -> bool {
        old != new && self.both(old, new) < self.at(1, new)
    }

    fn both(&self, old: ExprId, new: ExprId) -> usize {
        self.both.get(&(old, new)).copied().unwrap_or(0)
    }

    fn at(&self, side: usize, limit: ExprId) -> usize {
        self.places.get(side).and_then(|places| places.get(&limit)).copied().unwrap_or(0)
    }

    fn among(limits: &[Limits]) -> Counts {
        let mut counts = Counts::default();
        let known: [HashSet<ExprId>; 2] = [0, 1].map(|side| {
            let own = limits.iter().filter_map(|of| of.get(side)?.as_ref());
            own.flatten().copied().collect()
        });
        for [old, new] in limits {
            for one in old.iter().flatten() {
                for other in new.iter().flatten() {
                    *counts.both.entry((*one, *other)).or_default() += 1;
                }
            }
            let [olds, news] = &mut counts.places;
            let [known_old, known_new] = &known;
            let pairs = [(old, new, known_new, olds), (new, old, known_old, news)];
            for (own, other, known, places) in pairs {
                for one in own.iter().flatten() {
                    // What nothing counts any more is told there; what is there no longer may be elsewhere.
                    let matters = match other {
                        Some(limits) => !limits.is_empty(),
                        None => known.contains(one),
                    };
                    *places.entry(*one).or_default() += usize::from(matters);
                }
            }
        }
        counts
    }

    /// The old names of new limits: of those that count most of the same. Nothing, where two limits would get one name.
    fn names(
        &self,
        limits: &[Limits],
        may_be: impl Fn(ExprId, ExprId) -> bool,
    ) -> Option<HashMap<ExprId, ExprId>> {
        let mut pairs: Vec<(ExprId, ExprId, usize)> =
            self.both.iter().map(|((old, new), n)| (*old, *new, *n)).collect();
        pairs.sort_by_key(|(old, new, n)| (Reverse(*n), old != new, *old, *new));
        let mut names: HashMap<ExprId, ExprId> = HashMap::new();
        let mut taken: HashSet<ExprId> = HashSet::new();
        for (old, new, _) in pairs {
            if may_be(old, new) && !taken.contains(&old) && !names.contains_key(&new) {
                names.insert(new, old);
                taken.insert(old);
            }
        }
        let news = limits.iter().filter_map(|[_, new]| new.as_ref()).flatten();
        let rest: BTreeSet<ExprId> = news.filter(|new| !names.contains_key(new)).copied().collect();
        rest.is_disjoint(&taken.into_iter().collect()).then_some(names)
    }

    fn renamed(self, names: &HashMap<ExprId, ExprId>) -> Counts {
        let name = |new: ExprId| names.get(&new).copied().unwrap_or(new);
        let Counts { both, places: [old, new] } = self;
        let both = both.into_iter().map(|((old, new), n)| ((old, name(new)), n));
        let new = new.into_iter().map(|(limit, n)| (name(limit), n));
        Counts { both: both.collect(), places: [old, new.collect()] }
    }
}

/// The limits of the places of both sides.
fn gathered(
    basis: &Basis<'_>,
    sides: [Side<'_>; 2],
    applied: &[Vec<BTreeSet<ExprId>>; 2],
) -> Vec<Limits> {
    let mut places: HashMap<Place<'_>, Limits> = HashMap::new();
    for (at, (side, applied)) in sides.iter().zip(applied).enumerate() {
        for listener in &side.lowered.listeners {
            for host in &listener.hosts.list {
                for candidate in &host.candidates {
                    let Some(route) = basis.route(side, candidate.route) else { continue };
                    let Some((path, _)) = route.paths.get(candidate.path) else { continue };
                    let place = (
                        &*listener.name,
                        &host.host,
                        path.segments.iter().map(Segments::of).collect(),
                        path.rest,
                        route.methods.as_ref().map(|(methods, _)| &**methods),
                        route.conditions.iter().map(|(id, _)| *id).collect(),
                    );
                    let own = places.entry(place).or_default();
                    if let (Some(own), Some(limits)) =
                        (own.get_mut(at), applied.get(candidate.route.0 as usize))
                    {
                        own.get_or_insert_default().extend(limits);
                    }
                }
            }
        }
    }
    places.into_values().collect()
}

/// The names of the limits that each route of a side applies.
fn applied(basis: &Basis<'_>, side: &Side<'_>) -> Vec<BTreeSet<ExprId>> {
    let routes = side.policy.routes.iter().enumerate();
    let names = routes.map(|(at, written)| {
        let route = basis.route(side, RouteId(at as u32));
        let all = route.map(|route| calls(route, written)).unwrap_or_default();
        all.into_iter().filter_map(|(call, at)| call.args.get(at).copied()).collect()
    });
    names.collect()
}

/// The limits of a side whose names answers tell.
fn told(basis: &Basis<'_>, side: &Side<'_>) -> HashSet<ExprId> {
    let mut told = HashSet::new();
    for (at, written) in side.policy.routes.iter().enumerate() {
        let Some(route) = basis.route(side, RouteId(at as u32)) else { continue };
        for (step, written) in route.steps.iter().zip(&written.steps) {
            let Some((call, at)) = limit(step, written) else { continue };
            let policy::StepKind::Act(row) = &written.kind else { continue };
            let headers = row.row.place_of("headers").and_then(|at| call.args.get(at));
            let headers = headers.and_then(|value| basis.constants.get(*value));
            if headers != Some(&Value::Bool(false)) {
                told.extend(call.args.get(at));
            }
        }
    }
    told
}

/// The calls of a route that apply a limit, with the place of its name.
fn calls<'b>(route: &'b Route, written: &policy::Route) -> Vec<(&'b Call, usize)> {
    let steps = route.steps.iter().zip(&written.steps);
    steps.filter_map(|(step, written)| limit(step, written)).collect()
}

/// The call that applies a limit, if a statement does, with the place of its name.
fn limit<'b>(step: &'b Step, written: &policy::Step) -> Option<(&'b Call, usize)> {
    match (&step.kind, &written.kind) {
        (StepKind::Act(call), policy::StepKind::Act(row))
            if matches!(row.row.form, Form::Applied) =>
        {
            Some((call, row.row.place_of("limit")?))
        }
        _ => None,
    }
}

/// Gives the limits of a side's route other names.
fn rename(basis: &mut Basis<'_>, side: &Side<'_>, id: RouteId, names: &HashMap<ExprId, ExprId>) {
    let Some(written) = side.policy.routes.get(id.0 as usize) else { return };
    let Some(route) = basis.route_mut(side, id) else { return };
    for (step, written) in route.steps.iter_mut().zip(&written.steps) {
        let at = limit(step, written).map(|(_, at)| at);
        if let (Some(at), StepKind::Act(call)) = (at, &mut step.kind)
            && let Some(name) = call.args.get_mut(at)
            && let Some(other) = names.get(name)
        {
            *name = *other;
        }
    }
}
