//! Text that is larger or deeper than a policy may be.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0108",
    slug: "beyond-limits",
    severity: Severity::Error,
    mends: Mends::ByHand("how a policy is divided is a decision"),
    explain: "\
Policies are bounded, so that no text can exhaust who reads it: brackets nest at most 128 deep (8 inside one string),
one expression has at most 256 operators, members and calls in a row, a file has at most 32 MiB, and all routes together
stand at no more than 500,000 combinations of a listener, a host and a path.

```gw fails
edition 2026

param region: String default \"eu\"
pub let deep = \"{[[[[[[[[[region]]]]]]]]]}\"
```

Name a part with `let`, or use a list and `in` where a long row of `or` stands:

```gw mended
edition 2026

param region: String default \"eu\"
pub let flat = \"{region}\"
```
",
};

/// Brackets nest too deep at `place`.
pub fn too_deep(place: Span) -> Diag {
    ENTRY
        .at(place, "this is nested too deep", "the limit is reached here")
        .help("brackets nest at most 128 deep, and 8 deep inside a string; name a part with `let`")
}

/// The expression at `place` is a row of too many operators.
pub fn too_long(place: Span) -> Diag {
    ENTRY
        .at(place, "this expression is too long", "too many operators in a row")
        .help("name a part with `let`, or write a list and `in` for a row of `or`")
}

/// With the route at `place`, routes stand at more combinations of a listener, a host and a path than there may be.
pub fn too_many_places(place: Span, n_places: usize, limit: usize) -> Diag {
    let reason = match n_places {
        0 | 1 => "the limit is reached here".to_owned(),
        n => format!("this alone stands at {n} of them"),
    };
    ENTRY
        .at(place, format!("all routes stand at more than {limit} hosts and paths"), reason)
        .help("a route is tried at each of its hosts with each of its paths: write a wider pattern, or ask for the rest in `where`")
}

/// The file is too large.
pub fn too_large(place: Span, limit_mib: usize) -> Diag {
    ENTRY
        .at(place, format!("this file is larger than {limit_mib} MiB"), "it is not read")
        .help("split it, and bring its parts together with `use`")
}
