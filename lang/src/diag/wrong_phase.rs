//! A field or action at a time when it does not exist.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0402",
    slug: "wrong-phase",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A request passes through phases: the connection, the request, the route's statements, and after `forward` or `respond` the way back. `resp` and `origin` exist only then.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  set resp.header[\"x-a\"] = \"1\"
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
  set resp.header[\"x-a\"] = \"1\"
}
```
",
};

/// What a test sees.
const SEEN: &str = "a test sees what came of a request: `route`, `status`, `resp.…`, `log.…`, and by `sent(…)` what an upstream got";

/// Inside a test, `name` is what only a policy that serves can read.
pub fn unserved(span: Span, name: &str) -> Diag {
    wrong_phase(span, name, "in a test", "while the policy serves a request").help(SEEN)
}

/// The function `name`, called in a test at `span`, reads at `inside` what only a policy that serves can read.
pub fn unasked(span: Span, name: &str, inside: Span) -> Diag {
    ENTRY
        .at(
            span,
            format!("`{name}` cannot be asked in a test"),
            "it needs a request that is being served",
        )
        .label(inside, "it reads this")
        .help(SEEN)
}

/// `name` does not exist here; `exists` says when it does.
pub fn wrong_phase(span: Span, name: &str, here: &str, exists: &str) -> Diag {
    ENTRY.at(span, format!("`{name}` does not exist {here}"), format!("it exists {exists}"))
}
