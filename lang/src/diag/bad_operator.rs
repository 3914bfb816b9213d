//! An operator between types that it does not join.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0306",
    slug: "bad-operator",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Comparisons take two values of one type; `in` takes a list, a set, a map, a network or a range on its right; `and`, `or` and `not` take `Bool`.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where client.ip == 10.0.0.0/8
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  where client.ip in 10.0.0.0/8
  respond 200
}
```
",
};

/// An operator does not join these types.
pub fn bad_operator(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
