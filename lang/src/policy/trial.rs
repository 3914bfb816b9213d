//! A checked `test`: requests that nobody sends, what upstreams would answer, and what is expected of it all.

use std::sync::Arc;

use super::{Expr, LocalId};
use crate::source::Span;

/// A `test` of the policy.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name, as written.
    pub name: Arc<str>,
    /// The rows for each of which it runs once.
    pub table: Option<Table>,
    /// Its lines, in order.
    pub lines: Vec<Line>,
    /// Its name's place.
    pub span: Span,
}

/// `each NAME = [rows]`.
#[derive(Clone, Debug)]
pub struct Table {
    /// The name that stands for the row.
    pub row: LocalId,
    /// The rows: an expression of a list.
    pub rows: Expr,
    /// Where each row is written, if they stand in the table itself.
    pub places: Vec<Span>,
    /// Where it is written.
    pub span: Span,
}

/// A line of a test.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it does.
    pub kind: LineKind,
    /// Where it is written.
    pub span: Span,
}

/// What a line of a test does.
#[derive(Clone, Debug)]
pub enum LineKind {
    /// From now on this upstream answers so; the value is a stub, see [`crate::vocab::trial`].
    Stub(Arc<str>, Expr),
    /// Sends a request and waits for the whole answer: one expression for each of [`crate::vocab::trial::SEND`].
    Send(Vec<Expr>),
    /// Lets time pass.
    Advance(Expr),
    /// What must hold of the last request.
    Expect(Expr),
}
