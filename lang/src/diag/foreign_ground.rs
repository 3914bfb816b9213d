//! A route of nobody's module inside the ground of one.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E1003",
    slug: "foreign-ground",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
What a module owns is answered by the module. A route of the first file that takes requests out of that ground would
change what the team's routes answer without a word in the team's file. Broader routes, such as a page for everything
that nobody answers, take nothing from the module and need no word.

```gw fails
edition 2026

pub listener web { bind \":8080\" }

module billing on web from \"./billing.gw\" {
  owns host=\"shop.example\", path=\"/billing/**\"
}
route frozen on web {
  host \"shop.example\"
  path \"/billing/export/**\"
  respond 403
}
```

```gw billing.gw
edition 2026
```

If it is meant, the route says in whose ground it lies:

```gw mended
edition 2026

pub listener web { bind \":8080\" }

module billing on web from \"./billing.gw\" {
  owns host=\"shop.example\", path=\"/billing/**\"
}
route frozen on web within billing {
  host \"shop.example\"
  path \"/billing/export/**\"
  respond 403
}
```

```gw billing.gw
edition 2026
```
",
};

/// How much of a module's ground a route takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Share {
    /// A part of it and nothing else: `within` would allow it, at the place where that may be written.
    Part(Span),
    /// All of it: it would leave the module nothing.
    All,
    /// A part of it, and more besides.
    Across,
}

/// The route answers at `span` for `place`; `module` owns some of that, `ground`, granted at `grant`.
pub fn foreign_ground(
    span: Span,
    (route, place): (&str, &str),
    (module, ground, grant): (&str, &str, Span),
    share: Share,
) -> Diag {
    let message = format!("`{route}` answers for {place}, which belongs to the module `{module}`");
    let reason = match share {
        Share::Across => format!("some of this is the ground of `{module}`"),
        _ => format!("this is the ground of `{module}`"),
    };
    let diag = ENTRY.at(span, message, reason).label(grant, format!("`{module}` owns {ground}"));
    match share {
        Share::Part(at) => diag
            .help(format!("move it into the file of `{module}`, or say that it is meant: `within {module}`"))
            .suggest(format!("say `within {module}`"), at, format!(" within {module}")),
        Share::All => diag.help(format!(
            "it would leave `{module}` nothing: narrow it by path, `method` or `where`, or take the ground back"
        )),
        Share::Across => diag.help(format!(
            "narrow it until it lies outside of that ground, or inside of it and says `within {module}`"
        )),
    }
}
