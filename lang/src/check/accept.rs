//! Whether a value can be what it stands for, as far as it is known before anything is bound. Rows say what they accept;
//! here is only asked, and told with its place.

use std::borrow::Cow;

use super::constant::{children, children_mut, fold};
use super::context::{Context, reported};
use crate::diag::Diag;
use crate::diag::bad_value::bad_value;
use crate::policy::{Block, Expr, ExprKind};
use crate::source::Span;
use crate::value::Value;
use crate::vocab::{Field, Joint, Known, Param, Spliced, Written};

/// The expression, if `row` accepts all that it may come to; reported otherwise. `what` takes it.
pub(super) fn argument(cx: &mut Context<'_>, what: &str, row: &Param, expr: Expr) -> Expr {
    match refused(cx, &expr, &row.accepts) {
        Some(refusal) => {
            let hint = row.hint.filter(|_| refusal.instead.is_none());
            let name = row.name.trim_start_matches("r#");
            let diag = refusal.diag(format!("as `{name}` of `{what}`"));
            cx.report(match hint {
                Some(hint) => diag.help(hint),
                None => diag,
            });
            reported(expr.span)
        }
        None => expr,
    }
}

/// As [`argument`], for one of the values that `row` collects.
pub(super) fn element(cx: &mut Context<'_>, what: &str, row: &Param, expr: Expr) -> Expr {
    let each = |known: Known<'_>| match known {
        Known::Value(value) => (row.accepts)(Known::Value(&Value::list([value.clone()]))),
        _ => Ok(()),
    };
    match refused(cx, &expr, &each) {
        Some(refusal) => {
            cx.report(refusal.diag(format!("among the `{}` of `{what}`", row.name)));
            reported(expr.span)
        }
        None => expr,
    }
}

/// What is wrong with putting something in a field under a key, whatever it is.
pub(super) fn place(field: &Field, key: Option<&str>, span: Span) -> Option<Diag> {
    let reason = (rule(field, key)?.accepts)(key.unwrap_or_default(), Known::Nothing).err()?;
    Some(bad_value(span, reason, "this cannot be changed"))
}

/// What is wrong with taking a field away.
pub(super) fn removal(field: &Field, key: Option<&str>, span: Span) -> Option<Diag> {
    let absent = Known::Value(&Value::Absent);
    let reason = (rule(field, key)?.accepts)(key.unwrap_or_default(), absent).err()?;
    Some(bad_value(span, reason, "this cannot be taken away"))
}

/// What is wrong with putting one more beside what is in a field.
pub(super) fn addition(
    cx: &Context<'_>,
    field: &Field,
    key: Option<&str>,
    span: Span,
) -> Option<Diag> {
    if (rule(field, key)?.repeats)(key.unwrap_or_default()) {
        return None;
    }
    let reason = format!("`{}` has one value", cx.text(span));
    Some(bad_value(span, reason, "nothing can be added to it").help("`set` replaces it"))
}

/// The expression, if it can stand in a field; reported otherwise.
pub(super) fn assigned(cx: &mut Context<'_>, field: &Field, key: Option<&str>, expr: Expr) -> Expr {
    let Some(rule) = rule(field, key) else { return expr };
    let accepts = |known: Known<'_>| (rule.accepts)(key.unwrap_or_default(), known);
    match refused(cx, &expr, &accepts) {
        Some(refusal) => {
            let label = match key {
                Some(key) => format!("as `{}[\"{key}\"]`", field.path),
                None => format!("as `{}`", field.path),
            };
            cx.report(refusal.diag(label));
            reported(expr.span)
        }
        None => expr,
    }
}

/// What may be put in a field. Of the parameter of a policy that is checked by itself, an empty key, nothing is known.
fn rule(field: &Field, key: Option<&str>) -> Option<Written> {
    if key == Some("") { None } else { field.written }
}

/// Says which lines of the policy's blocks take what another one takes.
pub(super) fn exclusive(cx: &mut Context<'_>, blocks: &[Block]) {
    let mut taken: Vec<(&Block, &Value, Span)> = Vec::new();
    for block in blocks {
        let Some(rule) = block.row.exclusive else { continue };
        for setting in block.settings.iter().filter(|one| one.row.name == rule.setting) {
            let Some(Expr { kind: ExprKind::Const(value), span, .. }) = setting.args.first() else {
                continue;
            };
            let other = taken.iter().find(|(other, known, _)| {
                other.row.name == block.row.name && (rule.clash)(known, value)
            });
            if let Some((other, _, place)) = other {
                let message = format!(
                    "{} `{}` cannot take {}: {} `{}` takes it",
                    block.row.name,
                    block.name,
                    cx.text(*span).replace('"', "`"),
                    other.row.name,
                    other.name
                );
                let diag = bad_value(*span, message, "taken already").label(*place, "taken here");
                cx.report(diag.help(rule.help));
            }
            taken.push((block, value, *span));
        }
    }
}

/// Something that is refused, and why.
struct Refusal {
    span: Span,
    reason: String,
    /// The input to whose default it comes, if it is refused for that.
    input: Option<(Span, String)>,
    /// What to write instead, where it is one of several texts that are put into another one.
    instead: Option<&'static str>,
}

/// What else to write where one of several texts can never stand.
const HELP_SPLICED: &str = "write what can stand there, or ask for the value by a `require`; where a `match` chooses among paths of several segments, write each as a whole path";

impl Refusal {
    fn diag(self, label: String) -> Diag {
        let mut diag = bad_value(self.span, self.reason, label);
        if let Some(instead) = self.instead {
            diag = diag.help(instead);
        }
        match self.input {
            Some((span, name)) => diag.label(span, format!("where the default of `{name}` holds")),
            None => diag,
        }
    }
}

