//! `match`: every value of its subject has an arm, and every arm has a value.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::constant::value;
use super::context::{Context, Scope, reported};
use super::erase;
use super::expr::{constant, expr};
use super::fit::{Why, fit};
use super::names;
use crate::diag::bad_operator::bad_operator;
use crate::diag::exposed_secret::exposed_secret;
use crate::diag::missing_arm::missing_arm;
use crate::diag::not_constant::not_constant;
use crate::diag::unknown_name::ENTRY as UNKNOWN_NAME;
use crate::diag::unreachable_arm::unreachable_arm;
use crate::policy::{Arm, Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp};
use crate::types::Ty;
use crate::value::Value;

/// `match subject { pattern => value, … }`.
pub(super) fn matches<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Match<'a>,
    want: Option<&Ty>,
) -> Expr {
    let span = written.span();
    let Some(subject) = written.subject() else { return reported(span) };
    let subject = expr(cx, scope, subject, None);
    if subject.ty == Ty::Secret {
        cx.report(exposed_secret(subject.span, "a secret is never compared"));
        return reported(span);
    }
    let mut seen = Seen::default();
    let mut all: Option<Span> = None;
    let mut arms: Vec<Arm> = Vec::new();
    let mut ty: Option<Ty> = want.cloned();
    // Arms that are `absent` before one says of which type.
    let mut untyped: Vec<ast::Expr<'a>> = Vec::new();
    let mut sound = !written.is_broken();
    for arm in written.arms() {
        let patterns = arm.pattern().and_then(|pattern| read(cx, scope, pattern, &subject));
        let span = arm.span();
        let Some(patterns) = patterns else {
            sound = false;
            arm_value(cx, scope, arm, ty.as_ref());
            continue;
        };
        let mut inner = scope.clone();
        let takes_absence = match &patterns {
            Some(values) => values.iter().any(|(value, _)| value.is_absent()),
            None => !seen.points.contains_key(&Value::Absent),
        };
        if !takes_absence {
            inner.facts.learn(&subject);
        }
        sound &= reachable(cx, &subject.ty, patterns.as_deref(), arm, &mut seen, &mut all);
        let value = match arm.value() {
            Some(ast::ArmValue::Expr(value))
                if ty.is_none() && names::is_absent(cx, scope, value) =>
            {
                untyped.push(value);
                constant(Value::Absent, Ty::Error, value.span())
            }
            _ => {
                let value = arm_value(cx, &inner, arm, ty.as_ref());
                let typed = arms.get(untyped.len());
                let value = joined(cx, scope, value, want, &mut ty, typed);
                sound &= value.ty != Ty::Error;
                if !untyped.is_empty() {
                    ty = ty.map(Ty::optional);
                }
                value
            }
        };
        let patterns = patterns.map(|values| values.into_iter().map(|(value, _)| value).collect());
        arms.push(Arm { patterns, value, span });
    }
    if subject.ty.is_error() || !sound {
        return reported(span);
    }
    if all.is_none()
        && let Some(missing) = missing(&subject.ty, &seen)
    {
        let place = subject.span;
        let mut diag = missing_arm(place, &missing.text)
            .help(format!("add an arm for {}, or `_ => …` for all that is left", missing.text));
        if let (Some(block), Some(Expr { span: value, .. })) =
            (written.block(), arms.last().map(|arm| &arm.value))
        {
            let text = cx.text(*value);
            let end = block.span().end.saturating_sub(1);
            let before = cx.text(Span { end, ..block.span() });
            let kept = u32::try_from(before.trim_end().len()).unwrap_or(0);
            let at =
                Span { start: block.span().start + kept, end: block.span().start + kept, ..span };
            let comma = if before.contains('\n') { "\n" } else { ", " };
            diag = diag.suggest("add an arm for the rest", at, format!("{comma}_ => {text}"));
        }
        cx.report(diag);
        return reported(span);
    }
    let Some(ty) = ty else {
        if let Some(first) = untyped.first() {
            expr(cx, scope, *first, None);
        }
        return reported(span);
    };
    for arm in arms.iter_mut().take(untyped.len()) {
        arm.value.ty = ty.clone();
    }
    Expr { kind: ExprKind::Match(Box::new(subject), arms), ty, span }
}

fn arm_value<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    arm: ast::Arm<'a>,
    want: Option<&Ty>,
) -> Expr {
    match arm.value() {
        Some(ast::ArmValue::Expr(value)) => expr(cx, scope, value, want),
        Some(ast::ArmValue::Block(block)) => {
            cx.report(
                bad_operator(block.span(), "an arm of a `match` is a value", "no block here")
                    .help("write `pattern => value`"),
            );
            reported(block.span())
        }
        None => reported(arm.span()),
    }
}

