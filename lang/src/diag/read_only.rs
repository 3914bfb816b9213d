//! A field that cannot be changed.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0411",
    slug: "read-only",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
What arrived is not rewritten: `req` and `origin` say what was received. `up` is the request being sent, `resp` the answer being sent.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  set req.header[\"x-a\"] = \"1\"
  forward app
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

/// `field` may not be changed; `instead` is the writable field that is probably meant.
pub fn read_only(span: Span, field: &str, instead: Option<&str>) -> Diag {
    let diag = ENTRY.at(span, format!("`{field}` cannot be changed"), "read only");
    match instead {
        Some(other) => diag.help(format!("change `{other}` instead")),
        None => diag,
    }
}
