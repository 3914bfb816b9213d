//! The interpreter: what a program means, said plainly. It reads the world through [`Fill`] alone, keeps what it read in
//! the [`Frame`], and stops where a slot is pending. What values mean to each other stands in `interp/ops.rs`, how a
//! route is found in `interp/decide.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lang::Value;
use lang::policy::{InputId, Quantifier};
use lang::vocab::ExprId;

use crate::frame::{Captured, Fill, Frame, Read, SlotId};
use crate::interp::lookup::Lookup;
use crate::program::{Expr, Program, Rows, Target, Test, TestKind};
use lang::segment::{Segments, split};

pub(crate) mod decide;
pub(crate) mod lookup;
pub(crate) mod ops;
pub(crate) mod run;

/// It takes a slot that somebody has to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pending(pub(crate) SlotId);

/// What an input waits for that is not bound: no slot has this number.
const UNBOUND: SlotId = SlotId(u32::MAX);

/// The value of each expression that no request changes, as far as inputs are bound; long lists made ready for `in`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constants {
    values: Rows<Option<Value>>,
    /// How many steps it takes at most to compute each.
    steps: Rows<u64>,
    lookups: Arc<HashMap<ExprId, Arc<Lookup>>>,
}

/// A program, and what is constant in it with its inputs bound.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) program: Arc<Program>,
    pub(crate) constants: Constants,
}

impl Bound {
    /// The interpreter of one request.
    #[inline(always)]
    pub(crate) fn interp<'e>(&'e self, frame: &'e Frame, fill: &'e dyn Fill) -> Interp<'e> {
        Interp { program: &self.program, constants: &self.constants, frame, fill }
    }
}

/// Everything an evaluation stands on.
#[derive(Clone, Copy)]
pub(crate) struct Interp<'e> {
    pub(crate) program: &'e Program,
    pub(crate) constants: &'e Constants,
    pub(crate) frame: &'e Frame,
    pub(crate) fill: &'e dyn Fill,
}

/// A world in which there is nothing yet, for what no request changes.
pub(crate) struct Nothing;

impl Fill for Nothing {
    fn fill(&self, _: SlotId) -> Read<'_> {
        Read::Value(Value::Absent)
    }

    fn path(&self) -> &str {
        ""
    }
}

/// The value of each expression that no request changes, with these inputs bound.
pub(crate) fn constants(program: &Program, inputs: &[Value]) -> Constants {
    constants_with(program, |input| inputs.get(input.0 as usize).cloned())
}

/// The same, with the inputs bound of which `value` says what they are.
pub(crate) fn constants_with(
    program: &Program,
    value: impl Fn(InputId) -> Option<Value>,
) -> Constants {
    let mut known = Constants::default();
    known.extend(program, value);
    known
}

/// More steps than these are not spent on one value of a request that is made up.
const MOST_STEPS: u64 = 1_000_000;

/// So many items are taken to be in a list that comes with a request.
const ITEMS_OF_A_REQUEST: u64 = 16;

impl Constants {
    /// Takes in what the program has behind the expressions that are known.
    fn extend(&mut self, program: &Program, value: impl Fn(InputId) -> Option<Value>) {
        let frame = Frame::new();
        let first = self.values.len();
        if first == 0 {
            self.values = Rows::with_capacity(program.exprs.len());
            self.steps = Rows::with_capacity(program.exprs.len());
        }
        for (at, expr) in (first..).zip(program.exprs.iter_from(first)) {
            let found = match expr {
                Expr::Const(value) => Some(value.clone()),
                Expr::Input(input) => value(*input),
                Expr::Slot(_) | Expr::Capture(_) | Expr::Local(_) => None,
                _ => {
                    let mut all = true;
                    expr.each_operand(&mut |operand| {
                        all &= self.get(operand).is_some();
                    });
                    let constants = &*self;
                    let interp = Interp { program, constants, frame: &frame, fill: &Nothing };
                    if all { interp.compute(ExprId(at as u32)).ok() } else { None }
                }
            };
            if let Some(lookup) = found.as_ref().and_then(Lookup::of) {
                Arc::make_mut(&mut self.lookups).insert(ExprId(at as u32), Arc::new(lookup));
            }
            let steps = if found.is_some() { 1 } else { self.steps_of(expr) };
            self.values.push(found);
            self.steps.push(steps);
        }
    }

    /// Those of a program that was made of the one these are of, with the same inputs.
    pub(crate) fn after(&self, program: &Program, inputs: &[Value]) -> Constants {
        let mut known = self.clone();
        known.extend(program, |input| inputs.get(input.0 as usize).cloned());
        known
    }

