//! A file without its edition.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0201",
    slug: "missing-edition",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Every file says which edition of the language it is written in, so that a later edition can change a word without changing what old files mean.

```gw fails
listener web { bind \":8080\" }

route all on web { respond 200 }
```

Begin the file with it:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }
```
",
};

/// The file has no `edition` where its first item begins.
pub fn missing_edition(first: Span) -> Diag {
    let at = Span { start: 0, end: 0, ..first };
    ENTRY
        .at(first, "the file does not say its edition", "`edition 2026` must come before this")
        .help("begin the file with `edition 2026`")
        .fix("insert `edition 2026`", at, "edition 2026\n\n")
}
