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
Of a route with several paths, what `path.NAME` reads is captured by each of them with the same type, so that it always has a value; what nobody reads may differ. Of two paths that hold the same request, one lies inside the other or both capture the same segments, so that it is one value.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/a/{id}\", \"/b/{name}\"
  respond 200, path.id
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/a/{id}\", \"/b/{id}\"
  respond 200, path.id
}
```
",
};

/// A path captures something that another path of the route does not.
pub fn capture_mismatch(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
