//! Paths with dots that begin with a namespace: fields with their keys, and captures.

use std::sync::Arc;

use super::constant::value;
use super::context::{Context, Entry, Scope, When, reported};
use super::expr::expr;
use super::fit::Why;
use super::index::Meaning;
use super::members::{looked_up, members};
use super::phases::{is_there, too_early, when_exists};
use crate::diag::Diag;
use crate::diag::bad_operator::bad_operator;
use crate::diag::bad_value::bad_value;
use crate::diag::not_constant::{not_a_literal, not_constant, not_written_out};
use crate::diag::unknown_capture::unknown_capture;
use crate::diag::unknown_field::unknown_field;
use crate::diag::unknown_name::unknown_name;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_type::wrong_type;
use crate::foreign;
use crate::policy::{Expr, ExprKind};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::{Field, Key, is_plainly, nearest};

/// Whether fields begin with this word.
pub(super) fn is_namespace(cx: &Context<'_>, word: &str) -> bool {
    let begins = |field: &&&Field| field.path.split('.').next() == Some(word);
    word == "path" || cx.vocabulary.fields.iter().any(|field| begins(&field))
}

/// Whether a word that fields begin with means them: nothing else of that name is a value. A listener called `client`
/// hides no `client.ip`.
pub(super) fn is_open(cx: &Context<'_>, unit: usize, word: &str) -> bool {
    let hides = match cx.names.get(unit).and_then(|names| names.get(word)) {
        Some(Entry::Item(id)) => !matches!(
            cx.item(*id).keyword,
            Keyword::Listener
                | Keyword::Upstream
                | Keyword::Policy
                | Keyword::Limit
                | Keyword::Store
        ),
        Some(Entry::File(_)) => true,
        None => false,
    };
    !hides && is_namespace(cx, word)
}

/// The words of `a.b.c`, if it is nothing else.
pub(super) fn words(written: ast::Expr<'_>) -> Option<Vec<ast::Word<'_>>> {
    let mut words = Vec::new();
    let mut at = written;
    loop {
        match at {
            ast::Expr::Member(member) if !member.is_optional() => {
                words.push(member.name()?);
                at = member.base()?;
            }
            ast::Expr::Name(name) => {
                words.push(name.word());
                words.reverse();
                return Some(words);
            }
            _ => return None,
        }
    }
}

/// A path that begins with a namespace: a field, a capture, or members of one.
pub(super) fn path<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    words: &[ast::Word<'a>],
    span: Span,
) -> Expr {
    if let [root, name, ..] = words
        && root.text == "path"
    {
        let read = capture(cx, scope, *name, root.span.to(name.span));
        return members(cx, scope, read, words.get(2..).unwrap_or_default());
    }
    let Some((row, taken)) = longest(cx, words) else {
        return no_field(cx, scope, words, span);
    };
    let place = words.first().map_or(span, |first| first.span);
    let place = words.get(taken - 1).map_or(place, |last| place.to(last.span));
    if row.key != Key::None {
        let whole = words.iter().map(|word| word.text).collect::<Vec<_>>().join(".");
        let rest = words.get(taken..).unwrap_or_default();
        let diag = unknown_field(place.to(span), &whole, None);
        // Only header fields are called with `-` where a program writes `_`, and not all of them.
        let is_header = row.key == Key::IgnoreCase;
        let mended = match rest {
            [key, ..] if is_header => {
                format!("{}[\"{}\"]", row.path, key.text.replace('_', "-"))
            }
            [key, ..] => format!("{}[\"{}\"]", row.path, key.text),
            [] => format!("{}[\"…\"]", row.path),
        };
        let diag = diag.help(format!("`{}` is looked into by name: `{mended}`", row.path));
        cx.report(match rest {
            [key] => diag
                .suggest(format!("write `{mended}`"), place.to(key.span), mended.clone())
                .certain_if(!is_header || !key.text.contains('_')),
            _ => diag,
        });
        return reported(span);
    }
    let read = field(cx, scope, row, None, place);
    let read = super::facts::narrow(&scope.facts, read);
    members(cx, scope, read, words.get(taken..).unwrap_or_default())
}

/// A header whose name has a `-`, written with dots: `up.header.x-user` reads as a difference, which no header has.
pub(super) fn dashed(
    cx: &Context<'_>,
    scope: &Scope<'_>,
    left: ast::Expr<'_>,
    span: Span,
) -> Option<Diag> {
    let mut first = left;
    while let ast::Expr::Binary(binary) = first {
        first = binary.left()?;
    }
    let words = words(first)?;
    let root = words.first()?;
    if scope.local(root.text).is_some() || !is_open(cx, scope.unit, root.text) {
        return None;
    }
    let (row, taken) = longest(cx, &words)?;
    let text = cx.text(span);
    let name = text.strip_prefix(row.path)?.strip_prefix('.')?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if row.key == Key::None || taken + 1 != words.len() || !is_name {
        return None;
    }
    let mended = format!("{}[\"{name}\"]", row.path);
    let diag = unknown_field(span, text, None);
    Some(diag.help(format!("`{}` is looked into by name: `{mended}`", row.path)).fix(
        format!("write `{mended}`"),
        span,
        mended,
    ))
}

/// The field with the longest path that the words begin with, and how many words it takes.
fn longest(cx: &Context<'_>, words: &[ast::Word<'_>]) -> Option<(&'static Field, usize)> {
    (1..=words.len()).rev().take(8).find_map(|n| {
        let path = words.get(..n)?.iter().map(|word| word.text).collect::<Vec<_>>().join(".");
        Some((cx.vocabulary.field(&path)?, n))
    })
}

