//! A program in which the routes at some hosts are those of another one, made of a part of the same policy. All else is
//! shared with the program that was there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lang::policy::Host;
use lang::vocab::ExprId;

use crate::frame::SlotId;
use crate::lower::expr::Key;
use crate::program::{
    Candidate, Expr, Hosts, Listener, Program, Route, RouteId, Step, VirtualHost,
};

/// Expressions that nobody uses any more are left where they are; when so many were added, all is made anew.
const MOST_ADDED: usize = 4_096;

/// What stands in a place for a route.
#[derive(Clone, Copy)]
enum Row {
    /// The route that has this number in the program that was there.
    Old(u32),
    /// The one that has it in the part.
    New(u32),
}

/// `whole` with the routes at `hosts` as `part` has them: every route at these, and none at others. `None` where they do
/// not fit together.
pub(super) fn patched(whole: &Program, part: &Program, hosts: &HashSet<Host>) -> Option<Program> {
    let names = |program: &Program| -> Vec<Arc<str>> {
        program.inputs.iter().map(|input| input.name.clone()).collect()
    };
    if whole.exprs.n_added() > MOST_ADDED || names(whole) != names(part) {
        return None;
    }
    let mut next = whole.clone();
    let mut moving = Moving::new(part, whole, &mut next);
    moving.recognize_routes();
    moving.recognize_hosts(hosts);

    let rows = rows(whole, part, hosts);
    let mut of_old: HashMap<u32, Option<RouteId>> = HashMap::new();
    let mut of_new: Vec<RouteId> = vec![RouteId(u32::MAX); part.routes.len()];
    for (row, at) in rows.iter().zip(0..) {
        match *row {
            Row::Old(old) if old == at => {}
            Row::Old(old) => drop(of_old.insert(old, Some(RouteId(at)))),
            Row::New(new) => *of_new.get_mut(new as usize)? = RouteId(at),
        }
    }
    let at_hosts = |route: &Route| route.hosts.iter().any(|(host, _)| hosts.contains(host));
    for (route, old) in whole.routes.iter().zip(0..) {
        if at_hosts(route) {
            of_old.insert(old, None);
        }
    }
    let old = |id: RouteId| of_old.get(&id.0).copied().unwrap_or(Some(id));
    let new = |id: RouteId| of_new.get(id.0 as usize).copied();

    next.routes.truncate(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let route = match *row {
            Row::Old(old) if old as usize == at => continue,
            Row::Old(old) => whole.routes.get(old as usize)?.clone(),
            Row::New(new) => {
                let route = moving.route(part.routes.get(new as usize)?)?;
                // What is what it was is the same memory.
                if whole.routes.get(at).is_some_and(|known| known.is_alike(&route)) {
                    continue;
                }
                Arc::new(route)
            }
        };
        next.routes.put(at, route);
    }
    let both = |pair: &(RouteId, RouteId), of: &dyn Fn(RouteId) -> Option<RouteId>| {
        Some((of(pair.0)?, of(pair.1)?))
    };
    next.before = whole.before.iter().filter_map(|pair| both(pair, &old)).collect();
    next.before.extend(part.before.iter().filter_map(|pair| both(pair, &new)));

    if part.listeners.iter().any(|one| whole.listener(&one.name).is_none()) {
        return None;
    }
    for listener in &mut next.listeners {
        let known = part.listeners.iter().find(|one| one.name == listener.name);
        if known.is_some_and(|known| known.block != listener.block) {
            return None;
        }
        put(listener, known, hosts, &mut moving, &new)?;
        if of_old.values().any(Option::is_some) {
            renumber(listener, hosts, &old)?;
        }
    }
    moving.finish(&mut next);
    Some(next)
}

