//! Conditions to jump code: each instruction is one test with a target for either answer; `and`, `or` and `not` leave
//! nothing of their own.

use lang::vocab::ExprId;

use crate::passes::order::ordered;
use crate::program::{Expr, Program, Target, Test, TestKind};

/// The code that passes if all of these hold.
pub(crate) fn jump_code(program: &Program, conditions: &[ExprId]) -> Vec<Test> {
    // Built from the back, where every target is known already.
    let mut code = Backwards { program, tests: Vec::new() };
    let mut entry = Target::Pass;
    for condition in ordered(program, conditions, true).iter().rev() {
        entry = code.emit(*condition, entry, Target::Fail);
    }
    match conditions.first() {
        Some(condition) => finished(code.tests, entry, TestKind::True(*condition)),
        None => Vec::new(),
    }
}

/// Code that was built from the back, with this entry. Code that always fails is one test, whatever that asks: there is
/// no code that says so with none.
pub(crate) fn finished(tests: Vec<Test>, entry: Target, any: TestKind) -> Vec<Test> {
    match entry {
        Target::Pass => Vec::new(),
        Target::Fail => vec![Test { kind: any, yes: Target::Fail, no: Target::Fail }],
        Target::Test(entry) => forwards(tests, entry),
    }
}

/// Turns code around, so that it begins at its entry and jumps forward, without tests that nothing leads to.
fn forwards(tests: Vec<Test>, entry: usize) -> Vec<Test> {
    let mut used = vec![false; tests.len()];
    for (at, test) in tests.iter().enumerate().rev() {
        if at == entry || used.get(at) == Some(&true) {
            for target in [test.yes, test.no] {
                if let Target::Test(next) = target
                    && let Some(used) = used.get_mut(next)
                {
                    *used = true;
                }
            }
        }
    }
    if let Some(used) = used.get_mut(entry) {
        *used = true;
    }
    let mut places = vec![0; tests.len()];
    let mut n_used = 0;
    for (place, used) in places.iter_mut().zip(&used).rev() {
        *place = n_used;
        n_used += usize::from(*used);
    }
    let moved = |target| match target {
        Target::Test(at) => Target::Test(places.get(at).copied().unwrap_or_default()),
        end => end,
    };
    let kept = tests.into_iter().zip(used).rev().filter(|(_, used)| *used);
    kept.map(|(test, _)| Test { kind: test.kind, yes: moved(test.yes), no: moved(test.no) })
        .collect()
}

struct Backwards<'p> {
    program: &'p Program,
    tests: Vec<Test>,
}

impl Backwards<'_> {
    /// Code in front of what is there that goes to `yes` if the condition holds, else to `no`; gives its entry.
    fn emit(&mut self, condition: ExprId, yes: Target, no: Target) -> Target {
        if yes == no {
            return yes;
        }
        let kind = match self.program.expr(condition) {
            Expr::Const(value) => return if value.is_true() { yes } else { no },
            Expr::Not(inner) => return self.emit(*inner, no, yes),
            Expr::And(parts) => {
                let parts = ordered(self.program, parts, true);
                return parts.iter().rev().fold(yes, |next, part| self.emit(*part, next, no));
            }
            Expr::Or(parts) => {
                let parts = ordered(self.program, parts, false);
                return parts.iter().rev().fold(no, |next, part| self.emit(*part, yes, next));
            }
            Expr::Compare(how, a, b) => TestKind::Compare(*how, *a, *b),
            Expr::In(item, of) => TestKind::In(*item, *of),
            Expr::Present(value) => TestKind::Present(*value),
            _ => TestKind::True(condition),
        };
        self.tests.push(Test { kind, yes, no });
        Target::Test(self.tests.len() - 1)
    }
}
