//! From what did not fit to words. A second look runs the strict rule over just the text in question; how far it came and
//! what it hoped for there become one message in the language's words.

use std::collections::HashSet;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

use super::parse::{Grammar, Rule};
use super::prepare::{Prepared, prepare};
use super::scan::scan;
use crate::diag::beyond_limits::too_long;
use crate::diag::foreign_syntax::{
    foreign_alias, foreign_comment, foreign_infix, foreign_loop, foreign_operator, foreign_verb,
    foreign_word, no_verb,
};
use crate::diag::missing_mark::{missing_mark, missing_verb};
use crate::diag::missing_part::missing_part;
use crate::diag::unexpected_text::{unexpected_character, unexpected_text};
use crate::diag::{Diag, Edit};
use crate::foreign;
use crate::source::{SourceId, Span};

/// Something that did not fit, by the error production that took it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Complaint<'t> {
    pub(super) rule: Rule,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where the element begins that it ends.
    pub(super) from: usize,
    /// The verb of the statement it is in.
    pub(super) verb: Option<&'t str>,
}

/// Whether the rule is an error production.
pub(super) fn is_error(rule: Rule) -> bool {
    is_missing(rule)
        || matches!(
            rule,
            Rule::bad_alias
                | Rule::bad_arg
                | Rule::bad_elem
                | Rule::bad_entry
                | Rule::bad_field
                | Rule::bad_rest
                | Rule::bad_tail
                | Rule::bad_value
                | Rule::bad_head
                | Rule::bad_stmt
                | Rule::junk
        )
}

/// Whether the rule stands where something was to be.
pub(super) fn is_missing(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::missing_expr
            | Rule::missing_type
            | Rule::missing_name
            | Rule::missing_colon
            | Rule::missing_comma
            | Rule::missing_eq
            | Rule::missing_arrow
            | Rule::missing_block
            | Rule::missing_params
            | Rule::missing_value
    )
}

/// The diagnostics of one item: one for each line at most, because a second one is mostly an echo of the first.
pub(super) fn diags(
    text: &str,
    prepared: &Prepared,
    found: Vec<Diag>,
    complaints: &[Complaint<'_>],
) -> Vec<Diag> {
    let starts: Vec<usize> =
        text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1).collect();
    let line_of = |at: usize| starts.partition_point(|start| *start <= at);
    let mut lines = HashSet::new();
    let mut diags = Vec::new();
    for diag in found.into_iter().chain(prepared.diags.iter().cloned()) {
        // Two brackets may be missed at one place, if they were opened on two lines.
        let is_first = lines.insert(line_of(diag.span().start as usize));
        let opener = diag.labels.get(1).map(|label| line_of(label.span.start as usize));
        if is_first || opener.is_some_and(|line| lines.insert(line)) {
            diags.push(diag);
        }
    }
    let labels = diags.iter().flat_map(|diag: &Diag| &diag.labels);
    lines.extend(labels.map(|label| line_of(label.span.start as usize)));
    let mut last = None;
    for complaint in complaints {
        let at = if is_missing(complaint.rule) {
            before(text, complaint.start)
        } else {
            complaint.start
        };
        let line = line_of(at);
        if last == Some(line) || lines.contains(&line) {
            continue;
        }
        last = Some(line);
        diags.push(diag(text, complaint));
    }
    diags.sort_by_key(|diag| diag.span().start);
    diags
}

/// The newlines behind which a statement seems to go on: something is missing at the end of their lines, and a line
/// of code follows.
pub(super) fn joints(text: &str, complaints: &[Complaint<'_>]) -> Vec<usize> {
    let goes_on = |complaint: &&Complaint<'_>| {
        matches!(complaint.rule, Rule::missing_expr | Rule::missing_value)
    };
    let mut joints: Vec<usize> = complaints
        .iter()
        .filter(goes_on)
        .filter_map(|complaint| {
            let missed = before(text, complaint.start);
            let is_open = matches!(
                last_token(text, missed),
                "," | "and" | "or" | "not" | "in" | "??" | "==" | "!=" | "<" | "<=" | ">" | ">="
            );
            let rest = text.get(missed..).unwrap_or("");
            let (line, next) = rest.split_once('\n')?;
            let next = next.trim_start_matches([' ', '\t', '\r']);
            let is_end = line.trim_start().is_empty() || line.trim_start().starts_with("//");
            let is_code = !next.starts_with(['\n', '}', ')', ']', '/']) && !next.is_empty();
            (is_open && is_end && is_code).then_some(missed + line.len())
        })
        .collect();
    joints.dedup();
    joints
}

