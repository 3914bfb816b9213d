//! A literal that means nothing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0304",
    slug: "bad-literal",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Literals carry units: `250ms 5s 10min 8h 1d`, `10MiB`, `100/s`, `20%`, `10.0.0.0/8`, `25ms..250ms`, `404`, `5xx`.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where client.ip in 10.0.0.1/8
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

/// The part of a literal at `span` is wrong.
pub fn bad_literal(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
