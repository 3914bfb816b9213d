//! Comparisons: what can be compared, and what absence would let through.

use super::constant::is_const;
use super::context::{Context, Scope, reported};
use super::expr::expr;
use super::fit::{Why, fit};
use super::operators::{Sides, is_plain};
use crate::diag::absent_comparison::absent_comparison;
use crate::diag::bad_operator::bad_operator;
use crate::diag::exposed_secret::exposed_secret;
use crate::diag::plain_text::plain_wildcard;
use crate::diag::{Diag, Edit, wrong_kind};
use crate::policy::{Compare, Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;

pub(super) fn compare<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    sides: Sides<'a>,
    how: Compare,
) -> Expr {
    if let Some(diag) = with_nothing(cx, scope, &sides, how) {
        cx.report(diag);
        return reported(sides.span);
    }
    let (mut left, mut right);
    if is_plain(sides.left) && !is_plain(sides.right) {
        right = expr(cx, scope, sides.right, None);
        let ty = right.ty.present().clone();
        left = expr(cx, scope, sides.left, known(&ty));
        if let Some(diag) = misread(cx, &sides, &left, &right, how) {
            cx.report(diag);
            return reported(sides.span);
        }
        left = matched(cx, scope, left, &right);
    } else {
        left = expr(cx, scope, sides.left, None);
        let ty = left.ty.present().clone();
        let begun = cx.diags.len();
        right = expr(cx, scope, sides.right, known(&ty));
        if left.ty.is_error() {
            // What a name means there hangs on the other side.
            let found = cx.diags.split_off(begun.min(cx.diags.len()));
            cx.diags.extend(found.into_iter().filter(|diag| diag.code != wrong_kind::ENTRY.code));
        }
        if let Some(diag) = misread(cx, &sides, &left, &right, how) {
            cx.report(diag);
            return reported(sides.span);
        }
        right = matched(cx, scope, right, &left);
    }
    if left.ty.is_error() || right.ty.is_error() {
        return reported(sides.span);
    }
    if let Some(diag) = incomparable(cx, &sides, &left, &right, how) {
        cx.report(diag);
        return reported(sides.span);
    }
    if let Some(diag) = slips(cx, &sides, &left, &right, how).filter(|_| !scope.facts.is_lost()) {
        cx.report(diag);
        return reported(sides.span);
    }
    if matches!(how, Compare::Eq | Compare::Ne) && cx.repeating == 0 {
        wildcard(cx, &sides, (&left, &right), how);
        wildcard(cx, &sides, (&right, &left), how);
    }
    let kind = ExprKind::Compare(how, Box::new(left), Box::new(right));
    Expr { kind, ty: Ty::Bool, span: sides.span }
}

/// Warns of a text like a pattern for paths or hosts, where it is compared with one of a request.
fn wildcard(cx: &mut Context<'_>, sides: &Sides<'_>, (value, text): (&Expr, &Expr), how: Compare) {
    let Some(Value::String(pattern)) = super::constant::value(text) else { return };
    let (asks, rest) = match (
        pattern.strip_suffix("**").or_else(|| pattern.strip_suffix('*')),
        pattern.strip_prefix('*'),
    ) {
        (Some(start), _) if start.starts_with('/') => ("starts_with", start),
        (_, Some(end)) if end.starts_with('.') => ("ends_with", end),
        _ => return,
    };
    let not = if how == Compare::Ne { "not " } else { "" };
    let asks = format!("{not}{asks}({}, \"{rest}\")", cx.text(value.span));
    let is_sure = value.ty == Ty::String && !rest.contains(['*', '"', '\\', '{']);
    cx.report(plain_wildcard(text.span, is_sure.then_some((sides.span, asks))));
}

