//! Which route is tried first, and what is wrong with that order. For two routes on one listener: the strictly narrower
//! host first; on equal hosts the strictly narrower set of paths; on equal paths the strictly narrower condition; and
//! `before` where neither lies inside the other. What is left open, told twice or never reached is reported.
//!
//! Routes are gathered by host and path first (`order/cells.rs`), so only those that can meet are compared.

use std::collections::{BTreeSet, HashMap, HashSet};

use lang::Diag;
use lang::policy::{Host, Path, Policy, RouteId};

use crate::interp;
use crate::program::Program;
use crate::space::{Door, Fact, Patience, Undecided, arriving, door};
use lang::segment::{Relation, common_path, path_relation};

mod before;
pub(crate) mod cells;
pub(crate) mod compare;
mod reach;
mod report;
mod sort;
mod standing;
pub(crate) mod witness;

pub(crate) use cells::Place;
pub(crate) use reach::unreachable;

use cells::{Cell, Group};
use compare::{CellSets, Verdict};
use witness::Witness;

/// What order is decided on.
pub(crate) struct Places<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) program: &'p Program,
    /// The value of each expression that neither request nor input changes.
    pub(crate) constants: interp::Constants,
    /// What may still be spent on it.
    pub(crate) patience: Patience,
}

/// The decided order.
pub(crate) struct Order {
    /// What stands on each listener, by its place among the blocks.
    pub(crate) listeners: Vec<(usize, Vec<Ordered>)>,
    /// What is wrong with it.
    pub(crate) diags: Vec<Diag>,
    /// Routes about which something was said; that they are not reached would only be what follows from it.
    pub(crate) blamed: HashSet<RouteId>,
    /// Wide hosts at which it took the routes of narrower ones to say what is reached.
    pub(crate) leaning: Vec<Host>,
}

/// The routes of one host pattern in their order.
pub(crate) struct Ordered {
    /// The host and its cells.
    pub(crate) group: Group,
    /// Every place of the cells, in the order in which they are tried.
    pub(crate) sequence: Vec<Node>,
    /// The sets of each cell that has several members; `None` where there are not, or they are too large.
    sets: Vec<Option<CellSets>>,
    /// For each cell and each of its members, the others that can take some of its requests.
    meeting: Vec<Vec<Vec<usize>>>,
    /// For each cell and each of its members, its place in the sequence.
    ranks: Vec<Vec<usize>>,
}

/// A member of a cell: a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Node {
    pub(crate) cell: usize,
    pub(crate) member: usize,
}

/// Two candidates that can both take a request while nothing says which is first.
struct Open {
    first: usize,
    second: usize,
    why: Why,
}

/// What makes it open.
enum Why {
    /// Their paths lie across each other.
    Paths(Option<Witness>),
    /// Their conditions do: a cell, and two of its members.
    Conditions(usize, (usize, usize)),
    /// It could not be decided.
    Undecided,
    /// There is too much to be decided, whatever lines say.
    TooMany,
}

/// What was said so far.
#[derive(Default)]
struct Findings {
    diags: Vec<Diag>,
    /// Pairs of routes about which it was said.
    told: HashSet<(RouteId, RouteId)>,
    blamed: HashSet<RouteId>,
    /// Pairs of routes that take the same requests somewhere: the one that is pointed at, and the one written before it.
    twins: HashMap<(RouteId, RouteId), Twins>,
    /// Which lines of `before` decided something.
    used: HashSet<usize>,
    /// Of each route that something was said of: what stands open between it and others.
    crowds: HashMap<RouteId, Crowd>,
    /// How many pairs nothing was said of, because enough was said of one of the two.
    n_hidden: usize,
    /// Whether there may be more than was looked at.
    is_cut_off: bool,
}

/// Two routes that take the same requests at a host and path.
struct Twins {
    /// Where: of other places nothing is said.
    place: (Host, Path),
    /// On these listeners.
    listeners: BTreeSet<usize>,
    /// Such a request.
    example: Option<String>,
    /// The diagnostic about them.
    diag: usize,
}

/// What stands open between one route and others.
#[derive(Default)]
struct Crowd {
    /// The first diagnostic about it.
    first: usize,
    n_shown: usize,
    n_hidden: usize,
}

