//! The way from a path to its cells, narrower ones first: at each node the literal, then the captures in order, then what
//! holds for all paths beneath. It compares words and decides nothing.
//!
//! What is seldom needed stands in functions of its own that are not inlined: the registers belong to the common way.

use super::{
    ANY, BENEATH, CellRef, GROUP, INT, KID, KID_LEAF, KID_LENGTH, KID_NODE, Kids, LAST, LATER,
    LEAF, NodeHead, OTHERS, SHORT, Side, Tree, UUID,
};
use super::{group, tag};
use crate::index::text;
use lang::segment::Segments;

/// A walk through a tree, from one cell that holds the path to the next.
pub(in crate::index) struct Walk<'t> {
    tree: &'t Tree,
    path: &'t [u8],
    later: Later,
}

/// What nodes on the way have besides literals and is still to be tried: the next word of each, and where its segment
/// begins.
#[derive(Default)]
struct Later {
    n: usize,
    places: [(u32, u32); LATER],
}

/// Longer paths are walked plainly.
pub(in crate::index) const LONGEST: usize = u16::MAX as usize;

impl Tree {
    /// Where its root is; zero if there is none.
    #[inline(always)]
    pub(in crate::index) fn root(&self) -> usize {
        self.words.first().map_or(0, |naming| (naming >> 32) as usize)
    }

    /// A walk for this path, which is no longer than [`LONGEST`].
    #[inline(always)]
    pub(in crate::index) fn walk<'t>(&'t self, path: &'t str) -> Walk<'t> {
        Walk { tree: self, path: path.as_bytes(), later: Later::default() }
    }

    /// All cells that hold the path, in order.
    pub(in crate::index) fn cells<'t>(&'t self, path: &'t str) -> impl Iterator<Item = CellRef> {
        let mut walk = self.walk(path);
        let mut next = walk.first();
        std::iter::from_fn(move || {
            let cell = next;
            next = if cell == CellRef::None { cell } else { walk.next() };
            Some(cell).filter(|cell| *cell != CellRef::None)
        })
    }
}

impl Walk<'_> {
    /// The first cell that holds the path, as [`Walk::next`] gives the others.
    #[inline(always)]
    pub(in crate::index) fn first(&mut self) -> CellRef {
        // Where the next segment begins; behind the path's end if there is none. What does not begin with a slash has no
        // segments.
        let at = if self.path.first() == Some(&b'/') { 1 } else { self.path.len() + 1 };
        find(self.tree, self.path, (self.tree.root(), at), &mut self.later)
    }

    /// The next cell that holds the path, in order; `CellRef::None` behind the last.
    #[inline(always)]
    pub(in crate::index) fn next(&mut self) -> CellRef {
        if self.later.n == 0 {
            return CellRef::None;
        }
        find(self.tree, self.path, (0, 0), &mut self.later)
    }
}

/// The next cell on the way from a node, or on what was left for later, which is all there is where there is no node.
#[inline(never)]
fn find(
    tree: &Tree,
    path: &[u8],
    (mut node, mut at): (usize, usize),
    later: &mut Later,
) -> CellRef {
    let words = &*tree.words;
    loop {
        // The next word besides literals to try.
        let mut next = 0;
        // Down along literals.
        while node != 0 {
            let Some(head) = words.get(node) else { return CellRef::None };
            let head = NodeHead(*head);
            let n_more = head.n_more();
            if at > path.len() {
                // Only what holds for all beneath is left: the last word, if it is that.
                if n_more != 0 && kind(words, node + n_more) == BENEATH {
                    later.leave(node + n_more, at);
                }
                match head.here() {
                    CellRef::None => break,
                    cell => return cell,
                }
            }
            let kids = node + 1 + n_more;
            let kid = match head.kids() {
                Kids::Few(0) => None,
                Kids::Few(n) => few(words, kids, n as usize, path, at),
                Kids::Groups(bits) => grouped(words, kids, bits, path, at),
            };
            // A leaf is no use to a path that goes on.
            let kid = kid.filter(|kid| kid & KID_LEAF == 0 || at + told(*kid).1 == path.len());
            let Some(kid) = kid else {
                if n_more != 0 {
                    next = node + 1;
                }
                break;
            };
            if n_more != 0 {
                later.leave(node + 1, at);
            }
            let (behind, length) = told(kid);
            if kid & KID_LEAF != 0 {
                return CellRef::of(behind as u32);
            }
            node = behind;
            at += length + 1;
        }
        // On with what stands besides them, until a capture takes the segment and leads on.
        loop {
            if next == 0 {
                later.n = later.n.wrapping_sub(1);
                let Some(left) = later.places.get(later.n) else {
                    later.n = 0;
                    return CellRef::None;
                };
                (next, at) = (left.0 as usize, left.1 as usize);
            }
            let Some(word) = words.get(next) else { return CellRef::None };
            if word & LAST == 0 {
                later.leave(next + 1, at);
            }
            next = 0;
            let kind = kind_of(*word);
            if kind == BENEATH {
                match CellRef::of(*word as u32) {
                    CellRef::None => continue,
                    cell => return cell,
                }
            }
            let end = end(path, at);
            let takes = match kind {
                ANY => at < end,
                kind => takes(&tree.side, kind, path.get(at..end)),
            };
            if takes && word & LEAF == 0 {
                (node, at) = (*word as u32 as usize, end + 1);
                break;
            }
            if takes && end == path.len() {
                return CellRef::of(*word as u32);
            }
        }
    }
}

