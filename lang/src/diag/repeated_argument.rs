//! One argument given twice.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0314",
    slug: "repeated-argument",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A parameter has one value.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  forward app, timeout=5s, timeout=6s
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  forward app, timeout=5s
}
```
",
};

/// `name` was given before, at `first`.
pub fn repeated_argument(span: Span, name: &str, first: Span) -> Diag {
    ENTRY
        .at(span, format!("`{name}` is given twice"), "given again here")
        .label(first, "first given here")
}
