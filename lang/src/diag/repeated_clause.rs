//! A clause that may stand once.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0413",
    slug: "repeated-clause",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Several values of one clause stand in one line: `method GET, POST`.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  method GET
  method POST
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  method GET, POST
  respond 200
}
```
",
};

/// `clause` stands a second time.
pub fn repeated_clause(span: Span, clause: &str, first: Span) -> Diag {
    ENTRY
        .at(span, format!("`{clause}` stands twice"), "again here")
        .label(first, "first here")
        .help(format!("write all values in one line: `{clause} a, b`"))
}
