//! A `(` or `[` that is never closed.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0111",
    slug: "unclosed-bracket",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A `(` or `[` was opened and the statement ends before it is closed.
The statements after it are still checked.

```gw fails
edition 2026

listener web { bind \":8080\", proto=[h1, h2 }
```

Close it:

```gw mended
edition 2026

listener web { bind \":8080\", proto=[h1, h2] }
```
",
};

/// The bracket opened at `opener` should have been closed at `missed`; whether there alone is `certain`.
pub fn unclosed_bracket(
    opener: Span,
    missed: Span,
    (open, close): (char, char),
    certain: bool,
) -> Diag {
    ENTRY
        .at(missed, format!("this `{open}` is never closed"), format!("a `{close}` is missed here"))
        .label(opener, "opened here")
        .suggest(format!("insert the missing `{close}`"), missed, close.to_string())
        .certain_if(certain)
}
