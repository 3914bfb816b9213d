//! By which rule one route is tried before another: one of their own, or those of the routes between them.

use std::collections::VecDeque;

use lang::policy::Path;
use lang::segment::{Relation, path_relation};

use super::Place;
use crate::change::whole;
use crate::interp::Interp;
use crate::program::{Candidate, RouteId, VirtualHost};
use crate::space::{Cut, Patience};

/// Why one route is tried before another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Its host is strictly narrower.
    Host,
    /// Its path is strictly narrower.
    Path,
    /// Its methods and `where` are strictly narrower.
    Condition,
    /// A `before` says so.
    Before,
    /// It follows from others: the first route is before the first of these by its rule, that one before the next, and
    /// the last is the other route.
    Through(Vec<(RouteId, Rule)>),
}

/// The most candidates between two that are looked at.
const MOST: usize = 64;

/// The nodes that one comparison may take.
const LIMIT: usize = 100_000;

/// By which rule the first is tried before the second.
pub(super) fn rule(interp: &Interp<'_>, first: Place<'_>, second: Place<'_>) -> Rule {
    let (host, first) = first;
    if host.host != second.0.host {
        return Rule::Host;
    }
    let second = second.1;
    let own = direct(interp, host, first, second);
    own.or_else(|| through(interp, host, first, second)).unwrap_or_else(|| {
        match relation(interp, first, second) {
            Relation::Equal => Rule::Condition,
            _ => Rule::Before,
        }
    })
}

/// The rule that says it of these two alone.
fn direct(
    interp: &Interp<'_>,
    host: &VirtualHost,
    first: &Candidate,
    second: &Candidate,
) -> Option<Rule> {
    match relation(interp, first, second) {
        Relation::Inside => Some(Rule::Path),
        _ if interp.program.before.contains(&(first.route, second.route)) => Some(Rule::Before),
        Relation::Equal if is_narrower(interp, host, first, second) => Some(Rule::Condition),
        _ => None,
    }
}

/// The fewest steps from one to the other.
fn through(
    interp: &Interp<'_>,
    host: &VirtualHost,
    first: &Candidate,
    second: &Candidate,
) -> Option<Rule> {
    let ranks = first.rank..=second.rank;
    let mut between: Vec<&Candidate> =
        host.candidates.iter().filter(|one| ranks.contains(&one.rank)).collect();
    between.sort_by_key(|one| one.rank);
    let last = between.len().checked_sub(1).filter(|last| *last < MOST)?;
    let mut from: Vec<Option<(usize, Rule)>> = vec![None; between.len()];
    let mut open = VecDeque::from([0]);
    while let Some(at) = open.pop_front() {
        let here = between.get(at)?;
        for next in at + 1..between.len() {
            let (Some(None), Some(other)) = (from.get(next), between.get(next)) else { continue };
            if let Some(rule) = direct(interp, host, here, other)
                && let Some(place) = from.get_mut(next)
            {
                *place = Some((at, rule));
                open.push_back(next);
            }
        }
    }
    let mut steps = Vec::new();
    let mut at = last;
    while at != 0 {
        let (before, rule) = from.get(at)?.clone()?;
        steps.push((between.get(at)?.route, rule));
        at = before;
    }
    steps.reverse();
    Some(Rule::Through(steps))
}

/// How their paths lie to each other.
fn relation(interp: &Interp<'_>, first: &Candidate, second: &Candidate) -> Relation {
    let path = |candidate: &Candidate| -> Option<&Path> {
        let route = interp.program.route(candidate.route)?;
        route.paths.get(candidate.path).map(|(path, _)| path)
    };
    match (path(first), path(second)) {
        (Some(a), Some(b)) => path_relation(a, b),
        _ => Relation::Equal,
    }
}

/// Whether the first takes some of what the second takes, and nothing else.
fn is_narrower(
    interp: &Interp<'_>,
    host: &VirtualHost,
    first: &Candidate,
    second: &Candidate,
) -> bool {
    let patience = Patience::default();
    let mut cut = Cut::new(interp.program, interp.constants, &patience);
    let asked = [first, second].map(|one| whole(interp.program, host, one, &mut cut));
    let [Some(first), Some(second)] = asked else { return false };
    cut.arriving(&[]);
    let relation = cut.finish(LIMIT).and_then(|mut space| {
        let (first, second) = (space.set(&first)?, space.set(&second)?);
        space.relation(first, second)
    });
    relation == Ok(Relation::Inside)
}
