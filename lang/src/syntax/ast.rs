//! Typed views over the tree: what an item, a statement, an expression or a type says. Everything returns
//! `Option`, because broken text is normal; nothing here judges, resolves or decodes.

pub use super::expr_view::{
    Annotation, Binary, BinaryOp, Call, Entry, Expr, Hole, Index, Is, List, Literal, Match, Member,
    Name, Op, Paren, Part, Record, Str, Unary, UnaryOp,
};
pub use super::type_view::{Named, OptionalType, RecordType, Type, UnionType};

use std::ops::Deref;

use super::keyword::Keyword;
use super::tree::{Kind, Node, Tree};
use crate::source::Span;

/// A word of the text and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word<'t> {
    /// The word; without the quotes where it was written as a string.
    pub text: &'t str,
    /// Its place, quotes included.
    pub span: Span,
}

/// What every item has in common; each kind of item derefs to it.
#[derive(Clone, Copy, Debug)]
pub struct Head<'t> {
    node: Node<'t>,
}

macro_rules! items {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One item, by its kind.
        #[derive(Clone, Copy, Debug)]
        pub enum Item<'t> {
            $($(#[$doc])* $name($name<'t>),)*
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name<'t>(Head<'t>);

            impl<'t> Deref for $name<'t> {
                type Target = Head<'t>;

                fn deref(&self) -> &Head<'t> {
                    &self.0
                }
            }
        )*

        impl<'t> Item<'t> {
            /// The item that `node` is, if it is one.
            pub fn from_node(node: Node<'t>) -> Option<Item<'t>> {
                match node.kind() {
                    $(Kind::Item(Keyword::$name) => Some(Item::$name($name(Head { node }))),)*
                    _ => None,
                }
            }

            /// What it has in common with all others.
            pub fn head(&self) -> &Head<'t> {
                match self {
                    $(Item::$name(item) => item,)*
                }
            }
        }
    };
}

items! {
    /// `edition 2026`.
    Edition,
    /// `use "./net.gw" { office, cdn }`.
    Use,
    /// `param region: String from env("R") default "eu"`.
    Param,
    /// `secret key from file("/run/key")`.
    Secret,
    /// `let office = […]`.
    Let,
    /// `fn f(x: Int) -> Bool = x > 1`.
    Fn,
    /// `listener web { … }`.
    Listener,
    /// `upstream app { … }`.
    Upstream,
    /// `auth token = jwt { … }`.
    Auth,
    /// `limit caller(rate: Rate) { … }`.
    Limit,
    /// `store cache = memory { … }`.
    Store,
    /// `module m on web from "./m.gw" { … }`.
    Module,
    /// `policy api(scope: String) { … }`.
    Policy,
    /// `site shop on web { … }`.
    Site,
    /// `route r on web before s { … }`.
    Route,
    /// `assert a { … }`.
    Assert,
    /// `test "name" { … }`.
    Test,
    /// Something at the place of an item that begins with no item's word; already reported.
    Unknown,
}

/// A parameter, or a field of a block or of a record type: `name: Type = default`.
#[derive(Clone, Copy, Debug)]
pub struct Field<'t> {
    node: Node<'t>,
}

/// `{ … }`.
#[derive(Clone, Copy, Debug)]
pub struct Block<'t> {
    node: Node<'t>,
}

/// One line of a block.
#[derive(Clone, Copy, Debug)]
pub enum Line<'t> {
    /// `verb …`.
    Stmt(Stmt<'t>),
    /// `pattern => value`.
    Arm(Arm<'t>),
    /// `name: Type`.
    Field(Field<'t>),
    /// An item inside the block, such as a site's `route`.
    Item(Item<'t>),
    /// Text that fits nowhere; already reported.
    Error(Span),
}

/// `verb positional, …, name=value, … { block }`. Also `let name = value` and `for name where condition`.
#[derive(Clone, Copy, Debug)]
pub struct Stmt<'t> {
    node: Node<'t>,
}

/// `name=value`.
#[derive(Clone, Copy, Debug)]
pub struct NamedArg<'t> {
    /// The argument's name.
    pub name: Word<'t>,
    /// Its value, if one was written.
    pub value: Option<Expr<'t>>,
    /// From the name to the value's end.
    pub span: Span,
}

/// `target = value`.
#[derive(Clone, Copy, Debug)]
pub struct Assignment<'t> {
    /// What is set.
    pub target: Expr<'t>,
    /// The place of the `=`.
    pub equals: Span,
    /// The value, if one was written.
    pub value: Option<Expr<'t>>,
}

