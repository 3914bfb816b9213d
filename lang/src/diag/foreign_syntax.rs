//! Ways to write a thing that other languages have.

use super::{Diag, Entry, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0109",
    slug: "foreign-syntax",
    severity: Severity::Error,
    explain: "\
The language writes `and`, `or` and `not` as words, and strings in double quotes.
It is understood what was meant, and the fix writes it.

```gw fails
edition 2026

listener web { bind ':8080' }
```

```gw mended
edition 2026

listener web { bind \":8080\" }
```
",
};

/// An operator of other languages; `word` is ours.
pub fn foreign_operator(place: Span, written: &str, word: &str) -> Diag {
    let text = if written == "!" { format!("{word} ") } else { word.to_owned() };
    ENTRY
        .at(place, format!("`{written}` is written `{word}`"), format!("write `{word}`"))
        .suggest(format!("write `{word}`"), place, text)
        // A `!` holds its operand tighter than `not` does, so what is meant may be another thing.
        .certain_if(written != "!")
}

/// A string in single quotes.
pub fn single_quotes(place: Span) -> Diag {
    let edit = |span| super::Edit { span, text: "\"".to_owned() };
    let edits = vec![edit(place.part(0, 1)), edit(place.part(place.len() - 1, place.len()))];
    ENTRY
        .at(place, "strings are written in double quotes", "in single quotes")
        .fix_all("use double quotes", edits)
}
