//! The routes of one host as a compact tree over path segments: nodes in one array of cache lines, a child behind its
//! parent, so that a step reads one line. `tree/build.rs` writes it, `tree/walk.rs` reads it; this file says how it looks.
//!
//! A node is a line: its head, its first two kids, what its text says where that does not stand in its parent, and what
//! there is besides literals. Behind it stand lines of further kids where these are few; slots by hash where they are many;
//! and what is besides literals where that is more than one word: a word for each capture, and one for what holds for all
//! paths beneath. A kid is what is ahead of its literal and where it is. One of few stands for all literals up to the next
//! node at which a path may end or fork, and beyond forks that leave it one of few; no two of few begin with the same eight
//! bytes. A node with nothing but a cell stands in no line of its own: whatever leads there says the cell, unless the line
//! says the text by which the node is found. Of a text of sixteen bytes or more the words of `label` in `text.rs` stand
//! before the node, from the second on, that one nearest.

use std::sync::Arc;

use super::text::Name;
#[cfg(feature = "jit")]
use crate::jit::Machine;
use crate::program::Pieces;
use crate::program::code::Code;
use lang::segment::Segments;

pub(super) mod build;
pub(super) mod change;
mod walk;

pub(super) use walk::{LONGEST, Later};

/// The tree of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// The nodes, the root first; behind them what the ends of the host's name do not hold.
    lines: Arc<[Line]>,
    /// What is not needed to find a way.
    pub(super) side: Arc<Side>,
}

/// A line of the processor's cache.
#[repr(align(64))]
#[derive(Clone, Copy, Debug, Default)]
struct Line([u64; LINE]);

/// Words of a line.
const LINE: usize = 8;

/// What a tree refers to.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// Cells with something to decide, as they were when the tree was built. Shared with the next tree.
    cells: Arc<[Cell]>,
    /// Those that were made since, numbered behind them. What stood in their place may be left among the others.
    own: Pieces<Arc<Cell>>,
    /// By the number of a candidate that is the first of a cell: where the tree says what that is. A word, and whether
    /// it is the upper half of it. [`NOWHERE`] for all other candidates; nothing for a tree that is no longer to change.
    places: Arc<[u32]>,
    /// The kinds of captures that have no number of their own.
    kinds: Box<[Segments]>,
    /// All of it as one function, if it may be that.
    #[cfg(feature = "jit")]
    pub(super) machine: Machine,
    #[cfg(feature = "jit")]
    may_be_whole: bool,
    /// Whether the host's order or depth is not one that a tree can keep. There is a root, but nothing at it.
    pub(super) is_plain: bool,
}

/// The place of no cell.
const NOWHERE: u32 = u32::MAX;

/// Candidates with something to decide.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// Decides it. Equal ones are one.
    pub(crate) code: Arc<Code>,
    /// Its candidates, as the host numbers them.
    pub(crate) candidates: Box<[u32]>,
}

/// What a node has at one of its two places for cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CellRef {
    /// Nothing.
    None,
    /// One candidate that answers whatever the request says.
    Always(u32),
    /// A cell of the side.
    Cell(u32),
}

/// The head of a node: what it has for the path that ends here, and how much of everything else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NodeHead(pub(super) u64);

/// How the nodes behind literals are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kids {
    /// There are none.
    None,
    /// They are at most [`FEW`]: so many lines of four stand behind the node.
    Few(usize),
    /// In slots, two to this power many: each is the node and half of the hash, or zero.
    Many(u32),
}

/// More kids than these are many.
const FEW: usize = 10;

/// Words of one of few.
const KID: usize = 2;

/// A place for a kid where there is none: nothing that is ahead is like it.
const NO_KID: [u64; KID] = [1, 63];

/// The words of a node's line behind its head and its kids: what a segment says behind its first word, this itself, and
/// what there is besides literals.
const REST: usize = 5;
const FIRST: usize = 6;
const MORE: usize = 7;

/// Where in the word of a kid stand its kind, if it is not just a node behind a short text, the length of its text with
/// what ends it, and what is behind that.
const KID_KIND: u32 = 6;
const KID_LENGTH: u32 = 10;
const KID_BEHIND: u32 = 32;

/// What kinds of kids there are: a node behind a short text;
const NODE: u64 = 0;
/// a node behind a longer one;
const LONG: u64 = 1;
/// a cell where the path ends;
const CELL: u64 = 2;
/// a cell wherever it ends;
const CELL_BENEATH: u64 = 3;
/// a segment, whatever it is, and then a node;
const ANY_NODE: u64 = 4;
/// the same and then a cell where the path ends.
const ANY_CELL: u64 = 5;
/// Bits of a kind.
const KINDS: u64 = 0xf;

/// Texts shorter than this are one word, with what ends them.
const SHORT: usize = 8;

/// The most nodes on one way to which a walk may have to come back. A host with more is walked plainly.
const LATER: usize = 8;

/// What a word says that stands besides the literals, in its upper half: kinds of captures with a number of their own, the
/// others behind them, and what is no capture.
const ANY: u32 = 0;
const INT: u32 = 1;
const UUID: u32 = 2;
const OTHERS: u32 = 3;
/// Several words, which stand at the place that this word says.
const LIST: u32 = 0x3fff_fffe;
const BENEATH: u32 = 0x3fff_ffff;
/// The bit of the last word besides the literals.
const LAST: u64 = 1 << 63;
/// The bit of a capture behind which every path ends: in place of a node the word says the cell.
const LEAF: u64 = 1 << 62;

