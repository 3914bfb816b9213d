//! The second look: it runs the strict rule over the element that was broken, and says what it hoped for where it stopped.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

use super::complaint::Complaint;
use super::elsewhere::CLAIM;
use super::tokens::{bare, before, item_word, last_token, next_token, span, url};
use crate::diag::foreign_syntax::{foreign_infix_word, foreign_loop};
use crate::diag::missing_part::missing_part;
use crate::diag::unexpected_text::{unexpected_character, unexpected_text, unquoted};
use crate::diag::{Diag, Edit};
use crate::foreign;
use crate::source::Span;
use crate::syntax::parse::{Grammar, Rule};
use crate::syntax::prepare::prepare;
use crate::syntax::scan::scan;

/// Runs the strict rule over the element that was broken, and says what it hoped for where it stopped.
pub(super) fn second_look(text: &str, complaint: &Complaint<'_>) -> Diag {
    let Complaint { rule, start, end, from, .. } = *complaint;
    let place = next_token(text, start);
    let found = text.get(place.range()).unwrap_or("");
    if let Some(character) = found.chars().next()
        && begins_nothing(character)
    {
        let diag = unexpected_character(place, character);
        return match character {
            '^' if complaint.verb == Some("rewrite") => diag.help(
                "a path is rewritten by what it captures: `rewrite \"/b/{id}\"` behind `path \"/a/{id}\"`, or `rewrite \"/b{strip_prefix(req.path, \"/a\")}\"`",
            ),
            '#' => comment(text, diag, place),
            _ => match curly(text, place) {
                Some(end) => {
                    let edit = |span| Edit { span, text: "\"".to_owned() };
                    diag.fix_all("use straight quotes", vec![edit(place), edit(end)])
                }
                None => diag,
            },
        };
    }
    if rule == Rule::bad_head
        && let Some(verb) = super::statement_of_head(text, end)
    {
        return line_in_head(text, verb, end);
    }
    if found == "=" {
        let rest = text.get(place.start as usize..).unwrap_or("");
        if rest.starts_with("=>") {
            let arrow = span(place.start as usize, place.start as usize + 2);
            let diag = unexpected_text(arrow, "a mark between values", "=>");
            return diag.help(
                "`=>` stands in an arm alone, `pattern => value`, the last of which is `_ => value`; a function is `fn NAME(x: String): Bool = EXPRESSION`",
            );
        }
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
    let behind = text.get(place.end as usize..).unwrap_or("").trim_start();
    if found == "*" && behind.starts_with("=>") {
        return unexpected_text(place, "a pattern", found)
            .help("all that is left is `_ => value`")
            .fix("write `_`", place, "_");
    }
    if matches!(rule, Rule::bad_field | Rule::bad_elem)
        && matches!(item_word(text), "limit" | "policy" | "fn")
        && !text.get(..start).is_some_and(|head| head.contains('{'))
    {
        return unexpected_text(place, "`:` and a type", found).help(match item_word(text) {
            "limit" => "brackets declare what differs from place to place, `limit NAME(rate: Rate) { … }`; what is counted is a line, `key client.ip`",
            _ => "brackets declare names and their types, as in `policy NAME(scope: String) { … }`",
        });
    }
    if found == ":" && matches!(complaint.verb, Some("set" | "add")) {
        return unexpected_text(place, "`=`", found)
            .help("a field is set by `=`: `set resp.header[\"x\"] = VALUE`")
            .fix("write `=`", place, " =");
    }
    if found == ":"
        && matches!(rule, Rule::bad_value | Rule::bad_arg)
        && let Some(name) = argument(text, complaint, place)
    {
        let behind = text.get(place.end as usize..).unwrap_or("");
        let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
        let gone = span(place.start as usize, place.end as usize + blanks);
        return unexpected_text(place, "`=`", found)
            .help(format!("a value with a name is written `{name}=…`"))
            .fix("write `=`", gone, "=");
    }
    if rule == Rule::bad_tail
        && complaint.verb == Some("for")
        && (found == "in" || last_token(text, before(text, start)) == "each")
    {
        return match item_word(text) {
            "assert" => unexpected_text(place, "`where`", found).help(
                "an assert names its listener in its header: `assert NAME on LISTENER { for req where CONDITION; expect OUTCOME }`",
            ),
            _ => foreign_loop(place),
        };
    }
    if found == "/" && matches!(rule, Rule::bad_arg | Rule::bad_value | Rule::bad_elem) {
        let rest = text.get(place.start as usize..).unwrap_or("");
        let place = span(place.start as usize, place.start as usize + bare(rest));
        let written = text.get(place.range()).unwrap_or("");
        let pattern = written.strip_suffix('/').and_then(|inner| inner.strip_prefix('/'));
        if let Some(pattern) =
            pattern.filter(|inner| inner.contains(['^', '$', '[', '\\', '+', '*']))
        {
            let mended = format!("re\"{}\"", pattern.replace("\\/", "/"));
            return unexpected_text(place, "a pattern in quotes", written)
                .help(format!("a pattern is written `{mended}`"))
                .suggest(format!("write `{mended}`"), place, mended);
        }
        return unquoted(place, written);
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
        Rule::bad_rest
            if found == ","
                && let Some(open) =
                    text.get(..from).and_then(|head| head.trim_end().strip_suffix('('))
                && last_token(text, open.trim_end().len()) == "in" =>
        {
            let open = span(open.len(), open.len() + 1);
            let close = span(end, end + 1);
            let diag = unexpected_text(place, "the closing bracket", found)
                .help("a list is written in square brackets: `x in [a, b]`");
            let edit = |span, text: &str| Edit { span, text: text.to_owned() };
            return match text.get(close.range()) {
                Some(")") => {
                    diag.fix_all("make it a list", vec![edit(open, "["), edit(close, "]")])
                }
                _ => diag,
            };
        }
        Rule::bad_rest if found == "," => {
            return unexpected_text(place, "the closing bracket", found).help(
                "only a list, a call and a record have several values; an argument is `name=[…]`",
            );
        }
        _ if found == "." && last_token(text, before(text, start)) == "\"" => {
            return unexpected_text(place, "`,` or the end of the line", found)
                .help("texts are put together in one: `\"a{req.host}\"`");
        }
        Rule::bad_rest => return unexpected_text(place, "the closing bracket", found),
        Rule::bad_stmt => return unexpected_text(place, "a statement", found),
        Rule::bad_head if item_word(text) == "assert" => {
            return unexpected_text(place, "`{`", found).help(CLAIM);
        }
        Rule::bad_head
            if matches!(found, "-" | ".") && !text.get(..start).unwrap_or("").ends_with(' ') =>
        {
            let help = "a name is made of letters, digits and `_`; hosts and addresses stand in texts inside the braces";
            return unexpected_text(place, "`{`", found).help(help);
        }
        Rule::bad_head if found.starts_with('"') => {
            return unexpected_text(place, "`{`", found)
                .help("what belongs to it stands in lines of their own between `{` and `}`");
        }
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
        Rule::bad_tail if let Some(row) = foreign::function(found) => {
            return foreign_infix_word(place, found, row.help);
        }
        Rule::bad_tail if found == "," && item_word(text) == "let" => {
            return unexpected_text(place, "the end of the line", found)
                .help("a list is written `[a, b]`");
        }
        Rule::bad_tail => {
            return unexpected_text(place, "the end of the line", found)
                .help("a statement ends with its line, or with `;`: nothing else fits behind it");
        }
        Rule::junk if found == ";" && next_token(text, place.end as usize).is_empty() => {
            return unexpected_text(place, "the end of the item", found)
                .help("an item ends with its `}`")
                .fix("remove it", span(place.start as usize, place.start as usize + 1), "");
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

/// A line of an item that stands in front of its braces, from the word at `verb` to `end`.
fn line_in_head(text: &str, verb: Span, end: usize) -> Diag {
    const CHOOSING: [&str; 4] = ["host", "path", "method", "where"];
    let written = text.get(verb.range()).unwrap_or("");
    let condition = foreign::condition(written);
    let ours = condition.map_or(Some(written), |row| row.ours);
    let diag = unexpected_text(verb, "`{`", written).help(match (condition, ours) {
        (Some(row), None) => row.help.to_owned(),
        _ => format!(
            "`{}` stands in a line of its own between `{{` and `}}`",
            ours.unwrap_or(written)
        ),
    });
    let line = span(verb.end as usize, before(text, end));
    let said = text.get(line.range()).unwrap_or("");
    let brace = next_token(text, end);
    let is_alone = !said.split(['"']).step_by(2).flat_map(str::split_whitespace).any(|word| {
        CHOOSING.contains(&word) || matches!(word, "on" | "before" | "within") || word.contains('{')
    });
    let chooses = ours.filter(|ours| CHOOSING.contains(ours) && is_alone);
    match chooses {
        Some(ours)
            if matches!(item_word(text), "route" | "site")
                && !said.trim().is_empty()
                && text.get(brace.range()) == Some("{") =>
        {
            let gone = span(before(text, verb.start as usize), line.end as usize);
            let inside = span(brace.end as usize, brace.end as usize);
            let edit = |span, text: String| Edit { span, text };
            let edits = vec![edit(gone, String::new()), edit(inside, format!(" {ours}{said};"))];
            diag.fix_all("put it into the braces", edits)
        }
        _ => diag,
    }
}

/// The name in front of a `:`, if it is that of an argument: a word right before it, behind the verb.
fn argument<'t>(text: &'t str, complaint: &Complaint<'_>, colon: Span) -> Option<&'t str> {
    let head = text.get(..colon.start as usize)?;
    let name = last_token(head, head.len());
    // A scheme is none.
    let is_url = text.get(colon.end as usize..)?.starts_with("//");
    let is_name = !is_url && name.starts_with(|c: char| c.is_ascii_lowercase());
    let before = head.get(..head.len() - name.len())?.trim_end();
    let follows =
        before.ends_with([',', '(']) || complaint.verb.is_some_and(|verb| before.ends_with(verb));
    (is_name && follows).then_some(name)
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
pub(in crate::syntax) fn bare_url(text: &str, colon: Span) -> Option<Diag> {
    let at = colon.start as usize;
    let start = at - last_token(text, at).len();
    let length = url(text.get(start..)?)?;
    let place = span(start, start + length);
    let written = text.get(place.range())?;
    if text.get(..start)?.trim_end().ends_with("forward") {
        let address = written.split_once("://").map_or(written, |(_, address)| address);
        return Some(unexpected_text(place, "a text in quotes", written).help(format!(
            "`forward` names an upstream, which is an item of its own: `upstream NAME {{ server \"{address}\" }}`"
        )));
    }
    let line = text.get(..start)?.rsplit(['\n', ';', '{']).next()?.trim_start();
    let verb = line.split([' ', '\t']).next()?;
    Some(match foreign::verb_anywhere(verb) {
        // What has to be written instead takes no URL, or another one.
        Some(row) => unexpected_text(place, "a text in quotes", written).help(row.help),
        None => unquoted(place, written),
    })
}

/// A `#` that begins a line, or stands behind a blank with nothing behind it that closes what is open before. All up to the
/// end of the line was meant to be a comment, so all of it is what the mend changes.
fn comment(text: &str, diag: Diag, place: Span) -> Diag {
    let (before, rest) = text.split_at_checked(place.start as usize).unwrap_or_default();
    let said = rest.get(1..).and_then(|rest| rest.lines().next()).unwrap_or("").trim_end();
    let line = before.rsplit('\n').next().unwrap_or("");
    let is_first = line.trim().is_empty();
    let is_behind = before.ends_with([' ', '\t']) && is_closed(said);
    if !is_first && !is_behind {
        return diag;
    }
    let whole = span(place.start as usize, place.start as usize + 1 + said.len());
    diag.fix("make it a comment", whole, format!("//{said}"))
}

/// Whether a text closes all that it opens, and nothing else.
fn is_closed(text: &str) -> bool {
    let mut open = Vec::new();
    text.chars().all(|letter| match letter {
        '{' | '(' | '[' => {
            open.push(letter);
            true
        }
        '}' => open.pop() == Some('{'),
        ')' => open.pop() == Some('('),
        ']' => open.pop() == Some('['),
        _ => true,
    }) && open.is_empty()
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

fn begins_nothing(character: char) -> bool {
    !character.is_ascii_alphanumeric() && !"_\"'{}()[]<>=!&|+-*/.,:;?%@".contains(character)
}
