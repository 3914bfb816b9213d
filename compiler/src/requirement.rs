//! Requirements that ask nothing: those that every request meets which comes to them, and those that none does. A route is
//! looked at by itself: what it takes, and what it requires before. What is not decided may ask something, and inputs may
//! have any value.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use lang::diag::constant_condition::{always_met, met_by_none};
use lang::diag::impossible_route::Asked;
use lang::policy::{self, LocalId, Policy, RouteId};
use lang::vocab::{Ends, ExprId};
use lang::{Diag, Span, Value};

use crate::frame::SlotId;
use crate::interp::{Constants, constants};
use crate::program::{Expr, Program, Route, StepKind, named};
use crate::space::{Cut, Env, Formula, Patience, Set, Undecided};

mod row;

use row::Row;

/// The nodes that one requirement may take.
const NODES: usize = 20_000;

/// Requirements in a row may take the nodes of no more than so many.
const MOST_NODES: usize = 20;

/// So many rows of one route are kept at a time.
const ROWS: usize = 8;

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
        for_rows: Patience::default(),
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
    /// Each once, in their order.
    slots: Vec<SlotId>,
    captures: bool,
    /// Whether it hangs on what statements of the route name.
    locals: bool,
    /// Whether one of these is a plain `true` or `false`, as a policy is told by who applies it.
    is_told: bool,
}

/// A condition of a route, in the order in which they are asked.
struct Condition {
    id: ExprId,
    /// Where it is written, if it is a requirement.
    span: Option<Span>,
    reads: Rc<Reads>,
    /// How many names stand before it.
    n_lets: usize,
}

/// A route that is looked at.
struct Looked<'p> {
    route: &'p Route,
    lets: Vec<(LocalId, ExprId)>,
    /// Whether each name stands for one thing only.
    lets_differ: bool,
    conditions: Vec<Condition>,
    /// By what they read, requirements that are asked in a row.
    rows: HashMap<Vec<SlotId>, Row>,
    /// What those read that cannot be.
    alone: HashSet<Vec<SlotId>>,
}

impl Looked<'_> {
    /// The condition at this place, and those before it that read some of these.
    fn reading(&self, slots: &[SlotId], at: usize) -> Vec<(usize, ExprId)> {
        let conditions = self.conditions.iter().enumerate().take(at + 1);
        let reads = |condition: &Condition| {
            condition.reads.slots.iter().any(|slot| slots.binary_search(slot).is_ok())
        };
        let reading = conditions.filter(|(place, condition)| *place == at || reads(condition));
        reading.map(|(place, condition)| (place, condition.id)).collect()
    }

    /// What is named before the condition at this place.
    fn lets_at(&self, at: usize) -> &[(LocalId, ExprId)] {
        let n_lets = self.conditions.get(at).map_or(0, |condition| condition.n_lets);
        self.lets.get(..n_lets).unwrap_or_default()
    }
}

struct Judge<'p> {
    program: &'p Program,
    constants: Constants,
    patience: Patience,
    /// The same for rows, which say no more than what is asked one by one: what they cost is not taken from that.
    for_rows: Patience,
    read: HashMap<ExprId, Rc<Reads>>,
    /// Who meets a condition of all requests there are.
    alone: HashMap<ExprId, Met>,
    n_together: usize,
}

