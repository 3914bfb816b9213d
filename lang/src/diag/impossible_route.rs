//! A route whose conditions hold for no request.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0806",
    slug: "impossible-route",
    severity: Severity::Error,
    mends: Mends::ByHand("which of the conditions is wrong is not known"),
    explain: "\
What a route asks of a request contradicts itself, so no request fits.

```gw fails
edition 2026

listener web { bind \":8080\" }

route a on web {
  path \"/a\"
  where req.header[\"x-a\"] == \"1\" and req.header[\"x-a\"] == \"2\"
  respond 200
}
```

Ask for something a request can have:

```gw mended
edition 2026

listener web { bind \":8080\" }

route a on web {
  path \"/a\"
  where req.header[\"x-a\"] == \"1\" or req.header[\"x-a\"] == \"2\"
  respond 200
}
```
",
};

/// No request fits the route; `condition` is the part of its `where` that cannot hold with the rest, and `of_arrival` says
/// that it asks how requests arrive.
pub fn impossible_route(
    (route, span): (&str, Span),
    condition: Option<Span>,
    of_arrival: bool,
) -> Diag {
    let message = format!("`{route}` never answers: no request can fit it");
    let diag = match condition {
        Some(condition) => ENTRY
            .at(condition, message, "this can not hold together with the rest")
            .label(span, "of what this route asks"),
        None => ENTRY.at(span, message, "this asks for what no request has"),
    };
    match of_arrival {
        true => diag.help(
            "requests arrive with their host in lower case and without a port, their path decoded and without dots, \
             and over TLS only where the listener has a `tls` line",
        ),
        false => diag,
    }
}
