//! Two values that stand beside each other: what is missing between them is a comma, an operator, a `=` or a line's end.

use super::VERBS;
use super::complaint::Complaint;
use super::tokens::{is_single, is_word, next_token, opener, span, url};
use crate::diag::Diag;
use crate::diag::foreign_syntax::foreign_infix_word;
use crate::diag::missing_mark::missing_mark;
use crate::diag::unexpected_text::unexpected_text;
use crate::foreign;
use crate::source::Span;
use crate::syntax::keyword::distance;

pub(super) fn missing_comma(
    text: &str,
    complaint: &Complaint<'_>,
    gap: Span,
    next: Span,
    next_text: &str,
) -> Diag {
    let before = text.get(complaint.from..gap.start as usize).unwrap_or("");
    if is_unit(next_text) && before.ends_with(|c: char| c.is_ascii_digit()) {
        return unexpected_text(next, "`,` or an operator", next_text)
            .help("a unit stands right behind its number")
            .fix("write them together", span(gap.start as usize, next.start as usize), "");
    }
    let operator = ["and", "or", "not", "in", "is"]
        .into_iter()
        .filter(|_| !ARGUMENTS.contains(&next_text))
        .find(|word| next_text.len() > 1 && *word != next_text && distance(word, next_text) == 1)
        .filter(|_| next_text.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if let Some(word) = operator
        .filter(|_| !text.get(next.end as usize..).unwrap_or("").starts_with(['=', '(', ',']))
    {
        return unexpected_text(next, "`,` or an operator", next_text)
            .help(format!("did you mean `{word}`?"))
            .suggest(format!("change it to `{word}`"), next, word);
    }
    if complaint.verb == Some("allow") && next_text == "per" {
        return unexpected_text(next, "`,` or an operator", next_text)
            .help("a rate is written `100/s` or `20/min`");
    }
    if let Some(diag) = of_this_verb(text, complaint, before, next, next_text) {
        return diag;
    }
    let rest = text.get(next.start as usize..).unwrap_or("");
    let behind = rest.get(next_text.len()..).unwrap_or("");
    if let Some(row) = foreign::function(next_text)
        && is_single(complaint.verb)
        && !behind.starts_with(['(', '=', ',', '.', '['])
    {
        return foreign_infix_word(next, next_text, row.help);
    }
    if let Some(length) = url(rest) {
        let place = span(next.start as usize, next.start as usize + length);
        let written = text.get(place.range()).unwrap_or("");
        let comma = if before.trim_end().ends_with(',') { "" } else { "," };
        return unexpected_text(place, "a text in quotes", written)
            .help(format!("write `\"{written}\"`"))
            .fix(
                "put it in quotes",
                span(gap.start as usize, place.end as usize),
                format!("{comma} \"{written}\""),
            );
    }
    if complaint.verb == Some("require") && next_text == "else" {
        let diag = missing_mark(gap, next, ",", next_text);
        let help = "what is answered instead is named: `require CONDITION, else=403`";
        let status = next_token(text, next.end as usize);
        let written = text.get(status.range()).unwrap_or("");
        let place = Span { start: gap.start, end: status.end, ..gap };
        if !is_status(written) {
            return diag.help(help);
        }
        let mut diag = diag.help(help);
        diag.fixes.clear();
        return diag.fix("name it", place, format!(", else={written}"));
    }
    if matches!(complaint.verb, Some("set" | "add" | "unset")) && before.trim() == "header" {
        return unexpected_text(next, "a field", next_text).help(
            "a header is named with its message: `set up.header[\"x\"] = \"1\"` on the way to the upstream, `set resp.header[\"x\"] = \"1\"` on the way back",
        );
    }
    let is_target = matches!(complaint.verb, Some("set" | "add")) && before.ends_with([']', ')']);
    let is_stub = complaint.verb == Some("stub");
    if is_target || (is_stub && !before.contains('=')) {
        return missing_mark(gap, next, "=", next_text);
    }
    if is_stub {
        return unexpected_text(next, "the end of the line", next_text)
            .help("a function takes its values in brackets: `stub users = respond(200)`");
    }
    let end = complaint.from + before.len();
    if complaint.verb == Some("expect")
        && let Some(row) = foreign::claimed(before)
    {
        let diag = unexpected_text(span(complaint.from, end), "an outcome", before).help(row.help);
        let word = span(complaint.from, next.start as usize);
        return match row.ours {
            Some(ours) => diag.fix(format!("write `{ours}`"), word.part(0, before.len()), ours),
            None => diag.suggest("remove it", word, ""),
        };
    }
    if complaint.verb == Some("expect") {
        return unexpected_text(next, "an operator", next_text)
            .help("`==` compares two values, `and` joins two conditions");
    }
    if begins_statement(text, next) {
        return missing_mark(gap, next, ";", next_text)
            .help("values are separated by `,`, statements by a new line or `;`");
    }
    if let Some(diag) = doubled(text, complaint, before, next, next_text) {
        return diag;
    }
    // `path prefix "/a"`: the word says how elsewhere, and what stands behind it what.
    if let Some(row) = foreign::verb(before)
        && next_text.starts_with(['"', '/'])
    {
        let end = complaint.from + before.len();
        return unexpected_text(span(complaint.from, end), "a value", before).help(row.help);
    }
    if VERBS.contains(&before)
        && let Some(head) =
            text.get(..complaint.from).map(str::trim_end).filter(|head| head.ends_with(','))
    {
        let comma = span(head.len() - 1, head.len());
        return unexpected_text(comma, "`;` or a new line", ",")
            .help(format!("`{before}` begins a statement of its own"))
            .fix("write `;`", comma, ";");
    }
    let is_name = before.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && before.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let is_behind = text.get(..complaint.from).is_some_and(|text| text.trim_end().ends_with(','));
    if is_name
        && is_behind
        && !is_list(text, complaint, before, next)
        && next_text.starts_with(|c: char| c == '[' || c == '"' || c.is_ascii_digit())
    {
        let blank = span(gap.start as usize, next.start as usize);
        let mut diag = missing_mark(gap, next, "=", next_text)
            .help(format!("a value with a name is written `{before}=…`; what begins a line of its own stands behind a new line or `;`, and not behind `,`"));
        diag.fixes.clear();
        return diag.fix("insert `=`", blank, "=");
    }
    let diag = missing_mark(gap, next, ",", next_text);
    let mut diag = if is_list(text, complaint, before, next) {
        diag
    } else {
        // An operator may be what is missing, or the `=` behind a name.
        let place = gap;
        let mut diag = diag;
        diag.fixes.clear();
        let diag = diag.suggest("insert `,`", place, ",");
        let blank = span(gap.start as usize, next.start as usize);
        if is_name { diag.suggest("insert `=`", blank, "=") } else { diag }
    };
    if is_single(complaint.verb) && diag.certain_fix().is_none() {
        diag.fixes.clear();
        return unexpected_text(next, "an operator", next_text).help(
            "an operator such as `==`, `in` or `and` joins two values, `,` separates arguments",
        );
    }
    if is_name {
        diag.help("values are separated by `,`; a named one is written `name=value`")
    } else {
        diag.help("values are separated by `,`, statements by a new line or `;`")
    }
}

/// Names of arguments that are written behind a value elsewhere, without a mark; no statement begins with them.
const ARGUMENTS: [&str; 11] = [
    "weight", "burst", "every", "interval", "stale", "from", "cert", "key", "min", "timeout", "on",
];

/// What stands behind a value of this verb elsewhere.
fn of_this_verb(
    text: &str,
    complaint: &Complaint<'_>,
    before: &str,
    next: Span,
    next_text: &str,
) -> Option<Diag> {
    let verb = complaint.verb?;
    let gap = complaint.from + before.len();
    let behind = text.get(next.end as usize..).unwrap_or("");
    // `re"…"` with another letter, or with a blank between.
    if matches!(before, "r" | "rx" | "regex" | "re" | "regexp") && next_text.starts_with('"') {
        let mended = format!("re{next_text}");
        let whole = span(complaint.from, next.end as usize);
        return Some(
            unexpected_text(whole, "a pattern", text.get(whole.range())?)
                .help(format!("a pattern is written `{mended}`"))
                .fix(format!("write `{mended}`"), whole, mended),
        );
    }
    if verb == "unset" {
        let help = "write a line for each: `unset up.header[\"x-name\"]`";
        return Some(unexpected_text(next, "the end of the line", next_text).help(help));
    }
    if verb == "always" || next_text == "always" {
        return Some(unexpected_text(next, if verb == "always" { "`{`" } else { "the end of the line" }, next_text).help(
            "for every answer, refusals included, it stands in front of `forward` as `always { set resp.header[\"x-name\"] = VALUE }`",
        ));
    }
    if is_single(Some(verb)) && next_text == "not" {
        let help =
            "`x not in list` asks whether a list lacks it, `x != y` whether two values differ";
        return Some(unexpected_text(next, "an operator", next_text).help(help));
    }
    if ARGUMENTS.contains(&next_text) && behind.starts_with([' ', '\t']) {
        let value = behind.len() - behind.trim_start_matches([' ', '\t']).len();
        let place = span(gap, next.end as usize + value);
        return Some(
            unexpected_text(next, "`,`", next_text)
                .help(format!("a value with a name is written `{next_text}=…`, behind a comma"))
                .suggest("name the value", place, format!(", {next_text}=")),
        );
    }
    if verb == "respond" && before.starts_with('"') && is_status(next_text) {
        let written = format!("{next_text}, {before}");
        let place = span(complaint.from, next.end as usize);
        return Some(
            unexpected_text(place.part(0, before.len()), "a status", before)
                .help("the status stands first, and the text behind a `,`")
                .fix(format!("write `respond {written}`"), place, written),
        );
    }
    if verb == "respond"
        && is_status(before)
        && next_text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !behind.trim_start().starts_with('=')
    {
        return Some(unexpected_text(next, "`,` or the end of the line", next_text).help(format!(
            "the words of a status are sent with it; a text of the answer stands in quotes: `respond {before}, \"text\"`"
        )));
    }
    if verb == "forward" && before == "to" {
        let word = span(complaint.from, next.start as usize);
        return Some(
            unexpected_text(word.part(0, "to".len()), "an upstream", "to")
                .help("`forward NAME` sends to an `upstream`")
                .fix("remove it", word, ""),
        );
    }
    if verb == "rewrite" && before.ends_with('"') && next_text.starts_with('"') {
        return Some(unexpected_text(next, "the end of the line", next_text).help(
            "write the new path as one text: `rewrite \"/b/{id}\"` with what `path` captures, or `rewrite \"/b{strip_prefix(req.path, \"/a\")}\"` for all that is beneath `/a`",
        ));
    }
    // `set up.header X-User "a"`: a name behind the field, and a value behind the name.
    if matches!(verb, "set" | "add" | "unset") && matches!(before, "up.header" | "resp.header") {
        let line = text.get(next.start as usize..)?.lines().next()?;
        let name = line.trim_start_matches('"');
        let length = name.find(|c: char| !is_word(c) && c != '-').unwrap_or(name.len());
        let name = name.get(..length)?.to_ascii_lowercase();
        let field = format!("{before}[\"{name}\"]");
        let assigned = if verb == "unset" { "" } else { " = VALUE" };
        return Some(unexpected_text(next, "a name in brackets", next_text).help(format!(
            "a field is named in brackets, and its value stands behind `=`: `{verb} {field}{assigned}`"
        )));
    }
    if let Some(row) = foreign::argument(verb, next_text)
        && !behind.starts_with('=')
    {
        let place = span(gap, next.end as usize);
        return Some(
            unexpected_text(next, "`,` or the end of the line", next_text).help(row.help).suggest(
                "remove it",
                place,
                "",
            ),
        );
    }
    None
}

/// A word that stands twice: the verb again, or a value.
fn doubled(
    text: &str,
    complaint: &Complaint<'_>,
    before: &str,
    next: Span,
    next_text: &str,
) -> Option<Diag> {
    let begin = complaint.from;
    let is_word =
        before.starts_with(|c: char| c.is_ascii_alphabetic()) && before.chars().all(is_word);
    let behind = text.get(next.end as usize..).unwrap_or("");
    let place = match complaint.verb {
        _ if !is_word => return None,
        Some(verb) if verb == before && text.get(..begin)?.trim_end().ends_with(verb) => {
            span(begin, next.start as usize)
        }
        _ if before == next_text && !behind.starts_with(['=', '(', '.', '[']) => {
            span(begin, next.start as usize)
        }
        _ => return None,
    };
    let diag = unexpected_text(place.part(0, before.len()), "a value", before);
    Some(diag.help(format!("`{before}` stands twice")).fix("say it once", place, ""))
}

/// Whether two values beside each other are of a list beyond doubt, so that nothing but a comma can be missing.
fn is_list(text: &str, complaint: &Complaint<'_>, before: &str, next: Span) -> bool {
    let behind = text.get(next.end as usize..).unwrap_or("");
    let is_named =
        behind.starts_with('=') && !behind.starts_with("==") && !behind.starts_with("=>");
    let head = text.get(..complaint.from).unwrap_or("");
    let open = opener(head).and_then(|at| head.as_bytes().get(at).copied());
    let is_bare = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(is_word)
    };
    let next = text.get(next.range()).unwrap_or("");
    let is_doubtful = is_bare(before) || is_bare(next);
    is_named || open == Some(b'[') || !is_single(complaint.verb) && !is_doubtful
}

/// Whether it is written as a status is.
fn is_status(word: &str) -> bool {
    word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the word is a unit that numbers have, apart from them.
fn is_unit(word: &str) -> bool {
    matches!(word, "ms" | "s" | "min" | "h" | "d" | "B" | "KiB" | "MiB" | "GiB" | "TiB")
}

/// Whether a word is followed by a value without any mark between, as a verb is and a value is not.
fn begins_statement(text: &str, word: Span) -> bool {
    let written = text.get(word.range()).unwrap_or("");
    let is_name = written.starts_with(|first: char| first.is_ascii_alphabetic());
    let behind = text.get(word.end as usize..).unwrap_or("");
    let value = behind.trim_start_matches([' ', '\t']);
    let is_value = |first: char| first.is_ascii_alphanumeric() || matches!(first, '"' | '\'');
    let operator = ["and", "or", "not", "in", "is"];
    is_name
        && value.len() < behind.len()
        && value.starts_with(is_value)
        && !operator.contains(&value.split(|c| !is_word(c)).next().unwrap_or(""))
}
