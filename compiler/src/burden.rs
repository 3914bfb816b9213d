//! How many tests may be made until a route answers, told of all routes at once. Paths are met in a tree and not in
//! pairs: ten thousand routes on one host are a matter of milliseconds.

use std::collections::HashMap;
use std::sync::Arc;

use lang::hosts::host_relation;
use lang::policy::{Host, Path, Segment};
use lang::segment::{Relation, Segments};

use crate::program::{Candidate, Pieces, Program, VirtualHost};

/// For each route, the most tests that are made until it answers: its own and those of every candidate that may be asked
/// before it, at the worst of its places. How many tests choosing a candidate is says `weight`.
pub fn tests_before(program: &Program, weight: &dyn Fn(&Candidate) -> usize) -> Vec<usize> {
    let mut worst = vec![0; program.routes.len()];
    for listener in &program.listeners {
        let hosts = &listener.hosts.list;
        let narrower = narrower(hosts);
        for (at, host) in hosts.iter().enumerate() {
            let mut before = Tree::default();
            for other in narrower.get(at).into_iter().flatten().filter_map(|at| hosts.get(*at)) {
                let candidates = other.candidates.iter();
                candidates.for_each(|one| before.add(program, one, weight(one)));
            }
            let mut own = Tree::default();
            // The candidates of one path meet the same others: these are looked up once.
            let mut by_path: HashMap<&Path, Vec<&Candidate>> = HashMap::new();
            for candidate in &host.candidates {
                own.add(program, candidate, weight(candidate));
                if let Some(path) = pattern(program, candidate) {
                    by_path.entry(path).or_default().push(candidate);
                }
            }
            for (path, candidates) in by_path {
                let elsewhere = before.tests(path);
                let ranked = own.ranked(path);
                for candidate in candidates {
                    let earlier = ranked.partition_point(|(rank, _)| *rank < candidate.rank);
                    let earlier = earlier.checked_sub(1).and_then(|last| ranked.get(last));
                    let n_before = elsewhere + earlier.map_or(0, |(_, sum)| *sum);
                    if let Some(worst) = worst.get_mut(candidate.route.0 as usize) {
                        *worst = (*worst).max(n_before + weight(candidate));
                    }
                }
            }
        }
    }
    worst
}

/// For each host, the places of those that lie inside of it.
fn narrower(hosts: &Pieces<Arc<VirtualHost>>) -> Vec<Vec<usize>> {
    let places: HashMap<&Host, usize> =
        hosts.iter().enumerate().map(|(at, host)| (&host.host, at)).collect();
    let mut narrower = vec![Vec::new(); hosts.len()];
    for (at, host) in hosts.iter().enumerate() {
        for wide in wider(&host.host) {
            let Some(&place) = places.get(&wide) else { continue };
            if host_relation(&host.host, &wide) == Relation::Inside
                && let Some(inside) = narrower.get_mut(place)
            {
                inside.push(at);
            }
        }
    }
    narrower
}

/// Every pattern that could lie around this one.
fn wider(host: &Host) -> Vec<Host> {
    let name = match host {
        Host::Any => return Vec::new(),
        Host::Exact(name) | Host::OneLabel(name) | Host::Labels(name) => name,
    };
    let mut wider = vec![Host::Any, Host::Labels(name.clone())];
    let mut rest = &**name;
    while let Some((_, suffix)) = rest.split_once('.') {
        wider.push(Host::OneLabel(Arc::from(suffix)));
        wider.push(Host::Labels(Arc::from(suffix)));
        rest = suffix;
    }
    wider
}

fn pattern<'p>(program: &'p Program, candidate: &Candidate) -> Option<&'p Path> {
    let (path, _) = program.route(candidate.route)?.paths.get(candidate.path)?;
    Some(path)
}

/// The candidates of hosts by their paths, with the tests of each.
struct Tree {
    /// The root is the first.
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    literals: HashMap<Arc<str>, usize>,
    captures: Vec<(Segments, usize)>,
    /// Those whose paths end here: rank and tests.
    here: Vec<(u32, usize)>,
    /// Those that take everything from here on.
    beneath: Vec<(u32, usize)>,
    /// The tests of all that stand here or deeper.
    sum: usize,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree { nodes: vec![Node::default()] }
    }
}

/// What a pattern meets at a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What takes everything from there on.
    Beneath,
    /// What ends there.
    Here,
    /// All that stands there or deeper.
    Whole,
}

impl Tree {
    fn add(&mut self, program: &Program, candidate: &Candidate, tests: usize) {
        let Some(path) = pattern(program, candidate) else { return };
        let mut at = 0;
        for segment in &path.segments {
            self.count(at, tests);
            at = self.child(at, Segments::of(segment));
        }
        self.count(at, tests);
        if let Some(node) = self.nodes.get_mut(at) {
            let list = if path.rest { &mut node.beneath } else { &mut node.here };
            list.push((candidate.rank, tests));
        }
    }

    fn count(&mut self, at: usize, tests: usize) {
        if let Some(node) = self.nodes.get_mut(at) {
            node.sum += tests;
        }
    }

