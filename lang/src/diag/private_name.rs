//! An imported name that its file keeps to itself.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0207",
    slug: "private-name",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A file gives away only what it marks with `pub`.

```gw fails
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

let office = [10.0.0.0/8]
```

Mark it:

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

pub let office = [10.0.0.0/8]
```

What a file imports is its own matter too, unless it says `pub use`.
",
};

/// `name` is defined at `definition`, without `pub`.
pub fn private_name(span: Span, name: &str, definition: Span, item: Span) -> Diag {
    let start = Span { end: item.start, ..item };
    ENTRY
        .at(span, format!("`{name}` is private to its file"), "imported here")
        .label(definition, "defined here without `pub`")
        .help(format!("write `pub` before the definition of `{name}`"))
        .suggest("make it `pub`", start, "pub ")
}

/// The file brings `name` in at `import`, by a `use` at `item` that lacks its `pub`.
pub fn only_imported(span: Span, name: &str, import: Span, item: Span) -> Diag {
    ENTRY
        .at(span, format!("`{name}` is only imported by that file"), "imported here")
        .label(import, "brought in here, without `pub`")
        .help(format!("import `{name}` from the file that defines it, or give it on by `pub use`"))
        .suggest("give it on", item, "pub ")
}