/// A comparison with `absent`, or with `null` of what is no document: whether something is there is another question.
fn with_nothing<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    sides: &Sides<'a>,
    how: Compare,
) -> Option<Diag> {
    let nothing = |side: ast::Expr<'a>| match side {
        ast::Expr::Name(name) if matches!(name.text(), "null" | "absent") => Some(name.text()),
        _ => None,
    };
    let (other, nothing) = match (nothing(sides.left), nothing(sides.right)) {
        (None, Some(nothing)) => (sides.left, nothing),
        (Some(nothing), None) => (sides.right, nothing),
        _ => return None,
    };
    let is_name = cx.entry(scope.unit, nothing).is_some() || scope.local(nothing).is_some();
    if !matches!(how, Compare::Eq | Compare::Ne) || is_name {
        return None;
    }
    let known = cx.diags.len();
    let read = expr(cx, scope, other, None);
    cx.diags.truncate(known);
    if super::identity::is_claims(&read) {
        return Some(of_claims(cx, sides, &read, how == Compare::Ne));
    }
    if read.ty.is_error() || (nothing == "null" && *read.ty.present() == Ty::Json) {
        return None;
    }
    let reason = match nothing {
        "null" => "`null` stands in documents only",
        _ => "what is absent equals nothing",
    };
    let (word, text) =
        (if how == Compare::Eq { "absent" } else { "present" }, cx.text(other.span()));
    let op = cx.text(sides.op);
    let diag = bad_operator(
        sides.op,
        format!("`{op}` does not compare {} with `{nothing}`", read.ty),
        reason,
    );
    if !read.ty.is_optional() {
        return Some(diag.help(format!("`{text}` is always there")));
    }
    let mended = format!("{text} is {word}");
    Some(diag.help(format!("write `{mended}`")).fix(
        format!("write `is {word}`"),
        sides.span,
        mended,
    ))
}

/// A comparison of who asks with nothing, or with a truth value: the name alone asks.
fn of_claims(cx: &Context<'_>, sides: &Sides<'_>, claims: &Expr, is_known: bool) -> Diag {
    let (op, name) = (cx.text(sides.op), cx.text(claims.span));
    let asks = if is_known { name.to_owned() } else { format!("not {name}") };
    bad_operator(sides.op, format!("`{op}` does not compare `{name}`"), "nobody is a value")
        .help(format!("the name of an auth alone asks whether somebody is known by it: `{asks}`"))
        .suggest(format!("write `{asks}`"), sides.span, asks)
}

/// A comparison of a text with a number, or of a list with what it may hold: how each is read is the author's to write.
fn misread(
    cx: &Context<'_>,
    sides: &Sides<'_>,
    left: &Expr,
    right: &Expr,
    how: Compare,
) -> Option<Diag> {
    let (a, b) = (left.ty.present(), right.ty.present());
    let op = cx.text(sides.op);
    let (x, y) = (cx.text(left.span), cx.text(right.span));
    for (claims, other) in [(left, right), (right, left)] {
        if super::identity::is_claims(claims) && *other.ty.present() == Ty::Bool {
            let is_true = super::constant::value(other) != Some(&Value::Bool(false));
            return Some(of_claims(cx, sides, claims, is_true == (how == Compare::Eq)));
        }
    }
    let is_number = |ty: &Ty| matches!(ty, Ty::Int | Ty::Float | Ty::Size);
    let (text, number) = match (a, b) {
        (Ty::String, number) if is_number(number) => (left, right),
        (number, Ty::String) if is_number(number) => (right, left),
        (Ty::List(of) | Ty::Set(of), one)
            if !one.is_error() && *one != Ty::Json && one.fits(of) =>
        {
            let diag = bad_operator(
                sides.op,
                format!("`{op}` does not compare {a} with {b}"),
                "these are never equal",
            );
            return Some(match how {
                Compare::Eq => diag
                    .help(format!("write `{y} in {x}`: it asks whether the list has it"))
                    .suggest("write `in`", sides.span, format!("{y} in {x}")),
                _ => diag.help(format!("`{y} not in {x}` asks whether the list has it not")),
            });
        }
        (Ty::String, other) if !is_const(left) && is_scalar(other) => {
            return as_text(cx, sides, (left, right), how);
        }
        (other, Ty::String) if !is_const(right) && is_scalar(other) => {
            return as_text(cx, sides, (right, left), how);
        }
        _ => return None,
    };
    let is_field = !matches!(text.kind, ExprKind::Const(_));
    if is_field
        && *number.ty.present() == Ty::Int
        && let Some(diag) = as_text(cx, sides, (text, number), how)
    {
        return Some(diag);
    }
    // An equality with a text is as likely meant.
    if !is_field || (matches!(how, Compare::Eq | Compare::Ne) && *number.ty.present() == Ty::Int) {
        return None;
    }
    let written = cx.text(text.span);
    let diag = bad_operator(
        sides.op,
        format!("`{op}` does not compare {a} with {b}"),
        "a text has no order among numbers",
    )
    .label(text.span, "this is a text");
    Some(if written.to_ascii_lowercase().contains("content-length") {
        diag.help("the size of the content is `req.body.size`, as in `req.body.size < 1000B`; it is known for content without a `content-length` too")
    } else {
        let given = if text.ty.is_optional() { " ?? \"\"" } else { "" };
        diag.help(format!(
            "`int({written}{given})` reads a number, and is absent where the text is none"
        ))
    })
}