/// A statement that goes on behind the newline at `joint`.
pub(super) fn goes_on(text: &str, joint: usize) -> Diag {
    let line = text.get(..joint).and_then(|before| before.rsplit('\n').next()).unwrap_or("");
    let start = joint - line.len();
    let code = match line.find(" //") {
        Some(comment) => before(text, start + comment),
        None => before(text, joint),
    };
    let rest = text.get(joint..).unwrap_or("");
    let next = joint + rest.len() - rest.trim_start().len();
    let diag = missing_part(span(code, code), "a value", last_token(text, code))
        .help("the statement ends with its line; newlines are free only inside brackets");
    // A line cannot be put behind a comment.
    if text.get(code..joint).is_some_and(|gap| gap.trim().is_empty()) {
        diag.fix("go on in the same line", span(code, next), " ")
    } else {
        diag
    }
}

fn diag(text: &str, complaint: &Complaint<'_>) -> Diag {
    let Complaint { rule, start, end, .. } = *complaint;
    let missed = before(text, start);
    let gap = span(missed, missed);
    let next = next_token(text, start);
    let next_text = text.get(next.range()).unwrap_or("");
    let known = next_statement(text, complaint, gap, next, next_text)
        .or_else(|| of_elsewhere(text, complaint, next, next_text));
    if let Some(diag) = known {
        return diag;
    }
    match rule {
        Rule::prefix => foreign_operator(span(start, end), "!", "not"),
        Rule::binop => match text.get(start..end).unwrap_or("") {
            "&&" => foreign_operator(span(start, end), "&&", "and"),
            "||" => foreign_operator(span(start, end), "||", "or"),
            written => foreign_infix(span(start, end), written),
        },
        Rule::bad_alias => foreign_alias(span(start, end)),
        Rule::expr => too_long(span(start, end)),
        Rule::missing_comma => missing_comma(text, complaint, gap, next, next_text),
        Rule::missing_eq if next_text.starts_with(|c: char| c.is_ascii_uppercase()) => {
            missing_mark(gap, next, ":", next_text)
        }
        Rule::missing_eq if matches!(complaint.verb, Some("param" | "secret")) => {
            missing_mark(gap, next, "from", next_text)
        }
        Rule::missing_eq => missing_mark(gap, next, "=", next_text),
        Rule::missing_colon if is_subjectless(text, complaint.from) => {
            unexpected_text(next, "what the `match` looks at", next_text).help(
                "a `match` compares one value with patterns: `match req.path { \"/a\" => x, _ => y }`; of a condition it is `match CONDITION { true => x, _ => y }`",
            )
        }
        Rule::missing_colon => missing_mark(gap, next, ":", next_text),
        Rule::missing_arrow if matches!(next_text, "" | "," | ";" | "}") => {
            let pattern = span(complaint.from, missed.max(complaint.from));
            missing_verb(pattern)
        }
        Rule::missing_arrow => missing_mark(gap, next, "=>", next_text),
        Rule::missing_block => missing_mark(gap, next, "{", next_text),
        Rule::missing_params => missing_mark(gap, next, "(", next_text),
        Rule::missing_type if next_text.starts_with(|c: char| c.is_ascii_digit() || c == '"') => {
            unexpected_text(next, "a type", next_text).help(
                "`name: Type` declares; an argument is `name=value`, a share of requests `90% => app`",
            )
        }
        Rule::missing_type => missing_part(gap, "a type", last_token(text, missed)),
        // A word that stands alone behind an item's name lacks what makes it a clause.
        Rule::missing_name
            if complaint.from < start
                && matches!(complaint.verb, Some("auth" | "store" | "site" | "route"))
                && !matches!(last_token(text, missed), "on" | "before" | "=" | "@") =>
        {
            let is_provider = matches!(complaint.verb, Some("auth" | "store"));
            let place = before(text, complaint.from);
            let word = next_token(text, complaint.from);
            let found = text.get(word.range()).unwrap_or("");
            // Behind what it is made by nothing else names that.
            let line = text.get(..place).and_then(|head| head.rsplit('\n').next());
            let has_provider = line.is_some_and(|head| head.contains('='));
            if is_provider && has_provider {
                let diag = unexpected_text(word, "`{`", found);
                return diag.suggest("remove it", span(place, word.end as usize), "");
            }
            missing_mark(span(place, place), word, if is_provider { "=" } else { "on" }, found)
        }
        Rule::missing_name if last_token(text, missed) == "is" => {
            unexpected_text(next, "`present` or `absent`", next_text)
                .help("`is` asks whether something is there; `==` compares two values")
        }
        Rule::missing_name => missing_part(gap, "a name", last_token(text, missed)),
        Rule::missing_expr | Rule::missing_value => {
            let after = last_token(text, missed);
            let diag = match next_text {
                "," => unexpected_text(next, "a value", next_text),
                _ => missing_part(gap, "a value", after),
            };
            if after == "," && next_text.is_empty() {
                diag.help(
                    "the statement ends with its line; newlines are free only inside brackets",
                )
            } else {
                diag
            }
        }
        _ => second_look(text, complaint),
    }
}

