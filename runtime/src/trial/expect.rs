//! What an `expect` says when it does not hold: the part that failed, what was found, and what became of the request.

use lang::eval::eval;
use lang::policy::parts::children;
use lang::policy::{Compare, Expr, ExprKind};
use lang::{Span, Value};

use super::Miss;
use super::differ::differences;
use super::view::View;

/// What does not hold of a condition: one miss for each of the parts that `and` joins.
pub(super) fn misses(condition: &Expr, view: &View<'_>) -> Vec<Miss> {
    if let ExprKind::And(parts) = &condition.kind {
        return parts.iter().flat_map(|part| misses(part, view)).collect();
    }
    if eval(condition, view).is_true() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let reason = match &condition.kind {
        ExprKind::Compare(how, left, right) => {
            let (left, right) = (eval(left, view), eval(right, view));
            let differences = differences(&right, &left).filter(|_| *how == Compare::Eq);
            differences.unwrap_or_else(|| {
                format!("expected {}{}, found {}", words(*how), told(&right), told(&left))
            })
        }
        ExprKind::In(item, of) => {
            format!("found {}, which is not in {}", told(&eval(item, view)), told(&eval(of, view)))
        }
        ExprKind::Present(_) => "it is absent".to_owned(),
        ExprKind::Not(inner) => match &inner.kind {
            ExprKind::Present(value) => format!("found {}", told(&eval(value, view))),
            ExprKind::Field(..) => "expected false, found true".to_owned(),
            _ => {
                readings(inner, view, &mut found);
                "this holds".to_owned()
            }
        },
        ExprKind::Field(..) | ExprKind::Member(..) => "expected true, found false".to_owned(),
        _ => {
            readings(condition, view, &mut found);
            "this does not hold".to_owned()
        }
    };
    let mut miss = Miss::new(condition.span, "an expectation does not hold", reason);
    let refused_by = view.last.and_then(|last| last.refused_by);
    found.extend(refused_by.map(|span| (span, "this refused the request".to_owned())));
    miss.found = found;
    miss.help = summary(view);
    vec![miss]
}

/// What became of the request, in a sentence.
fn summary(view: &View<'_>) -> Option<String> {
    let last = view.last?;
    let status = last.answered.status;
    let by = match last.log("route").as_str() {
        Some(route) => format!("route `{route}` answered {status}"),
        None => format!("no route answered; the gateway said {status}"),
    };
    let (to, failure) = (last.log("upstream"), last.log("failure"));
    Some(match (to.as_str(), failure.as_str()) {
        (Some(to), None) => format!("{by} by upstream `{to}`"),
        (Some(to), Some(failure)) => format!("{by}: {failure}, of upstream `{to}`"),
        (None, Some(failure)) => format!("{by}: {failure}"),
        (None, None) => by,
    })
}

/// The values that were read on the way.
fn readings(expr: &Expr, view: &View<'_>, found: &mut Vec<(Span, String)>) {
    match &expr.kind {
        ExprKind::Const(_) => {}
        ExprKind::Field(..) | ExprKind::Member(..) | ExprKind::Local(_) | ExprKind::Input(_) => {
            found.push((expr.span, format!("this is {}", told(&eval(expr, view)))));
        }
        kind => children(kind).into_iter().for_each(|part| readings(part, view, found)),
    }
}

fn words(how: Compare) -> &'static str {
    match how {
        Compare::Eq => "",
        Compare::Ne => "anything but ",
        Compare::Lt => "less than ",
        Compare::Le => "at most ",
        Compare::Gt => "more than ",
        Compare::Ge => "at least ",
    }
}

/// A value in a message; a long one is cut.
pub(super) fn told(value: &Value) -> String {
    const MOST: usize = 200;
    let text = match value {
        Value::Absent => return "nothing".to_owned(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