impl<'p> Places<'p> {
    /// The places of a policy and its program, whose inputs are not bound.
    pub(crate) fn new(policy: &'p Policy, program: &'p Program) -> Places<'p> {
        let constants = interp::constants(program, &[]);
        Places { policy, program, constants, patience: Patience::default() }
    }

    /// Whether the route asks for nothing but host and path.
    fn is_unconditional(&self, place: Place) -> bool {
        let route = self.program.route(place.route);
        route.is_some_and(|route| route.conditions.is_empty() && route.methods.is_none())
    }
}

/// A policy whose order is wrong altogether is wrong by its first hundred places too.
const ENOUGH: usize = 100;

/// So many others stand beside a route in diagnostics of their own; of further ones the number is told.
const EACH: usize = 8;

/// The most pairs of paths that lie across each other at one host.
const MOST_ACROSS: usize = 100_000;

/// So many pairs are looked at that nothing new is said of.
const MOST_HIDDEN: usize = 10_000;

impl Findings {
    /// Whether so much was found, with `more` to be said, that looking further helps nobody.
    fn is_enough(&mut self, more: usize) -> bool {
        let enough = self.diags.len() >= ENOUGH || self.n_hidden + more >= MOST_HIDDEN;
        self.is_cut_off |= enough;
        enough
    }

    /// Whether enough was said of one of the two routes; then these are counted, and that is told with the first.
    fn is_crowded(&mut self, a: RouteId, b: RouteId) -> bool {
        let full = |route: &RouteId| self.crowds.get(route).is_some_and(|of| of.n_shown >= EACH);
        if let Some(route) = [a, b].into_iter().find(full) {
            self.crowds.entry(route).or_default().n_hidden += 1;
            self.n_hidden += 1;
            return true;
        }
        for route in [a, b] {
            let first = self.diags.len();
            let crowd = self.crowds.entry(route).or_insert(Crowd { first, ..Crowd::default() });
            crowd.n_shown += 1;
        }
        false
    }

    /// Says how much was not said.
    fn close(&mut self, policy: &Policy) {
        let mut crowds: Vec<_> =
            self.crowds.iter().filter(|(_, crowd)| crowd.n_hidden > 0).collect();
        crowds.sort_unstable_by_key(|(route, _)| **route);
        for (route, Crowd { first, n_hidden, .. }) in crowds {
            let name = policy.routes.get(route.0 as usize).map_or("", |route| &*route.name);
            if let Some(diag) = self.diags.get_mut(*first) {
                let more = format!("and {n_hidden} more of this kind with `{name}`");
                *diag = diag.clone().help(match &diag.help {
                    Some(help) => format!("{help}; {more}"),
                    None => more,
                });
            }
        }
        if self.is_cut_off
            && let Some(diag) = self.diags.last_mut()
        {
            let more = "there are more of this kind: they are told once these are mended";
            *diag = diag.clone().help(match &diag.help {
                Some(help) => format!("{help}; {more}"),
                None => more.to_owned(),
            });
        }
    }
}

impl Ordered {
    /// The place of a node.
    pub(crate) fn place(&self, node: Node) -> Option<Place> {
        self.group.cells.get(node.cell)?.members.get(node.member).copied()
    }
}

/// Orders the routes of every listener.
pub(crate) fn order(places: &Places<'_>) -> Order {
    let mut before: HashMap<(RouteId, RouteId), usize> = HashMap::new();
    for (at, line) in places.policy.before.iter().enumerate() {
        before.entry((line.first, line.second)).or_insert(at);
    }
    let mut findings = Findings::default();
    let mut listeners = Vec::new();
    for (listener, groups) in cells::groups(places.policy) {
        let door = door(places.policy, listener);
        let arriving = arriving(places.policy, listener);
        let groups = groups.into_iter();
        let here = (listener, door, &*arriving);
        let ordered = groups.map(|group| order_group(places, group, &before, here, &mut findings));
        listeners.push((listener, ordered.collect()));
    }
    report::duplicates(places, &mut findings);
    findings.close(places.policy);
    before::check(places, &listeners, &mut findings);
    Order { listeners, diags: findings.diags, blamed: findings.blamed, leaning: Vec::new() }
}

