//! A route whose conditions hold for no request.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0806",
    slug: "impossible-route",
    severity: Severity::Error,
    mends: Mends::ByHand("which of the conditions is wrong is not known"),
    explain: "\
What a route asks of a request contradicts itself, so no request fits.

```gw fails
edition 2026

listener web { bind \":8080\" }

route a on web {
  path \"/a\"
  where req.header[\"x-a\"] == \"1\" and req.header[\"x-a\"] == \"2\"
  respond 200
}
```

Ask for something a request can have:

```gw mended
edition 2026

listener web { bind \":8080\" }

route a on web {
  path \"/a\"
  where req.header[\"x-a\"] == \"1\" or req.header[\"x-a\"] == \"2\"
  respond 200
}
```
",
};

/// No request fits the route: what the condition at `condition` says contradicts what `others` say, or itself. `asked` is
/// what its conditions look at.
pub fn impossible_route(
    (route, span): (&str, Span),
    condition: Option<Span>,
    others: &[(Span, &str)],
    asked: &[Asked],
) -> Diag {
    let message = format!("`{route}` never answers: no request can fit it");
    let Some(condition) = condition else {
        return ENTRY.at(span, message, "this asks for what no request has");
    };
    let mut diag = match others {
        [] => ENTRY
            .at(condition, message, "no request fits this")
            .label(span, "the route that asks it"),
        _ => ENTRY.at(condition, message, "no request fits this, together with the rest"),
    };
    for (place, what) in others {
        diag = diag.label(*place, format!("the {what} it would have to have"));
    }
    match arrival(asked) {
        Some(help) => diag.help(help),
        None => diag,
    }
}

/// In which form arrives what is asked; nothing, where that has none.
pub(super) fn arrival(asked: &[Asked]) -> Option<String> {
    let says = |asked: &Asked| match asked {
        Asked::Host => "a request has one host, which arrives in lower case and without its port",
        Asked::Path => {
            "a request has one path, which arrives decoded, with `.` and `..` resolved and `//` merged, and no path holds a backslash (in `re\"…\"` a dot is written `\\.`)"
        }
        Asked::Method => "a request has one method: `req.method in [GET, POST]` takes either",
        Asked::Certificate => {
            "a client shows a certificate where a `tls` line has a `client_ca`, and its subject is written as RFC 4514 has it: `CN=deploy,O=partner`"
        }
        Asked::Connection => "TLS is spoken where the listener has a `tls` line, and only there",
    };
    let says: Vec<&str> = asked.iter().map(says).collect();
    (!says.is_empty()).then(|| says.join("; "))
}

/// What a condition looks at that has a form when it arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// The host.
    Host,
    /// The path.
    Path,
    /// The method.
    Method,
    /// Whose certificate the client shows.
    Certificate,
    /// How it came.
    Connection,
}
