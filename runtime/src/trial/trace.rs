//! Remembers which `require` a request came to last, so that a test whose request was refused can show by what. Whoever
//! keeps account looks on with it.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use compiler::program::{Step, StepKind};
use compiler::{ListenerId, RouteId};
use lang::Span;

use super::account::{Account, address};
use crate::actions;
use crate::engine::{Engine, Statement};
use crate::exchange::Exchange;
use crate::watch::Watch;

/// What was seen of the request at hand.
pub(super) struct Trace {
    /// The statements that may refuse a request, by their addresses: they stay where they are while the engine lives.
    refusing: HashMap<usize, Span>,
    last: Cell<Option<Span>>,
    account: Option<Rc<Account>>,
}

impl Trace {
    /// Nothing is seen yet.
    pub(super) fn of(engine: &Engine, account: Option<Rc<Account>>) -> Trace {
        let mut refusing = HashMap::new();
        for (route, at) in engine.program().routes.iter().zip(0..) {
            let Some(plan) = engine.plan(RouteId(at)) else { continue };
            for (place, step) in route.steps.iter().enumerate() {
                if let Some(statement) = plan.statement(place) {
                    note(step, statement, &mut refusing);
                }
            }
        }
        Trace { refusing, last: Cell::new(None), account }
    }

    /// The statement that may have refused the last request, which was refused.
    pub(super) fn refused_by(&self) -> Option<Span> {
        self.last.get()
    }
}

impl Watch for Trace {
    fn decided(&self, ex: &Exchange, listener: ListenerId) {
        self.last.set(None);
        if let Some(account) = &self.account {
            account.decided(ex, listener);
        }
    }

    fn reached(&self, ex: &Exchange, statement: &Statement) {
        if let Some(span) = self.refusing.get(&address(statement)) {
            self.last.set(Some(*span));
        }
        if let Some(account) = &self.account {
            account.reached(ex, statement);
        }
    }
}

fn note(step: &Step, statement: &Statement, refusing: &mut HashMap<usize, Span>) {
    match (&step.kind, statement) {
        (StepKind::Always(steps), Statement::Always(held)) => {
            steps.iter().zip(held).for_each(|(step, statement)| note(step, statement, refusing));
        }
        (StepKind::Act(call), _)
            if actions::row(&call.action).is_some_and(|row| row.asserts.is_some()) =>
        {
            refusing.insert(address(statement), step.span);
        }
        _ => {}
    }
}