fn order_group(
    places: &Places<'_>,
    group: Group,
    before: &HashMap<(RouteId, RouteId), usize>,
    (listener, door, arriving): (usize, Door<'_>, &[Fact]),
    findings: &mut Findings,
) -> Ordered {
    let mut nodes: Vec<Node> = Vec::new();
    let mut first_of: Vec<usize> = Vec::with_capacity(group.cells.len());
    for (cell, content) in group.cells.iter().enumerate() {
        first_of.push(nodes.len());
        nodes.extend((0..content.members.len()).map(|member| Node { cell, member }));
    }
    let node = |cell: usize, member: usize| first_of.get(cell).map_or(0, |first| first + member);
    let mut edges = Edges { next: vec![Vec::new(); nodes.len()], lines: HashMap::new() };
    let mut open: Vec<Open> = Vec::new();
    let mut sets: Vec<Option<CellSets>> = Vec::with_capacity(group.cells.len());
    let mut meeting: Vec<Vec<Vec<usize>>> = Vec::with_capacity(group.cells.len());

    // Equal hosts and paths: by condition.
    for (cell_at, cell) in group.cells.iter().enumerate() {
        let mut cell_sets = match cell.members.as_slice() {
            [one] if places.is_unconditional(*one) => None,
            _ => Some(compare::cell_sets(places, arriving, &group.host, cell)),
        };
        let pairs = match &mut cell_sets {
            None => Some(Vec::new()),
            Some(Ok(sets)) => compare::pairs(sets),
            Some(Err(_)) => {
                places.patience.give_up();
                compare::all_undecided(cell.members.len())
            }
        };
        if pairs.is_none() {
            open.push(Open {
                first: node(cell_at, 0),
                second: node(cell_at, 1),
                why: Why::TooMany,
            });
            // What lines say of them is not known to be idle.
            let here: HashSet<RouteId> = cell.members.iter().map(|place| place.route).collect();
            let lines = before.iter().filter(|((a, b), _)| here.contains(a) && here.contains(b));
            findings.used.extend(lines.map(|(_, line)| *line));
        }
        let mut met = vec![Vec::new(); cell.members.len()];
        for pair in pairs.into_iter().flatten() {
            let (first, second) = (node(cell_at, pair.first), node(cell_at, pair.second));
            let routes = (cell.members.get(pair.first), cell.members.get(pair.second));
            let (Some(a), Some(b)) = routes else { continue };
            for (one, other) in [(pair.first, pair.second), (pair.second, pair.first)] {
                met.get_mut(one).into_iter().for_each(|met| met.push(other));
            }
            let why = match pair.relation {
                Ok(Relation::Inside) => {
                    edges.add(first, second, None);
                    continue;
                }
                Ok(Relation::Around) => {
                    edges.add(second, first, None);
                    continue;
                }
                Ok(Relation::Equal) => {
                    let example = || match &mut cell_sets {
                        Some(Ok(sets)) => {
                            let members = (pair.first, pair.second);
                            compare::example(places, (&group.host, cell), sets, members)
                        }
                        _ => Verdict::Undecided(Vec::new()),
                    };
                    let here = (listener, door, &group, cell);
                    report::duplicate(places, (a.route, b.route), here, example, findings);
                    continue;
                }
                Ok(_) => Why::Conditions(cell_at, (pair.first, pair.second)),
                Err(Undecided) => Why::Undecided,
            };
            if !edges.by_line(before, (first, second), (a.route, b.route), findings) {
                open.push(Open { first, second, why });
            }
        }
        meeting.push(met);
        sets.push(cell_sets.and_then(Result::ok));
    }

    // Equal hosts, paths across each other: by `before`, unless no request is taken by both.
    let mut lines_across = false;
    let n_within = open.len();
    let across = group.across(MOST_ACROSS);
    let too_many = across.len() > MOST_ACROSS;
    for (number, (a_at, b_at)) in across.into_iter().enumerate() {
        if findings.is_enough(0) {
            break;
        }
        if too_many && number >= MOST_ACROSS || open.len() - n_within >= MOST_HIDDEN {
            // Whatever the others come to, these two are not known to have an order.
            let why = Why::TooMany;
            open.push(Open { first: node(a_at, 0), second: node(b_at, 0), why });
            findings.is_cut_off = true;
            break;
        }
        let (Some(a), Some(b)) = (group.cells.get(a_at), group.cells.get(b_at)) else { continue };
        let Some(common) = common_path(&a.path, &b.path) else { continue };
        for (a_member, a_place) in a.members.iter().enumerate() {
            for (b_member, b_place) in b.members.iter().enumerate() {
                let pair = (a_place.route, b_place.route);
                if pair.0 == pair.1 {
                    continue;
                }
                let why = match compare::across(
                    places,
                    arriving,
                    (&group.host, &common),
                    [*a_place, *b_place],
                ) {
                    Verdict::Decided(Relation::Disjoint, _) => continue,
                    Verdict::Decided(_, witness) => Why::Paths(witness),
                    Verdict::Undecided(_) | Verdict::Unordered(..) => Why::Paths(None),
                    Verdict::Disagreement(witness) => {
                        report::disagreement(places, pair, &witness, door, findings);
                        continue;
                    }
                };
                let (first, second) = (node(a_at, a_member), node(b_at, b_member));
                match edges.by_line(before, (first, second), pair, findings) {
                    true => lines_across = true,
                    false => open.push(Open { first, second, why }),
                }
            }
        }
    }
    if lines_across {
        // The order of cells alone may contradict these lines now, so that of paths has to be spelled out.
        narrower_paths(&group.cells, &node, &mut edges);
    }

    let (sequence, round) = sort::sort(&edges.next);
    if let Some(round) = round {
        let lines: Vec<usize> = round
            .iter()
            .zip(round.iter().cycle().skip(1))
            .filter_map(|(from, to)| edges.lines.get(&(*from, *to)).copied())
            .collect();
        report::circular(places, &lines, findings);
    }
    // Lines order more than the two that they name.
    let leads = (!edges.lines.is_empty()).then(|| sort::Leads::new(&edges.next, &sequence));
    for Open { first, second, why } in open {
        let ordered = leads
            .as_ref()
            .is_some_and(|leads| leads.lead(first, second) || leads.lead(second, first));
        let place = |node: usize| {
            let node = nodes.get(node)?;
            group.cells.get(node.cell)?.members.get(node.member).copied()
        };
        let (Some(a), Some(b)) = (place(first), place(second)) else { continue };
        let is_open = !ordered || matches!(why, Why::TooMany);
        if is_open && !findings.is_enough(0) {
            let mut example = |at: usize, pair| {
                let (cell, sets) = (group.cells.get(at)?, sets.get_mut(at)?.as_mut()?);
                Some(compare::crossing(places, (&group.host, cell), sets, pair))
            };
            report::ambiguous(places, (a, b), &group.host, (why, &mut example), door, findings);
        }
    }
    let sequence: Vec<Node> =
        sequence.into_iter().filter_map(|at| nodes.get(at).copied()).collect();
    let mut ranks: Vec<Vec<usize>> =
        group.cells.iter().map(|cell| vec![0; cell.members.len()]).collect();
    for (rank, node) in sequence.iter().enumerate() {
        if let Some(place) = ranks.get_mut(node.cell).and_then(|cell| cell.get_mut(node.member)) {
            *place = rank;
        }
    }
    Ordered { group, sequence, sets, meeting, ranks }
}

/// What leads from one candidate to the next.
struct Edges {
    next: Vec<Vec<usize>>,
    /// The lines of `before` among them.
    lines: HashMap<(usize, usize), usize>,
}

impl Edges {
    fn add(&mut self, first: usize, second: usize, line: Option<usize>) {
        if let Some(next) = self.next.get_mut(first) {
            next.push(second);
        }
        if let Some(line) = line {
            self.lines.insert((first, second), line);
        }
    }

    /// Orders two candidates as a line of `before` says, if one does.
    fn by_line(
        &mut self,
        before: &HashMap<(RouteId, RouteId), usize>,
        (first, second): (usize, usize),
        (a, b): (RouteId, RouteId),
        findings: &mut Findings,
    ) -> bool {
        let forward = before.get(&(a, b)).copied();
        let backward = before.get(&(b, a)).copied();
        if let Some(line) = forward {
            self.add(first, second, Some(line));
            findings.used.insert(line);
        }
        if let Some(line) = backward {
            self.add(second, first, Some(line));
            findings.used.insert(line);
        }
        forward.or(backward).is_some()
    }
}

fn narrower_paths(cells: &[Cell], node: &dyn Fn(usize, usize) -> usize, edges: &mut Edges) {
    for (inner_at, inner) in cells.iter().enumerate() {
        // A set of paths lies only inside those that stand behind it.
        for (outer_at, outer) in cells.iter().enumerate().skip(inner_at + 1) {
            if path_relation(&inner.path, &outer.path) == Relation::Inside {
                for first in 0..inner.members.len() {
                    for second in 0..outer.members.len() {
                        edges.add(node(inner_at, first), node(outer_at, second), None);
                    }
                }
            }
        }
    }
}
