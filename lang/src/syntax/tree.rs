//! The lossless tree of one file: every byte of the text is in exactly one leaf, comments and blank lines included.
//! It knows no types and resolves nothing; broken text is in it as nodes of its own.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::diag::Diag;
use crate::source::{SourceId, Span};

use super::keyword::Keyword;
use super::parse::{parse_item, parse_space};
use super::split::{Slice, keyword};

/// The syntax of one file, as a row of items and of what stands between them.
#[derive(Clone, Debug)]
pub struct Tree {
    source: SourceId,
    text: Arc<str>,
    pieces: Vec<Piece>,
}

/// A part of a file: an item, or the space between two. It is read when somebody asks for its syntax.
#[derive(Clone, Debug)]
pub struct Piece {
    slice: Slice,
    tree: OnceLock<Arc<ItemTree>>,
}

/// The syntax of one item, or of the space between two. Its places count from its own start, so that it can be kept
/// and used again as long as its text stays the same.
#[derive(Clone, Debug, Default)]
pub struct ItemTree {
    pub(super) nodes: Vec<NodeData>,
    /// Whether brackets or quotes had to be put in to read it.
    pub(super) mended: bool,
    pub(super) diags: Vec<Diag>,
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A top-level or nested item.
    Item(Keyword),
    /// `pub`.
    Public,
    /// The word an item begins with.
    Keyword,
    /// A name that is defined or used.
    Name,
    /// Any other word: a member's name, an argument's name, a key.
    Word,
    /// The word a statement begins with.
    Verb,
    /// `on web`, `before b`: a relation and its names.
    Clause,
    /// The word a clause begins with.
    Relation,
    /// `from e` or `default e`.
    ValueClause,
    /// `= jwt`.
    Provider,
    /// `@unproved("why")`.
    Annotation,
    /// `as net`.
    Alias,
    /// `{ office, cdn }` of a `use`.
    Names,
    /// `-> Bool`.
    Returns,
    /// `(scope: String)`.
    Params,
    /// `name: Type = default`.
    Field,
    /// `{ … }` with statements, arms, fields or items in it.
    Block,
    /// `verb positional, name=value { … }`.
    Stmt,
    /// One argument: `e`, `name=e` or `target = e`.
    Arg,
    /// `pattern => value`.
    Arm,
    /// A number with its unit, an address, a truth value.
    Literal,
    /// `re"…"`.
    Regex,
    /// `"…"`.
    Str,
    /// Plain text inside a string.
    StrText,
    /// `\n`, `\"`, `\{` and their like inside a string.
    Escape,
    /// `{…}` inside a string.
    Hole,
    /// `name: Type` inside a hole.
    Capture,
    /// What is in a hole when it is no expression.
    HoleText,
    /// `base.name` or `base?.name`.
    Member,
    /// `base[e]`.
    Index,
    /// `callee(…)`.
    Call,
    /// `not e`, `-e`.
    Unary,
    /// `a op b`.
    Binary,
    /// `e is word`.
    Is,
    /// An operator.
    Op,
    /// `match e { … }`.
    Match,
    /// `[…]`.
    List,
    /// `{ a: e }`.
    Record,
    /// One `a: e` of a record.
    Entry,
    /// `(e)`.
    Paren,
    /// A type: one atom or a union of several.
    Type,
    /// A name with arguments, a string or a record; perhaps with `?`.
    TypeAtom,
    /// `?` after a type.
    Optional,
    /// `<T, U>`.
    TypeArgs,
    /// `{ a: T }` as a type.
    TypeRecord,
    /// A bracket, comma, colon or other mark; also words that are only grammar, such as `match`.
    Mark,
    /// Blanks and tabs.
    Space,
    /// The end of a line.
    Newline,
    /// A line with nothing on it, its end included.
    Blank,
    /// `// …`, without the line's end.
    Comment,
    /// `/// …`, without the line's end.
    Doc,
    /// Text that fits nowhere.
    Error,
    /// Nothing, where a value or a type was to be.
    Missing,
    /// Nothing, where a name, a mark or a block was to be.
    MissingMark,
}

/// One node, in preorder; `next` is where its subtree ends, so children are walked by leaps.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeData {
    pub(super) kind: Kind,
    pub(super) broken: bool,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) next: u32,
}

/// A node of a tree, cheap to copy.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    item: &'t ItemTree,
    base: u32,
    index: u32,
}

impl Tree {
    pub(super) fn new(source: SourceId, text: Arc<str>) -> Tree {
        Tree { source, text, pieces: Vec::new() }
    }

    /// Adds the piece behind those there are, with its syntax if that is known.
    pub(super) fn push(&mut self, slice: Slice, item: Option<Arc<ItemTree>>) {
        let tree = item.map_or_else(OnceLock::new, OnceLock::from);
        self.pieces.push(Piece { slice, tree });
    }

    /// The source this is the syntax of.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The pieces the file was cut into, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text of a piece.
    pub fn text_of(&self, piece: &Piece) -> &str {
        self.text.get(piece.range()).unwrap_or("")
    }

    /// What was wrong with the piece at place `at`; the places count from its own start.
    pub fn diags_of(&self, at: usize) -> &[Diag] {
        self.pieces.get(at).map_or(&[], |piece| &piece.read(&self.text).diags)
    }

