//! Something that is defined and not used.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0601",
    slug: "unused",
    severity: Severity::Warning,
    mends: Mends::ByHand("whether it is to be used or removed is not known"),
    explain: "\
It is probably left over, or a name elsewhere is misspelt. What other files may use is marked with `pub`.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web { respond 200 }
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web { forward app }
```
",
};

/// The `kind` called `name` is not used.
pub fn unused(span: Span, kind: &str, name: &str) -> Diag {
    ENTRY
        .at(span, format!("the {kind} `{name}` is not used"), "never used")
        .help("remove it, use it, or mark it `pub` if other files use it")
}

/// A site that holds no route.
pub fn empty(span: Span, name: &str) -> Diag {
    ENTRY
        .at(span, format!("the site `{name}` holds no route"), "it answers nothing")
        .help("a site answers by its routes: write `route NAME { … }` in it")
}
