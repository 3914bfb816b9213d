//! A name that stands for nothing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0203",
    slug: "unknown-name",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A name must be defined in the same file or imported with `use`. The order of items does not matter.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  forward ap
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

/// Nothing called `name` is known; `what` says what was looked for. `similar` is the nearest that is, and where it is
/// defined, if that is in a policy.
pub fn unknown_name(
    span: Span,
    what: &str,
    name: &str,
    similar: Option<(&str, Option<Span>)>,
) -> Diag {
    let mut diag = ENTRY.at(span, format!("there is no {what} `{name}`"), "not defined");
    if let Some((near, place)) = similar {
        if let Some(place) = place {
            diag = diag.label(place, "similar name defined here");
        }
        diag = diag.help(format!("did you mean `{near}`?")).suggest(
            format!("write `{near}`"),
            span,
            near,
        );
    }
    diag
}
