//! Requests made up for a program: each is aimed at one of its candidates (at its host, path, method, and the constants
//! that its conditions compare with) and then missed a little; some are the solver's, near such a one.

use std::collections::BTreeSet;
use std::sync::Arc;

use lang::policy::{Host, Path, Policy};
use lang::segment::Segments;
use lang::vocab::ExprId;
use lang::{Ty, Value};

use super::Request;
use super::values::{Chance, beside_text, parts, value};
use crate::change::{Wish, arriving_at};
use crate::frame::{Ask, Frame};
use crate::matcher::Matcher;
use crate::program::{Candidate, Expr, ListenerId, Program, RouteId};
use crate::space::{Fact, settled};

/// One request in so many is the solver's, while it is quick.
const SOLVED: usize = 16;

/// The most requests that the solver is asked for.
const MOST_SOLVED: usize = 500;

/// Makes requests for a program.
pub(super) struct Maker<'p> {
    program: &'p Program,
    policy: &'p Policy,
    /// What holds of every request, by listener.
    arriving: Vec<Vec<Fact>>,
    chance: Chance,
    /// What may be aimed at: a listener, a place among its hosts, a candidate of it.
    aims: Vec<(ListenerId, usize, usize)>,
    /// Near what each route's conditions tell values apart.
    near: Vec<Vec<Value>>,
    /// Near what any does.
    all: Vec<Value>,
    /// Names that documents are looked into with.
    names: Vec<Arc<str>>,
    solved: usize,
}

impl<'p> Maker<'p> {
    pub(super) fn new(policy: &'p Policy, program: &'p Program, seed: u64) -> Maker<'p> {
        let arriving = program.listeners.iter().map(|table| arriving_at(policy, &table.name));
        let arriving = arriving.collect();
        let mut aims = Vec::new();
        for (at, listener) in program.listeners.iter().enumerate() {
            for (place, host) in listener.hosts.list.iter().enumerate() {
                let candidates = 0..host.candidates.len();
                aims.extend(candidates.map(|one| (ListenerId(at as u32), place, one)));
            }
        }
        let constants = |roots: Vec<ExprId>| {
            let mut found = Vec::new();
            for id in beneath(program, roots) {
                match program.expr(id) {
                    Expr::Const(value) => parts(value, &mut found),
                    Expr::Input(input) => {
                        let input = program.inputs.get(input.0 as usize);
                        let default = input.and_then(|input| input.default.as_ref());
                        default.into_iter().for_each(|value| parts(value, &mut found));
                    }
                    Expr::Match(_, arms) => {
                        let patterns = arms.iter().flat_map(|arm| arm.patterns.iter().flatten());
                        patterns.for_each(|value| parts(value, &mut found));
                    }
                    _ => {}
                }
            }
            found
        };
        let near: Vec<Vec<Value>> = program
            .routes
            .iter()
            .map(|route| constants(route.conditions.iter().map(|(id, _)| *id).collect()))
            .collect();
        let names = program.exprs.iter().filter_map(|expr| match expr {
            Expr::Member(_, name) => Some(name.clone()),
            _ => None,
        });
        let names = names.collect();
        let all = near.iter().flatten().cloned().collect();
        Maker { program, policy, arriving, chance: Chance(seed), aims, near, all, names, solved: 0 }
    }

    /// A value for each input without a default.
    pub(super) fn inputs(&mut self) -> Vec<Value> {
        let Maker { program, chance, all, names, .. } = self;
        let value = |input: &lang::policy::Input| match (&input.default, &input.ty) {
            (Some(_), _) | (_, Ty::Secret | Ty::Optional(_)) => Value::Absent,
            (None, ty) => value(ty, all, names, chance),
        };
        program.inputs.iter().map(value).collect()
    }

    /// The next request and where it comes to; none where nothing answers anything.
    pub(super) fn next(&mut self, matcher: &Matcher, at: usize) -> Option<(ListenerId, Request)> {
        // The first ones aim at each candidate in turn.
        let aim = if at < self.aims.len() { at } else { self.chance.below(self.aims.len()) };
        let (listener, host, candidate) = *self.aims.get(aim)?;
        let program = self.program;
        let table = &program.listeners.get(listener.0 as usize)?.hosts.list;
        let (pattern, candidate) = {
            let host = table.get(host)?;
            (&host.host, host.candidates.get(candidate)?)
        };
        let mut request = self.aimed(pattern, candidate);
        if at.is_multiple_of(SOLVED) && self.solved < MOST_SOLVED {
            self.solved += 1;
            solve(matcher, self.policy, listener, candidate.route, &mut request);
        }
        self.settle(listener, &mut request);
        Some((listener, request))
    }

    fn aimed(&mut self, host: &Host, candidate: &Candidate) -> Request {
        let program = self.program;
        let route = program.route(candidate.route);
        let path = route.and_then(|route| route.paths.get(candidate.path));
        let method = match (candidate.methods.as_deref(), self.chance.below(6)) {
            (Some(methods), 1..) => self.chance.pick(methods).map(|one| one.to_string()),
            (_, at) => ["GET", "POST", "HEAD", "PUT", "BREW", "get"].get(at).map(|&m| m.to_owned()),
        };
        let mut request = Request {
            method: method.unwrap_or_default(),
            host: self.host(host),
            path: path.map_or_else(|| "/".to_owned(), |(path, _)| self.path(path)),
            slots: Vec::with_capacity(program.slots.len()),
        };
        let own = self.near.get(candidate.route.0 as usize).map_or(&[][..], Vec::as_slice);
        for slot in &program.slots {
            let near = if own.is_empty() || self.chance.once_in(6) { &self.all } else { own };
            request.slots.push(value(&slot.ty, near, &self.names, &mut self.chance));
        }
        request
    }

    fn host(&mut self, host: &Host) -> String {
        let made = match host {
            Host::Any => ["other.example", "", "a.b.c", "x"][self.chance.below(4)].to_owned(),
            Host::Exact(name) => name.to_string(),
            Host::OneLabel(suffix) => format!("w.{suffix}"),
            Host::Labels(suffix) => {
                format!("{}.{suffix}", ["w", "v.w", "a.b.c"][self.chance.below(3)])
            }
        };
        match self.chance.below(12) {
            0 => format!("w.{made}"),
            1 => made.split_once('.').map_or("", |(_, rest)| rest).to_owned(),
            2 => beside_text(&made, &mut self.chance).to_lowercase(),
            _ => made,
        }
    }

    fn path(&mut self, pattern: &Path) -> String {
        let texts: Vec<Arc<str>> = self
            .all
            .iter()
            .filter_map(|value| value.as_str().map(Arc::from))
            .filter(|text: &Arc<str>| !text.is_empty() && !text.contains('/'))
            .take(256)
            .collect();
        let mut path = String::new();
        for segment in &pattern.segments {
            path.push('/');
            match Segments::of(segment) {
                Segments::Int => {
                    let number = value(&Ty::Int, &self.all, &[], &mut self.chance);
                    path.push_str(&number.to_string());
                }
                Segments::Words(words) => {
                    path.push_str(self.chance.pick(&words).map_or("", |word| word));
                }
                Segments::Any if !texts.is_empty() && !self.chance.once_in(3) => {
                    path.push_str(self.chance.pick(&texts).map_or("x", |text| text));
                }
                sample => path.push_str(sample.sample()),
            }
            if self.chance.once_in(24) {
                path.push('q');
            }
        }
        if pattern.rest {
            path.push_str(["", "/", "/a", "/a/b/c"][self.chance.below(4)]);
        }
        // Conditions on the whole path are met by what they name.
        let whole = self.all.iter().filter_map(Value::as_str).filter(|text| text.starts_with('/'));
        let whole: Vec<&str> = whole.take(256).collect();
        if self.chance.once_in(10)
            && let Some(text) = self.chance.pick(&whole)
        {
            path = (*text).to_owned();
        }
        match self.chance.below(16) {
            0 => path.push('/'),
            1 => path.push_str("/more"),
            2 => path.truncate(path.rfind('/').unwrap_or(0)),
            _ => {}
        }
        if path.starts_with('/') { path } else { "/".to_owned() }
    }

    /// What slots say of the head is what the head says, and what no request to the listener says is not said.
    fn settle(&self, listener: ListenerId, request: &mut Request) {
        let arriving = self.arriving.get(listener.0 as usize).map_or(&[][..], Vec::as_slice);
        for (slot, value) in self.program.slots.iter().zip(&mut request.slots) {
            match (&*slot.field, &slot.key) {
                ("req.host", None) => *value = Value::string(&*request.host),
                ("req.path", None) => *value = Value::string(&*request.path),
                ("req.method", None) => *value = Value::Method(Arc::from(&*request.method)),
                (field, None) => match settled(arriving, field) {
                    Some(settled) => *value = settled,
                    None => arriving.iter().for_each(|fact| hold(fact, field, value)),
                },
                _ => {}
            }
        }
    }
}

