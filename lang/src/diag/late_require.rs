//! A requirement that is asked when the upstream has the request already.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0609",
    slug: "late-require",
    severity: Severity::Warning,
    mends: Mends::Carried,
    explain: "\
Statements run in the order they are written. A `require` behind `forward` is asked on the way back: whoever it refuses has
had the request done, and only does not see the answer. Behind `forward` it is for what hangs on the answer, such as
`origin.status`.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  forward app
  require client.ip in 10.0.0.0/8
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web {
  require client.ip in 10.0.0.0/8
  forward app
}
```
",
};

/// The `verb` at `span` asks nothing of the answer, and stands behind the statement at `end` that sends the request.
pub fn late_require(span: Span, verb: &str, end: Span) -> Diag {
    ENTRY
        .at(
            span,
            format!("`{verb}` comes too late: the upstream has the request already"),
            "asked on the way back",
        )
        .label(end, "the request is sent here")
        .help("what does not hang on the answer is asked first: move it in front of this")
}
