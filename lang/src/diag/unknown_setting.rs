//! A setting that does not exist.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0501",
    slug: "unknown-setting",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Each kind of item has settings of its own.

```gw fails
edition 2026

listener web { bnid \":8080\" }

route all on web { respond 200 }
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }
```
",
};

/// A `block` has no setting `name`; `similar` is the nearest.
pub fn unknown_setting(
    span: Span,
    block: &str,
    name: &str,
    similar: Option<&str>,
    known: &str,
) -> Diag {
    let diag = ENTRY.at(span, format!("`{block}` has no setting `{name}`"), "no such setting");
    match similar {
        Some(near) => diag.help(format!("did you mean `{near}`?")).suggest(
            format!("write `{near}`"),
            span,
            near,
        ),
        None => diag.help(format!("its settings are {known}")),
    }
}
