//! A host pattern that means nothing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0407",
    slug: "bad-host",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A host is written in lower case and without a port: exact, `*.x` for one label before `x`, or `**.x` for one or more.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  host \"Shop.example\"
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  host \"shop.example\"
  respond 200
}
```
",
};

/// The part of a host pattern at `span` is wrong.
pub fn bad_host(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
