//! A test for presence with one outcome.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0603",
    slug: "needless-test",
    severity: Severity::Warning,
    mends: Mends::Carried,
    explain: "\
What is tested is always there, by its type or because of an earlier `require`.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where req.path is present
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  where req.header[\"x-a\"] is present
  respond 200
}
```
",
};

/// The value tested at `span` is never absent; `whole` is what goes if the test goes, where the rest says the same without.
pub fn needless_test(span: Span, ty: &str, outcome: bool, whole: Option<Span>) -> Diag {
    let diag = ENTRY.at(
        span,
        format!("this is always {outcome}"),
        format!("a value of type {ty} is never absent here"),
    );
    match whole {
        Some(whole) => diag.suggest("remove the test", whole, ""),
        None => diag,
    }
}
