//! One name for two things.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0204",
    slug: "duplicate-name",
    severity: Severity::Error,
    mends: Mends::ByHand("a new name is for its author to find"),
    explain: "\
Within a file every item has a name of its own, whatever its kind; a `let` may not take the name of another one in the same route.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream web { server \"127.0.0.1:3000\" }

route all on web { respond 200 }
```

Give them two names:

```gw mended
edition 2026

listener web { bind \":8080\" }
pub upstream app { server \"127.0.0.1:3000\" }

route all on web { respond 200 }
```
",
};

/// `name` was defined before, at `first`.
pub fn duplicate_name(span: Span, name: &str, first: Span) -> Diag {
    ENTRY
        .at(span, format!("`{name}` is defined twice"), "defined again here")
        .label(first, "first defined here")
        .help("give one of them another name")
}
