//! Whether what a policy says about time and tries can come to pass: within one block, with the limits of the routes that
//! lead there, and where a block leads into the policy again. Rows know what is meant; here is only looked and told.

use std::collections::{HashMap, HashSet};

use super::constant::value;
use super::context::Context;
use crate::diag::Diag;
use crate::diag::inner_limit::inner_limit;
use crate::diag::retry_amplification::retry_amplification;
use crate::diag::unreachable_retry::{unpaid_retry, unreachable_retry};
use crate::literal::literal;
use crate::policy::{Block, Call, Expr, Route, StepKind};
use crate::source::Span;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::budget::{Budget, Place, Says, Vain};

/// A route's limits in place of those of the block that it sends to.
type Replaced = Vec<(Place, Value, Span)>;

/// Blocks of one kind, by name.
type Named<'p> = HashMap<&'p str, &'p Block>;

/// Says what can never be.
pub(super) fn budgets(cx: &mut Context<'_>, blocks: &[Block], routes: &[Route]) {
    let mut found = Vec::new();
    for budget in cx.vocabulary.budgets {
        let of_kind = || blocks.iter().filter(|block| block.row.name == budget.block);
        let named: Named<'_> = of_kind().map(|block| (&*block.name, block)).collect();
        let mut faulty = HashSet::new();
        for block in of_kind() {
            if let Some(diag) = vain(budget, block, &Vec::new()) {
                found.push(diag);
                faulty.insert(block.name.clone());
            }
            amplified(budget, block, (blocks, &named), routes, &mut found);
        }
        let mut told = HashSet::new();
        for call in routes.iter().flat_map(|route| calls(route, budget)) {
            let replaced = replaced(budget, call);
            if replaced.is_empty() {
                continue;
            }
            for block in targets(call, budget, &named) {
                let diag = within(block, &replaced);
                let is_sound = !faulty.contains(&block.name);
                let diag = diag.or_else(|| vain(budget, block, &replaced).filter(|_| is_sound));
                // What a policy says once may stand in many routes.
                found.extend(diag.filter(|diag| told.insert(diag.span())));
            }
        }
    }
    for diag in found {
        cx.report(diag);
    }
}

/// The tries of a block that never begin, with these limits of a route.
fn vain(budget: &Budget, block: &Block, replaced: &Replaced) -> Option<Diag> {
    let written = |place| written(block, place).map(|expr| expr.span);
    let late = match (budget.vain)(Says(&|place| says(block, replaced, place)))? {
        Vain::Late(late) => late,
        Vain::Unpaid { number, share } => {
            let place = written(number).or_else(|| line(block, number))?;
            return Some(unpaid_retry(place, share.1, written(share)));
        }
    };
    let here = |place: Place| {
        let of_route = replaced.iter().rev().find(|(known, ..)| *known == place);
        of_route.map(|(.., span)| *span)
    };
    let ruled_out = here(late.outer).or_else(|| here(late.each));
    let place = ruled_out.or_else(|| written(late.number)).or_else(|| line(block, late.number))?;
    let each = here(late.each).or_else(|| written(late.each));
    let outer = here(late.outer).or_else(|| written(late.outer));
    let mended = match ruled_out {
        Some(_) => (None, None),
        None => (written(late.number), written(late.each)),
    };
    Some(unreachable_retry(place, &late, each, outer, mended))
}

/// A limit of a route that one around it never lets be reached, be that the route's or the block's.
fn within(block: &Block, replaced: &Replaced) -> Option<Diag> {
    let pairs = block.row.settings.iter().flat_map(|setting| {
        setting.within.iter().map(|(inner, outer)| ((setting.name, *inner), (setting.name, *outer)))
    });
    let latest = |place: Place| replaced.iter().rev().find(|(known, ..)| *known == place);
    pairs.into_iter().find_map(|(inner, outer)| {
        let (_, long, place) = latest(inner)?;
        let (short, bound) = match latest(outer) {
            Some((_, short, bound)) => (short.clone(), Some(*bound)),
            None => match written(block, outer) {
                Some(expr) => (value(expr)?.clone(), Some(expr.span)),
                None => (preset(block, outer)?, None),
            },
        };
        let (Value::Duration(long), Value::Duration(short)) = (long, short) else { return None };
        let diag = || inner_limit((inner.1, *place, *long), (outer.1, bound, short));
        (*long > short && bound != Some(*place)).then(diag)
    })
}

