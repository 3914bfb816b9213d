//! Which route is tried first: the order of language reference, section "Which route answers", and what is wrong with it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use lang::Diag;
use lang::policy::{Host, Path, Policy, RouteId};

use crate::program::Program;
use crate::segment::Segments;

/// A route at one of its paths; the host is known where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The route.
    pub(crate) route: RouteId,
    /// A place in its paths.
    pub(crate) path: usize,
}

/// The decided order.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// For each listener, by its place among the blocks: hosts, and what answers there, in the order it is tried.
    pub(crate) listeners: Vec<(usize, Vec<(Host, Vec<Place>)>)>,
    /// What is wrong with it.
    pub(crate) diags: Vec<Diag>,
}

/// Orders the routes of every listener.
pub(crate) fn order(policy: &Policy, _program: &Program) -> Order {
    let mut tables: BTreeMap<usize, Vec<(Host, Vec<Place>)>> = BTreeMap::new();
    for (at, block) in policy.blocks.iter().enumerate() {
        if block.row.name == "listener" {
            tables.insert(at, Vec::new());
        }
    }
    for (number, route) in policy.routes.iter().enumerate() {
        for listener in &route.listeners {
            let table = tables.entry(*listener).or_default();
            for (host, _) in &route.hosts {
                let places = (0..route.paths.len())
                    .map(|path| Place { route: RouteId(number as u32), path });
                match table.iter_mut().find(|(known, _)| known == host) {
                    Some((_, known)) => known.extend(places),
                    None => table.push((host.clone(), places.collect())),
                }
            }
        }
    }
    let conditions = |place: &Place| {
        let route = policy.routes.get(place.route.0 as usize);
        route.map_or(0, |route| route.conditions.len() + usize::from(route.methods.is_some()))
    };
    for (_, places) in tables.values_mut().flatten() {
        places.sort_by(|a, b| {
            let paths = path(policy, a).zip(path(policy, b));
            let by_path = paths.map_or(Ordering::Equal, |(a, b)| depth(a).cmp(&depth(b)));
            by_path.then_with(|| conditions(b).cmp(&conditions(a)))
        });
    }
    Order { listeners: tables.into_iter().collect(), diags: Vec::new() }
}

fn path<'p>(policy: &'p Policy, place: &Place) -> Option<&'p Path> {
    let route = policy.routes.get(place.route.0 as usize)?;
    route.paths.get(place.path).map(|(path, _)| path)
}

/// Smaller for the inner of two path sets one of which lies in the other.
fn depth(path: &Path) -> (usize, u64) {
    let tail = if path.rest { usize::MAX - path.segments.len() } else { 0 };
    (tail, path.segments.iter().map(|segment| Segments::of(segment).weight()).sum())
}
