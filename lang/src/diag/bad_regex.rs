//! A regular expression that does not compile.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0305",
    slug: "bad-regex",
    severity: Severity::Error,
    mends: Mends::ByHand("what the pattern was to match is not known"),
    explain: "\
Patterns are regular expressions without look-around and back-references, so that they take time in proportion to the text, and their automaton is at most 256 KiB.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where matches(req.path, re\"/(a\")
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  where matches(req.path, re\"/(a)\")
  respond 200
}
```
",
};

/// The part of a pattern at `span` is wrong.
pub fn bad_regex(span: Span, reason: impl Into<String>) -> Diag {
    ENTRY.at(span, "`re\"…\"` does not compile", reason)
}
