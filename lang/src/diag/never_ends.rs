//! A route that never answers.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0403",
    slug: "never-ends",
    severity: Severity::Error,
    mends: Mends::ByHand("how the route is to answer is for its author to say"),
    explain: "\
Every route ends its way in with `forward`, `respond`, `redirect` or another verb that answers.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  require req.path == \"/a\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  require req.path == \"/a\"
  respond 200
}
```
",
};

/// The route `name` has no statement that answers.
pub fn never_ends(span: Span, name: &str, verbs: &str) -> Diag {
    ENTRY
        .at(span, format!("the route `{name}` never answers"), "no statement answers the request")
        .help(format!("end it with {verbs}"))
}
