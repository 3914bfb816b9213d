//! Names of items that the parser could not make out: whoever uses one of them is told nothing more. A text may be broken
//! in many places and use many names, so they are gathered once.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::context::is_head_broken;
use super::items::keyword;
use crate::foreign;
use crate::syntax::ast::Item;
use crate::syntax::{Keyword, Kind, Tree};

/// What a file's broken items may be called.
#[derive(Default)]
pub(super) struct Lost<'a> {
    /// The first words of what is no item at all, or of a word that nobody knows.
    words: HashSet<&'a str>,
    /// Names on broken lines, which may have lost their ends.
    names: HashMap<Keyword, BTreeSet<&'a str>>,
    /// Of which kinds there are items without a name.
    nameless: HashSet<Keyword>,
    /// Whether something was to be imported, and nobody knows what.
    imports: bool,
}

impl<'a> Lost<'a> {
    /// What the parser lost in a file.
    pub(super) fn of(tree: &'a Tree) -> Lost<'a> {
        let imports = tree.nodes().any(|node| {
            let word = node.text().split(|c: char| !c.is_alphanumeric()).next();
            let is_import =
                word.and_then(foreign::item).is_some_and(|word| word.ours == Some("use"));
            matches!(node.kind(), Kind::Item(_) | Kind::Error) && is_import
        });
        let mut lost = Lost { imports, ..Lost::default() };
        for node in tree.nodes() {
            let item = match Item::from_node(node) {
                Some(Item::Unknown(_)) => None,
                _ if !node.is_broken() => continue,
                item => item,
            };
            let item = match item {
                None => {
                    let words = node.text().split(|c: char| !(c.is_alphanumeric() || c == '_'));
                    lost.words.extend(words.filter(|word| !word.is_empty()).take(3));
                    continue;
                }
                Some(item) => item,
            };
            match item.head().name() {
                None => drop(lost.nameless.insert(keyword(&item))),
                Some(name) if is_head_broken(item.head()) => {
                    lost.names.entry(keyword(&item)).or_default().insert(name.text);
                }
                Some(_) => {}
            }
        }
        lost
    }

    /// Whether one of them may be what this name of one of these kinds means.
    pub(super) fn may_be(&self, name: &str, kinds: &[Keyword]) -> bool {
        let of_kind = |kind: &Keyword| {
            let named = self.names.get(kind).and_then(|names| names.range(name..).next());
            self.nameless.contains(kind) || named.is_some_and(|named| named.starts_with(name))
        };
        self.imports || self.words.contains(name) || kinds.iter().any(of_kind)
    }
}
