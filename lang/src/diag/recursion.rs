//! Something defined by itself.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0209",
    slug: "recursion",
    severity: Severity::Error,
    mends: Mends::ByHand("what it was to be made of is not known"),
    explain: "\
Functions, policies and top-level `let`s are put in where they are used, so none may use itself, directly or through others. That is why every policy ends.

```gw fails
edition 2026

listener web { bind \":8080\" }
fn f(n: Int) -> Int = f(n)

route all on web {
  respond 200
  set resp.header[\"x-n\"] = \"{f(1)}\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
fn f(n: Int) -> Int = n + 1

route all on web {
  respond 200
  set resp.header[\"x-n\"] = \"{f(1)}\"
}
```
",
};

/// Using `name` at `span` leads back to its own definition.
pub fn recursion(span: Span, name: &str, definition: Span) -> Diag {
    ENTRY
        .at(span, format!("`{name}` is defined by itself"), "the circle closes here")
        .label(definition, format!("`{name}` is defined here"))
        .help("write what is meant without it: the language has no recursion")
}
