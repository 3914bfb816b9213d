//! A capture that the path does not have.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0213",
    slug: "unknown-capture",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
`path.NAME` is what `{NAME}` in the route's `path` held.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/users/{id}\"
  respond 200
  set resp.header[\"x-id\"] = path.idd
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/users/{id}\"
  respond 200
  set resp.header[\"x-id\"] = path.id
}
```
",
};

/// The route's path captures no `name`; `similar` is what it does capture and where.
pub fn unknown_capture(span: Span, name: &str, similar: Option<(&str, Span)>) -> Diag {
    let diag = ENTRY.at(span, format!("the path captures no `{name}`"), "no such capture");
    match similar {
        Some((near, place)) => diag
            .label(place, "similar name captured here")
            .help(format!("did you mean `{near}`?"))
            .suggest(format!("write `{near}`"), span, near),
        None => diag.help(format!("a capture is written `{{{name}}}` in the route's `path`")),
    }
}
