//! Files that import each other.

use super::{Diag, Entry, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0208",
    slug: "import-cycle",
    severity: Severity::Error,
    explain: "\
A file may not import itself, directly or through others: what belongs to both belongs into a third file.
",
};

/// The import at `span` leads back to the file it stands in.
pub fn import_cycle(span: Span, path: &str) -> Diag {
    ENTRY
        .at(span, format!("importing `{path}` leads back to this file"), "the circle closes here")
        .help("move what both files need into a third one")
}
