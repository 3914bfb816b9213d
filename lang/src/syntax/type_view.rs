//! Views of types as they are written.

use super::ast::{Field, Str, Word, fields};
use super::tree::{Kind, Node};
use crate::source::Span;

/// A type as written.
#[derive(Clone, Copy, Debug)]
pub enum Type<'t> {
    /// `String`, `List<T>`.
    Named(Named<'t>),
    /// A string literal, a member of a union.
    Str(Str<'t>),
    /// `{ a: T }`.
    Record(RecordType<'t>),
    /// `T?`.
    Optional(OptionalType<'t>),
    /// `"free" | "pro"`.
    Union(UnionType<'t>),
    /// Something that did not parse or is missing; already reported.
    Error(Span),
}

/// A name, perhaps with arguments.
#[derive(Clone, Copy, Debug)]
pub struct Named<'t> {
    node: Node<'t>,
}

/// `{ a: T }`.
#[derive(Clone, Copy, Debug)]
pub struct RecordType<'t> {
    node: Node<'t>,
}

/// `T?`.
#[derive(Clone, Copy, Debug)]
pub struct OptionalType<'t> {
    node: Node<'t>,
}

/// `A | B`.
#[derive(Clone, Copy, Debug)]
pub struct UnionType<'t> {
    node: Node<'t>,
}

impl<'t> Type<'t> {
    /// The type that `node` is, if it is one.
    pub fn from_node(node: Node<'t>) -> Option<Type<'t>> {
        match node.kind() {
            Kind::Type if members(node).nth(1).is_some() => Some(Type::Union(UnionType { node })),
            Kind::Type => members(node).next(),
            Kind::TypeAtom if node.child(Kind::Optional).is_some() => {
                Some(Type::Optional(OptionalType { node }))
            }
            Kind::TypeAtom => required(node),
            Kind::Error | Kind::Missing => Some(Type::Error(node.span())),
            _ => None,
        }
    }

    /// The whole of it.
    pub fn span(&self) -> Span {
        match self {
            Type::Named(ty) => ty.span(),
            Type::Str(ty) => ty.span(),
            Type::Record(ty) => ty.node.span(),
            Type::Optional(ty) => ty.node.span(),
            Type::Union(ty) => ty.node.span(),
            Type::Error(span) => *span,
        }
    }
}

impl<'t> Named<'t> {
    /// From the name to the end of its arguments.
    pub fn span(&self) -> Span {
        let name = self.name().span;
        self.node.child(Kind::TypeArgs).map_or(name, |args| name.to(args.span()))
    }

    /// The name.
    pub fn name(&self) -> Word<'t> {
        Word::of(self.node.child(Kind::Name).unwrap_or(self.node))
    }

    /// Its arguments.
    pub fn args(&self) -> impl Iterator<Item = Type<'t>> + use<'t> {
        let args = self.node.child(Kind::TypeArgs).into_iter().flat_map(Node::children);
        args.filter_map(Type::from_node)
    }
}

impl<'t> RecordType<'t> {
    /// Its fields.
    pub fn fields(&self) -> impl Iterator<Item = Field<'t>> + use<'t> {
        fields(self.node)
    }
}

impl<'t> OptionalType<'t> {
    /// What it is when it is present.
    pub fn inner(&self) -> Option<Type<'t>> {
        required(self.node)
    }

    /// The place of the `?`.
    pub fn mark(&self) -> Option<Span> {
        self.node.child(Kind::Optional).map(Node::span)
    }
}

impl<'t> UnionType<'t> {
    /// Its members.
    pub fn members(&self) -> impl Iterator<Item = Type<'t>> + use<'t> {
        members(self.node)
    }
}

fn members<'t>(node: Node<'t>) -> impl Iterator<Item = Type<'t>> + use<'t> {
    node.children().filter_map(Type::from_node)
}

fn required(atom: Node<'_>) -> Option<Type<'_>> {
    atom.children().find_map(|node| match node.kind() {
        Kind::Name => Some(Type::Named(Named { node: atom })),
        Kind::Str => Some(Type::Str(Str::of(node))),
        Kind::TypeRecord => Some(Type::Record(RecordType { node })),
        Kind::Error | Kind::Missing => Some(Type::Error(node.span())),
        _ => None,
    })
}
