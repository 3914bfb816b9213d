//! A value outside what is possible.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0318",
    slug: "out-of-range",
    severity: Severity::Error,
    mends: Mends::ByHand("which of the possible values was meant is not known"),
    explain: "\
A status is 100 to 599, a port 1 to 65535; other parameters say their bounds.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 600
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
}
```
",
};

/// The value at `span` is not possible.
pub fn out_of_range(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
