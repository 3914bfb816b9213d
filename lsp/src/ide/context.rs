//! What stands at a place of a policy, seen with the vocabulary: which row, or which of the policy's own items.

use lang::Vocabulary;
use lang::syntax::{Keyword, Kind, Node, Tree};
use lang::vocab::clauses::{CLAUSES, MODULE};
use lang::vocab::trial;
use lang::vocab::{Action, Balancer, Block, Clause, Field, Function, Param, Setting};

/// A row of the vocabulary.
#[derive(Clone, Copy, Debug)]
pub(super) enum Row {
    Action(&'static Action),
    Balancer(&'static Balancer),
    Block(&'static Block),
    Clause(&'static Clause),
    Field(&'static Field),
    Function(&'static Function),
    Param(&'static Param),
    Setting(&'static Setting),
}

/// The nodes from the file down to the smallest one at `offset`.
///
/// At the end of a word the word counts, as a cursor behind it means it.
pub(super) fn path_to(tree: &Tree, offset: usize) -> Vec<Node<'_>> {
    let at = walk(tree, offset);
    let is_word = |path: &Vec<Node<'_>>| path.last().is_some_and(|node| is_word(node.kind()));
    if is_word(&at) || offset == 0 {
        return at;
    }
    let before = walk(tree, offset - 1);
    if is_word(&before) { before } else { at }
}

fn walk(tree: &Tree, offset: usize) -> Vec<Node<'_>> {
    let holds = |node: &Node<'_>| node.span().range().contains(&offset);
    let mut path: Vec<Node<'_>> = tree.nodes().find(holds).into_iter().collect();
    while let Some(child) = path.last().and_then(|node| node.children().find(holds)) {
        path.push(child);
    }
    path
}

fn is_word(kind: Kind) -> bool {
    matches!(kind, Kind::Keyword | Kind::Verb | Kind::Name | Kind::Word | Kind::Relation)
}

/// The kind of the innermost item on the path.
pub(super) fn item_of<'t>(path: &[Node<'t>]) -> Option<(Keyword, Node<'t>)> {
    path.iter().rev().find_map(|node| match node.kind() {
        Kind::Item(keyword) => Some((keyword, *node)),
        _ => None,
    })
}

/// The row of a verb inside an item of this kind.
pub(super) fn verb(vocabulary: &Vocabulary, item: Keyword, word: &str) -> Option<Row> {
    if item == Keyword::Test {
        return trial::CLAUSES.iter().find(|clause| clause.name == word).map(Row::Clause);
    }
    if let Some(block) = vocabulary.block(item.as_str()) {
        return block.setting(word).map(Row::Setting);
    }
    let clauses = if item == Keyword::Module { MODULE } else { CLAUSES };
    let clause = clauses.iter().find(|clause| clause.name == word).map(Row::Clause);
    clause.or_else(|| vocabulary.action(word).map(Row::Action))
}

/// The parameters that a verb or function takes.
pub(super) fn params(row: Row) -> &'static [Param] {
    match row {
        Row::Action(row) => row.params,
        Row::Balancer(row) => row.params,
        Row::Function(row) => row.params,
        Row::Setting(row) => row.params,
        Row::Clause(row) => trial::params(row),
        Row::Block(_) | Row::Field(_) | Row::Param(_) => &[],
    }
}

/// The row of the verb or function whose arguments the path runs through.
pub(super) fn callee(vocabulary: &Vocabulary, path: &[Node<'_>]) -> Option<Row> {
    let at = path.iter().rposition(|node| matches!(node.kind(), Kind::Stmt | Kind::Call))?;
    let (node, around) = (path.get(at)?, path.get(..at)?);
    if node.kind() == Kind::Call {
        let name = node.child(Kind::Name)?;
        return vocabulary.function(name.text()).map(Row::Function);
    }
    verb(vocabulary, item_of(around)?.0, node.child(Kind::Verb)?.text())
}
