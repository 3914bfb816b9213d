//! The way from a path to its cells, narrower ones first: at each node the literal, then the captures in order, then what
//! holds for all paths beneath. It compares words and decides nothing.
//!
//! What is seldom needed stands in functions of its own that are not inlined: the registers belong to the common way.

use super::{
    ANY, BENEATH, CellRef, GROUP, INT, KID, KID_LENGTH, KID_NODE, Kids, LATER, NodeHead, OTHERS,
    SHORT, Side, Tree, UUID,
};
use super::{group, tag};
use crate::index::text;
use lang::segment::Segments;

/// A walk through a tree, from one cell that holds the path to the next.
pub(in crate::index) struct Walk<'t> {
    words: &'t [u64],
    side: &'t Side,
    path: &'t [u8],
    /// The root, until the walk has begun; then zero, where no node is.
    root: u32,
    n_later: u32,
    later: [Later; LATER],
}

/// A node whose captures, and what it has beneath, are still to be tried.
#[derive(Clone, Copy, Default)]
struct Later {
    /// The next of its words besides literals.
    next: u32,
    /// Where its segment begins.
    at: u32,
}

/// Longer paths are walked plainly.
pub(in crate::index) const LONGEST: usize = u16::MAX as usize;

impl Tree {
    /// A walk for this path, which is no longer than [`LONGEST`].
    #[inline(always)]
    pub(in crate::index) fn walk<'t>(&'t self, path: &'t str) -> Walk<'t> {
        let (words, path) = (&*self.words, path.as_bytes());
        let name = words.first().map_or(0, |naming| *naming as u32 as usize);
        let root = 1 + text::n_words(name) as u32;
        Walk { words, side: &self.side, path, root, n_later: 0, later: [Later::default(); LATER] }
    }
}

impl Walk<'_> {
    /// The next cell that holds the path, in order; `CellRef::None` behind the last.
    #[inline(always)]
    pub(in crate::index) fn next(&mut self) -> CellRef {
        let (words, path) = (self.words, self.path);
        // Where the next segment begins; behind the path's end if there is none. What does not begin with a slash has no
        // segments.
        let mut at = if path.first() == Some(&b'/') { 1 } else { path.len() + 1 };
        let mut node = self.root as usize;
        self.root = 0;
        loop {
            if node == 0 {
                // On with what was left for later.
                let last = self.n_later.wrapping_sub(1);
                let Some(left) = self.later.get_mut(last as usize) else { return CellRef::None };
                let (next, from) = (left.next, left.at as usize);
                left.next += 1;
                let word = words.get(next as usize).copied().unwrap_or(BENEATH << 32);
                if word >> 32 == BENEATH {
                    self.n_later = last;
                    match CellRef::of(word as u32) {
                        CellRef::None => continue,
                        cell => return cell,
                    }
                }
                match self.taken(word >> 32, from) {
                    0 => continue,
                    behind => (node, at) = (word as u32 as usize, behind),
                }
            }
            let Some(head) = words.get(node) else { return CellRef::None };
            let head = NodeHead(*head);
            // The word behind the node's texts.
            let mut more = node + 1;
            node = 0;
            if !head.is_bare() {
                if head.text() != 0 {
                    more += text::n_words(head.text());
                }
                let run = head.run();
                if run != 0 {
                    if !goes_on(words, more, run, path, at) {
                        continue;
                    }
                    more += text::n_words(run);
                    at += run + 1;
                }
            }
            let n_more = head.n_more();
            if at <= path.len() {
                if n_more != 0 {
                    self.leave(more, at);
                }
                let kid = match head.kids() {
                    Kids::Few(n) => few(words, more + n_more, n as usize, path, at),
                    Kids::Groups(bits) => grouped(words, more + n_more, bits, path, at),
                };
                // No kid, no node; a length that is not used then.
                node = (kid >> KID_NODE) as u32 as usize;
                at += (kid >> KID_LENGTH) as usize + 1;
            } else {
                if n_more != 0 {
                    self.leave(more + n_more - 1, at);
                }
                match head.here() {
                    CellRef::None => {}
                    cell => return cell,
                }
            }
        }
    }

    /// Leaves words besides literals for later, from this one on.
    #[inline(always)]
    fn leave(&mut self, next: usize, at: usize) {
        // INVARIANT: no way has more than the room there is; `tree/build.rs` makes no others.
        if let Some(place) = self.later.get_mut(self.n_later as usize) {
            *place = Later { next: next as u32, at: at as u32 };
            self.n_later += 1;
        }
    }

    /// Where the segment behind a captured one begins; zero if the capture does not take that.
    #[inline(never)]
    fn taken(&self, kind: u64, at: usize) -> usize {
        let end = text::end(self.path, at);
        let takes = match kind {
            ANY => at < end,
            kind => self.takes(kind, at, end),
        };
        if takes { end + 1 } else { 0 }
    }

    /// Whether a capture of a kind that does not take everything takes the segment.
    #[inline(never)]
    fn takes(&self, kind: u64, at: usize, end: usize) -> bool {
        // A segment lies between slashes, so that it is text as the path is.
        let segment = self.path.get(at..end).map(std::str::from_utf8);
        let Some(Ok(segment)) = segment else { return false };
        match kind {
            INT => Segments::Int.holds(segment),
            UUID => Segments::Uuid.holds(segment),
            other => {
                let kind = self.side.kinds.get(other.wrapping_sub(OTHERS) as usize);
                kind.is_some_and(|kind| kind.holds(segment))
            }
        }
    }
}

