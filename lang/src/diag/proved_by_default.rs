//! An assert that holds with the defaults of the policy's inputs.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "N0905",
    slug: "proved-by-default",
    severity: Severity::Note,
    mends: Mends::ByHand("for which values it is to hold is for its author to say"),
    explain: "\
Whether this `assert` holds hangs on an input, and with the input's default it does. `gwc run` proves it again with the
values that it is given, at the start and on each reload, and does not serve a policy whose assert does not hold with them;
so does `gwc check --with FILE`. `gwc audit` lists it.

```gw fails
edition 2026

listener web { bind \":8080\" }
param office: Cidr default 10.0.0.0/8

route admin on web { path \"/admin/**\"; require client.ip in office; respond 200, \"admin\" }

assert admin_is_private {
  for req where route == admin and client.ip not in 10.0.0.0/8
  expect denied
}
```

A claim in the words of the input holds whatever it is:

```gw mended
edition 2026

listener web { bind \":8080\" }
param office: Cidr default 10.0.0.0/8

route admin on web { path \"/admin/**\"; require client.ip in office; respond 200, \"admin\" }

assert admin_is_private {
  for req where route == admin and client.ip not in office
  expect denied
}
```
",
};

/// `name` holds where inputs are as `inputs` says, which is what they are by default.
pub fn proved_by_default(span: Span, name: &str, inputs: &str) -> Diag {
    ENTRY
        .at(span, format!("`{name}` holds by default"), format!("proved with {inputs}"))
        .help("`gwc run` proves it again with the values that it is given; `gwc check --with FILE` tries them")
}
