//! One claim: outcomes and conditions joined by `and`, `or` and `not`, and comparisons of what is sent.

use std::sync::Arc;

use super::reader::{Claims, nothing};
use super::status::{status, statuses};
use super::words::{DEEPEST, OUTCOMES, misnamed, speaks};
use crate::check::constant::value;
use crate::check::context::{Context, Scope, When};
use crate::check::expr::{expr, wanted};
use crate::check::facts::learned;
use crate::check::fit::Why;
use crate::diag::not_constant::not_constant;
use crate::diag::wrong_form::wrong_form;
use crate::policy::{Claim, Compare, ExprKind, HeaderIs, Message};
use crate::syntax::ast::{self, BinaryOp, UnaryOp};
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Phase;

impl<'a> Claims<'_, 'a> {
    pub(super) fn claim(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        written: ast::Expr<'a>,
    ) -> Claim {
        if let Some(diag) = misnamed(cx, scope, written) {
            cx.report(diag);
            return nothing();
        }
        if self.depth >= DEEPEST || !speaks(written, 0) {
            let why = Why::says("a claim is a condition").absence("the claim would not hold");
            return Claim::Request(wanted(cx, scope, written, &Ty::Bool, &why));
        }
        self.depth += 1;
        let claim = self.outcome(cx, scope, written);
        self.depth -= 1;
        claim
    }

    fn outcome(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        written: ast::Expr<'a>,
    ) -> Claim {
        match written {
            ast::Expr::Paren(paren) => match paren.inner() {
                Some(inner) => self.claim(cx, scope, inner),
                None => nothing(),
            },
            ast::Expr::Unary(unary) if unary.op().is_some_and(|op| op.op == UnaryOp::Not) => {
                match unary.operand() {
                    Some(inner) => Claim::Not(Box::new(self.claim(cx, scope, inner))),
                    None => nothing(),
                }
            }
            ast::Expr::Binary(binary) => self.binary(cx, scope, binary),
            ast::Expr::Is(is) => self.is(cx, scope, is),
            ast::Expr::Name(name) => self.word(cx, scope, name.word(), None),
            ast::Expr::Call(call) => match call.callee() {
                Some(ast::Expr::Name(name)) => self.word(cx, scope, name.word(), Some(call)),
                _ => self.not_a_claim(cx, written.span()),
            },
            other => self.not_a_claim(cx, other.span()),
        }
    }

    fn binary(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        binary: ast::Binary<'a>,
    ) -> Claim {
        let (Some(op), Some(left), Some(right)) = (binary.op(), binary.left(), binary.right())
        else {
            return nothing();
        };
        match op.op {
            BinaryOp::And | BinaryOp::Or => {
                let is_and = op.op == BinaryOp::And;
                let first = self.claim(cx, scope, left);
                let mut inner = scope.clone();
                learn(&first, is_and, &mut inner);
                let second = self.claim(cx, &inner, right);
                let both = vec![first, second];
                if is_and { Claim::All(both) } else { Claim::Any(both) }
            }
            BinaryOp::In | BinaryOp::NotIn => match (left, right) {
                (ast::Expr::Name(name), of) if matches!(name.text(), "status" | "route") => {
                    let mut one = |item| match name.text() {
                        "status" => statuses(cx, scope, item),
                        _ => self.route(cx, scope, item),
                    };
                    let any = match of {
                        ast::Expr::List(list) => Claim::Any(list.items().map(one).collect()),
                        of => one(of),
                    };
                    if op.op == BinaryOp::In { any } else { Claim::Not(Box::new(any)) }
                }
                (left, of) => {
                    let Some((message, name)) = self.header(cx, scope, left) else {
                        return nothing();
                    };
                    let is = |is| Claim::Header(message, Arc::clone(&name), is);
                    let Some(texts) = header_texts(cx, scope, of) else { return nothing() };
                    let one = |text| is(HeaderIs::Text(text));
                    let any = Claim::Any(texts.into_iter().map(one).collect());
                    match op.op {
                        BinaryOp::In => any,
                        // With an absent side nothing holds, as with `!=`.
                        _ => Claim::All(vec![is(HeaderIs::Present), Claim::Not(Box::new(any))]),
                    }
                }
            },
            _ => {
                let Some(how) = comparison(op.op) else {
                    return self.not_a_claim(cx, binary.span());
                };
                match left {
                    ast::Expr::Name(name) if name.text() == "status" => {
                        status(cx, scope, right, how, op.span)
                    }
                    ast::Expr::Name(name) if name.text() == "route" => match how {
                        Compare::Eq => self.route(cx, scope, right),
                        Compare::Ne => Claim::Not(Box::new(self.route(cx, scope, right))),
                        _ => self.not_a_claim(cx, binary.span()),
                    },
                    _ => match (self.header(cx, scope, left), how) {
                        (Some((message, name)), Compare::Eq | Compare::Ne) => {
                            let Some(text) = header_text(cx, scope, right) else {
                                return nothing();
                            };
                            let is = |is| Claim::Header(message, Arc::clone(&name), is);
                            let equal = is(HeaderIs::Text(text));
                            if how == Compare::Eq {
                                return equal;
                            }
                            // With an absent side no comparison holds.
                            let not = Claim::Not(Box::new(equal));
                            Claim::All(vec![is(HeaderIs::Present), not])
                        }
                        (Some(_), _) => self.not_a_claim(cx, binary.span()),
                        (None, _) => nothing(),
                    },
                }
            }
        }
    }

    fn is(&mut self, cx: &mut Context<'a>, scope: &Scope<'a>, is: ast::Is<'a>) -> Claim {
        let (Some(operand), Some(state)) = (is.operand(), is.state()) else { return nothing() };
        let present = match operand {
            ast::Expr::Name(name) if name.text() == "route" => Claim::Route(None),
            _ => match self.header(cx, scope, operand) {
                Some((message, name)) => Claim::Header(message, name, HeaderIs::Present),
                None => return nothing(),
            },
        };
        match (state.text, is.is_negated()) {
            ("present", false) | ("absent", true) => present,
            ("absent", false) | ("present", true) => Claim::Not(Box::new(present)),
            _ => {
                let diag = wrong_form(
                    state.span,
                    "a header or a route is `present` or `absent`",
                    "not this",
                );
                cx.report(diag);
                nothing()
            }
        }
    }

    /// The message and the name in `up.header["x"]`.
    fn header(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        written: ast::Expr<'a>,
    ) -> Option<(Message, Arc<str>)> {
        if let ast::Expr::Name(name) = written
            && OUTCOMES.contains(&name.text())
        {
            self.not_a_claim(cx, written.span());
            return None;
        }
        let scope = Scope { when: When::Step(Phase::Origin), ..scope.clone() };
        let read = expr(cx, &scope, written, None);
        match read.kind {
            ExprKind::Field(row, Some(key)) if row.path == "up.header" => Some((Message::Up, key)),
            ExprKind::Field(row, Some(key)) if row.path == "resp.header" => {
                Some((Message::Resp, key))
            }
            ExprKind::Error => None,
            ExprKind::Field(row, _)
                if ["up.", "resp."].iter().any(|of| row.path.starts_with(of)) =>
            {
                self.not_of_message(cx, written.span(), row.path);
                None
            }
            _ => {
                self.not_a_claim(cx, written.span());
                None
            }
        }
    }
}

