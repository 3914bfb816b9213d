//! Percentages that are not a whole.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0317",
    slug: "bad-sum",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
The shares of one `forward` are of all requests, so they add up to 100%.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }
upstream next { server \"127.0.0.1:3001\" }

route all on web {
  forward { 95% => app, 6% => next }
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }
upstream next { server \"127.0.0.1:3001\" }

route all on web {
  forward { 95% => app, 5% => next }
}
```
",
};

/// The shares at `span` add up to `sum`.
pub fn bad_sum(span: Span, sum: f64) -> Diag {
    ENTRY
        .at(span, format!("the shares add up to {sum}%, not to 100%"), "this is the last share")
        .help("each share is of all requests: together they are 100%")
}
