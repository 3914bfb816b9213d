//! A name of the wrong kind of thing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0210",
    slug: "wrong-kind",
    severity: Severity::Error,
    mends: Mends::ByHand("which of the right kind was meant is not known"),
    explain: "\
An upstream is forwarded to, a policy is applied, a listener is what a route is `on`: one cannot stand for the other.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  forward web
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

/// `name` is a `found`, where a `wanted` belongs.
pub fn wrong_kind(span: Span, name: &str, found: &str, wanted: &str, definition: Span) -> Diag {
    ENTRY
        .at(span, format!("`{name}` is {found}, not {wanted}"), format!("{wanted} belongs here"))
        .label(definition, format!("`{name}` is defined here"))
}
