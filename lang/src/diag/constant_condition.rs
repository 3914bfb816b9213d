//! A condition with one outcome.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0605",
    slug: "constant-condition",
    severity: Severity::Warning,
    mends: Mends::Carried,
    explain: "\
A `where` or `require` whose condition does not depend on the request always does the same. So does a `require` that no
request of the listener can meet: one for `conn.tls.client` where no `client_ca` asks for certificates.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where 1 == 1
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  respond 200
}
```
",
};

/// The condition at `span` always is `outcome`; `whole` is what goes if it goes, where the rest says the same without.
pub fn constant_condition(span: Span, outcome: bool, whole: Option<Span>) -> Diag {
    let message = format!("this condition is always {outcome}");
    let diag = ENTRY.at(span, message, "it does not depend on the request");
    match whole {
        Some(whole) => diag.suggest("remove it", whole, ""),
        None => diag,
    }
}

/// What is required at `span` no request of the listener can bring, because of this field.
pub fn never_met(span: Span, (route, place): (&str, Span), field: &str, listener: &str) -> Diag {
    let message =
        format!("this requirement refuses every request: `{listener}` lets none in that meets it");
    let label = format!("because of `{field}`");
    let diag = ENTRY.at(span, message, label).label(place, format!("in the route `{route}`"));
    diag.help(match field {
        "conn.tls.client" => {
            "a client shows a certificate where a `tls` line of the listener asks for one: `tls cert=…, key=…, client_ca=\"/etc/gw/partners.pem\"`"
        }
        "req.scheme" => {
            "the scheme is the listener's own: `https` where it has a `tls` line, and `http` where it has none, whatever stands in front of the gateway"
        }
        _ => "TLS is spoken where the listener has a `tls` line, and only there",
    })
}
