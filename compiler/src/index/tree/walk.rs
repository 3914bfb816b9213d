//! The way from a path to its cells, narrower ones first: at each node the literal, then the captures in order, then what
//! holds for all paths beneath. It compares words and decides nothing.
//!
//! What is seldom needed stands in functions of its own that are not inlined: the registers belong to the common way.

use std::ops::Range;

use super::{
    ANY, ANY_CELL, ANY_NODE, BENEATH, CELL, CELL_BENEATH, CellRef, FIRST, INT, KID_BEHIND,
    KID_KIND, KID_LENGTH, KINDS, Kids, LAST, LATER, LEAF, LINE, LIST, LONG, Line, MORE, NODE,
    NodeHead, OTHERS, REST, SHORT, Side, Tree, UUID,
};
use super::{is_marked, kind_of, slot, word};
use crate::index::text::{self, Padded, Path, Segment};
use lang::segment::Segments;

/// What nodes on the way have besides literals and is still to be tried: the word of each, and where its segment begins.
#[derive(Default)]
pub(in crate::index) struct Later {
    n: usize,
    places: [(u32, u32); LATER],
}

/// Longer paths are walked plainly.
pub(in crate::index) const LONGEST: usize = u16::MAX as usize;

impl Tree {
    /// The first cell that holds the path, `CellRef::None` if none does; `later` takes what leads to others. Of a path
    /// that is longer than [`LONGEST`] it knows nothing.
    #[inline(always)]
    pub(in crate::index) fn first(&self, path: &str, later: &mut Later) -> CellRef {
        CellRef::of(walk(self, path.as_bytes(), true, later))
    }

    /// The same, or [`Tree::only`], as a function of its own: for who asks seldom.
    #[inline(never)]
    pub(in crate::index) fn first_apart(&self, path: &str, later: &mut Later) -> CellRef {
        match self.only() {
            Some(cell) => cell,
            None => self.first(path, later),
        }
    }

    /// The next cell that holds the path, narrower ones first; `CellRef::None` behind the last.
    #[inline(always)]
    pub(in crate::index) fn next(&self, path: &str, later: &mut Later) -> CellRef {
        match later.n {
            0 => CellRef::None,
            _ => CellRef::of(next(self, path.as_bytes(), later)),
        }
    }

    /// What holds for all paths, if there is nothing else: then the path is not looked at.
    #[inline(always)]
    pub(in crate::index) fn only(&self) -> Option<CellRef> {
        // Where a name is long this is not seen, and walked.
        let [Line([head, _, _, _, _, _, _, more])] = &*self.lines else { return None };
        let is_alone = *head == NodeHead::new(Kids::None, 0, CellRef::None).0;
        (is_alone && kind_of(*more) == BENEATH).then(|| CellRef::of(*more as u32))
    }

    /// All cells that hold the path, in order.
    pub(in crate::index) fn cells<'t>(&'t self, path: &'t str) -> impl Iterator<Item = CellRef> {
        let mut later = Later::default();
        let mut next = self.first_apart(path, &mut later);
        std::iter::from_fn(move || {
            let cell = next;
            next = if cell == CellRef::None { cell } else { self.next(path, &mut later) };
            Some(cell).filter(|cell| *cell != CellRef::None)
        })
    }
}

#[inline(always)]
fn walk(tree: &Tree, path: &[u8], is_first: bool, later: &mut Later) -> u32 {
    if !text::is_short(path) {
        return long(tree, path, is_first, later);
    }
    let mut padded = Padded::new();
    padded.put(path);
    steps(tree, &padded, is_first, later)
}

/// Seldom asked, so that it stands apart.
#[inline(never)]
fn next(tree: &Tree, path: &[u8], later: &mut Later) -> u32 {
    walk(tree, path, false, later)
}

#[cold]
#[inline(never)]
fn long(tree: &Tree, path: &[u8], is_first: bool, later: &mut Later) -> u32 {
    if path.len() > LONGEST { CellRef::None.code() } else { steps(tree, path, is_first, later) }
}

