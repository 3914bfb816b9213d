//! What a route requires and no request can bring, because its listeners let none such in: `conn.tls.client` where no
//! certificate is asked for. It looks at what is written, and says nothing where it is not sure.

use std::collections::HashSet;

use lang::Diag;
use lang::diag::constant_condition::never_met;
use lang::policy::{Compare, Expr, ExprKind, Policy, Route, Step, StepKind};

use crate::space::{Fact, arriving};

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
            let field =
                on.iter().map(|(_, facts)| fails(condition, facts)).collect::<Option<Vec<_>>>();
            let field = field.as_ref().and_then(|fields| fields.first());
            // A site says the same for each of its routes.
            if let Some(field) = field.filter(|_| said.insert(condition.span)) {
                diags.push(never_met(condition.span, (&*route.name, route.span), field, name));
            }
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

/// The field because of which a condition holds of no request of which this holds; nothing, where it may hold.
fn fails<'e>(condition: &'e Expr, facts: &[Fact]) -> Option<&'e str> {
    match &condition.kind {
        ExprKind::And(parts) => parts.iter().find_map(|part| fails(part, facts)),
        ExprKind::Or(parts) => {
            let all: Option<Vec<&str>> = parts.iter().map(|part| fails(part, facts)).collect();
            all?.first().copied()
        }
        ExprKind::Present(inner) | ExprKind::In(inner, _) => absent(inner, facts),
        ExprKind::Compare(compare, left, right) => absent(left, facts)
            .or_else(|| absent(right, facts))
            .or_else(|| (*compare == Compare::Eq).then(|| other(left, right, facts)).flatten()),
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

/// The field that is compared with a text, where it always is another one.
fn other<'e>(left: &'e Expr, right: &'e Expr, facts: &[Fact]) -> Option<&'e str> {
    let (ExprKind::Field(row, _), ExprKind::Const(text)) = (&left.kind, &right.kind) else {
        return None;
    };
    let differs = |fact: &Fact| matches!(fact, Fact::Is(path, always) if *path == row.path && text.as_str().is_some_and(|text| text != *always));
    facts.iter().any(differs).then_some(row.path)
}
