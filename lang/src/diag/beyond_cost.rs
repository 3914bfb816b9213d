//! A route that may cost more than its listener allows.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0704",
    slug: "beyond-cost",
    severity: Severity::Error,
    mends: Mends::ByHand("whether the route costs too much or the bound is too low is a decision"),
    explain: "\
A listener's `cost` line says what a request may cost at worst, whatever route answers it: how long an upstream may take
over all tries, how much of its content is kept in memory, how many tests are made. A route that may cost more is an
error. `gwc cost` tells what each route costs.

```gw fails
edition 2026

listener web { bind \":8080\"; cost time=30s }
upstream reports { server \"127.0.0.1:3000\" }

route reports on web { forward reports }
```

Bound what the route may take, or allow it more:

```gw mended
edition 2026

listener web { bind \":8080\"; cost time=30s }
upstream reports { server \"127.0.0.1:3000\"; timeout total=20s }

route reports on web { forward reports }
```

Costs are told with the defaults of params; `gwc run` holds the bounds with the values that it is given.
",
};

/// The route, whose name stands at `place`, may cost `found`, of which the line at `line` allows `bound`. `may` says what
/// it may do: `take`.
pub fn beyond_cost(
    (route, place): (&str, Span),
    (may, found, help): (&str, &str, &str),
    (bound, line): (&str, Span),
) -> Diag {
    ENTRY
        .at(
            place,
            format!("`{route}` may {may} {found}, more than {bound}"),
            format!("{found} at worst"),
        )
        .label(line, format!("at most {bound}"))
        .help(help.to_owned())
}