/// What a `let` binds.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'t> {
    /// The new name.
    pub name: Option<Word<'t>>,
    /// Its type, where one is written.
    pub ty: Option<Type<'t>>,
    /// Its value.
    pub value: Option<Expr<'t>>,
}

/// `pattern => value`.
#[derive(Clone, Copy, Debug)]
pub struct Arm<'t> {
    node: Node<'t>,
}

/// What stands after an arm's `=>`.
#[derive(Clone, Copy, Debug)]
pub enum ArmValue<'t> {
    /// An expression.
    Expr(Expr<'t>),
    /// `{ statements }`.
    Block(Block<'t>),
}

/// The items of a file, in order.
pub fn items(tree: &Tree) -> impl Iterator<Item = Item<'_>> {
    tree.nodes().filter_map(Item::from_node)
}

/// Those of them that begin with one of these words, perhaps with others: what begins otherwise is not read.
pub fn items_of<'t>(
    tree: &'t Tree,
    words: &'static [Keyword],
) -> impl Iterator<Item = Item<'t>> + use<'t> {
    tree.beginning(words).filter_map(Item::from_node)
}

impl<'t> Word<'t> {
    pub(super) fn of(node: Node<'t>) -> Word<'t> {
        let text = node.text();
        let text = match node.kind() {
            // Single quotes are reported, and read as what they were meant for.
            Kind::Str => {
                let inner = text.strip_prefix(['"', '\'']).unwrap_or(text);
                inner.strip_suffix(['"', '\'']).unwrap_or(inner)
            }
            _ => text,
        };
        Word { text, span: node.span() }
    }
}

impl<'t> Head<'t> {
    /// The node this is a view of.
    pub fn node(&self) -> Node<'t> {
        self.node
    }

    /// The whole item, doc comments included.
    pub fn span(&self) -> Span {
        self.node.span()
    }

    /// Whether any part of it did not parse; the parts that did are still there.
    pub fn is_broken(&self) -> bool {
        self.node.is_broken()
    }