/// Tries that multiply because a block leads to where others are tried again.
fn amplified(
    budget: &Budget,
    block: &Block,
    (blocks, named): (&[Block], &Named<'_>),
    routes: &[Route],
    found: &mut Vec<Diag>,
) {
    let none = Vec::new();
    let tries =
        |of: &Block, answered| (budget.tries)(Says(&|place| says(of, &none, place)), answered);
    let outer = tries(block, true);
    if outer <= 1 {
        return;
    }
    let leads = budget.leads;
    let listeners = blocks.iter().enumerate().filter(|(_, other)| other.row.name == leads.block);
    for (at, listener) in listeners {
        let place = all(block, leads.to).find_map(|to| {
            let reached = all(listener, leads.at).find(|at| match (value(to), value(at)) {
                (Some(to), Some(at)) => (leads.same)(to, at),
                _ => false,
            });
            reached.map(|at| (to.span, at.span))
        });
        let Some((to, bound)) = place else { continue };
        let behind = routes.iter().filter(|route| route.listeners.contains(&at));
        let ways = behind.flat_map(|route| calls(route, budget).map(move |call| (route, call)));
        let inner = ways
            .flat_map(|(route, call)| targets(call, budget, named).map(move |to| (route, to)))
            .filter(|(_, inner)| tries(inner, false) > 1)
            // A way back to itself is the worst.
            .min_by_key(|(_, inner)| inner.name != block.name);
        let Some((route, inner)) = inner else { continue };
        found.push(retry_amplification(
            to,
            (&block.name, outer),
            (&listener.name, bound),
            (&inner.name, tries(inner, false), route.span),
        ));
        return;
    }
}

/// The statements of a route that send to such a block.
fn calls<'p>(route: &'p Route, budget: &'p Budget) -> impl Iterator<Item = &'p Call> {
    route.steps.iter().filter_map(move |step| match &step.kind {
        StepKind::Act(call) if call.row.name == budget.action => Some(call),
        _ => None,
    })
}

/// The blocks that a statement sends to.
fn targets<'p>(
    call: &'p Call,
    budget: &'p Budget,
    named: &'p Named<'p>,
) -> impl Iterator<Item = &'p Block> {
    let arms = call.arms.iter().map(|(_, value)| value);
    let items = call.args.iter().chain(arms).filter(|expr| expr.ty == Ty::Item(budget.block));
    items.filter_map(move |expr| match value(expr) {
        Some(Value::Item(name)) => named.get(&**name).copied(),
        _ => None,
    })
}

fn replaced(budget: &Budget, call: &Call) -> Replaced {
    let given = budget.replaces.iter().filter_map(|(param, place)| {
        let at = call.row.params.iter().position(|row| row.name == *param)?;
        let expr = call.args.get(at)?;
        let value = value(expr).filter(|value| !value.is_absent())?;
        Some((*place, value.clone(), expr.span))
    });
    given.collect()
}

/// What counts there: a route's limit, or what the block says.
fn says(block: &Block, replaced: &Replaced, place: Place) -> Option<Value> {
    let of_route = replaced.iter().rev().find(|(known, ..)| *known == place);
    match of_route {
        Some((_, value, _)) => Some(value.clone()),
        None => all(block, place).find_map(value).cloned(),
    }
}

/// What the block's lines have there, defaults of those lines included.
fn all(block: &Block, (setting, param): Place) -> impl Iterator<Item = &Expr> {
    let lines = block.settings.iter().filter(move |line| line.row.name == setting);
    lines.filter_map(move |line| {
        let at = line.row.params.iter().position(|row| row.name == param)?;
        line.args.get(at)
    })
}

/// What is written there, a default is not.
fn written(block: &Block, place: Place) -> Option<&Expr> {
    // A default has the place of the verb, where the line begins.
    all(block, place)
        .find(|expr| line(block, place).is_some_and(|line| expr.span.start > line.start))
}

/// The line.
fn line(block: &Block, place: Place) -> Option<Span> {
    block.settings.iter().find(|line| line.row.name == place.0).map(|line| line.span)
}

/// The row's default.
fn preset(block: &Block, (setting, param): Place) -> Option<Value> {
    let row = block.row.setting(setting)?.params.iter().find(|row| row.name == param)?;
    let duration = literal(row.default?, Span::default(), Some(&Ty::Duration));
    duration.ok().map(|(value, _)| value)
}
