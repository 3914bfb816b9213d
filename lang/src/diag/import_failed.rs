//! A file that cannot be imported.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0206",
    slug: "import-failed",
    severity: Severity::Error,
    mends: Mends::ByHand("which file was meant is not known"),
    explain: "\
`use \"./net.gw\" { office }` reads another policy file, by a path relative to the file it stands in.

```gw fails
edition 2026
use \"./missing.gw\" { office }

listener web { bind \":8080\" }

route all on web { respond 200 }
```

Name a file that is there, or remove the line:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }
```
",
};

/// The file `path` cannot be used, for `reason`.
pub fn import_failed(span: Span, path: &str, reason: &str) -> Diag {
    ENTRY.at(span, format!("`{path}` cannot be imported"), reason)
}
