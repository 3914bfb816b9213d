//! Text that fits nowhere.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0104",
    slug: "unexpected-text",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Something stands where the language has no place for it.
A statement is `verb positional, …, name=value, …`, perhaps with a `{ block }`; a newline or `;` ends it.

```gw fails
edition 2026

listener web { bind \":8080\" }
route all on web {
  respond 200 # always
}
```

Write what was meant, or take it away:

```gw mended
edition 2026

listener web { bind \":8080\" }
route all on web {
  respond 200 // always
}
```
",
};

/// `expected` (in the language's words) was to stand at `place`, and `found` stands there.
pub fn unexpected_text(place: Span, expected: &str, found: &str) -> Diag {
    let message = match found {
        "" => format!("expected {expected}"),
        _ => format!("expected {expected}, found `{found}`"),
    };
    let diag = ENTRY.at(place, message, format!("expected {expected}"));
    match found {
        "@" => diag.help("`@unproved(\"why\")` stands behind the name of an `assert`"),
        _ => diag,
    }
}

/// A text that stands without its quotes.
pub fn unquoted(place: Span, written: &str) -> Diag {
    let quoted = format!("\"{written}\"");
    unexpected_text(place, "a text in quotes", written).help(format!("write `{quoted}`")).fix(
        "put it in quotes",
        place,
        quoted,
    )
}

/// A name that is defined with a `-` in it.
pub fn dashed_name(place: Span, written: &str) -> Diag {
    let name = written.replace('-', "_");
    ENTRY
        .at(place, format!("`{written}` is no name"), "a name has no `-`")
        .help(format!("names are made of letters, digits and `_`: write `{name}`"))
        .fix(format!("write `{name}`"), place, name)
}

/// A character that begins nothing in the language.
pub fn unexpected_character(place: Span, character: char) -> Diag {
    let diag = ENTRY.at(
        place,
        format!("unexpected character `{}`", character.escape_debug()),
        "nothing begins with this character",
    );
    match character {
        '#' => diag.help("a comment begins with `//`"),
        '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '`' => {
            let message = match character {
                '`' => "a text does not stand between backticks".to_owned(),
                _ => format!("a text does not stand in `{character}`"),
            };
            ENTRY
                .at(place, message, "not a quote here")
                .help("texts stand in straight double quotes: `\"text\"`")
        }
        _ => diag,
    }
}