    /// The word it begins with, as written (perhaps misspelt).
    pub fn keyword(&self) -> Option<Word<'t>> {
        self.node.child(Kind::Keyword).map(Word::of)
    }

    /// Its name. A test's name is a string; the text comes without the quotes.
    pub fn name(&self) -> Option<Word<'t>> {
        self.node
            .children()
            .find(|node| matches!(node.kind(), Kind::Name | Kind::Str))
            .map(Word::of)
    }

    /// Whether `pub` stands before it.
    pub fn is_pub(&self) -> bool {
        self.node.child(Kind::Public).is_some()
    }

    /// The text of its `///` comments, without the marks.
    pub fn docs(&self) -> Option<String> {
        docs(self.node)
    }

    /// Whether it has a parameter list, be it empty.
    pub fn has_params(&self) -> bool {
        self.node.child(Kind::Params).is_some()
    }

    /// Its parameters.
    pub fn params(&self) -> impl Iterator<Item = Field<'t>> + use<'t> {
        self.node.child(Kind::Params).into_iter().flat_map(fields)
    }

    /// The names after `on`.
    pub fn on(&self) -> impl Iterator<Item = Word<'t>> + use<'t> {
        self.names_after("on")
    }

    /// The names after `within`.
    pub fn within(&self) -> impl Iterator<Item = Word<'t>> + use<'t> {
        self.names_after("within")
    }

    /// The names after `before`, dotted ones whole.
    pub fn before(&self) -> impl Iterator<Item = Word<'t>> + use<'t> {
        self.names_after("before")
    }

    /// Every clause such as `on web`: its first word and the span of the whole.
    pub fn clauses(&self) -> impl Iterator<Item = (Word<'t>, Span)> + use<'t> {
        let clauses = self.node.children().filter(|node| node.kind() == Kind::Clause);
        clauses.filter_map(|node| Some((Word::of(node.child(Kind::Relation)?), node.span())))
    }

    /// The annotations such as `@unproved("why")`.
    pub fn annotations(&self) -> impl Iterator<Item = Annotation<'t>> + use<'t> {
        self.node.children().filter_map(Annotation::from_node)
    }

    /// Its block.
    pub fn block(&self) -> Option<Block<'t>> {
        self.node.child(Kind::Block).map(|node| Block { node })
    }

    fn names_after(&self, relation: &'static str) -> impl Iterator<Item = Word<'t>> + use<'t> {
        let clauses = self.node.children().filter(|node| node.kind() == Kind::Clause);
        let clauses = clauses.filter(move |node| {
            node.child(Kind::Relation).is_some_and(|word| word.text() == relation)
        });
        clauses.flat_map(dotted)
    }

    /// The first expression that is not the item's name.
    fn expr(&self) -> Option<Expr<'t>> {
        let mut named = false;
        self.node.children().find_map(|node| {
            let is_name = !named && matches!(node.kind(), Kind::Name | Kind::MissingMark);
            named |= is_name;
            if is_name { None } else { Expr::from_node(node) }
        })
    }

    /// A second value behind its name, which says nothing.
    pub fn second_value(&self) -> Option<Expr<'t>> {
        let mut named = false;
        let mut values = self.node.children().filter_map(|node| {
            let is_name = !named && matches!(node.kind(), Kind::Name | Kind::MissingMark);
            named |= is_name;
            if is_name { None } else { Expr::from_node(node) }
        });
        values.nth(1)
    }

    fn ty(&self) -> Option<Type<'t>> {
        self.node.child(Kind::Type).and_then(Type::from_node)
    }

    /// Its clauses with a value, `from …` and `default …`, by their words.
    pub fn value_clauses(&self) -> impl Iterator<Item = Word<'t>> + use<'t> {
        let clauses = self.node.children().filter(|node| node.kind() == Kind::ValueClause);
        clauses.filter_map(|node| node.child(Kind::Relation).map(Word::of))
    }

    fn value_after(&self, relation: &str) -> Option<Expr<'t>> {
        let clauses = self.node.children().filter(|node| node.kind() == Kind::ValueClause);
        let mut clauses = clauses
            .filter(|node| node.child(Kind::Relation).is_some_and(|word| word.text() == relation));
        clauses.next()?.children().find_map(Expr::from_node)
    }

    fn provider(&self) -> Option<Word<'t>> {
        self.node.child(Kind::Provider)?.child(Kind::Name).map(Word::of)
    }
}

impl<'t> Edition<'t> {
    /// The year.
    pub fn year(&self) -> Option<Word<'t>> {
        self.node.child(Kind::Literal).map(Word::of)
    }
}

impl<'t> Use<'t> {
    /// The file it names.
    pub fn path(&self) -> Option<Str<'t>> {
        self.node.child(Kind::Str).map(Str::of)
    }

    /// The names it brings in.
    pub fn names(&self) -> impl Iterator<Item = Word<'t>> + use<'t> {
        let names = self.node.child(Kind::Names).into_iter().flat_map(Node::children);
        names.filter(|node| node.kind() == Kind::Name).map(Word::of)
    }

    /// The name after `as`.
    pub fn alias(&self) -> Option<Word<'t>> {
        self.node.child(Kind::Alias)?.child(Kind::Name).map(Word::of)
    }
}

