//! A request contradicts an assert.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0901",
    slug: "refuted-assert",
    severity: Severity::Error,
    mends: Mends::ByHand("whether the claim or the policy is wrong is a decision"),
    explain: "\
An `assert` speaks of every request that the gateway can be sent. Here is one that does not do as is expected; it was run
through the policy before it is shown.

```gw fails
edition 2026

listener web { bind \":8080\" }

route admin on web { path \"/admin/**\"; require client.ip in 10.0.0.0/8; respond 200, \"admin\" }
route help on web { path \"/admin/help\"; respond 200, \"help\" }

assert admin_is_private {
  for req where client.ip not in 10.0.0.0/8
  expect denied or route != admin and route != help
}
```

Mend the policy, or say what was meant:

```gw mended
edition 2026

listener web { bind \":8080\" }

route admin on web { path \"/admin/**\"; require client.ip in 10.0.0.0/8; respond 200, \"admin\" }
route help on web { path \"/admin/help\"; require client.ip in 10.0.0.0/8; respond 200, \"help\" }

assert admin_is_private {
  for req where client.ip not in 10.0.0.0/8
  expect denied or route != admin and route != help
}
```
",
};

/// `example` is a request of which `name` does not hold where inputs are as `inputs` says; `fate` says what becomes of it.
pub fn refuted_assert(span: Span, name: &str, (example, inputs): (&str, &str), fate: &str) -> Diag {
    let inputs = if inputs.is_empty() { String::new() } else { format!(", with {inputs}") };
    let example = format!("not so for `{example}`{inputs}");
    ENTRY.showing(span, format!("`{name}` does not hold: {fate}"), example)
}
