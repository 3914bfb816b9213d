//! Two routes whose conditions overlap with neither inside the other.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0802",
    slug: "ambiguous-routes",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Of two routes with the same host and path, the one whose methods and `where` lie inside the other's is tried first.
Here some requests fit both while each fits requests of its own, so nothing says which one answers.

```gw fails
edition 2026

listener web { bind \":8080\" }

route debug on web {
  path \"/a\"
  where req.header[\"x-debug\"] == \"1\"
  respond 200, \"debug\"
}
route canary on web {
  path \"/a\"
  where req.header[\"x-canary\"] == \"1\"
  respond 200, \"canary\"
}
```

Say which one is tried first:

```gw mended
edition 2026

listener web { bind \":8080\" }

route debug before canary on web {
  path \"/a\"
  where req.header[\"x-debug\"] == \"1\"
  respond 200, \"debug\"
}
route canary on web {
  path \"/a\"
  where req.header[\"x-canary\"] == \"1\"
  respond 200, \"canary\"
}
```
",
};

/// The conditions of `route` (at `span`) and of `other` (at `other_span`) lie across each other; `example` fits both.
pub fn ambiguous_routes(
    (route, span): (&str, Span),
    (other, other_span): (&str, Span),
    example: &str,
) -> Diag {
    ENTRY
        .showing(
            span,
            format!("`{route}` and `{other}` take the same requests, and neither is narrower"),
            format!("`{example}` fits this"),
        )
        .label(other_span, "and this")
        .help(how_to_order(span, other_span))
}

/// How two routes are ordered by a word, which takes a file that has a name for both.
pub(super) fn how_to_order(span: Span, other: Span) -> &'static str {
    if span.source == other.source {
        "say with `before` which of them is tried first"
    } else {
        "say with `before` which of them is tried first, where both have names: a file has one for what it imports with `use`, and the first file calls routes of a module `module.route`"
    }
}
