//! A value that must be known when the policy is loaded.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0310",
    slug: "not-constant",
    severity: Severity::Error,
    mends: Mends::ByHand("which value it is to have is not known when the policy is loaded"),
    explain: "\
Some arguments configure the gateway once, before any request: they are literals, `param`s and what is computed from them.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
  set resp.header[req.path] = \"x\"
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
  set resp.header[\"x-path\"] = \"x\"
}
```
",
};

/// What stands at `span` is put together of values, where `why` says that a text is written out.
pub fn not_written_out(span: Span, why: impl Into<String>) -> Diag {
    ENTRY.at(span, "this must be written out", "what is put in is not known here").help(why)
}

/// What stands at `span` is a value, where `why` says that a name is written out.
pub fn not_a_literal(span: Span, reason: impl Into<String>, why: impl Into<String>) -> Diag {
    ENTRY.at(span, "this must be written out", reason).help(why)
}

/// What stands at `span` depends on the request; `why` says who wants a constant.
pub fn not_constant(span: Span, why: impl Into<String>) -> Diag {
    ENTRY.at(span, "this must be constant", "it depends on the request").help(why)
}
