//! A comparison through which absence would slip.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0303",
    slug: "absent-comparison",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
`x == \"a\"` means that `x` is present and equal. `x != \"a\"` has no such plain meaning when `x` may be absent: an absent value is not equal, so a check meant to keep something out would let the absent through. The same holds when both sides may be absent.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where req.header[\"x-mode\"] != \"debug\"
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  where (req.header[\"x-mode\"] ?? \"\") != \"debug\"
  respond 200
}
```
",
};

/// A comparison with a value that may be absent; `reason` says what absence would have done.
pub fn absent_comparison(
    span: Span,
    message: impl Into<String>,
    reason: impl Into<String>,
) -> Diag {
    ENTRY.at(span, message, reason)
}
