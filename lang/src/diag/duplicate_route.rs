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

/// `route` and `first`, written before it, both take what the other takes, such as the `example`: everywhere, or at one host and
/// path of several, or on some of their listeners, or both.
/// `same` is whether they do the same with it, `item` the whole of `route`.
pub fn duplicate_route(
    (route, span): (&str, Span),
    (first, first_span): (&str, Span),
    (example, at, on): (Option<&str>, Option<&str>, &[&str]),
    same: bool,
    item: Span,
) -> Diag {
    let on: Vec<String> = on.iter().map(|name| format!("`{name}`")).collect();
    let there = at.map(|at| format!(" at `{at}`")).unwrap_or_default()
        + &if on.is_empty() { String::new() } else { format!(" on {}", on.join(", ")) };
    let message = match there.is_empty() {
        true => format!("`{route}` takes exactly the requests of `{first}`"),
        false => format!("`{route}` and `{first}` take the same requests{there}"),
    };
    let fits = match example {
        Some(example) => format!("`{example}` fits this"),
        None => "whatever fits this".to_owned(),
    };
    let and = if example.is_some() { "and this" } else { "fits this too" };
    let diag = ENTRY.showing(span, message, fits).label(first_span, and);
    if at.is_some() {
        return diag.help(
            "one of them has to be narrower there: name this host or path in one of them alone, each in a route or site of its own",
        );
    }
    if !on.is_empty() {
        return diag.help(format!(
            "one of them has to be narrower there, or stand on no listener of the other: leave {} out of one `on`",
            on.join(", ")
        ));
    }
    let diag = diag.help(match same {
        true => format!("both do the same: remove `{route}`"),
        false => "they do different things: remove one of them, or narrow it".to_owned(),
    });
    diag.suggest(format!("remove `{route}`"), item, "")
}
