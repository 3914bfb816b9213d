//! A `{` whose `}` is missing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0101",
    slug: "unclosed-brace",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A block was opened with `{` and the next item begins before a `}` closes it.
The items after it are still checked.

```gw fails
edition 2026

listener web { bind \":8080\"

route hello on web { respond 200 }
```

Close the block:

```gw mended
edition 2026

listener web { bind \":8080\" }

route hello on web { respond 200 }
```
",
};

/// The block opened at `opener` is opened once more at `again`.
pub fn opened_twice(opener: Span, again: Span) -> Diag {
    let gap = Span { start: opener.end, ..again };
    ENTRY
        .at(again, "this block is opened twice", "one `{` too many")
        .label(opener, "the block opens here")
        .fix("remove it", gap, "")
}

/// The block opened at `opener` should have been closed at `missed`.
pub fn unclosed_brace(opener: Span, missed: Span) -> Diag {
    ENTRY
        .at(missed, "this block is never closed", "a `}` is missed here")
        .label(opener, "the block opens here")
        .help("close the block with `}`")
        .fix("insert the missing `}`", missed, "}")
}
