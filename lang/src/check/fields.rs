//! Paths with dots: fields with their keys and phases, captures, names of imported files, and members of values.

use std::sync::Arc;

use super::constant::value;
use super::context::{Context, Entry, Scope, When, reported};
use super::expr::{expr, item};
use super::fit::{Why, absent, indentation};
use super::index::Meaning;
use super::items::exported;
use crate::diag::Edit;
use crate::diag::bad_operator::bad_operator;
use crate::diag::not_constant::not_constant;
use crate::diag::unknown_capture::unknown_capture;
use crate::diag::unknown_field::unknown_field;
use crate::diag::unknown_member::unknown_member;
use crate::diag::unknown_name::unknown_name;
use crate::diag::wrong_phase::wrong_phase;
use crate::policy::{Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::{Field, Key, Phase, nearest};

/// Whether fields begin with this word.
pub(super) fn is_namespace(cx: &Context<'_>, word: &str) -> bool {
    let begins = |field: &&&Field| field.path.split('.').next() == Some(word);
    word == "path" || cx.vocabulary.fields.iter().any(|field| begins(&field))
}

/// `base.name` and `base?.name`.
pub(super) fn member<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    member: ast::Member<'a>,
    want: Option<&Ty>,
) -> Expr {
    let span = member.span();
    if let Some(words) = words(ast::Expr::Member(member))
        && let Some(root) = words.first()
        && scope.local(root.text).is_none()
    {
        match cx.names.get(scope.unit).and_then(|names| names.get(root.text)).copied() {
            None if is_namespace(cx, root.text) => return path(cx, scope, &words, span),
            Some(Entry::File(file)) if words.len() == 2 => {
                return from_file(cx, scope, file, &words, span, want);
            }
            _ => {}
        }
    }
    let (Some(base), Some(name)) = (member.base(), member.name()) else { return reported(span) };
    let read = expr(cx, scope, base, None);
    part(cx, scope, read, name, member, span)
}

fn part<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    base: Expr,
    name: ast::Word<'a>,
    member: ast::Member<'a>,
    span: Span,
) -> Expr {
    if base.ty.is_optional() && !member.is_optional() {
        let present = base.ty.present().clone();
        let why = Why::default().absence(format!("there would be no `{}` to look at", name.text));
        let mut diag = absent(cx, scope, &base, &present, &why);
        if let Some(dot) = member.dot() {
            diag = diag.fix("write `?.`, which is absent then too", dot, "?.");
            diag.fixes.rotate_right(1);
        }
        cx.report(diag);
        return reported(span);
    }
    let chained = member.is_optional() && base.ty.is_optional();
    let Some(ty) = member_type(cx, base.ty.present(), name) else { return reported(span) };
    let ty = if chained { ty.optional() } else { ty };
    Expr { kind: ExprKind::Member(Box::new(base), name.text.into()), ty, span }
}

/// The type of a member; reported if there is none.
fn member_type(cx: &mut Context<'_>, of: &Ty, name: ast::Word<'_>) -> Option<Ty> {
    let near = match of {
        Ty::Record(fields) => {
            if let Some((_, ty)) = fields.iter().find(|(known, _)| **known == *name.text) {
                return Some(ty.clone());
            }
            nearest(name.text, fields.iter().map(|(known, _)| &**known)).map(str::to_owned)
        }
        Ty::Map(of) => return Some(Ty::clone(of).optional()),
        Ty::Json => return Some(Ty::Json.optional()),
        Ty::Error => return None,
        _ => None,
    };
    cx.report(unknown_member(name.span, name.text, &of.to_string(), near.as_deref()));
    None
}

/// `file.name`, of an imported file.
fn from_file<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    file: usize,
    words: &[ast::Word<'a>],
    span: Span,
    want: Option<&Ty>,
) -> Expr {
    let Some(&name) = words.last() else { return reported(span) };
    match exported(cx, file, name) {
        Some(id) => {
            let read = item(cx, scope, id, name, want);
            Expr { span, ..read }
        }
        None => reported(span),
    }
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
        let mended = match rest {
            [key, ..] => format!("{}[\"{}\"]", row.path, key.text.replace('_', "-")),
            [] => format!("{}[\"…\"]", row.path),
        };
        let diag = diag.help(format!("`{}` is looked into by name: `{mended}`", row.path));
        cx.report(match rest {
            [key] => diag.fix(format!("write `{mended}`"), place.to(key.span), mended.clone()),
            _ => diag,
        });
        return reported(span);
    }
    let read = field(cx, scope, row, None, place);
    let read = super::facts::narrow(&scope.facts, read);
    members(cx, scope, read, words.get(taken..).unwrap_or_default())
}