/// The next cell, as a code: on the way from the root, or on what was left for later.
#[inline(always)]
fn steps(tree: &Tree, path: impl Path, is_first: bool, later: &mut Later) -> u32 {
    let lines = &*tree.lines;
    // What does not begin with a slash has no segments. Where there are no more, the place is behind the path's end.
    let (mut node, mut at) = (0, if path.ahead(0) as u8 == b'/' { 1 } else { path.len() + 1 });
    // What there is to try besides literals.
    let mut more = 0;
    let mut is_down = is_first;
    loop {
        // Down along literals.
        if is_down {
            loop {
                let Some(line) = lines.get(node) else { return CellRef::None.code() };
                let head = NodeHead(line.0[0]);
                more = line.0[MORE];
                if at > path.len() {
                    // Only what holds for all beneath is left.
                    if more != 0 {
                        later.leave_beneath(lines, node * LINE + MORE, at);
                        more = 0;
                    }
                    match head.here() {
                        0 => break,
                        cell => return cell,
                    }
                }
                let ahead = path.ahead(at);
                let [_, first, kid, other_first, other_kid, ..] = line.0;
                let kid = if is_ahead(ahead, first, kid) {
                    kid
                } else if is_ahead(ahead, other_first, other_kid) {
                    other_kid
                } else {
                    match head.kids() {
                        Kids::None | Kids::Few(0) => break,
                        Kids::Few(n) => match few(lines, node, n, ahead) {
                            Some(kid) => kid,
                            None => break,
                        },
                        Kids::Many(bits) => match many(lines, node, bits, path, at) {
                            0 => break,
                            kid => kid,
                        },
                    }
                };
                if more != 0 {
                    later.leave(node * LINE + MORE, at);
                    more = 0;
                }
                let behind = (kid >> KID_BEHIND) as usize;
                let next = at + (kid as u32 >> KID_LENGTH) as usize;
                // Most are of this kind, which is asked for first.
                if kid & KINDS << KID_KIND == NODE {
                    (node, at) = (behind, next);
                    continue;
                }
                match kid >> KID_KIND & KINDS {
                    CELL if next > path.len() => return behind as u32,
                    CELL_BENEATH => return behind as u32,
                    LONG if goes_on(lines, behind, path, at..next) => (node, at) = (behind, next),
                    kind @ (ANY_NODE | ANY_CELL) if next <= path.len() => {
                        let end = segment_end(path, next);
                        if end == next {
                            break;
                        }
                        if kind == ANY_NODE {
                            (node, at) = (behind, end + 1);
                        } else if end == path.len() {
                            return behind as u32;
                        } else {
                            break;
                        }
                    }
                    _ => break,
                }
            }
        }
        // On with what stands besides them, until a capture takes the segment and leads on.
        loop {
            if more == 0 {
                later.n = later.n.wrapping_sub(1);
                let Some(left) = later.places.get(later.n) else {
                    later.n = 0;
                    return CellRef::None.code();
                };
                let next = left.0 as usize;
                at = left.1 as usize;
                let Some(word) = word(lines, next) else { return CellRef::None.code() };
                more = word;
                if more & LAST == 0 {
                    later.leave(next + 1, at);
                }
            }
            let kind = kind_of(more);
            let behind = more as u32;
            if kind >= LIST {
                if kind == BENEATH {
                    return behind;
                }
                later.leave(behind as usize, at);
                more = 0;
                continue;
            }
            let end = segment_end(path, at);
            let takes = match kind {
                ANY => at < end,
                kind => takes(&tree.side, kind, path, at..end),
            };
            if takes && more & LEAF == 0 {
                (node, at) = (behind as usize, end + 1);
                break;
            }
            if takes && end == path.len() {
                return behind;
            }
            more = 0;
        }
        is_down = true;
    }
}

