//! The routes of one host as a compact tree over path segments: nodes in one array of words, a child behind its parent,
//! so that a step reads one place. `tree/build.rs` writes it, `tree/walk.rs` reads it; this file says how it looks.
//!
//! A node is its head, what there is besides literals (one word for each capture, and one for what holds for all paths
//! beneath), and its kids: with what is ahead of the first of their literals where they are few, in groups by tag where
//! they are many. One of few stands for all literals up to the next node at which a path may end or fork, and beyond
//! forks that leave it one of few. A node with nothing but a cell stands in none of its own: whatever leads there says the
//! cell, unless it says the text by which the node is found. Before the head stands the text by which its parent finds it, if a word in the parent
//! does not say all of it: the first word nearest, as `label` in `text.rs` writes it.

use std::sync::Arc;

use super::hosts::Kind;
use super::text::Name;
use crate::program::code::Code;
use lang::segment::Segments;

pub(super) mod build;
mod walk;

pub(super) use walk::{LONGEST, Walk};

/// The tree of one host.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// What it is for, and the nodes. No root where the host's order or depth is not one that a tree can keep.
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
}

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
    /// So many, at most [`FEW`]: of each what is ahead of it, and what it is as a word ([`kid`]).
    Few(u32),
    /// Groups of eight, two to this power many: a word of tags, four words of nodes.
    Groups(u32),
}

/// More kids than these stand in groups.
const FEW: usize = 12;

/// Words of one of few.
const KID: usize = 2;

/// Where in the word of a kid its node and its length stand, and the bit of one that is a [leaf](LEAF).
const KID_NODE: u32 = 8;
const KID_LENGTH: u32 = 40;
const KID_LEAF: u64 = 1 << 7;

/// Texts shorter than this are compared by one word, with what ends them.
const SHORT: usize = 8;

/// The most nodes on one way to which a walk may have to come back. A host with more is walked plainly.
const LATER: usize = 8;

/// Words of a group.
const GROUP: usize = 5;

/// What a word says that stands besides the literals, in its upper half: kinds of captures with a number of their own, the
/// others behind them, and what is no capture.
const ANY: u32 = 0;
const INT: u32 = 1;
const UUID: u32 = 2;
const OTHERS: u32 = 3;
const BENEATH: u32 = 0x3fff_ffff;
/// The bit of the last word besides the literals.
const LAST: u64 = 1 << 63;
/// The bit of a capture behind which every path ends: in place of a node the word says the cell.
const LEAF: u64 = 1 << 62;

impl Tree {
    /// Whether it is for this name.
    #[inline(always)]
    pub(super) fn is_of(&self, kind: Kind, name: &Name<'_>) -> bool {
        let Some(([naming, ends @ ..], more)) = self.words.split_first_chunk::<NAMED>() else {
            return false;
        };
        let differing = ends.iter().zip(name.ends).fold(0, |all, (a, b)| all | (a ^ b));
        *naming as u32 == named(kind, name) && differing == 0 && name.goes_on(more)
    }
}

/// Words that a tree begins with, for a name that ends say all of: what the name is for, its length, the place of the root
/// (none where there is no tree); and its ends.
const NAMED: usize = 5;

/// What a name is for, and its length.
#[inline(always)]
fn named(kind: Kind, name: &Name<'_>) -> u32 {
    name.len() as u32 | (kind as u32) << 30
}

impl NodeHead {
    const MORE: u32 = 8;
    const HERE: u32 = 32;
    /// The greatest number of words besides literals.
    const MORE_MOST: usize = 0xff;

    fn new(more: usize, kids: Kids, here: CellRef) -> NodeHead {
        let kids = match kids {
            Kids::Few(n) => u64::from(n),
            Kids::Groups(bits) => FEW as u64 + 1 + u64::from(bits),
        };
        NodeHead(kids | (more as u64) << Self::MORE | u64::from(here.code()) << Self::HERE)
    }

    /// The number of its words besides literals.
    #[inline(always)]
    fn n_more(self) -> usize {
        (self.0 >> Self::MORE) as usize & Self::MORE_MOST
    }

    #[inline(always)]
    fn kids(self) -> Kids {
        match self.0 as u32 & 0xff {
            few if few <= FEW as u32 => Kids::Few(few),
            bits => Kids::Groups(bits - FEW as u32 - 1),
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

/// A kid without its node: the length of the text that leads to it, and in the lowest six bits how many bits too many are
/// ahead where it is compared with that.
fn kid(length: usize) -> u64 {
    let much = 7_usize.saturating_sub(length) as u64 * 8;
    much | (length as u64) << KID_LENGTH
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