/// Who stands where: routes that stay keep their number, one of the part has that of the route of its name, and where one
/// is missing then, the last one moves there.
fn rows(whole: &Program, part: &Program, hosts: &HashSet<Host>) -> Vec<Row> {
    let mut by_name: HashMap<&str, u32> =
        part.routes.iter().map(|route| &*route.name).zip(0..).collect();
    let mut rows: Vec<Option<Row>> = Vec::with_capacity(whole.routes.len());
    for (route, at) in whole.routes.iter().zip(0..) {
        let goes = route.hosts.iter().any(|(host, _)| hosts.contains(host));
        rows.push(match goes {
            false => Some(Row::Old(at)),
            true => by_name.remove(&*route.name).map(Row::New),
        });
    }
    let is_left = |route: &Arc<Route>| by_name.contains_key(&*route.name);
    let left = part.routes.iter().zip(0..).filter(|(route, _)| is_left(route));
    let mut left: Vec<Row> = left.map(|(_, at)| Row::New(at)).collect();
    left.reverse();
    rows.iter_mut().filter(|row| row.is_none()).for_each(|row| *row = left.pop());
    rows.extend(left.into_iter().rev().map(Some));
    let mut at = 0;
    while at < rows.len() {
        match rows.get(at) {
            Some(None) => drop(rows.swap_remove(at)),
            _ => at += 1,
        }
    }
    rows.into_iter().flatten().collect()
}

/// Puts the part's hosts in the place of those that were there. `None` if none is left.
fn put(
    listener: &mut Listener,
    part: Option<&Listener>,
    hosts: &HashSet<Host>,
    moving: &mut Moving<'_>,
    new: &dyn Fn(RouteId) -> Option<RouteId>,
) -> Option<()> {
    let table = &mut listener.hosts;
    for host in hosts {
        let known = part.and_then(|part| part.hosts.list.get(part.hosts.place(host)?));
        match (table.place(host), known) {
            (Some(place), Some(known)) => {
                let made = moving.host(known, new)?;
                let old = table.list.get_mut(place)?;
                if let Some(made) = made.apart(old) {
                    *old = Arc::new(made);
                }
            }
            (None, Some(known)) => table.add(Arc::new(moving.host(known, new)?)),
            (Some(place), None) => table.remove(place),
            (None, None) => {}
        }
    }
    (!table.list.is_empty()).then_some(())
}

/// Writes the numbers that routes have now where one of them has another.
fn renumber(
    listener: &mut Listener,
    hosts: &HashSet<Host>,
    old: &dyn Fn(RouteId) -> Option<RouteId>,
) -> Option<()> {
    for host in listener.hosts.list.iter_mut().filter(|host| !hosts.contains(&host.host)) {
        if host.candidates.iter().all(|one| old(one.route) == Some(one.route)) {
            continue;
        }
        for candidate in Arc::make_mut(host).candidates.iter_mut() {
            candidate.route = old(candidate.route)?;
        }
    }
    Some(())
}

/// Expressions and slots on their way from the part to the whole.
struct Moving<'p> {
    part: &'p Program,
    whole: &'p Program,
    /// The number of each slot of the part in the whole.
    slots: Vec<SlotId>,
    exprs: HashMap<ExprId, ExprId>,
    first: usize,
    added: Vec<Expr>,
}

