//! A host of a program to its tree. It refuses what the layout has no room for, which is then walked plainly.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::{
    ANY, BENEATH, Cell, CellRef, FEW, GROUP, INT, KID, KID_LEAF, KID_NODE, Kids, LAST, LATER, LEAF,
    LONGEST, NodeHead, OTHERS, SHORT, Side, Tree, UUID,
};
use super::{group, kid, named, tag};
use crate::index::hosts::Kind;
use crate::index::text::{self, Name};
use crate::lower::bind::Bind;
use crate::program::code::Code;
use crate::program::{Candidate, Node, Test, VirtualHost};
use lang::segment::Segments;

/// The most nodes on one way.
const DEEPEST: usize = 256;

/// A literal of so many bytes does not grow any more.
const RUN: usize = 200;

/// The codes made so far: equal ones are one.
#[derive(Default)]
pub(in crate::index) struct Codes {
    known: HashMap<Vec<Asked>, Arc<Code>>,
}

/// What a candidate's code is made of.
#[derive(PartialEq, Eq, Hash)]
struct Asked {
    methods: Option<Vec<Arc<str>>>,
    code: Vec<Test>,
    captures: Vec<(Arc<str>, usize, Segments)>,
}

/// The tree of a host.
pub(in crate::index) fn tree(
    host: &VirtualHost,
    kind: Kind,
    name: &str,
    bind: Bind<'_>,
    codes: &mut Codes,
) -> Tree {
    let mut build =
        Build { host, bind, codes, words: Vec::new(), cells: Vec::new(), kinds: Vec::new() };
    let name = Name::of(name.as_bytes());
    build.words.push(u64::from(named(kind, &name)));
    build.words.extend(name.ends);
    build.words.extend(name.more());
    let n_words = build.words.len();
    let root = if host.is_ranked { None } else { build.node(0, None, (0, 0)) };
    match (root, build.words.first_mut()) {
        (Some(root), Some(naming)) => *naming |= u64::from(root) << 32,
        _ => build.words.truncate(n_words),
    }
    let side = Side { cells: build.cells.into(), kinds: build.kinds.into() };
    Tree { words: build.words.into(), side: Arc::new(side) }
}

struct Build<'p, 'c> {
    host: &'p VirtualHost,
    bind: Bind<'p>,
    codes: &'c mut Codes,
    words: Vec<u64>,
    cells: Vec<Cell>,
    kinds: Vec<Segments>,
}

/// A literal or several, each with its `/` before the next; and the node they lead to.
type Literal<'p> = (Cow<'p, str>, usize);

