//! Two routes that take exactly the same requests.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0804",
    slug: "duplicate-route",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Two routes have the same host, the same path and the same conditions, so one of them could never answer.

```gw fails
edition 2026

listener web { bind \":8080\" }

route a on web { path \"/a\"; respond 200, \"a\" }
route b on web { path \"/a\"; respond 200, \"b\" }
```

Remove one, or narrow it:

```gw mended
edition 2026

listener web { bind \":8080\" }

route a on web { path \"/a\"; respond 200, \"a\" }
route b on web { path \"/a\"; method POST; respond 200, \"b\" }
```
",
};

/// `route` at `span` takes the same requests as `first` at `first_span`, such as `example`; `same` says whether it does the
/// same with them. `item` is the whole of it.
pub fn duplicate_route(
    (route, span): (&str, Span),
    (first, first_span): (&str, Span),
    example: &str,
    same: bool,
    item: Span,
) -> Diag {
    let diag = ENTRY
        .at(
            span,
            format!("`{route}` takes exactly the requests of `{first}`"),
            format!("`{example}` fits this"),
        )
        .label(first_span, "and this");
    let diag = diag.help(match same {
        true => format!("both do the same: remove `{route}`"),
        false => "they do different things: remove one of them, or narrow it".to_owned(),
    });
    diag.suggest(format!("remove `{route}`"), item, "")
}
