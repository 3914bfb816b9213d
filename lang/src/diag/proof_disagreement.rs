//! A mistake of the compiler: an example of a proof does not do what it was made for.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0999",
    slug: "proof-disagreement",
    severity: Severity::Error,
    mends: Mends::ByHand("it is a mistake of the compiler"),
    explain: "\
This is a mistake of the compiler and not of the policy.
Every example of a request is run through the policy before it is shown; here the run disagreed with what had been decided.
Nothing is known of the `assert`. Please report it, with the policy if you can.
",
};

/// `example` should contradict `name` and does not.
pub fn proof_disagreement(span: Span, name: &str, example: &str) -> Diag {
    ENTRY
        .showing(
            span,
            format!("internal error: deciding about `{name}` went wrong"),
            format!("`{example}` was to contradict this, and does not"),
        )
        .help("please report this")
}
