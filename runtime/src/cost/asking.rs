//! Which routes lead to requests of the gateway's own: the keys of tokens are fetched before it is known who asks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use compiler::program::{Candidate, Route, Step};
use lang::hosts::host_relation;
use lang::policy::{Host, Path};
use lang::segment::{Relation, path_relation};
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;

use crate::auth::Auth;
use crate::engine::Engine;

/// The places at which routes ask who is there to be chosen, above which they are not told apart.
const MOST_ASKERS: usize = 100;

/// Where routes stand that ask who is there: a host, a path, and the methods that they take.
type Place<'e> = (&'e Host, &'e Path, Option<&'e [Arc<str>]>);

/// Which routes lead to sub-requests: those that ask who is there, and those tried behind one that asks to be chosen.
pub(super) struct Asking {
    /// For each route the auths that it may ask, by place.
    asked: Vec<BTreeSet<usize>>,
    /// For each auth its sub-requests, and how long they are waited for.
    fetches: Vec<(usize, Duration)>,
}

impl Asking {
    pub(super) fn new(engine: &Engine) -> Asking {
        let program = engine.program();
        let auths = &engine.decider.auths;
        let fetches = auths.iter().map(Auth::fetches).collect();
        let of = |exprs: Vec<ExprId>| -> BTreeSet<usize> {
            let slots = program.reads(exprs).into_iter();
            let slots = slots.filter_map(|slot| program.slot(slot));
            let claims = slots.filter(|slot| *slot.field == *CLAIMS.path);
            let names = claims.filter_map(|slot| slot.key.clone());
            names.filter_map(|name| auths.iter().position(|auth| *auth.name() == name)).collect()
        };
        let chosen = |route: &Route| of(route.conditions.iter().map(|(asks, _)| *asks).collect());
        let mut asked: Vec<BTreeSet<usize>> = Vec::new();
        for route in &program.routes {
            let mut own = chosen(route);
            own.extend(of(route.steps.iter().flat_map(Step::exprs).collect()));
            asked.push(own);
        }
        for listener in program.listeners.iter().filter(|_| !auths.is_empty()) {
            let hosts = listener.hosts.list.iter();
            let all = || {
                hosts.clone().flat_map(|host| host.candidates.iter().map(move |one| (host, one)))
            };
            let path = |one: &Candidate| Some(&program.route(one.route)?.paths.get(one.path)?.0);
            // Many ask the same at the same place. Of those it counts who is tried first.
            let mut askers: HashMap<Place<'_>, BTreeMap<usize, u32>> = HashMap::new();
            for (host, one) in all() {
                let (Some(path), Some(route)) = (path(one), program.route(one.route)) else {
                    continue;
                };
                let chosen =
                    if route.conditions.is_empty() { BTreeSet::new() } else { chosen(route) };
                for auth in chosen {
                    let at = askers.entry((&host.host, path, one.methods.as_deref())).or_default();
                    let first = at.entry(auth).or_insert(one.rank);
                    *first = one.rank.min(*first);
                }
            }
            // Of very many it is enough to know that somebody asks: a bound may be too high.
            let is_many = askers.len() > MOST_ASKERS;
            let anybody: BTreeSet<usize> =
                askers.values().flat_map(|auths| auths.keys().copied()).collect();
            for (host, one) in all().filter(|_| !askers.is_empty()) {
                let Some(path) = path(one) else { continue };
                let Some(asked) = asked.get_mut(one.route.0 as usize) else { continue };
                if is_many {
                    asked.extend(&anybody);
                    continue;
                }
                // Who is tried later asks nothing of a request that this one answers.
                for ((at, asker, methods), auths) in &askers {
                    let narrower = match host_relation(at, &host.host) {
                        Relation::Inside => true,
                        Relation::Equal => false,
                        _ => continue,
                    };
                    let takes = methods.zip(one.methods.as_deref());
                    let meets = path_relation(asker, path) != Relation::Disjoint
                        && takes.is_none_or(|(a, b)| a.iter().any(|method| b.contains(method)));
                    let before = auths.iter().filter(|(_, rank)| narrower || **rank < one.rank);
                    asked.extend(before.filter(|_| meets).map(|(auth, _)| *auth));
                }
            }
        }
        Asking { asked, fetches }
    }

    /// The sub-requests of a route, and how long they are waited for.
    pub(super) fn of(&self, route: usize) -> (usize, Duration) {
        let auths = self.asked.get(route).into_iter().flatten();
        let fetches = auths.filter_map(|auth| self.fetches.get(*auth));
        fetches.fold((0, Duration::ZERO), |(n, wait), (more, longer)| {
            (n + more, wait.saturating_add(*longer))
        })
    }
}
