//! A block whose `{` is missing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0110",
    slug: "missing-opener",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
The lines after this one are indented and a `}` follows, but no `{` opens the block.

```gw fails
edition 2026

listener web
  bind \":8080\"
}
```

Open the block:

```gw mended
edition 2026

listener web {
  bind \":8080\"
}
```
",
};

/// The line at `line` was to end with `{`.
pub fn missing_opener(line: Span) -> Diag {
    let end = line.part(line.len(), line.len());
    ENTRY
        .at(end, "expected `{` to open this block", "a `{` is missed here")
        .help("the lines below are indented as a block, and a `}` closes it")
        .fix("insert the missing `{`", end, " {")
}
