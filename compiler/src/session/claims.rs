//! Claims that were proved of all requests, proved again where a change may have touched them.
//!
//! Which route takes a request for a host depends on the routes at hosts that have this one, and on nothing else. So where
//! no host of a changed route has it, everything is as it was, and every claim holds as it did.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lang::hosts::host_holds;
use lang::policy::{Assert, Claim, Host, Input, Policy, RouteId};

use super::facts::Places;
use crate::program::Program;
use crate::proof::{Spoken, hold_within};

/// What was proved of the last text in which nothing was wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    held: Vec<Held>,
    /// What expressions mean by the inputs' numbers.
    inputs: Vec<Arc<str>>,
}

#[derive(Clone, Debug)]
struct Held {
    assert: Assert,
    /// The listeners it speaks of, by name.
    listeners: Vec<Arc<str>>,
    /// The names of the routes that it speaks of.
    routes: Vec<(RouteId, Arc<str>)>,
    /// On what it hangs that it speaks of a request.
    by: By,
}

/// On what it hangs that there is a request of which a claim speaks.
#[derive(Clone, Debug)]
enum By {
    /// There is one whatever the routes are.
    Nothing,
    /// A route of this item takes one.
    Item(usize),
    /// No route takes one for this host.
    Host(Arc<str>),
    /// It is not known.
    All,
}

impl Claims {
    /// The asserts of a policy, which hold; `spoken` has a request of which each of them speaks. `None` if that is not so.
    pub(super) fn new(
        policy: &Policy,
        spoken: &[Option<Spoken>],
        place: &Places<'_>,
    ) -> Option<Claims> {
        if spoken.len() != policy.asserts.len() {
            return None;
        }
        let held = policy.asserts.iter().zip(spoken).map(|(assert, spoken)| {
            let mut routes = Vec::new();
            for claim in [&assert.of, &assert.expect] {
                names(claim, policy, &mut routes);
            }
            let block = |at: &usize| policy.blocks.get(*at).map(|block| block.name.clone());
            Some(Held {
                assert: assert.clone(),
                listeners: assert.listeners.iter().filter_map(block).collect(),
                routes,
                by: by(spoken.clone()?, policy, place)?,
            })
        });
        let inputs = policy.inputs.iter().map(name).collect();
        Some(Claims { held: held.collect::<Option<Vec<Held>>>()?, inputs })
    }

    /// Whether one of them speaks of a route that is called so, if only within its module.
    pub(super) fn name(&self, local: &str) -> bool {
        let is_it = |full: &str| {
            let module = full.strip_suffix(local);
            module.is_some_and(|module| module.is_empty() || module.ends_with('.'))
        };
        self.held.iter().flat_map(|held| &held.routes).any(|(_, full)| is_it(full))
    }

    /// Whether nothing is claimed.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The same claims of a policy in which routes at these hosts changed, if they hold of it. The policy has everything
    /// that is no route, and every route at a host that shares a request with one of these; `gone` are the items it lost.
    pub(super) fn again(
        &self,
        (policy, program): (&Policy, &Program),
        hosts: &[Host],
        gone: &HashSet<usize>,
        place: &Places<'_>,
    ) -> Option<Claims> {
        if !policy.inputs.iter().map(name).eq(self.inputs.iter().cloned()) {
            return None;
        }
        let routes: HashMap<&str, RouteId> =
            (0..).zip(&policy.routes).map(|(at, route)| (&*route.name, RouteId(at))).collect();
        let asserts: Option<Vec<Assert>> =
            self.held.iter().map(|held| held.moved(policy, &routes)).collect();
        let spoken = hold_within(policy, program, &asserts?, hosts)?;
        let mut claims = self.clone();
        for (held, spoken) in claims.held.iter_mut().zip(spoken) {
            let is_open = match &held.by {
                By::Nothing => false,
                By::Item(number) => gone.contains(number),
                By::Host(host) => hosts.iter().any(|touched| host_holds(touched, host)),
                By::All => true,
            };
            if is_open {
                // Whether it speaks of a request elsewhere is not known.
                held.by = by(spoken?, policy, place)?;
            }
        }
        Some(claims)
    }
}

impl Held {
    /// The assert as this policy's routes and listeners are numbered.
    fn moved(&self, policy: &Policy, routes: &HashMap<&str, RouteId>) -> Option<Assert> {
        let block = |name: &Arc<str>| {
            policy.blocks.iter().position(|b| b.row.name == "listener" && b.name == *name)
        };
        let listeners: Option<Vec<usize>> = self.listeners.iter().map(block).collect();
        let mut assert = Assert { listeners: listeners?, ..self.assert.clone() };
        let now = |id: RouteId| {
            let (_, name) = self.routes.iter().find(|(known, _)| *known == id)?;
            routes.get(&**name).copied()
        };
        for claim in [&mut assert.of, &mut assert.expect] {
            renumber(claim, &now);
        }
        Some(assert)
    }
}

fn name(input: &Input) -> Arc<str> {
    input.name.clone()
}

/// On what it hangs. `None` if the item with the route is not known.
fn by(spoken: Spoken, policy: &Policy, place: &Places<'_>) -> Option<By> {
    match spoken {
        Spoken::Anyhow => Some(By::Nothing),
        Spoken::Of(id) => place.number(policy.routes.get(id.0 as usize)?.item).map(By::Item),
        Spoken::Past(host) => Some(By::Host(host)),
        Spoken::Perhaps => Some(By::All),
    }
}

/// Notes the names of the routes of which a claim speaks.
fn names(claim: &Claim, policy: &Policy, into: &mut Vec<(RouteId, Arc<str>)>) {
    match claim {
        Claim::Route(Some(id)) => {
            let route = policy.routes.get(id.0 as usize);
            into.extend(route.map(|route| (*id, route.name.clone())));
        }
        Claim::Not(inner) => names(inner, policy, into),
        Claim::All(parts) | Claim::Any(parts) => {
            parts.iter().for_each(|part| names(part, policy, into));
        }
        _ => {}
    }
}

/// Writes the numbers that routes have now; one that is not there answers nothing.
fn renumber(claim: &mut Claim, now: &dyn Fn(RouteId) -> Option<RouteId>) {
    match claim {
        Claim::Route(Some(id)) => {
            *claim = now(*id).map_or(Claim::Any(Vec::new()), |id| Claim::Route(Some(id)));
        }
        Claim::Not(inner) => renumber(inner, now),
        Claim::All(parts) | Claim::Any(parts) => {
            parts.iter_mut().for_each(|part| renumber(part, now));
        }
        _ => {}
    }
}
