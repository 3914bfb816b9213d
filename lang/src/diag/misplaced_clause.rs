//! A clause where it does not belong.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0406",
    slug: "misplaced-clause",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
`host`, `path`, `method` and `where` choose a route; they stand in a route or, where they suit all of its routes, in a site.

```gw fails
edition 2026

listener web { bind \":8080\" }
pub policy p { host \"a.example\" }

route all on web { respond 200 }
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  host \"a.example\"
  respond 200
}
```
",
};

/// `clause` does not belong into `place`.
pub fn misplaced_clause(span: Span, clause: &str, place: &str) -> Diag {
    ENTRY.at(span, format!("`{clause}` does not belong in {place}"), "not here")
}