/// The first field that is there and whose path ends in a word.
pub(super) fn ending_in(cx: &Context<'_>, when: When, word: &str) -> Option<&'static str> {
    let ends = |field: &&&Field| field.path.rsplit('.').next() == Some(word);
    let mut fields = cx.vocabulary.fields.iter().filter(ends);
    fields.find(|field| is_there(when, field.from)).map(|field| field.path)
}

fn no_field(cx: &mut Context<'_>, scope: &Scope<'_>, words: &[ast::Word<'_>], span: Span) -> Expr {
    let written = words.iter().map(|word| word.text).collect::<Vec<_>>().join(".");
    let paths = || cx.vocabulary.fields.iter().map(|field| field.path);
    let tail = words.last().map_or("", |word| word.text);
    let same_tail =
        || paths().find(|path| path.rsplit('.').next() == Some(tail) && words.len() > 1);
    let within = words.first().map_or("", |word| word.text);
    let beneath: Vec<Arc<str>> =
        paths().filter(|path| path.split('.').next() == Some(within)).map(Arc::from).collect();
    let two: Vec<&str> = words.iter().take(2).map(|word| word.text).collect();
    let meant = foreign::value(&written).or_else(|| foreign::value(&two.join(".")));
    let near = nearest(&written, paths()).or_else(same_tail).filter(|_| meant.is_none());
    let exists = near.and_then(|near| cx.vocabulary.field(near)).map(|row| match cx.trial {
        Some(_) => "after a `send`",
        None => when_exists(row.from),
    });
    let plain = near.is_some_and(|near| is_plainly(&written, near, paths()));
    let mut diag = unknown_field(span, &written, near.zip(exists)).certain_if(plain);
    if let Some(meant) = meant {
        diag = diag.help(meant.help);
        if let Some(ours) = meant.ours.filter(|_| words.len() == two.len()) {
            diag = diag.suggest(format!("write `{ours}`"), span, ours);
        }
    }
    if diag.help.is_none() {
        let listed = super::names::listed(&beneath);
        diag = diag.help(if within == "path" {
            "`req.path` is the path, `path.NAME` what the route's path captured as `{NAME}`"
                .to_owned()
        } else {
            format!("the fields of `{within}` are {listed}")
        });
    }
    // A mend that moves the field into another phase only helps where that phase is.
    if let Some(row) = near.and_then(|near| cx.vocabulary.field(near))
        && !is_there(scope.when, row.from)
    {
        diag.fixes.clear();
    }
    if near.and_then(|near| cx.vocabulary.field(near)).is_some_and(|row| row.key != Key::None) {
        diag.fixes.retain(|_| cx.text(Span { start: span.end, end: span.end + 1, ..span }) == "[");
    }
    cx.report(diag);
    reported(span)
}

/// A reading of a field, if the field exists there.
pub(super) fn field(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    row: &'static Field,
    key: Option<Arc<str>>,
    span: Span,
) -> Expr {
    cx.note(span, Meaning::Field(row));
    if scope.when == When::Load {
        let why = "what configures the gateway is a literal, a `param`, or computed from them";
        cx.report(not_constant(span, why));
        return reported(span);
    }
    if !is_there(scope.when, row.from) {
        too_early(cx, scope, row.path, row.from, span);
        return reported(span);
    }
    Expr { kind: ExprKind::Field(row, key), ty: (row.ty)(), span }
}

/// `base[key]`.
pub(super) fn index<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, index: ast::Index<'a>) -> Expr {
    let span = index.span();
    let (Some(base), Some(key)) = (index.base(), index.key()) else { return reported(span) };
    if let Some(words) = words(base)
        && let Some(root) = words.first()
        && scope.local(root.text).is_none()
        && is_open(cx, scope.unit, root.text)
        && root.text != "path"
    {
        return match longest(cx, &words) {
            Some((row, taken)) if taken == words.len() && row.key != Key::None => {
                keyed(cx, scope, row, key, base.span(), span)
            }
            Some((row, taken))
                if taken == words.len() && !matches!((row.ty)(), Ty::Json | Ty::Map(_)) =>
            {
                cx.report(bad_operator(
                    key.span(),
                    format!("`{}` is not looked into by name", row.path),
                    "this is too much",
                ));
                reported(span)
            }
            Some((_, taken)) if taken == words.len() => looked_up(cx, scope, base, key, span),
            _ => no_field(cx, scope, &words, base.span()),
        };
    }
    looked_up(cx, scope, base, key, span)
}

/// A field with its key.
pub(super) fn keyed<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    row: &'static Field,
    key: ast::Expr<'a>,
    place: Span,
    span: Span,
) -> Expr {
    if let Some(diag) = bare_key(cx, scope, key) {
        cx.report(diag);
        cx.note(place, Meaning::Field(row));
        return reported(span);
    }
    let why = Why::says(format!("`{}` is looked into by a name", row.path));
    let read = super::expr::wanted(cx, scope, key, &Ty::String, &why);
    if let Some(Value::String(name)) = value(&read)
        && let Some(fault) = row.key.fault(name)
    {
        let of = if row.key == Key::Cookie { "cookie" } else { "field" };
        let reason = format!("`{name}` is no name of a {of}");
        let diag = bad_value(read.span, reason, format!("no `{}` has it", row.path));
        cx.report(diag.help(fault));
        cx.note(place, Meaning::Field(row));
        return reported(span);
    }
    if super::constant::reads_one_of(&read, &cx.items_at_hand) {
        let help = format!(
            "`{}` is asked for one name: write a condition for each, joined with `or` or `and`",
            row.path
        );
        cx.report(not_a_literal(read.span, "this is another name for each item", help));
        cx.note(place, Meaning::Field(row));
        return reported(span);
    }
    let name: Arc<str> = match (&read.kind, value(&read)) {
        (_, Some(Value::String(name))) if row.key == Key::IgnoreCase => {
            name.to_ascii_lowercase().into()
        }
        (_, Some(Value::String(name))) => name.clone(),
        // The parameter of a policy that is checked by itself; applied, it is a constant or reported.
        _ if !read.ty.is_error()
            && super::constant::is_load_time(&read, &cx.open)
            && super::constant::reads_one_of(&read, &cx.open) =>
        {
            Arc::from("")
        }
        _ => {
            if !read.ty.is_error() {
                let help = format!("the name is a text in quotes: `{}[\"x-name\"]`", row.path);
                cx.report(match super::constant::is_load_time(&read, &cx.open) {
                    true => not_a_literal(read.span, "a text in quotes belongs here", help),
                    false => not_constant(read.span, help),
                });
            }
            cx.note(place, Meaning::Field(row));
            return reported(span);
        }
    };
    let field = field(cx, scope, row, Some(name), place);
    Expr { span, ..field }
}