/// An arm's value beside those of the arms before it.
fn joined(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    read: Expr,
    want: Option<&Ty>,
    ty: &mut Option<Ty>,
    first: Option<&Arm>,
) -> Expr {
    if want.is_some() || read.ty.is_error() {
        // Whoever wants it says so better, with the place that wants it.
        let known = ty.clone().filter(|known| want.is_none() || known.fits(&read.ty));
        if let (Some(_), Some(wanted)) = (want, want) {
            let fitted = literal_as(cx, scope, read, wanted);
            if fitted.ty.is_optional() && !wanted.is_optional() {
                *ty = Some(wanted.clone().optional());
            } else if !fitted.ty.fits(wanted) && known.is_none() {
                *ty = Some(fitted.ty.clone());
            }
            return fitted;
        }
        return read;
    }
    match ty.clone() {
        None => {
            *ty = Some(read.ty.clone());
            read
        }
        Some(known) if read.ty.fits(&known) => read,
        Some(known) if known.fits(&read.ty) => {
            *ty = Some(read.ty.clone());
            read
        }
        Some(known) if read.ty.present().fits(known.present()) => {
            *ty = Some(known.optional());
            read
        }
        Some(known) => {
            let place = first.map_or(read.span, |arm| arm.value.span);
            let why = Why::place(place, format!("the first arm is {known}"));
            fit(cx, scope, read, &known, &why)
        }
    }
}

/// A literal read as what is wanted, if it can be; anything else as it is.
fn literal_as(cx: &mut Context<'_>, scope: &Scope<'_>, read: Expr, wanted: &Ty) -> Expr {
    let is_literal = value(&read).is_some();
    let reads = is_literal
        && matches!(
            (&read.ty, wanted.present()),
            (Ty::Int, Ty::Status | Ty::Float)
                | (Ty::Ip, Ty::Cidr)
                | (Ty::String, Ty::Uuid | Ty::Time)
        );
    if reads { fit(cx, scope, read, wanted, &Why::default()) } else { read }
}

/// The values of a pattern; `None` inside for `_`, `None` outside where it was reported.
fn read<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    pattern: ast::Expr<'a>,
    subject: &Expr,
) -> Option<Option<Vec<(Value, Span)>>> {
    if let ast::Expr::Name(name) = pattern
        && name.text() == "_"
    {
        return Some(None);
    }
    let mut written = Vec::new();
    let mut at = pattern;
    loop {
        match at {
            ast::Expr::Binary(either)
                if either.op().is_some_and(|op| op.op == BinaryOp::Alternative) =>
            {
                written.extend(either.right());
                match either.left() {
                    Some(left) => at = left,
                    None => break,
                }
            }
            other => {
                written.push(other);
                break;
            }
        }
    }
    written.reverse();
    let of = subject.ty.present().clone();
    let mut values = Vec::new();
    for one in written {
        if let ast::Expr::Name(name) = one
            && name.text() == "absent"
        {
            if !subject.ty.is_optional() && !subject.ty.is_error() {
                cx.report(
                    bad_operator(name.span(), "the subject is never absent", "never chosen")
                        .label(subject.span, format!("this is {of}")),
                );
                return None;
            }
            values.push((Value::Absent, name.span()));
            continue;
        }
        let element = if of == Ty::Ip { Ty::Cidr } else { of.clone() };
        let hint = if of.is_error() { None } else { Some(&element) };
        let known = cx.diags.len();
        let read = expr(cx, scope, one, hint);
        if let (ast::Expr::Name(name), Some(diag)) = (one, cx.diags.get_mut(known))
            && diag.slug == UNKNOWN_NAME.slug
            && !diag.help.as_deref().is_some_and(|help| help.starts_with("did you mean"))
        {
            diag.fixes.clear();
            diag.help = Some(format!(
                "a pattern is a value and binds no name: `_ => …` takes all that is left, `\"{}\"` is a text",
                name.text()
            ));
            return None;
        }
        if read.ty == Ty::Regex {
            let message = "a pattern of an arm is a value, not a regular expression";
            let (subject, re) = (cx.text(subject.span), cx.text(read.span));
            let help = format!("ask it: `match matches({subject}, {re}) {{ true => …, _ => … }}`");
            cx.report(bad_operator(read.span, message, "never equal to a text").help(help));
            return None;
        }
        let is_range = matches!(&read.ty, Ty::Range(inner)
            if inner.fits(&of) || (**inner == Ty::Int && of == Ty::Status));
        let place = read.span;
        let why = Why::place(subject.span, format!("the subject is {of}"));
        let read = if is_range {
            fit(cx, scope, read, &Ty::Range(Arc::new(of.clone())), &why)
        } else {
            fit(cx, scope, read, &element, &why)
        };
        if read.ty.is_error() {
            return None;
        }
        match value(&read) {
            Some(value) => values.push((value.clone(), place)),
            None => {
                cx.report(not_constant(
                    place,
                    "a pattern is a literal, or `_` for all that is left",
                ));
                return None;
            }
        }
    }
    Some(Some(values))
}

