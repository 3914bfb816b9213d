//! A `before` that changes nothing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0809",
    slug: "idle-before",
    severity: Severity::Warning,
    mends: Mends::Carried,
    explain: "\
A `before` decides between two routes that can take the same request while neither is narrower.
Here the order is the same without it, or no request is taken by both.

```gw fails
edition 2026

listener web { bind \":8080\" }

route one before all on web { path \"/a/b\"; respond 200, \"one\" }
route all on web { path \"/a/**\"; respond 200, \"all\" }
```

Remove it:

```gw mended
edition 2026

listener web { bind \":8080\" }

route one on web { path \"/a/b\"; respond 200, \"one\" }
route all on web { path \"/a/**\"; respond 200, \"all\" }
```
",
};

/// The `before` at `span` changes nothing, for this reason; `whole` is what goes if it goes.
pub fn idle_before((span, whole): (Span, Span), first: &str, second: &str, reason: &str) -> Diag {
    ENTRY
        .at(span, format!("`{first}` before `{second}` changes nothing"), reason)
        .help("remove it")
        .fix("remove it", whole, "")
}