/// What other gateways and languages write so: a comment, a verb, an operator, or a line that begins with a value.
fn of_elsewhere(
    text: &str,
    complaint: &Complaint<'_>,
    next: Span,
    next_text: &str,
) -> Option<Diag> {
    let rest = text.get(next.start as usize..)?;
    if rest.starts_with("/*") {
        return Some(foreign_comment(next.part(0, 2.min(next.len() + 1))));
    }
    let is_assert = item_word(text) == "assert";
    let at = complaint.verb.and_then(|verb| Some((verb, verb_place(text, complaint.start, verb)?)));
    if let Some((verb, place)) = at {
        let behind = text.get(place.end as usize..).unwrap_or("");
        if let Some(row) = foreign::verb_anywhere(verb) {
            let help = match verb {
                "if" | "when" | "unless" if is_assert => CLAIM,
                _ => row.help,
            };
            return Some(foreign_verb(place, verb, help));
        }
        if behind.starts_with(['.', '(', '['])
            && (complaint.rule != Rule::bad_rest || is_assert)
            && !is_single(Some(verb))
        {
            let help = match item_word(text) {
                "assert" => CLAIM,
                "test" => {
                    "a line of a test begins with `stub`, `send`, `advance`, `expect` or `each`"
                }
                _ => {
                    "`where CONDITION` chooses a route, `require CONDITION` refuses where it does not hold, `let NAME = VALUE` names a value"
                }
            };
            return Some(no_verb(place, verb, help));
        }
        let value = behind.trim_start_matches([' ', '\t']);
        if value.starts_with(['=', '<', '>', '!']) {
            let mark = text.len() - value.len();
            let is_assigned = value.starts_with('=') && !value.starts_with("==");
            let is_type =
                value.trim_start_matches(['=', ' ']).starts_with(|c: char| c.is_ascii_uppercase());
            let help = match item_word(text) {
                "auth" if is_assigned && is_type => {
                    let diag = unexpected_text(span(mark, mark + 1), "`:`", "=");
                    let gone = span(place.end as usize, mark + 1);
                    return Some(diag.help("a claim has a type: `sub: String`").fix(
                        "write `:`",
                        gone,
                        ":",
                    ));
                }
                "listener" | "upstream" | "limit" | "auth" if is_assigned => {
                    let diag = unexpected_text(span(mark, mark + 1), "a value", "=");
                    let help =
                        format!("a setting is its name and its values, without `=`: `{verb} …`");
                    let gone = span(place.end as usize, mark + 1);
                    return Some(diag.help(help).suggest("remove the `=`", gone, " "));
                }
                "fn" => {
                    "a function is one expression, without braces: `fn f(x: String): Bool = x == \"a\"`"
                }
                "assert" if !is_single(Some(verb)) => CLAIM,
                _ if is_assigned && !is_single(Some(verb)) => {
                    let diag = unexpected_text(span(mark, mark + 1), "a value", "=");
                    return Some(diag.help("a line is a verb and its values; `let NAME = VALUE` names a value for good, `set resp.header[\"x\"] = VALUE` changes a message"));
                }
                _ => return None,
            };
            return Some(no_verb(place, verb, help));
        }
    }
    let operator = match (next_text, complaint.rule) {
        (">", Rule::missing_expr) if last_token(text, before(text, next.start as usize)) == "-" => {
            let row = foreign::operator("->")?;
            let arrow = span(before(text, next.start as usize) - 1, next.end as usize);
            return Some(foreign_word(arrow, "->", None, row.help));
        }
        ("=", _)
            if rest.starts_with("=>")
                && matches!(complaint.verb, Some("for" | "expect" | "where" | "require")) =>
        {
            let row = foreign::operator("=>")?;
            return Some(foreign_word(next.part(0, 1), "=>", None, row.help));
        }
        _ => next_text,
    };
    let row = foreign::operator(operator).filter(|_| {
        !rest.get(operator.len()..).is_some_and(|rest| rest.starts_with(['=', '(', ',']))
    });
    if let Some(row) = row {
        return Some(foreign_word(next, row.word, row.ours, row.help));
    }
    // `if` where a value is to be: what stands behind it is what the grammar trips over.
    let element = text.get(complaint.from..next.start as usize)?.trim_end();
    if element.ends_with("if") && !element.trim_end_matches("if").ends_with(is_word) {
        let row = foreign::operator("if")?;
        let end = complaint.from + element.len();
        return Some(foreign_word(span(end - "if".len(), end), "if", None, row.help));
    }
    None
}

