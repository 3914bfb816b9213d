//! A value of the right type that cannot be what it stands for.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0415",
    slug: "bad-value",
    severity: Severity::Error,
    mends: Mends::ByHand("which of the values that are accepted was meant is not known"),
    explain: "\
A type says what kind of value stands somewhere; not every value of it can be used there. A server has a port, a header field has a name without blanks, a redirect has a status that redirects, and what frames a message (`content-length`, `connection`) is the gateway's own to write.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1\" }

route all on web { forward app }
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web { forward app }
```

What comes from a `param` or a file is known when the policy is loaded: `gwc run` says the same of it then.
",
};

/// The value at `span` cannot be used; `reason` says why, and `label` as what.
pub fn bad_value(span: Span, reason: impl Into<String>, label: impl Into<String>) -> Diag {
    ENTRY.at(span, reason, label)
}
