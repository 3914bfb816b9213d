//! Whether routes keep to their ground: those of a module inside what it owns, all others out of it, and no two modules
//! on the same. A broader route takes nothing from a module, because the narrower one is tried first.

use std::collections::HashSet;
use std::sync::Arc;

use super::context::{Context, Entry, ItemId};
use super::items::target_at;
use super::modules::{Grant, Team};
use super::names::listed;
use super::routes::Plan;
use crate::diag::Diag;
use crate::diag::contested_ground::contested_ground;
use crate::diag::foreign_ground::{Share, foreign_ground};
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::not_owned::{Owner, not_listening, not_owned, overstated, own_listener};
use crate::diag::unknown_name::unknown_name;
use crate::diag::wrong_kind::wrong_kind;
use crate::hosts::host_relation;
use crate::policy::module::place;
use crate::policy::{Ground, Host, Path, Route, Segment};
use crate::segment::{Relation, path_relation};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::vocab::nearest;

/// How many texts a capture may be taken apart into, to see whether each lies in some ground.
const APART: usize = 64;

/// What is wrong with the grants themselves.
pub(super) fn grants(cx: &mut Context<'_>) {
    let mut found = Vec::new();
    for (at, team) in cx.teams.iter().enumerate() {
        for other in cx.teams.iter().take(at) {
            let together = team.grant.listeners.iter().any(|id| other.grant.listeners.contains(id));
            let pair = team.grant.grounds.iter().find_map(|ground| {
                let meets = |known: &&Ground| known.meets(&ground.host, &ground.path);
                Some((ground, other.grant.grounds.iter().find(meets)?))
            });
            if let Some((ground, known)) = pair.filter(|_| together) {
                found.push(contested_ground(
                    (team.name, &ground.to_string(), ground.span),
                    (other.name, &known.to_string(), known.span),
                ));
            }
        }
        let Some(stated) = team.stated.as_ref().filter(|_| team.grant.sound) else { continue };
        let beyond =
            stated.grounds.iter().find(|own| !holds(&team.grant.grounds, &own.host, &own.path));
        if let Some(ground) = beyond {
            found.push(overstated(
                ground.span,
                team.name,
                &ground.to_string(),
                &shown(&team.grant),
            ));
        }
    }
    for item in cx.items.iter().filter(|item| item.keyword == Keyword::Listener) {
        let Some(team) = super::modules::owner(cx, item.unit) else { continue };
        // Checked by itself, a file may bring what it needs.
        if item.unit != 0 {
            found.push(own_listener(item.span, item.name, team.name, team.span));
        }
    }
    found.into_iter().for_each(|diag| cx.report(diag));
}