fn members<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    base: Expr,
    words: &[ast::Word<'a>],
) -> Expr {
    let mut read = base;
    for name in words {
        let span = read.span.to(name.span);
        if read.ty.is_error() {
            return reported(span);
        }
        if read.ty.is_optional() {
            let present = read.ty.present().clone();
            let why =
                Why::default().absence(format!("there would be no `{}` to look at", name.text));
            let dot = Span { start: read.span.end, end: name.span.start, ..span };
            let mut diag = absent(cx, scope, &read, &present, &why);
            diag = diag.fix("write `?.`, which is absent then too", dot, "?.");
            diag.fixes.rotate_right(1);
            cx.report(diag);
            return reported(span);
        }
        let Some(ty) = member_type(cx, &read.ty, *name) else { return reported(span) };
        let kind = ExprKind::Member(Box::new(read), name.text.into());
        read = super::facts::narrow(&scope.facts, Expr { kind, ty, span });
    }
    read
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
    let near = nearest(&written, paths()).or_else(same_tail);
    let exists = near.and_then(|near| cx.vocabulary.field(near)).map(|row| when_exists(row.from));
    let mut diag = unknown_field(span, &written, near.zip(exists));
    if diag.help.is_none() {
        let listed = super::expr::listed(&beneath);
        diag = diag.help(if within == "path" {
            "`path.NAME` is what the route's path captured as `{NAME}`".to_owned()
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

/// When fields of a phase exist, as a sentence says it.
pub(super) fn when_exists(from: Phase) -> &'static str {
    match from {
        Phase::Connection => "always",
        Phase::Request => "from the request on",
        Phase::Route => "in the statements of a route",
        Phase::Response => "after `forward` or `respond`, on the way back",
        Phase::Origin => "after `forward`, on the way back",
    }
}

/// Where a scope is, as a sentence says it.
pub(super) fn where_is(when: When) -> &'static str {
    match when {
        When::Load => "when the policy is loaded",
        When::Choice => "while a route is chosen",
        When::Step(Phase::Response) => "in an answer of the gateway's own",
        When::Step(_) => "before the request is answered",
        When::Anywhere => "here",
    }
}

/// Whether what begins with phase `from` is there.
pub(super) fn is_there(when: When, from: Phase) -> bool {
    match when {
        When::Load => false,
        When::Choice => from <= Phase::Request,
        When::Step(phase) => from <= phase,
        When::Anywhere => true,
    }
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

/// Says that `name` does not exist yet, and offers the move.
pub(super) fn too_early(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    name: &str,
    from: Phase,
    span: Span,
) {
    let mut diag = wrong_phase(span, name, where_is(scope.when), when_exists(from));
    match (scope.when, scope.end, scope.statement) {
        (When::Step(_), Some(end), Some(statement)) if end.start > statement.start => {
            diag = diag.label(end, "the way back begins here").help("move the statement behind it");
            if let Some(edits) = moved(cx, statement, end) {
                diag = diag.fix_all("move the statement to the way back", edits);
            }
        }
        (When::Choice, ..) => {
            diag = diag.help(
                "a route is chosen by the connection and the request; look at the rest in a statement",
            );
        }
        _ => {}
    }
    cx.report(diag);
}

/// The edits that move a statement with a line of its own behind another one.
fn moved(cx: &Context<'_>, statement: Span, behind: Span) -> Option<Vec<Edit>> {
    let whole = |span: Span| {
        let before = cx.text(Span { start: 0, end: span.start, ..span });
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Span { start: u32::try_from(start).unwrap_or(span.start), ..span }
    };
    let unit = cx.units.iter().find(|unit| unit.source.id == statement.source)?;
    let text: &str = &unit.source.text;
    let line_end = |at: u32| {
        let rest = text.get(at as usize..)?;
        let end = rest.find('\n')?;
        let tail = rest.get(..end)?.trim();
        (tail.is_empty() || tail.starts_with("//")).then_some(at + u32::try_from(end).ok()? + 1)
    };
    let from = whole(statement).start;
    let lead = text.get(from as usize..statement.start as usize)?;
    if !lead.trim().is_empty() {
        return None;
    }
    let to = line_end(statement.end)?;
    let insert = line_end(behind.end)?;
    let line = Span { start: from, end: to, ..statement };
    let at = Span { start: insert, end: insert, ..statement };
    let indent = indentation(cx, behind);
    let body = text.get(statement.start as usize..to as usize)?;
    Some(vec![
        Edit { span: line, text: String::new() },
        Edit { span: at, text: format!("{indent}{body}") },
    ])
}

/// `base[key]`.
pub(super) fn index<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, index: ast::Index<'a>) -> Expr {
    let span = index.span();
    let (Some(base), Some(key)) = (index.base(), index.key()) else { return reported(span) };
    if let Some(words) = words(base)
        && let Some(root) = words.first()
        && scope.local(root.text).is_none()
        && is_namespace(cx, root.text)
        && !cx.names.get(scope.unit).is_some_and(|names| names.contains_key(root.text))
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

fn looked_up<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    base: ast::Expr<'a>,
    key: ast::Expr<'a>,
    span: Span,
) -> Expr {
    let base = expr(cx, scope, base, None);
    let why = Why::says("a map is looked into by a text");
    let key = super::expr::wanted(cx, scope, key, &Ty::String, &why);
    if base.ty.is_error() || key.ty.is_error() {
        return reported(span);
    }
    let ty = match base.ty.present() {
        Ty::Map(of) => Ty::clone(of).optional(),
        Ty::Json => Ty::Json.optional(),
        Ty::List(_) | Ty::Set(_) => {
            cx.report(
                bad_operator(span, "a list is not looked into", "there is no such reading").help(
                    "ask it as a whole: `x in list`, `any(x in list, …)`, `count(x in list, …)`",
                ),
            );
            return reported(span);
        }
        other => {
            let message = format!("a value of type {other} is not looked into");
            cx.report(bad_operator(span, message, "there is no such reading"));
            return reported(span);
        }
    };
    match value(&key) {
        Some(Value::String(name)) => {
            let name = name.clone();
            Expr { kind: ExprKind::Member(Box::new(base), name), ty, span }
        }
        _ => {
            cx.report(not_constant(key.span, "a key is a literal"));
            reported(span)
        }
    }
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
    let why = Why::says(format!("`{}` is looked into by a name", row.path));
    let read = super::expr::wanted(cx, scope, key, &Ty::String, &why);
    let name: Arc<str> = match (&read.kind, value(&read)) {
        (_, Some(Value::String(name))) if row.key == Key::IgnoreCase => {
            name.to_ascii_lowercase().into()
        }
        (_, Some(Value::String(name))) => name.clone(),
        // The parameter of a policy that is checked by itself; applied, it is a constant or reported.
        _ if !read.ty.is_error()
            && super::constant::is_load_time(&read, &cx.open)
            && !cx.open.is_empty() =>
        {
            Arc::from("")
        }
        _ => {
            if !read.ty.is_error() {
                cx.report(not_constant(read.span, "a key is a literal"));
            }
            cx.note(place, Meaning::Field(row));
            return reported(span);
        }
    };
    let field = field(cx, scope, row, Some(name), place);
    Expr { span, ..field }
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
            cx.report(
                unknown_capture(name.span, name.text, None)
                    .help("captures belong to a route: pass them as arguments"),
            );
        }
        return reported(span);
    };
    let captures = captures.clone();
    match captures.iter().find(|(known, ..)| **known == *name.text) {
        Some((known, ty, place)) => {
            let definition = cx.defined.get(place).copied();
            if let Some(definition) = definition {
                cx.note(name.span, Meaning::Definition(definition));
            }
            Expr { kind: ExprKind::Capture(known.clone()), ty: ty.clone(), span }
        }
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
    cx.report(diag);
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
                cx.report(not_constant(text.span(), format!("{what} is a text without `{{…}}`")));
                None
            }
        },
        ast::Expr::Error(_) => None,
        other => {
            let written = cx.text(other.span());
            let diag = crate::diag::wrong_type::wrong_type(
                other.span(),
                "something else",
                "a text in quotes",
                None,
            )
            .help(format!("{what} is a text in quotes"));
            let quoted = format!("\"{}\"", written.replace('"', ""));
            cx.report(diag.fix("put it in quotes", other.span(), quoted));
            None
        }
    }
}
