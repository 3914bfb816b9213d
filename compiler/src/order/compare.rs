//! How the remaining conditions (methods and `where`) of routes lie to each other, decided on sets of requests.

use std::collections::HashMap;

use lang::policy::{Host, Path};
use lang::vocab::ExprId;

use crate::order::Places;
use crate::order::cells::{Cell, Place};
use crate::order::witness::Witness;
use crate::program::Route;
use crate::space::{Blame, Cut, Env, Fact, Formula, Set, Space, Undecided};
use lang::segment::{Relation, captures};

/// How the conditions of two routes lie to each other.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// Decided. Where they lie across each other, with a request that both take.
    Decided(Relation, Option<Witness>),
    /// Too large, or something that cannot be taken apart: this, as far as it is known.
    Undecided(Vec<Blame>),
    /// Both take this request, and it is not known whether each takes others besides, for the same reasons.
    Unordered(Witness, Vec<Blame>),
    /// A request that was to be taken by both is not: a mistake of ours.
    Disagreement(Witness),
}

/// The conditions of a cell's members as sets.
#[derive(Debug)]
pub(crate) struct CellSets {
    pub(crate) space: Space,
    /// One set for each member, in their order.
    pub(crate) sets: Vec<Set>,
    /// Whether a member's conditions speak of host or path.
    pub(crate) asks_head: bool,
    /// What holds of whatever comes to the listener.
    pub(crate) arriving: Vec<Fact>,
}

/// Two members of a cell whose conditions are not disjoint.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) first: usize,
    pub(crate) second: usize,
    pub(crate) relation: Result<Relation, Undecided>,
}

/// The most pairs of one cell that are compared.
const MOST_PAIRS: usize = 2_000_000;

/// Members of a cell that are many: what is said of them is said in short.
const MANY: usize = 64;

/// The nodes that one space may take for so many routes.
pub(crate) fn budget(n_routes: usize) -> usize {
    200_000 + 200 * n_routes
}

/// The sets of a cell's members.
pub(crate) fn cell_sets(
    places: &Places<'_>,
    arriving: &[Fact],
    host: &Host,
    cell: &Cell,
) -> Result<CellSets, Undecided> {
    let mut cut = Cut::new(places.program, &places.constants, &places.patience);
    let mut formulas: Vec<Formula> =
        cell.members.iter().map(|place| conditions(places, *place, &mut cut)).collect();
    let asks_head = cut.asks_head();
    if asks_head {
        let head = Formula::All(vec![cut.host(host), cut.path(&cell.path)]);
        for formula in &mut formulas {
            *formula = Formula::All(vec![head.clone(), formula.clone()]);
        }
    }
    cut.arriving(arriving);
    let mut space = cut.finish(budget(cell.members.len()))?;
    let sets: Result<Vec<Set>, Undecided> = formulas.iter().map(|f| space.set(f)).collect();
    Ok(CellSets { space, sets: sets?, asks_head, arriving: arriving.to_vec() })
}

/// The pairs of a cell that are not disjoint; `None` if they are too many to be compared.
pub(crate) fn pairs(sets: &mut CellSets) -> Option<Vec<Pair>> {
    let meeting = meeting(sets)?;
    let mut pairs = Vec::new();
    for (first, second) in meeting {
        let (Some(a), Some(b)) = (sets.sets.get(first), sets.sets.get(second)) else { continue };
        let relation = sets.space.relation(*a, *b);
        if relation != Ok(Relation::Disjoint) {
            pairs.push(Pair { first, second, relation });
        }
    }
    Some(pairs)
}

/// A request that two members of a cell both take.
pub(crate) fn example(
    places: &Places<'_>,
    (host, cell): (&Host, &Cell),
    sets: &mut CellSets,
    (first, second): (usize, usize),
) -> Verdict {
    let both = sets.sets.get(first).zip(sets.sets.get(second));
    let members = cell.members.get(first).zip(cell.members.get(second));
    let (Some((a, b)), Some((one, other))) = (both, members) else {
        return Verdict::Undecided(Vec::new());
    };
    match sets.space.meet(*a, *b) {
        Ok(both) => {
            let CellSets { space, arriving, .. } = sets;
            seen(places, (space, arriving), both, (host, &cell.path), [*one, *other])
        }
        Err(Undecided) => Verdict::Undecided(Vec::new()),
    }
}

