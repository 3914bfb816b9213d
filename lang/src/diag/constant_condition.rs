//! A condition with one outcome.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0605",
    slug: "constant-condition",
    severity: Severity::Warning,
    mends: Mends::Carried,
    explain: "\
A `where` or `require` whose condition does not depend on the request always does the same.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where 1 == 1
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
}
```
",
};

/// The condition at `span` always is `outcome`; `whole` is what goes if it goes, where the rest says the same without.
pub fn constant_condition(span: Span, outcome: bool, whole: Option<Span>) -> Diag {
    let message = format!("this condition is always {outcome}");
    let diag = ENTRY.at(span, message, "it does not depend on the request");
    match whole {
        Some(whole) => diag.suggest("remove it", whole, ""),
        None => diag,
    }
}