/// The one of a few kids whose segment stands in the path at this place; zero if there is none.
#[inline(always)]
fn few(words: &[u64], kids: usize, n: usize, path: &[u8], at: usize) -> u64 {
    if n == 0 {
        return 0;
    }
    let ahead = text::ahead(path, at);
    let kids = words.get(kids..).and_then(|kids| kids.get(..n * KID));
    let Some(kids) = kids else { return 0 };
    for [first, kid] in kids.as_chunks::<KID>().0 {
        if (ahead ^ first).wrapping_shl(*kid as u32) == 0 {
            let length = (kid >> KID_LENGTH) as usize;
            let node = (kid >> KID_NODE) as u32 as usize;
            if length < SHORT || goes_on(words, node + 1, length, path, at) {
                return *kid;
            }
        }
    }
    0
}

/// The same of many.
#[inline(always)]
fn grouped(words: &[u64], kids: usize, bits: u32, path: &[u8], at: usize) -> u64 {
    let segment = text::segment(path, at);
    let length = segment.end - at;
    let hash = text::settle(segment.hash);
    let spread = text::spread(tag(hash));
    let mut number = group(hash, bits);
    loop {
        let group = words.get(kids + number * GROUP..).and_then(<[u64]>::first_chunk::<GROUP>);
        let Some(group) = group else { return 0 };
        let [tags, ..] = group;
        let mut same = text::marks(*tags, spread);
        while same != 0 {
            let place = same.trailing_zeros() / 8;
            let pair = group.get(1 + place as usize / 2).copied().unwrap_or(0);
            let node = (pair >> (place % 2 * 32)) as u32;
            let at_node = words.get(node as usize..).and_then(<[u64]>::first_chunk);
            let Some([kid, first]) = at_node else { return 0 };
            if NodeHead(*kid).text() == length
                && (length == 0
                    || *first == segment.first
                        && (length <= SHORT || goes_on(words, node as usize + 1, length, path, at)))
            {
                return u64::from(node) << KID_NODE | (length as u64) << KID_LENGTH;
            }
            same &= same - 1;
        }
        // A group with a free place is the last of its row.
        if tags >> 63 == 0 {
            return 0;
        }
        number = (number + 1) & ((1 << bits) - 1);
    }
}

/// Whether the path goes on with a text of so many bytes that stands in the words from `text` on, and a segment ends with
/// it.
#[inline(never)]
fn goes_on(words: &[u64], text: usize, length: usize, path: &[u8], at: usize) -> bool {
    match (words.get(text..), path.get(at..at + length)) {
        (Some(words), Some(found)) => {
            text::is_text(words, found) && path.get(at + length).is_none_or(|next| *next == b'/')
        }
        _ => false,
    }
}
