//! Keeps account of what tests reach of a policy. It looks on while requests are served: at each decision it evaluates
//! the conditions that were tested, before each statement what that is about to evaluate, by the language's plain
//! evaluator, on the exchange as it is at that moment. It decides nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use compiler::program::Program;
use compiler::{Fill, ListenerId, SlotId};
use lang::eval::{World, eval};
use lang::policy::parts::children;
use lang::policy::{Arm, Block, Expr, ExprKind, InputId, LocalId, Policy, Route, Step, StepKind};
use lang::vocab::Field;
use lang::{Span, Value};

use super::coverage::{Coverage, Point, What};
use crate::engine::{Engine, Statement};
use crate::exchange::Exchange;
use crate::watch::Watch;

/// What tests have reached so far.
///
/// Statements, expressions and arms are known by their addresses: what an engine and this policy hold stays where it is
/// while they live, and spans are shared by everything that a policy or a function was expanded to.
pub(super) struct Account {
    engine: Arc<Engine>,
    policy: Arc<Policy>,
    /// The step of the policy that each statement of the engine is: its route, its place there, its place in an `always`.
    steps: HashMap<usize, (usize, usize, Option<usize>)>,
    /// What holds of every request to the listeners of the route that is looked at.
    arriving: Arriving,
    slots: HashMap<(Arc<str>, Option<Arc<str>>), SlotId>,
    /// Where a predicate or an arm is counted.
    counted: HashMap<usize, Counter>,
    points: RefCell<BTreeMap<(Span, Sort), What>>,
}

/// What is counted at a place: there may be several of the same extent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Sort {
    Route,
    Statement,
    Match,
    Predicate,
}

/// Where something is counted.
#[derive(Clone, Copy)]
enum Counter {
    Predicate(Span),
    /// The `match`, and the arm.
    Arm(Span, Span),
}

/// What holds of every request that comes to some listeners, as far as all of them say the same.
#[derive(Clone, Copy, Default)]
struct Arriving {
    /// Whether it comes over TLS.
    tls: Option<bool>,
    /// Whether the client shows a certificate.
    certificate: Option<bool>,
}

impl Arriving {
    /// At the listeners of a route.
    fn at(engine: &Engine, policy: &Policy, route: &Route) -> Arriving {
        let blocks = route.listeners.iter().filter_map(|at| policy.blocks.get(*at));
        let config = |block: &Block| engine.listeners.iter().find(|one| one.name == block.name);
        let each = blocks.filter_map(config).map(|listener| Arriving {
            tls: Some(listener.is_tls()),
            certificate: match (listener.demands_certificates(), listener.takes_certificates()) {
                (true, _) => Some(true),
                (_, false) => Some(false),
                _ => None,
            },
        });
        let same = |a: Option<bool>, b: Option<bool>| if a == b { a } else { None };
        let all = each.reduce(|one, other| Arriving {
            tls: same(one.tls, other.tls),
            certificate: same(one.certificate, other.certificate),
        });
        all.unwrap_or_default()
    }

    /// Whether a condition comes out one way for all of them, as far as its form tells.
    fn settle(self, condition: &Expr) -> bool {
        let path = |expr: &Expr| match &expr.kind {
            ExprKind::Field(field, _) => field.path,
            _ => "",
        };
        let is_there = |path: &str| match path {
            "conn.tls.client" => self.certificate,
            "conn.tls.version" => self.tls,
            "conn.sni" | "conn.alpn" => self.tls.filter(|tls| !tls),
            _ => None,
        };
        match &condition.kind {
            ExprKind::Present(inner) => is_there(path(inner)).is_some(),
            // Nothing compares with what is absent; and one scheme is spoken.
            ExprKind::Compare(_, a, b) | ExprKind::In(a, b) => [a, b].iter().any(|side| {
                is_there(path(side)) == Some(false)
                    || path(side) == "req.scheme" && self.tls.is_some()
            }),
            _ => false,
        }
    }
}

