//! Routes of which it cannot be decided whether any request reaches them.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0810",
    slug: "undecided-reach",
    severity: Severity::Warning,
    mends: Mends::ByHand("only its author knows which of the conditions can be said more plainly"),
    explain: "\
Whether the routes that are tried before this one leave it any request is decided on sets of requests. Patterns that
remember much of what they read, and many of them over one field, make these sets too large; then nobody knows whether
the route ever answers.

Thousands of patterns over one path in front of each other are such a case. Say with less what each of the routes takes:
another host or path, a comparison with constants, one pattern in the place of many.
",
};

/// So many routes are pointed at.
const MOST: usize = 4;

/// Nobody knows whether a request reaches these routes; nothing, if there are none.
pub fn undecided_reach(routes: &[(&str, Span)]) -> Option<Diag> {
    let ((first, span), others) = routes.split_first()?;
    let more = match others.len() {
        0 => String::new(),
        1 => ", or one more route".to_owned(),
        n => format!(", or {n} more routes"),
    };
    let message = format!("it cannot be decided whether any request reaches `{first}`{more}");
    let mut diag = ENTRY.at(*span, message, "what is tried before this may take all it asks for");
    for (_, other) in others.iter().take(MOST - 1) {
        diag = diag.label(*other, "nor of this");
    }
    Some(diag.help("say more plainly what they and the routes before them take: another host or path, fewer patterns over one field"))
}
