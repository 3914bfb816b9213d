//! The syntax of a policy: text to a lossless tree, and typed views of it. Total: any text has a tree. It knows the
//! words that items begin with and no other name; what verbs, fields and functions there are is the vocabulary's.
//!
//! `scan` finds brackets, strings and lines; `split` cuts the file into items, and `configs` knows which of them are another
//! program's; `prepare` mends brackets and quotes;
//! `parse` runs the grammar over one item and builds its `tree`; `expr` nests operators; `complain` finds the words
//! for what did not fit; `ast` is how the other rooms read the tree; `trees` keeps what was read for the next time.

pub mod ast;
mod complain;
mod configs;
mod expr;
mod expr_view;
mod holes;
mod keyword;
mod leaf;
mod parse;
mod prepare;
mod scan;
mod split;
mod tree;
mod trees;
mod type_view;

#[cfg(test)]
mod tests;

pub(crate) use configs::Config;
pub use keyword::Keyword;
pub use tree::{ItemTree, Kind, Node, Piece, Tree};
pub use trees::Trees;

use std::sync::Arc;

use crate::diag::Diag;
use crate::diag::beyond_limits::too_large;
use crate::source::{Source, Span};

use split::Slice;

/// A file may be so large, in MiB.
const MAX_MIB: usize = 32;

/// Parses a file. Every text has a tree; what is wrong with it is said once and in the order of the text. Who parses
/// a file again and again asks [`Trees`].
pub fn parse(source: &Source) -> (Tree, Vec<Diag>) {
    if source.text.len() > MAX_MIB << 20 {
        let tree = Tree::new(source.id, source.text.clone());
        let end = Span::new(source.id, MAX_MIB << 20, (MAX_MIB << 20) + 1);
        return (tree, vec![too_large(end, MAX_MIB)]);
    }
    let scan = scan::scan(&source.text);
    let slices = split::split(&source.text, &scan).into_iter();
    collect(source, slices.map(|slice| (slice, Arc::new(ItemTree::of(&source.text, slice)))))
}

/// The same tree, of which each item is read when it is asked for; what is wrong with it is told by
/// [`Tree::diags_of`]. For who looks at few items of many.
pub fn outline(source: &Source) -> (Tree, Vec<Diag>) {
    if source.text.len() > MAX_MIB << 20 {
        return parse(source);
    }
    let mut tree = Tree::new(source.id, source.text.clone());
    let scan = scan::scan(&source.text);
    split::split(&source.text, &scan).into_iter().for_each(|slice| tree.push(slice, None));
    (tree, Vec::new())
}

/// The tree of a file out of those of its pieces.
fn collect(
    source: &Source,
    pieces: impl Iterator<Item = (Slice, Arc<ItemTree>)>,
) -> (Tree, Vec<Diag>) {
    let mut tree = Tree::new(source.id, source.text.clone());
    let mut diags = Vec::new();
    for (slice, piece) in pieces {
        diags.extend(piece.diags().iter().map(|diag| moved(diag, source, slice.start)));
        tree.push(slice, Some(piece));
    }
    (tree, diags)
}

/// A diagnostic of an item, with its places in the file.
fn moved(diag: &Diag, source: &Source, by: usize) -> Diag {
    let place = |span: Span| Span::new(source.id, span.start as usize + by, span.end as usize + by);
    let mut diag = diag.clone();
    for label in &mut diag.labels {
        label.span = place(label.span);
    }
    for edit in diag.fixes.iter_mut().flat_map(|fix| &mut fix.edits) {
        edit.span = place(edit.span);
    }
    diag
}