/// The module whose each route is, as a place among the modules; what does not keep to its ground is reported.
pub(super) fn routes(
    cx: &mut Context<'_>,
    plans: &[Plan<'_>],
    planned: &[Option<(&Route, &[ItemId])>],
) -> Vec<Option<usize>> {
    let brought = brought(cx);
    let mut owners = Vec::with_capacity(plans.len());
    for (plan, planned) in plans.iter().zip(planned) {
        let owner = brought.of(cx, plan);
        owners.push(owner);
        let within = within(cx, plan, owner);
        let Some((route, on)) = planned else { continue };
        let found = match owner {
            Some(team) => inside(cx, plan, (team, route, on)),
            None => outside(cx, plan, (route, on), &within),
        };
        found.into_iter().for_each(|diag| cx.report(diag));
    }
    owners
}

/// Which routes modules import from files that are nobody's, and which the first file imports.
#[derive(Default)]
struct Brought {
    by: Vec<(ItemId, Option<usize>)>,
}

impl Brought {
    /// A route belongs to the module whose file it stands in; one of a shared file to the module that brings it in, unless
    /// others do too.
    fn of(&self, cx: &Context<'_>, plan: &Plan<'_>) -> Option<usize> {
        if let Some(Some(team)) = cx.owners.get(plan.unit) {
            return Some(*team);
        }
        let mut by = self.by.iter().filter(|(id, _)| *id == plan.item).map(|(_, who)| *who);
        let first = by.next()??;
        by.all(|who| who == Some(first)).then_some(first)
    }
}

fn brought(cx: &Context<'_>) -> Brought {
    let mut brought = Brought::default();
    if cx.teams.is_empty() {
        return brought;
    }
    for (unit, of) in cx.units.iter().enumerate() {
        for item in ast::items(of.tree) {
            let ast::Item::Use(item) = item else { continue };
            let target = item.path().and_then(|path| target_at(cx, unit, path.span()));
            let Some(Ok(_)) = target else { continue };
            for name in item.names() {
                if let Some(id) = cx.routes.get(unit).and_then(|routes| routes.get(name.text)) {
                    brought.by.push((*id, cx.owners.get(unit).copied().flatten()));
                }
            }
        }
    }
    brought
}

/// The modules that a header names behind `within`; of nobody's routes only.
fn within(cx: &mut Context<'_>, plan: &Plan<'_>, owner: Option<usize>) -> Vec<usize> {
    let mut found = Vec::new();
    if cx.is_lent(plan.unit) {
        return found;
    }
    let site = plan.site.iter().flat_map(|site| site.within().collect::<Vec<_>>());
    let words: Vec<ast::Word<'_>> = plan.view.within().chain(site).collect();
    let mut reports: Vec<Diag> = Vec::new();
    for word in words {
        if let Some(team) = owner.and_then(|owner| cx.teams.get(owner)) {
            let diag = misplaced_clause(word.span, "within", "the file of a module");
            reports.push(
                diag.label(team.span, format!("this is a file of the module `{}`", team.name)),
            );
            continue;
        }
        if let Some(at) = cx.teams.iter().position(|team| team.name == word.text) {
            if let Some(Entry::Item(id)) = cx.entry(0, word.text) {
                cx.use_item(id, word.span);
            }
            found.push(at);
            continue;
        }
        if let Some(Entry::Item(id)) = cx.entry(plan.unit, word.text) {
            let (keyword, place) = (cx.item(id).keyword, cx.item(id).span);
            if keyword != Keyword::Unknown {
                let kind = super::context::kind_name(keyword);
                reports.push(wrong_kind(word.span, word.text, kind, "a module", place));
            }
            continue;
        }
        let near = nearest(word.text, cx.teams.iter().map(|team| team.name));
        let place =
            |near: &str| cx.teams.iter().find(|team| team.name == near).map(|team| team.span);
        reports.push(unknown_name(
            word.span,
            "module",
            word.text,
            near.map(|near| (near, place(near))),
        ));
    }
    for diag in reports {
        // A site's header is read with each of its routes.
        if !cx.diags.contains(&diag) {
            cx.report(diag);
        }
    }
    found
}

/// What a route of a module answers for beyond what the module owns.
fn inside(
    cx: &Context<'_>,
    plan: &Plan<'_>,
    (at, route, on): (usize, &Route, &[ItemId]),
) -> Option<Diag> {
    let team = cx.teams.get(at)?;
    let names = (&*route.name, team.name);
    // A listener that the module brings itself is told of by itself.
    let is_own = |id: &&ItemId| {
        super::modules::owner(cx, cx.item(**id).unit).map(|of| of.name) == Some(team.name)
    };
    let stray = on.iter().find(|id| !team.grant.listeners.contains(id) && !is_own(id));
    if let Some(listener) = stray.filter(|_| team.grant.sound) {
        let name = cx.item(*listener).name;
        let words =
            plan.view.on().chain(plan.site.iter().flat_map(|site| site.on().collect::<Vec<_>>()));
        let place = words.filter(|word| word.text == name).map(|word| word.span).next();
        return Some(not_listening(place.unwrap_or(route.span), names, name, team.span));
    }
    for grant in [Some(&team.grant), team.stated.as_ref()].into_iter().flatten() {
        if !grant.sound {
            continue;
        }
        for (host, host_place) in &route.hosts {
            for (path, path_place) in &route.paths {
                if holds(&grant.grounds, host, path) {
                    continue;
                }
                let other = cx.teams.iter().enumerate().find_map(|(other, team)| {
                    let ground =
                        team.grant.grounds.iter().find(|ground| ground.meets(host, path))?;
                    (other != at).then_some((team, ground))
                });
                let owner = match other {
                    _ if grant.grounds.iter().any(|ground| ground.meets(host, path)) => {
                        Owner::Partly
                    }
                    Some((team, ground)) => Owner::Module(team.name, ground.span),
                    None => Owner::Nobody,
                };
                let host_fits = grant.grounds.iter().any(|ground| {
                    matches!(host_relation(host, &ground.host), Relation::Equal | Relation::Inside)
                });
                // Of a route that says no host it may be that alone which is wrong.
                let hosts = if *host == Host::Any { hosts_for(grant, path) } else { Vec::new() };
                let is_path = host_fits || *host == Host::Any && hosts.is_empty();
                let span = if is_path { *path_place } else { *host_place };
                // The line that says which may be one that did not parse.
                let is_unsaid = span == route.span || !host_fits && *host_place == route.span;
                if is_unsaid && plan.is_broken() {
                    return None;
                }
                let diag = not_owned(span, names, &place(host, path), owner, &shown(grant));
                return Some(match hosts.is_empty() {
                    true => diag,
                    false => say_host(diag, plan, &hosts),
                });
            }
        }
    }
    None
}

/// The hosts on which a path is the module's.
fn hosts_for(grant: &Grant, path: &Path) -> Vec<Arc<str>> {
    let mut seen = HashSet::new();
    let hosts = grant.grounds.iter().map(|ground| &ground.host).filter(|host| seen.insert(*host));
    let hosts = hosts.filter(|host| holds(&grant.grounds, host, path));
    hosts.map(|host| Arc::from(host.to_string())).collect()
}

/// A route without a host answers on every one: it says which of the module's it means.
fn say_host(diag: Diag, plan: &Plan<'_>, hosts: &[Arc<str>]) -> Diag {
    let head: &ast::Head<'_> = match &plan.site {
        Some(site) => site,
        None => &plan.view,
    };
    let named = listed(hosts);
    let diag = diag
        .help(format!("without a `host` line it answers on every host; {named} is the module's"));
    match (hosts, head.block()) {
        ([host], Some(block)) => {
            let at =
                Span { start: block.span().start + 1, end: block.span().start + 1, ..block.span() };
            diag.suggest(format!("say `host \"{host}\"`"), at, format!(" host \"{host}\";"))
        }
        _ => diag,
    }
}