impl Account {
    /// An account of `policy`, which `engine` serves. Nothing is reached yet.
    pub(super) fn of(engine: Arc<Engine>, policy: Arc<Policy>) -> Account {
        let slots = slots(engine.program());
        let mut account = Account {
            engine,
            slots,
            steps: HashMap::new(),
            arriving: Arriving::default(),
            counted: HashMap::new(),
            points: RefCell::default(),
            policy: Arc::clone(&policy),
        };
        for (at, route) in policy.routes.iter().enumerate() {
            account.arriving = Arriving::at(&account.engine, &policy, route);
            account.note(route.span, Sort::Route, What::Route(route.name.clone(), 0));
            for condition in &route.conditions {
                account.note(condition.span, Sort::Statement, What::Statement(0));
                account.expect(condition, true);
            }
            for (place, step) in route.steps.iter().enumerate() {
                account.step(step, (at, place, None));
            }
        }
        account
    }

    /// What is reached by now.
    pub(super) fn coverage(&self) -> Coverage {
        let points = self.points.borrow();
        let points =
            points.iter().map(|((span, _), what)| Point { span: *span, what: what.clone() });
        Coverage { points: points.collect() }
    }

    fn step(&mut self, step: &Step, (route, place, inner): (usize, usize, Option<usize>)) {
        let plan = self.engine.plan(compiler::RouteId(route as u32));
        let statement = plan.and_then(|plan| plan.statement(place));
        let statement = match (statement, inner) {
            (Some(Statement::Always(held)), Some(inner)) => held.get(inner),
            (statement, _) => statement,
        };
        if let Some(statement) = statement {
            self.steps.insert(address(statement), (route, place, inner));
        }
        match &step.kind {
            StepKind::Always(held) => {
                for (inner, step) in held.iter().enumerate() {
                    self.step(step, (route, place, Some(inner)));
                }
                return;
            }
            StepKind::Let(_, value) => self.expect(value, false),
            StepKind::Act(call) => {
                let asserted = call.row.asserted();
                for (at, argument) in call.args.iter().enumerate() {
                    self.expect(argument, Some(at) == asserted);
                }
            }
        }
        self.note(step.span, Sort::Statement, What::Statement(0));
    }

    /// Notes what can be reached in an expression. The operands of a predicate stand for it: with these each seen both
    /// ways, so was the whole.
    fn expect(&mut self, expr: &Expr, is_predicate: bool) {
        match &expr.kind {
            ExprKind::Not(inner) => return self.expect(inner, is_predicate),
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                return parts.iter().for_each(|part| self.expect(part, true));
            }
            ExprKind::Match(subject, arms) => {
                self.expect(subject, false);
                for arm in arms {
                    self.counted.insert(address(arm), Counter::Arm(expr.span, arm.span));
                    self.expect(&arm.value, false);
                }
                let arms = arms.iter().map(|arm| (arm.span, 0)).collect();
                self.note(expr.span, Sort::Match, What::Match(arms));
            }
            ExprKind::Quantified(_, _, list, predicate) => {
                self.expect(list, false);
                self.expect(predicate, true);
            }
            kind => children(kind).into_iter().for_each(|part| self.expect(part, false)),
        }
        if is_predicate && varies(expr) && !self.arriving.settle(expr) {
            self.counted.insert(address(expr), Counter::Predicate(expr.span));
            self.note(expr.span, Sort::Predicate, What::Predicate(0, 0));
        }
    }

    fn note(&self, span: Span, sort: Sort, what: What) {
        let mut points = self.points.borrow_mut();
        let known = points.entry((span, sort)).or_insert_with(|| what.clone());
        // An expansion may have arms that another one has not.
        if let (What::Match(known), What::Match(arms)) = (known, what) {
            for arm in arms {
                if !known.contains(&arm) {
                    known.push(arm);
                }
            }
        }
    }

    fn count(&self, span: Span, sort: Sort, count: impl FnOnce(&mut What)) {
        if let Some(what) = self.points.borrow_mut().get_mut(&(span, sort)) {
            count(what);
        }
    }

    fn ran(&self, span: Span) {
        self.count(span, Sort::Statement, |what| {
            if let What::Statement(times) = what {
                *times += 1;
            }
        });
    }
}

