//! A word at the place of an item that begins no item.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0107",
    slug: "unknown-item",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Outside of all braces a file holds items, and each begins with its word: `edition`, `use`, `param`, `secret`, `let`, `fn`,
`listener`, `upstream`, `auth`, `limit`, `store`, `module`, `policy`, `site`, `route`, `assert` or `test`.

```gw fails
edition 2026

listener web { bind \":8080\" }
rotue all on web { respond 200 }
```

Write the item's word:

```gw mended
edition 2026

listener web { bind \":8080\" }
route all on web { respond 200 }
```
",
};

/// `word` begins no item; `nearest` is the word it was probably meant to be.
pub fn unknown_item(place: Span, word: &str, nearest: Option<&str>) -> Diag {
    let meant = crate::foreign::item(word);
    let diag = ENTRY.at(place, format!("`{word}` begins no item"), "not the word of an item");
    if let Some(meant) = meant {
        let diag = diag.help(meant.help);
        return match meant.ours {
            Some(ours) => diag.suggest(format!("write `{ours}`"), place, ours),
            None => diag,
        };
    }
    match nearest {
        Some(nearest) => diag.help(format!("did you mean `{nearest}`?")).suggest(
            format!("change it to `{nearest}`"),
            place,
            nearest,
        ),
        None => {
            diag.help("an item begins with `listener`, `upstream`, `site`, `route`, `policy`, `limit`, `auth`, `let`, `fn`, `param`, `secret`, `use`, `module`, `assert` or `test`; statements stand inside the braces of one, such as a `route`")
        }
    }
}
