//! Two modules that own the same ground.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E1002",
    slug: "contested-ground",
    severity: Severity::Error,
    mends: Mends::ByHand("the teams have to agree on whose it is"),
    explain: "\
Every request has one owner at most. If two modules owned it, each could take it from the other with a narrower route.

```gw fails
edition 2026

pub listener web { bind \":8080\" }

module shop on web from \"./shop.gw\" {
  owns host=\"shop.example\"
}
module billing on web from \"./billing.gw\" {
  owns host=\"shop.example\", path=\"/billing/**\"
}
```

```gw shop.gw
edition 2026
```

```gw billing.gw
edition 2026
```

Say what belongs to whom. What no module owns is the first file's own:

```gw mended
edition 2026

pub listener web { bind \":8080\" }

module shop on web from \"./shop.gw\" {
  owns host=\"shop.example\", path=[\"/cart/**\", \"/items/**\"]
}
module billing on web from \"./billing.gw\" {
  owns host=\"shop.example\", path=\"/billing/**\"
}
```

```gw shop.gw
edition 2026
```

```gw billing.gw
edition 2026
```
",
};

/// `module` is granted ground at `span` of which `other` was granted some at `first`.
pub fn contested_ground(
    (module, place, span): (&str, &str, Span),
    (other, known, first): (&str, &str, Span),
) -> Diag {
    ENTRY
        .at(
            span,
            format!("the modules `{other}` and `{module}` own the same ground"),
            format!("`{module}` owns {place} here"),
        )
        .label(first, format!("`{other}` owns {known} here"))
        .help("every request has one owner at most: give each module paths or hosts of its own")
}
