//! More arguments than are taken.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0315",
    slug: "too-many-arguments",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Positional arguments fill the parameters in order.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where lower(\"a\", \"b\") == \"a\"
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  where lower(\"/a\") == req.path
  respond 200
}
```
",
};

/// `what` takes no further argument; `takes` lists what it takes.
pub fn too_many_arguments(span: Span, what: &str, takes: &str) -> Diag {
    let diag =
        ENTRY.at(span, format!("`{what}` is given too much"), "no parameter is left for this");
    if takes.is_empty() {
        diag.help(format!("`{what}` takes no arguments"))
    } else {
        diag.help(format!("it takes {takes}"))
    }
}