/// The same, of two whose conditions seem to lie across each other: they do if each is seen to take a request that the
/// other one does not. Of what could not be taken apart any answer was thought possible.
pub(crate) fn crossing(
    places: &Places<'_>,
    of: (&Host, &Cell),
    sets: &mut CellSets,
    (first, second): (usize, usize),
) -> Verdict {
    let verdict = example(places, of, sets, (first, second));
    let Verdict::Decided(_, Some(both)) = &verdict else { return verdict };
    for (one, other) in [(first, second), (second, first)] {
        if let Err(blamed) = takes_alone(places, of, sets, (one, other)) {
            return Verdict::Unordered(both.clone(), blamed);
        }
    }
    verdict
}

/// Whether one member of a cell is seen to take a request that the other does not. If not, what may be in the way.
fn takes_alone(
    places: &Places<'_>,
    (host, cell): (&Host, &Cell),
    sets: &mut CellSets,
    (one, other): (usize, usize),
) -> Result<(), Vec<Blame>> {
    let unknown = || Vec::new();
    let (a, b) = sets.sets.get(one).zip(sets.sets.get(other)).ok_or_else(unknown)?;
    let members = cell.members.get(one).zip(cell.members.get(other));
    let (one, other) = members.ok_or_else(unknown)?;
    let alone = sets.space.minus(*a, *b).map_err(|Undecided| unknown())?;
    let takes = |witness: &Witness| {
        witness.arrives(places.program)
            && takes(places, *one, host, witness)
            && !takes(places, *other, host, witness)
    };
    let place = (host, &cell.path);
    if let Some(values) = sets.space.witness(alone) {
        let is_taken = takes(&Witness::new(place, values, &sets.arriving));
        return is_taken.then_some(()).ok_or_else(unknown);
    }
    let guesses = sets.space.guesses(alone, places.program, &places.patience).into_iter();
    let mut guesses = guesses.map(|values| Witness::guess(place, values, &sets.arriving));
    match guesses.any(|witness| takes(&witness)) {
        true => Ok(()),
        false => Err(sets.space.blamed(alone)),
    }
}

/// Whether a place of a route takes the request at this host, by the code that decides.
fn takes(places: &Places<'_>, place: Place, host: &Host, witness: &Witness) -> bool {
    places.of(place).is_some_and(|(route, path)| {
        witness.is_taken((places.program, &places.constants), route, path, host)
    })
}

/// How two routes lie to each other where their paths lie across each other: disjoint, or in need of a word.
pub(crate) fn across(
    places: &Places<'_>,
    arriving: &[Fact],
    (host, common): (&Host, &Path),
    pair: [Place; 2],
) -> Verdict {
    let mut cut = Cut::new(places.program, &places.constants, &places.patience);
    let shown = cut.path(common);
    let mut formulas = vec![cut.host(host)];
    for place in pair {
        let Some((_, path)) = places.of(place) else { return Verdict::Undecided(Vec::new()) };
        let path = cut.path(path);
        formulas.push(Formula::All(vec![path, conditions(places, place, &mut cut)]));
    }
    cut.arriving(arriving);
    let both = Formula::All(formulas);
    let decide = |cut: Cut<'_>| -> Result<(Space, Set, Set), Undecided> {
        let mut space = cut.finish(budget(2))?;
        let both = space.set(&both)?;
        let shown = space.set(&shown)?;
        let shown = space.meet(both, shown)?;
        Ok((space, both, shown))
    };
    let Ok((mut space, both, shown)) = decide(cut) else {
        places.patience.give_up();
        return Verdict::Undecided(Vec::new());
    };
    if both == Set::NONE {
        return Verdict::Decided(Relation::Disjoint, None);
    }
    // The path that the patterns have in common is the plainer example, where the conditions allow it.
    let example = if shown == Set::NONE { both } else { shown };
    seen(places, (&mut space, arriving), example, (host, common), pair)
}

/// Methods and `where` of a route at one of its places.
pub(crate) fn conditions(places: &Places<'_>, place: Place, cut: &mut Cut<'_>) -> Formula {
    let Some((route, path)) = places.of(place) else { return Formula::Always(false) };
    let captures = captures(path);
    let methods = route.methods.as_ref().map(|(methods, _)| &**methods);
    let mut all = vec![cut.methods(methods)];
    let conditions: Vec<ExprId> = route.conditions.iter().map(|(id, _)| *id).collect();
    let env = Env { captures: &captures, locals: &[] };
    all.extend(conditions.into_iter().map(|id| cut.condition(id, env)));
    Formula::All(all)
}

/// Each member undecided with each other one; `None` if there are too many of them.
pub(crate) fn all_undecided(n_members: usize) -> Option<Vec<Pair>> {
    let pair = |first, second| Pair { first, second, relation: Err(Undecided) };
    let pairs = (1..n_members).flat_map(|second| (0..second).map(move |first| pair(first, second)));
    (n_members <= MANY).then(|| pairs.collect())
}

