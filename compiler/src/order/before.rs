//! Lines of `before` that decided nothing: superfluous, or against a rule.

use std::collections::{BTreeSet, HashSet};

use lang::Span;
use lang::policy::{Host, RouteId};

use crate::order::cells::{Cell, Place};
use crate::order::compare::{self, Verdict};
use crate::order::standing::{By, Standing};
use crate::order::{Findings, Ordered, Places, report};
use lang::hosts::host_relation;
use lang::segment::{Relation, common_path, path_relation};

/// Says of each line of `before` that decided nothing why it did not.
pub(crate) fn check(
    places: &Places<'_>,
    listeners: &[(usize, Vec<Ordered>)],
    findings: &mut Findings,
) {
    let mut seen = HashSet::new();
    let blamed = findings.blamed.clone();
    for (at, line) in places.policy.before.iter().enumerate() {
        let told = !seen.insert((line.first, line.second));
        if findings.used.contains(&at) && !told {
            continue;
        }
        if line.first == line.second {
            report::circular(places, &[at], findings);
            continue;
        }
        let standings = standings(places, listeners, line.first, line.second);
        let behind = standings.iter().find_map(|standing| match standing {
            Standing::Behind(by) => Some(*by),
            _ => None,
        });
        match behind {
            Some(by) if !told => report::contrary(places, at, by, findings),
            // Equal routes are reported as such; of others that something was said of, a line may matter once it is mended.
            _ if standings.contains(&Standing::Same) && !told => {}
            _ if blamed.contains(&line.first) || blamed.contains(&line.second) => {}
            _ => report::idle(places, at, &standings, told, findings),
        }
    }
}

/// How the routes stand to each other at each of their hosts and paths.
fn standings(
    places: &Places<'_>,
    listeners: &[(usize, Vec<Ordered>)],
    first: RouteId,
    second: RouteId,
) -> BTreeSet<Standing> {
    let mut found = BTreeSet::new();
    let of = |route: RouteId| places.policy.routes.get(route.0 as usize);
    let (Some(a), Some(b)) = (of(first), of(second)) else { return found };
    let shared =
        listeners.iter().any(|(at, _)| a.listeners.contains(at) && b.listeners.contains(at));
    if !shared {
        return found;
    }
    for (a_host, _) in &a.hosts {
        for (b_host, _) in &b.hosts {
            let hosts = host_relation(a_host, b_host);
            // Where one of the two has another host in between, that is the one its requests are tried at.
            let nearer = |all: &[(Host, Span)], inner: &Host, outer: &Host| {
                let within = |host: &Host| host_relation(host, outer) == Relation::Inside;
                let holds = |host: &Host| {
                    matches!(host_relation(inner, host), Relation::Inside | Relation::Equal)
                };
                all.iter().any(|(host, _)| within(host) && holds(host))
            };
            let passed_by = match hosts {
                Relation::Inside => nearer(&b.hosts, a_host, b_host),
                Relation::Around => nearer(&a.hosts, b_host, a_host),
                _ => false,
            };
            if passed_by {
                continue;
            }
            for (a_at, (a_path, _)) in a.paths.iter().enumerate() {
                for (b_at, (b_path, _)) in b.paths.iter().enumerate() {
                    let paths = path_relation(a_path, b_path);
                    if hosts == Relation::Disjoint || paths == Relation::Disjoint {
                        found.insert(Standing::Apart);
                        continue;
                    }
                    let pair =
                        [Place { route: first, path: a_at }, Place { route: second, path: b_at }];
                    let narrow = if hosts == Relation::Around { b_host } else { a_host };
                    let common = common_path(a_path, b_path);
                    let meet =
                        common.map(|path| compare::across(places, &[], (narrow, &path), pair));
                    if let Some(Verdict::Decided(Relation::Disjoint, _)) = meet {
                        found.insert(Standing::Apart);
                        continue;
                    }
                    found.extend(match (hosts, paths) {
                        (Relation::Inside, _) => Some(Standing::Before(By::Host)),
                        (Relation::Around, _) => Some(Standing::Behind(By::Host)),
                        (_, Relation::Inside) => Some(Standing::Before(By::Path)),
                        (_, Relation::Around) => Some(Standing::Behind(By::Path)),
                        (_, Relation::Equal) => by_condition(places, a_host, a_path, pair),
                        _ => None,
                    });
                }
            }
        }
    }
    found
}

fn by_condition(
    places: &Places<'_>,
    host: &lang::policy::Host,
    path: &lang::policy::Path,
    pair: [Place; 2],
) -> Option<Standing> {
    let cell = Cell { path: path.clone(), kinds: Vec::new(), members: pair.to_vec() };
    let mut sets = compare::cell_sets(places, &[], host, &cell).ok()?;
    let pairs = compare::pairs(&mut sets)?;
    match pairs.first().map(|pair| pair.relation) {
        None => Some(Standing::Apart),
        Some(Ok(Relation::Inside)) => Some(Standing::Before(By::Condition)),
        Some(Ok(Relation::Around)) => Some(Standing::Behind(By::Condition)),
        Some(Ok(Relation::Equal)) => Some(Standing::Same),
        Some(_) => None,
    }
}