    fn child(&mut self, at: usize, segments: Segments) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        let found = match segments {
            Segments::Literal(text) => *node.literals.entry(text).or_insert(next),
            kind => match node.captures.iter().find(|(known, _)| *known == kind) {
                Some((_, found)) => *found,
                None => {
                    node.captures.push((kind, next));
                    next
                }
            },
        };
        if found == next {
            self.nodes.push(Node::default());
        }
        found
    }

    /// The tests of all candidates whose paths meet this one.
    fn tests(&self, path: &Path) -> usize {
        let mut tests = 0;
        let sum = |list: &[(u32, usize)]| list.iter().map(|(_, tests)| *tests).sum::<usize>();
        self.meet(path, &mut |node, part| {
            tests += match part {
                Part::Beneath => sum(&node.beneath),
                Part::Here => sum(&node.here),
                Part::Whole => node.sum,
            };
        });
        tests
    }

    /// The candidates whose paths meet this one, by rank: each with the tests up to and including its own.
    fn ranked(&self, path: &Path) -> Vec<(u32, usize)> {
        let mut ranked = Vec::new();
        self.meet(path, &mut |node, part| match part {
            Part::Beneath => ranked.extend_from_slice(&node.beneath),
            Part::Here => ranked.extend_from_slice(&node.here),
            Part::Whole => {
                let mut open = vec![node];
                while let Some(node) = open.pop() {
                    ranked.extend_from_slice(&node.beneath);
                    ranked.extend_from_slice(&node.here);
                    let captures = node.captures.iter().map(|(_, next)| next);
                    let next = node.literals.values().chain(captures);
                    open.extend(next.filter_map(|next| self.nodes.get(*next)));
                }
            }
        });
        ranked.sort_unstable();
        let mut sum = 0;
        for (_, tests) in &mut ranked {
            sum += *tests;
            *tests = sum;
        }
        ranked
    }

    /// Calls `each` with everything whose path meets this one, each once.
    fn meet<'t>(&'t self, path: &Path, each: &mut dyn FnMut(&'t Node, Part)) {
        let mut open = vec![(0, 0)];
        while let Some((at, depth)) = open.pop() {
            let Some(node) = self.nodes.get(at) else { continue };
            let Some(segment) = path.segments.get(depth) else {
                if path.rest {
                    each(node, Part::Whole);
                } else {
                    each(node, Part::Beneath);
                    each(node, Part::Here);
                }
                continue;
            };
            each(node, Part::Beneath);
            let mut follow = |next: &usize| open.push((*next, depth + 1));
            let own = Segments::of(segment);
            match segment {
                Segment::Literal(text) => node.literals.get(text).into_iter().for_each(&mut follow),
                Segment::Capture(..) => {
                    let held = node.literals.iter().filter(|(text, _)| own.holds(text));
                    held.for_each(|(_, next)| follow(next));
                }
            }
            let captures = node.captures.iter();
            let captures = captures.filter(|(kind, _)| kind.relation(&own) != Relation::Disjoint);
            captures.for_each(|(_, next)| follow(next));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use lang::Ty;
    use lang::segment::path_relation;
    use proptest::prelude::*;

    use super::*;

    fn segment() -> impl Strategy<Value = Segment> {
        let literal = |text: &'static str| Segment::Literal(Arc::from(text));
        let capture = |ty: Ty| Segment::Capture(Arc::from("x"), ty);
        prop_oneof![
            prop::sample::select(vec!["a", "b", "7", ""]).prop_map(literal),
            prop::sample::select(vec![
                Ty::String,
                Ty::Int,
                Ty::Uuid,
                Ty::one_of(&["a", "b"]),
                Ty::one_of(&["b", "7"]),
            ])
            .prop_map(capture),
        ]
    }

    fn path() -> impl Strategy<Value = Path> {
        let segments = prop::collection::vec(segment(), 0..4);
        (segments, any::<bool>()).prop_map(|(segments, rest)| Path { segments, rest })
    }

    proptest! {
        #[test]
        fn a_tree_finds_what_pairs_find(paths in prop::collection::vec(path(), 1..12)) {
            let mut tree = Tree::default();
            for (at, path) in paths.iter().enumerate() {
                let mut node = 0;
                tree.count(node, at + 1);
                for segment in &path.segments {
                    node = tree.child(node, Segments::of(segment));
                    tree.count(node, at + 1);
                }
                let node = &mut tree.nodes[node];
                let list = if path.rest { &mut node.beneath } else { &mut node.here };
                list.push((at as u32, at + 1));
            }
            for path in &paths {
                let meets = |other: &&Path| path_relation(other, path) != Relation::Disjoint;
                let pairs = paths.iter().enumerate().filter(|(_, other)| meets(other));
                let ranks: Vec<u32> = pairs.clone().map(|(at, _)| at as u32).collect();
                prop_assert_eq!(tree.tests(path), pairs.map(|(at, _)| at + 1).sum::<usize>());
                let found: Vec<u32> = tree.ranked(path).iter().map(|(rank, _)| *rank).collect();
                prop_assert_eq!(found, ranks);
            }
        }

        #[test]
        fn every_host_around_one_is_thought_of(
            a in prop::collection::vec(prop::sample::select(vec!["a", "b"]), 1..4),
            b in prop::collection::vec(prop::sample::select(vec!["a", "b"]), 1..4),
            kinds in (0..4usize, 0..4usize),
        ) {
            let host = |labels: &[&str], kind: usize| {
                let name: Arc<str> = Arc::from(labels.join("."));
                [Host::Any, Host::Exact(Arc::clone(&name)), Host::OneLabel(Arc::clone(&name)),
                    Host::Labels(name)][kind].clone()
            };
            let (a, b) = (host(&a, kinds.0), host(&b, kinds.1));
            if host_relation(&a, &b) == Relation::Inside {
                prop_assert!(wider(&a).into_iter().collect::<HashSet<_>>().contains(&b));
            }
        }
    }
}