/// Pairs of members that may meet; `None` if there are too many. Members that each ask for other values of one field cannot, so only those that share a
/// value, or do not care, are looked at.
fn meeting(sets: &CellSets) -> Option<Vec<(usize, usize)>> {
    let n_members = sets.sets.len();
    let mut live: Vec<usize> =
        (0..n_members).filter(|at| sets.sets.get(*at) != Some(&Set::NONE)).collect();
    let mut found = Vec::new();
    if n_members > MANY {
        // Of many that take the same, each is told beside the first, and only that meets the others.
        let mut first_of: HashMap<Set, usize> = HashMap::new();
        live.retain(|at| {
            let Some(set) = sets.sets.get(*at) else { return false };
            let first = *first_of.entry(*set).or_insert(*at);
            if first != *at {
                found.push((first, *at));
            }
            first == *at
        });
    }
    // Where most share most values, all pairs are fewer than those by each value.
    let mut least = live.len().saturating_mul(live.len());
    let mut best: Option<Vec<Option<Vec<u32>>>> = None;
    if n_members > 16 {
        let allowed: Vec<HashMap<usize, Vec<u32>>> = live
            .iter()
            .filter_map(|at| sets.sets.get(*at))
            .map(|set| sets.space.allowed(*set).into_iter().collect())
            .collect();
        let mut fields: Vec<usize> =
            allowed.iter().flat_map(|fields| fields.keys().copied()).collect();
        fields.sort_unstable();
        fields.dedup();
        for field in fields {
            let by: Vec<Option<Vec<u32>>> =
                allowed.iter().map(|fields| fields.get(&field).cloned()).collect();
            let mut counts: HashMap<u32, usize> = HashMap::new();
            by.iter().flatten().flatten().for_each(|class| *counts.entry(*class).or_default() += 1);
            let free = by.iter().filter(|classes| classes.is_none()).count();
            let cost = counts.values().map(|n| n * n).sum::<usize>() + free * by.len();
            if cost < least {
                (least, best) = (cost, Some(by));
            }
        }
    }
    let by = best.unwrap_or_else(|| vec![None; live.len()]);
    let mut buckets: HashMap<u32, Vec<usize>> = HashMap::new();
    let mut free: Vec<usize> = Vec::new();
    let mut bound: Vec<usize> = Vec::new();
    for (member, classes) in live.into_iter().zip(by) {
        if found.len() > MOST_PAIRS {
            return None;
        }
        found.extend(free.iter().map(|other| (*other, member)));
        match classes {
            Some(classes) => {
                for class in classes {
                    let bucket = buckets.entry(class).or_default();
                    found.extend(bucket.iter().map(|other| (*other, member)));
                    bucket.push(member);
                }
                bound.push(member);
            }
            None => {
                found.extend(bound.iter().map(|other| (*other, member)));
                free.push(member);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// A request of the set, replayed.
fn seen(
    places: &Places<'_>,
    (space, arriving): (&mut Space, &[Fact]),
    set: Set,
    (host, path): (&Host, &Path),
    pair: [Place; 2],
) -> Verdict {
    let conditions = pair
        .iter()
        .filter_map(|place| places.of(*place))
        .flat_map(|(route, _)| route.conditions.iter().map(|(id, _)| *id));
    if places.constants.longest(conditions).is_some() {
        return Verdict::Undecided(space.blamed(set));
    }
    let taken = |witness: &Witness| pair.iter().all(|place| takes(places, *place, host, witness));
    if let Some(values) = space.witness(set) {
        let witness = Witness::new((host, path), values, arriving);
        return match taken(&witness) {
            _ if !witness.arrives(places.program) => Verdict::Undecided(Vec::new()),
            true => Verdict::Decided(Relation::Across, Some(witness)),
            false => Verdict::Disagreement(witness),
        };
    }
    // Something was computed: the interpreter may still find that both take a request made of the rest.
    let guesses = space.guesses(set, places.program, &places.patience).into_iter();
    let mut guesses = guesses.map(|values| Witness::guess((host, path), values, arriving));
    match guesses.find(|witness| witness.arrives(places.program) && taken(witness)) {
        Some(witness) => Verdict::Decided(Relation::Across, Some(witness)),
        None => Verdict::Undecided(space.blamed(set)),
    }
}

/// The route and path of a place.
impl<'p> Places<'p> {
    pub(crate) fn of(&self, place: Place) -> Option<(&'p Route, &'p Path)> {
        let route = self.program.route(place.route)?;
        let (path, _) = route.paths.get(place.path)?;
        Some((route, path))
    }
}