impl Later {
    /// Leaves words besides literals for later, from this one on.
    #[inline(always)]
    fn leave(&mut self, next: usize, at: usize) {
        // INVARIANT: no way has more than the room there is; `tree/build.rs` makes no others.
        if let Some(place) = self.places.get_mut(self.n) {
            *place = (next as u32, at as u32);
            self.n += 1;
        }
    }
}

/// Whether a capture of a kind that does not take everything takes the segment.
#[inline(never)]
fn takes(side: &Side, kind: u32, segment: Option<&[u8]>) -> bool {
    // A segment lies between slashes, so that it is text as the path is.
    let Some(Ok(segment)) = segment.map(std::str::from_utf8) else { return false };
    match kind {
        INT => Segments::Int.holds(segment),
        UUID => Segments::Uuid.holds(segment),
        other => {
            let kind = side.kinds.get(other.wrapping_sub(OTHERS) as usize);
            kind.is_some_and(|kind| kind.holds(segment))
        }
    }
}

/// What a word besides literals is for.
#[inline(always)]
fn kind(words: &[u64], at: usize) -> u32 {
    words.get(at).map_or(0, |word| kind_of(*word))
}

#[inline(always)]
fn kind_of(word: u64) -> u32 {
    ((word & !(LAST | LEAF)) >> 32) as u32
}

/// Where a segment ends.
#[inline(never)]
fn end(path: &[u8], at: usize) -> usize {
    text::end(path, at)
}

/// The node of a kid, or the cell of a leaf, and the length of the text that leads to it.
#[inline(always)]
fn told(kid: u64) -> (usize, usize) {
    ((kid >> KID_NODE) as u32 as usize, (kid >> KID_LENGTH) as usize)
}

/// The one of a few kids whose text stands in the path at this place.
#[inline(always)]
fn few(words: &[u64], kids: usize, n: usize, path: &[u8], at: usize) -> Option<u64> {
    let ahead = text::ahead(path, at);
    for [first, kid] in words.get(kids..kids + n * KID)?.as_chunks::<KID>().0 {
        if (ahead ^ first).wrapping_shl(*kid as u32) == 0 {
            let (node, length) = told(*kid);
            if length < SHORT || goes_on(words, node, length, path, at) {
                return Some(*kid);
            }
        }
    }
    None
}

/// The same of many: as a word like that of one of few.
#[inline(never)]
fn grouped(words: &[u64], kids: usize, bits: u32, path: &[u8], at: usize) -> Option<u64> {
    let segment = text::segment(path, at);
    let length = segment.end - at;
    let spread = text::spread(tag(segment.hash));
    let mut number = group(segment.hash, bits);
    loop {
        let group = words.get(kids + number * GROUP..)?.first_chunk::<GROUP>()?;
        let [tags, nodes @ ..] = group;
        let mut same = text::marks(*tags, spread);
        while same != 0 {
            let place = same.trailing_zeros() / 8;
            let pair = nodes.get(place as usize / 2).copied().unwrap_or(0);
            let node = (pair >> (place % 2 * 32)) as u32 as usize;
            if words.get(node.wrapping_sub(1)) == Some(&segment.first)
                && (length < SHORT || goes_on(words, node, length, path, at))
            {
                return Some((node as u64) << KID_NODE | (length as u64) << KID_LENGTH);
            }
            same &= same - 1;
        }
        // A group with a free place is the last of its row.
        if tags >> 63 == 0 {
            return None;
        }
        number = (number + 1) & ((1 << bits) - 1);
    }
}

/// Whether the path, which begins as the text of so many bytes before a node does, goes on like it, and a segment ends
/// with it.
#[inline(never)]
fn goes_on(words: &[u64], node: usize, length: usize, path: &[u8], at: usize) -> bool {
    let Some(second) = words.get(node.wrapping_sub(2)) else { return false };
    // The path is as long, so that only what ends the last segment may lie behind its end.
    if at + length > path.len() {
        return false;
    }
    if length < 2 * SHORT {
        return (text::ahead(path, at + SHORT) ^ second) << ((2 * SHORT - 1 - length) * 8) == 0;
    }
    goes_far(words, node, length, path, at)
}

/// The same of a text of more than two words.
#[inline(never)]
fn goes_far(words: &[u64], node: usize, length: usize, path: &[u8], at: usize) -> bool {
    let n_words = length / 8 + 1;
    let Some(held) = words.get(node.wrapping_sub(n_words)..node) else { return false };
    held.iter().rev().enumerate().skip(1).all(|(number, word)| {
        let much = (8 * (number + 1)).saturating_sub(length + 1) * 8;
        (text::ahead(path, at + number * 8) ^ word) << much == 0
    })
}
