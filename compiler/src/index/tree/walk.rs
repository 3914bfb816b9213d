//! The way from a path to its cells, narrower ones first: at each node the literal, then the captures in order, then what
//! holds for all paths beneath. It compares words and decides nothing.

use super::{ANY, CellRef, GROUP, INT, Kids, LATER, NodeHead, OTHERS, Tree, UUID, group, tag};
use crate::index::text::{self, Segment};
use lang::segment::Segments;

/// A node, with the path before it consumed.
#[derive(Clone, Copy)]
struct Place {
    head: NodeHead,
    /// The word behind its texts.
    more: usize,
    /// Where the next segment begins; behind the path's end if there is none.
    at: usize,
}

/// A node whose captures, and what it has beneath, are still to be tried.
#[derive(Clone, Copy, Default)]
struct Later {
    more: u32,
    at: u32,
    /// The first of its captures that is.
    capture: u32,
}

/// What trying comes to.
enum Tried<T> {
    Place(Place),
    Answer(T),
    Nothing,
}

impl Tree {
    /// Calls `visit` with every cell that holds the path, in order, until it gives something.
    #[inline]
    pub(crate) fn walk<T>(
        &self,
        path: &str,
        mut visit: impl FnMut(CellRef) -> Option<T>,
    ) -> Option<T> {
        let (words, bytes) = (&*self.words, path.as_bytes());
        let mut later = [Later::default(); LATER];
        let mut n_later = 0;
        let root = 1 + words.first().map_or(0, |name| (*name as u32 as usize).div_ceil(8));
        // What does not begin with a slash has no segments.
        let at = if bytes.first() == Some(&b'/') { 1 } else { bytes.len() + 1 };
        let mut place = Place { head: NodeHead(*words.get(root)?), more: root + 1, at };
        loop {
            let mut tried = Tried::Nothing;
            let more = Later { more: place.more as u32, at: place.at as u32, capture: 0 };
            if place.at > bytes.len() {
                if let Some(answer) = visited(place.head.here(), &mut visit) {
                    return Some(answer);
                }
                if place.head.has_more()
                    && let Some(answer) = visited(beneath(words, place.more), &mut visit)
                {
                    return Some(answer);
                }
            } else {
                let segment = text::segment(bytes, place.at);
                if let Some(kid) = kid(words, &place, bytes, segment) {
                    if place.head.has_more() {
                        *later.get_mut(n_later)? = more;
                        n_later += 1;
                    }
                    place = kid;
                    continue;
                }
                if place.head.has_more() {
                    tried = self.rest(path, more, segment, &mut visit, &mut |left| {
                        later.get_mut(n_later).map(|free| *free = left)?;
                        n_later += 1;
                        Some(())
                    });
                }
            }
            loop {
                match tried {
                    Tried::Place(next) => {
                        place = next;
                        break;
                    }
                    Tried::Answer(answer) => return Some(answer),
                    Tried::Nothing => {
                        n_later = n_later.checked_sub(1)?;
                        let next = *later.get(n_later)?;
                        let segment = text::segment(bytes, next.at as usize);
                        tried = self.rest(path, next, segment, &mut visit, &mut |left| {
                            later.get_mut(n_later).map(|free| *free = left)?;
                            n_later += 1;
                            Some(())
                        });
                    }
                }
            }
        }
    }

    /// Tries what a node has besides literals: goes behind the first capture that takes the segment, and leaves the rest
    /// for later; visits what holds for all paths beneath once there is no further capture.
    #[inline]
    fn rest<T>(
        &self,
        path: &str,
        from: Later,
        segment: Segment,
        visit: &mut impl FnMut(CellRef) -> Option<T>,
        leave: &mut dyn FnMut(Later) -> Option<()>,
    ) -> Tried<T> {
        let words = &*self.words;
        let more = from.more as usize;
        let n_captures = (words.get(more).copied().unwrap_or(0) >> 32) as u32;
        let beneath = beneath(words, more);
        for number in from.capture..n_captures {
            let Some(capture) = words.get(more + 1 + number as usize) else { break };
            if !self.takes(capture >> 32, path.get(from.at as usize..segment.end)) {
                continue;
            }
            if (number + 1 < n_captures || beneath != CellRef::None)
                && leave(Later { capture: number + 1, ..from }).is_none()
            {
                break;
            }
            let node = (capture & 0xffff_ffff) as usize;
            let Some(head) = words.get(node) else { break };
            return Tried::Place(Place {
                head: NodeHead(*head),
                more: node + 1,
                at: segment.end + 1,
            });
        }
        match visited(beneath, visit) {
            Some(answer) => Tried::Answer(answer),
            None => Tried::Nothing,
        }
    }

