//! An assert that its author lets stand without a proof.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "N0904",
    slug: "unproved-assert",
    severity: Severity::Note,
    mends: Mends::Carried,
    explain: "\
It cannot be decided whether this `assert` holds, and `@unproved` says that this is known. `gwc audit` lists it with its reason.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web { forward app }

assert never_fails @unproved(\"app is tested for this\") {
  for req
  expect status < 500
}
```

An assert that is proved does not need it, which is said too:

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web { forward app }

assert app_answers @unproved(\"everything is forwarded\") {
  for req
  expect forwarded(to=app)
}
```

Remove it there:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app { server \"127.0.0.1:3000\" }

route all on web { forward app }

assert app_answers {
  for req
  expect forwarded(to=app)
}
```
",
};

/// `name` stands without a proof, for the reason `why`.
pub fn unproved_assert(span: Span, name: &str, why: &str) -> Diag {
    ENTRY.at(span, format!("`{name}` is not proved"), format!("because: {why}"))
}

/// `name` is proved, though it need not be: `said` is where it says so.
pub fn proved_all_the_same(span: Span, name: &str, said: Span) -> Diag {
    ENTRY.at(span, format!("`{name}` is proved"), "`@unproved` is not needed").fix(
        "remove `@unproved`",
        said,
        "",
    )
}
