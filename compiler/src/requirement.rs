//! Requirements that ask nothing: those that every request meets which comes to them, and those that none does. A route is
//! looked at by itself: what it takes, and what it requires before. What is not decided may ask something, and inputs may
//! have any value.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use lang::diag::constant_condition::{always_met, met_by_none};
use lang::diag::impossible_route::Asked;
use lang::policy::{self, LocalId, Policy, RouteId};
use lang::segment::captures;
use lang::vocab::{Ends, ExprId};
use lang::{Diag, Span, Value};

use crate::frame::SlotId;
use crate::interp::{Constants, constants};
use crate::program::{Expr, Program, Route, StepKind, named};
use crate::space::{Cut, Env, Formula, Patience, Set, Undecided};

/// The nodes that one requirement may take.
const NODES: usize = 20_000;

/// So many requirements are looked at together with what stands before them.
const MOST: usize = 10_000;

/// A route with more paths, or more hosts, is not looked at so.
const MOST_PLACES: usize = 8;

/// A requirement of a route.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// The route.
    pub route: RouteId,
    /// Where its condition is written.
    pub span: Span,
    /// Who meets it.
    pub met: Met,
    /// Whether that is so whatever the route takes and requires before.
    by_itself: bool,
    id: ExprId,
}

/// Who meets a requirement, of the requests that come to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Met {
    /// Every one.
    ByAll,
    /// None.
    ByNone,
    /// One or the other; or that is not known.
    BySome,
}

/// Every requirement on the way in, route by route.
pub fn requirements(policy: &Policy, program: &Program) -> Vec<Judged> {
    judged(policy, program, constants(program, &[]))
}

fn judged(policy: &Policy, program: &Program, constants: Constants) -> Vec<Judged> {
    let mut judge = Judge {
        program,
        constants,
        patience: Patience::default(),
        read: HashMap::new(),
        alone: HashMap::new(),
        n_together: 0,
    };
    let mut judged = Vec::new();
    for (at, (route, lowered)) in policy.routes.iter().zip(&program.routes).enumerate() {
        judge.route((RouteId(at as u32), route, lowered), &mut judged);
    }
    judged
}

/// What is to be said of requirements that ask nothing, but for those that something is `said` of; and which ask something
/// in one route and nothing in another.
pub(crate) fn idle(
    (policy, program): (&Policy, &Program),
    constants: Constants,
    said: &[Diag],
) -> (Vec<Diag>, Vec<Span>) {
    let mut by_place: BTreeMap<Span, Vec<Judged>> = BTreeMap::new();
    for judged in judged(policy, program, constants) {
        by_place.entry(judged.span).or_default().push(judged);
    }
    let (mut diags, mut uneven) = (Vec::new(), Vec::new());
    for (span, judged) in by_place {
        let Some(first) = judged.first() else { continue };
        let is_even = judged.iter().all(|other| other.met == first.met);
        let is_said = || said.iter().any(|diag| diag.span() == span);
        let Some(route) = policy.routes.get(first.route.0 as usize) else { continue };
        let route = (&*route.name, route.span);
        let by_itself = judged.iter().all(|judged| judged.by_itself);
        match first.met {
            _ if !is_even => uneven.push(span),
            Met::BySome => {}
            _ if is_said() => {}
            Met::ByAll => {
                diags.push(always_met(span, route, by_itself, &asked(program, [first.id])));
            }
            Met::ByNone => {
                diags.push(met_by_none(span, route, by_itself, &asked(program, [first.id])));
            }
        }
    }
    (diags, uneven)
}

/// What these conditions ask that has a form when it arrives.
pub(crate) fn asked(program: &Program, conditions: impl IntoIterator<Item = ExprId>) -> Vec<Asked> {
    let mut asked = Vec::new();
    for slot in program.reads(conditions) {
        let what = match program.slot(slot).map_or("", |slot| &*slot.field) {
            "req.host" => Asked::Host,
            "req.path" => Asked::Path,
            "req.method" => Asked::Method,
            "req.scheme" => Asked::Connection,
            "conn.tls.client" => Asked::Certificate,
            field if field.starts_with("conn.") => Asked::Connection,
            _ => continue,
        };
        if !asked.contains(&what) {
            asked.push(what);
        }
    }
    asked
}