impl Watch for Account {
    fn decided(&self, ex: &Exchange, listener: ListenerId) {
        let seen = Seen { account: self, ex };
        let route = |id: compiler::RouteId| self.policy.routes.get(id.0 as usize);
        self.engine.decider.matcher.tried(&ex.ask(listener), |id| {
            for condition in route(id).into_iter().flat_map(|route| &route.conditions) {
                self.ran(condition.span);
                if !eval(condition, &seen).is_true() {
                    break;
                }
            }
        });
        if let Some(route) = ex.route.and_then(route) {
            self.count(route.span, Sort::Route, |what| {
                if let What::Route(_, times) = what {
                    *times += 1;
                }
            });
        }
    }

    fn reached(&self, ex: &Exchange, statement: &Statement) {
        let Some(&(route, place, inner)) = self.steps.get(&address(statement)) else { return };
        let step = self.policy.routes.get(route).and_then(|route| route.steps.get(place));
        let step = match (step.map(|step| &step.kind), inner) {
            (Some(StepKind::Always(held)), Some(inner)) => held.get(inner),
            _ => step,
        };
        let Some(step) = step else { return };
        self.ran(step.span);
        let seen = Seen { account: self, ex };
        match &step.kind {
            StepKind::Let(_, value) => drop(eval(value, &seen)),
            StepKind::Act(call) => {
                let asserted = call.row.asserted().and_then(|at| call.args.get(at));
                // What is asserted is asked first, and the rest matters only if it does not hold.
                if asserted.is_some_and(|condition| eval(condition, &seen).is_true()) {
                    return;
                }
                let others = call.args.iter();
                let others = others.filter(|one| asserted.is_none_or(|it| !std::ptr::eq(it, *one)));
                others.for_each(|argument| drop(eval(argument, &seen)));
            }
            StepKind::Always(_) => {}
        }
    }
}

/// An exchange as the plain evaluator sees it, with everything it evaluates put to account.
struct Seen<'s> {
    account: &'s Account,
    ex: &'s Exchange,
}

impl World for Seen<'_> {
    fn input(&self, input: InputId) -> Value {
        self.account.engine.inputs().get(input.0 as usize).cloned().unwrap_or_default()
    }

    fn field(&self, field: &'static Field, key: Option<&str>) -> Value {
        // What the program does not read changes nothing, whatever it is.
        let slot = self.account.slots.get(&(Arc::from(field.path), key.map(Arc::from)));
        slot.and_then(|slot| self.ex.fill(*slot).into_value()).unwrap_or_default()
    }

    fn capture(&self, name: &str) -> Value {
        self.ex.decider.matcher.capture(name, &self.ex.frame, self.ex)
    }

    fn local(&self, local: LocalId) -> Value {
        self.ex.frame.local(local)
    }

    fn came(&self, expr: &Expr, value: &Value) {
        if let Some(Counter::Predicate(span)) = self.account.counted.get(&address(expr)) {
            self.account.count(*span, Sort::Predicate, |what| {
                if let What::Predicate(yes, no) = what {
                    *if value.is_true() { yes } else { no } += 1;
                }
            });
        }
    }

    fn took(&self, arm: &Arm) {
        if let Some(Counter::Arm(of, span)) = self.account.counted.get(&address(arm)) {
            self.account.count(*of, Sort::Match, |what| {
                if let What::Match(arms) = what
                    && let Some((_, times)) = arms.iter_mut().find(|(known, _)| known == span)
                {
                    *times += 1;
                }
            });
        }
    }
}

/// By what a statement, an expression or an arm is known.
pub(super) fn address<T>(of: &T) -> usize {
    std::ptr::from_ref(of).addr()
}

fn slots(program: &Program) -> HashMap<(Arc<str>, Option<Arc<str>>), SlotId> {
    let slots = program.slots.iter().zip(0..);
    slots.map(|(slot, at)| ((slot.field.clone(), slot.key.clone()), SlotId(at))).collect()
}

/// Whether requests decide about it. What only inputs decide comes out one way as long as a policy runs.
fn varies(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Field(..) | ExprKind::Capture(_) | ExprKind::Local(_) => true,
        kind => children(kind).into_iter().any(varies),
    }
}