/// How an assert is written.
const CLAIM: &str =
    "an assert is written `for req where CONDITION`, and in a line of its own `expect OUTCOME`";

/// The word that the item begins with.
fn item_word(text: &str) -> &str {
    let code =
        text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with("//"));
    let code = code.unwrap_or("");
    let code = code.strip_prefix("pub ").unwrap_or(code).trim_start();
    code.split(|c| !is_word(c)).next().unwrap_or("")
}

/// Where the verb of the line stands that `at` lies in.
fn verb_place(text: &str, at: usize, verb: &str) -> Option<Span> {
    let head = text.get(..at.max(verb.len()))?;
    let begins = |start: &usize| {
        let before = head.get(..*start).unwrap_or("").trim_end_matches([' ', '\t', '\r']);
        let behind = text.get(start + verb.len()..).unwrap_or("");
        before.is_empty()
            || before.ends_with(['\n', '{', ';', '}', ',']) && !behind.starts_with(is_word)
    };
    let start = head.rmatch_indices(verb).map(|(start, _)| start).find(begins)?;
    Some(span(start, start + verb.len()))
}

/// A line of a test or an assert behind another one that has not ended.
fn next_statement(
    text: &str,
    complaint: &Complaint<'_>,
    gap: Span,
    next: Span,
    next_text: &str,
) -> Option<Diag> {
    const LINES: [&str; 6] = ["each", "stub", "send", "advance", "for", "expect"];
    let verb = complaint.verb?;
    let behind = text.get(next.end as usize..).unwrap_or("");
    if !LINES.contains(&verb) || !LINES.contains(&next_text) || !behind.starts_with(' ') {
        return None;
    }
    let line = text.get(..gap.start as usize)?.rsplit('\n').next()?;
    let indent: String = line.chars().take_while(|letter| letter.is_whitespace()).collect();
    let place = Span { start: gap.start, end: next.start, ..gap };
    Some(
        unexpected_text(next, "the end of the line", next_text)
            .help(format!("`{next_text}` begins a line of its own"))
            .fix("put it in the next line", place, format!("\n{indent}")),
    )
}