/// What is refused of all that an expression may come to, where the defaults of inputs hold too.
fn refused(
    cx: &mut Context<'_>,
    expr: &Expr,
    accepts: &dyn Fn(Known<'_>) -> Result<(), String>,
) -> Option<Refusal> {
    if let Some((span, reason)) = of_known(expr, accepts) {
        return Some(Refusal { span, reason, input: None, instead: None });
    }
    if let Some((span, reason)) = of_spliced(expr, accepts) {
        return Some(Refusal { span, reason, input: None, instead: Some(HELP_SPLICED) });
    }
    let mut input = None;
    let assumed = assuming_defaults(cx, expr, &mut input);
    let (span, name) = input?;
    let (_, reason) = of_known(&assumed?, accepts)?;
    Some(Refusal { span: expr.span, reason, input: Some((span, name)), instead: None })
}

/// The same expression with the defaults of inputs, and the first of these; `None` where it reads none that has one.
fn assuming_defaults(
    cx: &mut Context<'_>,
    expr: &Expr,
    first: &mut Option<(Span, String)>,
) -> Option<Expr> {
    if let ExprKind::Input(id) = expr.kind {
        let input = cx.inputs.get(id.0 as usize)?;
        let value = input.default.clone()?;
        first.get_or_insert_with(|| (input.span, input.name.to_string()));
        return Some(Expr { kind: ExprKind::Const(value), ..expr.clone() });
    }
    let given: Vec<Option<Expr>> =
        children(&expr.kind).into_iter().map(|child| assuming_defaults(cx, child, first)).collect();
    if given.iter().all(Option::is_none) {
        return None;
    }
    let mut assumed = expr.clone();
    for (child, given) in children_mut(&mut assumed.kind).into_iter().zip(given) {
        if let Some(given) = given {
            *child = given;
        }
    }
    Some(fold(cx, assumed))
}

/// What is refused of all that an expression may come to.
fn of_known(
    expr: &Expr,
    accepts: &dyn Fn(Known<'_>) -> Result<(), String>,
) -> Option<(Span, String)> {
    match &expr.kind {
        ExprKind::Match(_, arms) => arms.iter().find_map(|arm| of_known(&arm.value, accepts)),
        ExprKind::Coalesce(first, second) => {
            of_known(first, accepts).or_else(|| of_known(second, accepts))
        }
        ExprKind::Const(value) => {
            accepts(Known::Value(value)).err().map(|reason| (expr.span, reason))
        }
        ExprKind::Template(parts) => {
            let texts: Vec<Option<Cow<'_, str>>> = parts.iter().map(words).collect();
            let texts: Vec<Option<&str>> = texts.iter().map(|text| text.as_deref()).collect();
            accepts(Known::Text(&texts)).err().map(|reason| (expr.span, reason))
        }
        _ => None,
    }
}

/// What of the policy's own words can never stand where it is put in place of a value, whatever a request says.
fn of_spliced(
    expr: &Expr,
    accepts: &dyn Fn(Known<'_>) -> Result<(), String>,
) -> Option<(Span, String)> {
    let parts = match &expr.kind {
        ExprKind::Template(parts) => parts.as_slice(),
        // Each of the texts among which it chooses is put together by itself.
        ExprKind::Match(_, arms) => {
            return arms.iter().find_map(|arm| of_spliced(&arm.value, accepts));
        }
        ExprKind::Coalesce(first, second) => {
            return of_spliced(first, accepts).or_else(|| of_spliced(second, accepts));
        }
        _ => return None,
    };
    let known: Vec<Option<Cow<'_, str>>> = parts.iter().map(words).collect();
    // A word stands for what a request may say.
    let put = |at: usize, text: &str| {
        let spliced = known.iter().enumerate().map(|(nth, known)| match known {
            Some(text) => Spliced { text, joint: Joint::Written },
            None => Spliced { text: if nth == at { text } else { "x" }, joint: Joint::Value },
        });
        accepts(Known::Spliced(&spliced.collect::<Vec<_>>()))
    };
    for (at, part) in parts.iter().enumerate() {
        let mut texts = Vec::new();
        // Where nothing stands before them, several texts of the policy's are of the form that is wanted.
        let is_value = chooses(part, &mut texts).is_some_and(|asks| asks || at > 0);
        if !is_value || put(at, "x").is_err() {
            continue;
        }
        for (span, text) in texts {
            if let Err(reason) = put(at, text) {
                return Some((span, format!("this text can never stand here: {reason}")));
            }
        }
    }
    None
}

/// Whether a value is what a request says or one of these texts, or one of these texts alone. `None` where it may be
/// anything else.
fn chooses<'e>(expr: &'e Expr, texts: &mut Vec<(Span, &'e str)>) -> Option<bool> {
    match &expr.kind {
        ExprKind::Const(value) => {
            texts.push((expr.span, value.as_str()?));
            Some(false)
        }
        ExprKind::Field(_, Some(_)) => Some(true),
        ExprKind::Coalesce(first, second) => {
            let (first, second) = (chooses(first, texts)?, chooses(second, texts)?);
            Some(first || second)
        }
        ExprKind::Match(_, arms) => arms.iter().try_fold(false, |asks, arm| {
            let arm = chooses(&arm.value, texts)?;
            Some(asks || arm)
        }),
        _ => None,
    }
}

/// The text that a part of a template gives, if that is known.
fn words(part: &Expr) -> Option<Cow<'_, str>> {
    let ExprKind::Const(value) = &part.kind else { return None };
    Some(match value.as_str() {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(value.to_string()),
    })
}
