//! The match-and-action program: what a policy does, with nothing left to resolve. It prints as readable text
//! (`Display`) and parses nothing. How routes are found stands in `program/routing.rs`, what expressions compute in
//! `program/expr.rs`.

use std::sync::Arc;

use lang::Ty;
use lang::policy::{Host, Input, LocalId, Path};
use lang::vocab::ExprId;

use crate::frame::{Slot, SlotId};

pub mod code;
pub mod expr;
pub mod pieces;
pub mod routing;
pub mod rows;
pub(crate) mod text;
pub(crate) mod walk;

pub use expr::{Expr, MatchArm};
pub use pieces::Pieces;
pub use routing::{
    Candidate, Hosts, Listener, ListenerId, Literals, Node, Target, Test, TestKind, VirtualHost,
};
pub use rows::Rows;

/// A route, by its place in [`Program::routes`].
pub use lang::policy::RouteId;

/// A whole program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// What is bound on loading.
    pub inputs: Vec<Input>,
    /// What it reads.
    pub slots: Vec<Slot>,
    /// What it computes; equal ones that were lowered together are one. [`ExprId`] counts into it, and operands stand
    /// before their users.
    pub exprs: Rows<Expr>,
    /// Listeners, upstreams and other configured items.
    pub blocks: Vec<Block>,
    /// The routes, in the policy's order.
    pub routes: Pieces<Arc<Route>>,
    /// Pairs of routes of which the policy says that the first is tried before the second.
    pub before: Vec<(RouteId, RouteId)>,
    /// How each listener finds its route.
    pub listeners: Vec<Listener>,
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
    /// Its name's place in the policy.
    pub span: lang::Span,
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

/// What a route answers for, and what happens once it does.
#[derive(Clone, Debug)]
pub struct Route {
    /// `name` or `site.name`.
    pub name: Arc<str>,
    /// The hosts it answers for.
    pub hosts: Box<[(Host, lang::Span)]>,
    /// The paths it answers for.
    pub paths: Box<[(Path, lang::Span)]>,
    /// The methods it answers for; `None` is every one.
    pub methods: Option<(Box<[Arc<str>]>, lang::Span)>,
    /// What must hold besides, each conjunct with its place.
    pub conditions: Box<[(ExprId, lang::Span)]>,
    /// What its paths capture.
    pub captures: Box<[(Arc<str>, Ty)]>,
    /// Its statements, in order.
    pub steps: Box<[Step]>,
    /// The slots that its statements read. Whoever runs them sees to it first that none of these is pending.
    pub reads: Box<[SlotId]>,
    /// Its name's place in the policy.
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
    pub via: Box<[Arc<str>]>,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Evaluates and keeps.
    Let(LocalId, ExprId),
    /// Runs an action.
    Act(Call),
    /// From here on these run on whatever is answered, before the statements of the way back.
    Always(Box<[Step]>),
}

/// An action and its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The action's name.
    pub action: Arc<str>,
    /// One expression for each parameter of its row; the value, for an assignment.
    pub args: Box<[ExprId]>,
    /// What an assignment or removal changes: the field's path and key.
    pub place: Option<(Arc<str>, Option<Arc<str>>)>,
    /// `pattern => value`.
    pub arms: Box<[(ExprId, ExprId)]>,
}

impl Program {
    /// The listener of this name.
    pub fn listener(&self, name: &str) -> Option<ListenerId> {
        let at = self.listeners.iter().position(|listener| &*listener.name == name)?;
        Some(ListenerId(at as u32))
    }

    /// Whether it was made of this one, so that what that computes and reads has the same numbers here.
    pub(crate) fn continues(&self, before: &Program) -> bool {
        self.exprs.continues(&before.exprs) && self.slots.starts_with(&before.slots)
    }

    /// The route with this number.
    pub fn route(&self, route: RouteId) -> Option<&Route> {
        self.routes.get(route.0 as usize).map(|route| &**route)
    }

    /// The route of this name.
    pub fn route_named(&self, name: &str) -> Option<RouteId> {
        let at = self.routes.iter().position(|route| &*route.name == name)?;
        Some(RouteId(at as u32))
    }

    /// What is read into the slot with this number.
    pub fn slot(&self, slot: SlotId) -> Option<&Slot> {
        self.slots.get(slot.0 as usize)
    }

    /// The slot that reads this field, and this key of it, if there is one.
    pub fn slot_of(&self, field: &str, key: Option<&str>) -> Option<SlotId> {
        let is = |slot: &Slot| (&*slot.field, slot.key.as_deref()) == (field, key);
        let at = self.slots.iter().position(is)?;
        Some(SlotId(at as u32))
    }

    /// What this expression computes; the absent value for a number that is not of this program.
    pub fn expr(&self, id: ExprId) -> &Expr {
        self.exprs.get(id.0 as usize).unwrap_or(&Expr::NOTHING)
    }

    /// What the expression reads, if it is a reading and nothing else.
    pub(crate) fn read_by(&self, id: ExprId) -> Option<(SlotId, &Slot)> {
        match self.expr(id) {
            Expr::Slot(slot) => Some((*slot, self.slot(*slot)?)),
            _ => None,
        }
    }

    /// The expression that is nothing, if there is one.
    pub(crate) fn nothing(&self) -> Option<ExprId> {
        let mut exprs = (0..).map(ExprId).zip(self.exprs.iter());
        exprs.find(|(_, expr)| matches!(expr, Expr::Const(lang::Value::Absent))).map(|(id, _)| id)
    }

