//! What a function of machine code does, in steps: the checks of a cell, or all of a host with few routes, from its path to
//! the candidate that answers. A step is a question and where its answers lead, which is forward only.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::emit::bit;
use crate::index::{Cell, asks_nothing};
use crate::program::code::{Check, Code, Goal, Methods, Op};
use crate::program::{Node, VirtualHost};
use lang::segment::Segments;

/// The steps, and where they begin.
pub(super) struct Plan<'c> {
    pub(super) entry: Way,
    pub(super) steps: Vec<Step<'c>>,
    /// How many places in the path are found on the way.
    pub(super) n_marks: usize,
    /// Whether it is of a host: then it begins with the path.
    pub(super) is_whole: bool,
}

impl<'c> Plan<'c> {
    /// Its checks.
    pub(super) fn checks(&self) -> impl Iterator<Item = &'c Check> {
        self.steps.iter().filter_map(Step::check)
    }
}

impl<'c> Step<'c> {
    /// The check that it makes, if it makes one.
    pub(super) fn check(&self) -> Option<&'c Check> {
        match self.ask {
            Ask::Check { check, .. } => Some(check),
            _ => None,
        }
    }

    /// Where it leads.
    pub(super) fn ways(&self) -> impl Iterator<Item = Way> {
        let ended = match self.ask {
            Ask::Literal { ended, .. } => Some(ended),
            _ => None,
        };
        [self.yes, self.no].into_iter().chain(ended)
    }
}

/// Where an answer leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Step(usize),
    /// This candidate answers: a place in the cell, or a number of the host's.
    Take(u32),
    Leave,
    /// The interpreter has to say.
    Fail,
}

/// A question, and where its answers lead.
pub(super) struct Step<'c> {
    pub(super) ask: Ask<'c>,
    pub(super) yes: Way,
    pub(super) no: Way,
}

