//! Something that grows beyond its bound.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0316",
    slug: "too-large",
    severity: Severity::Error,
    mends: Mends::ByHand("how it is divided is a decision"),
    explain: "\
Functions and policies are put in where they are used. What that makes of one route or one constant is bounded, and so is how deep names and items stand on each other, so that checking and running stay bounded too.
",
};

/// What is put together at `span` is larger than allowed.
pub fn too_large(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
