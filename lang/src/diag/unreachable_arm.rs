//! An arm that nothing reaches.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0308",
    slug: "unreachable-arm",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Arms are tried from the top. One that earlier arms cover is a mistake: either its pattern or its place is wrong.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  let kind = match req.path { _ => 0, \"/a\" => 1 }
  respond 200
  set resp.header[\"x-kind\"] = \"{kind}\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  let kind = match req.path { \"/a\" => 1, _ => 0 }
  respond 200
  set resp.header[\"x-kind\"] = \"{kind}\"
}
```
",
};

/// The arm or pattern at `span` is covered by the one at `by`; `whole` is what goes if it goes, where that is known.
pub fn unreachable_arm(span: Span, by: Span, whole: Option<Span>) -> Diag {
    let diag = ENTRY
        .at(span, "nothing reaches this arm", "never chosen")
        .label(by, "everything it takes is taken here");
    match whole {
        Some(whole) => diag.suggest("remove it", whole, ""),
        None => diag,
    }
}
