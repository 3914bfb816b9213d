//! A `before` against a rule.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0808",
    slug: "contrary-before",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A route that takes a strictly narrower set of requests is always tried first: a narrower host, on equal hosts a narrower
path, on equal paths narrower methods and `where`. A `before` decides only where neither is narrower. If it could turn the
rule around, the narrower route would never answer, or only by luck.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all before one on web { path \"/a/**\"; respond 200, \"all\" }
route one on web { path \"/a/b\"; respond 200, \"one\" }
```

Remove it:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { path \"/a/**\"; respond 200, \"all\" }
route one on web { path \"/a/b\"; respond 200, \"one\" }
```
",
};

/// The `before` at `span` puts `first` in front of `second`, whose `what` (host, path or condition) is narrower;
/// `whole` is what goes if it goes.
pub fn contrary_before(
    (span, whole): (Span, Span),
    first: &str,
    (second, second_span): (&str, Span),
    what: &str,
    hides: bool,
) -> Diag {
    let message = if hides {
        format!("`before` would leave nothing to `{second}`")
    } else {
        format!("`{first}` can not be tried before `{second}`")
    };
    ENTRY
        .at(span, message, format!("the {what} of `{second}` is strictly narrower"))
        .label(second_span, "so this is always tried first")
        .help("remove it: `before` decides only where neither route is narrower")
        .suggest("remove it", whole, "")
}