    /// The value of this expression, if no request changes it.
    pub(crate) fn get(&self, id: ExprId) -> Option<&Value> {
        self.values.get(id.0 as usize)?.as_ref()
    }

    /// How many steps it takes at most to compute this expression: one for each that it is made of, as often as the
    /// lists that it goes through have items.
    pub(crate) fn steps(&self, id: ExprId) -> u64 {
        self.steps.get(id.0 as usize).copied().unwrap_or(1)
    }

    /// The first of these expressions that takes more steps than are spent on a request that is made up.
    pub(crate) fn longest(&self, ids: impl IntoIterator<Item = ExprId>) -> Option<ExprId> {
        ids.into_iter().find(|id| self.steps(*id) > MOST_STEPS)
    }

    fn steps_of(&self, expr: &Expr) -> u64 {
        let mut steps: u64 = 1;
        if let Expr::Quantified(_, _, list, predicate) = expr {
            let items = self.get(*list).map(|list| ops::items(list).0.len() as u64);
            let each = self.steps(*predicate).saturating_add(1);
            let all = items.unwrap_or(ITEMS_OF_A_REQUEST).saturating_mul(each);
            return all.saturating_add(self.steps(*list));
        }
        expr.each_operand(&mut |operand| steps = steps.saturating_add(self.steps(operand)));
        steps
    }
}

