//! Whether a value can stand where it stands, and what to write instead. Literals are read as what is wanted: `404` as
//! a status, `10.0.0.1` as a network of one.

use std::sync::Arc;

use super::constant::value;
use super::context::{Context, Scope, When, reported};
use crate::diag::exposed_secret::exposed_secret;
use crate::diag::may_be_absent::may_be_absent;
use crate::diag::not_available::{is_planned, not_available};
use crate::diag::out_of_range::out_of_range;
use crate::diag::wrong_type::wrong_type;
use crate::diag::{Diag, Edit};
use crate::literal;
use crate::policy::{Expr, ExprKind};
use crate::source::Span;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::trial::STUB;
use crate::vocab::{Known, nearest};

/// Where an expectation comes from, and what absence would do there.
#[derive(Clone, Debug, Default)]
pub(super) struct Why {
    /// A place of the policy that says so.
    pub(super) place: Option<(Span, String)>,
    /// Who says so, where no place does.
    pub(super) says: Option<String>,
    /// What an absent value would do.
    pub(super) absence: Option<String>,
    /// What is written there, if a row says so.
    pub(super) hint: Option<&'static str>,
    /// Which constants are taken there, if that is known.
    pub(super) accepts: Option<fn(Known<'_>) -> Result<(), String>>,
}

impl Why {
    /// A place of the policy says so.
    pub(super) fn place(span: Span, text: impl Into<String>) -> Why {
        Why { place: Some((span, text.into())), ..Why::default() }
    }

    /// A row or rule says so.
    pub(super) fn says(text: impl Into<String>) -> Why {
        Why { says: Some(text.into()), ..Why::default() }
    }

