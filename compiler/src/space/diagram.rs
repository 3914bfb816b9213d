//! Sets of requests as hash-consed multi-valued decision diagrams with a fixed order of fields: equal sets are the same
//! handle. Every operation counts what it makes and gives up at a limit rather than guess.

use std::collections::HashMap;

/// A set, by its place in the [`Diagram`] that made it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Set(u32);

/// The budget is spent: nothing was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Undecided;

/// Nodes and what was computed of them.
#[derive(Debug)]
pub(crate) struct Diagram {
    /// The number of classes of each field, in the order in which diagrams ask them.
    classes: Vec<u32>,
    nodes: Vec<Node>,
    known: HashMap<Node, Set>,
    meets: HashMap<(Set, Set), Set>,
    negations: HashMap<Set, Set>,
    limit: usize,
}

/// A question: to which class of the field a request belongs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Node {
    field: u32,
    /// The answer of the last class, and of every class that is not in `cases`.
    other: Set,
    /// The classes that answer differently, in order.
    cases: Box<[(u32, Set)]>,
}

/// Fields are asked one after the other, so the depth of every walk is bounded by their number.
const DEEPEST: u32 = 192;

impl Set {
    /// No request.
    pub(crate) const NONE: Set = Set(0);
    /// Every request.
    pub(crate) const ALL: Set = Set(1);
}

impl Diagram {
    /// An empty diagram over fields with so many classes each, which makes at most `limit` nodes.
    pub(crate) fn new(classes: Vec<u32>, limit: usize) -> Diagram {
        let terminal = |field| Node { field, other: Set::NONE, cases: Box::new([]) };
        Diagram {
            classes,
            // Two places for the terminals; their content is never asked.
            nodes: vec![terminal(u32::MAX - 1), terminal(u32::MAX)],
            known: HashMap::new(),
            meets: HashMap::new(),
            negations: HashMap::new(),
            limit,
        }
    }

    /// The requests that belong to one of these classes of the field. Classes come sorted.
    pub(crate) fn classes(&mut self, field: usize, holding: &[u32]) -> Result<Set, Undecided> {
        let field = field as u32;
        let n_classes = self.n_classes(field);
        let last = n_classes.saturating_sub(1);
        if holding.last() == Some(&last) {
            let mut listed = holding.iter().copied().peekable();
            let missing = (0..n_classes).filter(|class| listed.next_if_eq(class).is_none());
            let cases = missing.map(|class| (class, Set::NONE)).collect();
            self.node(field, Set::ALL, cases)
        } else {
            let cases = holding.iter().map(|class| (*class, Set::ALL)).collect();
            self.node(field, Set::NONE, cases)
        }
    }

    /// The requests that are, for the class of the field they belong to, in the set given for it. The sets ask later fields
    /// only.
    pub(crate) fn split(&mut self, field: usize, sets: &[Set]) -> Result<Set, Undecided> {
        let other = sets.last().copied().unwrap_or(Set::NONE);
        self.node(field as u32, other, (0..).zip(sets.iter().copied()).collect())
    }

    /// The requests in both.
    pub(crate) fn meet(&mut self, a: Set, b: Set) -> Result<Set, Undecided> {
        self.meet_at(a, b, 0)
    }

    /// The requests in one of them.
    pub(crate) fn join(&mut self, a: Set, b: Set) -> Result<Set, Undecided> {
        let (a, b) = (self.negate(a)?, self.negate(b)?);
        let neither = self.meet(a, b)?;
        self.negate(neither)
    }

    /// The requests that are not in it.
    pub(crate) fn negate(&mut self, a: Set) -> Result<Set, Undecided> {
        self.negate_at(a, 0)
    }

    /// The requests in the first and not in the second.
    pub(crate) fn minus(&mut self, a: Set, b: Set) -> Result<Set, Undecided> {
        let not = self.negate(b)?;
        self.meet(a, not)
    }

    /// The requests that are in the set whatever the fields for which `opaque` answers yes say.
    pub(crate) fn whatever(
        &mut self,
        set: Set,
        opaque: &dyn Fn(usize) -> bool,
    ) -> Result<Set, Undecided> {
        let mut memo = HashMap::new();
        self.whatever_at(set, opaque, &mut memo, 0)
    }

