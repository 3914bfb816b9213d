//! An assert that can be neither proved nor refuted.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0902",
    slug: "undecided-assert",
    severity: Severity::Error,
    mends: Mends::ByHand("why it may stand without a proof is for its author to say"),
    explain: "\
Claims are decided exactly where conditions compare what a request says with constants. Where something is computed, comes
from an input, or is up to an upstream, it may not be decidable; the label says where and why.

A claim about the status or a header field of an upstream's answer has to hold whatever the upstream answers, and is refuted
by a request that contradicts it whatever is answered. So `status >= 500` in a `for` means every forwarded request, as far as
is known, and what is expected of them must not hang on the answer.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web { forward app }

assert never_fails {
  for req
  expect status < 500
}
```

Claim what the policy itself decides. If it must stand as it is, say why; `gwc audit` lists it:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web { forward app }

assert never_fails @unproved(\"app is tested for this\") {
  for req
  expect status < 500
}
```
",
};

/// It cannot be decided whether `name` holds, for the reason `why`, at `place`; `help` would make it decidable.
pub fn undecided_assert(span: Span, name: &str, (place, why): (Span, &str), help: &str) -> Diag {
    let diag = ENTRY.at(
        span,
        format!("it cannot be decided whether `{name}` holds"),
        "neither proved nor refuted",
    );
    let diag = if place == Span::default() { diag } else { diag.label(place, why) };
    diag.help(format!("{help}; or write `@unproved(\"why\")` behind the name"))
}