impl<'t> Param<'t> {
    /// Its type.
    pub fn ty(&self) -> Option<Type<'t>> {
        self.0.ty()
    }

    /// Where its value comes from.
    pub fn from(&self) -> Option<Expr<'t>> {
        self.value_after("from")
    }

    /// What it is when nothing gives it a value; `= e` says the same as `default e`.
    pub fn default(&self) -> Option<Expr<'t>> {
        self.value_after("default").or_else(|| self.expr())
    }
}

impl<'t> Secret<'t> {
    /// Its type, where one is written.
    pub fn ty(&self) -> Option<Type<'t>> {
        self.0.ty()
    }

    /// Where its value comes from.
    pub fn from(&self) -> Option<Expr<'t>> {
        self.value_after("from")
    }

    /// A value after `=` or `default`; no secret should have one.
    pub fn default(&self) -> Option<Expr<'t>> {
        self.value_after("default").or_else(|| self.expr())
    }
}

impl<'t> Let<'t> {
    /// Its type, where one is written.
    pub fn ty(&self) -> Option<Type<'t>> {
        self.0.ty()
    }

    /// Its value.
    pub fn value(&self) -> Option<Expr<'t>> {
        self.expr()
    }
}

impl<'t> Fn<'t> {
    /// What it gives.
    pub fn returns(&self) -> Option<Type<'t>> {
        self.node.child(Kind::Returns)?.child(Kind::Type).and_then(Type::from_node)
    }

    /// The expression after `=`.
    pub fn value(&self) -> Option<Expr<'t>> {
        self.expr()
    }
}

impl<'t> Auth<'t> {
    /// The word after `=`: `jwt`, `oidc`.
    pub fn provider(&self) -> Option<Word<'t>> {
        self.0.provider()
    }
}

impl<'t> Store<'t> {
    /// The word after `=`.
    pub fn provider(&self) -> Option<Word<'t>> {
        self.0.provider()
    }
}

impl<'t> Module<'t> {
    /// The file after `from`.
    pub fn file(&self) -> Option<Str<'t>> {
        self.node.child(Kind::ValueClause)?.child(Kind::Str).map(Str::of)
    }

    /// The place of `from` and what follows it, if it is written.
    pub fn from(&self) -> Option<Span> {
        self.node.child(Kind::ValueClause).map(Node::span)
    }
}

impl<'t> Limit<'t> {
    /// The word after `=`, where one is written.
    pub fn provider(&self) -> Option<Word<'t>> {
        self.0.provider()
    }
}

impl<'t> Field<'t> {
    /// The whole field.
    pub fn span(&self) -> Span {
        self.node.span()
    }

    /// Its name.
    pub fn name(&self) -> Option<Word<'t>> {
        self.node.child(Kind::Word).map(Word::of)
    }

    /// Its type.
    pub fn ty(&self) -> Option<Type<'t>> {
        self.node.child(Kind::Type).and_then(Type::from_node)
    }

    /// What stands after `=`.
    pub fn default(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }

    /// Whether any part of it did not parse.
    pub fn is_broken(&self) -> bool {
        self.node.is_broken()
    }

    /// The text of its `///` comments.
    pub fn docs(&self) -> Option<String> {
        docs(self.node)
    }
}

