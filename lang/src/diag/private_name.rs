//! An imported name that its file keeps to itself.

use super::{Diag, Entry, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0207",
    slug: "private-name",
    severity: Severity::Error,
    explain: "\
A file gives away only what it marks with `pub`.
",
};

/// `name` is defined at `definition`, without `pub`.
pub fn private_name(span: Span, name: &str, definition: Span, item: Span) -> Diag {
    let start = Span { end: item.start, ..item };
    ENTRY
        .at(span, format!("`{name}` is private to its file"), "imported here")
        .label(definition, "defined here without `pub`")
        .help(format!("write `pub` before the definition of `{name}`"))
        .fix("make it `pub`", start, "pub ")
}
