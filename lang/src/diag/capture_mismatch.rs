//! Paths of one route that capture differently.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0409",
    slug: "capture-mismatch",
    severity: Severity::Error,
    mends: Mends::ByHand("which of the paths captures what was meant is not known"),
    explain: "\
A route with several paths captures the same names with the same types in each, so that `path.NAME` always has a value. Of two paths that hold the same request, one lies inside the other or both capture the same segments, so that it is one value.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/a/{id}\", \"/b/{name}\"
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/a/{id}\", \"/b/{id}\"
  respond 200
}
```
",
};

/// A path captures something that another path of the route does not.
pub fn capture_mismatch(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
