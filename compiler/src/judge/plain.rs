//! The plain evaluator: every route of the typed policy is asked, pattern by pattern and condition by condition, with
//! nothing of the compiler's but the rank of routes whose host and path do not say which comes first.

use std::collections::HashMap;
use std::sync::Arc;

use lang::Value;
use lang::eval::{World, eval};
use lang::hosts::{host_holds, host_relation};
use lang::policy::{Host, InputId, LocalId, Path, Policy, Route};
use lang::segment::{Relation, Segments, captures, path_relation, split};
use lang::vocab::Field;

use super::{Request, answered, nobody, not_allowed};
use crate::matcher::Matcher;
use crate::program::{ListenerId, Program};

/// The routes of each listener at each of their hosts and paths.
pub(super) struct Places<'p> {
    program: &'p Program,
    of: Vec<Vec<Place<'p>>>,
}

#[derive(Clone, Copy)]
struct Place<'p> {
    route: &'p Route,
    host: &'p Host,
    path: &'p Path,
    rank: u32,
}

impl<'p> Places<'p> {
    pub(super) fn new(policy: &'p Policy, program: &'p Program) -> Places<'p> {
        let of = program.listeners.iter().map(|listener| {
            let mut ranks: HashMap<(&Host, u32, usize), u32> = HashMap::new();
            for host in &listener.hosts.list {
                for one in &host.candidates {
                    ranks.insert((&host.host, one.route.0, one.path), one.rank);
                }
            }
            let mut places = Vec::new();
            for (number, route) in policy.routes.iter().enumerate() {
                if !route.listeners.contains(&listener.block) {
                    continue;
                }
                for (host, _) in &route.hosts {
                    for (at, (path, _)) in route.paths.iter().enumerate() {
                        let rank = ranks.get(&(host, number as u32, at)).copied();
                        let rank = rank.unwrap_or(u32::MAX);
                        places.push(Place { route, host, path, rank });
                    }
                }
            }
            places
        });
        Places { program, of: of.collect() }
    }

    /// What the policy says of a request.
    pub(super) fn decide(&self, matcher: &Matcher, on: ListenerId, request: &Request) -> String {
        let places = self.of.get(on.0 as usize).map_or(&[][..], Vec::as_slice);
        let mut best: Option<Place<'_>> = None;
        let mut methods: Vec<Arc<str>> = Vec::new();
        let segments: Vec<&str> = split(&request.path).collect();
        for place in places {
            if !host_holds(place.host, &request.host) || !path_holds(place.path, &segments) {
                continue;
            }
            let world = Reading {
                program: self.program,
                matcher,
                request,
                path: place.path,
                segments: &segments,
            };
            if !place.route.conditions.iter().all(|condition| eval(condition, &world).is_true()) {
                continue;
            }
            match &place.route.methods {
                Some((wanted, _)) if !wanted.iter().any(|one| **one == *request.method) => {
                    methods.extend(wanted.iter().cloned());
                }
                _ if best.is_none_or(|best| is_before(place, &best)) => best = Some(*place),
                _ => {}
            }
        }
        if let Some(place) = best {
            let found = captures(place.path).into_iter().map(|(name, at, kind)| {
                (name, segments.get(at).map(|text| kind.value(text)).unwrap_or_default())
            });
            return answered(&place.route.name, &found.collect::<Vec<_>>());
        }
        methods.sort_unstable();
        methods.dedup();
        if methods.is_empty() {
            nobody()
        } else {
            not_allowed(&methods.iter().map(|name| &**name).collect::<Vec<_>>())
        }
    }
}

/// Whether a place is tried before another: the narrower host, then the narrower path, then as the program ranks them.
fn is_before(place: &Place<'_>, other: &Place<'_>) -> bool {
    match host_relation(place.host, other.host) {
        Relation::Inside => true,
        Relation::Around => false,
        _ => match path_relation(place.path, other.path) {
            Relation::Inside => true,
            Relation::Around => false,
            _ => place.rank < other.rank,
        },
    }
}

fn path_holds(path: &Path, segments: &[&str]) -> bool {
    let wanted = path.segments.len();
    let long_enough = if path.rest { segments.len() >= wanted } else { segments.len() == wanted };
    long_enough
        && path
            .segments
            .iter()
            .zip(segments)
            .all(|(pattern, segment)| Segments::of(pattern).holds(segment))
}

/// A request as a typed expression reads it.
struct Reading<'r> {
    program: &'r Program,
    matcher: &'r Matcher,
    request: &'r Request,
    path: &'r Path,
    segments: &'r [&'r str],
}

impl World for Reading<'_> {
    fn input(&self, input: InputId) -> Value {
        self.matcher.inputs().get(input.0 as usize).cloned().unwrap_or_default()
    }

    fn field(&self, field: &'static Field, key: Option<&str>) -> Value {
        match (field.path, self.program.slot_of(field.path, key)) {
            (_, Some(slot)) => self.request.slots.get(slot.0 as usize).cloned().unwrap_or_default(),
            // The compiler may have found that it need not be read.
            ("req.host", _) => Value::string(&*self.request.host),
            ("req.path", _) => Value::string(&*self.request.path),
            ("req.method", _) => Value::Method(Arc::from(&*self.request.method)),
            _ => Value::Absent,
        }
    }

    fn capture(&self, name: &str) -> Value {
        let found = captures(self.path).into_iter().find(|(known, ..)| **known == *name);
        found.and_then(|(_, at, kind)| Some(kind.value(self.segments.get(at)?))).unwrap_or_default()
    }

    fn local(&self, _: LocalId) -> Value {
        Value::Absent
    }
}
