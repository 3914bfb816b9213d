//! The match-and-action program: what a policy does, with nothing left to resolve. It prints as readable text and
//! parses nothing.

use std::sync::Arc;

use lang::policy::{Input, LocalId};
use lang::vocab::ExprId;

use crate::frame::{Slot, SlotId};

/// A route, by its place in [`Program::routes`].
pub use lang::policy::RouteId;

/// A whole program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// What is bound on loading.
    pub inputs: Vec<Input>,
    /// What it reads.
    pub slots: Vec<Slot>,
    /// Listeners, upstreams and other configured items.
    pub blocks: Vec<Block>,
    /// The routes.
    pub routes: Vec<Route>,
}

/// A configured item.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its kind: `listener`, `upstream`.
    pub kind: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its lines, in order.
    pub settings: Vec<Setting>,
}

/// A line of a configured item.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The verb.
    pub name: Arc<str>,
    /// One expression for each parameter of its row.
    pub args: Vec<ExprId>,
    /// Where the policy says so.
    pub span: lang::Span,
}

/// What happens once a route answers.
#[derive(Clone, Debug)]
pub struct Route {
    /// `name` or `site.name`.
    pub name: Arc<str>,
    /// Its statements, in order.
    pub steps: Vec<Step>,
    /// The slots that its statements read. Whoever runs them sees to it first that none of these is pending.
    pub reads: Vec<SlotId>,
    /// Where the policy says so.
    pub span: lang::Span,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// Where the policy says so.
    pub span: lang::Span,
    /// The policies through which it came, outermost first.
    pub via: Vec<Arc<str>>,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Evaluates and keeps.
    Let(LocalId, ExprId),
    /// Runs an action.
    Act(Call),
}

/// An action and its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// The action's name.
    pub action: Arc<str>,
    /// One expression for each parameter of its row; the value, for an assignment.
    pub args: Vec<ExprId>,
    /// What an assignment or removal changes: the field's path and key.
    pub place: Option<(Arc<str>, Option<Arc<str>>)>,
    /// `pattern => value`.
    pub arms: Vec<(ExprId, ExprId)>,
}
