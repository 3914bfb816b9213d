//! Trees that were made before, so that a keystroke costs the reading of one item: a text that differs little from the
//! last one of its name is cut only where it differs, and an item that was read before is not read again. Bounded: what
//! was not asked for in a while is forgotten. It gives what `parse` gives, only sooner.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::split::{Slice, is_balanced, is_ours, split};
use super::tree::{ItemTree, Tree};
use super::{MAX_MIB, collect, scan};
use crate::diag::Diag;
use crate::source::Source;

/// Bytes of text of the younger half; the older half holds at most as many.
const LARGEST_HALF: usize = 32 << 20;

/// Texts of which the last cut is kept.
const MOST_CUTS: usize = 64;

/// The trees that are known.
#[derive(Debug, Default)]
pub struct Trees {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    items: Halves,
    /// By the name of the source.
    cuts: HashMap<Arc<str>, Cut>,
}

/// Two generations: what is asked for moves to the young one, and when that is full the old one is dropped.
#[derive(Debug, Default)]
struct Halves {
    young: HashMap<Box<str>, Arc<ItemTree>>,
    old: HashMap<Box<str>, Arc<ItemTree>>,
    n_bytes: usize,
}

/// How a text was cut, and the tree of each piece.
#[derive(Clone, Debug)]
struct Cut {
    text: Arc<str>,
    /// Whether every bracket and quote of it has its like, and every item begins as one of ours: then an item's end depends on
    /// nothing before it.
    balanced: bool,
    pieces: Vec<(Slice, Arc<ItemTree>)>,
}

impl Trees {
    /// What [`super::parse`] gives, with the help of what was read before.
    pub fn parse(&self, source: &Source) -> (Tree, Vec<Diag>) {
        if source.text.len() > MAX_MIB << 20 {
            return super::parse(source);
        }
        // The lock is not held while parsing: two threads may read the same item, which costs no more than waiting.
        let last = self.kept().cuts.remove(&source.name);
        let cut = match last.and_then(|last| self.patched(last, &source.text)) {
            Some(cut) => cut,
            None => self.whole(&source.text),
        };
        let made = collect(source, cut.pieces.iter().map(|(slice, tree)| (*slice, tree.clone())));
        let mut kept = self.kept();
        if kept.cuts.len() >= MOST_CUTS {
            kept.cuts.clear();
        }
        kept.cuts.insert(source.name.clone(), cut);
        made
    }

    fn whole(&self, text: &Arc<str>) -> Cut {
        let scan = scan::scan(text);
        let slices = split(text, &scan);
        let balanced = is_balanced(&scan) && is_ours(text, &slices);
        let pieces = slices.into_iter().map(|slice| (slice, self.piece(text, slice))).collect();
        Cut { text: text.clone(), balanced, pieces }
    }

    /// The cut of a text that differs from the last one in few items. `None` where it has to be cut as a whole.
    fn patched(&self, last: Cut, text: &Arc<str>) -> Option<Cut> {
        if !last.balanced {
            return None;
        }
        let (before, after) = (last.text.as_bytes(), text.as_bytes());
        let head = same_head(before, after);
        if head == before.len() && head == after.len() {
            return Some(last);
        }
        let tail = same_tail(before.get(head..)?, after.get(head..)?);
        let (old_end, new_end) = (before.len() - tail, after.len() - tail);
        // From an item that ends in front of the difference to one that begins behind it: both stay as they are, so what
        // is between them is cut as it would be in the whole.
        let ends_before = |(slice, _): &(Slice, Arc<ItemTree>)| slice.is_item && slice.end < head;
        let begins_after =
            |(slice, _): &(Slice, Arc<ItemTree>)| slice.is_item && slice.start > old_end;
        let first = last.pieces.iter().rposition(ends_before)?;
        // The item behind the difference is read again too: its first line decides where the one before it ends.
        let behind = last.pieces.iter().position(begins_after);
        let next = behind.and_then(|behind| {
            let further = last.pieces.iter().skip(behind + 1).position(|(slice, _)| slice.is_item);
            further.map(|next| behind + 1 + next)
        });
        let next = next.unwrap_or(last.pieces.len());
        let from = last.pieces.get(first)?.0.start;
        let old_to = last.pieces.get(next).map_or(before.len(), |(slice, _)| slice.start);
        let to = old_to + new_end - old_end;
        let part = text.get(from..to)?;
        let scan = scan::scan(part);
        let slices = split(part, &scan);
        if !is_balanced(&scan) || !is_ours(part, &slices) {
            return None;
        }
        let mut pieces = last.pieces;
        let behind = pieces.split_off(next);
        pieces.truncate(first);
        pieces.reserve(behind.len() + 8);
        for slice in slices {
            let slice = Slice { start: slice.start + from, end: slice.end + from, ..slice };
            pieces.push((slice, self.piece(text, slice)));
        }
        let moved = |at: usize| at + new_end - old_end;
        pieces.extend(behind.into_iter().map(|(slice, tree)| {
            (Slice { start: moved(slice.start), end: moved(slice.end), ..slice }, tree)
        }));
        Some(Cut { text: text.clone(), balanced: true, pieces })
    }