/// Says that a key is a name without its quotes, such as `x-debug`, which reads as a difference.
fn bare_key(cx: &Context<'_>, scope: &Scope<'_>, key: ast::Expr<'_>) -> Option<Diag> {
    let text = cx.text(key.span());
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let first = text.split('-').next().unwrap_or("");
    let is_known = scope.local(first).is_some() || cx.entry(scope.unit, first).is_some();
    if !is_name || is_known || matches!(key, ast::Expr::Literal(_)) {
        return None;
    }
    let diag = wrong_type(key.span(), "a name without quotes", "a text in quotes", None);
    Some(diag.help(format!("write `\"{text}\"`")).fix(
        "put it in quotes",
        key.span(),
        format!("\"{text}\""),
    ))
}

/// What the route's path captured.
pub(super) fn capture(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    name: ast::Word<'_>,
    span: Span,
) -> Expr {
    let Some(captures) = &scope.captures else {
        if scope.when == When::Load {
            cx.report(not_constant(span, "what configures the gateway knows no request"));
        } else {
            let help = match scope.when {
                When::Claim => {
                    "captures belong to a route, and an assert speaks of requests to any: claim it of `req.path`, such as `starts_with(req.path, \"/users/\")`, or of the header field into which the route puts it"
                }
                _ => "captures belong to a route: pass them as arguments",
            };
            cx.report(unknown_capture(name.span, name.text, None).help(help));
        }
        return reported(span);
    };
    let captures = captures.clone();
    match captures.iter().find(|(known, ..)| **known == *name.text) {
        Some((_, _, place)) if cx.unshared.contains_key(place) => {
            if let Some(diag) = cx.unshared.get(place).cloned() {
                let diag = diag.label(span, "it is read here");
                let says = |said: &Diag| said.code == diag.code && said.span() == diag.span();
                if !cx.diags.iter().any(says) {
                    cx.report(diag);
                }
            }
            reported(span)
        }
        Some((known, ty, place)) => {
            let definition = cx.defined.get(place).copied();
            if let Some(definition) = definition {
                cx.note(name.span, Meaning::Definition(definition));
            }
            Expr { kind: ExprKind::Capture(known.clone()), ty: ty.clone(), span }
        }
        // Of a path that cannot be read nobody knows what it captures.
        None if captures.iter().any(|(known, ..)| known.is_empty()) => reported(span),
        None => {
            let near = nearest(name.text, captures.iter().map(|(known, ..)| &**known));
            let place = near.and_then(|near| {
                captures.iter().find(|(known, ..)| **known == *near).map(|(_, _, place)| *place)
            });
            cx.report(unknown_capture(name.span, name.text, near.zip(place)));
            reported(span)
        }
    }
}

