//! A route that never answers.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0805",
    slug: "unreachable-route",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
Every request that fits this route is answered by others, which are narrower and therefore tried first, or which a
`before` puts in front of it. A route that never answers protects nothing and serves nobody.

```gw fails
edition 2026

listener web { bind \":8080\" }

route read  on web { path \"/a\"; method GET, HEAD; respond 200, \"read\" }
route write on web { path \"/a\"; method POST; respond 200, \"write\" }
route both  on web { path \"/a\"; method GET, HEAD, POST; respond 200, \"both\" }
```

Remove it, or let it take something that the others do not:

```gw mended
edition 2026

listener web { bind \":8080\" }

route read  on web { path \"/a\"; method GET, HEAD; respond 200, \"read\" }
route write on web { path \"/a\"; method POST; respond 200, \"write\" }
route both  on web { path \"/a\"; respond 200, \"both\" }
```
",
};

/// The route at `span` never answers, because `covers` take all it could. `sample` is such a request, who answers it, and
/// whether that does the same. `item` is the whole route.
pub fn unreachable_route(
    (route, span): (&str, Span),
    covers: &[(&str, Span)],
    sample: Option<(&str, &str, bool)>,
    item: Span,
) -> Diag {
    let names: Vec<String> = covers.iter().take(4).map(|(name, _)| format!("`{name}`")).collect();
    let names = match names.as_slice() {
        [one] => one.clone(),
        [most @ .., last] if covers.len() <= 4 => format!("{} and {last}", most.join(", ")),
        some => format!("{} and {} more", some.join(", "), covers.len().saturating_sub(4)),
    };
    let (answers, reason) = match covers {
        [_] => ("answers", "takes all of its requests"),
        _ => ("together answer", "takes some of its requests"),
    };
    let message = format!("`{route}` never answers: {names} {answers} every request it takes");
    let mut diag = ENTRY.at(span, message, "no request reaches this");
    for (_, cover) in covers.iter().take(4) {
        diag = diag.label(*cover, reason);
    }
    let help = match sample {
        Some((example, by, true)) => {
            format!("`{example}` is answered by `{by}`, which does the same: remove `{route}`")
        }
        Some((example, by, false)) => format!(
            "`{example}` is answered by `{by}`, which does something else: narrow it, or remove `{route}`"
        ),
        None => format!("narrow what answers in its place, or remove `{route}`"),
    };
    diag.help_showing(help).suggest(format!("remove `{route}`"), item, "")
}
