//! What a route requires and no request can bring, because its listeners let none such in: `conn.tls.client` where no
//! certificate is asked for, or a text that a field never says. It looks at what is written, and says nothing where it is
//! not sure.

use std::collections::HashSet;

use lang::diag::constant_condition::{never_met, never_said};
use lang::policy::{Compare, Expr, ExprKind, Policy, Route, Step, StepKind};
use lang::{Diag, Value};

use crate::space::{Fact, arriving, may_be};

/// Why a condition holds of no request.
#[derive(Clone)]
enum Never<'e> {
    /// The listener lets none in of which this field would have to be something else.
    Met(&'e str),
    /// The field, as it is written, never says the text.
    Said(String, &'e str),
}

/// What is to be said of requirements that refuse whatever comes.
pub(super) fn refusing(policy: &Policy) -> Vec<Diag> {
    let mut diags = Vec::new();
    let mut said = HashSet::new();
    let facts: Vec<Vec<Fact>> =
        (0..policy.blocks.len()).map(|block| arriving(policy, block)).collect();
    for route in &policy.routes {
        let on: Vec<(&str, &[Fact])> = route
            .listeners
            .iter()
            .filter_map(|at| Some((&*policy.blocks.get(*at)?.name, facts.get(*at)?.as_slice())))
            .collect();
        let Some((name, _)) = on.first() else { continue };
        for condition in required(route) {
            let never =
                on.iter().map(|(_, facts)| fails(condition, facts)).collect::<Option<Vec<_>>>();
            let never = never.as_ref().and_then(|all| all.first());
            // A site says the same for each of its routes.
            let Some(never) = never.filter(|_| said.insert(condition.span)) else { continue };
            let route = (&*route.name, route.span);
            diags.push(match never {
                Never::Met(field) => never_met(condition.span, route, field, name),
                Never::Said(field, text) => never_said(condition.span, route, field, text),
            });
        }
    }
    diags
}

/// The conditions that a route requires on the way in.
fn required(route: &Route) -> impl Iterator<Item = &Expr> {
    route.steps.iter().filter_map(|step: &Step| {
        let StepKind::Act(call) = &step.kind else { return None };
        call.args.get(call.row.asserted()?)
    })
}

/// Why a condition holds of no request of which this holds; nothing, where it may hold.
fn fails<'e>(condition: &'e Expr, facts: &[Fact]) -> Option<Never<'e>> {
    match &condition.kind {
        ExprKind::And(parts) => parts.iter().find_map(|part| fails(part, facts)),
        ExprKind::Or(parts) => {
            let all: Option<Vec<Never<'_>>> = parts.iter().map(|part| fails(part, facts)).collect();
            all?.into_iter().next()
        }
        ExprKind::Present(inner) | ExprKind::In(inner, _) => absent(inner, facts).map(Never::Met),
        ExprKind::Compare(compare, left, right) => {
            let is_equal = *compare == Compare::Eq;
            absent(left, facts)
                .or_else(|| absent(right, facts))
                .or_else(|| is_equal.then(|| other(left, right, facts)).flatten())
                .map(Never::Met)
                .or_else(|| is_equal.then(|| unsaid(left, right)).flatten())
        }
        _ => None,
    }
}

/// The field that a value is, or is a part of, where the field is never there.
fn absent<'e>(value: &'e Expr, facts: &[Fact]) -> Option<&'e str> {
    match &value.kind {
        ExprKind::Field(row, _) => {
            let is_this =
                |fact: &Fact| matches!(fact, Fact::Present(path, false) if *path == row.path);
            facts.iter().any(is_this).then_some(row.path)
        }
        ExprKind::Member(base, _) => absent(base, facts),
        _ => None,
    }
}

/// What is compared with a text that it never says.
fn unsaid<'e>(left: &'e Expr, right: &'e Expr) -> Option<Never<'e>> {
    let ExprKind::Const(Value::String(text)) = &right.kind else { return None };
    let (form, field) = match &left.kind {
        ExprKind::Field(row, None) => (row.path, row.path.to_owned()),
        ExprKind::Field(row, Some(key)) => (row.path, format!("{}[{key:?}]", row.path)),
        ExprKind::Capture(name) => ("path", format!("path.{name}")),
        _ => return None,
    };
    (!may_be(form, text)).then(|| Never::Said(field, text))
}

/// The field that is compared with a text, where it always is another one.
fn other<'e>(left: &'e Expr, right: &'e Expr, facts: &[Fact]) -> Option<&'e str> {
    let (ExprKind::Field(row, _), ExprKind::Const(text)) = (&left.kind, &right.kind) else {
        return None;
    };
    let differs = |fact: &Fact| matches!(fact, Fact::Is(path, always) if *path == row.path && text.as_str().is_some_and(|text| text != *always));
    facts.iter().any(differs).then_some(row.path)
}