    fn piece(&self, text: &str, slice: Slice) -> Arc<ItemTree> {
        let part = text.get(slice.start..slice.end).unwrap_or("");
        if !slice.is_item {
            return Arc::new(ItemTree::of(text, slice));
        }
        if let Some(known) = self.kept().items.look_up(part) {
            return known;
        }
        let tree = Arc::new(ItemTree::of(text, slice));
        self.kept().items.keep(part, tree.clone());
        tree
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A thread that panicked in here left a cache that is merely smaller.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Halves {
    fn look_up(&mut self, text: &str) -> Option<Arc<ItemTree>> {
        if let Some(known) = self.young.get(text) {
            return Some(known.clone());
        }
        let (_, tree) = self.old.remove_entry(text)?;
        self.keep(text, tree.clone());
        Some(tree)
    }

    fn keep(&mut self, text: &str, tree: Arc<ItemTree>) {
        if self.n_bytes + text.len() > LARGEST_HALF {
            self.old = mem::take(&mut self.young);
            self.n_bytes = 0;
        }
        self.n_bytes += text.len();
        self.young.insert(text.into(), tree);
    }
}

/// Bytes compared at once: slices are compared many at a time, bytes one by one.
const BLOCK: usize = 256;

/// How many bytes two texts begin with in common.
fn same_head(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.chunks(BLOCK).zip(b.chunks(BLOCK)).take_while(|(a, b)| a == b);
    let at: usize = blocks.map(|(a, _)| a.len()).sum();
    let (a, b) = (a.iter().skip(at), b.iter().skip(at));
    at + a.zip(b).take_while(|(a, b)| a == b).count()
}

/// How many bytes two texts end with in common.
fn same_tail(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.rchunks(BLOCK).zip(b.rchunks(BLOCK)).take_while(|(a, b)| a == b);
    let at: usize = blocks.map(|(a, _)| a.len()).sum();
    let (a, b) = (a.iter().rev().skip(at), b.iter().rev().skip(at));
    at + a.zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceId;

    /// Whether the known trees give what `parse` gives.
    fn agree(trees: &Trees, text: &str) {
        let source = Source::new(SourceId(0), "a.gw", text);
        let (tree, diags) = trees.parse(&source);
        let (plain, plain_diags) = crate::syntax::parse(&source);
        assert_eq!(diags, plain_diags, "{text}");
        let nodes = |tree: &Tree| {
            let all = tree.nodes().flat_map(|node| node.descendants());
            all.map(|node| (node.kind(), node.span(), node.is_mended())).collect::<Vec<_>>()
        };
        assert_eq!(nodes(&tree), nodes(&plain), "{text}");
    }

    #[test]
    fn a_known_text_gives_the_same_tree_however_it_changes() {
        let text = "edition 2026\n\n// one\nlet a = 1\n/// two\nlet b = [\n  1,\n]\nroute c on web {\n  host \"x\"\n\n  \
                    respond 200\n}\n// three\nroute d on web { respond 200 }\nlet e = 5\n";
        let trees = Trees::default();
        agree(&trees, text);
        for at in 0..=text.len() {
            for put in ["", "\n", "{", "}", "\"", "// x", "/// x\n", "let z = 1\n", " "] {
                let mut changed = text.to_owned();
                changed.insert_str(at, put);
                agree(&trees, &changed);
            }
            for length in [1, 2, 7, 30] {
                let mut changed = text.to_owned();
                changed.replace_range(at..(at + length).min(text.len()), "");
                agree(&trees, &changed);
                if length == 7 {
                    agree(&trees, text);
                }
            }
        }
    }
}
