//! The routes of one host as a compact tree over path segments: nodes in one array of words, a child behind its parent,
//! so that a step reads one place. `tree/build.rs` writes it, `tree/walk.rs` reads it; this file says how it looks.
//!
//! A node is its head, its segment's text, the text of the unbranched literals behind it (its run), and then, where it has
//! them: what holds for all paths beneath, the nodes behind captures, and the nodes behind literals.

use std::sync::Arc;

use super::hosts::Kind;
use super::text;
use crate::program::code::Code;
use lang::segment::Segments;

pub(super) mod build;
mod walk;

/// The tree of one host.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// The host's length, its text, the root.
    pub(super) words: Arc<[u64]>,
    /// What is not needed to find a way.
    pub(super) side: Arc<Side>,
}

/// What a tree refers to.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// Cells with something to decide.
    pub(super) cells: Box<[Cell]>,
    /// The kinds of captures that have no number of their own.
    pub(super) kinds: Box<[Segments]>,
    /// Whether no tree was made, because the host's order or depth is not one a tree can keep.
    pub(super) is_plain: bool,
}

/// Candidates with something to decide.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Decides it. Equal ones are one.
    pub(super) code: Arc<Code>,
    /// Its candidates, as the host numbers them.
    pub(super) candidates: Box<[u32]>,
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

/// The head of a node, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NodeHead(pub(super) u64);

/// How the nodes behind literals are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kids {
    /// There are none.
    None,
    /// One word with one or two of them, to be tried.
    Pair,
    /// Groups of eight, two to this power many: a word of tags, four words of nodes.
    Groups(u32),
}

/// The most nodes on one way to which a walk may have to come back. A host with more is walked plainly.
const LATER: usize = 16;

/// Words of a group.
const GROUP: usize = 5;

/// Kinds of captures with a number of their own; others are behind them.
const ANY: u64 = 0;
const INT: u64 = 1;
const UUID: u64 = 2;
const OTHERS: u64 = 3;

impl Tree {
    /// Whether it is for this name.
    #[inline]
    pub(super) fn is_of(&self, kind: Kind, name: &str) -> bool {
        match self.words.split_first() {
            Some((head, words)) => {
                *head == naming(kind, name) && text::is_text(words, name.as_bytes())
            }
            None => false,
        }
    }
}

/// The first word of the tree of a name: its length, and what it is for.
#[inline]
fn naming(kind: Kind, name: &str) -> u64 {
    name.len() as u64 | (kind as u64) << 32
}

impl NodeHead {
    const RUN: u32 = 16;
    const BENEATH: u32 = 24;
    const CAPTURES: u32 = 25;
    const KIDS: u32 = 26;
    const HERE: u32 = 32;

    fn new(text: usize, run: usize, more: (bool, bool), kids: Kids, here: CellRef) -> NodeHead {
        let kids = match kids {
            Kids::None => 0,
            Kids::Pair => 1,
            Kids::Groups(bits) => 2 + u64::from(bits),
        };
        NodeHead(
            text as u64
                | (run as u64) << Self::RUN
                | u64::from(more.0) << Self::BENEATH
                | u64::from(more.1) << Self::CAPTURES
                | kids << Self::KIDS
                | u64::from(here.code()) << Self::HERE,
        )
    }

    /// The length of its segment.
    #[inline(always)]
    fn text(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    /// The length of its run.
    #[inline(always)]
    fn run(self) -> usize {
        (self.0 >> Self::RUN & 0xff) as usize
    }

    /// Whether it has captures, or something for all paths beneath.
    #[inline(always)]
    fn has_more(self) -> bool {
        self.0 >> Self::BENEATH & 3 != 0
    }

    #[inline(always)]
    fn kids(self) -> Kids {
        match (self.0 >> Self::KIDS & 0x3f) as u32 {
            0 => Kids::None,
            1 => Kids::Pair,
            bits => Kids::Groups(bits - 2),
        }
    }

    /// What it has for the path that ends here.
    #[inline(always)]
    fn here(self) -> CellRef {
        CellRef::of((self.0 >> Self::HERE) as u32)
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

/// The tag of a segment among its siblings, never zero, and where among groups its own begin.
#[inline(always)]
fn tag(hash: u64) -> u8 {
    (hash >> 57) as u8 | 0x80
}

#[inline(always)]
fn group(hash: u64, bits: u32) -> usize {
    (hash >> 32) as usize & ((1 << bits) - 1)
}
