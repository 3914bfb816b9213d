//! A text with something in it that other languages read as more than text.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "W0608",
    slug: "plain-text",
    severity: Severity::Warning,
    mends: Mends::Carried,
    explain: "\
A text is compared and sent as it is written: a `*` in it is no wildcard, and `$` begins no variable. Wildcards belong in
`path` and `host`, and a value stands in braces.

```gw fails
edition 2026

listener web { bind \":8080\" }

route all on web {
  where req.path == \"/a/**\"
  respond 200
}
```

Write:

```gw mended
edition 2026

listener web { bind \":8080\" }

route all on web {
  path \"/a/**\"
  respond 200
}
```
",
};

/// The text at `span` has a `*` and is compared; `asks` is what asks for what was probably meant, in place of `whole`.
pub fn plain_wildcard(span: Span, asks: Option<(Span, String)>) -> Diag {
    let diag =
        ENTRY.at(span, "a `*` in a comparison is only a `*`", "equal to this very text only");
    match asks {
        Some((whole, text)) => diag
            .help(format!("wildcards belong in `path` and `host`; a condition asks `{text}`"))
            .suggest(format!("write `{text}`"), whole, text),
        None => diag.help("wildcards belong in `path` and `host`; conditions ask `starts_with`, `ends_with` or `matches`"),
    }
}

/// The `$` at `span` stands before a value in braces.
pub fn plain_dollar(span: Span) -> Diag {
    ENTRY
        .at(span, "a `$` before braces is sent as it is", "part of the text")
        .help("a value is written `{value}`")
        .suggest("remove the `$`", span, "")
}

/// The `%…%` at `span` is what Envoy puts a value in for.
pub fn plain_operator(span: Span, written: &str) -> Diag {
    ENTRY.at(span, format!("`{written}` is only text"), "no value is put in").help(
        "a value stands in braces: `{req.host}`, `{client.ip}`, `{req.header[\"x-name\"] ?? \"\"}`",
    )
}

/// The `$` at `span` begins the name of what is `ours` here.
pub fn plain_variable(span: Span, written: &str, ours: &str) -> Diag {
    ENTRY
        .at(span, format!("`{written}` is only text"), "no variable")
        .help(format!("write `{{{ours}}}`"))
        .suggest(format!("write `{{{ours}}}`"), span, format!("{{{ours}}}"))
}

/// The `$` at `span` begins the number of what a pattern captured elsewhere.
pub fn plain_group(span: Span, written: &str) -> Diag {
    ENTRY.at(span, format!("`{written}` is only text"), "no variable").help(
        "what the route's path captures has a name: `{path.id}` behind `path \"/a/{id}\"`, and what lies beneath `/a/**` is `{strip_prefix(req.path, \"/a\")}`",
    )
}