/// Whether values of a type have one text, by which one that is in a text is compared.
fn is_scalar(ty: &Ty) -> bool {
    matches!(ty, Ty::Uuid | Ty::Ip | Ty::Method | Ty::Status)
}

/// A text of a request beside a value of another type: either is compared as the other.
fn as_text(
    cx: &Context<'_>,
    sides: &Sides<'_>,
    (text, other): (&Expr, &Expr),
    how: Compare,
) -> Option<Diag> {
    if !matches!(how, Compare::Eq | Compare::Ne) || is_const(other) {
        return None;
    }
    let op = cx.text(sides.op);
    let (a, b) = (text.ty.present(), other.ty.present());
    let (x, y) = (cx.text(text.span), cx.text(other.span));
    let diag = bad_operator(
        sides.op,
        format!("`{op}` does not compare {b} with {a}"),
        "these are never equal",
    )
    .label(text.span, format!("this is {a}"))
    .label(other.span, format!("this is {b}"));
    let reads = match b {
        Ty::Ip => Some("ip"),
        Ty::Int => Some("int"),
        _ => None,
    };
    let given = if text.ty.is_optional() { " ?? \"\"" } else { "" };
    Some(match reads {
        Some(reads) => diag
            .help(format!("`{reads}({x}{given})` reads the text, and is absent where it is none"))
            .suggest("read the text", text.span, format!("{reads}({x}{given})")),
        None if other.ty.is_optional() => diag.help(format!("compare it as a text: `text({y})`")),
        None => diag.help(format!("compare it as a text: `\"{{{y}}}\" {op} {x}`")).suggest(
            "compare it as a text",
            other.span,
            format!("\"{{{y}}}\""),
        ),
    })
}

/// A type as a hint; an unknown one is none.
pub(super) fn known(ty: &Ty) -> Option<&Ty> {
    (!ty.is_error()).then_some(ty)
}

/// One side of a comparison, read as the other; absence stays for the operator to judge.
fn matched(cx: &mut Context<'_>, scope: &Scope<'_>, side: Expr, other: &Expr) -> Expr {
    let (have, want) = (side.ty.present(), other.ty.present());
    let is_scalar = |ty: &Ty| super::fit::is_text_like(ty);
    if have.is_error() || want.is_error() || side.ty == Ty::Secret || other.ty == Ty::Secret {
        return side;
    }
    // A network or a range is looked at by the operator, which knows what is meant.
    if matches!(have, Ty::Regex | Ty::Cidr | Ty::Range(_) | Ty::List(_) | Ty::Set(_)) {
        return side;
    }
    let joins = have.fits(want) || want.fits(have);
    if joins && (is_scalar(have) || is_scalar(want)) && !is_const(&side) {
        return side;
    }
    if joins && *want == Ty::Json {
        return side;
    }
    let why = Why::place(other.span, format!("compared with this, which is {want}"));
    let want = if side.ty.is_optional() { want.clone().optional() } else { want.clone() };
    fit(cx, scope, side, &want, &why)
}

