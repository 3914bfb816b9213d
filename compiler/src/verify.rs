//! What every pass keeps true of a program. It repairs nothing.

use std::sync::Arc;

use lang::segment::captures;

use crate::program::{
    Candidate, Expr, Listener, Node, Program, Route, Step, StepKind, Target, VirtualHost,
};

/// Whether the program keeps its promises; the error names the first that is broken. Operands stand before their users,
/// slots, inputs, routes and jump targets are in range, jumps lead forward, conditions are Boolean, path trees are trees,
/// and candidates stand in their order.
pub fn verify(program: &Program) -> Result<(), String> {
    verify_exprs(program, 0)?;
    let known = |id: lang::vocab::ExprId| (id.0 as usize) < program.exprs.len();
    for block in &program.blocks {
        if !block.settings.iter().flat_map(|setting| &setting.args).all(|arg| known(*arg)) {
            return Err(format!("block `{}` uses an expression that is none", block.name));
        }
    }
    program.routes.iter().try_for_each(|route| verify_route(program, route))?;
    verify_order(program)?;
    for listener in &program.listeners {
        verify_names(listener)?;
        for host in &listener.hosts.list {
            verify_host(program, host)
                .map_err(|reason| format!("listener `{}`: {reason}", listener.name))?;
        }
    }
    Ok(())
}

/// The same of a program that was made of `before`, which keeps them: what both share is not looked at.
pub(crate) fn verify_after(program: &Program, before: &Program) -> Result<(), String> {
    verify_exprs(program, before.exprs.len())?;
    for at in program.routes.apart(&before.routes) {
        let Some(route) = program.routes.get(at) else { continue };
        if !before.routes.get(at).is_some_and(|known| Arc::ptr_eq(known, route)) {
            verify_route(program, route)?;
        }
    }
    verify_order(program)?;
    for (listener, known) in program.listeners.iter().zip(&before.listeners) {
        if !are_same_names(listener, known) {
            verify_names(listener)?;
        }
        let known = &known.hosts.list;
        for place in listener.hosts.list.apart(known) {
            let Some(host) = listener.hosts.list.get(place) else { continue };
            match known.get(place) {
                Some(known) if Arc::ptr_eq(known, host) => Ok(()),
                Some(known) => verify_host_after(program, host, known),
                None => verify_host(program, host),
            }
            .map_err(|reason| format!("listener `{}`: {reason}", listener.name))?;
        }
    }
    // INVARIANT: what is shared leads to no route that has gone.
    debug_assert_eq!(verify(program), Ok(()));
    Ok(())
}

