//! A cache that keeps what nobody is given: what tells requests apart is another thing for every one of them. It looks at
//! what is written, and says nothing where a request may be like another.

use lang::diag::no_effect::of_no_repeat;
use lang::policy::{Call, Expr, ExprKind, LocalId, Policy, Route, StepKind};
use lang::vocab::Ends;
use lang::{Diag, Span};

use crate::caching::IDENTITY;
use crate::program::{self, Program};

/// What is to be said of caches that never answer.
pub(super) fn unrepeated(policy: &Policy, program: &Program) -> Vec<Diag> {
    let routes = policy.routes.iter().zip(&program.routes);
    let mut diags: Vec<Diag> = Vec::new();
    for diag in routes.filter_map(|(route, lowered)| of_route(route, program, &lowered.steps)) {
        // A site says the same for each of its routes.
        if !diags.contains(&diag) {
            diags.push(diag);
        }
    }
    diags
}

fn of_route(route: &Route, program: &Program, lowered: &[program::Step]) -> Option<Diag> {
    let (cache, span) = acts(route).find(|(call, _)| call.row.name == "cache")?;
    let key = cache.row.place_of("key").and_then(|at| cache.args.get(at));
    let key = key.filter(|key| !matches!(&key.kind, ExprKind::Const(value) if value.is_absent()));
    let told = crate::caching::told_apart(program, lowered);
    // What else of the request that is sent is a part of the key.
    let counts = |call: &Call| match &call.place {
        Some(place) if place.field.path == "up.header" => {
            key.is_none() && place.key.as_ref().is_some_and(|name| told.contains(name))
        }
        Some(place) => ["up.path", "up.query", "up.host"].contains(&place.field.path),
        None => call.row.name == "rewrite",
    };
    let sent = acts(route).filter(|(call, _)| counts(call)).flat_map(|(call, _)| &call.args);
    let part = key.into_iter().chain(sent).find_map(|value| unique(route, value))?;
    Some(of_no_repeat((span, cache.row.name), part))
}

/// The statements that run before the request is sent.
fn acts(route: &Route) -> impl Iterator<Item = (&Call, Span)> {
    let acts = route.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Act(call) => Some((call, step.span)),
        StepKind::Let(..) | StepKind::Always(_) => None,
    });
    acts.take_while(|(call, _)| call.row.ends == Ends::No)
}

/// The part of a value because of which it is another one for every request.
fn unique(route: &Route, value: &Expr) -> Option<Span> {
    match &value.kind {
        ExprKind::Field(row, _) => (row.path == IDENTITY).then_some(value.span),
        ExprKind::Local(local) => unique(route, named(route, *local)?),
        ExprKind::Template(parts) | ExprKind::List(parts) => {
            parts.iter().find_map(|part| unique(route, part))
        }
        ExprKind::Record(parts) => parts.iter().find_map(|(_, part)| unique(route, part)),
        _ => None,
    }
}

/// What a local stands for.
fn named(route: &Route, local: LocalId) -> Option<&Expr> {
    route.steps.iter().find_map(|step| match &step.kind {
        StepKind::Let(known, value) if *known == local => Some(value),
        _ => None,
    })
}
