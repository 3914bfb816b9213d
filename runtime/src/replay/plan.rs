//! What a route's statements come to, as far as their rows tell it: which of them may end a request, and how. Statements
//! that only change what is sent, and those that count, are passed over.

use std::collections::HashSet;
use std::sync::Arc;

use compiler::program::{Call, Expr, Program, Route, Step as Statement, StepKind};
use lang::Value;
use lang::policy::LocalId;
use lang::vocab::{Action, Argument, Ends, ExprId, Form};

use crate::actions;
use crate::engine::Engine;

/// A route's statements that matter to what becomes of a request.
#[derive(Debug)]
pub(super) struct Plan {
    /// In order, up to the one that forwards or answers.
    pub(super) steps: Vec<Step>,
    /// The upstreams that may be asked, with the share of each in percent.
    pub(super) targets: Vec<(Option<f64>, Arc<str>)>,
}

/// A statement.
#[derive(Debug)]
pub(super) enum Step {
    /// Keeps a value that a later one needs; with the locals that it reads.
    Let(LocalId, ExprId, Vec<LocalId>),
    /// Goes on only if this holds.
    Require {
        /// What must hold.
        condition: ExprId,
        /// The locals that it reads.
        locals: Vec<LocalId>,
        /// The status that is answered otherwise.
        status: Option<u16>,
    },
    /// An upstream answers.
    Forward,
    /// The gateway answers.
    Answer(Status),
}

/// The status of an answer.
#[derive(Debug)]
pub(super) enum Status {
    /// This one.
    Known(u16),
    /// What this gives, and the locals that it reads.
    Computed(ExprId, Vec<LocalId>),
    /// A statement on the way back may make another one of it.
    Unknown,
}

impl Plan {
    pub(super) fn of(engine: &Engine, route: &Route) -> Plan {
        let mut plan = Plan { steps: Vec::new(), targets: Vec::new() };
        let program = engine.program();
        for (at, statement) in route.steps.iter().enumerate() {
            let call = match &statement.kind {
                StepKind::Let(local, value) => {
                    let reads = locals(program, *value);
                    plan.steps.push(Step::Let(*local, *value, reads));
                    continue;
                }
                StepKind::Act(call) => call,
                StepKind::Always(_) => continue,
            };
            let Some(row) = actions::row(&call.action) else { continue };
            let line = Line { engine, row, call };
            if let Some(condition) = row.asserts.and_then(|name| line.argument(name)) {
                plan.steps.push(Step::Require {
                    condition,
                    locals: locals(program, condition),
                    status: line.status("else"),
                });
                continue;
            }
            match row.ends {
                Ends::No => continue,
                Ends::Forwards => {
                    plan.targets = line.targets();
                    plan.steps.push(Step::Forward);
                }
                Ends::Responds => {
                    let behind = route.steps.get(at + 1..).unwrap_or_default();
                    plan.steps.push(Step::Answer(match line.status("status") {
                        _ if changes_status(&route.steps) || may_end(behind) => Status::Unknown,
                        Some(status) => Status::Known(status),
                        None => match line.argument("status") {
                            Some(value) => Status::Computed(value, locals(program, value)),
                            None => Status::Unknown,
                        },
                    }));
                }
            }
            break;
        }
        plan.drop_idle();
        plan
    }

    /// Drops the `let`s that no statement needs which matters here.
    fn drop_idle(&mut self) {
        let mut needed: HashSet<LocalId> = HashSet::new();
        let steps = std::mem::take(&mut self.steps);
        let mut kept: Vec<Step> = Vec::with_capacity(steps.len());
        for step in steps.into_iter().rev() {
            match &step {
                Step::Let(local, ..) if !needed.contains(local) => continue,
                Step::Let(_, _, locals)
                | Step::Require { locals, .. }
                | Step::Answer(Status::Computed(_, locals)) => needed.extend(locals),
                Step::Forward | Step::Answer(_) => {}
            }
            kept.push(step);
        }
        kept.reverse();
        self.steps = kept;
    }
}

/// A line of a route, with its row.
struct Line<'l> {
    engine: &'l Engine,
    row: &'static Action,
    call: &'l Call,
}

impl Line<'_> {
    fn argument(&self, name: &str) -> Option<ExprId> {
        let at = self.row.place_of(name)?;
        self.call.args.get(at).copied()
    }

    /// The status that a parameter says, if no request changes it.
    fn status(&self, name: &str) -> Option<u16> {
        match self.engine.decider.matcher.argument(self.argument(name)?) {
            Argument::Constant(Value::Status(status)) => Some(status),
            _ => None,
        }
    }

    fn targets(&self) -> Vec<(Option<f64>, Arc<str>)> {
        let constant = |id: ExprId| match self.engine.decider.matcher.argument(id) {
            Argument::Constant(value) => Some(value),
            Argument::Expression(_) => None,
        };
        let name = |id: ExprId| match constant(id) {
            Some(Value::Item(name)) => Some(name),
            _ => None,
        };
        let share = |id: ExprId| match constant(id) {
            Some(Value::Percent(share)) => Some(share),
            _ => None,
        };
        if self.call.arms.is_empty() {
            let name = self.call.args.first().copied().and_then(name);
            return name.into_iter().map(|name| (None, name)).collect();
        }
        let arms = self.call.arms.iter().filter_map(|(of, to)| Some((share(*of), name(*to)?)));
        arms.filter(|(share, _)| share.is_none_or(|share| share > 0.0)).collect()
    }
}

/// Whether one of these, behind an answer, may put another in its place.
fn may_end(behind: &[Statement]) -> bool {
    behind.iter().any(|step| match &step.kind {
        StepKind::Let(..) | StepKind::Always(_) => false,
        StepKind::Act(call) => actions::row(&call.action)
            .is_some_and(|row| row.asserts.is_some() || row.ends != Ends::No),
    })
}

/// Whether one of these changes the status of an answer.
fn changes_status(steps: &[Statement]) -> bool {
    steps.iter().any(|step| match &step.kind {
        StepKind::Let(..) => false,
        StepKind::Always(held) => changes_status(held),
        StepKind::Act(call) => {
            let row = actions::row(&call.action);
            let is_form = |form| matches!(form, Form::Assign | Form::Append | Form::Place);
            match (row, &call.place) {
                (Some(row), Some((field, _))) if is_form(row.form) => &**field == "resp.status",
                _ => false,
            }
        }
    })
}

/// The locals that an expression reads.
fn locals(program: &Program, root: ExprId) -> Vec<LocalId> {
    let (mut found, mut seen, mut open) = (Vec::new(), HashSet::new(), vec![root]);
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let expr = program.expr(id);
        if let Expr::Local(local) = expr {
            found.push(*local);
        }
        expr.each_operand(&mut |operand| open.push(operand));
    }
    found
}
