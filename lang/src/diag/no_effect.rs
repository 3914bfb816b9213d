//! A statement that can have no effect.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0405",
    slug: "no-effect",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
After `forward` the request is on its way: nothing that changes it counts any more. Nor does a `cache` do anything for
methods that it does not keep, or with a key that is another one for every request, as one with `req.id` in it is.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  forward app
  set up.header[\"x-a\"] = \"1\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  set up.header[\"x-a\"] = \"1\"
  forward app
}
```
",
};

/// The statement at `span` comes after the request was sent or answered, at `end`.
pub fn no_effect(span: Span, what: &str, end: Span) -> Diag {
    ENTRY
        .at(span, format!("`{what}` has no effect here"), "too late")
        .label(end, "the way in ends here")
        .help("move it before the statement that ends the way in")
}

/// `what` does nothing for requests of the methods that the route takes.
pub fn of_no_method(span: Span, what: &str, methods: &[&str], taken: Span) -> Diag {
    let known = methods.iter().map(|method| format!("`{method}`")).collect::<Vec<_>>();
    ENTRY
        .at(
            span,
            format!("`{what}` has no effect here"),
            format!("only for {}", known.join(" and ")),
        )
        .label(taken, "the route takes none of these")
        .help("remove it, or give these methods a route of their own")
}

/// `what` keeps answers that nobody is ever given: what tells requests apart for it holds the value at `part`, another one
/// each time.
pub fn of_no_repeat((span, what): (Span, &str), part: Span) -> Diag {
    ENTRY
        .at(
            part,
            format!("`{what}` has no effect here: no two requests share an answer"),
            "this is another one for every request",
        )
        .label(span, "what is kept here is kept for nobody")
        .help("leave it out of the key, or send it in a header field of its own: one that holds nothing else does not count")
}