/// The writable field that a statement changes.
pub(super) fn place<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
) -> Option<(&'static Field, Option<Arc<str>>, Span)> {
    if let Some(diag) = unplaced(cx, scope, written) {
        cx.report(diag);
        return None;
    }
    let read = expr(cx, scope, written, None);
    match read.kind {
        ExprKind::Field(row, key) => Some((row, key, written.span())),
        ExprKind::Error => None,
        _ => {
            let diag = bad_operator(written.span(), "this cannot be changed", "not a field");
            cx.report(diag.help("a field of the request being sent or of the answer belongs here, such as `up.header[\"x\"]`"));
            None
        }
    }
}

/// Says that the message is missing whose header or status is to change.
fn unplaced(cx: &Context<'_>, scope: &Scope<'_>, written: ast::Expr<'_>) -> Option<Diag> {
    let (name, rest) = match written {
        ast::Expr::Index(index) => match index.base()? {
            ast::Expr::Name(name) => {
                (name.word(), cx.text(Span { start: name.span().end, ..index.span() }))
            }
            _ => return None,
        },
        ast::Expr::Name(name) => (name.word(), ""),
        _ => return None,
    };
    if scope.local(name.text).is_some() || cx.entry(scope.unit, name.text).is_some() {
        return None;
    }
    let diag = unknown_name(name.span, "field", name.text, None);
    match name.text {
        "header" | "headers" => {
            let key = if rest.is_empty() { "[\"x-name\"]" } else { rest };
            let diag = diag.help(format!(
                "`up.header{key}` is what the upstream gets, in front of `forward`; `resp.header{key}` what the client gets, behind it"
            ));
            Some(diag.suggest("set it for the upstream", name.span, "up.header").suggest(
                "set it for the client",
                name.span,
                "resp.header",
            ))
        }
        "status" | "code" => Some(
            diag.help("`set resp.status = 404` behind `forward` changes the status of the answer, `respond 404` answers")
                .suggest("write `resp.status`", name.span, "resp.status"),
        ),
        _ => None,
    }
}

