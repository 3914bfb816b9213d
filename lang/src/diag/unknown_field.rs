//! A field that does not exist.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0211",
    slug: "unknown-field",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Fields are the parts of a request, its connection and its answer that a policy can read.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where req.hots == \"shop.example\"
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  where req.host == \"shop.example\"
  respond 200
}
```
",
};

/// `path` is no field. `similar` is the nearest one, and when it exists.
pub fn unknown_field(span: Span, path: &str, similar: Option<(&str, &str)>) -> Diag {
    let diag = ENTRY.at(span, format!("there is no field `{path}`"), "no such field");
    match similar {
        Some((near, exists)) => diag
            .help(format!("did you mean `{near}`, which exists {exists}?"))
            .suggest(format!("write `{near}`"), span, near),
        None => diag,
    }
}
