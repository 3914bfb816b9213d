//! Routes gathered by listener, host and path: only what shares all three, or overlaps in its paths, is ever compared.

use std::collections::{BTreeMap, HashMap};

use lang::policy::{Host, Path, Policy, RouteId};

use crate::segment::{Relation, Segments};

/// A route at one of its hosts and one of its paths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The route.
    pub(crate) route: RouteId,
    /// A place in its paths.
    pub(crate) path: usize,
}

/// Everything on one listener for one host pattern.
#[derive(Debug)]
pub(crate) struct Group {
    /// The pattern.
    pub(crate) host: Host,
    /// Its routes by the set of their paths.
    pub(crate) cells: Vec<Cell>,
}

/// Routes with equal hosts and equal sets of paths.
#[derive(Debug)]
pub(crate) struct Cell {
    /// One of the patterns that mean this set.
    pub(crate) path: Path,
    /// Its kinds, place by place.
    pub(crate) kinds: Vec<Segments>,
    /// The routes, each once, in the policy's order.
    pub(crate) members: Vec<Place>,
}

/// The groups of each listener, by its place among the blocks.
pub(crate) fn groups(policy: &Policy) -> BTreeMap<usize, Vec<Group>> {
    let mut listeners: BTreeMap<usize, Vec<Group>> = BTreeMap::new();
    let mut known_hosts: HashMap<(usize, &Host), usize> = HashMap::new();
    type CellKey = (usize, usize, Vec<Segments>, bool);
    let mut known_cells: HashMap<CellKey, usize> = HashMap::new();
    for (at, block) in policy.blocks.iter().enumerate() {
        if block.row.name == "listener" {
            listeners.insert(at, Vec::new());
        }
    }
    for (number, route) in policy.routes.iter().enumerate() {
        for listener in &route.listeners {
            let groups = listeners.entry(*listener).or_default();
            for (host, _) in &route.hosts {
                let group_at = *known_hosts.entry((*listener, host)).or_insert_with(|| {
                    groups.push(Group { host: host.clone(), cells: Vec::new() });
                    groups.len() - 1
                });
                let Some(group) = groups.get_mut(group_at) else { continue };
                for (place, (path, _)) in route.paths.iter().enumerate() {
                    let kinds: Vec<Segments> = path.segments.iter().map(Segments::of).collect();
                    let key = (*listener, group_at, kinds.clone(), path.rest);
                    let cell = *known_cells.entry(key).or_insert_with(|| {
                        let (path, members) = (path.clone(), Vec::new());
                        group.cells.push(Cell { path, kinds, members });
                        group.cells.len() - 1
                    });
                    let route = RouteId(number as u32);
                    if let Some(cell) = group.cells.get_mut(cell)
                        && cell.members.last().is_none_or(|last| last.route != route)
                    {
                        cell.members.push(Place { route, path: place });
                    }
                }
            }
        }
    }
    // Smaller sets of paths first: of two sets one of which lies in the other, the inner has the smaller depth.
    for group in listeners.values_mut().flatten() {
        group.cells.sort_by_key(|cell| {
            let tail = if cell.path.rest { usize::MAX - cell.kinds.len() } else { 0 };
            (tail, cell.kinds.iter().map(Segments::weight).sum::<u64>())
        });
    }
    listeners
}

/// How the hosts of two patterns lie to each other.
pub(crate) fn host_relation(a: &Host, b: &Host) -> Relation {
    use Host::{Any, Exact, Labels, OneLabel};
    let below = |inner: &str, outer: &str| {
        inner.strip_suffix(outer).is_some_and(|stem| stem.ends_with('.'))
    };
    match (a, b) {
        (a, b) if a == b => Relation::Equal,
        (_, Any) => Relation::Inside,
        (Any, _) => Relation::Around,
        (Exact(name), wild @ (OneLabel(_) | Labels(_))) => {
            if crate::space::host_holds(wild, name) {
                Relation::Inside
            } else {
                Relation::Disjoint
            }
        }
        (OneLabel(_) | Labels(_), Exact(_)) => host_relation(b, a).reversed(),
        (OneLabel(inner), Labels(outer)) if inner == outer || below(inner, outer) => {
            Relation::Inside
        }
        (Labels(inner), Labels(outer)) if below(inner, outer) => Relation::Inside,
        (Labels(outer), OneLabel(inner) | Labels(inner))
            if inner == outer || below(inner, outer) =>
        {
            Relation::Around
        }
        _ => Relation::Disjoint,
    }
}

