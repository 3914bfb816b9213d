//! A route that would come before itself.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0414",
    slug: "wrong-order",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
`before` says which of two overlapping routes is tried first, so it names another route.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web before all { respond 200 }
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }
```
",
};

/// The `before` at `span` cannot hold.
pub fn wrong_order(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
