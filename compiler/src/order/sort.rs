//! A sequence in which every edge leads forward; where edges leave a choice, the given sequence stands.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The sequence of `0..n_nodes`, and one round of nodes if edges lead in one. Nodes of rounds, and those behind them, come
/// last then.
pub(crate) fn sort(edges: &[Vec<usize>]) -> (Vec<usize>, Option<Vec<usize>>) {
    let mut n_before = vec![0_usize; edges.len()];
    for next in edges.iter().flatten() {
        if let Some(n) = n_before.get_mut(*next) {
            *n += 1;
        }
    }
    let mut open: BinaryHeap<Reverse<usize>> = n_before
        .iter()
        .enumerate()
        .filter(|(_, n)| **n == 0)
        .map(|(node, _)| Reverse(node))
        .collect();
    let mut sequence = Vec::with_capacity(edges.len());
    let mut done = vec![false; edges.len()];
    while let Some(Reverse(node)) = open.pop() {
        sequence.push(node);
        if let Some(done) = done.get_mut(node) {
            *done = true;
        }
        for next in edges.get(node).into_iter().flatten() {
            if let Some(n) = n_before.get_mut(*next) {
                *n -= 1;
                if *n == 0 {
                    open.push(Reverse(*next));
                }
            }
        }
    }
    if sequence.len() == edges.len() {
        return (sequence, None);
    }
    let round = round(edges, &done);
    sequence.extend((0..edges.len()).filter(|node| done.get(*node) == Some(&false)));
    (sequence, round)
}

/// Which nodes edges lead to from which.
pub(crate) struct Leads<'e> {
    edges: &'e [Vec<usize>],
    /// For each node those that it leads to, a bit each; none where there are too many nodes.
    closure: Option<Vec<Vec<u64>>>,
}

/// The most nodes of which all is computed beforehand.
const MOST: usize = 1 << 13;

impl<'e> Leads<'e> {
    /// Of these edges; in the sequence they lead forward, but for rounds.
    pub(crate) fn new(edges: &'e [Vec<usize>], sequence: &[usize]) -> Leads<'e> {
        if edges.len() > MOST {
            return Leads { edges, closure: None };
        }
        let n_words = edges.len().div_ceil(64);
        let mut closure = vec![vec![0_u64; n_words]; edges.len()];
        for node in sequence.iter().rev() {
            let mut of = vec![0_u64; n_words];
            for next in edges.get(*node).into_iter().flatten() {
                if let Some(word) = of.get_mut(next / 64) {
                    *word |= 1 << (next % 64);
                }
                let behind = closure.get(*next).into_iter().flatten();
                of.iter_mut().zip(behind).for_each(|(word, behind)| *word |= behind);
            }
            if let Some(known) = closure.get_mut(*node) {
                *known = of;
            }
        }
        Leads { edges, closure: Some(closure) }
    }

    /// Whether they lead from one node to the other.
    pub(crate) fn lead(&self, from: usize, to: usize) -> bool {
        let Some(closure) = &self.closure else { return self.walk(from, to) };
        let word = closure.get(from).and_then(|words| words.get(to / 64));
        word.is_some_and(|word| word >> (to % 64) & 1 == 1)
    }

    fn walk(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.edges.len()];
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            for next in self.edges.get(node).into_iter().flatten() {
                if *next == to {
                    return true;
                }
                if let Some(seen) = seen.get_mut(*next).filter(|seen| !**seen) {
                    *seen = true;
                    open.push(*next);
                }
            }
        }
        false
    }
}

/// A round among the nodes that are not done: each of them has one of them before it, so walking back must meet itself.
fn round(edges: &[Vec<usize>], done: &[bool]) -> Option<Vec<usize>> {
    let is_open = |node: usize| done.get(node) == Some(&false);
    let mut before: Vec<Option<usize>> = vec![None; edges.len()];
    for (node, nexts) in edges.iter().enumerate().filter(|(node, _)| is_open(*node)) {
        for next in nexts {
            if let Some(before) = before.get_mut(*next) {
                *before = Some(node);
            }
        }
    }
    let mut walk: Vec<usize> = Vec::new();
    let mut node = (0..edges.len()).find(|node| is_open(*node))?;
    loop {
        if let Some(start) = walk.iter().position(|seen| *seen == node) {
            let mut round = walk.split_off(start);
            round.reverse();
            return Some(round);
        }
        walk.push(node);
        node = before.get(node).copied().flatten()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_lead_forward() {
        let edges = vec![vec![], vec![0], vec![], vec![1]];
        assert_eq!(sort(&edges), (vec![2, 3, 1, 0], None));
        let leads = Leads::new(&edges, &sort(&edges).0);
        for (from, to) in [(3, 0), (3, 1), (1, 0), (0, 3), (2, 0)] {
            assert_eq!(leads.lead(from, to), leads.walk(from, to), "{from} to {to}");
        }
        assert!(leads.lead(3, 0) && !leads.lead(0, 3));
    }

    #[test]
    fn a_round_is_found() {
        let (sequence, round) = sort(&[vec![1], vec![2], vec![1], vec![]]);
        assert_eq!(sequence, [0, 3, 1, 2]);
        assert_eq!(round.map(|round| round.len()), Some(2));
    }
}
