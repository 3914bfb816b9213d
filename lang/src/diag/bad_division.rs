//! A division that could fail.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0311",
    slug: "bad-division",
    severity: Severity::Error,
    mends: Mends::ByHand("by what is to be divided is for its author to say"),
    explain: "\
Evaluation never fails, so a divisor is a literal other than zero.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
  set resp.header[\"x-n\"] = \"{10 / length(req.path)}\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
  set resp.header[\"x-n\"] = \"{length(req.path) / 10}\"
}
```
",
};

/// The divisor at `span` is no literal other than zero.
pub fn bad_division(span: Span, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, "a divisor is a literal other than zero", reason)
}
