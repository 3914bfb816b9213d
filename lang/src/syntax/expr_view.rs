//! Views of expressions, with the places of their operators and parts.

use super::ast::{Arm, Block, NamedArg, Word, named, positional};
use super::tree::{Kind, Node};
use super::type_view::Type;
use crate::quoted::unescape;
use crate::source::Span;

/// An expression.
#[derive(Clone, Copy, Debug)]
pub enum Expr<'t> {
    /// A number with its unit, an address, `true` or `false`, `re"…"`.
    Literal(Literal<'t>),
    /// `"…"`.
    Str(Str<'t>),
    /// A name; also a method such as `GET`, and `_` in a pattern.
    Name(Name<'t>),
    /// `base.name` or `base?.name`.
    Member(Member<'t>),
    /// `base[key]`.
    Index(Index<'t>),
    /// `callee(args)`.
    Call(Call<'t>),
    /// `not e` or `-e`.
    Unary(Unary<'t>),
    /// `a op b`.
    Binary(Binary<'t>),
    /// `e is present`.
    Is(Is<'t>),
    /// `match e { … }`.
    Match(Match<'t>),
    /// `[…]`.
    List(List<'t>),
    /// `{ a: e }`.
    Record(Record<'t>),
    /// `(e)`.
    Paren(Paren<'t>),
    /// Something that did not parse or is missing; already reported.
    Error(Span),
}

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<'t> {
            node: Node<'t>,
        }

        impl<'t> $name<'t> {
            /// The node this is a view of.
            pub fn node(&self) -> Node<'t> {
                self.node
            }

            /// The whole of it.
            pub fn span(&self) -> Span {
                self.node.span()
            }
        }
    )*};
}

views! {
    /// A literal that is no string.
    Literal,
    /// A string, perhaps with holes.
    Str,
    /// A name.
    Name,
    /// `base.name` or `base?.name`.
    Member,
    /// `base[key]`.
    Index,
    /// `callee(args)`.
    Call,
    /// `not e` or `-e`.
    Unary,
    /// `a op b`.
    Binary,
    /// `e is word`.
    Is,
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
    /// `{…}` in a string.
    Hole,
    /// `@name(…)`.
    Annotation,
}

/// A piece of a string.
#[derive(Clone, Copy, Debug)]
pub enum Part<'t> {
    /// Plain text, as written.
    Text(Word<'t>),
    /// A backslash and what belongs to it, as written: `\n \r \t \" \\ \{ \} \u{…}`.
    Escape(Word<'t>),
    /// `{…}`: an expression to splice in, or a pattern's capture.
    Hole(Hole<'t>),
}

/// An operator and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Op<T> {
    /// Which one.
    pub op: T,
    /// Its place.
    pub span: Span,
}

/// An operator before its operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    /// `not`.
    Not,
    /// `-`.
    Negate,
}

/// An operator between two operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinaryOp {
    /// `|`, in patterns.
    Alternative,
    /// `or`.
    Or,
    /// `and`.
    And,
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
    /// `in`.
    In,
    /// `not in`.
    NotIn,
    /// `??`.
    Otherwise,
    /// `..`.
    Range,
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
}

impl<'t> Expr<'t> {
    /// The expression that `node` is, if it is one.
    pub fn from_node(node: Node<'t>) -> Option<Expr<'t>> {
        Some(match node.kind() {
            Kind::Literal | Kind::Regex => Expr::Literal(Literal { node }),
            Kind::Str => Expr::Str(Str { node }),
            Kind::Name => Expr::Name(Name { node }),
            Kind::Member => Expr::Member(Member { node }),
            Kind::Index => Expr::Index(Index { node }),
            Kind::Call => Expr::Call(Call { node }),
            Kind::Unary => Expr::Unary(Unary { node }),
            Kind::Binary => Expr::Binary(Binary { node }),
            Kind::Is => Expr::Is(Is { node }),
            Kind::Match => Expr::Match(Match { node }),
            Kind::List => Expr::List(List { node }),
            Kind::Record => Expr::Record(Record { node }),
            Kind::Paren => Expr::Paren(Paren { node }),
            Kind::Error | Kind::Missing => Expr::Error(node.span()),
            _ => return None,
        })
    }

    /// The whole of it.
    pub fn span(&self) -> Span {
        match self {
            Expr::Literal(e) => e.span(),
            Expr::Str(e) => e.span(),
            Expr::Name(e) => e.span(),
            Expr::Member(e) => e.span(),
            Expr::Index(e) => e.span(),
            Expr::Call(e) => e.span(),
            Expr::Unary(e) => e.span(),
            Expr::Binary(e) => e.span(),
            Expr::Is(e) => e.span(),
            Expr::Match(e) => e.span(),
            Expr::List(e) => e.span(),
            Expr::Record(e) => e.span(),
            Expr::Paren(e) => e.span(),
            Expr::Error(span) => *span,
        }
    }
}

impl<'t> Literal<'t> {
    /// As written.
    pub fn text(&self) -> &'t str {
        self.node.text()
    }

    /// Whether it is `re"…"`.
    pub fn is_regex(&self) -> bool {
        self.node.kind() == Kind::Regex
    }

    /// Between the quotes of a regex, as written (a backslash is the regex's own), and where that is.
    pub fn pattern(&self) -> Option<Word<'t>> {
        if !self.is_regex() {
            return None;
        }
        let inner = self.text().strip_prefix("re\"")?;
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        Some(Word { text: inner, span: self.span().part(3, 3 + inner.len()) })
    }
}

impl<'t> Str<'t> {
    pub(super) fn of(node: Node<'t>) -> Str<'t> {
        Str { node }
    }

    /// Between the quotes, as written.
    pub fn text(&self) -> &'t str {
        Word::of(self.node).text
    }

    /// Where that is.
    pub fn inner_span(&self) -> Span {
        self.span().part(1, 1 + self.text().len())
    }

    /// Its pieces, in order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'t>> + use<'t> {
        self.node.children().filter_map(|node| match node.kind() {
            Kind::StrText => Some(Part::Text(Word::of(node))),
            Kind::Escape => Some(Part::Escape(Word::of(node))),
            Kind::Hole => Some(Part::Hole(Hole { node })),
            _ => None,
        })
    }

    /// Whether it has holes.
    pub fn has_holes(&self) -> bool {
        self.node.child(Kind::Hole).is_some()
    }

    /// Its value where it has no holes: escapes are undone, an unknown escape stays as written.
    pub fn plain(&self) -> Option<String> {
        let mut value = String::new();
        for part in self.parts() {
            match part {
                Part::Text(word) => value.push_str(word.text),
                Part::Escape(word) => match unescape(word.text) {
                    Some(character) => value.push(character),
                    None => value.push_str(word.text),
                },
                Part::Hole(_) => return None,
            }
        }
        Some(value)
    }
}

impl<'t> Hole<'t> {
    /// Between the braces, as written.
    pub fn text(&self) -> &'t str {
        let text = self.node.text();
        text.get(1..text.len().saturating_sub(1)).unwrap_or("")
    }

    /// Where that is.
    pub fn inner_span(&self) -> Span {
        self.span().part(1, 1 + self.text().len())
    }

    /// The expression in it, if it is one.
    pub fn expr(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }

    /// The name and type in it, if it is `{name: Type}`. `{name}` is an expression too.
    pub fn capture(&self) -> Option<(Word<'t>, Option<Type<'t>>)> {
        let capture = self.node.child(Kind::Capture)?;
        let ty = capture.child(Kind::Type).and_then(Type::from_node);
        Some((Word::of(capture.child(Kind::Name)?), ty))
    }
}

impl<'t> Name<'t> {
    /// As written.
    pub fn text(&self) -> &'t str {
        self.node.text()
    }

    /// As a word.
    pub fn word(&self) -> Word<'t> {
        Word::of(self.node)
    }
}

impl<'t> Member<'t> {
    /// What stands before the dot.
    pub fn base(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }

    /// The place of `.` or `?.`.
    pub fn dot(&self) -> Option<Span> {
        self.node.mark(".").or_else(|| self.node.mark("?.")).map(Node::span)
    }

    /// Whether it is `?.`.
    pub fn is_optional(&self) -> bool {
        self.node.mark("?.").is_some()
    }

    /// The name after the dot.
    pub fn name(&self) -> Option<Word<'t>> {
        self.node.child(Kind::Word).map(Word::of)
    }
}