    /// The item that the piece at place `at` is, if it is one.
    pub fn item(&self, at: usize) -> Option<Node<'_>> {
        self.nodes_of(self.pieces.get(at)?).find(|node| matches!(node.kind(), Kind::Item(_)))
    }

    /// The same file without the pieces that `keep` does not want; what is left stays at its place.
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Tree {
        let kept = self.pieces.iter().enumerate().filter(|(at, _)| keep(*at));
        let pieces = kept.map(|(_, piece)| piece.clone()).collect();
        Tree { source: self.source, text: self.text.clone(), pieces }
    }

    /// The nodes of the file itself: items, and the comments and space between them.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.pieces.iter().flat_map(|piece| self.nodes_of(piece))
    }

    /// Those of them that may be an item which begins with one of these words. What begins otherwise is not read.
    pub(crate) fn beginning(&self, words: &'static [Keyword]) -> impl Iterator<Item = Node<'_>> {
        let may = |piece: &&Piece| {
            let first = self.text_of(piece).lines().find(|line| !line.starts_with("//"));
            let word = first.and_then(keyword);
            piece.slice.is_item && word.is_none_or(|word| words.contains(&word))
        };
        self.pieces.iter().filter(may).flat_map(|piece| self.nodes_of(piece))
    }

    /// All nodes that have no children, in order; their texts together are the file.
    pub fn leaves(&self) -> impl Iterator<Item = Node<'_>> {
        self.pieces.iter().flat_map(move |piece| {
            let (item, base) = (piece.read(&self.text), piece.start());
            let all = (0..item.n_nodes()).map(move |index| Node { tree: self, item, base, index });
            all.filter(Node::is_leaf)
        })
    }

    fn nodes_of<'t>(&'t self, piece: &'t Piece) -> impl Iterator<Item = Node<'t>> {
        let item = piece.read(&self.text);
        siblings(self, item, piece.start(), 0, item.n_nodes())
    }

    /// The smallest node that holds the byte at `offset`.
    pub fn at(&self, offset: usize) -> Option<Node<'_>> {
        let behind = self.pieces.partition_point(|piece| piece.start() as usize <= offset);
        let piece = self.pieces.get(behind.checked_sub(1)?)?;
        let mut around = self.nodes_of(piece).find(|node| node.holds(offset))?;
        while let Some(child) = around.children().find(|node| node.holds(offset)) {
            around = child;
        }
        Some(around)
    }
}

impl Piece {
    /// Where it begins.
    pub fn start(&self) -> u32 {
        self.slice.start as u32
    }

    /// Where it is.
    pub fn range(&self) -> Range<usize> {
        self.slice.start..self.slice.end
    }

    /// Whether it is the space between two items, or the beginning or end of a file.
    pub fn is_space(&self) -> bool {
        !self.slice.is_item
    }

    fn read(&self, text: &str) -> &ItemTree {
        self.tree.get_or_init(|| Arc::new(ItemTree::of(text, self.slice)))
    }
}

impl ItemTree {
    /// The syntax of this part of a text.
    pub(super) fn of(text: &str, slice: Slice) -> ItemTree {
        let part = text.get(slice.start..slice.end).unwrap_or("");
        match slice.is_item {
            true => parse_item(part),
            false => parse_space(part, slice.start == 0),
        }
    }

    /// What was wrong with it; the places count from the item's own start.
    pub(super) fn diags(&self) -> &[Diag] {
        &self.diags
    }

    fn n_nodes(&self) -> u32 {
        self.nodes.len() as u32
    }
}

impl<'t> Node<'t> {
    /// What it is.
    pub fn kind(self) -> Kind {
        self.data().kind
    }

    /// Where it is.
    pub fn span(self) -> Span {
        let data = self.data();
        Span::new(
            self.tree.source,
            (self.base + data.start) as usize,
            (self.base + data.end) as usize,
        )
    }

    /// Its text.
    pub fn text(self) -> &'t str {
        self.tree.text.get(self.span().range()).unwrap_or("")
    }

    /// Whether something inside it, or it itself, did not parse.
    pub fn is_broken(self) -> bool {
        self.data().broken
    }

    /// Whether brackets or quotes are missing in the item it belongs to, so that its shape is a guess.
    pub fn is_mended(self) -> bool {
        self.item.mended
    }

    /// Its children, in order.
    pub fn children(self) -> impl Iterator<Item = Node<'t>> {
        siblings(self.tree, self.item, self.base, self.index + 1, self.data().next)
    }

    /// The first child of this kind.
    pub fn child(self, kind: Kind) -> Option<Node<'t>> {
        self.children().find(|node| node.kind() == kind)
    }

    /// The first child that is exactly this mark or word.
    pub fn mark(self, text: &str) -> Option<Node<'t>> {
        self.children().find(|node| node.kind() == Kind::Mark && node.text() == text)
    }

    /// Whether it is a leaf.
    pub fn is_leaf(&self) -> bool {
        self.data().next == self.index + 1
    }

    /// It and everything beneath it, in order.
    pub fn descendants(self) -> impl Iterator<Item = Node<'t>> {
        (self.index..self.data().next).map(move |index| Node { index, ..self })
    }

    fn holds(&self, offset: usize) -> bool {
        self.span().range().contains(&offset)
    }

    fn data(self) -> NodeData {
        // INVARIANT: a node is only made with an index inside its item.
        self.item.nodes[self.index as usize]
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.kind(), self.text())
    }
}

/// The nodes from index `from` to `to`, leaping over what is beneath them.
fn siblings<'t>(
    tree: &'t Tree,
    item: &'t ItemTree,
    base: u32,
    from: u32,
    to: u32,
) -> impl Iterator<Item = Node<'t>> {
    let mut index = from;
    std::iter::from_fn(move || {
        let data = item.nodes.get(index as usize).filter(|_| index < to)?;
        let node = Node { tree, item, base, index };
        index = data.next.max(index + 1);
        Some(node)
    })
}
