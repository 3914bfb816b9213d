//! Lines of `before` that lead in a circle.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0807",
    slug: "circular-before",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A `before` says that a route is tried before another one. Together these lines say that a route is tried before itself.

```gw fails
edition 2026

listener web { bind \":8080\" }

route a before b on web {
  path \"/a\"
  where req.header[\"x-a\"] == \"1\"
  respond 200, \"a\"
}
route b before a on web {
  path \"/a\"
  where req.header[\"x-b\"] == \"1\"
  respond 200, \"b\"
}
```

Remove one of them:

```gw mended
edition 2026

listener web { bind \":8080\" }

route a before b on web {
  path \"/a\"
  where req.header[\"x-a\"] == \"1\"
  respond 200, \"a\"
}
route b on web {
  path \"/a\"
  where req.header[\"x-b\"] == \"1\"
  respond 200, \"b\"
}
```
",
};

/// These lines lead in a circle: `first before second`, each with its place and what goes if it goes, in the order of the
/// circle.
pub fn circular_before(lines: &[(&str, &str, (Span, Span))]) -> Diag {
    let (route, _, (span, _)) = lines.first().copied().unwrap_or_default();
    let reason = |first: &str, second: &str| format!("`{first}` before `{second}`");
    let message = format!("`{route}` would be tried before itself");
    let first = lines.first().map_or_else(String::new, |(a, b, _)| reason(a, b));
    let mut diag = ENTRY.at(span, message, first).help("remove one of them");
    for (first, second, (span, _)) in lines.iter().skip(1) {
        diag = diag.label(*span, reason(first, second));
    }
    for (first, second, (_, whole)) in lines {
        diag = diag.suggest(format!("remove `{first} before {second}`"), *whole, "");
    }
    diag
}