impl Tree {
    /// Its cells with their numbers, but for those in whose place there is another now.
    pub(super) fn all_cells(&self) -> impl Iterator<Item = (u32, &Cell)> {
        // Of a tree as it was built that is all; of another one its nodes know.
        let built = if self.side.own.is_empty() { &*self.side.cells } else { &[] };
        let places = if self.side.own.is_empty() { &[] } else { &*self.side.places };
        let told = places.iter().filter_map(|place| match self.cell_at(*place)? {
            CellRef::Cell(number) => Some((number, self.side.cell(number)?)),
            CellRef::None | CellRef::Always(_) => None,
        });
        (0..).zip(built).chain(told)
    }

    /// What stands at a place of a cell.
    fn cell_at(&self, place: u32) -> Option<CellRef> {
        let word = word(&self.lines, place as usize / 2).filter(|_| place != NOWHERE)?;
        Some(CellRef::of(match place % 2 {
            0 => word as u32,
            _ => (word >> 32) as u32,
        }))
    }

    /// Whether what the ends of a name do not hold is as in the name that it is for, which is as long.
    pub(super) fn goes_on(&self, name: &Name<'_>) -> bool {
        let n_lines = name.more().count().div_ceil(LINE);
        let more = self.lines.len().checked_sub(n_lines).and_then(|begin| self.lines.get(begin..));
        more.is_some_and(|more| name.more().zip(words(more)).all(|(given, held)| given == held))
    }
}

impl Side {
    /// Whether there may be machine code of all of it.
    pub(super) fn may_be_whole(&self) -> bool {
        #[cfg(feature = "jit")]
        return self.may_be_whole;
        #[cfg(not(feature = "jit"))]
        return false;
    }

    /// The cell with this number.
    #[inline(always)]
    pub(super) fn cell(&self, number: u32) -> Option<&Cell> {
        match self.cells.get(number as usize) {
            Some(cell) => Some(cell),
            None => self.own_cell(number),
        }
    }

    #[cold]
    #[inline(never)]
    fn own_cell(&self, number: u32) -> Option<&Cell> {
        let own = (number as usize).checked_sub(self.cells.len())?;
        self.own.get(own).map(|cell| &**cell)
    }
}

/// The words of lines.
fn words(lines: &[Line]) -> impl Iterator<Item = u64> {
    lines.iter().flat_map(|line| line.0)
}

/// A word of a tree.
#[inline(always)]
fn word(lines: &[Line], at: usize) -> Option<u64> {
    lines.get(at / LINE).map(|line| line.0[at % LINE])
}

impl NodeHead {
    const LENGTH: u32 = 16;
    const HERE: u32 = 32;
    /// The lowest byte where there are no kids, and what there is to add to that of many.
    const NONE: usize = 0xff;
    const MANY: u32 = 0x80;

    /// `length` is that of the text by which it is found among many.
    fn new(kids: Kids, length: usize, here: CellRef) -> NodeHead {
        let kids = match kids {
            Kids::None => Self::NONE as u64,
            Kids::Few(n) => n as u64,
            Kids::Many(bits) => u64::from(Self::MANY | bits),
        };
        let here = u64::from(here.code());
        NodeHead(kids | (length as u64) << Self::LENGTH | here << Self::HERE)
    }

    #[inline(always)]
    fn length(self) -> usize {
        usize::from((self.0 >> Self::LENGTH) as u16)
    }

    #[inline(always)]
    fn kids(self) -> Kids {
        match usize::from(self.0 as u8) {
            few if few < Self::MANY as usize => Kids::Few(few),
            Self::NONE => Kids::None,
            many => Kids::Many(many as u32 - Self::MANY),
        }
    }

    /// What it has for the path that ends here, as a code.
    #[inline(always)]
    fn here(self) -> u32 {
        (self.0 >> Self::HERE) as u32
    }
}

impl CellRef {
    const ALWAYS: u32 = 1 << 31;

    fn code(self) -> u32 {
        match self {
            CellRef::None => 0,
            CellRef::Always(candidate) => candidate | Self::ALWAYS,
            CellRef::Cell(cell) => cell + 1,
        }
    }

    #[inline(always)]
    fn of(code: u32) -> CellRef {
        match code {
            0 => CellRef::None,
            code if code & Self::ALWAYS != 0 => CellRef::Always(code & !Self::ALWAYS),
            code => CellRef::Cell(code - 1),
        }
    }
}

/// A kid without what is behind it: in the lowest six bits how many bits too many are ahead where it is compared with
/// its text.
fn kid(length: usize, kind: u64) -> u64 {
    let much = 7_usize.saturating_sub(length) as u64 * 8;
    much | kind << KID_KIND | (length as u64 + 1) << KID_LENGTH
}

/// What a word besides literals is for.
#[inline(always)]
fn kind_of(word: u64) -> u32 {
    ((word & !(LAST | LEAF)) >> 32) as u32
}

/// Where among the slots the row begins in which a segment's node stands.
#[inline(always)]
fn slot(hash: u64, bits: u32) -> usize {
    hash as usize & ((1 << bits) - 1)
}

/// Whether a slot is for a segment with this hash, as far as it says.
#[inline(always)]
fn is_marked(slot: u64, hash: u64) -> bool {
    (slot ^ hash) >> 32 == 0
}
