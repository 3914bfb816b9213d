//! The way from a path to its cells, narrower ones first: at each node the literal, then the captures in order, then what
//! holds for all paths beneath. It compares words and decides nothing.
//!
//! What is seldom needed stands in functions of its own that are not inlined: the registers belong to the common way.

use super::{ANY, BENEATH, CellRef, GROUP, INT, Kids, LATER, NodeHead, OTHERS, Tree, UUID};
use super::{group, tag};
use crate::index::Found;
use crate::index::text::{self, Segment};
use lang::segment::Segments;

/// A node whose captures, and what it has beneath, are still to be tried.
#[derive(Clone, Copy, Default)]
struct Later {
    /// The next of its words besides literals.
    next: u32,
    /// Its segment.
    at: u16,
    end: u16,
}

/// Longer paths are walked plainly.
pub(in crate::index) const LONGEST: usize = u16::MAX as usize - 1;

impl Tree {
    /// Calls `visit` with every cell that holds the path, in order, until it gives something. The path is no longer than
    /// [`LONGEST`].
    #[inline]
    pub(crate) fn walk(
        &self,
        path: &str,
        visit: &mut impl FnMut(CellRef) -> Option<Found>,
    ) -> Option<Found> {
        let (words, path) = (&*self.words, path.as_bytes());
        let mut later = [Later::default(); LATER];
        let mut n_later = 0;
        let root = 1 + text::n_words(*words.first()? as u32 as usize);
        let mut head = NodeHead(*words.get(root)?);
        // The word behind the node's texts.
        let mut more = root + 1;
        // Where the next segment begins; behind the path's end if there is none. What does not begin with a slash has no
        // segments.
        let mut at = if path.first() == Some(&b'/') { 1 } else { path.len() + 1 };
        loop {
            let n_more = head.n_more();
            if at <= path.len() {
                let segment = text::segment(path, at);
                if n_more != 0 {
                    *later.get_mut(n_later)? =
                        Later { next: more as u32, at: at as u16, end: segment.end as u16 };
                    n_later += 1;
                }
                if let Some((kid, behind)) = kid(words, head, more + n_more, path, at, segment) {
                    if kid.run() == 0 {
                        (head, more, at) = (kid, behind, segment.end + 1);
                        continue;
                    }
                    let run = segment.end + 1;
                    if is_run(words, kid, behind, path, run) {
                        let length = kid.run();
                        (head, more, at) = (kid, behind + text::n_words(length), run + length + 1);
                        continue;
                    }
                }
            } else {
                if let Some(found) = visited(head.here(), visit) {
                    return Some(found);
                }
                if n_more != 0
                    && let Some(found) = visited(beneath(words, more + n_more - 1), visit)
                {
                    return Some(found);
                }
            }
            // On with what was left for later.
            (head, more, at) = loop {
                let last = n_later.checked_sub(1)?;
                let left = later.get_mut(last)?;
                let (at, end) = (usize::from(left.at), usize::from(left.end));
                let word = *words.get(left.next as usize)?;
                left.next += 1;
                let takes = match word >> 32 {
                    BENEATH => {
                        n_later = last;
                        if let Some(found) = visited(CellRef::of(word as u32), visit) {
                            return Some(found);
                        }
                        false
                    }
                    ANY => at < end,
                    kind => self.takes(kind, path.get(at..end)?),
                };
                if takes {
                    let node = word as u32 as usize;
                    break (NodeHead(*words.get(node)?), node + 1, end + 1);
                }
            };
        }
    }

    /// Whether a capture of a kind that does not take everything takes the segment.
    #[inline(never)]
    fn takes(&self, kind: u64, segment: &[u8]) -> bool {
        // A segment lies between slashes, so that it is text as the path is.
        let Ok(segment) = std::str::from_utf8(segment) else { return false };
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

/// The node behind the literal that the segment is, and the word behind its segment's text.
#[inline(always)]
fn kid(
    words: &[u64],
    head: NodeHead,
    kids: usize,
    path: &[u8],
    at: usize,
    segment: Segment,
) -> Option<(NodeHead, usize)> {
    let length = segment.end - at;
    match head.kids() {
        Kids::Few(n) => {
            let n = n as usize;
            let firsts = words.get(kids..kids + n)?;
            let number = firsts.iter().position(|first| *first == segment.first)?;
            let pair = words.get(kids + n + number / 2)?;
            let node = (pair >> (number % 2 * 32)) as u32 as usize;
            let kid = NodeHead(*words.get(node)?);
            if kid.text() != length {
                return None;
            }
            if length <= 8 {
                return Some((kid, node + 1));
            }
            is_long(words, node, path, at, segment.end)
                .then_some((kid, node + 1 + text::n_words(length)))
        }
        Kids::Groups(bits) => {
            let hash = text::settle(segment.hash);
            let spread = text::spread(tag(hash));
            let mut number = group(hash, bits);
            loop {
                let group = words.get(kids + number * GROUP..)?.first_chunk::<GROUP>()?;
                let [tags, ..] = group;
                let mut same = text::marks(*tags, spread);
                while same != 0 {
                    let place = same.trailing_zeros() / 8;
                    let pair = group.get(1 + place as usize / 2)?;
                    let node = (pair >> (place % 2 * 32)) as u32 as usize;
                    let [kid, first] = *words.get(node..)?.first_chunk()?;
                    let kid = NodeHead(kid);
                    if first == segment.first
                        && kid.text() == length
                        && (length <= 8 || is_long(words, node, path, at, segment.end))
                    {
                        return Some((kid, node + 1 + text::n_words(length)));
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
    }
}

/// Whether the node's segment is this one, which has more than eight bytes.
#[inline(never)]
fn is_long(words: &[u64], node: usize, path: &[u8], at: usize, end: usize) -> bool {
    match (words.get(node + 1..), path.get(at..end)) {
        (Some(words), Some(segment)) => text::is_text(words, segment),
        _ => false,
    }
}

/// Whether the path goes on with the node's run, whose text stands at `behind`, and with a whole segment.
#[inline(never)]
fn is_run(words: &[u64], node: NodeHead, behind: usize, path: &[u8], at: usize) -> bool {
    let end = at + node.run();
    match (words.get(behind..), path.get(at..end)) {
        (Some(words), Some(run)) => {
            text::is_text(words, run) && path.get(end).is_none_or(|next| *next == b'/')
        }
        _ => false,
    }
}

#[inline(always)]
fn beneath(words: &[u64], at: usize) -> CellRef {
    CellRef::of(words.get(at).copied().unwrap_or(0) as u32)
}

#[inline(always)]
fn visited(cell: CellRef, visit: &mut impl FnMut(CellRef) -> Option<Found>) -> Option<Found> {
    match cell {
        CellRef::None => None,
        cell => visit(cell),
    }
}
