//! A string whose closing quote is missing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0103",
    slug: "unclosed-string",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A string is opened with `\"` and the line ends before another `\"` closes it.
Strings never span lines, so only this line is affected.

```gw fails
edition 2026

pub upstream app { server \"127.0.0.1:3000 }
```

Close the string:

```gw mended
edition 2026

pub upstream app { server \"127.0.0.1:3000\" }
```
",
};

/// The string at `place` is not closed.
pub fn unclosed_string(place: Span) -> Diag {
    ENTRY
        .at(place, "this string is never closed", "a closing `\"` is missed on this line")
        .help("strings end on the line they begin on; a quote inside one is written `\\\"`")
        .suggest("insert the missing `\"`", place.part(place.len(), place.len()), "\"")
}

/// The string at `place` ends with `last`, which is no quote here.
pub fn curly_end(place: Span, last: char) -> Diag {
    let end = place.part(place.len() - last.len_utf8(), place.len());
    ENTRY
        .at(place, "this string is never closed", format!("a `{last}` closes none"))
        .help("texts stand in straight double quotes: `\"text\"`")
        .fix("write a straight quote", end, "\"")
}

/// The string at `place` has a closing quote only.
pub fn unopened_string(place: Span) -> Diag {
    ENTRY.at(place, "this string is never opened", "an opening `\"` is missed before this").suggest(
        "insert the missing `\"`",
        place.part(0, 0),
        "\"",
    )
}