impl<'t> Index<'t> {
    /// What is looked into.
    pub fn base(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }

    /// What is looked up.
    pub fn key(&self) -> Option<Expr<'t>> {
        self.node.children().filter_map(Expr::from_node).nth(1)
    }
}

impl<'t> Call<'t> {
    /// What is called.
    pub fn callee(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }

    /// The arguments without a name.
    pub fn positional(&self) -> impl Iterator<Item = Expr<'t>> + use<'t> {
        positional(self.node)
    }

    /// The arguments with a name.
    pub fn named(&self) -> impl Iterator<Item = NamedArg<'t>> + use<'t> {
        named(self.node, None)
    }

    /// The argument `name=…`.
    pub fn arg(&self, name: &str) -> Option<NamedArg<'t>> {
        self.named().find(|arg| arg.name.text == name)
    }

    /// Whether any part of it did not parse.
    pub fn is_broken(&self) -> bool {
        self.node.is_broken()
    }
}

impl<'t> Unary<'t> {
    /// The operator.
    pub fn op(&self) -> Option<Op<UnaryOp>> {
        let node = self.node.child(Kind::Op)?;
        let op = if node.text() == "-" { UnaryOp::Negate } else { UnaryOp::Not };
        Some(Op { op, span: node.span() })
    }

    /// What it is applied to.
    pub fn operand(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }
}

impl<'t> Binary<'t> {
    /// The operator.
    pub fn op(&self) -> Option<Op<BinaryOp>> {
        let node = self.node.child(Kind::Op)?;
        Some(Op { op: BinaryOp::from_text(node.text())?, span: node.span() })
    }

    /// The left operand.
    pub fn left(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }

