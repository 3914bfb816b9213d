//! Retries whose answer is tried again further out: their numbers multiply.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0703",
    slug: "retry-amplification",
    severity: Severity::Error,
    mends: Mends::ByHand("which of the two is to try again is a decision"),
    explain: "\
An upstream may be a listener of the same policy. If it is asked again after a status with which the gateway says that
it has had no answer (502, 503, 504), and what stands behind that listener is tried again too, then every failure is tried
as often as both numbers together: three times three. An upstream in trouble is what can bear that least.

```gw fails
edition 2026

listener web { bind \":8080\" }
listener inner { bind \"127.0.0.1:8081\" }

upstream edge {
  server \"127.0.0.1:8081\"
  retry 2, on=[connect, 502]
}
upstream app {
  server \"127.0.0.1:3000\"
  retry 2, on=[connect, reset]
}

route all on web { forward edge }
route behind on inner { forward app }
```

Try again in one place only, as near to the trouble as can be:

```gw mended
edition 2026

listener web { bind \":8080\" }
listener inner { bind \"127.0.0.1:8081\" }

upstream edge {
  server \"127.0.0.1:8081\"
  retry 0
}
upstream app {
  server \"127.0.0.1:3000\"
  retry 2, on=[connect, reset]
}

route all on web { forward edge }
route behind on inner { forward app }
```
",
};

/// The upstream `outer` leads to `listener`, behind which a request is sent to `inner`; both try again, so often.
pub fn retry_amplification(
    place: Span,
    (outer, outer_tries): (&str, u32),
    (listener, bound): (&str, Span),
    (inner, inner_tries, behind): (&str, u32, Span),
) -> Diag {
    let all = outer_tries.saturating_mul(inner_tries);
    let message = if outer == inner {
        format!("a failure of `{outer}` multiplies without end: it leads back to itself")
    } else {
        format!(
            "a failure of `{inner}` is tried {all} times: {inner_tries} times behind `{listener}`, each for all of {outer_tries} tries of `{outer}`"
        )
    };
    ENTRY
        .at(place, message, "this is tried again as well")
        .label(bound, format!("`{outer}` leads here"))
        .label(behind, format!("and from here to `{inner}`"))
        .help(format!("`retry 0` in `{outer}`, or no 502, 503 and 504 among its causes"))
}
