//! A comma, `=`, `:`, `=>` or bracket that is missing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0106",
    slug: "missing-mark",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Two parts stand side by side and the mark between them is missing: a `,` between arguments, a `=` before a value,
a `:` before a type, a `=>` in an arm.

```gw fails
edition 2026

pub upstream app { server \"127.0.0.1:3000\" weight=2 }
```

Write the mark:

```gw mended
edition 2026

pub upstream app { server \"127.0.0.1:3000\", weight=2 }
```
",
};

/// `mark` is missing at `missed`, before the text at `next`.
pub fn missing_mark(missed: Span, next: Span, mark: &str, found: &str) -> Diag {
    let message = match found {
        "" => format!("expected `{mark}`"),
        _ => format!("expected `{mark}` before `{found}`"),
    };
    let insert = match mark {
        "," | ";" => mark.to_owned(),
        ":" => ":".to_owned(),
        _ => format!(" {mark}"),
    };
    let place = if next.is_empty() { missed } else { next };
    ENTRY.at(place, message, format!("a `{mark}` is missing here")).fix(
        format!("insert `{mark}`"),
        missed,
        insert,
    )
}

/// A statement that begins with no verb.
pub fn missing_verb(place: Span) -> Diag {
    ENTRY
        .at(place, "a statement begins with a verb", "no verb stands before this")
        .help("write `verb value, name=value`, or `pattern => value` for an arm")
}