/// Makes of a field's value one for which the fact holds, which leaves more than one.
fn hold(fact: &Fact, field: &str, value: &mut Value) {
    match fact {
        Fact::Present(of, true) if *of == field && value.is_absent() => {
            *value = Value::string(if field == "conn.tls.version" { "1.3" } else { "CN=x" });
        }
        Fact::AtMost(of, most) if *of == field && *value > *most => *value = most.clone(),
        Fact::OneOf(of, words) if *of == field && !value.is_absent() && !words.contains(value) => {
            *value = words.first().cloned().unwrap_or_default();
        }
        _ => {}
    }
}

/// Makes the request one that the route answers, if the solver finds such a one.
fn solve(
    matcher: &Matcher,
    policy: &Policy,
    on: ListenerId,
    route: RouteId,
    request: &mut Request,
) {
    let ask = Ask { listener: on, head: request.head(), frame: &Frame::new(), fill: &*request };
    let wish = matcher.wish(&ask, route, Some(policy));
    let Wish::Changed(changes) = wish else { return };
    let Some(change) = changes.into_iter().next() else { return };
    request.method = change.method.to_string();
    request.host = change.host.to_string();
    if !change.same_path {
        request.path = change.path;
    }
    for (slot, value) in change.slots.into_iter().chain(change.who) {
        if let Some(place) = request.slots.get_mut(slot.0 as usize) {
            *place = value;
        }
    }
}

/// These expressions and all their parts, each once.
fn beneath(program: &Program, roots: Vec<ExprId>) -> Vec<ExprId> {
    let parts: BTreeSet<ExprId> = program.walk(roots, &[]).map(|(id, _)| id).collect();
    parts.into_iter().collect()
}
