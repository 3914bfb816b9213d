//! A route that answers twice.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0404",
    slug: "ends-twice",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A request is answered once: a second `forward`, `respond` or `redirect` would never run.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  respond 200
  forward app
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

/// The request was answered at `first`; `verb` would answer it again. `whole` is what goes if it goes.
pub fn ends_twice(span: Span, verb: &str, first: Span, whole: Span) -> Diag {
    ENTRY
        .at(span, format!("`{verb}` never runs"), "the request is already answered")
        .label(first, "answered here")
        .help("a request has one answer: remove one of the two")
        .suggest(format!("remove this `{verb}`"), whole, "")
}
