//! A default for a value that is always there.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0602",
    slug: "needless-default",
    severity: Severity::Warning,
    mends: Mends::Carried,
    explain: "\
`??` supplies a value where one may be absent. This one never is, so the default is never used.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
  set resp.header[\"x-path\"] = req.path ?? \"-\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
  set resp.header[\"x-path\"] = req.path
}
```
",
};

/// The value before the `??` is never absent; `default` is the `??` and what follows it.
pub fn needless_default(span: Span, default: Span, ty: &str) -> Diag {
    ENTRY
        .at(default, "this default is never used", "never used")
        .label(span, format!("this is {ty} and never absent"))
        .fix("remove the default", default, "")
}