    /// Also says what absence would do.
    pub(super) fn absence(mut self, text: impl Into<String>) -> Why {
        self.absence = Some(text.into());
        self
    }
}

/// The expression as a value of type `wanted`; reported where it cannot be one.
pub(super) fn fit(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    expr: Expr,
    wanted: &Ty,
    why: &Why,
) -> Expr {
    if expr.ty.is_error() || wanted.is_error() {
        return expr;
    }
    if expr.ty == Ty::Secret && *wanted.present() != Ty::Secret {
        cx.report(exposed_secret(expr.span, format!("{wanted} is wanted, which can be seen")));
        return reported(expr.span);
    }
    if let Some(literal) = as_wanted(cx, &expr, wanted.present()) {
        return literal;
    }
    if *wanted == Ty::Bool && super::identity::is_claims(&expr) {
        return super::identity::is_there(expr);
    }
    if value(&expr) == Some(&Value::Absent)
        && cx.text(expr.span) == "absent"
        && !wanted.is_optional()
        && *wanted != Ty::Json
    {
        let place = why.place.clone();
        let diag = wrong_type(expr.span, "`absent`", &wanted.to_string(), place);
        cx.report(match &why.says {
            Some(says) => diag.help(format!("{says}, which is always there")),
            None => diag.help(format!("{wanted} is always there; only {wanted}? may be absent")),
        });
        return reported(expr.span);
    }
    if let (Ty::Optional(inner), false) = (&expr.ty, wanted.is_optional() || *wanted == Ty::Json)
        && inner.fits(wanted)
    {
        if scope.facts.is_lost() {
            return Expr { ty: Ty::clone(inner), ..expr };
        }
        let diag = absent(cx, scope, &expr, wanted, why);
        report_absent(cx, scope, &expr, diag);
        return reported(expr.span);
    }
    if expr.ty.fits(wanted) {
        return expr;
    }
    if cx.trial.is_some()
        && let Some(read) = super::trial::as_status(&expr, wanted)
            .or_else(|| super::trial::as_choice(cx, &expr, wanted))
    {
        return read;
    }
    let diag = mismatch(cx, &expr, wanted, why);
    cx.report(diag);
    reported(expr.span)
}

/// Reads a constant as what is wanted, where its literal can be that too.
fn as_wanted(cx: &mut Context<'_>, expr: &Expr, wanted: &Ty) -> Option<Expr> {
    let constant =
        |value| Some(Expr { kind: ExprKind::Const(value), ty: wanted.clone(), span: expr.span });
    if let (ExprKind::List(items), Ty::Set(of)) = (&expr.kind, wanted)
        && items.iter().all(|item| item.ty.fits(of))
    {
        return Some(Expr { ty: wanted.clone(), ..expr.clone() });
    }
    match (value(expr)?, wanted) {
        (Value::Int(code), Ty::Status) => match u16::try_from(*code) {
            Ok(code @ 100..=599) => constant(Value::Status(code)),
            _ => {
                cx.report(out_of_range(
                    expr.span,
                    format!("`{code}` is not a status"),
                    "a status is 100 to 599",
                ));
                Some(reported(expr.span))
            }
        },
        (Value::Range(ends), Ty::Range(of)) if **of == Ty::Status => {
            let (Value::Int(low), Value::Int(high)) = (&ends.0, &ends.1) else { return None };
            let code = |n: i64| u16::try_from(n).ok().filter(|n| (100..=599).contains(n));
            match (code(*low), code(*high)) {
                (Some(low), Some(high)) => {
                    constant(Value::Range(Arc::new((Value::Status(low), Value::Status(high)))))
                }
                _ => {
                    cx.report(out_of_range(
                        expr.span,
                        "these are not statuses",
                        "a status is 100 to 599",
                    ));
                    Some(reported(expr.span))
                }
            }
        }
        (Value::Int(number), Ty::Float) => constant(Value::Float(*number as f64)),
        (Value::Ip(address), Ty::Cidr) => constant(Value::Cidr(ipnet::IpNet::from(*address))),
        (Value::String(text), Ty::Uuid | Ty::Time) => {
            let inner = inside_quotes(cx, expr.span);
            Some(match literal::from_string(text, wanted, inner)? {
                Ok(value) => {
                    Expr { kind: ExprKind::Const(value), ty: wanted.clone(), span: expr.span }
                }
                Err(diag) => {
                    cx.report(*diag);
                    reported(expr.span)
                }
            })
        }
        (Value::String(text), Ty::OneOf(words)) if words.contains(text) => {
            constant(Value::String(text.clone()))
        }
        (Value::List(items), Ty::Set(of)) => {
            let fits = match &expr.ty {
                Ty::List(have) => have.fits(of),
                _ => false,
            };
            if !fits {
                return None;
            }
            constant(Value::Set(Arc::new(items.iter().cloned().collect())))
        }
        _ => None,
    }
}

/// The place between the quotes, if it is a string that stands there.
pub(super) fn inside_quotes(cx: &Context<'_>, span: Span) -> Span {
    let text = cx.text(span);
    if text.len() >= 2 && text.starts_with('"') && text.ends_with('"') {
        span.part(1, text.len() - 1)
    } else {
        span
    }
}

fn mismatch(cx: &Context<'_>, expr: &Expr, wanted: &Ty, why: &Why) -> Diag {
    if let (Some(Value::String(word)), Ty::OneOf(_)) = (value(expr), wanted.present())
        && is_planned(word)
    {
        return not_available(expr.span, word);
    }
    // Of a `match` the arm is to blame that gives something else.
    if let ExprKind::Match(_, arms) = &expr.kind
        && let Some(arm) = arms.iter().find(|arm| !arm.value.ty.fits(wanted))
        && !arm.value.ty.is_optional()
    {
        return mismatch(cx, &arm.value, wanted, why);
    }
    let found = expr.ty.to_string();
    // That it may also be absent is no help to who has something there.
    let expected = if expr.ty.is_optional() { wanted } else { wanted.present() };
    let mut diag = wrong_type(expr.span, &found, &expected_type(expected), why.place.clone());
    let written = cx.text(expr.span);
    let end = Span { start: expr.span.end, ..expr.span };
    let mut remedy = None;
    match (value(expr), wanted.present()) {
        (Some(Value::Int(number)), _) if !literal::unit_for(wanted).is_empty() => {
            // Elsewhere a number alone is of seconds, or of milliseconds.
            let first = literal::unit_for(wanted).iter().take(2);
            let ways: Vec<String> =
                first.map(|(unit, name)| format!("`{number}{unit}` ({name})")).collect();
            remedy = Some(match ways.as_slice() {
                [only] => format!("write {}", only.split(" (").next().unwrap_or(only)),
                ways => format!("write {}", ways.join(" or ")),
            });
            for (unit, name) in literal::unit_for(wanted) {
                diag = diag.suggest(format!("write `{number}{unit}` ({name})"), end, *unit);
            }
        }
        (Some(Value::Float(part)), Ty::Percent) if (0.0..=1.0).contains(part) => {
            let percent = (part * 1e8).round() / 1e6;
            remedy = Some(format!("write `{percent}%`"));
            diag = diag.suggest(format!("write `{percent}%`"), expr.span, format!("{percent}%"));
        }
        (Some(Value::String(text)), Ty::OneOf(words)) => {
            let near = nearest(text, words.iter().map(|word| &**word));
            // Of numbers none is a slip of the pen for another.
            if text.contains(|c: char| c.is_ascii_digit()) && words.len() <= 6 {
                remedy = Some(format!("one of {} belongs here", super::names::listed(words)));
            } else if let Some(near) = near {
                remedy = Some(format!("did you mean `\"{near}\"`?"));
                let inner = inside_quotes(cx, expr.span);
                diag = diag.suggest(format!("write `{near}`"), inner, near);
            }
        }
        (Some(Value::String(text)), Ty::Method)
            if text.starts_with('/') || text.contains("://") =>
        {
            remedy = Some(format!("a method stands in front: `GET, {written}`"));
            let start = Span { end: expr.span.start, ..expr.span };
            diag = diag.fix("write `GET` in front", start, "GET, ");
        }
        (Some(Value::String(_)), Ty::Status) if literal_status(cx, expr).is_none() => {
            remedy = Some(format!("a status stands in front: `200, {written}`"));
            let start = Span { end: expr.span.start, ..expr.span };
            diag = diag.suggest("write `200` in front", start, "200, ");
        }
        (Some(Value::String(text)), Ty::Ip)
            if matches!(literal::literal(text, expr.span, None), Ok((Value::Cidr(_), _))) =>
        {
            remedy = Some(format!("a network is asked by `in`: `client.ip in {text}`"));
        }
        (Some(Value::Cidr(_) | Value::Ip(_)), Ty::Bool) => {
            remedy = Some(format!(
                "each side is a condition of its own; one of several is `client.ip in [10.0.0.0/8, {written}]`"
            ));
        }
        (Some(Value::Int(code)), Ty::Bool) if cx.trial.is_some() && (100..600).contains(code) => {
            remedy = Some(format!("write `status == {code}`"));
            diag = diag.suggest("compare the status", expr.span, format!("status == {code}"));
        }
        (Some(Value::Int(code)), stub) if *stub == STUB && (200..600).contains(code) => {
            remedy = Some(format!("write `respond({code})`"));
            diag = diag.fix("make it an answer", expr.span, format!("respond({code})"));
        }
        (_, Ty::String) if matches!(expr.ty.present(), Ty::Record(_) | Ty::Map(_)) => {
            remedy = Some("what has names in it is a document, as in `json={ … }`".to_owned());
        }
        (Some(Value::String(text)), Ty::Item("upstream")) if text.contains([':', '.', '/']) => {
            let address = text.split_once("://").map_or(&**text, |(_, rest)| rest);
            remedy = Some(format!(
                "an upstream is an item of its own, `upstream NAME {{ server \"{address}\" }}`"
            ));
        }
        (Some(Value::String(text)), Ty::Method) if text.contains(' ') => {
            remedy =
                Some("a method and a URL are two values: `GET, \"https://a.example/\"`".to_owned());
        }
        (Some(Value::String(text)), Ty::Method)
            if text.chars().all(|c| c.is_ascii_alphabetic()) =>
        {
            let name = text.to_ascii_uppercase();
            remedy = Some(format!("write `{name}`, without quotes"));
            diag = diag.fix(format!("write `{name}`"), expr.span, name);
        }
        (Some(Value::String(_)), Ty::Item(kind)) if gives(cx, kind).next().is_some() => {
            let mut calls: Vec<String> =
                gives(cx, kind).map(|name| format!("`{name}(…)`")).collect();
            // What the first takes is what was most probably meant by a URL or an address.
            if let Some((name, first)) = gives(cx, kind).next().zip(calls.first_mut())
                && written.contains(':')
            {
                *first = format!("`{name}({written})`");
            }
            remedy = Some(format!("write {}", calls.join(" or ")));
        }
        (Some(Value::String(text)), Ty::Item(_)) if is_word(text) => {
            remedy = Some(format!("write `{text}`, without quotes"));
            diag = diag.fix("remove the quotes", expr.span, text.to_string());
        }
        (None, Ty::Bool) if expr.ty.is_optional() && !written.is_empty() => {
            remedy = Some(format!("write `{written} is present` to ask whether it is there"));
            let mended = if is_simple(written) {
                format!("({written} is present)")
            } else {
                format!("(({written}) is present)")
            };
            diag = diag.suggest("ask whether it is there", expr.span, mended);
        }
        (Some(Value::String(_)), Ty::Regex) if written.starts_with('"') => {
            remedy = Some(format!("write `re{written}`"));
            let start = Span { end: expr.span.start, ..expr.span };
            diag = diag.suggest("make it a pattern", start, "re");
        }
        (_, Ty::List(of)) if matches!(&**of, Ty::OneOf(words) if words.iter().any(|word| **word == *written)) =>
        {
            remedy = Some(format!("write `[{written}]`"));
            diag = diag.fix("make it a list", expr.span, format!("[{written}]"));
        }
        (Some(Value::String(text)), Ty::List(of))
            if literal::literal(text, expr.span, Some(of)).is_ok_and(|(_, ty)| ty.fits(of)) =>
        {
            remedy = Some(format!("write `[{text}]`"));
            diag = diag.fix("make it a list", expr.span, format!("[{text}]"));
        }
        (Some(Value::String(_)), Ty::Secret) => {
            remedy = Some(
                "no policy holds a secret: `secret NAME from file(\"/run/secrets/name\")` is an item of its own, and its name stands here".to_owned(),
            );
        }
        (Some(Value::String(text)), target) => {
            let read = literal::literal(text, expr.span, Some(target));
            if let Ok((_, ty)) = &read
                && (ty.fits(target) || (*ty == Ty::Int && *target == Ty::Status))
            {
                remedy = Some(format!("write `{text}`, without quotes"));
                diag = diag.fix("remove the quotes", expr.span, text.to_string());
            } else if let Err(wrong) = read
                && !literal::unit_for(wanted).is_empty()
            {
                remedy = wrong.help.filter(|help| help.starts_with("write `"));
            }
        }
        (Some(Value::Bool(_) | Value::Null), Ty::String) => {}
        (Some(_), Ty::String)
            if !written.contains(['"', '{', '\\']) && !written.is_empty() && !is_named(written) =>
        {
            let is_fit = |text: &&String| match why.accepts {
                Some(accepts) => accepts(Known::Value(&Value::string(text.as_str()))).is_ok(),
                None => true,
            };
            // A port alone, where an address is wanted, is one of every address.
            let texts = [written.to_owned(), format!(":{written}")];
            let quoted = texts.iter().take(if why.accepts.is_some() { 2 } else { 1 }).find(is_fit);
            if let Some(text) = quoted {
                remedy = Some(format!("write `\"{text}\"`"));
                // Only where it is known what is fit there is it known that this is meant.
                diag = diag
                    .suggest("put it in quotes", expr.span, format!("\"{text}\""))
                    .certain_if(why.accepts.is_some());
            }
        }
        (_, Ty::String) if matches!(expr.ty.present(), Ty::Regex) && why.hint.is_none() => {
            remedy = Some(format!("a pattern is asked, as in `matches(req.path, {written})`"));
        }
        (_, Ty::String) if why.says.is_some() && matches!(expr.ty.present(), Ty::List(_)) => {
            remedy =
                Some("one text belongs here; each of several has a line of its own".to_owned());
        }
        (_, Ty::String) if matches!(expr.ty.present(), Ty::List(_) | Ty::Set(_)) => {
            remedy = Some(format!("a list is asked as `\"…\" in {written}`"));
        }
        (_, Ty::List(of)) if expr.ty.fits(of) && !written.is_empty() => {
            remedy = Some(format!("write `[{written}]`"));
            diag = diag.fix("make it a list", expr.span, format!("[{written}]"));
        }
        (None, Ty::String) if is_text_like(&expr.ty) && !written.contains('"') => {
            remedy = Some(format!("write `\"{{{written}}}\"` to make it a text"));
            diag = diag.suggest("make it a text", expr.span, format!("\"{{{written}}}\""));
        }
        _ => {}
    }
    match (&why.says, remedy.or_else(|| why.hint.map(str::to_owned))) {
        (Some(says), Some(remedy)) => diag.help(format!("{says}: {remedy}")),
        (Some(says), None) => diag.help(says.clone()),
        (None, Some(remedy)) => diag.help(remedy),
        (None, None) => diag,
    }
}

/// Whether it is written as a name is, and no literal is.
fn is_named(written: &str) -> bool {
    written.starts_with(|c: char| c.is_ascii_lowercase())
        && written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// A text that is a status without its quotes.
fn literal_status(cx: &Context<'_>, expr: &Expr) -> Option<u16> {
    cx.text(inside_quotes(cx, expr.span)).parse().ok()
}

/// A type as an expectation says it: of many options not each.
pub(super) fn expected_type(ty: &Ty) -> String {
    const MOST: usize = 6;
    match ty {
        Ty::OneOf(words) if words.len() > MOST => "an option".to_owned(),
        Ty::List(of) if matches!(&**of, Ty::OneOf(words) if words.len() > MOST) => {
            "a list of options".to_owned()
        }
        other => other.to_string(),
    }
}

/// The functions that give an item of this kind.
fn gives<'c>(cx: &'c Context<'_>, kind: &'static str) -> impl Iterator<Item = &'static str> + 'c {
    let functions = cx.vocabulary.functions.iter();
    functions.filter(move |row| (row.returns)() == Ty::Item(kind)).map(|row| row.name)
}

/// The message about a value that may be absent, with its mends.
pub(super) fn absent(
    cx: &Context<'_>,
    scope: &Scope<'_>,
    expr: &Expr,
    wanted: &Ty,
    why: &Why,
) -> Diag {
    let consequence = match &why.absence {
        Some(absence) => format!("if it were absent, {absence}"),
        None => "if it were absent, there would be no value here".to_owned(),
    };
    let (found, written) = (expr.ty.to_string(), cx.text(expr.span));
    let mut diag = may_be_absent(expr.span, &found, &wanted.to_string(), &consequence);
    if let Some((place, text)) = &why.place {
        diag = diag.label(*place, text.clone());
    }
    if super::identity::is_claims(expr) {
        return of_nobody(cx, scope, expr, diag);
    }
    diag = diag.help("say what happens then: `?? default`, or a test for presence before it");
    if let ExprKind::Input(id) = expr.kind
        && let Some(input) = cx.inputs.get(id.0 as usize).filter(|input| input.default.is_some())
    {
        return diag.help(format!(
            "`{written}` has a default, and is never absent if its type says so: `{}: {wanted}`",
            input.name
        ));
    }
    if written.contains("??") && matches!(expr.kind, ExprKind::Coalesce(..)) {
        diag = diag.help(
            "the last of these values may be absent too: say what it is then, `… ?? default`",
        );
    }
    if let Some(default) = default_for(expr.ty.present()) {
        let (start, end) = (
            Span { end: expr.span.start, ..expr.span },
            Span { start: expr.span.end, ..expr.span },
        );
        let edits = if is_simple(written) {
            vec![Edit { span: end, text: format!(" ?? {default}") }]
        } else {
            vec![
                Edit { span: start, text: "(".to_owned() },
                Edit { span: end, text: format!(") ?? {default}") },
            ]
        };
        diag = diag.suggest_all(format!("write `?? {default}`"), edits);
    }
    if let (When::Step(_), Some(statement), Some(verb)) =
        (scope.when, scope.statement, asserting_verb(cx))
        && is_simple(written)
    {
        let at = Span { end: statement.start, ..statement };
        let line = format!("{verb} {written} is present\n{}", indentation(cx, statement));
        diag = diag.suggest(format!("write `{verb} {written} is present` before it"), at, line);
    }
    diag
}

/// Reports that a value may be absent: of the claims of one token once for each route, which the same line mends.
pub(super) fn report_absent(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr, diag: Diag) {
    if super::identity::is_claims(expr) {
        let is_new = cx.unasked.insert((scope.end, diag.message.clone()));
        let says = |said: &Diag| said.code == diag.code && said.message == diag.message;
        if !is_new && cx.diags.iter().any(says) {
            return;
        }
    }
    cx.report(diag);
}

/// The claims of a token that nobody has to have shown: the mend is to ask for it.
fn of_nobody(cx: &Context<'_>, scope: &Scope<'_>, expr: &Expr, diag: Diag) -> Diag {
    let name = cx.text(expr.span);
    let message = format!("`{name}` may be absent: not every request brings its token");
    let diag = Diag { message, ..diag };
    match (scope.when, scope.statement, asserting_verb(cx)) {
        (When::Step(_), Some(statement), Some(verb)) => {
            let at = Span { end: statement.start, ..statement };
            let line = format!("{verb} {name}\n{}", indentation(cx, statement));
            diag.help(format!(
                "write `{verb} {name}` before it: whoever has no token is answered 401"
            ))
            .suggest(format!("write `{verb} {name}` before it"), at, line)
        }
        _ => {
            let start = Span { end: expr.span.start, ..expr.span };
            diag.help(format!("ask for it first: `{name} and {name}.… == …`; `{name}?.…` is absent where there is no token"))
                .suggest(format!("write `{name} and` before it"), start, format!("{name} and "))
        }
    }
}

/// The verb whose condition is known to hold behind it.
pub(super) fn asserting_verb(cx: &Context<'_>) -> Option<&'static str> {
    let actions = cx.vocabulary.actions.iter();
    actions.copied().find(|action| action.asserts.is_some()).map(|action| action.name)
}

/// The blanks before a statement.
pub(super) fn indentation<'a>(cx: &Context<'a>, statement: Span) -> &'a str {
    let before = cx.text(Span { start: 0, end: statement.start, ..statement });
    let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
    let blanks = line.len() - line.trim_start().len();
    &line[..blanks]
}

/// Whether it can be written into text.
pub(super) fn is_text_like(ty: &Ty) -> bool {
    ty.is_single() || *ty == Ty::Error
}

fn default_for(ty: &Ty) -> Option<&'static str> {
    Some(match ty {
        Ty::String => "\"\"",
        Ty::Int => "0",
        Ty::Float => "0.0",
        Ty::Bool => "false",
        Ty::Duration => "0s",
        Ty::Size => "0B",
        Ty::Percent => "0%",
        Ty::List(_) | Ty::Set(_) => "[]",
        _ => return None,
    })
}

/// Whether it could be a name.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether `??` binds to all of it.
pub(super) fn is_simple(written: &str) -> bool {
    let mut in_string = false;
    let mut depth = 0_u32;
    for c in written.chars() {
        match c {
            '"' => in_string = !in_string,
            '(' | '[' | '{' if !in_string => depth += 1,
            ')' | ']' | '}' if !in_string => depth = depth.saturating_sub(1),
            c if !in_string && depth == 0 && (c.is_whitespace() || "+*/<>=".contains(c)) => {
                return false;
            }
            _ => {}
        }
    }
    true
}
