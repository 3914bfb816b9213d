//! A member that the value does not have.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0214",
    slug: "unknown-member",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Records have the members that their type lists. A scalar has none.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  let who = { name: \"a\" }
  respond 200
  set resp.header[\"x-name\"] = who.nmae
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  let who = { name: \"a\" }
  respond 200
  set resp.header[\"x-name\"] = who.name
}
```
",
};

/// A value of type `ty` has no member `name`; `similar` is the nearest.
pub fn unknown_member(span: Span, name: &str, ty: &str, similar: Option<&str>) -> Diag {
    let diag = ENTRY.at(span, format!("a value of type {ty} has no `{name}`"), "no such member");
    match similar {
        Some(near) => diag.help(format!("did you mean `{near}`?")).suggest(
            format!("write `{near}`"),
            span,
            near,
        ),
        None => diag,
    }
}
