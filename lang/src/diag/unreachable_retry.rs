//! A try that never begins, because the time for all of them is over before.

use super::{Diag, Entry, Mends, Severity};
use crate::source::Span;
use crate::value::Value;
use crate::vocab::budget::Late;

/// The catalogue's row.
pub const ENTRY: Entry = Entry {
    code: "E0702",
    slug: "unreachable-retry",
    severity: Severity::Error,
    mends: Mends::Carried,
    explain: "\
The total time limit bounds all tries of a request together. A try that follows a time limit, or a wait, cannot begin
when the total has passed by then: the policy promises a retry that never happens.

```gw fails
edition 2026

listener web { bind \":8080\" }
upstream app {
  server \"127.0.0.1:3000\"
  timeout first_byte=3s, total=5s
  retry 2, on=[timeout]
}

route all on web { forward app }
```

Give each try less time, all of them more, or try less often:

```gw mended
edition 2026

listener web { bind \":8080\" }
upstream app {
  server \"127.0.0.1:3000\"
  timeout first_byte=1s, total=5s
  retry 2, on=[timeout]
}

route all on web { forward app }
```

A route's own limits count for what it sends: `forward app, timeout=1s` leaves a retry after a timeout no time, as the
first byte has that second too; `forward app, timeout=1s, first_byte=300ms` does.
",
};

/// Some retries come too `late`. `place` says how many there are, or why there is no time; `each` how long one takes; `outer`
/// how long all may. The number and the length can be `mended` where they are written.
pub fn unreachable_retry(
    place: Span,
    late: &Late,
    each: Option<Span>,
    outer: Option<Span>,
    mended: (Option<Span>, Option<Span>),
) -> Diag {
    let (length, whole) = (Value::Duration(late.length), Value::Duration(late.whole));
    let (limit, total) = (late.each.1, late.outer.1);
    let which = match late.begin + 1 {
        1 => "a".to_owned(),
        2 => "a second".to_owned(),
        3 => "a third".to_owned(),
        n => format!("retry number {n}, a further"),
    };
    let message = format!(
        "{which} retry after `{limit}` never begins: with {length} each, `{total}` of {whole} is over before"
    );
    let mut diag = ENTRY.at(place, message, "there is no time for it");
    if let Some(each) = each.filter(|each| *each != place) {
        diag = diag.label(each, "one takes as long as this");
    }
    if let Some(outer) = outer.filter(|outer| *outer != place) {
        diag = diag.label(outer, "all of them end here");
    }
    let fits = late.fits.map(Value::Duration);
    let mut ways = Vec::new();
    if let Some(fits) = &fits {
        ways.push(format!("lower `{limit}` to at most {fits}"));
    }
    ways.push(format!("raise `{total}`"));
    if late.begin > 0 {
        ways.push(format!("allow {} only", late.begin));
    }
    let ways = match ways.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{}, or {last}", rest.join(", ")),
        None => String::new(),
    };
    diag = diag.help(ways);
    if let (Some(place), Some(fits)) = (mended.1, fits) {
        diag = diag.suggest(format!("lower `{limit}` to {fits}"), place, fits.to_string());
    }
    if let (Some(place), 1..) = (mended.0, late.begin) {
        let number = late.begin.to_string();
        diag = diag.suggest(format!("allow {number} only"), place, number);
    }
    diag
}

/// No retry, of as many as are said at `number`, ever begins: the `share` of requests that may be sent again is nothing.
pub fn unpaid_retry(number: Span, share: &str, place: Option<Span>) -> Diag {
    let diag = ENTRY
        .at(number, format!("a retry never begins: its `{share}` is 0%"), "none of these")
        .help(format!("raise `{share}`, or retry `connect`, which costs none of it"))
        .suggest("write `0`", number, "0");
    match place {
        Some(place) => diag.label(place, "no request may be sent again"),
        None => diag,
    }
}
