//! The syntax of a policy: text to a lossless tree, and typed views of it. Total: any text has a tree. It knows the
//! words that items begin with and no other name; what verbs, fields and functions there are is the vocabulary's.
//!
//! `scan` finds brackets, strings and lines; `split` cuts the file into items; `prepare` mends brackets and quotes;
//! `parse` runs the grammar over one item and builds its `tree`; `expr` nests operators; `complain` finds the words
//! for what did not fit; `ast` is how the other rooms read the tree; `trees` keeps what was read for the next time.

pub mod ast;
mod complain;
mod expr;
mod expr_view;
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

pub use keyword::Keyword;
pub use tree::{ItemTree, Kind, Node, Tree};
pub use trees::Trees;

use std::sync::Arc;

use crate::diag::Diag;
use crate::diag::beyond_limits::too_large;
use crate::source::{Source, Span};

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
    let pieces: Vec<(usize, Arc<ItemTree>)> = split::split(&source.text, &scan)
        .into_iter()
        .map(|slice| {
            let text = source.text.get(slice.start..slice.end).unwrap_or("");
            let tree = match slice.is_item {
                true => parse::parse_item(text),
                false => parse::parse_space(text, slice.start == 0),
            };
            (slice.start, Arc::new(tree))
        })
        .collect();
    collect(source, pieces.iter().map(|(start, tree)| (*start, tree)))
}

/// The tree of a file out of those of its pieces.
fn collect<'p>(
    source: &Source,
    pieces: impl Iterator<Item = (usize, &'p Arc<ItemTree>)>,
) -> (Tree, Vec<Diag>) {
    let mut tree = Tree::new(source.id, source.text.clone());
    let mut diags = Vec::new();
    for (start, piece) in pieces {
        diags.extend(piece.diags().iter().map(|diag| moved(diag, source, start)));
        tree.push(start, piece.clone());
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
