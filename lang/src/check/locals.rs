//! Numbers a route's locals from zero once it is whole.

use std::collections::HashMap;

use super::constant::children_mut;
use crate::policy::{Expr, ExprKind, LocalId, Route, Step, StepKind};

/// Numbers a route's locals from zero, each binding its own.
pub(super) fn renumber(route: &mut Route) {
    let mut next = 0;
    let mut known: HashMap<LocalId, LocalId> = HashMap::new();
    let fresh = |next: &mut u32| {
        *next += 1;
        LocalId(*next - 1)
    };
    fn walk(
        expr: &mut Expr,
        known: &mut HashMap<LocalId, LocalId>,
        next: &mut u32,
        fresh: &dyn Fn(&mut u32) -> LocalId,
    ) {
        if let ExprKind::Local(id) = &mut expr.kind {
            *id = known.get(id).copied().unwrap_or(*id);
            return;
        }
        if let ExprKind::Quantified(_, id, list, predicate) = &mut expr.kind {
            walk(list, known, next, fresh);
            let old = *id;
            *id = fresh(next);
            let hidden = known.insert(old, *id);
            walk(predicate, known, next, fresh);
            match hidden {
                Some(hidden) => known.insert(old, hidden),
                None => known.remove(&old),
            };
            return;
        }
        for child in children_mut(&mut expr.kind) {
            walk(child, known, next, fresh);
        }
    }
    for condition in &mut route.conditions {
        walk(condition, &mut known, &mut next, &fresh);
    }
    fn number(
        steps: &mut [Step],
        known: &mut HashMap<LocalId, LocalId>,
        next: &mut u32,
        fresh: &dyn Fn(&mut u32) -> LocalId,
    ) {
        for step in steps {
            match &mut step.kind {
                StepKind::Let(id, value) => {
                    walk(value, known, next, fresh);
                    let old = *id;
                    *id = fresh(next);
                    known.insert(old, *id);
                }
                StepKind::Act(call) => {
                    for argument in &mut call.args {
                        walk(argument, known, next, fresh);
                    }
                    for (pattern, value) in &mut call.arms {
                        walk(pattern, known, next, fresh);
                        walk(value, known, next, fresh);
                    }
                }
                StepKind::Always(steps) => number(steps, known, next, fresh),
            }
        }
    }
    number(&mut route.steps, &mut known, &mut next, &fresh);
}