/// The text that a header is compared with; reported where it is none.
fn header_text<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
) -> Option<Arc<str>> {
    let why = Why::says("a header field is text");
    let read = wanted(cx, scope, written, &Ty::String, &why);
    match value(&read) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => {
            if !read.ty.is_error() {
                let why = "a claim compares a header with a literal";
                cx.report(not_constant(read.span, why));
            }
            None
        }
    }
}

/// The texts that a header is looked for among; reported where they are none.
fn header_texts<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
) -> Option<Vec<Arc<str>>> {
    if let ast::Expr::List(list) = written {
        return list.items().map(|item| header_text(cx, scope, item)).collect();
    }
    let why = Why::says("a header field is one of several texts");
    let read = wanted(cx, scope, written, &Ty::List(Arc::new(Ty::String)), &why);
    let texts: Option<Vec<_>> = match value(&read) {
        Some(Value::List(items)) => items.iter().map(text).collect(),
        _ => match &read.kind {
            ExprKind::List(items) => items.iter().map(|item| text(value(item)?)).collect(),
            _ => None,
        },
    };
    if texts.is_none() && !read.ty.is_error() {
        cx.report(not_constant(read.span, "a claim compares a header with literals"));
    }
    texts
}

fn text(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// What requests are known to have of which a claim holds, or does not.
pub(super) fn learn(claim: &Claim, holds: bool, scope: &mut Scope<'_>) {
    match (claim, holds) {
        (Claim::Request(condition), _) => scope.facts.add(&learned(condition, holds)),
        (Claim::All(parts), true) | (Claim::Any(parts), false) => {
            parts.iter().for_each(|part| learn(part, holds, scope));
        }
        (Claim::Not(inner), _) => learn(inner, !holds, scope),
        _ => {}
    }
}

fn comparison(op: BinaryOp) -> Option<Compare> {
    Some(match op {
        BinaryOp::Equal => Compare::Eq,
        BinaryOp::NotEqual => Compare::Ne,
        BinaryOp::Less => Compare::Lt,
        BinaryOp::LessEqual => Compare::Le,
        BinaryOp::Greater => Compare::Gt,
        BinaryOp::GreaterEqual => Compare::Ge,
        _ => return None,
    })
}
