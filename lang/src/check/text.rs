//! Texts: escapes, and values put in between braces.

use super::context::{Context, Scope, reported};
use super::expr::{constant, expr};
use super::fields;
use super::fit::{Why, fit, is_text_like};
use crate::diag::Diag;
use crate::diag::bad_text::bad_text;
use crate::diag::exposed_secret::exposed_secret;
use crate::diag::plain_text::{plain_dollar, plain_group, plain_operator, plain_variable};
use crate::diag::wrong_type::wrong_type;
use crate::foreign;
use crate::policy::{Expr, ExprKind};
use crate::quoted::unescape;
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;

pub(super) fn text<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, written: ast::Str<'a>) -> Expr {
    let span = written.span();
    let mut parts: Vec<Expr> = Vec::new();
    let mut plain = String::new();
    let mut sound = true;
    variables(cx, scope, written);
    for part in written.parts() {
        match part {
            ast::Part::Text(word) if word.text == "{" => {
                sound = false;
                cx.report(self::open(cx, written, word.span));
            }
            ast::Part::Text(word) => {
                if let Some((at, hidden)) = word.text.char_indices().find(|(_, c)| is_unseen(*c)) {
                    sound = false;
                    let place = word.span.part(at, at + hidden.len_utf8());
                    let message =
                        format!("`U+{:04X}` stands in this text unseen", u32::from(hidden));
                    cx.report(bad_text(place, message, "an invisible character").suggest(
                        "remove it",
                        place,
                        "",
                    ));
                }
                plain.push_str(word.text);
            }
            ast::Part::Escape(word) => match unescape(word.text) {
                Some(c) => plain.push(c),
                None if word.text.ends_with('}') => {
                    sound = false;
                    let message = format!("`{}` stands for nothing", word.text);
                    let reason = "no character has this number";
                    cx.report(bad_text(word.span, message, reason));
                }
                None => {
                    sound = false;
                    cx.report(
                        bad_text(
                            word.span,
                            format!("`{}` stands for nothing", word.text),
                            "no such escape",
                        )
                        .help("the escapes are `\\n \\r \\t \\\" \\\\ \\{ \\} \\u{…}`")
                        .fix(
                            "write a backslash",
                            word.span,
                            format!("\\{}", word.text),
                        ),
                    );
                }
            },
            ast::Part::Hole(hole) => {
                let Some(inner) = hole.expr() else {
                    sound = false;
                    bad_hole(cx, hole);
                    continue;
                };
                if !plain.is_empty() {
                    let value = Value::string(std::mem::take(&mut plain));
                    parts.push(constant(value, Ty::String, span));
                }
                let part = self::hole(cx, scope, inner);
                sound &= !part.ty.is_error();
                parts.push(part);
            }
        }
    }
    if !sound {
        // Its type is known all the same, so that what uses it is still checked.
        return Expr { kind: ExprKind::Error, ty: Ty::Error, span };
    }
    if parts.is_empty() {
        return constant(Value::string(plain), Ty::String, span);
    }
    if !plain.is_empty() {
        parts.push(constant(Value::string(plain), Ty::String, span));
    }
    Expr { kind: ExprKind::Template(parts), ty: Ty::String, span }
}

