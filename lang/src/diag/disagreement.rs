//! A mistake of the compiler: an example that it made does not fit what it was made for.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0899",
    slug: "disagreement",
    severity: Severity::Error,
    mends: Mends::ByHand("it is a mistake of the compiler"),
    explain: "\
This is a mistake of the compiler and not of the policy.
Every example of a request is run through the policy before it is shown; here the run disagreed with what had been decided.
The policy is refused, because its order is not certain. Please report it, with the policy if you can.
A `before` between the two routes avoids the question.
",
};

/// `example` should fit both routes and does not.
pub fn disagreement(
    (route, span): (&str, Span),
    (other, other_span): (&str, Span),
    example: &str,
) -> Diag {
    ENTRY
        .showing(
            span,
            format!("internal error: deciding between `{route}` and `{other}` went wrong"),
            format!("`{example}` was to fit this"),
        )
        .label(other_span, "and this, and does not")
        .help("please report this; a `before` between the two avoids it")
}
