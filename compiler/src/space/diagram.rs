//! Sets of requests as hash-consed multi-valued decision diagrams with a fixed order of fields: equal sets are the same
//! handle. Every operation counts what it makes and gives up at a limit rather than guess.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lang::segment::Relation;
use rustc_hash::FxBuildHasher;

/// What was computed before; nobody from outside chooses the keys.
type Known<K, V> = HashMap<K, V, FxBuildHasher>;

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
    known: Known<Node, Set>,
    meets: Known<(Set, Set), Set>,
    negations: Known<Set, Set>,
    lies: Known<(Set, Set), Lie>,
    /// How many runs all nodes have.
    n_runs: usize,
    limit: usize,
}

/// A question: to which class of the field a request belongs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Node {
    field: u32,
    /// Classes that answer alike and follow each other, by the last of them; at least two runs, neighbours differ.
    runs: Arc<[Run]>,
}

/// The last class of a run, and its answer.
type Run = (u32, Set);

/// So many runs a node may have on average.
const RUNS: usize = 16;

/// Fields are asked one after the other, so the depth of every walk is bounded by their number.
const DEEPEST: u32 = 384;

impl Set {
    /// No request.
    pub(crate) const NONE: Set = Set(0);
    /// Every request.
    pub(crate) const ALL: Set = Set(1);
}

impl Diagram {
    /// An empty diagram over fields with so many classes each, which makes at most `limit` nodes.
    pub(crate) fn new(classes: Vec<u32>, limit: usize) -> Diagram {
        let terminal = |field| Node { field, runs: Arc::new([]) };
        Diagram {
            classes,
            // Two places for the terminals; their content is never asked.
            nodes: vec![terminal(u32::MAX - 1), terminal(u32::MAX)],
            known: Known::default(),
            meets: Known::default(),
            negations: Known::default(),
            lies: Known::default(),
            n_runs: 0,
            limit,
        }
    }

    /// The requests that belong to one of these classes of the field. Classes come sorted.
    pub(crate) fn classes(&mut self, field: usize, holding: &[u32]) -> Result<Set, Undecided> {
        let field = field as u32;
        let n_classes = self.n_classes(field);
        let mut runs = Runs::default();
        for class in holding {
            if let Some(before) = class.checked_sub(1) {
                runs.upto(before, Set::NONE);
            }
            runs.upto(*class, Set::ALL);
        }
        runs.upto(n_classes.saturating_sub(1), Set::NONE);
        self.node(field, runs)
    }

