//! An item without a setting that it needs.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0502",
    slug: "missing-setting",
    severity: Severity::Error,
    mends: Mends::ByHand("the value is for its author to say"),
    explain: "\
A listener must say where it listens, an upstream where its servers are.

```gw fails
edition 2026

listener web { }

route all on web { respond 200 }
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }
```
",
};

/// The `block` called `name` lacks its `setting`.
pub fn missing_setting(span: Span, block: &str, name: &str, setting: &str) -> Diag {
    ENTRY.at(span, format!("the {block} `{name}` lacks its {setting}"), format!("needs {setting}"))
}
