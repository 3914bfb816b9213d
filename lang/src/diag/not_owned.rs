//! A route of a module outside of what the module owns.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E1001",
    slug: "not-owned",
    severity: Severity::Error,
    mends: Mends::ByHand("whose the ground is to be is for who grants it to say"),
    explain: "\
A module's routes answer for what the policy's first file lets the module own, and for nothing else. The file of the
module cannot widen that: a team that needs more ground asks whoever keeps the first file.

```gw fails
edition 2026

pub listener web { bind \":8080\" }

module billing on web from \"./billing.gw\" {
  owns host=\"shop.example\", path=\"/billing/**\"
}
```

```gw billing.gw
edition 2026
use \"./gateway.gw\" { web }

route invoices on web {
  host \"shop.example\"
  path \"/invoices/**\"
  respond 200
}
```

Stay inside, or let the first file grant it:

```gw mended
edition 2026

pub listener web { bind \":8080\" }

module billing on web from \"./billing.gw\" {
  owns host=\"shop.example\", path=\"/billing/**\"
}
```

```gw billing.gw
edition 2026
use \"./gateway.gw\" { web }

route invoices on web {
  host \"shop.example\"
  path \"/billing/invoices/**\"
  respond 200
}
```
",
};

/// Whose the ground is that a route claims.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'d> {
    /// Another module's, granted here.
    Module(&'d str, Span),
    /// In part the module's own: the claim is too wide.
    Partly,
    /// No module's.
    Nobody,
}

/// The route at `span` answers for `place`, which its module does not own; `grants` is what it does own.
pub fn not_owned(
    span: Span,
    (route, module): (&str, &str),
    place: &str,
    owner: Owner<'_>,
    grants: &[(String, Span)],
) -> Diag {
    let message =
        format!("`{route}` answers for {place}, which the module `{module}` does not own");
    let reason = match owner {
        Owner::Module(other, _) => format!("this is the ground of the module `{other}`"),
        Owner::Partly => format!("this reaches beyond what `{module}` owns"),
        Owner::Nobody => "no module owns this".to_owned(),
    };
    let mut diag = ENTRY.at(span, message, reason);
    if let Owner::Module(other, place) = owner {
        diag = diag.label(place, format!("`{other}` owns it"));
    }
    for (_, place) in grants.iter().take(3) {
        diag = diag.label(*place, format!("what `{module}` owns"));
    }
    let owned: Vec<&str> = grants.iter().map(|(ground, _)| &**ground).take(3).collect();
    diag.help(match (owner, owned.as_slice()) {
        (_, []) => format!("`{module}` owns nothing yet"),
        (Owner::Nobody, owned) => format!(
            "stay within {}, or let whoever keeps the first file grant it with a line `owns …`",
            owned.join(" and ")
        ),
        (_, owned) => format!("stay within {}", owned.join(" and ")),
    })
}

/// A module's file says at `span` that it owns `place`, which it was not given at `grants`.
pub fn overstated(span: Span, module: &str, place: &str, grants: &[(String, Span)]) -> Diag {
    let message =
        format!("the module `{module}` says that it owns {place}, which it was not given");
    let mut diag = ENTRY.at(span, message, "a module cannot widen what it owns");
    for (_, place) in grants.iter().take(3) {
        diag = diag.label(*place, format!("what `{module}` owns"));
    }
    diag.help("what a file says of itself narrows what the first file grants, or repeats it")
}

/// A route of a module is on a listener at `span` that the module, granted at `grant`, was not given.
pub fn not_listening(
    span: Span,
    (route, module): (&str, &str),
    listener: &str,
    grant: Span,
) -> Diag {
    let message =
        format!("`{route}` is on `{listener}`, which the module `{module}` was not given");
    ENTRY
        .at(span, message, "not one of the module's listeners")
        .label(grant, format!("`{module}` is granted its ground here"))
        .help(format!("whoever keeps the first file can write `module {module} on {listener}`"))
}

/// A file of a module defines the listener at `span`; the module is granted at `grant`.
pub fn own_listener(span: Span, listener: &str, module: &str, grant: Span) -> Diag {
    let message = format!("the module `{module}` defines a listener, `{listener}`");
    ENTRY
        .at(span, message, "addresses belong to nobody's module")
        .label(grant, format!("`{module}` is granted its ground here"))
        .help("define it in the first file with `pub`, grant it with `on`, and import it here with `use`")
}