impl<'t> Block<'t> {
    pub(super) fn of(node: Node<'t>) -> Block<'t> {
        Block { node }
    }

    /// From `{` to `}`.
    pub fn span(&self) -> Span {
        self.node.span()
    }

    /// Whether any part of it did not parse.
    pub fn is_broken(&self) -> bool {
        self.node.is_broken()
    }

    /// Its lines, in order, broken ones included.
    pub fn lines(&self) -> impl Iterator<Item = Line<'t>> + use<'t> {
        self.node.children().filter_map(|node| match node.kind() {
            Kind::Stmt => Some(Line::Stmt(Stmt { node })),
            Kind::Arm => Some(Line::Arm(Arm { node })),
            Kind::Field => Some(Line::Field(Field { node })),
            Kind::Item(_) => Item::from_node(node).map(Line::Item),
            Kind::Error => Some(Line::Error(node.span())),
            _ => None,
        })
    }

    /// Its statements alone.
    pub fn stmts(&self) -> impl Iterator<Item = Stmt<'t>> + use<'t> {
        self.lines().filter_map(|line| match line {
            Line::Stmt(stmt) => Some(stmt),
            _ => None,
        })
    }

    /// Its arms alone.
    pub fn arms(&self) -> impl Iterator<Item = Arm<'t>> + use<'t> {
        self.lines().filter_map(|line| match line {
            Line::Arm(arm) => Some(arm),
            _ => None,
        })
    }

    /// Its fields alone.
    pub fn fields(&self) -> impl Iterator<Item = Field<'t>> + use<'t> {
        self.lines().filter_map(|line| match line {
            Line::Field(field) => Some(field),
            _ => None,
        })
    }

    /// The items written inside it.
    pub fn items(&self) -> impl Iterator<Item = Item<'t>> + use<'t> {
        self.lines().filter_map(|line| match line {
            Line::Item(item) => Some(item),
            _ => None,
        })
    }
}

impl<'t> Stmt<'t> {
    /// The node this is a view of.
    pub fn node(&self) -> Node<'t> {
        self.node
    }

    /// The whole statement, doc comments and block included.
    pub fn span(&self) -> Span {
        self.node.span()
    }

    /// Whether any part of it did not parse; that was reported. Its block may be whole all the same.
    pub fn is_broken(&self) -> bool {
        self.node.is_broken()
    }

    /// Whether its own line did not parse, whatever its block is like.
    pub fn is_line_broken(&self) -> bool {
        self.node.children().any(|node| node.kind() != Kind::Block && node.is_broken())
    }

    /// The word it begins with.
    pub fn verb(&self) -> Option<Word<'t>> {
        self.node.child(Kind::Verb).map(Word::of)
    }

    /// The text of its `///` comments.
    pub fn docs(&self) -> Option<String> {
        docs(self.node)
    }

    /// The arguments without a name, in order. For `for x where e` they are `x` and `e`; a `let` has none.
    pub fn positional(&self) -> impl Iterator<Item = Expr<'t>> + use<'t> {
        positional(self.node)
    }

    /// The arguments with a name, in order.
    pub fn named(&self) -> impl Iterator<Item = NamedArg<'t>> + use<'t> {
        named(self.node, self.assignment().map(|found| found.target.span()))
    }

    /// The value of the argument `name=…`.
    pub fn arg(&self, name: &str) -> Option<NamedArg<'t>> {
        self.named().find(|arg| arg.name.text == name)
    }

    /// `target = value`, where that is the first argument. A plain name is a target when a blank stands before
    /// the `=` (`stub users = …`), and an argument's name otherwise (`timeout connect=1s`).
    pub fn assignment(&self) -> Option<Assignment<'t>> {
        let arg = self.node.child(Kind::Arg)?;
        let target = arg.children().find_map(Expr::from_node)?;
        let equals = arg.mark("=")?.span();
        if equals.start < target.span().end || arg.children().next()?.kind() == Kind::Word {
            return None;
        }
        let value = arg.children().filter_map(Expr::from_node).nth(1);
        Some(Assignment { target, equals, value })
    }

    /// What it binds, if it is a `let`.
    pub fn binding(&self) -> Option<Binding<'t>> {
        if self.verb()?.text != "let" || self.node.child(Kind::Arg).is_some() {
            return None;
        }
        let name = self.node.child(Kind::Name);
        let ty = self.node.child(Kind::Type).and_then(Type::from_node);
        let after = name.map_or(0, |name| name.span().end);
        let value =
            self.node.children().filter_map(Expr::from_node).find(|e| e.span().start >= after);
        let value = value.filter(|value| Some(value.span()) != name.map(Node::span));
        Some(Binding { name: name.map(Word::of), ty, value })
    }

    /// Its block.
    pub fn block(&self) -> Option<Block<'t>> {
        self.node.child(Kind::Block).map(|node| Block { node })
    }
}

