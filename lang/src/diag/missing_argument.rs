//! An argument that is not given.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0312",
    slug: "missing-argument",
    severity: Severity::Error,
    mends: Mends::ByHand("the value is for its author to say"),
    explain: "\
A parameter without a default must be given, by position or by name.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  forward
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  forward app
}
```
",
};

/// `name`, of type `ty`, is not given to `what`.
pub fn missing_argument(span: Span, what: &str, name: &str, ty: &str) -> Diag {
    ENTRY.at(span, format!("`{what}` needs its `{name}`"), format!("`{name}` ({ty}) is missing"))
}