/// What a route that is nobody's takes from a module.
fn outside(
    cx: &Context<'_>,
    plan: &Plan<'_>,
    (route, on): (&Route, &[ItemId]),
    within: &[usize],
) -> Option<Diag> {
    for (at, team) in cx.teams.iter().enumerate() {
        if !team.grant.listeners.iter().any(|id| on.contains(id)) {
            continue;
        }
        for ground in &team.grant.grounds {
            for (host, host_place) in &route.hosts {
                for (path, path_place) in &route.paths {
                    let hosts = host_relation(host, &ground.host);
                    let paths = path_relation(path, &ground.path);
                    let is_free = match (hosts, paths) {
                        (Relation::Disjoint, _) | (_, Relation::Disjoint) => true,
                        // What is broader is tried after whatever the module answers.
                        (Relation::Around, _) | (Relation::Equal, Relation::Around) => true,
                        _ => false,
                    };
                    if is_free {
                        continue;
                    }
                    let share = share(plan, route, hosts.and(paths));
                    if matches!(share, Share::Part(_)) && within.contains(&at) {
                        continue;
                    }
                    let is_path = path_place != &route.span;
                    let span = if is_path { *path_place } else { *host_place };
                    let claim = (&*route.name, &*place(host, path));
                    let owner = (team.name, &*ground.to_string(), ground.span);
                    return Some(foreign_ground(span, claim, owner, share));
                }
            }
        }
    }
    None
}

fn share(plan: &Plan<'_>, route: &Route, relation: Relation) -> Share {
    let is_narrowed = !route.conditions.is_empty() || route.methods.is_some();
    match relation {
        Relation::Equal if !is_narrowed => Share::All,
        Relation::Equal | Relation::Inside => {
            let header = plan.view.clauses().last().map(|(_, span)| span);
            let name = plan.view.name().map(|name| name.span);
            let behind = header.or(name).unwrap_or(route.span);
            Share::Part(Span { start: behind.end, ..behind })
        }
        _ => Share::Across,
    }
}

/// Whether all of these requests lie in grounds. A capture of few texts is taken apart, and so is what is beneath a path:
/// each part may lie in another one.
fn holds(grounds: &[Ground], host: &Host, path: &Path) -> bool {
    if grounds.iter().any(|ground| ground.holds(host, path)) {
        return true;
    }
    let mut open = vec![path.clone()];
    let mut n_parts = 0;
    while let Some(path) = open.pop() {
        n_parts += 1;
        if grounds.iter().any(|ground| ground.holds(host, &path)) {
            continue;
        }
        if n_parts >= APART {
            return false;
        }
        let words = path.segments.iter().enumerate().find_map(|(at, segment)| match segment {
            Segment::Capture(_, Ty::OneOf(words)) => Some((at, words.clone())),
            _ => None,
        });
        let is_deeper = |ground: &Ground| ground.path.segments.len() > path.segments.len();
        match words {
            Some((at, words)) => open.extend(words.iter().map(|word| {
                let mut part = path.clone();
                if let Some(segment) = part.segments.get_mut(at) {
                    *segment = Segment::Literal(word.clone());
                }
                part
            })),
            // The path itself, with a slash behind it, and with a segment more.
            None if path.rest && grounds.iter().any(is_deeper) => {
                let segment = Segment::Capture("x".into(), Ty::String);
                let with = |last: Option<Segment>, rest| Path {
                    segments: path.segments.iter().cloned().chain(last).collect(),
                    rest,
                };
                open.push(with(None, false));
                open.push(with(Some(Segment::Literal("".into())), false));
                open.push(with(Some(segment), true));
            }
            None => return false,
        }
    }
    true
}

/// Grounds as a sentence says them, with their places.
fn shown(grant: &Grant) -> Vec<(String, Span)> {
    grant.grounds.iter().map(|ground| (ground.to_string(), ground.span)).collect()
}

/// The modules of a policy, for those that read it.
pub(super) fn modules(
    teams: &[Team<'_>],
    source: impl Fn(usize) -> Option<crate::SourceId>,
    listener: impl Fn(ItemId) -> Option<usize>,
) -> Vec<crate::policy::Module> {
    let modules = teams.iter().map(|team| crate::policy::Module {
        name: team.name.into(),
        listeners: team.grant.listeners.iter().filter_map(|id| listener(*id)).collect(),
        grounds: team.grant.grounds.clone(),
        files: team.units.iter().filter_map(|unit| source(*unit)).collect(),
        closed: team.closed,
        unjudged: team.unjudged.clone(),
        span: team.span,
        item: team.view.span(),
    });
    modules.collect()
}
