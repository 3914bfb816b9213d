//! An edition that does not exist.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0202",
    slug: "unknown-edition",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
There is one edition so far, 2026.

```gw fails
edition 2025

listener web { bind \":8080\" }

route all on web { respond 200 }
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }
```
",
};

/// `written` is no edition.
pub fn unknown_edition(span: Span, written: &str) -> Diag {
    ENTRY
        .at(span, format!("there is no edition `{written}`"), "not an edition")
        .help("the edition is `2026`")
        .fix("write `2026`", span, "2026")
}