    /// The expression that reads a slot and nothing else, if there is one.
    pub(crate) fn reading(&self, slot: SlotId) -> Option<ExprId> {
        let mut exprs = (0..).map(ExprId).zip(self.exprs.iter());
        exprs.find(|(_, expr)| matches!(expr, Expr::Slot(read) if *read == slot)).map(|(id, _)| id)
    }

    /// Every slot that these expressions read, each once, in order.
    pub fn reads(&self, roots: impl IntoIterator<Item = ExprId>) -> Vec<SlotId> {
        let slots = self.walk(roots, &[]).filter_map(|(_, expr)| match expr {
            Expr::Slot(slot) => Some(*slot),
            _ => None,
        });
        let mut slots: Vec<SlotId> = slots.collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Calls `each` with every expression that something other than an expression uses, to be replaced.
    pub(crate) fn each_root_mut(&mut self, each: &mut dyn FnMut(&mut ExprId)) {
        for setting in self.blocks.iter_mut().flat_map(|block| &mut block.settings) {
            setting.args.iter_mut().for_each(&mut *each);
        }
        for route in self.routes.iter_mut() {
            let route = Arc::make_mut(route);
            route.each_expr_mut(each);
        }
        let hosts = self.listeners.iter_mut().flat_map(|listener| listener.hosts.list.iter_mut());
        for host in hosts.map(Arc::make_mut) {
            host.each_expr_mut(each);
        }
    }

    /// Writes into each route which slots its statements read.
    pub(crate) fn note_reads(&mut self) {
        let of = |route: &Arc<Route>| self.reads(route.steps.iter().flat_map(Step::exprs));
        let reads: Vec<Vec<SlotId>> = self.routes.iter().map(of).collect();
        for (route, reads) in self.routes.iter_mut().zip(reads) {
            Arc::make_mut(route).reads = reads.into();
        }
    }
}

impl Route {
    /// Whether another one is this but for where it is written.
    pub(crate) fn is_alike(&self, other: &Route) -> bool {
        fn what<T>(all: &[(T, lang::Span)]) -> impl Iterator<Item = &T> {
            all.iter().map(|(what, _)| what)
        }
        let methods = |route: &'_ Route| route.methods.as_ref().map(|(methods, _)| methods.clone());
        (&self.name, &self.captures, &self.reads) == (&other.name, &other.captures, &other.reads)
            && what(&self.hosts).eq(what(&other.hosts))
            && what(&self.paths).eq(what(&other.paths))
            && what(&self.conditions).eq(what(&other.conditions))
            && methods(self) == methods(other)
            && are_alike(&self.steps, &other.steps)
    }

    /// Calls `each` with every expression that it uses, to be replaced.
    pub(crate) fn each_expr_mut(&mut self, each: &mut dyn FnMut(&mut ExprId)) {
        self.conditions.iter_mut().for_each(|(condition, _)| each(condition));
        self.steps.iter_mut().for_each(|step| step.each_expr_mut(each));
    }
}

impl Step {
    /// Every expression of the statement, those of the statements in it included.
    pub fn exprs(&self) -> Vec<ExprId> {
        match &self.kind {
            StepKind::Let(_, value) => vec![*value],
            StepKind::Act(call) => {
                let arms = call.arms.iter().flat_map(|&(pattern, value)| [pattern, value]);
                call.args.iter().copied().chain(arms).collect()
            }
            StepKind::Always(steps) => steps.iter().flat_map(Step::exprs).collect(),
        }
    }

    pub(crate) fn each_expr_mut(&mut self, each: &mut dyn FnMut(&mut ExprId)) {
        match &mut self.kind {
            StepKind::Let(_, value) => each(value),
            StepKind::Act(call) => {
                call.args.iter_mut().for_each(&mut *each);
                call.arms.iter_mut().for_each(|(pattern, value)| {
                    each(pattern);
                    each(value);
                });
            }
            StepKind::Always(steps) => steps.iter_mut().for_each(|step| step.each_expr_mut(each)),
        }
    }
}

/// Whether statements are others but for where they are written.
fn are_alike(steps: &[Step], others: &[Step]) -> bool {
    let is_alike = |(step, other): (&Step, &Step)| {
        step.via == other.via
            && match (&step.kind, &other.kind) {
                (StepKind::Let(local, value), StepKind::Let(other, of)) => {
                    (local, value) == (other, of)
                }
                (StepKind::Act(call), StepKind::Act(other)) => call == other,
                (StepKind::Always(steps), StepKind::Always(others)) => are_alike(steps, others),
                _ => false,
            }
    };
    steps.len() == others.len() && steps.iter().zip(others).all(is_alike)
}

/// What a local stands for among these: the last one of its name.
pub(crate) fn named(locals: &[(LocalId, ExprId)], local: LocalId) -> Option<ExprId> {
    let named = locals.iter().rev().find(|(named, _)| *named == local);
    named.map(|(_, value)| *value)
}

/// The values that the lets among statements name, in the order in which they are written.
pub(crate) fn locals(steps: &[Step]) -> Vec<(LocalId, ExprId)> {
    let named = steps.iter().flat_map(|step| match &step.kind {
        StepKind::Let(local, value) => vec![(*local, *value)],
        StepKind::Act(_) => Vec::new(),
        StepKind::Always(held) => locals(held),
    });
    named.collect()
}
