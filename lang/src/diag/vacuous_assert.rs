//! An assert that speaks of no request.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0903",
    slug: "vacuous-assert",
    severity: Severity::Warning,
    mends: Mends::ByHand("of which requests it was to speak is not known"),
    explain: "\
No request is one of those that the `for` of this `assert` speaks of, so it holds whatever the policy does. That is seldom
what was meant.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web { respond 200 }

assert nothing {
  for req where req.method == GET and req.method == POST
  expect denied
}
```

Say which requests are meant:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web { require req.method != TRACE; respond 200 }

assert no_trace {
  for req where req.method == TRACE
  expect denied
}
```
",
};

/// `name` speaks of no request, whatever the routes are; or where it names one `by_route`, because that takes none such.
pub fn vacuous_assert(span: Span, name: &str, by_route: bool) -> Diag {
    let (label, help) = match by_route {
        true => (
            "the route that its `for` names takes no such request",
            "say which requests are meant by what they say, and expect the route",
        ),
        false => ("its `for` is never true", "it holds whatever the policy does: widen its `for`"),
    };
    ENTRY.at(span, format!("`{name}` speaks of no request"), label).help(help)
}

/// The policy lets nothing come to the outcome that the `for` of the assert names.
pub fn no_such_outcome(span: Span, name: &str) -> Diag {
    let diag = ENTRY.at(
        span,
        format!("`{name}` holds, and its `expect` is never asked: the policy lets no request come to what its `for` says"),
        "no request comes to that",
    );
    let diag = diag.help("if that is the claim, say so: leave the outcome out of `for`, and write it behind `expect not`");
    Diag { severity: Severity::Note, ..diag }
}