/// Whether a character is not to be seen, or changes how others are: control characters, those that turn the direction of
/// writing, and blanks without width.
fn is_unseen(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A `{` in a text behind which no value ends.
fn open(cx: &Context<'_>, written: ast::Str<'_>, brace: Span) -> Diag {
    let end = written.inner_span().end;
    let rest = cx.text(Span { start: brace.end, end, ..brace });
    let diag = bad_text(brace, "this `{` is never closed", "a value begins here");
    let name = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.".contains(c));
    let name = rest.get(..name.unwrap_or(rest.len())).unwrap_or("");
    let is_value = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.contains('.');
    let escaped = |diag: Diag| diag.suggest("write `\\{` for a brace as it is", brace, "\\{");
    if is_value {
        let at = brace.end + name.len() as u32;
        let behind = Span { start: at, end: at, ..brace };
        return escaped(diag.suggest("close it", behind, "}")).help(format!(
            "a value in a text stands in braces: `{{{name}}}`; a brace as it is is written `\\{{`"
        ));
    }
    let is_document = rest.starts_with("\\\"") || rest.trim_start().starts_with("\\\"");
    escaped(diag)
        .help(match is_document {
            true => "a brace as it is is written `\\{`; a JSON answer is written without quotes, `json={ name: value }`",
            false => "a brace as it is is written `\\{`; a value in a text stands in braces: `{req.path}`",
        })
        .certain_if(!is_document)
}

/// Warns of a `$` that was to put in a value.
fn variables(cx: &mut Context<'_>, scope: &Scope<'_>, written: ast::Str<'_>) {
    if cx.repeating > 0 {
        return;
    }
    let mut parts = written.parts().peekable();
    while let Some(part) = parts.next() {
        let ast::Part::Text(word) = part else { continue };
        let length = word.text.len();
        if word.text.ends_with('$') && matches!(parts.peek(), Some(ast::Part::Hole(_))) {
            cx.report(plain_dollar(word.span.part(length - 1, length)));
        }
        let mut marks = word.text.match_indices('%').map(|(at, _)| at).peekable();
        while let (Some(at), Some(&end)) = (marks.next(), marks.peek()) {
            if word.text.get(at + 1..end).is_some_and(foreign::is_envoy_operator) {
                let written = word.text.get(at..=end).unwrap_or("");
                cx.report(plain_operator(word.span.part(at, end + 1), written));
                marks.next();
            }
        }
        for (at, _) in word.text.match_indices('$') {
            let behind = word.text.get(at + 1..).unwrap_or("");
            let length = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = behind.get(..length.unwrap_or(behind.len())).unwrap_or("");
            let captures = scope.captures.as_deref().unwrap_or_default();
            let is_capture = captures.iter().any(|(known, ..)| **known == *name);
            let meant = match foreign::variable(name) {
                _ if is_capture => format!("path.{name}"),
                Some(ours) if ours.ends_with(']') => format!("{ours} ?? \"\""),
                Some(ours) => ours,
                // What a pattern captures elsewhere, in a path that is written anew.
                None if word.text.starts_with('/') && name.parse::<u8>().is_ok() => {
                    let place = word.span.part(at, at + 1 + name.len());
                    cx.report(plain_group(place, &format!("${name}")));
                    continue;
                }
                None => continue,
            };
            let place = word.span.part(at, at + 1 + name.len());
            cx.report(plain_variable(place, &format!("${name}"), &meant));
        }
    }
}

fn bad_hole(cx: &mut Context<'_>, hole: ast::Hole<'_>) {
    if let Some((name, _)) = hole.capture() {
        cx.report(
            bad_text(
                hole.span(),
                format!("`{{{}}}` captures nothing here", hole.text()),
                "a typed capture belongs in a `path`",
            )
            .help(format!("write `{{path.{}}}` for what the route's path captured", name.text)),
        );
    } else if !hole.node().is_broken() {
        cx.report(
            bad_text(
                hole.span(),
                format!("`{{{}}}` is no value", hole.text()),
                "a value belongs between the braces",
            )
            .help("write `\\{` for a brace as it is; a JSON answer is written without quotes, `json={ name: value }`"),
        );
    }
}

/// A value inside text.
fn hole<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, inner: ast::Expr<'a>) -> Expr {
    // `{id}` may stand for `{path.id}`, as in the path it came from.
    let part = match inner {
        ast::Expr::Name(name) if captured(cx, scope, name.text()) => {
            fields::capture(cx, scope, name.word(), name.span())
        }
        _ => expr(cx, scope, inner, None),
    };
    if part.ty == Ty::Secret {
        let reason = "a text can be seen";
        cx.report(exposed_secret(part.span, reason));
        return reported(part.span);
    }
    if let Ty::Optional(of) = &part.ty {
        if is_text_like(of) {
            let why = Why::default().absence("the text would silently lack this part");
            let of = Ty::clone(of);
            return fit(cx, scope, part, &of, &why);
        }
    } else if is_text_like(&part.ty) {
        return part;
    }
    let diag = wrong_type(part.span, &part.ty.to_string(), "a value with one text form", None);
    cx.report(diag.help("texts, numbers, addresses and their like can stand in a text"));
    reported(part.span)
}

/// Whether a bare name in a text is a capture: nothing else has that name.
fn captured(cx: &Context<'_>, scope: &Scope<'_>, name: &str) -> bool {
    let captures = scope.captures.as_deref().unwrap_or_default();
    let taken = scope.local(name).is_some()
        || cx.names.get(scope.unit).is_some_and(|names| names.contains_key(name));
    !taken && captures.iter().any(|(known, ..)| **known == *name)
}
