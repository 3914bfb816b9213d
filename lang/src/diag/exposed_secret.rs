//! A secret where it could be seen.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0309",
    slug: "exposed-secret",
    severity: Severity::Error,
    mends: Mends::ByHand("what was to be seen instead of the secret is not known"),
    explain: "\
A secret is opaque: it is never compared, written into text, a header or a log. It flows only into parameters that are made for secrets.

```gw fails
edition 2026

listener web { bind \":8080\" }
secret key from env(\"KEY\")

route all on web {
  respond 200
  set resp.header[\"x-key\"] = \"{key}\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
pub secret key from env(\"KEY\")

route all on web {
  respond 200
}
```
",
};

/// A secret stands at `span`, where `reason`.
pub fn exposed_secret(span: Span, reason: impl Into<String>) -> Diag {
    ENTRY
        .at(span, "a secret may not be used here", reason)
        .help("a secret goes only where one is asked for, as in `keys secret(NAME)` of an `auth`; what others may see is a `param`")
}
