//! A name that hides another.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0604",
    slug: "shadowed",
    severity: Severity::Warning,
    mends: Mends::ByHand("a new name is for its author to find"),
    explain: "\
A `let` or parameter with the name of an item or of a built-in namespace makes the other one unreachable below it.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  let app = \"x\"
  forward app
  set resp.header[\"x-kind\"] = app
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  let kind = \"x\"
  forward app
  set resp.header[\"x-kind\"] = kind
}
```
",
};

/// `name` hides what is defined at `hidden`.
pub fn shadowed(span: Span, name: &str, hidden: Option<Span>) -> Diag {
    let diag = ENTRY
        .at(span, format!("`{name}` hides something of the same name"), "hides the other")
        .help("choose another name");
    match hidden {
        Some(place) => diag.label(place, "hidden below"),
        None => diag,
    }
}
