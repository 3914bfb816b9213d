//! A host of a program to its tree. It refuses what the layout has no room for, which is then walked plainly.

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    ANY, BENEATH, Cell, CellRef, FEW, GROUP, INT, KID, KID_NODE, Kids, LATER, NodeHead, OTHERS,
    SHORT, Side, Tree, UUID,
};
use super::{group, kid, naming, tag};
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
    let made = if host.is_ranked {
        None
    } else {
        build.node(From { node: 0, text: "", run: &[] }, (0, 0))
    };
    let is_plain = made.is_none();
    if is_plain {
        build.words.truncate(1 + text::n_words(name.len()));
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

/// A node of the program, and how it is come to.
struct From<'n> {
    node: usize,
    /// Its segment, if that stands with it.
    text: &'n str,
    run: &'n [&'n str],
}

impl<'p> Build<'p, '_> {
    /// Writes a node behind what is there; gives its place, `None` if it does not fit.
    fn node(&mut self, from: From<'_>, (depth, returns): (usize, usize)) -> Option<u32> {
        let node = self.host.nodes.get(from.node)?;
        let place = u32::try_from(self.words.len()).ok()?;
        let run = from.run.join("/");
        let mut literals: Vec<(&'p str, usize)> =
            node.literals.iter().map(|(text, next)| (&**text, *next)).collect();
        literals.sort_unstable();
        let kids = kids(literals.len());
        let here = self.cell(&node.here)?;
        let beneath = self.cell(&node.beneath)?;
        let n_more = match (node.captures.len(), beneath) {
            (0, CellRef::None) => 0,
            (n_captures, _) => n_captures + 1,
        };
        let returns = returns + usize::from(n_more > 0);
        // Ways are short, so recursion is; both are held to it here.
        if returns > LATER
            || depth > DEEPEST
            || from.text.len() > NodeHead::TEXT_MOST
            || n_more > NodeHead::MORE_MOST
        {
            return None;
        }
        self.words.push(NodeHead::new(from.text.len(), run.len(), n_more, kids, here).0);
        if !from.text.is_empty() {
            self.words.extend(text::words(from.text));
        }
        if !run.is_empty() {
            self.words.extend(text::words(&run));
        }
        let more = self.words.len();
        for (kind, _) in &node.captures {
            let kind = self.kind(kind)?;
            self.words.push(kind << 32);
        }
        if n_more > 0 {
            self.words.push(BENEATH << 32 | u64::from(beneath.code()));
        }
        let first_kid = self.words.len();
        match kids {
            Kids::Few(n) => {
                for (name, _) in &literals {
                    let (length, first) = (name.len(), text::ahead(name.as_bytes(), 0));
                    self.words.extend([first, kid(0, length)]);
                }
                debug_assert_eq!(self.words.len(), first_kid + n as usize * KID);
            }
            Kids::Groups(bits) => self.words.resize(first_kid + (GROUP << bits), 0),
        }
        let below = (depth + 1, returns);
        for (number, (_, next)) in node.captures.iter().enumerate() {
            let from = From { node: *next, text: "", run: &[] };
            let child = self.node(from, below)?;
            *self.words.get_mut(more + number)? |= u64::from(child);
        }
        for (number, (name, next)) in literals.into_iter().enumerate() {
            let (run, node) = self.run(name, next);
            let keeps_text = matches!(kids, Kids::Groups(_)) || name.len() >= SHORT;
            let text = if keeps_text { name } else { "" };
            let child = self.node(From { node, text, run: &run }, below)?;
            match kids {
                Kids::Few(_) => {
                    let word = self.words.get_mut(first_kid + number * KID + KID - 1)?;
                    *word |= u64::from(child) << KID_NODE;
                }
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