impl<'p> Moving<'p> {
    fn new(part: &'p Program, whole: &'p Program, next: &mut Program) -> Moving<'p> {
        let slots = part.slots.iter().map(|slot| {
            let same = |known: &crate::frame::Slot| {
                (&known.field, &known.key, &known.ty, known.stable)
                    == (&slot.field, &slot.key, &slot.ty, slot.stable)
            };
            let at = next.slots.iter().position(same).unwrap_or_else(|| {
                next.slots.push(slot.clone());
                next.slots.len() - 1
            });
            SlotId(at as u32)
        });
        let slots = slots.collect();
        let first = whole.exprs.len();
        Moving { part, whole, slots, exprs: HashMap::new(), first, added: Vec::new() }
    }

    /// Finds what routes of the same name compute in both.
    fn recognize_routes(&mut self) {
        let exprs = |route: &Route| -> Vec<ExprId> {
            let conditions = route.conditions.iter().map(|(condition, _)| *condition);
            conditions.chain(route.steps.iter().flat_map(Step::exprs)).collect()
        };
        let names: HashSet<&str> = self.part.routes.iter().map(|route| &*route.name).collect();
        let old = self.whole.routes.iter().filter(|route| names.contains(&*route.name));
        let old: HashMap<&str, &Arc<Route>> = old.map(|route| (&*route.name, route)).collect();
        for route in &self.part.routes {
            let Some(old) = old.get(&*route.name) else { continue };
            for (new, old) in exprs(route).into_iter().zip(exprs(old)) {
                self.recognize(new, old);
            }
        }
    }

    /// The same for what their candidates test.
    fn recognize_hosts(&mut self, hosts: &HashSet<Host>) {
        for listener in &self.part.listeners {
            let old = self.whole.listeners.iter().find(|one| one.name == listener.name);
            let Some(old) = old else { continue };
            let found = |table: &'p Hosts, host| table.list.get(table.place(host)?);
            for host in hosts {
                if let (Some(new), Some(old)) =
                    (found(&listener.hosts, host), found(&old.hosts, host))
                {
                    self.recognize_host(new, old);
                }
            }
        }
    }

    fn recognize_host(&mut self, new: &'p VirtualHost, old: &'p VirtualHost) {
        fn by_route<'p>(
            program: &'p Program,
            host: &'p VirtualHost,
        ) -> impl Iterator<Item = ((&'p str, usize), &'p Candidate)> {
            let name = |one: &Candidate| program.route(one.route).map_or("", |route| &*route.name);
            host.candidates.iter().map(move |one| ((name(one), one.path), one))
        }
        let operands = |one: &Candidate| -> Vec<ExprId> {
            one.code.iter().flat_map(|test| test.kind.operands()).collect()
        };
        let old: HashMap<_, _> = by_route(self.whole, old).collect();
        for (name, new) in by_route(self.part, new) {
            let Some(old) = old.get(&name) else { continue };
            for (new, old) in operands(new).into_iter().zip(operands(old)) {
                self.recognize(new, old);
            }
        }
    }

    /// Whether an expression of the part is this one of the whole: then it keeps the number that it has there.
    fn recognize(&mut self, id: ExprId, old: ExprId) -> bool {
        if let Some(known) = self.exprs.get(&id) {
            return *known == old;
        }
        let known = self.whole.expr(old);
        let mut operands = Vec::new();
        known.each_operand(&mut |operand| operands.push(operand));
        let mut operands = operands.into_iter();
        let mut expr = self.part.expr(id).clone();
        let mut is_same = true;
        expr.each_operand_mut(&mut |operand| match operands.next() {
            Some(old) => {
                is_same &= self.recognize(*operand, old);
                *operand = old;
            }
            None => is_same = false,
        });
        self.place(&mut expr);
        is_same &= operands.next().is_none() && Key::of(&expr) == Key::of(known);
        if is_same {
            self.exprs.insert(id, old);
        }
        is_same
    }

    /// Has it read the slot that the whole has.
    fn place(&self, expr: &mut Expr) {
        if let Expr::Slot(slot) = expr
            && let Some(known) = self.slots.get(slot.0 as usize)
        {
            *slot = *known;
        }
    }

    fn route(&mut self, route: &Route) -> Option<Route> {
        let mut route = route.clone();
        route.each_expr_mut(&mut |id| *id = self.expr(*id));
        let reads = route.reads.iter().map(|slot| self.slots.get(slot.0 as usize).copied());
        route.reads = reads.collect::<Option<_>>()?;
        route.reads.sort_unstable();
        Some(route)
    }

    fn host(
        &mut self,
        host: &VirtualHost,
        new: &dyn Fn(RouteId) -> Option<RouteId>,
    ) -> Option<VirtualHost> {
        let mut host = host.clone();
        host.each_expr_mut(&mut |id| *id = self.expr(*id));
        for candidate in host.candidates.iter_mut() {
            candidate.route = new(candidate.route)?;
        }
        Some(host)
    }

    /// The number of an expression of the part in the whole. Operands come before their users, as they did.
    fn expr(&mut self, id: ExprId) -> ExprId {
        if let Some(known) = self.exprs.get(&id) {
            return *known;
        }
        let mut expr = self.part.expr(id).clone();
        expr.each_operand_mut(&mut |operand| *operand = self.expr(*operand));
        self.place(&mut expr);
        let now = ExprId((self.first + self.added.len()) as u32);
        self.added.push(expr);
        self.exprs.insert(id, now);
        now
    }

    fn finish(self, whole: &mut Program) {
        whole.exprs.add(self.added);
    }
}
