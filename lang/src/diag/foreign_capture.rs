//! A path segment that is a capture elsewhere.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0606",
    slug: "foreign-capture",
    severity: Severity::Warning,
    mends: Mends::Carried,
    explain: "\
Other routers write `:id` for one segment. Here that is the text `:id` itself, and `{id}` is one segment.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/users/:id\"
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/users/{id}\"
  respond 200
}
```
",
};

/// The segment `written` captures nothing; `name` is what it probably was to capture.
pub fn foreign_capture(span: Span, written: &str, name: &str) -> Diag {
    ENTRY
        .at(span, format!("`{written}` captures nothing"), "only this very text")
        .help(format!("write `{{{name}}}` for one segment"))
        .suggest(format!("write `{{{name}}}`"), span, format!("{{{name}}}"))
}