impl<'p> Build<'p, '_> {
    /// Writes a node behind what is there, and before it the text by which it is found; gives its place, `None` if it does
    /// not fit.
    fn node(
        &mut self,
        from: usize,
        text: Option<&str>,
        (depth, returns): (usize, usize),
    ) -> Option<u32> {
        let node = self.host.nodes.get(from)?;
        let literals = self.literals(node);
        let kids = kids(literals.len());
        let here = self.cell(&node.here)?;
        let beneath = self.cell(&node.beneath)?;
        let n_more = node.captures.len() + usize::from(beneath != CellRef::None);
        let returns = returns + usize::from(n_more > 0);
        // Ways are short, so recursion is; both are held to it here.
        if returns > LATER || depth > DEEPEST || n_more > NodeHead::MORE_MOST {
            return None;
        }
        if let Some(text) = text {
            self.words.extend(text::label(text).rev());
        }
        let place = u32::try_from(self.words.len()).ok()?;
        self.words.push(NodeHead::new(n_more, kids, here).0);
        let more = self.words.len();
        for (kind, _) in &node.captures {
            let kind = self.kind(kind)?;
            self.words.push(u64::from(kind) << 32);
        }
        if beneath != CellRef::None {
            self.words.push(u64::from(BENEATH) << 32 | u64::from(beneath.code()));
        }
        if n_more > 0 {
            *self.words.last_mut()? |= LAST;
        }
        let first_kid = self.words.len();
        match kids {
            Kids::Few(_) => {
                for (text, _) in &literals {
                    let first = text::label(text).next()?;
                    self.words.extend([first, kid(text.len())]);
                }
            }
            Kids::Groups(bits) => self.words.resize(first_kid + (GROUP << bits), 0),
        }
        let below = (depth + 1, returns);
        for (number, (_, next)) in node.captures.iter().enumerate() {
            let behind = match self.leaf(*next)? {
                Some(cell) => LEAF | u64::from(cell.code()),
                None => u64::from(self.node(*next, None, below)?),
            };
            *self.words.get_mut(more + number)? |= behind;
        }
        for (number, (text, next)) in literals.into_iter().enumerate() {
            let behind = match kids {
                Kids::Few(_) if text.len() < SHORT => match self.leaf(next)? {
                    Some(cell) => KID_LEAF | u64::from(cell.code()) << KID_NODE,
                    None => u64::from(self.node(next, None, below)?) << KID_NODE,
                },
                Kids::Few(_) => u64::from(self.node(next, Some(&text), below)?) << KID_NODE,
                Kids::Groups(bits) => {
                    let child = self.node(next, Some(&text), below)?;
                    self.put(first_kid, bits, &text, child)?;
                    continue;
                }
            };
            *self.words.get_mut(first_kid + number * KID + KID - 1)? |= behind;
        }
        Some(place)
    }

    /// The cell of a node that has nothing else.
    fn leaf(&mut self, node: usize) -> Option<Option<CellRef>> {
        let node = self.host.nodes.get(node)?;
        let is_bare =
            node.literals.is_empty() && node.captures.is_empty() && node.beneath.is_empty();
        if !is_bare || node.here.is_empty() {
            return Some(None);
        }
        self.cell(&node.here).map(Some)
    }

    /// The literals behind a node. While they are few, one that leads to nothing but literals stands for each of those.
    fn literals(&self, node: &'p Node) -> Vec<Literal<'p>> {
        let mut literals: Vec<Literal<'p>> =
            sorted(node).into_iter().map(|(text, next)| (Cow::Borrowed(text), next)).collect();
        let mut at = 0;
        while let Some(literal) = literals.get(at).filter(|_| literals.len() <= FEW) {
            match self.longer(literal) {
                Some(longer) if literals.len() + longer.len() <= FEW + 1 => {
                    literals.splice(at..=at, longer);
                }
                _ => at += 1,
            }
        }
        literals
    }

    /// What a literal stands for together with each of those behind it, if nothing else is behind it, and if it costs no
    /// more to find them all at once.
    fn longer(&self, (text, next): &Literal<'p>) -> Option<Vec<Literal<'p>>> {
        let node = self.host.nodes.get(*next)?;
        if !(node.captures.is_empty() && node.here.is_empty() && node.beneath.is_empty()) {
            return None;
        }
        let behind = sorted(node);
        let is_run = behind.len() == 1 && text.len() < RUN;
        let is_short = |(more, _): &(&str, usize)| text.len() + 1 + more.len() < SHORT;
        if behind.is_empty() || !(is_run || behind.iter().all(is_short)) {
            return None;
        }
        let longer = |(more, next)| (Cow::Owned(format!("{text}/{more}")), next);
        Some(behind.into_iter().map(longer).collect())
    }

    /// Enters a node into groups.
    fn put(&mut self, first: usize, bits: u32, name: &str, child: u32) -> Option<()> {
        let hash = text::segment(name.as_bytes(), 0).hash;
        let mut at = group(hash, bits);
        loop {
            let base = first + at * GROUP;
            let tags = *self.words.get(base)?;
            // From the first free place on all are free.
            if let Some(free) = (0..8).find(|free| tags >> (free * 8) & 0xff == 0) {
                *self.words.get_mut(base)? |= u64::from(tag(hash)) << (free * 8);
                *self.words.get_mut(base + 1 + free / 2)? |= u64::from(child) << (free % 2 * 32);
                return Some(());
            }
            at = (at + 1) & ((1 << bits) - 1);
        }
    }

    fn kind(&mut self, kind: &Segments) -> Option<u32> {
        Some(match kind {
            Segments::Any => ANY,
            Segments::Int => INT,
            Segments::Uuid => UUID,
            other => {
                self.kinds.push(other.clone());
                OTHERS
                    + u32::try_from(self.kinds.len() - 1).ok().filter(|n| *n < BENEATH - OTHERS)?
            }
        })
    }

    fn cell(&mut self, cell: &[usize]) -> Option<CellRef> {
        let candidates: Option<Vec<&Candidate>> =
            cell.iter().map(|at| self.host.candidates.get(*at)).collect();
        let candidates = candidates?;
        let Some(first) = candidates.first() else { return Some(CellRef::None) };
        // Nobody is asked behind one that asks for nothing.
        if first.methods.is_none() && first.code.is_empty() {
            let first = u32::try_from(*cell.first()?).ok()?;
            return Some(CellRef::Always(first));
        }
        let asked = candidates.iter().map(|candidate| Asked {
            methods: candidate.methods.clone(),
            code: candidate.code.clone(),
            captures: if candidate.reads_captures {
                candidate.captures.clone()
            } else {
                Vec::new()
            },
        });
        let bind = self.bind;
        let code = self.codes.known.entry(asked.collect());
        let code = code.or_insert_with(|| Arc::new(bind.cell(&candidates))).clone();
        let numbers: Result<Box<[u32]>, _> = cell.iter().map(|at| u32::try_from(*at)).collect();
        self.cells.push(Cell { code, candidates: numbers.ok()? });
        Some(CellRef::Cell(u32::try_from(self.cells.len() - 1).ok()?))
    }
}

/// The literals of a node by text, as far as segments can be like them.
fn sorted(node: &Node) -> Vec<(&str, usize)> {
    let literals = node.literals.iter().map(|(text, next)| (&**text, *next));
    let can_be = |text: &str| text.len() <= LONGEST && !text.contains('/');
    let mut literals: Vec<(&str, usize)> = literals.filter(|(text, _)| can_be(text)).collect();
    literals.sort_unstable();
    literals
}

/// How so many kids are found.
fn kids(n: usize) -> Kids {
    if n <= FEW {
        return Kids::Few(n as u32);
    }
    // Three quarters full at most, so that a look rarely goes on to the next group; one alone has a free place at least.
    Kids::Groups(if n < 8 {
        0
    } else {
        (n * 4 / 3).div_ceil(8).next_power_of_two().trailing_zeros()
    })
}
