//! A closing bracket that closes nothing, or the wrong thing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0102",
    slug: "stray-closer",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A `}`, `)` or `]` stands where nothing of its kind is open.
What stands around it is read as if it were not there.

```gw fails
edition 2026

listener web { bind \":8080\" } }
```

Take it away, or open what it was to close:

```gw mended
edition 2026

listener web { bind \":8080\" }
```
",
};

/// The bracket at `place` closes nothing; whether it is one too many, and not what opens it missing, is `certain`.
pub fn stray_closer(place: Span, closer: char, certain: bool) -> Diag {
    ENTRY
        .at(place, format!("this `{closer}` closes nothing"), "nothing of its kind is open here")
        .help("take it away, or open what it was to close")
        .suggest(format!("remove the `{closer}`"), place, "")
        .certain_if(certain)
}

/// What was opened at `opener` is closed at `place` by another kind of bracket than `right`.
pub fn wrong_closer(opener: Span, place: Span, right: char) -> Diag {
    ENTRY
        .at(
            place,
            "this bracket closes another kind than was opened",
            format!("expected `{right}`"),
        )
        .label(opener, "opened here")
        .fix(format!("write `{right}`"), place, right.to_string())
}