impl<'p> Judge<'p> {
    fn route(
        &mut self,
        (number, route, lowered): (RouteId, &policy::Route, &'p Route),
        judged: &mut Vec<Judged>,
    ) {
        if route.steps.len() != lowered.steps.len() {
            return;
        }
        let mut looked = self.look(route, lowered);
        let mut read: HashSet<SlotId> = HashSet::new();
        // Behind what refuses everybody nothing is asked of anybody.
        let mut is_closed = false;
        for at in 0..looked.conditions.len() {
            let Some(Condition { id, span, reads, .. }) = looked.conditions.get(at) else { break };
            let (id, reads) = (*id, Rc::clone(reads));
            if let Some(span) = *span {
                let (met, by_itself) = match self.constants.get(id) {
                    // What is plainly written so is meant so, or was told before.
                    Some(value) => {
                        is_closed |= !value.is_true();
                        (Met::BySome, false)
                    }
                    None if is_closed => (Met::BySome, false),
                    None => self.judge(&mut looked, at, &read),
                };
                is_closed |= met == Met::ByNone;
                judged.push(Judged { route: number, span, met, by_itself, id });
            }
            read.extend(reads.slots.iter().copied());
        }
    }

    /// The conditions of a route up to what ends its way.
    fn look(&mut self, route: &policy::Route, lowered: &'p Route) -> Looked<'p> {
        let mut lets: Vec<(LocalId, ExprId)> = Vec::new();
        let mut conditions: Vec<Condition> = Vec::new();
        for (id, _) in &lowered.conditions {
            let reads = self.reads(*id, &lets);
            conditions.push(Condition { id: *id, span: None, reads, n_lets: 0 });
        }
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
                break;
            }
            let Some(at) = call.row.asserted() else { continue };
            let Some((condition, id)) = call.args.get(at).zip(made.args.get(at).copied()) else {
                continue;
            };
            let (span, reads) = (Some(condition.span), self.reads(id, &lets));
            conditions.push(Condition { id, span, reads, n_lets: lets.len() });
        }
        let mut seen = HashSet::new();
        let lets_differ = lets.iter().all(|(local, _)| seen.insert(*local));
        Looked {
            route: lowered,
            lets,
            lets_differ,
            conditions,
            rows: HashMap::new(),
            alone: HashSet::new(),
        }
    }

    /// Who meets the requirement at this place, and whether that is so by itself. `read` was read before.
    fn judge(&mut self, looked: &mut Looked<'p>, at: usize, read: &HashSet<SlotId>) -> (Met, bool) {
        let Some(condition) = looked.conditions.get(at) else { return (Met::BySome, false) };
        let reads = Rc::clone(&condition.reads);
        if reads.is_told {
            return (Met::BySome, false);
        }
        let alone = self.alone(condition.id, &reads, looked.lets_at(at));
        if alone != Met::BySome {
            return (alone, true);
        }
        let is_beside = reads.slots.iter().any(|slot| read.contains(slot));
        if !is_beside && !self.is_bound(looked.route, &reads) || self.n_together >= MOST {
            return (Met::BySome, false);
        }
        self.n_together += 1;
        let met = self.together(looked, at, &reads.slots).unwrap_or_else(|Undecided| {
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

    /// Who meets a requirement of the requests that the route takes and that meet what stands before and reads some of the
    /// same.
    fn together(
        &self,
        looked: &mut Looked<'_>,
        at: usize,
        slots: &[SlotId],
    ) -> Result<Met, Undecided> {
        let route = looked.route;
        if route.paths.len() > MOST_PLACES || route.hosts.len() > MOST_PLACES {
            return Err(Undecided);
        }
        if !looked.rows.contains_key(slots)
            && let Some(row) = self.row(looked, at, slots)
        {
            looked.rows.insert(slots.to_vec(), row);
        }
        let Some(row) = looked.rows.get_mut(slots) else {
            let conditions = looked.reading(slots, at);
            let cut = || Cut::new(self.program, &self.constants, &self.patience);
            return Row::new(route, &conditions, looked.lets_at(at), (cut, NODES))?.ask(at);
        };
        let met = row.ask(at);
        if row.is_at_end() {
            looked.rows.remove(slots);
        }
        met
    }

    /// The requirements from this place on that read the same, in a row with what stands between them and reads some of it;
    /// nothing, where there is one only, or something might be decided of it otherwise if it were asked alone.
    fn row(&self, looked: &mut Looked<'_>, at: usize, slots: &[SlotId]) -> Option<Row> {
        if !looked.lets_differ || looked.rows.len() >= ROWS || looked.alone.contains(slots) {
            return None;
        }
        let later = looked.conditions.iter().enumerate().skip(at);
        let same = later.filter(|(_, condition)| condition.reads.slots == slots);
        let same: Vec<usize> = same.map(|(place, _)| place).collect();
        let last = *same.last().filter(|last| **last > at)?;
        let conditions = looked.reading(slots, last);
        let cut = || Cut::new(self.program, &self.constants, &self.for_rows);
        let limit = NODES * same.len().min(MOST_NODES);
        let row = Row::new(looked.route, &conditions, looked.lets_at(last), (cut, limit));
        let row = row.inspect_err(|Undecided| self.for_rows.give_up()).ok();
        let row = row.filter(Row::is_exact);
        if row.is_none() {
            looked.alone.insert(slots.to_vec());
        }
        row
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
        reads.slots.sort_unstable();
        reads.slots.dedup();
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
