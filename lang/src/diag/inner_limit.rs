//! A limit that another one around it never lets be reached.

use std::time::Duration;

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;
use crate::value::Value;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0701",
    slug: "inner-limit",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
A time limit that stands inside of another one, such as that for the first byte inside of that for the whole exchange,
cannot be longer: the outer one ends the exchange first, and the inner one means nothing.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app {
  server  \"127.0.0.1:3000\"
  timeout first_byte=10s, total=5s
}

route all on web { forward app }
```

Lower the inner one, or raise the outer one:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app {
  server  \"127.0.0.1:3000\"
  timeout first_byte=4s, total=5s
}

route all on web { forward app }
```

What is not written has its default, which bounds what is written inside of it too: `total` is 1h.
",
};

/// The limit `inner` is longer than `outer`, which has no place if it is a default.
pub fn inner_limit(
    (inner, place, long): (&str, Span, Duration),
    (outer, bound, short): (&str, Option<Span>, Duration),
) -> Diag {
    let (long, short) = (Value::Duration(long), Value::Duration(short));
    let default = if bound.is_some() { "" } else { ", its default" };
    let diag = ENTRY.at(
        place,
        format!("`{inner}` of {long} never comes: `{outer}` of {short}{default} ends it before"),
        format!("longer than `{outer}`"),
    );
    let diag = match bound {
        Some(bound) => diag.label(bound, "this is over first").suggest(
            format!("raise `{outer}` to {long}"),
            bound,
            long.to_string(),
        ),
        None => diag,
    };
    diag.help(format!("lower `{inner}` to at most {short}, or raise `{outer}`")).suggest(
        format!("lower `{inner}` to {short}"),
        place,
        short.to_string(),
    )
}
