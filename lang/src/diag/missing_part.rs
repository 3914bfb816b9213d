//! A value, a name or a type that is missing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0105",
    slug: "missing-part",
    severity: Severity::Error,
    mends: Mends::ByHand("what was to stand there is not known"),
    explain: "\
A value, a name or a type was to stand here, and nothing does.
A statement ends with its line: to go on in the next line, open a bracket first.

```gw fails
edition 2026

pub let limit =
```

Write it:

```gw mended
edition 2026

pub let limit = 100
```
",
};

/// `what` ("a value") is missing at `place`, after the text `after`.
pub fn missing_part(place: Span, what: &str, after: &str) -> Diag {
    let message = match after {
        "" => format!("expected {what}"),
        _ => format!("expected {what} after `{after}`"),
    };
    ENTRY.at(place, message, format!("{what} is missing here"))
}
