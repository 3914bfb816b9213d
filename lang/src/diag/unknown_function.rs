//! A function that does not exist.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0212",
    slug: "unknown-function",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Functions are built in, or defined with `fn`.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where starts_wiht(req.path, \"/a\")
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  where starts_with(req.path, \"/a\")
  respond 200
}
```
",
};

/// `name` is no function; `similar` is the nearest, and where it is defined, if that is in a policy.
pub fn unknown_function(span: Span, name: &str, similar: Option<(&str, Option<Span>)>) -> Diag {
    let mut diag = ENTRY.at(span, format!("there is no function `{name}`"), "no such function");
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
