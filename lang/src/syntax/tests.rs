//! What the parser promises for any text: no panic, no byte lost, one diagnostic for one mistake.

use super::ast::{self, Item};
use super::*;
use crate::source::SourceId;

const SAMPLE: &str = include_str!("sample.gw");

fn parsed(text: &str) -> (Tree, Vec<Diag>) {
    let source = Source::new(SourceId(0), "test.gw", text);
    let (tree, diags) = parse(&source);
    let leaves: String = tree.leaves().map(Node::text).collect();
    assert_eq!(leaves, text, "a byte was lost");
    (tree, diags)
}

fn messages(text: &str) -> Vec<String> {
    let (_, diags) = parsed(text);
    diags
        .iter()
        .map(|diag| format!("{}..{} {}", diag.span().start, diag.span().end, diag.message))
        .collect()
}

#[test]
fn the_sample_parses() {
    let (tree, _) = parsed(SAMPLE);
    assert_eq!(messages(SAMPLE), Vec::<String>::new());
    assert_eq!(ast::items(&tree).count(), 22);
    let shop =
        ast::items(&tree).find(|item| item.head().name().is_some_and(|name| name.text == "shop"));
    let Some(Item::Site(shop)) = shop else { panic!("no site") };
    assert_eq!(shop.on().map(|word| word.text).collect::<Vec<_>>(), ["web"]);
    assert_eq!(shop.block().map(|block| block.items().count()), Some(4));
}