    /// For one request of the set, the class of each field it depends on. `None` if there is no request in it.
    pub(crate) fn pick(&self, set: Set) -> Option<Vec<(usize, u32)>> {
        let mut picked = Vec::new();
        let mut at = set;
        while at != Set::ALL {
            let node = self.node_of(at)?;
            // INVARIANT: no node but `NONE` is empty, because diagrams are reduced.
            let case = node.cases.iter().find(|(_, next)| *next != Set::NONE).copied();
            let last = self.n_classes(node.field).saturating_sub(1);
            let (class, next) = match case {
                _ if node.other != Set::NONE => (last, node.other),
                Some(case) => case,
                None => return None,
            };
            picked.push((node.field as usize, class));
            at = next;
        }
        Some(picked)
    }

    /// The fields on which the set depends.
    pub(crate) fn support(&self, set: Set) -> Vec<usize> {
        let mut fields = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut open = vec![set];
        while let Some(set) = open.pop() {
            let Some(node) = self.node_of(set) else { continue };
            if seen.insert(set) {
                fields.push(node.field as usize);
                open.push(node.other);
                open.extend(node.cases.iter().map(|(_, next)| *next));
            }
        }
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// The classes of `field` to which the requests of the set belong, if these are few: all that are listed and not the
    /// last one.
    pub(crate) fn allowed(&self, set: Set, field: usize) -> Option<Vec<u32>> {
        let mut classes = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut open = vec![set];
        while let Some(set) = open.pop() {
            if set == Set::NONE || !seen.insert(set) {
                continue;
            }
            // A way to the end that does not ask the field allows every class.
            let node = self.node_of(set).filter(|node| node.field as usize <= field)?;
            if node.field as usize == field {
                if node.other != Set::NONE {
                    return None;
                }
                let listed = node.cases.iter().filter(|(_, next)| *next != Set::NONE);
                classes.extend(listed.map(|(class, _)| *class));
            } else {
                open.push(node.other);
                open.extend(node.cases.iter().map(|(_, next)| *next));
            }
        }
        classes.sort_unstable();
        classes.dedup();
        Some(classes)
    }

    fn meet_at(&mut self, a: Set, b: Set, depth: u32) -> Result<Set, Undecided> {
        match (a, b) {
            (Set::NONE, _) | (_, Set::NONE) => return Ok(Set::NONE),
            (Set::ALL, other) | (other, Set::ALL) => return Ok(other),
            (a, b) if a == b => return Ok(a),
            _ => {}
        }
        let pair = (a.min(b), a.max(b));
        if let Some(met) = self.meets.get(&pair) {
            return Ok(*met);
        }
        if depth >= DEEPEST || self.meets.len() >= self.limit {
            return Err(Undecided);
        }
        let (Some(x), Some(y)) = (self.node_of(a).cloned(), self.node_of(b).cloned()) else {
            return Err(Undecided);
        };
        let field = x.field.min(y.field);
        // A set that does not ask this field answers alike for all its classes.
        let split = |node: Node, set: Set| {
            if node.field == field { (node.other, node.cases) } else { (set, Box::default()) }
        };
        let ((x_other, x_cases), (y_other, y_cases)) = (split(x, a), split(y, b));
        let other = self.meet_at(x_other, y_other, depth + 1)?;
        let mut cases = Vec::with_capacity(x_cases.len() + y_cases.len());
        let (mut x, mut y) = (x_cases.iter().peekable(), y_cases.iter().peekable());
        loop {
            let class = match (x.peek(), y.peek()) {
                (Some((a, _)), Some((b, _))) => *a.min(b),
                (Some((a, _)), None) => *a,
                (None, Some((b, _))) => *b,
                (None, None) => break,
            };
            let x = x.next_if(|(at, _)| *at == class).map_or(x_other, |(_, next)| *next);
            let y = y.next_if(|(at, _)| *at == class).map_or(y_other, |(_, next)| *next);
            cases.push((class, self.meet_at(x, y, depth + 1)?));
        }
        let met = self.node(field, other, cases)?;
        self.meets.insert(pair, met);
        Ok(met)
    }

    fn negate_at(&mut self, a: Set, depth: u32) -> Result<Set, Undecided> {
        match a {
            Set::NONE => return Ok(Set::ALL),
            Set::ALL => return Ok(Set::NONE),
            _ => {}
        }
        if let Some(negated) = self.negations.get(&a) {
            return Ok(*negated);
        }
        let node = self.node_of(a).cloned().filter(|_| depth < DEEPEST).ok_or(Undecided)?;
        let other = self.negate_at(node.other, depth + 1)?;
        let mut cases = Vec::with_capacity(node.cases.len());
        for (class, next) in &node.cases {
            cases.push((*class, self.negate_at(*next, depth + 1)?));
        }
        let negated = self.node(node.field, other, cases)?;
        self.negations.insert(a, negated);
        self.negations.insert(negated, a);
        Ok(negated)
    }

    fn whatever_at(
        &mut self,
        set: Set,
        opaque: &dyn Fn(usize) -> bool,
        memo: &mut HashMap<Set, Set>,
        depth: u32,
    ) -> Result<Set, Undecided> {
        let Some(node) = self.node_of(set).cloned() else { return Ok(set) };
        if let Some(known) = memo.get(&set) {
            return Ok(*known);
        }
        if depth >= DEEPEST {
            return Err(Undecided);
        }
        let other = self.whatever_at(node.other, opaque, memo, depth + 1)?;
        let mut cases = Vec::with_capacity(node.cases.len());
        for (class, next) in &node.cases {
            cases.push((*class, self.whatever_at(*next, opaque, memo, depth + 1)?));
        }
        let result = if opaque(node.field as usize) {
            let mut all = other;
            for (_, next) in cases {
                all = self.meet(all, next)?;
            }
            all
        } else {
            self.node(node.field, other, cases)?
        };
        memo.insert(set, result);
        Ok(result)
    }

    /// The node that answers so, reduced.
    fn node(
        &mut self,
        field: u32,
        other: Set,
        mut cases: Vec<(u32, Set)>,
    ) -> Result<Set, Undecided> {
        cases.retain(|(_, next)| *next != other);
        if cases.is_empty() {
            return Ok(other);
        }
        let node = Node { field, other, cases: cases.into() };
        if let Some(known) = self.known.get(&node) {
            return Ok(*known);
        }
        if self.nodes.len() >= self.limit {
            return Err(Undecided);
        }
        let set = Set(self.nodes.len() as u32);
        self.nodes.push(node.clone());
        self.known.insert(node, set);
        Ok(set)
    }

    fn node_of(&self, set: Set) -> Option<&Node> {
        if set <= Set::ALL { None } else { self.nodes.get(set.0 as usize) }
    }

    fn n_classes(&self, field: u32) -> u32 {
        self.classes.get(field as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_are_the_same_handle() {
        let mut diagram = Diagram::new(vec![3, 2], 1000);
        let a = diagram.classes(0, &[0, 1]).unwrap();
        let b = diagram.classes(0, &[2]).unwrap();
        assert_eq!(diagram.negate(a).unwrap(), b);
        assert_eq!(diagram.join(a, b).unwrap(), Set::ALL);
        assert_eq!(diagram.meet(a, b).unwrap(), Set::NONE);
        let c = diagram.classes(1, &[0]).unwrap();
        let both = diagram.meet(a, c).unwrap();
        assert_eq!(diagram.pick(both), Some(vec![(0, 0), (1, 0)]));
        let back = diagram.minus(a, c).unwrap();
        assert_eq!(diagram.join(back, both).unwrap(), a);
    }

    #[test]
    fn a_spent_budget_is_said() {
        let mut diagram = Diagram::new(vec![2; 20], 8);
        let sets: Vec<_> = (0..20).map(|field| diagram.classes(field, &[0])).collect();
        assert!(sets.contains(&Err(Undecided)));
    }
}
