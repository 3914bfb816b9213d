//! Routes gathered by listener, host and path: only what shares all three, or overlaps in its paths, is ever compared.

use std::collections::{BTreeMap, HashMap};

use lang::policy::{Host, Path, Policy, RouteId};

use lang::segment::{Relation, Segments};

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
    /// The cells by their segments.
    pub(crate) tree: Tree,
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
                    let (cells, tree) = (Vec::new(), Tree::default());
                    groups.push(Group { host: host.clone(), cells, tree });
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
        group.tree = Tree::new(&group.cells);
    }
    listeners
}

impl Group {
    /// Pairs of cells whose sets of paths overlap with neither inside the other: all of them, or as soon as there are
    /// more than `most`, those of the first cells.
    pub(crate) fn across(&self, most: usize) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for (at, cell) in self.cells.iter().enumerate() {
            if pairs.len() > most {
                break;
            }
            self.tree.walk(cell, false, &mut |other, relation| {
                if relation == Relation::Across && at < other {
                    pairs.push((at, other));
                }
            });
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// The cells that have some path with this one, of this group or another.
    pub(crate) fn overlapping(&self, cell: &Cell) -> Vec<usize> {
        let mut found = Vec::new();
        self.tree.walk(cell, true, &mut |other, _| found.push(other));
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The cells of a group by their segments.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
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

    /// Calls `found` with every cell that overlaps this one, and how this one lies to it. Without `all`, cells may be left
    /// out that do not lie across it.
    fn walk(&self, cell: &Cell, all: bool, found: &mut dyn FnMut(usize, Relation)) {
        // A node, the place of the next segment, and how the segments before it lie to each other.
        let mut open = vec![(0, 0, Relation::Equal)];
        while let Some((node, depth, so_far)) = open.pop() {
            let Some(node) = self.nodes.get(node) else { continue };
            let kind = cell.kinds.get(depth);
            if let Some(beneath) = node.beneath {
                let same = kind.is_none() && cell.path.rest;
                found(beneath, so_far.and(if same { Relation::Equal } else { Relation::Inside }));
            }
            let Some(kind) = kind else {
                if let Some(here) = node.here {
                    let around = cell.path.rest;
                    found(
                        here,
                        so_far.and(if around { Relation::Around } else { Relation::Equal }),
                    );
                }
                // What goes on beneath lies inside what this cell has beneath it, and across it only by what was before.
                let relation = so_far.and(Relation::Around);
                if cell.path.rest && (all || relation == Relation::Across) {
                    node.children().for_each(|child| self.everything(child, relation, found));
                }
                continue;
            };
            if let Some(next) = node.literals.get(kind) {
                open.push((*next, depth + 1, so_far));
            }
            let literals = match kind {
                Segments::Literal(_) => None,
                _ => Some(node.literals.iter()),
            };
            let wider = node.wider.iter().map(|(kind, next)| (kind, next));
            for (other, next) in literals.into_iter().flatten().chain(wider) {
                let relation = so_far.and(kind.relation(other));
                if relation != Relation::Disjoint {
                    open.push((*next, depth + 1, relation));
                }
            }
        }
    }

    fn everything(&self, node: usize, relation: Relation, found: &mut dyn FnMut(usize, Relation)) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            let Some(node) = self.nodes.get(node) else { continue };
            for cell in [node.here, node.beneath].into_iter().flatten() {
                found(cell, relation);
            }
            open.extend(node.children());
        }
    }
}

impl Node {
    fn children(&self) -> impl Iterator<Item = usize> {
        self.literals.values().copied().chain(self.wider.iter().map(|(_, next)| *next))
    }
}
