//! A `match` that leaves something out.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0307",
    slug: "missing-arm",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A `match` has an answer for every value of its subject; `_` takes what is left.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  let kind = match req.path { \"/a\" => 1 }
  respond 200
  set resp.header[\"x-kind\"] = \"{kind}\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  let kind = match req.path { \"/a\" => 1, _ => 0 }
  respond 200
  set resp.header[\"x-kind\"] = \"{kind}\"
}
```
",
};

/// The `match` at `span` has no arm for `missing`; an arm fits at `insert`.
pub fn missing_arm(span: Span, missing: &str) -> Diag {
    ENTRY.at(span, "this `match` leaves something out", format!("no arm takes {missing}"))
}
