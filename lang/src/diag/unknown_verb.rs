//! A verb that does not exist.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0401",
    slug: "unknown-verb",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Each line inside a route begins with a verb: one of the language's own clauses or an action.

```gw fails
edition 2026

listener web { bind \":8080\" }
pub upstream app { server \"127.0.0.1:3000\" }

route all on web {
  fowrard app
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

/// `verb` is no clause or action; `similar` is the nearest.
pub fn unknown_verb(span: Span, verb: &str, place: &str, similar: Option<&str>) -> Diag {
    let diag = ENTRY.at(span, format!("there is no `{verb}` in {place}"), "no such verb");
    match similar {
        Some(near) => diag.help(format!("did you mean `{near}`?")).suggest(
            format!("write `{near}`"),
            span,
            near,
        ),
        None => diag,
    }
}