/// Says which patterns nothing reaches, and takes note of the others.
fn reachable(
    cx: &mut Context<'_>,
    ty: &Ty,
    patterns: Option<&[(Value, Span)]>,
    arm: ast::Arm<'_>,
    seen: &mut Seen,
    all: &mut Option<Span>,
) -> bool {
    let place = arm.pattern().map_or_else(|| arm.span(), |pattern| pattern.span());
    let whole = |cx: &Context<'_>| erase::arm(cx, arm.span());
    let n_patterns = patterns.map_or(0, <[_]>::len);
    let part = |cx: &Context<'_>, at| match n_patterns {
        1 => whole(cx),
        _ => erase::element(cx, at, '|'),
    };
    if let Some(by) = *all {
        cx.report(unreachable_arm(place, by, whole(cx)));
        return false;
    }
    let Some(patterns) = patterns else {
        if !ty.is_error()
            && missing(ty, seen).is_none()
            && let Some(by) = seen.last
        {
            let diag = unreachable_arm(place, by, whole(cx));
            cx.report(diag.help("the arms above already take every value"));
            return false;
        }
        *all = Some(place);
        return true;
    };
    let mut sound = true;
    for (value, at) in patterns {
        if let Some(by) = seen.by(value) {
            cx.report(unreachable_arm(*at, by, part(cx, *at)));
            sound = false;
        } else if let Some(by) = seen.together(value) {
            let help = "the arms above already take every value of it";
            cx.report(unreachable_arm(*at, by, part(cx, *at)).help(help));
            sound = false;
        } else {
            seen.add(value.clone(), *at);
        }
    }
    sound
}

/// The patterns above, with their places.
#[derive(Default)]
struct Seen {
    /// Those that take one value.
    points: BTreeMap<Value, Span>,
    /// Networks and ranges.
    wide: Vec<(Value, Span)>,
    last: Option<Span>,
}

impl Seen {
    fn add(&mut self, value: Value, place: Span) {
        self.last = Some(place);
        match value {
            Value::Cidr(_) | Value::Range(_) => self.wide.push((value, place)),
            value => {
                self.points.insert(value, place);
            }
        }
    }

    /// The one that takes all that this one takes.
    fn by(&self, value: &Value) -> Option<Span> {
        let point = self.points.get(value).copied();
        point.or_else(|| {
            self.wide.iter().find(|(known, _)| covers(known, value)).map(|(_, place)| *place)
        })
    }

    /// The last one, if all together take each of the whole numbers that this one takes.
    fn together(&self, value: &Value) -> Option<Span> {
        let (least, most) = whole_numbers(value)?;
        let wide = self.wide.iter().map(|(known, _)| known);
        let mut taken: Vec<(i64, i64)> =
            self.points.keys().chain(wide).filter_map(whole_numbers).collect();
        taken.sort_unstable();
        // The first number that nothing has taken so far; none where that is past the last one.
        let mut open = Some(least);
        for (from, to) in taken {
            let Some(next) = open.filter(|next| *next <= most) else { break };
            if from <= next && to >= next {
                open = to.checked_add(1);
            }
        }
        self.last.filter(|_| open.is_none_or(|next| next > most))
    }
}

/// The whole numbers that a pattern takes, the first and the last.
fn whole_numbers(value: &Value) -> Option<(i64, i64)> {
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number),
        Value::Status(code) => Some(i64::from(*code)),
        _ => None,
    };
    match value {
        Value::Range(ends) => Some((number(&ends.0)?, number(&ends.1)?)),
        value => number(value).map(|number| (number, number)),
    }
}

/// Whether the first pattern takes all that the second takes.
fn covers(known: &Value, value: &Value) -> bool {
    match (known, value) {
        (Value::Range(outer), Value::Range(inner)) => outer.0 <= inner.0 && inner.1 <= outer.1,
        _ => known == value || crate::eval::is_in(value, &Value::list([known.clone()])),
    }
}

struct Missing {
    text: String,
}

/// What the patterns leave out.
fn missing(ty: &Ty, seen: &Seen) -> Option<Missing> {
    let has = |value: &Value| seen.by(value).is_some();
    let text = |text: String| Some(Missing { text });
    if ty.is_optional() && !has(&Value::Absent) {
        return text("`absent`".to_owned());
    }
    match ty.present() {
        Ty::Bool => [true, false]
            .iter()
            .find(|value| !has(&Value::Bool(**value)))
            .and_then(|value| text(format!("`{value}`"))),
        Ty::OneOf(words) => words
            .iter()
            .find(|word| !has(&Value::String((*word).clone())))
            .and_then(|word| text(format!("`\"{word}\"`"))),
        Ty::Status => (100..=599)
            .find(|code| !has(&Value::Status(*code)))
            .and_then(|code| text(format!("`{code}`"))),
        _ => text("the other values".to_owned()),
    }
}
