//! Something that this version does not do yet.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0215",
    slug: "not-available",
    severity: Severity::Error,
    mends: Mends::ByHand("nothing says the same yet"),
    explain: "\
The language reserves words for what a later version does. They are refused rather than ignored.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  mirror  \"shadow.internal:8080\"
  respond 200
}
```

Without it:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
}
```
",
};

/// Words that the language's design has for verbs, settings, functions and values, and that are not done yet.
const PLANNED: &[&str] = &[
    "compress",
    "cors",
    "fetch",
    "h3",
    "kubernetes",
    "mirror",
    "oidc",
    "passthrough",
    "sni",
    "store",
];

/// Whether the language has this word for something that is not done yet. Nobody who writes it means a similar one.
pub fn is_planned(word: &str) -> bool {
    PLANNED.contains(&word)
}

/// The item or clause `what` is not done yet.
pub fn not_available(span: Span, what: &str) -> Diag {
    ENTRY
        .at(span, format!("`{what}` is not available yet"), "not yet")
        .help("remove it for now: nothing is ignored in silence")
}
