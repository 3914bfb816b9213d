//! A test that expects nothing.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0607",
    slug: "idle-test",
    severity: Severity::Warning,
    mends: Mends::ByHand("what is to be expected is for its author to say"),
    explain: "\
A test without an `expect` passes whatever comes of its requests.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }

test \"it answers\" {
  send GET, \"http://shop.example/\"
}
```

Say what is to come of them:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }

test \"it answers\" {
  send GET, \"http://shop.example/\"
  expect route == all and status == 200
}
```
",
};

/// The test `name` expects nothing.
pub fn idle_test(span: Span, name: &str) -> Diag {
    ENTRY
        .at(span, format!("the test `{name}` expects nothing"), "it passes whatever happens")
        .help("say what is to come of its last request: `expect status == 200`")
}