impl Later {
    /// Leaves for later what holds for all paths beneath, if there is such a thing among the words from this one on.
    #[cold]
    #[inline(never)]
    fn leave_beneath(&mut self, lines: &[Line], mut next: usize, at: usize) {
        while let Some(more) = word(lines, next) {
            match kind_of(more) {
                BENEATH => return self.leave(next, at),
                LIST => next = more as u32 as usize,
                _ if more & LAST != 0 => return,
                _ => next += 1,
            }
        }
    }

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
#[cold]
#[inline(never)]
fn takes(side: &Side, kind: u32, path: impl Path, segment: Range<usize>) -> bool {
    // A segment lies between slashes, so that it is text as the path is.
    let segment = path.bytes().get(segment).map(std::str::from_utf8);
    let Some(Ok(segment)) = segment else { return false };
    match kind {
        INT => Segments::Int.holds(segment),
        UUID => Segments::Uuid.holds(segment),
        other => {
            let kind = side.kinds.get(other.wrapping_sub(OTHERS) as usize);
            kind.is_some_and(|kind| kind.holds(segment))
        }
    }
}

/// Whether what is ahead begins as the text of a kid does.
#[inline(always)]
fn is_ahead(ahead: u64, first: u64, kid: u64) -> bool {
    ahead.wrapping_shl(kid as u32) == first
}

/// The one of the further kids of a node whose text begins like what is ahead.
#[inline(always)]
fn few(lines: &[Line], node: usize, n_lines: usize, ahead: u64) -> Option<u64> {
    for Line(kids) in lines.get(node + 1..node + 1 + n_lines)? {
        for [first, kid] in kids.as_chunks().0 {
            if is_ahead(ahead, *first, *kid) {
                return Some(*kid);
            }
        }
    }
    None
}

/// The one of many whose text is the segment, as the word of a kid; zero if there is none.
#[inline(never)]
fn many(lines: &[Line], node: usize, bits: u32, path: impl Path, at: usize) -> u64 {
    match text::short_segment(path, at) {
        Some(segment) => found(lines, node, bits, segment, |_| true),
        None => many_long(lines, node, bits, path, at),
    }
}

/// The same for a long segment.
#[cold]
#[inline(never)]
fn many_long(lines: &[Line], node: usize, bits: u32, path: impl Path, at: usize) -> u64 {
    let segment = text::segment(path, at);
    let text = at..at + segment.length + 1;
    found(lines, node, bits, segment, |node| goes_on(lines, node, path, text.clone()))
}

/// The one of many whose text is this segment and, as `goes_on` says of its node, what of that is in no word of its own.
#[inline(always)]
fn found(
    lines: &[Line],
    node: usize,
    bits: u32,
    segment: Segment,
    goes_on: impl Fn(usize) -> bool,
) -> u64 {
    let hash = segment.hash();
    let mut place = slot(hash, bits);
    while let Some(slot) = word(lines, (node + 1) * LINE + place) {
        if slot == 0 {
            break;
        }
        if is_marked(slot, hash) {
            let node = slot as u32;
            let Some(line) = lines.get(node as usize) else { break };
            if line.0[FIRST] == segment.first
                && line.0[REST] == segment.rest
                && NodeHead(line.0[0]).length() == segment.length
                && goes_on(node as usize)
            {
                return u64::from(node) << KID_BEHIND | (segment.length as u64 + 1) << KID_LENGTH;
            }
        }
        place = (place + 1) & ((1 << bits) - 1);
    }
    0
}

/// Where a segment ends.
#[inline(never)]
fn segment_end(path: impl Path, at: usize) -> usize {
    text::end(path, at)
}

/// Whether the path, which begins as the text of a node does that stands between these places with what ends it, goes on
/// like the rest of it.
#[inline(always)]
fn goes_on(lines: &[Line], node: usize, path: impl Path, text: Range<usize>) -> bool {
    // The path is as long, so that only what ends the last segment may lie behind its end.
    if text.end.wrapping_sub(1) > path.len() {
        return false;
    }
    if text.len() > 2 * SHORT {
        return goes_on_long(lines, node, path, text);
    }
    let last = path.ahead(text.start + SHORT) << ((2 * SHORT - text.len()) * 8);
    lines.get(node).is_some_and(|line| line.0[REST] == last)
}

/// The same for a text of more than two words.
#[cold]
#[inline(never)]
fn goes_on_long(lines: &[Line], node: usize, path: impl Path, text: Range<usize>) -> bool {
    let n_words = text.len().div_ceil(SHORT);
    (1..n_words).all(|number| {
        let held = word(lines, (node * LINE).wrapping_sub(number));
        let much = ((number + 1) * SHORT).saturating_sub(text.len()) * 8;
        held == Some(path.ahead(text.start + number * SHORT) << much)
    })
}