/// The expressions from this one on.
fn verify_exprs(program: &Program, first: usize) -> Result<(), String> {
    for (at, expr) in (first..).zip(program.exprs.iter_from(first)) {
        let mut forward = false;
        expr.each_operand(&mut |operand| forward |= operand.0 as usize >= at);
        if forward {
            return Err(format!("expression {at} uses one that does not stand before it"));
        }
        match expr {
            Expr::Slot(slot) if slot.0 as usize >= program.slots.len() => {
                return Err(format!("expression {at} reads slot {}, which is none", slot.0));
            }
            Expr::Input(input) if input.0 as usize >= program.inputs.len() => {
                return Err(format!("expression {at} reads input {}, which is none", input.0));
            }
            Expr::Not(part) if program.expr(*part).is_boolean() == Some(false) => {
                return Err(format!("expression {at} negates what is no Boolean"));
            }
            Expr::And(parts) | Expr::Or(parts)
                if parts.iter().any(|part| program.expr(*part).is_boolean() == Some(false)) =>
            {
                return Err(format!("expression {at} joins what is no Boolean"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn verify_route(program: &Program, route: &Route) -> Result<(), String> {
    let known = |id: lang::vocab::ExprId| (id.0 as usize) < program.exprs.len();
    let conditions = route.conditions.iter().map(|(condition, _)| *condition);
    if !route.steps.iter().flat_map(Step::exprs).chain(conditions).all(known) {
        return Err(format!("route `{}` uses an expression that is none", route.name));
    }
    let reads = program.reads(route.steps.iter().flat_map(Step::exprs));
    if *reads != *route.reads {
        return Err(format!("route `{}` does not name the slots it reads", route.name));
    }
    if route.steps.iter().any(is_nameless) {
        return Err(format!("route `{}` runs an action without a name", route.name));
    }
    Ok(())
}

/// What leads to routes.
fn verify_order(program: &Program) -> Result<(), String> {
    let n_routes = program.routes.len();
    if program.before.iter().any(|(a, b)| a.0.max(b.0) as usize >= n_routes) {
        return Err("a `before` names a route that is none".to_owned());
    }
    Ok(())
}

fn verify_names(listener: &Listener) -> Result<(), String> {
    let hosts = &listener.hosts;
    let maps = [&hosts.exact, &hosts.one_label, &hosts.labels];
    let places = maps.into_iter().flat_map(|map| map.values().copied()).chain(hosts.any);
    if places.max().is_some_and(|place| place >= hosts.list.len()) {
        return Err(format!("listener `{}` leads to a host that is none", listener.name));
    }
    Ok(())
}

/// Whether the names of a listener are those of another one, shared with it, and lead to as many hosts.
fn are_same_names(listener: &Listener, known: &Listener) -> bool {
    let (hosts, known) = (&listener.hosts, &known.hosts);
    Arc::ptr_eq(&hosts.exact, &known.exact)
        && Arc::ptr_eq(&hosts.one_label, &known.one_label)
        && Arc::ptr_eq(&hosts.labels, &known.labels)
        && (hosts.any, hosts.list.len()) == (known.any, known.list.len())
}

/// Whether the statement runs an action without a name, or holds what cannot stand in it.
fn is_nameless(step: &Step) -> bool {
    match &step.kind {
        StepKind::Let(..) => false,
        StepKind::Act(call) => call.action.is_empty(),
        StepKind::Always(steps) => {
            steps.iter().any(|step| matches!(step.kind, StepKind::Always(_)) || is_nameless(step))
        }
    }
}

fn verify_host(program: &Program, host: &VirtualHost) -> Result<(), String> {
    host.nodes.iter().enumerate().try_for_each(|(at, node)| verify_node(host, at, node))?;
    host.candidates.iter().try_for_each(|candidate| verify_candidate(program, candidate))
}

/// The same of a host that stands where `before` stood, which keeps them: what both share is not looked at.
fn verify_host_after(
    program: &Program,
    host: &VirtualHost,
    before: &VirtualHost,
) -> Result<(), String> {
    let candidates = || host.candidates.apart(&before.candidates);
    let rank = |of: &VirtualHost, at| of.candidates.get(at).map(|one| one.rank);
    // What is shared leads to places that are there still, in the order in which they were.
    let stands = host.nodes.len() >= before.nodes.len()
        && host.candidates.len() >= before.candidates.len()
        && candidates().all(|at| rank(before, at).is_none_or(|old| rank(host, at) == Some(old)));
    if !stands {
        return verify_host(program, host);
    }
    for at in host.nodes.apart(&before.nodes) {
        host.nodes.get(at).map_or(Ok(()), |node| verify_node(host, at, node))?;
    }
    for at in candidates() {
        host.candidates.get(at).map_or(Ok(()), |one| verify_candidate(program, one))?;
    }
    Ok(())
}

fn verify_node(host: &VirtualHost, at: usize, node: &Node) -> Result<(), String> {
    let children = node.literals.values().chain(node.captures.iter().map(|(_, next)| next));
    for child in children {
        // A child stands behind its parent, so that no walk comes back.
        if *child <= at || *child >= host.nodes.len() {
            return Err(format!("path node {at} leads to {child}"));
        }
    }
    for cell in [&node.here, &node.beneath] {
        let ranks: Option<Vec<u32>> =
            cell.iter().map(|at| host.candidates.get(*at).map(|one| one.rank)).collect();
        let Some(ranks) = ranks else {
            return Err(format!("path node {at} leads to a candidate that is none"));
        };
        if !ranks.is_sorted() {
            return Err(format!("path node {at} holds candidates out of order"));
        }
    }
    Ok(())
}

fn verify_candidate(program: &Program, candidate: &Candidate) -> Result<(), String> {
    let Some(route) = program.route(candidate.route) else {
        return Err(format!("a candidate is route {}, which is none", candidate.route.0));
    };
    let Some((path, _)) = route.paths.get(candidate.path) else {
        return Err(format!("a candidate of `{}` has a path that is none", route.name));
    };
    if candidate.stem != Candidate::stem_of(path) || candidate.captures != captures(path) {
        return Err(format!("a candidate of `{}` captures what its path does not", route.name));
    }
    for (at, test) in candidate.code.iter().enumerate() {
        for target in [test.yes, test.no] {
            if let Target::Test(next) = target
                && (next <= at || next >= candidate.code.len())
            {
                return Err(format!("test {at} of `{}` leads to {next}", route.name));
            }
        }
        if test.kind.operands().any(|operand| operand.0 as usize >= program.exprs.len()) {
            return Err(format!("test {at} of `{}` uses an expression that is none", route.name));
        }
    }
    Ok(())
}