/// Pairs of cells whose sets of paths overlap with neither inside the other.
pub(crate) fn across(cells: &[Cell]) -> Vec<(usize, usize)> {
    let tree = Tree::new(cells);
    let mut pairs = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        tree.overlaps(cell, Relation::Equal, 0, 0, &mut |other, relation| {
            if relation == Relation::Across && at < other {
                pairs.push((at, other));
            }
        });
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// The cells of a group by their segments.
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    literals: HashMap<Segments, usize>,
    wider: Vec<(Segments, usize)>,
    here: Option<usize>,
    beneath: Option<usize>,
}

impl Tree {
    fn new(cells: &[Cell]) -> Tree {
        let mut nodes = vec![Node::default()];
        for (number, cell) in cells.iter().enumerate() {
            let mut at = 0;
            for kind in &cell.kinds {
                let next = nodes.len();
                let Some(node) = nodes.get_mut(at) else { break };
                let child = match kind {
                    Segments::Literal(_) => *node.literals.entry(kind.clone()).or_insert(next),
                    wider => match node.wider.iter().find(|(known, _)| known == wider) {
                        Some((_, child)) => *child,
                        None => {
                            node.wider.push((wider.clone(), next));
                            next
                        }
                    },
                };
                if child == next {
                    nodes.push(Node::default());
                }
                at = child;
            }
            if let Some(node) = nodes.get_mut(at) {
                let place = if cell.path.rest { &mut node.beneath } else { &mut node.here };
                *place = Some(number);
            }
        }
        Tree { nodes }
    }

    /// Calls `found` with cells that overlap this one and how it lies to them, as far as they can lie across it.
    fn overlaps(
        &self,
        cell: &Cell,
        so_far: Relation,
        node: usize,
        depth: usize,
        found: &mut dyn FnMut(usize, Relation),
    ) {
        let Some(node) = self.nodes.get(node) else { return };
        let (kind, ends) = (cell.kinds.get(depth), depth >= cell.kinds.len());
        // All beneath this node: this cell goes on from here, or ends here with all beneath, or without.
        if let Some(beneath) = node.beneath {
            let tail = if ends && cell.path.rest { Relation::Equal } else { Relation::Inside };
            found(beneath, so_far.and(tail));
        }
        if ends {
            if let Some(here) = node.here {
                let tail = if cell.path.rest { Relation::Around } else { Relation::Equal };
                found(here, so_far.and(tail));
            }
            // What goes on beneath lies inside what this cell has beneath it, and can lie across only by what was before.
            let across = so_far.and(Relation::Around) == Relation::Across;
            if cell.path.rest && across {
                let children =
                    node.literals.values().chain(node.wider.iter().map(|(_, next)| next));
                children.for_each(|child| self.everything(*child, found));
            }
            return;
        }
        let Some(kind) = kind else { return };
        if let Some(next) = node.literals.get(kind) {
            self.overlaps(cell, so_far, *next, depth + 1, found);
        }
        if !matches!(kind, Segments::Literal(_)) {
            for (literal, next) in &node.literals {
                let relation = so_far.and(kind.relation(literal));
                if relation != Relation::Disjoint {
                    self.overlaps(cell, relation, *next, depth + 1, found);
                }
            }
        }
        for (wider, next) in &node.wider {
            let relation = so_far.and(kind.relation(wider));
            if relation != Relation::Disjoint {
                self.overlaps(cell, relation, *next, depth + 1, found);
            }
        }
    }

    fn everything(&self, node: usize, found: &mut dyn FnMut(usize, Relation)) {
        let Some(node) = self.nodes.get(node) else { return };
        for cell in [node.here, node.beneath].into_iter().flatten() {
            found(cell, Relation::Across);
        }
        let children = node.literals.values().chain(node.wider.iter().map(|(_, next)| next));
        children.for_each(|child| self.everything(*child, found));
    }
}
