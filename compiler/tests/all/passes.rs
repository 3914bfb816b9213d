//! What passes leave of a program, in its text.

use std::sync::Arc;

use lang::Value;
use lang::policy::{Arithmetic, Expr, ExprKind, LocalId, Policy, Step, StepKind};

use crate::build::*;

/// The lines of the only route's statements, and the slots that are left.
fn after(value: Expr) -> String {
    let mut route = route("r");
    let kind = StepKind::Let(LocalId(0), value);
    route.steps.insert(0, Step { kind, span: lang::Span::default(), via: vec![Arc::from("p")] });
    text(&policy(vec![route]))
}

fn text(policy: &Policy) -> String {
    let program = compiler::lower(policy).0.unwrap();
    let kept = |line: &&str| line.starts_with("slot") || line.contains("let") || line.contains('?');
    program.to_string().lines().filter(kept).map(str::trim).collect::<Vec<_>>().join("\n")
}

#[test]
fn constants_are_computed() {
    let number = |n| Box::new(constant(Value::Int(n)));
    let sum = Expr {
        kind: ExprKind::Arithmetic(Arithmetic::Add, number(2), number(3)),
        ty: lang::Ty::Int,
        span: lang::Span::default(),
    };
    assert_eq!(after(sum), "let %0 = 5   via p");
    let lower = call("lower", vec![constant(Value::string("ABC"))]);
    assert_eq!(after(lower), "let %0 = \"abc\"   via p");
}

#[test]
fn what_does_not_matter_is_dropped_with_what_it_reads() {
    let always = boolean(ExprKind::Const(Value::Bool(true)));
    let never = boolean(ExprKind::Const(Value::Bool(false)));
    let kept = and(vec![always.clone(), is(header("a"), "1")]);
    assert_eq!(
        after(kept),
        "slot 0 req.header[\"a\"]: String?\nlet %0 = ((req.header[\"a\"] == \"1\"))   via p"
    );
    let gone = or(vec![and(vec![never, is(header("a"), "1")]), always]);
    assert_eq!(after(gone), "let %0 = true   via p");
    let known = coalesce(constant(Value::string("x")), "y");
    assert_eq!(after(known), "let %0 = \"x\"   via p");
}

#[test]
fn conditions_are_folded_before_they_become_code() {
    let always = boolean(ExprKind::Const(Value::Bool(true)));
    let condition = or(vec![and(vec![is(header("a"), "1"), always.clone()]), not(always)]);
    let policy = policy(vec![route("r").when(condition), route("rest")]);
    assert_eq!(
        text(&policy),
        "slot 0 req.header[\"a\"]: String?\n0: req.header[\"a\"] == \"1\" ? pass : fail"
    );
}
