//! A named argument that is not taken.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0313",
    slug: "unknown-argument",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Arguments are given by position or as `name=value`, with the names of the parameters.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  forward app, timeuot=5s
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

/// `what` takes no `name`; `similar` is the nearest, and where a policy defines it. `takes` lists what there is.
pub fn unknown_argument(
    span: Span,
    what: &str,
    name: &str,
    similar: Option<(&str, Option<Span>)>,
    takes: &str,
) -> Diag {
    let mut diag = ENTRY.at(span, format!("`{what}` takes no `{name}`"), "no such parameter");
    match similar {
        Some((near, place)) => {
            if let Some(place) = place {
                diag = diag.label(place, "similar name defined here");
            }
            diag.help(format!("did you mean `{near}`?")).suggest(
                format!("write `{near}`"),
                span,
                near,
            )
        }
        None if takes.is_empty() => diag.help(format!("`{what}` takes no arguments")),
        None => diag.help(format!("it takes {takes}")),
    }
}
