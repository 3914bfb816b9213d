//! A setting that may stand once.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0503",
    slug: "repeated-setting",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Where a setting may stand several times, its reference says so.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app {
  server \"127.0.0.1:3000\"
  balance random
  balance round_robin
}

route all on web {
  forward app
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app {
  server \"127.0.0.1:3000\"
  balance round_robin
}

route all on web {
  forward app
}
```
",
};

/// `setting` stands a second time.
pub fn repeated_setting(span: Span, setting: &str, first: Span) -> Diag {
    ENTRY.at(span, format!("`{setting}` stands twice"), "again here").label(first, "first here")
}
