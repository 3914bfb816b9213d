//! How many tests a test is: one that goes through a list is as many as the list may have items, which what a listener lets
//! pass bounds, and the language.

use std::cell::RefCell;
use std::collections::HashMap;

use compiler::program::{Candidate, Expr, Step, StepKind, TestKind};
use lang::Value;
use lang::eval::ITEMS;
use lang::functions::MOST_ITEMS;
use lang::policy::LocalId;
use lang::vocab::{Argument, ExprId};

use crate::engine::Engine;
use crate::exchange::MOST_READ;
use crate::serve::Limits;

/// No test counts for more: sums of them stay numbers.
const MOST: usize = u32::MAX as usize;

/// Weighs the tests of one program.
pub(super) struct Weighing<'e> {
    engine: &'e Engine,
    /// The widest caps of its listeners.
    caps: Caps,
    /// For each route the lists that its names stand for.
    lists: Vec<HashMap<LocalId, ExprId>>,
    known: RefCell<HashMap<(u32, TestKind), usize>>,
}

/// What a request may hold at most.
#[derive(Default)]
struct Caps {
    fields: usize,
    target: usize,
    head: usize,
    content: usize,
}

impl<'e> Weighing<'e> {
    pub(super) fn new(engine: &'e Engine) -> Weighing<'e> {
        let mut caps = Caps::default();
        for listener in &engine.listeners {
            let limits = &listener.limits;
            caps.fields = caps.fields.max(limits.fields.min(Limits::MAX_FIELDS));
            caps.target = caps.target.max(limits.target_bytes);
            caps.head = caps.head.max(limits.head_bytes);
            let content = usize::try_from(limits.body_bytes).unwrap_or(MOST_READ);
            caps.content = caps.content.max(content.min(MOST_READ));
        }
        let program = engine.program();
        let lists = program.routes.iter().map(|route| {
            let mut lists = HashMap::new();
            for step in &route.steps {
                if let StepKind::Let(local, value) = &step.kind {
                    lists.insert(*local, *value);
                }
            }
            let conditions = route.conditions.iter().map(|(condition, _)| *condition);
            let mut open: Vec<ExprId> =
                conditions.chain(route.steps.iter().flat_map(Step::exprs)).collect();
            while let Some(id) = open.pop() {
                let expr = program.expr(id);
                if let Expr::Quantified(_, item, list, _) = expr {
                    lists.insert(*item, *list);
                }
                expr.each_operand(&mut |operand| open.push(operand));
            }
            lists
        });
        Weighing { engine, caps, lists: lists.collect(), known: RefCell::default() }
    }

    /// The tests by which a candidate is chosen.
    pub(super) fn of_candidate(&self, candidate: &Candidate) -> usize {
        let route = candidate.route.0;
        let tests = candidate.code.iter().map(|test| {
            let key = (route, test.kind);
            if let Some(known) = self.known.borrow().get(&key) {
                return *known;
            }
            let within = test.kind.operands().map(|operand| self.within(route as usize, operand));
            let weight = within.fold(0, usize::saturating_add).clamp(1, MOST);
            self.known.borrow_mut().insert(key, weight);
            weight
        });
        tests.sum()
    }

    /// The tests in a condition of a route.
    pub(super) fn of_condition(&self, route: usize, id: ExprId) -> usize {
        match self.engine.program().expr(id) {
            Expr::Const(_) | Expr::Input(_) => 0,
            Expr::And(parts) | Expr::Or(parts) => {
                let parts = parts.iter().map(|part| self.of_condition(route, *part));
                parts.fold(0, usize::saturating_add).min(MOST)
            }
            Expr::Not(inner) => self.of_condition(route, *inner),
            _ => self.within(route, id).max(1),
        }
    }

    /// The tests that go through lists.
    pub(super) fn within(&self, route: usize, id: ExprId) -> usize {
        let mut tests = 0_usize;
        match self.engine.program().expr(id) {
            Expr::Quantified(_, _, list, condition) => {
                let each = self.of_condition(route, *condition).max(1);
                let items = self.items(route, *list, 0).min(ITEMS);
                tests = self.within(route, *list).saturating_add(items.saturating_mul(each));
            }
            Expr::Match(subject, arms) => {
                let arms = arms.iter().map(|arm| self.within(route, arm.value));
                tests = self.within(route, *subject).saturating_add(arms.max().unwrap_or(0));
            }
            expr => expr.each_operand(&mut |operand| {
                tests = tests.saturating_add(self.within(route, operand));
            }),
        }
        tests.min(MOST)
    }

    /// How many items a list may have.
    // INVARIANT: names stand for what is written before them, so that following them ends; `depth` holds us to it.
    fn items(&self, route: usize, list: ExprId, depth: usize) -> usize {
        const DEEPEST: usize = 64;
        let Caps { fields, target, head, content } = self.caps;
        let program = self.engine.program();
        if let Argument::Constant(value) = self.engine.decider.matcher.argument(list) {
            return match value {
                Value::List(items) => items.len(),
                Value::Set(items) => items.len(),
                Value::Map(items) => items.len(),
                _ => 0,
            };
        }
        let item = |id: &ExprId| self.items(route, *id, depth + 1);
        match program.expr(list) {
            _ if depth > DEEPEST => content.max(head),
            Expr::List(items) | Expr::Set(items) => items.len(),
            Expr::Coalesce(one, other) => item(one).max(item(other)),
            Expr::Match(_, arms) => arms.iter().map(|arm| item(&arm.value)).max().unwrap_or(0),
            // Of what an item of a list holds there is no more than of the list.
            Expr::Member(of, _) => item(of),
            Expr::Local(name) => {
                let of = self.lists.get(route).and_then(|lists| lists.get(name));
                of.map_or(content.max(head), item)
            }
            Expr::Slot(slot) => match program.slot(*slot) {
                Some(slot) => match (&*slot.field, slot.key.as_deref()) {
                    ("req.header.all", _) => fields,
                    ("resp.header.all" | "origin.header.all", _) => Limits::MAX_FIELDS,
                    // Each stands in the query with its name and a mark.
                    ("req.query.all", Some(name)) => target / (name.len() + 1),
                    // An item and a mark.
                    (field, _) if field.ends_with(".json") => content / 2,
                    _ => head,
                },
                None => head,
            },
            other => {
                let mut most = head;
                other.each_operand(&mut |operand| most = most.max(item(&operand)));
                if matches!(other, Expr::Call(..)) { most.min(MOST_ITEMS) } else { most }
            }
        }
    }
}
