//! Trees of items by their text, so that a keystroke costs the parsing of one item. Bounded: what was not asked for in a while
//! is forgotten.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lang::syntax::{ItemTree, Tree, parse_item, parse_with};
use lang::{Diag, Source};

/// Bytes of text of the younger half; the older half holds at most as many.
const LARGEST_HALF: usize = 32 << 20;

/// The trees that are known.
#[derive(Debug, Default)]
pub(super) struct Cache {
    halves: Mutex<Halves>,
}

/// Two generations: what is asked for moves to the young one, and when that is full the old one is dropped.
#[derive(Debug, Default)]
struct Halves {
    young: HashMap<Box<str>, Arc<ItemTree>>,
    old: HashMap<Box<str>, Arc<ItemTree>>,
    n_bytes: usize,
}

impl Cache {
    /// What `lang::parse` gives, with the help of what was parsed before.
    pub(super) fn parse(&self, source: &Source) -> (Tree, Vec<Diag>) {
        parse_with(source, |text| {
            // The lock is not held while parsing: two threads may parse the same item, which costs no more than waiting.
            if let Some(known) = self.halves().look_up(text) {
                return known;
            }
            let tree = Arc::new(parse_item(text));
            self.halves().keep(text, tree.clone());
            tree
        })
    }

    fn halves(&self) -> MutexGuard<'_, Halves> {
        // A thread that panicked in here left a cache that is merely smaller.
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use lang::SourceId;

    use super::*;

    #[test]
    fn a_known_item_gives_the_same_tree_elsewhere() {
        let cache = Cache::default();
        for text in ["edition 2026\nroute a {\n", "edition 2026\n\n\nroute a {\nroute b { }\n"] {
            let source = Source::new(SourceId(0), "a.gw", text);
            let (tree, diags) = cache.parse(&source);
            let (plain, plain_diags) = lang::parse(&source);
            assert_eq!(diags, plain_diags);
            let leaves = |tree: &Tree| tree.leaves().map(|leaf| leaf.span()).collect::<Vec<_>>();
            assert_eq!(leaves(&tree), leaves(&plain));
        }
    }
}
