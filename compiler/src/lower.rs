//! From a typed policy to a program: expressions become value code, conditions jump code, routes candidates in the
//! decided order. It reports what is wrong with the order and nothing else; types and names are the checker's.

use std::sync::Arc;

use lang::policy::{self, Policy};
use lang::vocab::ExprId;
use lang::{Diag, Span};

use crate::passes;
use crate::program::{Block, Call, Program, Route, Setting, Step, StepKind};
use crate::requirement;

pub(crate) mod bind;
pub(crate) mod condition;
pub(crate) mod expr;
mod refusal;
mod repeat;
pub(crate) mod routing;

use expr::Exprs;

/// The program of a policy that checked without an error, and what is to be said about the order of its routes. There is
/// no program if that holds an error.
pub fn lower(policy: &Policy) -> (Option<Program>, Vec<Diag>) {
    let Lowered { program, diags, .. } = lower_noting(policy);
    (program, diags)
}

/// A policy as a program, and what was noted on the way.
pub(crate) struct Lowered {
    /// None if there is an error.
    pub(crate) program: Option<Program>,
    pub(crate) diags: Vec<Diag>,
    /// The wide hosts at which it took the routes of narrower ones to say what is reached.
    pub(crate) leaning: Vec<policy::Host>,
    /// The requirements that ask something in one route and nothing in another.
    pub(crate) uneven: Vec<Span>,
}

/// As [`lower`], with what others have to know who look at a part of the policy only.
pub(crate) fn lower_noting(policy: &Policy) -> Lowered {
    let mut program = contents(policy);
    passes::run(&mut program);
    let (mut diags, leaning, constants) = routing::route(policy, &mut program);
    diags.extend(refusal::refusing(policy));
    diags.extend(repeat::unrepeated(policy, &program));
    if diags.iter().any(Diag::is_error) {
        return Lowered { program: None, diags, leaning, uneven: Vec::new() };
    }
    let (idle, uneven) = requirement::idle((policy, &program), constants, &diags);
    diags.extend(idle);
    passes::run_routed(&mut program);
    Lowered { program: Some(program), diags, leaning, uneven }
}

/// Everything but the way from requests to routes. The passes note what each route reads.
fn contents(policy: &Policy) -> Program {
    let mut exprs = Exprs::default();
    let blocks = policy.blocks.iter().map(|block| lower_block(block, &mut exprs)).collect();
    let routes =
        policy.routes.iter().map(|route| Arc::new(lower_route(route, &mut exprs))).collect();
    let (exprs, slots) = exprs.finish();
    Program {
        inputs: policy.inputs.clone(),
        slots,
        exprs: exprs.into(),
        blocks,
        routes,
        before: policy.before.iter().map(|before| (before.first, before.second)).collect(),
        listeners: Vec::new(),
    }
}

/// Which inputs of several policies are one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// Those of one name and type, whatever they are by default.
    ByType,
    /// Those of one name and type that are the same by default.
    ByDefault,
}

/// The contents of several policies as one program, in which equal expressions are one; inputs are too, as `joined` says.
/// `more` adds to its expressions what is asked besides. With it comes where each expression is first written. No pass has
/// run over it, and it has no listeners.
pub(crate) fn together<T>(
    policies: &[&Policy],
    joined: Joined,
    more: impl FnOnce(&mut Exprs) -> T,
) -> (Program, Vec<Span>, T) {
    let mut exprs = Exprs::default();
    let mut program = Program::default();
    for policy in policies {
        let mut known = Vec::with_capacity(policy.inputs.len());
        for input in &policy.inputs {
            let same = |other: &policy::Input| {
                (&other.name, &other.ty) == (&input.name, &input.ty)
                    && (joined == Joined::ByType || other.default == input.default)
            };
            let at = program.inputs.iter().position(same).unwrap_or_else(|| {
                program.inputs.push(input.clone());
                program.inputs.len() - 1
            });
            known.push(policy::InputId(at as u32));
        }
        exprs.name_inputs(known);
        let blocks = policy.blocks.iter().map(|block| lower_block(block, &mut exprs));
        program.blocks.extend(blocks);
        let routes = policy.routes.iter().map(|route| Arc::new(lower_route(route, &mut exprs)));
        program.routes.extend(routes);
    }
    let added = more(&mut exprs);
    let spans = exprs.spans();
    let (list, slots) = exprs.finish();
    (program.exprs, program.slots) = (list.into(), slots);
    (program, spans, added)
}

fn lower_block(block: &policy::Block, exprs: &mut Exprs) -> Block {
    let settings = block.settings.iter().map(|setting| Setting {
        name: Arc::from(setting.row.name),
        args: setting.args.iter().map(|arg| exprs.lower(arg)).collect(),
        span: setting.span,
    });
    Block {
        kind: Arc::from(block.row.name),
        name: block.name.clone(),
        settings: settings.collect(),
        span: block.span,
    }
}

fn lower_route(route: &policy::Route, exprs: &mut Exprs) -> Route {
    let mut conditions: Vec<(ExprId, Span)> = Vec::new();
    for condition in &route.conditions {
        conjuncts(condition, exprs, &mut conditions);
    }
    Route {
        name: route.name.clone(),
        hosts: route.hosts.as_slice().into(),
        paths: route.paths.as_slice().into(),
        methods: route.methods.as_ref().map(|(methods, span)| (methods.as_slice().into(), *span)),
        conditions: conditions.into(),
        captures: route.captures.as_slice().into(),
        steps: route.steps.iter().map(|step| lower_step(step, exprs)).collect(),
        reads: Box::default(),
        span: route.span,
    }
}

/// A condition as conjuncts, so that each can be named when it fails.
fn conjuncts(condition: &policy::Expr, exprs: &mut Exprs, into: &mut Vec<(ExprId, Span)>) {
    match &condition.kind {
        policy::ExprKind::And(parts) => parts.iter().for_each(|part| conjuncts(part, exprs, into)),
        _ => into.push((exprs.lower(condition), condition.span)),
    }
}

fn lower_step(step: &policy::Step, exprs: &mut Exprs) -> Step {
    let kind = match &step.kind {
        policy::StepKind::Let(local, value) => StepKind::Let(*local, exprs.lower(value)),
        policy::StepKind::Act(call) => {
            let place = call.place.as_ref();
            let arms = call.arms.iter();
            StepKind::Act(Call {
                action: Arc::from(call.row.name),
                args: call.args.iter().map(|arg| exprs.lower(arg)).collect(),
                place: place.map(|place| (Arc::from(place.field.path), place.key.clone())),
                arms: arms.map(|(a, b)| (exprs.lower(a), exprs.lower(b))).collect(),
            })
        }
        policy::StepKind::Always(steps) => {
            StepKind::Always(steps.iter().map(|step| lower_step(step, exprs)).collect())
        }
    };
    Step { kind, span: step.span, via: step.via.as_slice().into() }
}
