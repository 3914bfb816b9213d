//! A type that does not exist.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0205",
    slug: "unknown-type",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
The types are `Bool Int Float String Duration Size Rate Percent Ip Cidr Method Status Time Regex Json Uuid`, `List<T>`, `Set<T>`, `Map<String, T>`, records `{ a: T }`, unions of string literals, and `T?` for what may be absent.

```gw fails
edition 2026

listener web { bind \":8080\" }
pub param region: Strign default \"eu\"

route all on web { respond 200 }
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }
pub param region: String default \"eu\"

route all on web { respond 200 }
```
",
};

/// `name` is no type; `similar` is the nearest.
pub fn unknown_type(span: Span, name: &str, similar: Option<&str>) -> Diag {
    let diag = ENTRY.at(span, format!("there is no type `{name}`"), "not a type");
    match similar {
        Some(near) => diag.help(format!("did you mean `{near}`?")).suggest(
            format!("write `{near}`"),
            span,
            near,
        ),
        None => diag.help("the types are listed in `gwc explain unknown-type`"),
    }
}