    /// The right operand.
    pub fn right(&self) -> Option<Expr<'t>> {
        self.node.children().filter_map(Expr::from_node).nth(1)
    }
}

impl BinaryOp {
    /// The operator written so. `&&` and `||` are reported by the parser and read as meant.
    pub(super) fn from_text(text: &str) -> Option<BinaryOp> {
        Some(match text {
            "|" => BinaryOp::Alternative,
            "or" | "||" => BinaryOp::Or,
            "and" | "&&" => BinaryOp::And,
            "==" => BinaryOp::Equal,
            "!=" => BinaryOp::NotEqual,
            "<" => BinaryOp::Less,
            "<=" => BinaryOp::LessEqual,
            ">" => BinaryOp::Greater,
            ">=" => BinaryOp::GreaterEqual,
            "in" => BinaryOp::In,
            "??" => BinaryOp::Otherwise,
            ".." => BinaryOp::Range,
            "+" => BinaryOp::Add,
            "-" => BinaryOp::Subtract,
            "*" => BinaryOp::Multiply,
            "/" => BinaryOp::Divide,
            _ if text.starts_with("not") => BinaryOp::NotIn,
            _ => return None,
        })
    }

    /// How tightly it binds, and whether it may stand twice in a row.
    pub(super) fn binding(self) -> (u8, bool) {
        match self {
            BinaryOp::Alternative => (1, true),
            BinaryOp::Or => (2, true),
            BinaryOp::And => (3, true),
            BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual
            | BinaryOp::In
            | BinaryOp::NotIn => (5, false),
            BinaryOp::Otherwise => (6, true),
            BinaryOp::Range => (7, false),
            BinaryOp::Add | BinaryOp::Subtract => (8, true),
            BinaryOp::Multiply | BinaryOp::Divide => (9, true),
        }
    }
}

impl<'t> Is<'t> {
    /// What is asked about.
    pub fn operand(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }

    /// The place of `is`.
    pub fn op_span(&self) -> Option<Span> {
        self.node.mark("is").map(Node::span)
    }

    /// Whether it is `is not`.
    pub fn is_negated(&self) -> bool {
        self.node.child(Kind::Op).is_some()
    }

    /// `present`, `absent`, `failed` or another word.
    pub fn state(&self) -> Option<Word<'t>> {
        self.node.child(Kind::Word).map(Word::of)
    }
}

impl<'t> Match<'t> {
    /// What is compared.
    pub fn subject(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }

    /// The braces and what is in them.
    pub fn block(&self) -> Option<Block<'t>> {
        self.node.child(Kind::Block).map(Block::of)
    }

    /// Its arms.
    pub fn arms(&self) -> impl Iterator<Item = Arm<'t>> + use<'t> {
        self.block().into_iter().flat_map(|block| block.arms())
    }

    /// Whether any part of it did not parse.
    pub fn is_broken(&self) -> bool {
        self.node.is_broken()
    }
}

impl<'t> List<'t> {
    /// Its elements.
    pub fn items(&self) -> impl Iterator<Item = Expr<'t>> + use<'t> {
        self.node.children().filter_map(Expr::from_node)
    }
}

impl<'t> Record<'t> {
    /// Its entries.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'t>> + use<'t> {
        self.node.children().filter(|node| node.kind() == Kind::Entry).map(|node| Entry { node })
    }

    /// Whether any part of it did not parse.
    pub fn is_broken(&self) -> bool {
        self.node.is_broken()
    }
}

impl<'t> Entry<'t> {
    /// Its key as it is written; a string's text comes without the quotes.
    pub fn key(&self) -> Option<Word<'t>> {
        self.key_node().map(Word::of)
    }

    /// The name that its key stands for: the escapes of a string are undone. None if it has holes.
    pub fn name(&self) -> Option<String> {
        let node = self.key_node()?;
        match node.kind() {
            Kind::Str => Str::of(node).plain(),
            _ => Some(node.text().to_owned()),
        }
    }

    fn key_node(&self) -> Option<Node<'t>> {
        self.node.children().find(|node| matches!(node.kind(), Kind::Word | Kind::Str))
    }

    /// Its value.
    pub fn value(&self) -> Option<Expr<'t>> {
        let key = self.key()?.span;
        self.node.children().filter_map(Expr::from_node).find(|value| value.span() != key)
    }
}

impl<'t> Paren<'t> {
    /// What is in it.
    pub fn inner(&self) -> Option<Expr<'t>> {
        self.node.children().find_map(Expr::from_node)
    }
}

impl<'t> Annotation<'t> {
    pub(super) fn from_node(node: Node<'t>) -> Option<Annotation<'t>> {
        (node.kind() == Kind::Annotation).then_some(Annotation { node })
    }

    /// The word after `@`.
    pub fn name(&self) -> Option<Word<'t>> {
        self.node.child(Kind::Name).map(Word::of)
    }

    /// Its arguments.
    pub fn positional(&self) -> impl Iterator<Item = Expr<'t>> + use<'t> {
        self.node.child(Kind::Call).into_iter().flat_map(positional)
    }
}
