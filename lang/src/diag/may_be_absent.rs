//! A value that may be absent where one is needed.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0302",
    slug: "may-be-absent",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A header, a query parameter or a cookie may not be there: its type ends in `?`. Say what happens then.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where starts_with(req.header[\"x-user\"], \"admin\")
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  where starts_with(req.header[\"x-user\"] ?? \"\", \"admin\")
  respond 200
}
```
",
};

/// A value of type `found` may be absent; `consequence` is what absence would have done.
pub fn may_be_absent(span: Span, found: &str, expected: &str, consequence: &str) -> Diag {
    ENTRY.at(span, format!("this may be absent: expected {expected}, found {found}"), consequence)
}
