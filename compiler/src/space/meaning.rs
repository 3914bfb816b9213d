//! What is computed and cannot be taken apart, told apart by what it means: where a name stands for something it is that,
//! and two sides that are equal are so in either order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lang::policy::Compare;
use lang::vocab::ExprId;

use super::formula::{Env, Formula, Place};
use super::reading::{Cut, Lets};
use super::term::Term;
use super::test::Test;
use crate::lower::expr::Key;
use crate::program::{Expr, named};

/// What an expression depends on besides the request as it came.
#[derive(Default)]
struct Depends {
    captures: Vec<Arc<str>>,
    lets: Lets,
}

/// The most that an expression may be computed of to be told from others by what it means.
const MOST: usize = 2_000;

impl Cut<'_> {
    /// A test on a value that no request can be made to have.
    pub(super) fn fact(&mut self, id: ExprId, test: &Test, env: Env<'_>) -> Formula {
        if let Some(formula) = self.by_case(id, test, env) {
            return formula;
        }
        let Some(depends) = self.depends(id, env) else { return self.anything(id, test) };
        let meaning = self.meaning(id, env, &mut HashMap::new());
        let Depends { captures, lets } = depends;
        let first = self.computed.entry(meaning).or_insert((id, lets)).clone();
        self.fact_of(first, &captures, test, env)
    }

    /// How two sides compare, neither of which is a constant. Of two that are there, whether they are equal says whether
    /// they are not.
    pub(super) fn compared(
        &mut self,
        id: ExprId,
        (how, a, b): (Compare, ExprId, ExprId),
        env: Env<'_>,
    ) -> Formula {
        if !matches!(how, Compare::Eq | Compare::Ne) {
            return self.fact(id, &Test::True, env);
        }
        let Some(depends) = self.depends(id, env) else { return self.anything(id, &Test::True) };
        let [one, other] = [a, b].map(|side| self.meaning(side, env, &mut HashMap::new()));
        if one == other {
            return Formula::Always(how == Compare::Eq);
        }
        if let Some(formula) = self.by_case(id, &Test::True, env) {
            return formula;
        }
        let pair = (one.min(other), one.max(other));
        let Depends { captures, lets } = depends;
        let first = self.compared.entry(pair).or_insert((id, how, lets)).clone();
        let (first, first_how, lets) = first;
        let fact = self.fact_of((first, lets), &captures, &Test::True, env);
        if how == first_how { fact } else { fact.not() }
    }

    /// A test on what an expression comes to, as the first one is called that means the same.
    fn fact_of(
        &mut self,
        (first, lets): (ExprId, Lets),
        captures: &[Arc<str>],
        test: &Test,
        env: Env<'_>,
    ) -> Formula {
        // The same words are another value where they are captured elsewhere, or where a name stands for something else.
        let captured = |name: &Arc<str>| env.captures.iter().find(|(known, ..)| known == name);
        let captures = captures.iter().filter_map(captured).cloned().collect();
        let means = Place { captures, lets };
        if means == Place::default() {
            return self.atom(Term::Computed(first, 0), None, test.clone());
        }
        let known = self.places.iter().position(|known| *known == means);
        let at = known.unwrap_or_else(|| {
            self.places.push(means);
            self.places.len() - 1
        });
        self.atom(Term::Computed(first, at as u32 + 1), None, test.clone())
    }

    /// A test on what may be another thing each time.
    pub(super) fn anything(&mut self, id: ExprId, test: &Test) -> Formula {
        self.n_fresh += 1;
        self.atom(Term::Computed(id, u32::MAX - self.n_fresh), None, test.clone())
    }

    /// A number that those expressions share which mean the same here, `known` ones included.
    fn meaning(&mut self, id: ExprId, env: Env<'_>, known: &mut HashMap<ExprId, u32>) -> u32 {
        if let Some(known) = known.get(&id) {
            return *known;
        }
        let stands_for = match self.program.expr(id) {
            Expr::Local(local) => named(env.locals, *local),
            _ => None,
        };
        let meaning = match (stands_for, self.program.expr(id)) {
            (Some(value), _) => self.meaning(value, env, known),
            // It is written once, and may be long.
            (None, Expr::Const(_)) => self.number(Key::Written(format!("constant {}", id.0))),
            (None, expr) => {
                let mut expr = expr.clone();
                expr.each_operand_mut(&mut |operand| {
                    *operand = ExprId(self.meaning(*operand, env, known));
                });
                self.number(Key::of(&expr))
            }
        };
        known.insert(id, meaning);
        meaning
    }

    fn number(&mut self, key: Key) -> u32 {
        let next = self.meanings.len() as u32;
        *self.meanings.entry(key).or_insert(next)
    }

    /// What an expression depends on. `None` if that may be another thing each time: it reads what statements change, or
    /// names of which nobody knows what they stand for. What an upstream answers is no such thing: there is one answer, and
    /// everything that reads it reads the same.
    fn depends(&self, id: ExprId, env: Env<'_>) -> Option<Depends> {
        let mut depends = Depends::default();
        let (mut within, mut open) = (HashSet::new(), Vec::new());
        for (n_read, (_, expr)) in self.program.walk([id], env.locals).enumerate() {
            if n_read >= MOST {
                return None;
            }
            match expr {
                Expr::Capture(name) => depends.captures.push(name.clone()),
                Expr::Local(local) => match named(env.locals, *local) {
                    Some(value) => depends.lets.push((*local, value)),
                    None => open.push(*local),
                },
                Expr::Quantified(_, item, ..) => drop(within.insert(*item)),
                Expr::Slot(slot) => {
                    self.program.slot(*slot).filter(|slot| slot.stable || slot.is_answered())?;
                }
                _ => {}
            }
        }
        depends.captures.sort_unstable();
        depends.captures.dedup();
        open.iter().all(|local| within.contains(local)).then_some(depends)
    }
}