impl Interp<'_> {
    /// The value of an expression.
    pub(crate) fn value(&self, id: ExprId) -> Result<Value, Pending> {
        match self.constants.get(id) {
            Some(value) => Ok(value.clone()),
            None => self.compute(id),
        }
    }

    /// Whether an expression is `true`.
    pub(crate) fn holds(&self, id: ExprId) -> Result<bool, Pending> {
        Ok(self.value(id)?.is_true())
    }

    /// Runs jump code from its first test.
    pub(crate) fn passes(&self, code: &[Test]) -> Result<bool, Pending> {
        let mut next = Target::Test(0);
        if code.is_empty() {
            return Ok(true);
        }
        loop {
            next = match next {
                Target::Pass => return Ok(true),
                Target::Fail => return Ok(false),
                Target::Test(at) => match code.get(at) {
                    Some(test) if self.test(&test.kind)? => test.yes,
                    Some(test) => test.no,
                    // INVARIANT: `verify` keeps jumps in range.
                    None => return Ok(false),
                },
            }
        }
    }

    pub(crate) fn test(&self, kind: &TestKind) -> Result<bool, Pending> {
        Ok(match *kind {
            TestKind::True(value) => self.holds(value)?,
            TestKind::Compare(how, a, b) => ops::compare(how, &self.value(a)?, &self.value(b)?),
            TestKind::In(item, of) => self.is_in(item, of)?,
            TestKind::Present(value) => !self.value(value)?.is_absent(),
        })
    }

    fn compute(&self, id: ExprId) -> Result<Value, Pending> {
        Ok(match self.program.expr(id) {
            Expr::Const(value) => value.clone(),
            Expr::Input(_) if self.fill.is_open() => return Err(Pending(UNBOUND)),
            // An input that is not bound says nothing.
            Expr::Input(_) => Value::Absent,
            Expr::Slot(slot) => self.slot(*slot)?,
            Expr::Capture(name) => self.capture_named(name),
            Expr::Local(local) => self.frame.local(*local),
            Expr::Not(inner) => Value::Bool(!self.holds(*inner)?),
            Expr::And(parts) => {
                for part in parts {
                    if !self.holds(*part)? {
                        return Ok(Value::Bool(false));
                    }
                }
                Value::Bool(true)
            }
            Expr::Or(parts) => {
                for part in parts {
                    if self.holds(*part)? {
                        return Ok(Value::Bool(true));
                    }
                }
                Value::Bool(false)
            }
            Expr::Compare(how, a, b) => {
                Value::Bool(ops::compare(*how, &self.value(*a)?, &self.value(*b)?))
            }
            Expr::In(item, of) => Value::Bool(self.is_in(*item, *of)?),
            Expr::Present(inner) => Value::Bool(!self.value(*inner)?.is_absent()),
            Expr::Coalesce(first, second) => match self.value(*first)? {
                Value::Absent => self.value(*second)?,
                present => present,
            },
            Expr::Arithmetic(how, a, b) => {
                ops::arithmetic(*how, &self.value(*a)?, &self.value(*b)?)
            }
            Expr::Member(base, name) => ops::member(&self.value(*base)?, name),
            Expr::Call(function, arguments) => (function.eval)(&self.values(arguments)?),
            Expr::Template(parts) => ops::together(self.values(parts)?),
            Expr::Match(subject, arms) => match ops::arm(&self.value(*subject)?, arms) {
                Some((_, arm)) => self.value(arm.value)?,
                None => Value::Absent,
            },
            Expr::Quantified(how, name, list, predicate) => {
                let list = self.value(*list)?;
                let mut count = 0;
                let (items, whole) = ops::items(&list);
                for item in &items {
                    self.frame.set_local(*name, (*item).clone());
                    let fits = self.holds(*predicate);
                    self.frame.drop_local();
                    match (how, fits?) {
                        (Quantifier::Any, true) => return Ok(Value::Bool(true)),
                        (Quantifier::All, false) => return Ok(Value::Bool(false)),
                        (_, fits) => count += i64::from(fits),
                    }
                }
                match how {
                    Quantifier::Any => Value::Bool(false),
                    Quantifier::All => Value::Bool(whole),
                    Quantifier::Count => Value::Int(count),
                }
            }
            Expr::List(items) => Value::list(self.values(items)?),
            Expr::Set(items) => Value::Set(Arc::new(self.values(items)?.into_iter().collect())),
            Expr::Record(fields) => {
                let mut record = BTreeMap::new();
                for (name, value) in fields {
                    let value = self.value(*value)?;
                    if !value.is_absent() {
                        record.insert(name.clone(), value);
                    }
                }
                Value::Map(Arc::new(record))
            }
        })
    }

    /// Which of its alternatives ([`Expr::alternatives`]) a choice takes.
    pub(crate) fn chosen(&self, choice: ExprId) -> Result<Option<usize>, Pending> {
        Ok(match self.program.expr(choice) {
            Expr::Coalesce(first, _) => Some(usize::from(self.value(*first)?.is_absent())),
            Expr::Match(subject, arms) => {
                ops::arm(&self.value(*subject)?, arms).map(|(nth, _)| nth)
            }
            _ => None,
        })
    }

    fn is_in(&self, item: ExprId, of: ExprId) -> Result<bool, Pending> {
        let item = self.value(item)?;
        let known = self.constants.lookups.get(&of).and_then(|lookup| lookup.holds(&item));
        match known {
            Some(answer) => Ok(answer),
            None => Ok(ops::is_in(&item, &self.value(of)?)),
        }
    }

    fn values(&self, ids: &[ExprId]) -> Result<Vec<Value>, Pending> {
        ids.iter().map(|id| self.value(*id)).collect()
    }

    /// What the slot says.
    pub(crate) fn slot(&self, id: SlotId) -> Result<Value, Pending> {
        if self.frame.is_absent(id) {
            return Ok(Value::Absent);
        }
        if let Some(value) = self.frame.slot(id) {
            return Ok(value);
        }
        let value = self.fill.fill(id).into_value().ok_or(Pending(id))?;
        self.keep(id, value.clone());
        Ok(value)
    }

    /// Keeps what a slot says, if it says the same as long as the request lasts.
    fn keep(&self, id: SlotId, value: Value) {
        if self.is_stable(id) {
            self.frame.keep(id, value);
        }
    }

    /// Whether a slot says the same as long as the request lasts.
    fn is_stable(&self, id: SlotId) -> bool {
        self.program.slot(id).is_some_and(|slot| slot.stable)
    }

    /// What the candidate in the frame captures under this name.
    pub(crate) fn capture_named(&self, name: &str) -> Value {
        let Some(captured) = self.frame.captured() else { return self.frame.capture(name) };
        let captures = captures(self.program, captured);
        let found = captures.iter().find(|(known, ..)| **known == *name);
        found.map(|capture| self.captured(capture)).unwrap_or_default()
    }

    /// The segment that a capture is of.
    fn captured(&self, (_, place, kind): &(Arc<str>, usize, Segments)) -> Value {
        let segment = split(self.fill.path()).nth(*place);
        segment.map(|segment| kind.value(segment)).unwrap_or_default()
    }

    /// Everything that the candidate in the frame captures, by name.
    pub(crate) fn captures(&self) -> Vec<(Arc<str>, Value)> {
        match self.frame.captured() {
            None => self.frame.captures(),
            Some(captured) => {
                let captures = captures(self.program, captured).iter();
                captures.map(|capture| (capture.0.clone(), self.captured(capture))).collect()
            }
        }
    }
}

/// What a candidate captures.
fn captures(program: &Program, captured: Captured) -> &[(Arc<str>, usize, Segments)] {
    let listener = program.listeners.get(captured.listener.0 as usize);
    let host = listener.and_then(|listener| listener.hosts.list.get(captured.host as usize));
    let candidate = host.and_then(|host| host.candidates.get(captured.candidate as usize));
    candidate.map_or(&[], |candidate| &candidate.captures)
}
