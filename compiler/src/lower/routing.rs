//! Routes to the structure that finds them: per listener a table of hosts, per host a tree over path segments, per cell
//! the candidates in the order that `order` decides.

use std::collections::HashMap;
use std::sync::Arc;

use lang::Diag;
use lang::policy::{Host, Policy};
use lang::vocab::ExprId;

use crate::interp::Constants;
use crate::lower::condition::jump_code;
use crate::order::{self, Place, Places};
use crate::program::{
    Candidate, Expr, Hosts, Listener, Node, Program, Route, RouteId, Test, VirtualHost,
};
use lang::segment::{Segments, captures};

/// Fills in the program's listeners, and says what is wrong with the order of its routes.
/// With it come the wide hosts at which that took the routes of narrower ones, and the values that no request changes.
pub(crate) fn route(policy: &Policy, program: &mut Program) -> (Vec<Diag>, Vec<Host>, Constants) {
    let places = Places::new(policy, program);
    let mut order = order::order(&places);
    let (constants, patience) = (places.constants, places.patience);
    let mut codes = Codes::default();
    // Where listeners have the same routes of a host in the same order, they share what finds them.
    let mut made: HashMap<(Host, Sequence), Arc<VirtualHost>> = HashMap::new();
    let listeners = order.listeners.iter().map(|(block, hosts)| {
        let name = policy.blocks.get(*block).map_or_else(|| Arc::from(""), |b| b.name.clone());
        let mut table = Hosts::default();
        for ordered in hosts {
            let places: Vec<Place> =
                ordered.sequence.iter().filter_map(|node| ordered.place(*node)).collect();
            let host = ordered.group.host.clone();
            let key = (host, places.iter().map(|place| (place.route, place.path)).collect());
            let host = made.entry(key).or_insert_with_key(|(host, _)| {
                Arc::new(virtual_host(program, host.clone(), places.into_iter(), &mut codes))
            });
            table.add(host.clone());
        }
        Listener { name, block: *block, hosts: table }
    });
    program.listeners = listeners.collect();
    let places = Places { policy, program, constants, patience };
    let unreachable = order::unreachable(&places, &mut order);
    let diags = order.diags.into_iter().chain(unreachable).collect();
    (diags, order.leaning, places.constants)
}

/// Routes in their order, each with one of its paths.
type Sequence = Vec<(RouteId, usize)>;

/// A node while paths are added.
#[derive(Default)]
struct Growing {
    literals: HashMap<Arc<str>, usize>,
    captures: Vec<(Segments, usize)>,
    here: Vec<usize>,
    beneath: Vec<usize>,
}

impl Growing {
    fn finish(mut self) -> Node {
        self.captures.sort_by_key(|(kind, _)| kind.weight());
        Node {
            literals: self.literals.into_iter().collect(),
            captures: self.captures.into(),
            here: self.here.into(),
            beneath: self.beneath.into(),
        }
    }
}

/// The code of each route, made once.
#[derive(Default)]
struct Codes {
    of: HashMap<u32, (Vec<Test>, bool)>,
}

fn virtual_host(
    program: &Program,
    host: Host,
    places: impl Iterator<Item = Place>,
    codes: &mut Codes,
) -> VirtualHost {
    let (mut nodes, mut candidates) = (vec![Growing::default()], Vec::new());
    for (rank, place) in places.enumerate() {
        let Some(route) = program.route(place.route) else { continue };
        let Some((path, _)) = route.paths.get(place.path) else { continue };
        let (code, reads_captures) =
            codes.of.entry(place.route.0).or_insert_with(|| code(program, route)).clone();
        let candidate = candidates.len();
        candidates.push(Candidate {
            route: place.route,
            path: place.path,
            rank: rank as u32,
            stem: Candidate::stem_of(path),
            captures: captures(path),
            reads_captures,
            methods: route.methods.as_ref().map(|(methods, _)| methods.to_vec()),
            code,
        });
        let kinds = path.segments.iter().map(Segments::of);
        let node = kinds.fold(0, |node, kind| child(&mut nodes, node, kind));
        if let Some(node) = nodes.get_mut(node) {
            let cell = if path.rest { &mut node.beneath } else { &mut node.here };
            cell.push(candidate);
        }
    }
    let nodes = nodes.into_iter().map(Growing::finish).collect();
    let candidates = candidates.into();
    let mut made = VirtualHost { host, nodes, candidates, is_ranked: false };
    made.is_ranked = is_ranked(program, &made);
    made
}

/// Whether a `before` stands between routes of two cells.
fn is_ranked(program: &Program, host: &VirtualHost) -> bool {
    if program.before.is_empty() {
        return false;
    }
    let mut cells_of: HashMap<RouteId, Vec<usize>> = HashMap::new();
    let cells = host.nodes.iter().flat_map(|node| [&node.here, &node.beneath]);
    for (number, cell) in cells.enumerate() {
        for candidate in cell.iter().filter_map(|at| host.candidates.get(*at)) {
            cells_of.entry(candidate.route).or_default().push(number);
        }
    }
    program.before.iter().any(|(first, second)| match (cells_of.get(first), cells_of.get(second)) {
        (Some(first), Some(second)) => first.iter().any(|a| second.iter().any(|b| a != b)),
        _ => false,
    })
}

/// The node behind `node` for the next segment, made if there is none.
fn child(nodes: &mut Vec<Growing>, node: usize, kind: Segments) -> usize {
    let next = nodes.len();
    let Some(parent) = nodes.get_mut(node) else { return node };
    let found = match &kind {
        Segments::Literal(text) => parent.literals.get(text).copied(),
        other => parent.captures.iter().find(|(kind, _)| kind == other).map(|(_, next)| *next),
    };
    if let Some(found) = found {
        return found;
    }
    match kind {
        Segments::Literal(text) => drop(parent.literals.insert(text, next)),
        other => parent.captures.push((other, next)),
    }
    nodes.push(Growing::default());
    next
}

fn code(program: &Program, route: &Route) -> (Vec<Test>, bool) {
    let conditions: Vec<ExprId> = route.conditions.iter().map(|(id, _)| *id).collect();
    (jump_code(program, &conditions), reads_captures(program, &conditions))
}

fn reads_captures(program: &Program, roots: &[ExprId]) -> bool {
    program.walk(roots.iter().copied(), &[]).any(|(_, expr)| matches!(expr, Expr::Capture(_)))
}
