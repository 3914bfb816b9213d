//! A value of another type than is wanted.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0301",
    slug: "wrong-type",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Every parameter, field and operator says the type it takes. Literals carry their unit: `5s`, `10MiB`, `20%`.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  forward app, timeout=5
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  forward app, timeout=5s
}
```
",
};

/// A `found` stands where `why` wants an `expected`.
pub fn wrong_type(span: Span, found: &str, expected: &str, why: Option<(Span, String)>) -> Diag {
    let diag =
        ENTRY.at(span, format!("expected {expected}, found {found}"), format!("this is {found}"));
    match why {
        Some((place, reason)) => diag.label(place, reason),
        None => diag,
    }
}
