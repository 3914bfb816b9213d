//! Tests of what a function makes of a text, as tests of the text itself.

use lang::policy::Compare;
use lang::segment::Segments;
use lang::vocab::{ExprId, Function};
use lang::{Ty, Value};

use super::formula::{Env, Formula};
use super::identity::{carries_token, claim, token};
use super::language::trimmed;
use super::reading::Cut;
use super::test::Test;
use crate::program::Expr;
use crate::program::walk::plainly;

/// Texts of the head and of the connection in which no blank can stand.
const HEAD: &[&str] = &["req.host", "req.path", "req.target", "req.scheme", "req.id", "conn.sni"];

impl Cut<'_> {
    /// A test of what a function makes of a text, as a test of the text, where there is one.
    pub(super) fn before(
        &mut self,
        function: &'static Function,
        arguments: &[ExprId],
        test: &Test,
        env: Env<'_>,
    ) -> Option<Formula> {
        if let ("split", [text, _], Test::Compare(how, Value::List(items))) =
            (function.name, arguments, test)
            && items.is_empty()
        {
            // What is cut into pieces is one at least.
            return match how {
                Compare::Eq => Some(Formula::Always(false)),
                Compare::Ne => Some(self.ask(*text, &Test::Present, env)),
                _ => None,
            };
        }
        if matches!(test, Test::Present)
            && !(function.returns)().is_optional()
            && arguments.iter().all(|argument| self.is_text(*argument, env))
        {
            // Of texts that are there something is made that is there.
            let there = arguments.iter().map(|argument| self.ask(*argument, test, env));
            return Some(Formula::all(there.collect()));
        }
        let [argument] = arguments else { return None };
        if function.name == "trim" && self.is_text(*argument, env) && self.is_firm(*argument, env) {
            return Some(self.ask(*argument, test, env));
        }
        if let Test::Compare(Compare::Ne, with) = test
            && !["length", "int"].contains(&function.name)
        {
            // With an absent side no comparison holds.
            let same = Test::Compare(Compare::Eq, with.clone());
            let same = self.before(function, arguments, &same, env)?;
            let present = self.ask(*argument, &Test::Present, env);
            return Some(Formula::all(vec![present, same.not()]));
        }
        let before = Test::Of(function, Box::new(test.clone()));
        before.language()?;
        self.is_text(*argument, env).then(|| self.ask(*argument, &before, env))
    }

    /// Whether no text that this comes to begins or ends with a blank.
    fn is_firm(&self, id: ExprId, env: Env<'_>) -> bool {
        self.program.is_of_all(id, env.locals, |_, expr| {
            plainly(match expr {
                Expr::Const(value) => value.as_str().is_none_or(|text| trimmed(text) == text),
                Expr::Slot(slot) => {
                    let slot = self.program.slot(*slot);
                    slot.is_some_and(|slot| match &*slot.field {
                        "req.header" => true,
                        field => slot.key.is_none() && HEAD.contains(&field),
                    })
                }
                Expr::Capture(_) => true,
                Expr::Coalesce(..) => return expr.alternatives(),
                // Of one text nothing but its letters is changed.
                Expr::Call(function, arguments) => {
                    let keeps = ["lower", "upper", "trim"].contains(&function.name);
                    return (keeps && arguments.len() == 1).then(|| arguments.clone());
                }
                _ => false,
            })
        })
    }

    /// Whether the value is a text that a request says as it likes, or one of several.
    pub(super) fn is_text(&self, id: ExprId, env: Env<'_>) -> bool {
        let is_text = |ty: &Ty| matches!(ty.present(), Ty::String | Ty::OneOf(_));
        self.program.is_of_all(id, env.locals, |_, expr| {
            plainly(match expr {
                Expr::Const(value) => matches!(value, Value::String(_) | Value::Absent),
                Expr::Slot(slot) => {
                    let field = self.program.slot(*slot);
                    field.is_some_and(|field| field.stable && is_text(&field.ty))
                        && !carries_token(self.program, *slot)
                }
                Expr::Capture(name) => {
                    let captured = env.captures.iter().find(|(captured, ..)| captured == name);
                    let kind = captured.map(|(.., kind)| kind);
                    kind.is_some_and(|kind| !matches!(kind, Segments::Int | Segments::Uuid))
                }
                Expr::Member(base, name) => {
                    let slot = token(self.program, *base).and_then(|at| self.program.slot(at));
                    slot.and_then(|slot| claim(&slot.ty, name)).is_some_and(is_text)
                }
                Expr::Call(function, arguments) => {
                    let is_one = arguments.len() == 1 && is_text(&(function.returns)());
                    return is_one.then(|| arguments.clone());
                }
                expr => return expr.alternatives(),
            })
        })
    }
}