/// What is asked.
pub(super) enum Ask<'c> {
    /// The check of an instruction of a cell.
    Check { cell: u32, op: usize, check: &'c Check },
    /// Whether the path begins with a slash.
    Begins,
    /// Whether the path ends before this place.
    Ends(At),
    /// Whether these segments stand here and more do behind them; `ended` is where it leads if the path ends there.
    Literal { at: At, text: String, ended: Way },
    /// Whether a capture of a kind takes the segment here. The mark is where that ends.
    Segment { at: At, kind: u64, mark: usize },
    /// Whether a method was missed in cells with these bits; first in any of all.
    Missed { cells: u64, is_first: bool },
    /// Whether the request's method is one of these.
    Has(&'c Methods),
    /// Nothing; with these methods a candidate would have answered.
    Allow(&'c Methods),
}

/// A place in the path: where a segment begins, if the path does not end before.
#[derive(Clone, Copy)]
pub(super) struct At {
    /// Counted from the end of a segment that a capture took, which has this mark, or from the beginning.
    pub(super) mark: Option<usize>,
    pub(super) bytes: usize,
}

/// Kinds of captures that a step can ask for.
pub(super) const ANY: u64 = 0;
pub(super) const INT: u64 = 1;
pub(super) const UUID: u64 = 2;

/// The most cells of a host that is one function.
const CELLS: u32 = u64::BITS;
/// The most candidates of one.
const CANDIDATES: usize = 64;
/// The most literals behind a node: they are asked for one after the other.
const LITERALS: usize = 16;
/// The most nodes on one way, and bytes of their literals.
const DEEPEST: usize = 32;
const LONGEST: usize = 256;

/// The steps of a cell.
pub(super) fn of_cell(code: &Code) -> Plan<'_> {
    let mut steps = Vec::new();
    let entry = checks(0, (&code.ops, (0, code.entry)), Way::Take, Way::Leave, &mut steps);
    turned(Plan { entry, steps, n_marks: 0, is_whole: false })
}

/// The steps of a host with these cells. `None` if it is more than one function should do.
pub(super) fn of_host<'c>(
    host: &'c VirtualHost,
    cells: impl Iterator<Item = (u32, &'c Cell)>,
) -> Option<Plan<'c>> {
    if !may_be_whole(host) {
        return None;
    }
    let by_first =
        |(number, cell): (u32, &'c Cell)| Some((*cell.candidates.first()?, (number, cell)));
    let cells: HashMap<u32, (u32, &Cell)> = cells.filter_map(by_first).collect();
    let mut planning = Planning { host, cells, steps: Vec::new(), n_marks: 0 };
    let nobody = planning.missed()?;
    let root = At { mark: None, bytes: 1 };
    // What begins with a slash does not end before it.
    let (_, mut entry) = planning.node(0, root, nobody, 0)?;
    let root = host.nodes.get(0)?;
    if !(root.here.is_empty() && root.captures.is_empty() && root.beneath.is_empty()) {
        entry = planning.step(Ask::Begins, entry, Way::Fail);
    }
    let Planning { steps, n_marks, .. } = planning;
    Some(turned(Plan { entry, steps, n_marks, is_whole: true }))
}

/// Whether a host is of a kind that may be one function.
pub(super) fn may_be_whole(host: &VirtualHost) -> bool {
    !host.is_ranked && host.candidates.len() <= CANDIDATES
}

/// Steps are put down from the back, where it is known already where they lead.
fn turned(mut plan: Plan<'_>) -> Plan<'_> {
    let n = plan.steps.len();
    let turn = |way: &mut Way| {
        if let Way::Step(at) = way {
            *at = n - 1 - *at;
        }
    };
    plan.steps.reverse();
    turn(&mut plan.entry);
    for step in &mut plan.steps {
        turn(&mut step.yes);
        turn(&mut step.no);
        if let Ask::Literal { ended, .. } = &mut step.ask {
            turn(ended);
        }
    }
    plan
}

/// Puts the checks of a cell, from this place on and with this entry, in front of what is there; gives where they begin.
/// What lies behind them leaves.
fn checks<'c>(
    cell: u32,
    (ops, (first, entry)): (&'c [Op], (u32, Goal)),
    take: impl Fn(u32) -> Way,
    leave: Way,
    steps: &mut Vec<Step<'c>>,
) -> Way {
    let behind = steps.len() + ops.len();
    let way = |goal| match goal {
        Goal::Op(at) if (at as usize) < ops.len() => Way::Step(behind - 1 - at as usize),
        Goal::Take(place) => take(place),
        Goal::Op(_) | Goal::Leave => leave,
    };
    for (at, op) in ops.iter().enumerate().skip(first as usize).rev() {
        let ask = Ask::Check { cell, op: at, check: &op.check };
        steps.push(Step { ask, yes: way(op.goal(true)), no: way(op.goal(false)) });
    }
    way(entry)
}

struct Planning<'c> {
    host: &'c VirtualHost,
    /// By their first candidates.
    cells: HashMap<u32, (u32, &'c Cell)>,
    steps: Vec<Step<'c>>,
    n_marks: usize,
}

impl<'c> Planning<'c> {
    fn step(&mut self, ask: Ask<'c>, yes: Way, no: Way) -> Way {
        self.steps.push(Step { ask, yes, no });
        Way::Step(self.steps.len() - 1)
    }

    /// What is asked when nobody answers: which methods would have found a candidate of the cells in which one was missed.
    fn missed(&mut self) -> Option<Way> {
        let mut cells: Vec<(u32, &'c Cell)> = self.cells.values().copied().collect();
        cells.sort_unstable_by_key(|(number, _)| *number);
        let has_methods =
            |cell: &Cell| cell.code.ops.iter().any(|op| matches!(op.check, Check::Method(_)));
        cells.retain(|(_, cell)| has_methods(cell) || cell.code.table.is_some());
        let is_alone = cells.len() == 1;
        let (mut next, mut all) = (Way::Leave, 0);
        for (number, cell) in cells {
            let code = &*cell.code;
            if number >= CELLS || code.table.is_some() {
                return None;
            }
            let mut entry = next;
            for range in code.starts.windows(2).rev() {
                let [start, end] = *range else { continue };
                let ops = code.ops.get(..end as usize)?;
                let Some(Op { check: Check::Method(methods), .. }) = ops.get(start as usize) else {
                    continue;
                };
                if methods.others.is_some() {
                    return None;
                }
                let allowed = self.step(Ask::Allow(methods), entry, entry);
                let from = ops.get(start as usize)?.goal(true);
                let begin = (start + 1, from);
                let alone = checks(number, (ops, begin), |_| allowed, entry, &mut self.steps);
                entry = self.step(Ask::Has(methods), entry, alone);
            }
            all |= bit(number);
            if is_alone {
                next = entry;
            } else {
                next = self.step(Ask::Missed { cells: bit(number), is_first: false }, entry, next);
            }
        }
        if all == 0 {
            return Some(Way::Leave);
        }
        Some(self.step(Ask::Missed { cells: all, is_first: true }, next, Way::Leave))
    }

    fn ends(&mut self, at: At, ended: Way, on: Way) -> Way {
        if ended == on { on } else { self.step(Ask::Ends(at), ended, on) }
    }

    /// What a node does with a path that ends before this place, and with one that does not; `fail` is where it leads when
    /// none of its candidates answers.
    fn node(&mut self, node: usize, at: At, fail: Way, depth: usize) -> Option<(Way, Way)> {
        let node = self.host.nodes.get(node)?;
        let literals = literals(self.host, node);
        if depth > DEEPEST || at.bytes > LONGEST || literals.len() > LITERALS {
            return None;
        }
        let beneath = self.cell(&node.beneath, fail)?;
        let ended = self.cell(&node.here, beneath)?;
        let mut others = beneath;
        for (kind, next) in node.captures.iter().rev() {
            let kind = match kind {
                Segments::Any => ANY,
                Segments::Int => INT,
                Segments::Uuid => UUID,
                _ => return None,
            };
            let mark = self.n_marks;
            self.n_marks += 1;
            let behind = At { mark: Some(mark), bytes: 1 };
            let (ended, on) = self.node(*next, behind, others, depth + 1)?;
            let taken = self.ends(behind, ended, on);
            others = self.step(Ask::Segment { at, kind, mark }, taken, others);
        }
        let mut on = others;
        for (text, next) in literals {
            on = self.literal(text.to_owned(), next, at, (others, on), depth + 1)?;
        }
        Some((ended, on))
    }

    /// Puts a literal in front of others; `others` is where it leads when it stands there and none of its candidates
    /// answers, `no` when it does not.
    fn literal(
        &mut self,
        text: String,
        next: usize,
        at: At,
        (others, no): (Way, Way),
        depth: usize,
    ) -> Option<Way> {
        let node = self.host.nodes.get(next)?;
        let is_bare = node.here.is_empty() && node.beneath.is_empty() && node.captures.is_empty();
        if let [(more, next)] = literals(self.host, node)[..]
            && is_bare
        {
            return self.literal(format!("{text}/{more}"), next, at, (others, no), depth + 1);
        }
        let behind = At { bytes: at.bytes + text.len() + 1, ..at };
        let (ended, on) = self.node(next, behind, others, depth + 1)?;
        // Of the literals only one can stand there, so that to ask for the others comes to the same.
        let or_no = |way| if way == others { no } else { way };
        let (ended, on) = (or_no(ended), or_no(on));
        // With the slash at the beginning of the path nobody has to look at that before.
        let (at, text) = match at {
            At { mark: None, bytes: 1 } => (At { bytes: 0, ..at }, format!("/{text}")),
            at => (at, text),
        };
        Some(self.step(Ask::Literal { at, text, ended }, on, no))
    }

    fn cell(&mut self, candidates: &[usize], fail: Way) -> Option<Way> {
        let Some(first) = candidates.first() else { return Some(fail) };
        let number = u32::try_from(*first).ok()?;
        let Some((cell, Cell { code, candidates })) = self.cells.get(&number).copied() else {
            let first = self.host.candidates.get(*first)?;
            return asks_nothing(first).then_some(Way::Take(number));
        };
        let take =
            |place: u32| candidates.get(place as usize).map_or(Way::Leave, |at| Way::Take(*at));
        let all = (&*code.ops, (0, code.entry));
        Some(checks(cell, all, take, fail, &mut self.steps))
    }
}

/// The literals behind a node, those first that are asked for last.
fn literals<'p>(host: &VirtualHost, node: &'p Node) -> Vec<(&'p str, usize)> {
    let weight = |next: usize| {
        host.nodes.get(next).map_or(0, |node| node.literals.len() + node.captures.len())
    };
    let can_be = |text: &str| !text.contains('/');
    let literals = node.literals.iter().map(|(text, next)| (&**text, *next));
    let mut literals: Vec<(&str, usize)> = literals.filter(|(text, _)| can_be(text)).collect();
    literals.sort_unstable_by_key(|(text, next)| (weight(*next), Reverse(*text)));
    literals
}
