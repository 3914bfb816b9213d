//! A route that is on no listener.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0410",
    slug: "no-listener",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A route says which listeners it is on, itself or through its site.

```gw fails
edition 2026

pub listener web { bind \":8080\" }

route all { respond 200 }
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }
```
",
};

/// The route `name` is on no listener; `only` is the policy's one listener, if it has one. `insert` is the place
/// behind the name.
pub fn no_listener(span: Span, name: &str, only: Option<&str>) -> Diag {
    let diag = ENTRY
        .at(span, format!("`{name}` is on no listener"), "it could never be reached")
        .help("say where it listens: `on NAME`");
    match only {
        Some(listener) => {
            let insert = Span { start: span.end, ..span };
            diag.suggest(format!("put it on `{listener}`"), insert, format!(" on {listener}"))
        }
        None => diag,
    }
}
