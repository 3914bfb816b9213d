//! The outline of a document: its items, and the routes inside its sites.

use std::ops::Range;

use lang::syntax::ast::{Item, items};

use crate::analysis::Analysis;

/// One item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// The word it begins with: `route`, `upstream`.
    pub keyword: String,
    /// The whole item.
    pub range: Range<usize>,
    /// Its name's place.
    pub name_range: Range<usize>,
    /// The items written inside it.
    pub children: Vec<Symbol>,
}

/// The outline of the document.
pub fn symbols(analysis: &Analysis, uri: &str) -> Option<Vec<Symbol>> {
    let tree = analysis.tree(analysis.document(uri)?);
    Some(items(&tree).filter_map(symbol).collect())
}

fn symbol(item: Item<'_>) -> Option<Symbol> {
    let head = item.head();
    let name = head.name()?;
    // An item without a name has nothing to be found by; `use` has only a path.
    if matches!(item, Item::Edition(_) | Item::Use(_) | Item::Unknown(_)) || name.text.is_empty() {
        return None;
    }
    let children = head.block().into_iter().flat_map(|block| block.items()).filter_map(symbol);
    Some(Symbol {
        name: name.text.to_owned(),
        keyword: head.keyword().map_or("", |word| word.text).to_owned(),
        range: head.span().range(),
        name_range: name.span.range(),
        children: children.collect(),
    })
}