    /// The requests that are, for the class of the field they belong to, in the set given for it. The sets ask later fields
    /// only.
    pub(crate) fn split(&mut self, field: usize, sets: &[Set]) -> Result<Set, Undecided> {
        let mut runs = Runs::default();
        for (class, set) in (0..).zip(sets) {
            runs.upto(class, *set);
        }
        let last = self.n_classes(field as u32).saturating_sub(1);
        runs.upto(last, sets.last().copied().unwrap_or(Set::NONE));
        self.node(field as u32, runs)
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

    /// How two sets lie to each other. It makes no sets, so that very many can be compared.
    pub(crate) fn relation(&mut self, a: Set, b: Set) -> Result<Relation, Undecided> {
        let lie = self.lie_at(a, b, 0)?;
        Ok(match (lie.both, lie.first_alone, lie.second_alone) {
            (false, ..) => Relation::Disjoint,
            (true, false, false) => Relation::Equal,
            (true, false, true) => Relation::Inside,
            (true, true, false) => Relation::Around,
            (true, true, true) => Relation::Across,
        })
    }

    /// The requests that are in the set whatever the fields for which `opaque` answers yes say.
    pub(crate) fn whatever(
        &mut self,
        set: Set,
        opaque: &dyn Fn(usize) -> bool,
    ) -> Result<Set, Undecided> {
        let mut memo = Known::default();
        self.whatever_at(set, opaque, &mut memo, 0)
    }

    /// For one request of the set, the class of each field it depends on. `None` if there is no request in it.
    pub(crate) fn pick(&self, set: Set) -> Option<Vec<(usize, u32)>> {
        let mut picked = Vec::new();
        let mut at = set;
        while at != Set::ALL {
            let node = self.node_of(at)?;
            // INVARIANT: no node but `NONE` is empty, because diagrams are reduced.
            let (last, next) = *node.runs.last()?;
            let (class, next) = match next {
                Set::NONE => node.firsts().find(|(_, next)| *next != Set::NONE)?,
                // The last class is the plainest.
                next => (last, next),
            };
            picked.push((node.field as usize, class));
            at = next;
        }
        Some(picked)
    }

    /// The fields on which the set depends.
    pub(crate) fn support(&self, set: Set) -> Vec<usize> {
        let mut fields = Vec::new();
        let mut seen = HashSet::new();
        let mut open = vec![set];
        while let Some(set) = open.pop() {
            let Some(node) = self.node_of(set) else { continue };
            if seen.insert(set) {
                fields.push(node.field as usize);
                open.extend(node.runs.iter().map(|(_, next)| *next));
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
        let mut seen = HashSet::new();
        let mut open = vec![set];
        while let Some(set) = open.pop() {
            if set == Set::NONE || !seen.insert(set) {
                continue;
            }
            // A way to the end that does not ask the field allows every class.
            let node = self.node_of(set).filter(|node| node.field as usize <= field)?;
            if node.field as usize == field {
                if node.runs.last().is_none_or(|(_, next)| *next != Set::NONE) {
                    return None;
                }
                let lasts = node.runs.iter().map(|(last, _)| *last);
                for ((first, next), last) in node.firsts().zip(lasts) {
                    classes.extend((first..=last).filter(|_| next != Set::NONE));
                }
            } else {
                open.extend(node.runs.iter().map(|(_, next)| *next));
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
        let whole = |set| Arc::from([(u32::MAX, set)]);
        let of = |node: Node, set| if node.field == field { node.runs } else { whole(set) };
        let (x, y) = (of(x, a), of(y, b));
        let mut runs = Runs::default();
        let (mut xs, mut ys) = (x.iter().copied().peekable(), y.iter().copied().peekable());
        while let (Some((x_last, x)), Some((y_last, y))) = (xs.peek().copied(), ys.peek().copied())
        {
            let last = x_last.min(y_last);
            runs.upto(last, self.meet_at(x, y, depth + 1)?);
            xs.next_if(|_| x_last == last);
            ys.next_if(|_| y_last == last);
        }
        let met = self.node(field, runs)?;
        self.meets.insert(pair, met);
        Ok(met)
    }

    fn lie_at(&mut self, a: Set, b: Set, depth: u32) -> Result<Lie, Undecided> {
        // INVARIANT: no node is empty or everything, because diagrams are reduced.
        let is_some = |set: Set| set != Set::NONE;
        let is_rest = |set: Set| set != Set::ALL;
        match (a, b) {
            (Set::NONE, b) => return Ok(Lie { second_alone: is_some(b), ..Lie::default() }),
            (a, Set::NONE) => return Ok(Lie { first_alone: is_some(a), ..Lie::default() }),
            (Set::ALL, b) => {
                return Ok(Lie { both: true, first_alone: is_rest(b), second_alone: false });
            }
            (a, Set::ALL) => {
                return Ok(Lie { both: true, first_alone: false, second_alone: is_rest(a) });
            }
            (a, b) if a == b => return Ok(Lie { both: true, ..Lie::default() }),
            _ => {}
        }
        if let Some(lie) = self.lies.get(&(a, b)) {
            return Ok(*lie);
        }
        if depth >= DEEPEST || self.lies.len() >= self.limit {
            return Err(Undecided);
        }
        let (Some(x), Some(y)) = (self.node_of(a).cloned(), self.node_of(b).cloned()) else {
            return Err(Undecided);
        };
        let mut lie = Lie::default();
        for (x, y) in steps(&x, a, &y, b) {
            let next = self.lie_at(x, y, depth + 1)?;
            lie.both |= next.both;
            lie.first_alone |= next.first_alone;
            lie.second_alone |= next.second_alone;
            if lie.both && lie.first_alone && lie.second_alone {
                break;
            }
        }
        // Of the sets that are asked about, each pair is asked once.
        if depth > 0 {
            self.lies.insert((a, b), lie);
        }
        Ok(lie)
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
        let mut runs = Runs::default();
        for (last, next) in &*node.runs {
            runs.upto(*last, self.negate_at(*next, depth + 1)?);
        }
        let negated = self.node(node.field, runs)?;
        self.negations.insert(a, negated);
        self.negations.insert(negated, a);
        Ok(negated)
    }

    fn whatever_at(
        &mut self,
        set: Set,
        opaque: &dyn Fn(usize) -> bool,
        memo: &mut Known<Set, Set>,
        depth: u32,
    ) -> Result<Set, Undecided> {
        let Some(node) = self.node_of(set).cloned() else { return Ok(set) };
        if let Some(known) = memo.get(&set) {
            return Ok(*known);
        }
        if depth >= DEEPEST {
            return Err(Undecided);
        }
        let mut runs = Runs::default();
        for (last, next) in &*node.runs {
            runs.upto(*last, self.whatever_at(*next, opaque, memo, depth + 1)?);
        }
        let result = if opaque(node.field as usize) {
            let mut all = Set::ALL;
            for (_, next) in runs.0 {
                all = self.meet(all, next)?;
            }
            all
        } else {
            self.node(node.field, runs)?
        };
        memo.insert(set, result);
        Ok(result)
    }

    /// The node that answers so, reduced.
    fn node(&mut self, field: u32, Runs(runs): Runs) -> Result<Set, Undecided> {
        if let [] | [_] = runs.as_slice() {
            return Ok(runs.first().map_or(Set::NONE, |(_, set)| *set));
        }
        let n_runs = self.n_runs + runs.len();
        let node = Node { field, runs: runs.into() };
        if let Some(known) = self.known.get(&node) {
            return Ok(*known);
        }
        if self.nodes.len() >= self.limit || n_runs > self.limit.saturating_mul(RUNS) {
            return Err(Undecided);
        }
        self.n_runs = n_runs;
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

/// What there is of two sets.
#[derive(Clone, Copy, Default, Debug)]
struct Lie {
    both: bool,
    first_alone: bool,
    second_alone: bool,
}

/// What two nodes lead to, class by class, as long as it is the same for both: the sets behind the field that comes first.
fn steps(x: &Node, a: Set, y: &Node, b: Set) -> Vec<(Set, Set)> {
    let field = x.field.min(y.field);
    let whole = [(u32::MAX, a)];
    let xs: &[Run] = if x.field == field { &x.runs } else { &whole };
    let whole = [(u32::MAX, b)];
    let ys: &[Run] = if y.field == field { &y.runs } else { &whole };
    let (mut xs, mut ys) = (xs.iter().peekable(), ys.iter().peekable());
    let mut steps = Vec::new();
    while let (Some((x_last, x)), Some((y_last, y))) = (xs.peek().copied(), ys.peek().copied()) {
        steps.push((*x, *y));
        let last = x_last.min(y_last);
        xs.next_if(|(at, _)| at == last);
        ys.next_if(|(at, _)| at == last);
    }
    steps
}

impl Node {
    /// The first class of each run, and its answer.
    fn firsts(&self) -> impl Iterator<Item = Run> {
        let firsts = [0].into_iter().chain(self.runs.iter().map(|(last, _)| last + 1));
        firsts.zip(self.runs.iter().map(|(_, next)| *next))
    }
}

/// Runs in the making, joined where neighbours answer alike.
#[derive(Default)]
struct Runs(Vec<Run>);

impl Runs {
    /// The classes behind the last run, up to this one, answer so.
    fn upto(&mut self, class: u32, set: Set) {
        match self.0.last_mut() {
            Some((last, _)) if *last >= class => {}
            Some((last, known)) if *known == set => *last = class,
            _ => self.0.push((class, set)),
        }
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
