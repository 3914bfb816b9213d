//! A text with a part that is not understood.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0319",
    slug: "bad-text",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
In a text, `\\\\`, `\\\"`, `\\n`, `\\r`, `\\t`, `\\{` and `\\}` are characters, `\\u{a0}` is the one of that number, and `{…}` puts a value in.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200, \"a\\qb\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200, \"a\\\\qb\"
}
```
",
};

/// The part of a text at `span` is not understood.
pub fn bad_text(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
