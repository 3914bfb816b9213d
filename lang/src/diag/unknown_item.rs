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
    let diag = ENTRY.at(place, format!("`{word}` begins no item"), "not the word of an item");
    match nearest {
        Some(nearest) => diag.help(format!("did you mean `{nearest}`?")).suggest(
            format!("change it to `{nearest}`"),
            place,
            nearest,
        ),
        None => {
            let foreign = FOREIGN.iter().find(|(foreign, _)| *foreign == word);
            diag.help(foreign.map_or(
                "statements stand inside the braces of an item such as `route` or `policy`",
                |(_, help)| help,
            ))
        }
    }
}

/// Words that begin a block in other languages, and what stands for them here.
const FOREIGN: &[(&str, &str)] = &[
    ("server", "a `listener` binds an address, a `site` or `route` says which host it answers for"),
    (
        "http",
        "a file is a list of items such as `listener`, `upstream` and `route`, without a block around",
    ),
    ("location", "a `route NAME on LISTENER` says its `path` and where it is forwarded"),
    ("virtual_host", "a `site NAME on LISTENER` says the `host` of its routes"),
    (
        "frontend",
        "a `listener` binds an address, a `route` says what it takes and where it is forwarded",
    ),
    ("backend", "an `upstream` has a line `server` for each endpoint"),
    ("cluster", "an `upstream` has a line `server` for each endpoint"),
    ("service", "an `upstream` has a line `server` for each endpoint"),
];
