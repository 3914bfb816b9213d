//! A host of a program to its tree. It refuses what the layout has no room for, which is then walked plainly.

use std::collections::HashMap;
use std::sync::Arc;

use super::{ANY, Cell, CellRef, GROUP, INT, Kids, LATER, NodeHead, OTHERS, Side, Tree, UUID};
use super::{group, naming, tag};
use crate::index::hosts::Kind;
use crate::index::text;
use crate::lower::bind::Bind;
use crate::program::code::Code;
use crate::program::{Candidate, Test, VirtualHost};
use lang::segment::Segments;

/// The most nodes on one way.
const DEEPEST: usize = 256;

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
    build.words.push(naming(kind, name));
    build.words.extend(text::words(name));
    let made = if host.is_ranked { None } else { build.node(0, "", &[], (0, 0)) };
    let is_plain = made.is_none();
    if is_plain {
        build.words.truncate(1 + name.len().div_ceil(8));
    }
    let side = Side { cells: build.cells.into(), kinds: build.kinds.into(), is_plain };
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

impl<'p> Build<'p, '_> {
    /// Writes a node behind what is there; gives its place, `None` if it does not fit.
    fn node(
        &mut self,
        at: usize,
        name: &str,
        run: &[&str],
        (depth, returns): (usize, usize),
    ) -> Option<u32> {
        let node = self.host.nodes.get(at)?;
        let place = u32::try_from(self.words.len()).ok()?;
        let run = run.join("/");
        // Ways are short, so recursion is; both are held to it here.
        if returns >= LATER || depth > DEEPEST || name.len() > usize::from(u16::MAX) {
            return None;
        }
        let mut literals: Vec<(&'p str, usize)> =
            node.literals.iter().map(|(text, next)| (&**text, *next)).collect();
        literals.sort_unstable();
        let kids = match literals.len() {
            0 => Kids::None,
            1 | 2 => Kids::Pair,
            // Groups are three quarters full at most, so that a look rarely goes on to the next; one is filled whole but
            // for the place that says so.
            n => Kids::Groups(if n < 8 {
                0
            } else {
                (n * 4 / 3).div_ceil(8).next_power_of_two().trailing_zeros()
            }),
        };
        let here = self.cell(&node.here)?;
        let beneath = self.cell(&node.beneath)?;
        let below = (
            depth + 1,
            returns + usize::from(!node.captures.is_empty() || !node.beneath.is_empty()),
        );
        let more = (beneath != CellRef::None, !node.captures.is_empty());
        self.words.push(NodeHead::new(name.len(), run.len(), more, kids, here).0);
        self.words.extend(text::words(name));
        self.words.extend(text::words(&run));
        if more != (false, false) {
            let n_captures = u32::try_from(node.captures.len()).ok()?;
            self.words.push(u64::from(beneath.code()) | u64::from(n_captures) << 32);
        }
        let captures = self.words.len();
        for (kind, _) in &node.captures {
            let kind = self.kind(kind)?;
            self.words.push(kind << 32);
        }
        let first_kid = self.words.len();
        match kids {
            Kids::None => {}
            Kids::Pair => self.words.push(0),
            Kids::Groups(bits) => self.words.resize(first_kid + (GROUP << bits), 0),
        }
        for (number, (_, next)) in node.captures.iter().enumerate() {
            let child = self.node(*next, "", &[], below)?;
            *self.words.get_mut(captures + number)? |= u64::from(child);
        }
        for (number, (name, next)) in literals.into_iter().enumerate() {
            let (run, last) = self.run(name, next);
            let child = self.node(last, name, &run, below)?;
            match kids {
                Kids::None => {}
                Kids::Pair => *self.words.get_mut(first_kid)? |= u64::from(child) << (number * 32),
                Kids::Groups(bits) => self.put(first_kid, bits, name, child)?,
            }
        }
        Some(place)
    }

    /// The literals that follow a node without a branch, and the last of them.
    fn run(&self, name: &str, from: usize) -> (Vec<&'p str>, usize) {
        let (mut run, mut last) = (Vec::new(), from);
        let mut length = 0;
        let fits = |text: &str| !text.is_empty() && !text.contains('/');
        while let Some(node) = self.host.nodes.get(last).filter(|_| fits(name)) {
            let is_empty =
                node.captures.is_empty() && node.here.is_empty() && node.beneath.is_empty();
            let mut literals = node.literals.iter();
            let (Some((text, next)), None, true) = (literals.next(), literals.next(), is_empty)
            else {
                break;
            };
            length += text.len() + 1;
            if !fits(text) || length > 200 {
                break;
            }
            run.push(&**text);
            last = *next;
        }
        (run, last)
    }

    /// Enters a node into groups.
    fn put(&mut self, first: usize, bits: u32, name: &str, child: u32) -> Option<()> {
        let hash = text::segment_hash(name);
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

    fn kind(&mut self, kind: &Segments) -> Option<u64> {
        Some(match kind {
            Segments::Any => ANY,
            Segments::Int => INT,
            Segments::Uuid => UUID,
            other => {
                self.kinds.push(other.clone());
                OTHERS + u64::try_from(self.kinds.len() - 1).ok()?
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