impl<'t> Arm<'t> {
    /// The whole arm.
    pub fn span(&self) -> Span {
        self.node.span()
    }

    /// Whether any part of it did not parse.
    pub fn is_broken(&self) -> bool {
        self.node.is_broken()
    }

    /// What stands before `=>`; several patterns are joined by [`BinaryOp::Alternative`].
    pub fn pattern(&self) -> Option<Expr<'t>> {
        self.node.children().take_while(|node| node.text() != "=>").find_map(Expr::from_node)
    }

    /// The place of the `=>`.
    pub fn arrow(&self) -> Option<Span> {
        self.node.mark("=>").map(Node::span)
    }

    /// What stands after `=>`.
    pub fn value(&self) -> Option<ArmValue<'t>> {
        let mut after = self.node.children().skip_while(|node| node.text() != "=>").skip(1);
        after.find_map(|node| match node.kind() {
            Kind::Block => Some(ArmValue::Block(Block { node })),
            _ => Expr::from_node(node).map(ArmValue::Expr),
        })
    }
}

/// The fields directly beneath `node`.
pub(super) fn fields<'t>(node: Node<'t>) -> impl Iterator<Item = Field<'t>> + use<'t> {
    node.children().filter(|node| node.kind() == Kind::Field).map(|node| Field { node })
}

/// The arguments without a name directly beneath `node`; a `for` has bare expressions there.
pub(super) fn positional<'t>(node: Node<'t>) -> impl Iterator<Item = Expr<'t>> + use<'t> {
    let is_let = node.child(Kind::Verb).is_some_and(|verb| verb.text() == "let");
    let bare = node.kind() == Kind::Stmt && !is_let;
    node.children().filter_map(move |child| match child.kind() {
        Kind::Arg if child.mark("=").is_some() => None,
        Kind::Arg => child.children().find_map(Expr::from_node),
        Kind::Error if node.kind() == Kind::Stmt => None,
        _ if bare => Expr::from_node(child),
        _ => None,
    })
}

/// The arguments with a name directly beneath `node`, but for the one whose target stands at `assigned`.
pub(super) fn named<'t>(
    node: Node<'t>,
    assigned: Option<Span>,
) -> impl Iterator<Item = NamedArg<'t>> + use<'t> {
    let args = node.children().filter(|child| child.kind() == Kind::Arg);
    args.filter_map(move |arg| {
        arg.mark("=")?;
        let is_part =
            |child: &Node<'t>| child.kind() == Kind::Word || Expr::from_node(*child).is_some();
        let first = arg.children().find(is_part)?;
        if !matches!(first.kind(), Kind::Word | Kind::Name) {
            return None;
        }
        if Some(first.span()) == assigned {
            return None;
        }
        let mut values = arg.children().filter_map(Expr::from_node);
        let value = values.find(|value| value.span() != first.span());
        Some(NamedArg { name: Word::of(first), value, span: arg.span() })
    })
}

fn docs(node: Node<'_>) -> Option<String> {
    let lines = node.children().filter(|child| child.kind() == Kind::Doc).map(|child| {
        let line = child.text().trim_start_matches("///").trim_end();
        line.strip_prefix(' ').unwrap_or(line)
    });
    let lines: Vec<&str> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The names of a clause, each with the words that follow it behind dots: `shop.user`.
fn dotted<'t>(clause: Node<'t>) -> impl Iterator<Item = Word<'t>> + use<'t> {
    let begins = clause.children().filter(|node| node.kind() == Kind::Name);
    begins.filter_map(move |name| {
        let behind = clause.children().filter(|node| node.span().start >= name.span().end);
        let parts = behind.take_while(|node| node.kind() == Kind::Word || node.text() == ".");
        let span = parts.last().map_or(name.span(), |last| name.span().to(last.span()));
        let from = (span.start - clause.span().start) as usize;
        let text = clause.text().get(from..from + span.len())?;
        Some(Word { text, span })
    })
}
