//! The routes of one host as a compact tree over path segments: nodes in one array of words, a child behind its parent,
//! so that a step reads one place. `tree/build.rs` writes it, `tree/walk.rs` reads it; this file says how it looks.
//!
//! A node is its head, the text of its segment, the text of the unbranched literals behind it (its run), what there is besides literals (one word for each capture, and one for what holds for all paths beneath),
//! and its kids: with the first eight bytes of their segments where they are few, in groups by tag where they are many.
//! A segment of fewer than eight bytes that is one of few stands with its parent alone.

use std::sync::Arc;

use super::hosts::Kind;
use super::text;
use crate::program::code::Code;
use lang::segment::Segments;

pub(super) mod build;
mod walk;

pub(super) use walk::LONGEST;

/// The tree of one host.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// What it is for, its name's text, the root.
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
const FEW: usize = 6;

/// Words of one of few.
const KID: usize = 2;

/// Where in the word of a kid its node and its length stand.
const KID_NODE: u32 = 8;
const KID_LENGTH: u32 = 40;

/// Segments shorter than this are compared by one word, with what ends them.
const SHORT: usize = 8;

/// The most nodes on one way to which a walk may have to come back. A host with more is walked plainly.
const LATER: usize = 8;

/// Words of a group.
const GROUP: usize = 5;

/// What a word says that stands besides the literals: kinds of captures with a number of their own, the others behind
/// them, and the last word, which is no capture.
const ANY: u64 = 0;
const INT: u64 = 1;
const UUID: u64 = 2;
const OTHERS: u64 = 3;
const BENEATH: u64 = 0xffff_ffff;

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
    const RUN: u32 = 12;
    const MORE: u32 = 20;
    const KIDS: u32 = 26;
    const HERE: u32 = 32;
    /// The greatest length of a segment, and the greatest number of words besides literals.
    const TEXT_MOST: usize = (1 << 12) - 1;
    const MORE_MOST: usize = (1 << 6) - 1;

    fn new(text: usize, run: usize, more: usize, kids: Kids, here: CellRef) -> NodeHead {
        let kids = match kids {
            Kids::Few(n) => u64::from(n),
            Kids::Groups(bits) => FEW as u64 + 1 + u64::from(bits),
        };
        NodeHead(
            text as u64
                | (run as u64) << Self::RUN
                | (more as u64) << Self::MORE
                | kids << Self::KIDS
                | u64::from(here.code()) << Self::HERE,
        )
    }

    /// Whether it has neither a text of its own nor a run.
    #[inline(always)]
    fn is_bare(self) -> bool {
        self.0 as u32 & ((1 << Self::MORE) - 1) == 0
    }

    /// The length of its segment, if that stands with it.
    #[inline(always)]
    fn text(self) -> usize {
        self.0 as usize & Self::TEXT_MOST
    }

    /// The length of its run.
    #[inline(always)]
    fn run(self) -> usize {
        (self.0 >> Self::RUN) as usize & 0xff
    }

    /// The number of its words besides literals.
    #[inline(always)]
    fn n_more(self) -> usize {
        (self.0 >> Self::MORE) as usize & Self::MORE_MOST
    }

    #[inline(always)]
    fn kids(self) -> Kids {
        match self.0 as u32 >> Self::KIDS {
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

/// A kid: its node, the length of its segment, and in the lowest byte how many bits too many are ahead where it is
/// compared with that.
fn kid(node: u32, length: usize) -> u64 {
    let much = 7_usize.saturating_sub(length) as u64 * 8;
    much | u64::from(node) << KID_NODE | (length as u64) << KID_LENGTH
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
