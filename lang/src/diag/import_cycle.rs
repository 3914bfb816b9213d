//! Files that import each other.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0208",
    slug: "import-cycle",
    severity: Severity::Error,
    mends: Mends::ByHand("where what both files use is to stand is a decision"),
    explain: "\
A file may not import itself, directly or through others: what belongs to both belongs into a third file.

```gw fails
edition 2026

use \"./net.gw\" { office }

pub let home = 10.0.0.0/8

listener web { bind \":8080\" }

route all on web {
  where client.ip in office
  respond 200
}
```

```gw net.gw
edition 2026

use \"./gateway.gw\" { home }

pub let office = [home]
```

Give both the third file:

```gw mended
edition 2026

use \"./net.gw\" { office }

listener web { bind \":8080\" }

route all on web {
  where client.ip in office
  respond 200
}
```

```gw net.gw
edition 2026

use \"./home.gw\" { home }

pub let office = [home]
```

```gw home.gw
edition 2026

pub let home = 10.0.0.0/8
```
",
};

/// The import at `span` leads back to the file it stands in.
pub fn import_cycle(span: Span, path: &str) -> Diag {
    ENTRY
        .at(span, format!("importing `{path}` leads back to this file"), "the circle closes here")
        .help("move what both files need into a third one")
}
