//! A condition with one outcome.

use super::impossible_route::{Asked, arrival};
use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0605",
    slug: "constant-condition",
    severity: Severity::Warning,
    mends: Mends::Carried,
    explain: "\
A `where` or `require` whose condition does not depend on the request always does the same.

So does a `require` that every request meets which comes to it: it protects nothing. `require req.host != \"Admin.example\"`
is one, because hosts arrive in lower case, and so is `require not matches(req.path, re\"/\\\\.git\")`: a pattern is read as it
is written, so `\\\\` is a backslash, which no path holds, and a dot is `\\.`. And so does one that none meets: it refuses
everybody: one for a text that a field never says, as `require req.path == \"admin\"` or a certificate's subject without
`CN=`, and one for `conn.tls.client` where no `client_ca` asks for certificates.
What a route takes, and what is required before, counts. A `require` that several routes share, as those of a `policy` are,
is told of if it is so in all of them; what hangs on an input is not.

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

/// What is required at `span` no request can bring: the field never says this text.
pub fn never_said(span: Span, (route, place): (&str, Span), field: &str, text: &str) -> Diag {
    let message = format!("this requirement refuses every request: `{field}` is never `{text:?}`");
    let diag = ENTRY.at(span, message, "this never holds");
    let diag = diag.label(place, format!("in the route `{route}`"));
    diag.help(match field {
        "req.host" => "a host arrives in lower case and without its port: `shop.example`".to_owned(),
        "req.id" => "the gateway gives each request one of 32 hexadecimal digits, in lower case".to_owned(),
        "conn.sni" => "a client asks for a name in lower case, and for no address".to_owned(),
        "conn.tls.client" => format!(
            "a subject is written as RFC 4514 has it, the most specific part first and no blanks between: `CN={text},O=…`"
        ),
        _ if field.starts_with("req.header") => {
            "no value of a header field begins or ends with a blank, or holds a control character"
                .to_owned()
        }
        _ if field.starts_with("req.cookie") => {
            "a cookie ends before a `;`, and holds no control character".to_owned()
        }
        _ => "a path arrives with `.`, `..` and `//` resolved, and percent-encoded where a character is no letter, digit or sign that a path may hold: `%C3%A9` for `é`".to_owned(),
    })
}

/// What is required at `span` every request meets, `by_itself` or because of what the route takes and requires before; `asked`
/// is what it looks at.
pub fn always_met(span: Span, route: (&str, Span), by_itself: bool, asked: &[Asked]) -> Diag {
    let message = match by_itself {
        true => "this requirement protects nothing: every request meets it",
        false => "this requirement protects nothing: every request that comes to it meets it",
    };
    told(ENTRY.at(span, message, "always true"), route, by_itself, asked)
}

/// What is required at `span` no request meets, `by_itself` or because of what the route takes and requires before; `asked` is
/// what it looks at.
pub fn met_by_none(span: Span, route: (&str, Span), by_itself: bool, asked: &[Asked]) -> Diag {
    let message = match by_itself {
        true => "this requirement refuses every request: none meets it",
        false => "this requirement refuses every request: none that comes to it meets it",
    };
    told(ENTRY.at(span, message, "never true"), route, by_itself, asked)
}

fn told(diag: Diag, (route, place): (&str, Span), by_itself: bool, asked: &[Asked]) -> Diag {
    let diag = diag.label(place, format!("in the route `{route}`"));
    match arrival(asked).filter(|_| by_itself) {
        Some(help) => diag.help(help),
        None if by_itself => diag,
        None => diag.help("what the route takes and what is required before it decide it already"),
    }
}