/// A name that a file does not give.
pub(super) fn not_exported(
    cx: &mut Context<'_>,
    file: usize,
    name: ast::Word<'_>,
    names: &[(&str, Span)],
) {
    let near = nearest(name.text, names.iter().map(|(known, _)| *known));
    let place = |near: &str| names.iter().find(|(known, _)| *known == near).map(|(_, at)| *at);
    let what = format!("name in `{}` called", cx.units.get(file).map_or("", |u| &u.source.name));
    let diag = unknown_name(name.span, &what, name.text, near.map(|near| (near, place(near))));
    let given = names.iter().map(|(known, _)| std::sync::Arc::from(*known));
    cx.report(match (near, names.len()) {
        (Some(_), _) => diag,
        (None, 0) => diag.help("it gives nothing away: what others may use is marked `pub` there"),
        (None, ..=MOST_TOLD) => {
            diag.help(format!("it gives {}", super::names::listed(&given.collect::<Vec<_>>())))
        }
        (None, _) => diag.help("what others may use is marked `pub` there"),
    });
}

/// Names of a file that a message tells; of more than these nobody reads them.
const MOST_TOLD: usize = 8;

/// The kind of item that a name without quotes stands for.
fn named(cx: &Context<'_>, written: ast::Expr<'_>) -> Option<&'static str> {
    let words = words(written)?;
    let first = words.first()?;
    let unit = cx.units.iter().position(|unit| unit.source.id == first.span.source)?;
    match cx.names.get(unit)?.get(first.text)? {
        Entry::Item(id) if words.len() == 1 => {
            let keyword = cx.item(*id).keyword;
            let is_value = matches!(keyword, Keyword::Let | Keyword::Param | Keyword::Secret);
            is_value.then(|| keyword.as_str())
        }
        Entry::File(_) if words.len() == 2 => Some("imported name"),
        _ => None,
    }
}

/// The text of a string literal and where it stands, for what must be written out.
pub(super) fn plain_text(
    cx: &mut Context<'_>,
    written: ast::Expr<'_>,
    what: &str,
) -> Option<(Arc<str>, Span)> {
    match written {
        ast::Expr::Str(text) => match text.plain() {
            Some(plain) => Some((plain.into(), text.inner_span())),
            None => {
                let help = format!(
                    "{what} is a text without `{{…}}`: neither a request nor an input has a part in it"
                );
                cx.report(not_written_out(text.span(), help));
                None
            }
        },
        ast::Expr::Error(_) => None,
        ast::Expr::Paren(paren) => plain_text(cx, paren.inner()?, what),
        other if cx.text(other.span()).starts_with("re\"") => {
            let (span, written) = (other.span(), cx.text(other.span()));
            let diag = crate::diag::wrong_type::wrong_type(span, "Regex", "a text in quotes", None);
            cx.report(diag.help(format!(
                "{what} is a text in quotes; a pattern is a condition: `where matches(req.path, {written})`"
            )));
            None
        }
        other if let Some(kind) = named(cx, other) => {
            let name = cx.text(other.span());
            let help = format!(
                "{what} is a text in quotes, so that it is known which routes meet: no {kind} stands for it"
            );
            let reason = format!("`{name}` is a {kind}, and a text in quotes belongs here");
            cx.report(not_a_literal(other.span(), reason, help));
            None
        }
        ast::Expr::List(list) if list.items().next().is_some() => {
            let items: Vec<&str> = list.items().map(|item| cx.text(item.span())).collect();
            let inner = items.join(", ");
            let diag = wrong_form(
                list.span(),
                format!("{what} is one text, not a list"),
                "no brackets belong here",
            );
            cx.report(diag.help(format!("several are written without brackets: `{inner}`")).fix(
                "remove the brackets",
                list.span(),
                inner,
            ));
            None
        }
        other => {
            let written = cx.text(other.span());
            let diag = crate::diag::wrong_type::wrong_type(
                other.span(),
                "something without quotes",
                "a text in quotes",
                None,
            )
            .help(format!("{what} is a text in quotes"));
            // What has quotes or brackets of its own is more than a text without quotes.
            let is_plain = !written.contains(['"', '(', '[', '{']);
            let quoted = format!("\"{}\"", written.replace('"', ""));
            cx.report(diag.suggest("put it in quotes", other.span(), quoted).certain_if(is_plain));
            None
        }
    }
}