/// Why two values cannot be compared at all.
fn incomparable(
    cx: &Context<'_>,
    sides: &Sides<'_>,
    left: &Expr,
    right: &Expr,
    how: Compare,
) -> Option<Diag> {
    let (a, b) = (left.ty.present(), right.ty.present());
    for (side, ty) in [(left, a), (right, b)] {
        if *ty == Ty::Secret {
            return Some(exposed_secret(side.span, "a secret is never compared"));
        }
    }
    let op = cx.text(sides.op);
    let is_equality = matches!(how, Compare::Eq | Compare::Ne);
    let lies_in = match (a, b) {
        (Ty::Ip, Ty::Cidr) => true,
        (_, Ty::Range(of)) => a.fits(of),
        // A document may be a list itself.
        (Ty::Json, Ty::List(_)) if b.fits(a) => false,
        (_, Ty::List(of) | Ty::Set(of)) => a.fits(of) || of.is_error(),
        _ => false,
    };
    if lies_in && is_equality {
        let word = if how == Compare::Eq { "in" } else { "not in" };
        let message = format!("`{op}` does not compare {a} with {b}");
        return Some(
            bad_operator(sides.op, message, "these are never equal")
                .help(format!("`{word}` asks whether it lies in there"))
                .suggest(format!("write `{word}`"), sides.op, word)
                // What is absent differs from nothing, and lies in nothing either.
                .certain_if(how == Compare::Eq || !left.ty.is_optional()),
        );
    }
    if *b == Ty::Regex {
        let (x, re) = (cx.text(left.span), cx.text(right.span));
        return Some(
            bad_operator(sides.op, "a pattern is not compared", format!("`{op}` compares values"))
                .help(format!("write `matches({x}, {re})`"))
                .fix("write `matches(…)`", sides.span, format!("matches({x}, {re})")),
        );
    }
    let fails = |ty: &Ty| match ty {
        Ty::Regex | Ty::Secret | Ty::Item(_) | Ty::Range(_) => true,
        Ty::Bool | Ty::Ip | Ty::Cidr | Ty::Method | Ty::Uuid | Ty::OneOf(_) | Ty::Json => {
            !is_equality
        }
        Ty::List(_) | Ty::Set(_) | Ty::Map(_) | Ty::Record(_) => !is_equality,
        _ => false,
    };
    let joins = a.fits(b) || b.fits(a);
    (fails(a) || fails(b) || !joins).then(|| {
        let message = format!("`{op}` does not compare {a} with {b}");
        let reason = if joins { "these have no order" } else { "these never compare" };
        let diag = bad_operator(sides.op, message, reason)
            .label(left.span, format!("this is {a}"))
            .label(right.span, format!("this is {b}"));
        match (a, b) {
            (Ty::OneOf(_), Ty::OneOf(_)) if joins => {
                let (x, y) = (cx.text(left.span), cx.text(right.span));
                diag.help(format!(
                    "options are equal or not: `{x} == {y}`, or `{x} in [{y}]` of several"
                ))
            }
            _ => diag,
        }
    })
}

/// Why absence would slip through a comparison.
fn slips(
    cx: &Context<'_>,
    sides: &Sides<'_>,
    left: &Expr,
    right: &Expr,
    how: Compare,
) -> Option<Diag> {
    let op = cx.text(sides.op);
    let both = left.ty.is_optional() && right.ty.is_optional();
    if !both && (how != Compare::Ne || !(left.ty.is_optional() || right.ty.is_optional())) {
        return None;
    }
    let side = if left.ty.is_optional() { left } else { right };
    let (message, reason) = if both {
        (
            format!("both sides of `{op}` may be absent"),
            "if both were absent, they would be neither equal nor different".to_owned(),
        )
    } else {
        (
            format!("`{op}` with a value that may be absent"),
            "if it were absent, it would not be equal, and slip through".to_owned(),
        )
    };
    let (text, other) = (cx.text(side.span), cx.text(if both { right.span } else { sides.span }));
    let mut diag = absent_comparison(side.span, message, reason);
    if both {
        diag = diag
            .label(right.span, "this may be absent too")
            .help("say what absence is on one side: `?? default`, or `is present` before it");
    } else {
        let (only, also) = (format!("({text} is present and {other})"), negated(cx, sides));
        diag = diag
            .help(format!("say whether an absent value should pass: only if it is present, `{only}`; also if it is absent, `{also}`"))
            .fix("only if it is present", sides.span, only)
            .fix("also if it is absent", sides.span, also);
    }
    Some(match super::fit::asserting_verb(cx) {
        Some(_) if !both && *side.ty.present() == Ty::String => {
            let (from, to) = (
                Span { end: side.span.start, ..side.span },
                Span { start: side.span.end, ..side.span },
            );
            let edits = vec![
                Edit { span: from, text: "(".to_owned() },
                Edit { span: to, text: " ?? \"\")".to_owned() },
            ];
            diag.fix_all("read an absent value as empty", edits)
        }
        _ => diag,
    })
}

pub(super) fn negated(cx: &Context<'_>, sides: &Sides<'_>) -> String {
    let (a, b) = (cx.text(sides.left.span()), cx.text(sides.right.span()));
    format!("not ({a} == {b})")
}
