//! A verb written in the form of another.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0412",
    slug: "wrong-form",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
`set` and its like take a place and a value, `unset` a place, other verbs plain arguments; only some take `{ pattern => value }` arms.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  unset up.header[\"x-a\"] = \"1\"
  forward app
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  unset up.header[\"x-a\"]
  forward app
}
```
",
};

/// The line at `span` does not have the form of its verb.
pub fn wrong_form(span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, message, reason)
}
