//! The syntax of a policy: text to a lossless tree, and typed views of it. Total: any text has a tree. It knows the
//! words that items begin with and no other name; what verbs, fields and functions there are is the vocabulary's.
//!
//! `scan` finds brackets, strings and lines; `split` cuts the file into items; `prepare` mends brackets and quotes;
//! `parse` runs the grammar over one item and builds its `tree`; `expr` nests operators; `complain` finds the words
//! for what did not fit; `ast` is how the other rooms read the tree.

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
mod type_view;

#[cfg(test)]
mod tests;

pub use keyword::Keyword;
pub use tree::{ItemTree, Kind, Node, Tree};

use std::sync::Arc;

use crate::diag::Diag;
use crate::diag::beyond_limits::too_large;
use crate::source::{Source, Span};

/// A file may be so large, in MiB.
const MAX_MIB: usize = 32;

/// Parses a file. Every text has a tree; what is wrong with it is said once and in the order of the text.
pub fn parse(source: &Source) -> (Tree, Vec<Diag>) {
    parse_with(source, |text| Arc::new(parse_item(text)))
}

/// Parses the text of one item by itself. Its places count from its own start, so it may be kept for as long as the
/// text of the item stays the same, wherever that moves.
pub fn parse_item(text: &str) -> ItemTree {
    parse::parse_item(text)
}

/// Parses a file, asking `item` for the tree of each item's text: the caller may keep those by their text.
pub fn parse_with(
    source: &Source,
    mut item: impl FnMut(&str) -> Arc<ItemTree>,
) -> (Tree, Vec<Diag>) {
    let mut tree = Tree::new(source.id, source.text.clone());
    let mut diags = Vec::new();
    if source.text.len() > MAX_MIB << 20 {
        let end = Span::new(source.id, MAX_MIB << 20, (MAX_MIB << 20) + 1);
        return (tree, vec![too_large(end, MAX_MIB)]);
    }
    let scan = scan::scan(&source.text);
    for slice in split::split(&source.text, &scan) {
        let text = source.text.get(slice.start..slice.end).unwrap_or("");
        let parsed = if slice.is_item {
            item(text)
        } else {
            Arc::new(parse::parse_space(text, slice.start == 0))
        };
        diags.extend(parsed.diags().iter().map(|diag| moved(diag, source, slice.start)));
        tree.push(slice.start, parsed);
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