fn missing_comma(
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
    let operator = ["and", "or", "not", "in", "is"].into_iter().find(|word| {
        next_text.len() > 1 && *word != next_text && super::keyword::distance(word, next_text) == 1
    });
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
    let rest = text.get(next.start as usize..).unwrap_or("");
    if let Some(length) = url(rest) {
        let place = span(next.start as usize, next.start as usize + length);
        let written = text.get(place.range()).unwrap_or("");
        let comma = if before.trim_end().ends_with(',') { "" } else { "," };
        return unexpected_text(place, "a text in quotes", written).fix(
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
        let is_status = written.len() == 3 && written.bytes().all(|byte| byte.is_ascii_digit());
        let place = Span { start: gap.start, end: status.end, ..gap };
        if !is_status {
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
            .help(format!("a value with a name is written `{before}=…`"));
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

/// Whether the block around `at` is that of a `match` without a subject, which reads as a record.
fn is_subjectless(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or("").trim_end();
    let Some(before) = before.strip_suffix('{') else { return false };
    last_token(before.trim_end(), before.trim_end().len()) == "match"
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
    let mut open = Vec::new();
    for letter in text.get(..complaint.from).unwrap_or("").chars() {
        match letter {
            '(' | '[' | '{' => open.push(letter),
            ')' | ']' | '}' => drop(open.pop()),
            _ => {}
        }
    }
    let is_bare =
        before.starts_with(|c: char| c.is_ascii_lowercase()) && before.chars().all(is_word);
    is_named || open.last() == Some(&'[') || !is_single(complaint.verb) && !is_bare
}

/// Whether the verb takes one value, beside which no other stands without an operator or a name.
fn is_single(verb: Option<&str>) -> bool {
    let verbs = ["where", "require", "expect", "for", "set", "add", "unset", "rewrite", "let"];
    verb.is_some_and(|verb| verbs.contains(&verb))
}

/// Whether the word is a unit that numbers have, apart from them.
fn is_unit(word: &str) -> bool {
    matches!(word, "ms" | "s" | "min" | "h" | "d" | "B" | "KiB" | "MiB" | "GiB" | "TiB")
}

/// The end of a text in curly quotes that begins at `open`.
fn curly(text: &str, open: Span) -> Option<Span> {
    let closers = match text.get(open.range())? {
        "“" | "„" | "”" => "”“",
        "‘" | "’" => "’‘",
        "«" => "»",
        "`" => "`",
        _ => return None,
    };
    let rest = text.get(open.end as usize..)?.lines().next()?;
    let at = open.end as usize + rest.find(|c| closers.contains(c))?;
    let close = text.get(at..)?.chars().next()?;
    let inner = text.get(open.end as usize..at)?;
    (!inner.contains('"')).then(|| span(at, at + close.len_utf8()))
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

/// Runs the strict rule over the element that was broken, and says what it hoped for where it stopped.
fn second_look(text: &str, complaint: &Complaint<'_>) -> Diag {
    let Complaint { rule, start, end, from, .. } = *complaint;
    let place = next_token(text, start);
    let found = text.get(place.range()).unwrap_or("");
    if let Some(character) = found.chars().next()
        && begins_nothing(character)
    {
        let diag = unexpected_character(place, character);
        let is_first = before(text, start) == 0
            || text.get(before(text, start)..start).is_some_and(|blank| blank.contains('\n'));
        return match character {
            '#' => diag.certain_if(is_first),
            '$' => diag.help("a value is named as it is, `req.path`; in a text it stands in braces, `\"{req.path}\"`"),
            _ => match curly(text, place) {
                Some(end) => {
                    let edit = |span| Edit { span, text: "\"".to_owned() };
                    diag.fix_all("use straight quotes", vec![edit(place), edit(end)])
                }
                None => diag,
            },
        };
    }
    if found == "=" {
        let rest = text.get(place.start as usize..).unwrap_or("");
        return match rest.strip_prefix("==") {
            Some(_) => missing_part(place.part(0, 0), "a value before `==`", ""),
            None if matches!(complaint.verb, Some("for" | "expect")) => {
                unexpected_text(place, "an operator", found).help("`==` compares two values").fix(
                    "write `==`",
                    place.part(0, 1),
                    "==",
                )
            }
            None => unexpected_text(place, "a name before `=`", "").help("write `name=value`"),
        };
    }
    if found == ":" && matches!(complaint.verb, Some("set" | "add")) {
        return unexpected_text(place, "`=`", found)
            .help("a field is set by `=`: `set resp.header[\"x\"] = VALUE`")
            .fix("write `=`", place, " =");
    }
    if rule == Rule::bad_tail
        && complaint.verb == Some("for")
        && (found == "in" || last_token(text, before(text, start)) == "each")
    {
        return foreign_loop(place);
    }
    if found == "/" && matches!(rule, Rule::bad_arg | Rule::bad_value | Rule::bad_elem) {
        let rest = text.get(place.start as usize..).unwrap_or("");
        let length = rest.find([' ', '\t', '\r', '\n', ',', ';', '"', ')', ']', '}']);
        let place = span(place.start as usize, place.start as usize + length.unwrap_or(rest.len()));
        let written = text.get(place.range()).unwrap_or("");
        return unexpected_text(place, "a text in quotes", written).fix(
            "put it in quotes",
            place,
            format!("\"{written}\""),
        );
    }
    if let Some(diag) = bare_url(text, place) {
        return diag;
    }
    let strict = match rule {
        Rule::bad_arg | Rule::bad_value => Rule::strict_args,
        Rule::bad_entry => Rule::strict_entry,
        Rule::bad_field => Rule::strict_field,
        Rule::bad_elem => Rule::strict_elems,
        Rule::bad_rest
            if found == ","
                && let Some(verb) = complaint.verb
                && text.get(..from).unwrap_or("").trim_end().ends_with(verb) =>
        {
            return unexpected_text(place, "the closing bracket", found).help(format!(
                "`{verb}` is no function: its values stand behind it, without brackets"
            ));
        }
        Rule::bad_rest if found == "," => {
            return unexpected_text(place, "the closing bracket", found).help(
                "only a list, a call and a record have several values; an argument is `name=[…]`",
            );
        }
        Rule::bad_rest => return unexpected_text(place, "the closing bracket", found),
        Rule::bad_stmt => return unexpected_text(place, "a statement", found),
        Rule::bad_head => return unexpected_text(place, "`{`", found),
        Rule::bad_tail
            if complaint.verb == Some("for")
                && matches!(last_token(text, before(text, start)), "where" | "all" | "every") =>
        {
            let end = before(text, start);
            let word = last_token(text, end);
            let word_place = span(end - word.len(), end);
            let diag = unexpected_text(word_place, "`req`", word)
                .help("a claim speaks of requests: `for req where CONDITION`");
            return match word {
                "where" => diag.fix("write `req` in front", word_place.part(0, 0), "req "),
                _ => diag.suggest("remove it", span(end - word.len(), place.start as usize), ""),
            };
        }
        Rule::bad_tail
            if item_word(text) == "use" && found.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            return unexpected_text(place, "`{`", found)
                .help(format!("names stand in braces: `use \"./file.gw\" {{ {found} }}`"))
                .suggest("put it in braces", place, format!("{{ {found} }}"));
        }
        Rule::bad_tail if last_token(text, before(text, start)) == "return" => {
            let end = before(text, start);
            let word = span(end - "return".len(), place.start as usize);
            return unexpected_text(word.part(0, "return".len()), "a value", "return")
                .help("a function is one expression, without `return`")
                .fix("remove it", word, "");
        }
        Rule::bad_tail => {
            return unexpected_text(place, "the end of the line", found)
                .help("a statement ends with its line, or with `;`: nothing else fits behind it");
        }
        _ => return unexpected_text(place, "an item", found),
    };
    let slice = text.get(from..end).unwrap_or("");
    let prepared = prepare(slice, &scan(slice));
    let Err(error) = Grammar::parse(strict, &prepared.text) else {
        return unexpected_text(place, "the end of the line", found);
    };
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => from + prepared.original(at),
    };
    let place = if at >= start { next_token(text, at) } else { place };
    let found = text.get(place.range()).unwrap_or("");
    let expected = match error.variant {
        ErrorVariant::ParsingError { positives, .. } => words(&positives, rule),
        ErrorVariant::CustomError { .. } => "something else".to_owned(),
    };
    unexpected_text(place, &expected, found)
}

/// What the rules in question are called in the language: never more than two things.
fn words(rules: &[Rule], within: Rule) -> String {
    let has = |wanted: &[Rule]| rules.iter().any(|rule| wanted.contains(rule));
    let mut words = Vec::new();
    if has(&[Rule::colon]) {
        words.push("`:`");
    }
    if has(&[Rule::ty, Rule::ty_atom, Rule::ty_record]) {
        words.push("a type");
    }
    if has(&[Rule::comma]) {
        words.push("`,`");
    }
    if has(&[Rule::end]) {
        words.push(match within {
            Rule::bad_value => "the end of the line",
            _ => "the closing bracket",
        });
    }
    if words.is_empty() && has(&[Rule::expr, Rule::arg, Rule::literal, Rule::string, Rule::list]) {
        words.push("a value");
    }
    if words.is_empty() && has(&[Rule::word, Rule::name, Rule::field, Rule::entry]) {
        words.push("a name");
    }
    words.truncate(2);
    if words.is_empty() { "something else".to_owned() } else { words.join(" or ") }
}

/// A URL without quotes, by the place of the colon in it.
fn bare_url(text: &str, colon: Span) -> Option<Diag> {
    let at = colon.start as usize;
    let start = at - last_token(text, at).len();
    let length = url(text.get(start..)?)?;
    let place = span(start, start + length);
    let written = text.get(place.range())?;
    let diag = unexpected_text(place, "a text in quotes", written);
    Some(diag.fix("put it in quotes", place, format!("\"{written}\"")))
}

/// The length of a URL without quotes that a text begins with.
fn url(text: &str) -> Option<usize> {
    let (scheme, _) = text.split_once("://")?;
    let length = text.find([' ', '\t', '\r', '\n', ',', ';', '"', ')', ']', '{', '}']);
    let is_word = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_word && !scheme.is_empty()).then_some(length.unwrap_or(text.len()))
}

fn begins_nothing(character: char) -> bool {
    !character.is_ascii_alphanumeric() && !"_\"'{}()[]<>=!&|+-*/.,:;?%@".contains(character)
}

/// Where the code before `at` ends.
fn before(text: &str, at: usize) -> usize {
    text.get(..at).map_or(at, |before| before.trim_end().len())
}

/// The token at or after `at` on its line; empty where the line ends.
fn next_token(text: &str, at: usize) -> Span {
    let rest = text.get(at..).unwrap_or("");
    let at = at + rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
    let rest = text.get(at..).unwrap_or("");
    let length = match rest.chars().next() {
        None | Some('\n') => 0,
        Some('/') if rest.starts_with("//") => 0,
        Some('"') => {
            rest.get(1..).and_then(|inner| inner.find(['"', '\n'])).map_or(1, |end| end + 2)
        }
        Some(first) if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        Some(first) => first.len_utf8(),
    };
    span(at, at + length)
}

/// The token that ends at `end`.
fn last_token(text: &str, end: usize) -> &str {
    let before = text.get(..end).unwrap_or("");
    let rest = match before.chars().next_back() {
        Some(last) if is_word(last) => before.trim_end_matches(is_word),
        Some(last) if ".=?<>&|!".contains(last) => {
            before.trim_end_matches(|c| ".=?<>&|!".contains(c))
        }
        Some(last) => before.get(..before.len() - last.len_utf8()).unwrap_or(""),
        None => "",
    };
    before.get(rest.len()..).unwrap_or("")
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn span(start: usize, end: usize) -> Span {
    Span::new(SourceId(0), start, end)
}