/// What a condition reads.
struct Reads {
    slots: Vec<SlotId>,
    captures: bool,
    /// Whether it hangs on what statements of the route name.
    locals: bool,
    /// Whether one of these is a plain `true` or `false`, as a policy is told by who applies it.
    is_told: bool,
}

struct Judge<'p> {
    program: &'p Program,
    constants: Constants,
    patience: Patience,
    read: HashMap<ExprId, Rc<Reads>>,
    /// Who meets a condition of all requests there are.
    alone: HashMap<ExprId, Met>,
    n_together: usize,
}

impl Judge<'_> {
    fn route(
        &mut self,
        (number, route, lowered): (RouteId, &policy::Route, &Route),
        judged: &mut Vec<Judged>,
    ) {
        if route.steps.len() != lowered.steps.len() {
            return;
        }
        let mut lets: Vec<(LocalId, ExprId)> = Vec::new();
        let mut before: Vec<ExprId> = lowered.conditions.iter().map(|(id, _)| *id).collect();
        // Behind what refuses everybody nothing is asked of anybody.
        let mut is_closed = false;
        for (step, made) in route.steps.iter().zip(&lowered.steps) {
            let (call, made) = match (&step.kind, &made.kind) {
                (policy::StepKind::Act(call), StepKind::Act(made)) => (call, made),
                (_, StepKind::Let(local, value)) => {
                    lets.push((*local, *value));
                    continue;
                }
                _ => continue,
            };
            if call.row.ends != Ends::No {
                return;
            }
            let Some(at) = call.row.asserted() else { continue };
            let Some((condition, id)) = call.args.get(at).zip(made.args.get(at).copied()) else {
                continue;
            };
            let (met, by_itself) = match self.constants.get(id) {
                // What is plainly written so is meant so, or was told before.
                Some(value) => {
                    is_closed |= !value.is_true();
                    (Met::BySome, false)
                }
                None if is_closed => (Met::BySome, false),
                None => self.judge(lowered, &before, id, &lets),
            };
            is_closed |= met == Met::ByNone;
            judged.push(Judged { route: number, span: condition.span, met, by_itself, id });
            before.push(id);
        }
    }

    /// Who meets a condition, and whether that is so by itself.
    fn judge(
        &mut self,
        route: &Route,
        before: &[ExprId],
        id: ExprId,
        lets: &[(LocalId, ExprId)],
    ) -> (Met, bool) {
        let reads = self.reads(id, lets);
        if reads.is_told {
            return (Met::BySome, false);
        }
        let alone = self.alone(id, &reads, lets);
        if alone != Met::BySome {
            return (alone, true);
        }
        let mut beside = Vec::new();
        for other in before {
            if self.reads(*other, lets).slots.iter().any(|slot| reads.slots.contains(slot)) {
                beside.push(*other);
            }
        }
        if beside.is_empty() && !self.is_bound(route, &reads) || self.n_together >= MOST {
            return (Met::BySome, false);
        }
        self.n_together += 1;
        let met = self.together(route, &beside, id, lets).unwrap_or_else(|Undecided| {
            self.patience.give_up();
            Met::BySome
        });
        (met, false)
    }

    /// Whether what the route takes bounds what is read.
    fn is_bound(&self, route: &Route, reads: &Reads) -> bool {
        let whole = |(path, _): &(policy::Path, Span)| path.rest && path.segments.is_empty();
        let bounds_path = !route.paths.iter().any(whole);
        let bounds_host = !route.hosts.iter().any(|(host, _)| *host == policy::Host::Any);
        let fields = reads.slots.iter().filter_map(|slot| self.program.slot(*slot));
        let mut fields = fields.map(|slot| &*slot.field);
        reads.captures
            || fields.any(|field| match field {
                "req.host" => bounds_host,
                "req.path" | "req.target" => bounds_path,
                "req.method" => route.methods.is_some(),
                _ => false,
            })
    }

    /// Who meets a condition of all requests there are.
    fn alone(&mut self, id: ExprId, reads: &Reads, lets: &[(LocalId, ExprId)]) -> Met {
        if reads.captures {
            return Met::BySome;
        }
        if let Some(met) = self.alone.get(&id).filter(|_| !reads.locals) {
            return *met;
        }
        let mut cut = Cut::new(self.program, &self.constants, &self.patience);
        let this = cut.condition(id, Env { captures: &[], locals: lets });
        let met = met(cut, &Formula::Always(true), &this).unwrap_or_else(|Undecided| {
            self.patience.give_up();
            None
        });
        let met = met.unwrap_or(Met::BySome);
        if !reads.locals {
            self.alone.insert(id, met);
        }
        met
    }

    /// Who meets a condition of the requests that the route takes and that meet what stands before.
    fn together(
        &self,
        route: &Route,
        before: &[ExprId],
        id: ExprId,
        lets: &[(LocalId, ExprId)],
    ) -> Result<Met, Undecided> {
        if route.paths.len() > MOST_PLACES || route.hosts.len() > MOST_PLACES {
            return Err(Undecided);
        }
        let mut all: Option<Met> = None;
        for (path, _) in &route.paths {
            let captures = captures(path);
            let env = Env { captures: &captures, locals: lets };
            let mut cut = Cut::new(self.program, &self.constants, &self.patience);
            let hosts = route.hosts.iter().map(|(host, _)| cut.host(host)).collect();
            let methods = route.methods.as_ref().map(|(methods, _)| methods.as_slice());
            let mut taken = vec![Formula::any(hosts), cut.path(path), cut.methods(methods)];
            taken.extend(before.iter().map(|id| cut.condition(*id, env)));
            let this = cut.condition(id, env);
            let Some(met) = met(cut, &Formula::All(taken), &this)? else { continue };
            if met == Met::BySome || all.is_some_and(|all| all != met) {
                return Ok(Met::BySome);
            }
            all = Some(met);
        }
        Ok(all.unwrap_or(Met::BySome))
    }

    fn reads(&mut self, id: ExprId, lets: &[(LocalId, ExprId)]) -> Rc<Reads> {
        if let Some(known) = self.read.get(&id) {
            return Rc::clone(known);
        }
        let mut reads = Reads { slots: Vec::new(), captures: false, locals: false, is_told: false };
        for (_, expr) in self.program.walk([id], lets) {
            match expr {
                Expr::Slot(slot) => reads.slots.push(*slot),
                Expr::Capture(_) => reads.captures = true,
                Expr::Local(local) => {
                    let value = named(lets, *local).and_then(|value| self.constants.get(value));
                    reads.is_told |= matches!(value, Some(Value::Bool(_)));
                    reads.locals = true;
                }
                _ => {}
            }
        }
        let reads = Rc::new(reads);
        if !reads.locals {
            self.read.insert(id, Rc::clone(&reads));
        }
        reads
    }
}

/// Who meets this, of those who are taken; nothing, where nobody is.
fn met(cut: Cut<'_>, taken: &Formula, this: &Formula) -> Result<Option<Met>, Undecided> {
    let mut space = cut.finish(NODES)?;
    let taken = space.set(taken)?;
    if taken == Set::NONE {
        return Ok(None);
    }
    let this = space.set(this)?;
    if space.meet(taken, this)? == Set::NONE {
        return Ok(Some(Met::ByNone));
    }
    Ok(Some(match space.minus(taken, this)? {
        Set::NONE => Met::ByAll,
        _ => Met::BySome,
    }))
}
