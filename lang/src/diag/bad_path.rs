//! A path pattern that could never match.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0408",
    slug: "bad-path",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Paths are compared in their normal form: unreserved characters are decoded, `.` and `..` are gone, `//` is one slash. `{name}` is one segment, `/**` at the end is everything beneath.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/a//b\"
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/a/b\"
  respond 200
}
```
",
};

/// The part of a path pattern at `span` is wrong.
pub fn bad_path(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
