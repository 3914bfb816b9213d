//! Two routes whose paths overlap with neither inside the other.

use super::ambiguous_routes::how_to_order;
use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0801",
    slug: "ambiguous-paths",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Of two routes on one host, the one whose set of paths lies inside the other's is tried first.
Here some paths belong to both patterns while each has paths of its own, so neither is the narrower one.
The order in which routes are written does not matter, so nothing says which one answers.

```gw fails
edition 2026

listener web { bind \":8080\" }

route users_of on web { path \"/{tenant}/users\"; respond 200, \"users\" }
route admin on web { path \"/admin/{page}\"; respond 200, \"admin\" }
```

Say which one is tried first:

```gw mended
edition 2026

listener web { bind \":8080\" }

route users_of on web { path \"/{tenant}/users\"; respond 200, \"users\" }
route admin before users_of on web { path \"/admin/{page}\"; respond 200, \"admin\" }
```
",
};

/// The paths of `route` (at `span`) and of `other` (at `other_span`) lie across each other; `example` is taken by both.
pub fn ambiguous_paths(
    (route, span): (&str, Span),
    (other, other_span): (&str, Span),
    example: &str,
) -> Diag {
    ENTRY
        .showing(
            span,
            format!("`{route}` and `{other}` overlap in their paths, and neither is narrower"),
            format!("`{example}` belongs to this"),
        )
        .label(other_span, "and to this")
        .help(how_to_order(span, other_span))
}