    /// Whether a capture of this kind takes the segment.
    #[inline]
    fn takes(&self, kind: u64, segment: Option<&str>) -> bool {
        let Some(segment) = segment else { return false };
        match kind {
            ANY => !segment.is_empty(),
            INT => Segments::Int.holds(segment),
            UUID => Segments::Uuid.holds(segment),
            other => {
                let kind = self.side.kinds.get((other - OTHERS) as usize);
                kind.is_some_and(|kind| kind.holds(segment))
            }
        }
    }
}

/// The node behind the literal that the segment is.
#[inline]
fn kid(words: &[u64], place: &Place, path: &[u8], segment: Segment) -> Option<Place> {
    let kids = place.head.kids();
    if kids == Kids::None {
        return None;
    }
    let mut first = place.more;
    if place.head.has_more() {
        first += 1 + (words.get(first)? >> 32) as usize;
    }
    match kids {
        Kids::None => None,
        Kids::Pair => {
            let pair = *words.get(first)?;
            entered(words, pair & 0xffff_ffff, path, place.at, segment)
                .or_else(|| entered(words, pair >> 32, path, place.at, segment))
        }
        Kids::Groups(bits) => {
            let spread = text::spread(tag(segment.hash));
            let mut at = group(segment.hash, bits);
            loop {
                let base = first + at * GROUP;
                let tags = *words.get(base)?;
                let mut same = text::marks(tags, spread);
                while same != 0 {
                    let number = same.trailing_zeros() as usize / 8;
                    let pair = words.get(base + 1 + number / 2)?;
                    let node = pair >> (number % 2 * 32) & 0xffff_ffff;
                    if let Some(kid) = entered(words, node, path, place.at, segment) {
                        return Some(kid);
                    }
                    same &= same - 1;
                }
                // A group with a free place is the last of its row.
                if tags >> 63 == 0 {
                    return None;
                }
                at = (at + 1) & ((1 << bits) - 1);
            }
        }
    }
}

/// The node, if the segment is its own, and what follows its run.
#[inline(always)]
fn entered(words: &[u64], node: u64, path: &[u8], at: usize, segment: Segment) -> Option<Place> {
    if node == 0 {
        return None;
    }
    let node = node as usize;
    let head = NodeHead(*words.get(node)?);
    let length = segment.end - at;
    if head.text() != length {
        return None;
    }
    let mut more = node + 1;
    if length > 8 {
        let end = more + length.div_ceil(8);
        if !text::is_text(words.get(more..end)?, path.get(at..segment.end)?) {
            return None;
        }
        more = end;
    } else if length > 0 {
        if *words.get(more)? != segment.first {
            return None;
        }
        more += 1;
    }
    let mut end = segment.end;
    let run = head.run();
    if run > 0 {
        let run_end = end + 1 + run;
        let behind = more + run.div_ceil(8);
        if !text::is_text(words.get(more..behind)?, path.get(end + 1..run_end)?) {
            return None;
        }
        if path.get(run_end).is_some_and(|next| *next != b'/') {
            return None;
        }
        (more, end) = (behind, run_end);
    }
    Some(Place { head, more, at: end + 1 })
}

#[inline(always)]
fn beneath(words: &[u64], more: usize) -> CellRef {
    CellRef::of(words.get(more).copied().unwrap_or(0) as u32)
}

#[inline(always)]
fn visited<T>(cell: CellRef, visit: &mut impl FnMut(CellRef) -> Option<T>) -> Option<T> {
    match cell {
        CellRef::None => None,
        cell => visit(cell),
    }
}
