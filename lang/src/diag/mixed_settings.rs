//! Two settings that exclude each other.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0504",
    slug: "mixed-settings",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
An upstream has fixed servers or discovers them, not both.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app {
  server \"127.0.0.1:3000\"
  discover dns(\"app.example:80\")
}

route all on web {
  forward app
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { discover dns(\"app.example:80\") }

route all on web {
  forward app
}
```
",
};

/// `setting` excludes `other`, which stands at `first`.
pub fn mixed_settings(span: Span, setting: &str, other: &str, first: Span) -> Diag {
    ENTRY
        .at(
            span,
            format!("`{setting}` and `{other}` exclude each other"),
            "this excludes the other",
        )
        .label(first, format!("`{other}` stands here"))
}
