//! Two routes of which it cannot be decided whether they overlap.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0803",
    slug: "undecided-order",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Whether two conditions can hold for one request is decided exactly where they compare fields with constants.
Where they compute with what a request says, or compare it with an input, it may not be decidable; then `before` has to say
which route is tried first.
The same holds where more is asked of one field than can be told apart: of such routes it may not be known which one is the
narrower.
Nor are more than some 2,000 routes that may all overlap at one path, or 100,000 pairs of paths across each other at one
host, compared with each other; there no `before` helps, but paths or hosts of their own.

```gw fails
edition 2026

listener web { bind \":8080\" }

route one on web {
  path \"/a\"
  where (int(req.query[\"page\"] ?? \"\") ?? 0) + 1 == (int(req.query[\"next\"] ?? \"\") ?? 0)
  respond 200, \"one\"
}
route two on web {
  path \"/a\"
  where (int(req.query[\"page\"] ?? \"\") ?? 0) + 2 == (int(req.query[\"next\"] ?? \"\") ?? 0)
  respond 200, \"two\"
}
```

Say which one is tried first:

```gw mended
edition 2026

listener web { bind \":8080\" }

route one before two on web {
  path \"/a\"
  where (int(req.query[\"page\"] ?? \"\") ?? 0) + 1 == (int(req.query[\"next\"] ?? \"\") ?? 0)
  respond 200, \"one\"
}
route two on web {
  path \"/a\"
  where (int(req.query[\"page\"] ?? \"\") ?? 0) + 2 == (int(req.query[\"next\"] ?? \"\") ?? 0)
  respond 200, \"two\"
}
```
",
};

/// What to do about it.
const NARROWER_FIRST: &str = "say with `before` which of them is tried first: the narrower one, if one is; that is not \
     checked where it cannot be decided";

/// It cannot be decided how `route` (at `span`) and `other` (at `other_span`) lie to each other.
pub fn undecided_order((route, span): (&str, Span), (other, other_span): (&str, Span)) -> Diag {
    ENTRY
        .at(
            span,
            format!("it cannot be decided whether a request fits both `{route}` and `{other}`"),
            "this may overlap",
        )
        .label(other_span, "with this")
        .help(NARROWER_FIRST)
}

/// So many routes of one host may overlap, `route` (at `span`) and `other` (at `other_span`) among them, that not all are
/// compared with each other.
pub fn undecided_many((route, span): (&str, Span), (other, other_span): (&str, Span)) -> Diag {
    let message = format!(
        "more routes of one host may overlap than are compared, `{route}` and `{other}` among them"
    );
    ENTRY
        .at(span, message, "this is one of them")
        .label(other_span, "and this")
        .help("no line of `before` orders them all: give them paths or hosts of their own")
}

/// Both `route` (at `span`) and `other` (at `other_span`) take the example, and it cannot be decided which one is narrower.
pub fn undecided_narrower(
    (route, span): (&str, Span),
    (other, other_span): (&str, Span),
    example: &str,
) -> Diag {
    ENTRY
        .showing(
            span,
            format!(
                "`{route}` and `{other}` take the same requests, and it cannot be decided which one is narrower"
            ),
            format!("`{example}` fits this"),
        )
        .label(other_span, "and this")
        .help(NARROWER_FIRST)
}
