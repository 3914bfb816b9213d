//! Two routes of which it cannot be decided whether they overlap.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0803",
    slug: "undecided-order",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Whether two conditions can hold for one request is decided exactly where they compare fields with constants.
Where they compute with what a request says, or compare it with an input, it may not be decidable; then `before` has to say
which route is tried first.

```gw fails
edition 2026

listener web { bind \":8080\" }

route even on web {
  path \"/a\"
  where lower(req.header[\"x-kind\"] ?? \"\") == \"even\"
  respond 200, \"even\"
}
route lucky on web {
  path \"/a\"
  where upper(req.header[\"x-kind\"] ?? \"\") == \"LUCKY\"
  respond 200, \"lucky\"
}
```

Say which one is tried first:

```gw mended
edition 2026

listener web { bind \":8080\" }

route even before lucky on web {
  path \"/a\"
  where lower(req.header[\"x-kind\"] ?? \"\") == \"even\"
  respond 200, \"even\"
}
route lucky on web {
  path \"/a\"
  where upper(req.header[\"x-kind\"] ?? \"\") == \"LUCKY\"
  respond 200, \"lucky\"
}
```
",
};

/// It cannot be decided how `route` (at `span`) and `other` (at `other_span`) lie to each other.
pub fn undecided_order((route, span): (&str, Span), (other, other_span): (&str, Span)) -> Diag {
    ENTRY
        .at(
            span,
            format!("it cannot be decided whether a request fits both `{route}` and `{other}`"),
            "this may overlap",
        )
        .label(other_span, "with this")
        .help("say with `before` which of them is tried first")
}
