//! What has only a few values: whatever is computed of it is asked case by case, so that nothing is asked of it that it
//! never says. A listener may rule out some of these cases, or all but one.

use lang::vocab::ExprId;
use lang::{Ty, Value};

use super::formula::{Env, Formula};
use super::identity::{self, BOUND, token};
use super::known::Reading;
use super::reading::Cut;
use super::test::Test;
use crate::frame::SlotId;
use crate::program::Expr;

/// The most cases into which one expression is taken apart.
const MOST: usize = 64;

/// What a handshake may agree on, as ALPN has it.
pub(super) const PROTOCOLS: &[&str] = &["h2", "http/1.1"];

/// The few values that something has.
struct Few {
    of: Reading,
    values: Vec<Value>,
    /// Whether it has others, of which nothing is known.
    others: bool,
}

/// One of the cases: what it reads is this value, or is none of the few.
pub(super) type Case = (Reading, Option<Value>);

impl Cut<'_> {
    /// A test on what is computed, case by case; nothing, where it is computed of nothing that has only a few values.
    pub(super) fn by_case(&mut self, id: ExprId, test: &Test, env: Env<'_>) -> Option<Formula> {
        let Few { of, values, others } = self.few_in(id, env)?;
        let known = self.n_cases;
        self.n_cases *= values.len() + usize::from(others);
        let mut cases = Vec::with_capacity(values.len() + 1);
        let mut open = Vec::new();
        for value in values {
            let here = self.reads(&of, &value);
            open.push(here.clone().not());
            cases.push(Formula::all(vec![
                here,
                self.case((of.clone(), Some(value)), id, test, env),
            ]));
        }
        if others {
            open.push(self.case((of, None), id, test, env));
            cases.push(Formula::all(open));
        }
        self.n_cases = known;
        Some(Formula::any(cases))
    }

    /// The test where that is so.
    fn case(&mut self, case: Case, id: ExprId, test: &Test, env: Env<'_>) -> Formula {
        let n_bound = self.bound.len();
        self.cases.push(case);
        for (local, value) in env.locals {
            if let Some(value) = self.folded(*value) {
                self.bound.push((*local, value));
            }
        }
        let formula = self.ask(id, test, env);
        self.bound.truncate(n_bound);
        self.cases.pop();
        formula
    }

    /// The first thing with only a few values that an expression is computed of and that is not a case already.
    fn few_in(&mut self, id: ExprId, env: Env<'_>) -> Option<Few> {
        if self.reading(id, env.captures).is_some() {
            return None;
        }
        let program = self.program;
        let read = program.walk([id], env.locals).filter_map(|(id, _)| {
            let reading = self.reading(id, env.captures)?;
            self.few(reading).filter(|few| {
                let n_cases = self.n_cases * (few.values.len() + usize::from(few.others));
                n_cases <= MOST && !self.cases.iter().any(|(known, _)| *known == few.of)
            })
        });
        let few = { read }.next()?;
        if let Reading::Claim(slot, _) = few.of {
            // Where somebody is known there was a token.
            self.is_there(slot);
        }
        Some(few)
    }

    /// What a reading says at all, if that are a few values.
    fn few(&self, of: Reading) -> Option<Few> {
        let (ty, may_be_absent) = match &of {
            Reading::Slot(slot) => {
                return self.few_of(*slot).map(|(values, others)| Few { of, values, others });
            }
            Reading::Capture(_, _, kind) => {
                let words = kind.words()?.iter().cloned().map(Value::String);
                return Some(Few { values: words.collect(), of, others: false });
            }
            Reading::Claim(_, name) if BOUND.contains(&&**name) => return None,
            Reading::Claim(slot, name) => {
                (identity::claim(&self.program.slot(*slot)?.ty, name)?, true)
            }
        };
        let values = words(ty)?.into_iter().chain(may_be_absent.then_some(Value::Absent));
        Some(Few { values: values.collect(), of, others: false })
    }

    fn few_of(&self, slot: SlotId) -> Option<(Vec<Value>, bool)> {
        let slot = self.program.slot(slot).filter(|slot| slot.stable)?;
        let absent = slot.ty.is_optional().then_some(Value::Absent);
        let values = match &*slot.field {
            "conn.alpn" => PROTOCOLS.iter().map(|name| Value::string(*name)).collect(),
            // Whether there is any is for the listener to say.
            "conn.sni" | "conn.tls.client" => return Some((vec![Value::Absent], true)),
            _ => words(&slot.ty)?,
        };
        Some((values.into_iter().chain(absent).collect(), false))
    }

    /// Whether this is a case that is looked at, with a value.
    pub(super) fn is_case(&self, id: ExprId) -> bool {
        let is = |of: &dyn Fn(&Reading) -> bool| {
            self.cases.iter().any(|(reading, value)| value.is_some() && of(reading))
        };
        match self.program.expr(id) {
            Expr::Slot(slot) => is(&|of| *of == Reading::Slot(*slot)),
            Expr::Capture(name) => is(&|of| matches!(of, Reading::Capture(known, ..) if known == name)),
            Expr::Member(base, name) => token(self.program, *base).is_some_and(|slot| {
                is(&|of| matches!(of, Reading::Claim(known, claim) if *known == slot && claim == name))
            }),
            _ => false,
        }
    }
}

/// The values of a type that has a few.
fn words(ty: &Ty) -> Option<Vec<Value>> {
    match ty.present() {
        Ty::Bool => Some(vec![Value::Bool(true), Value::Bool(false)]),
        Ty::OneOf(words) => Some(words.iter().cloned().map(Value::String).collect()),
        _ => None,
    }
}
