//! Which routes are tried before others by their own word: what the names behind `before` mean, and the lines that come of
//! it.

use std::collections::HashMap;

use super::context::{Context, Entry, ItemId};
use super::erase;
use super::index::Meaning;
use super::routes::Plan;
use crate::diag::unknown_name::unknown_name;
use crate::diag::wrong_kind::wrong_kind;
use crate::diag::wrong_order::wrong_order;
use crate::policy::{Before, RouteId};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::vocab::nearest;

/// Routes by the names that they have.
struct Names<'p> {
    /// By file and name there: the first that has it.
    own: HashMap<(usize, &'p str), usize>,
    /// By the item and the name in it, for files that import that.
    items: HashMap<(ItemId, &'p str), usize>,
    /// Those of modules, by their names in the policy.
    of_modules: HashMap<&'p str, usize>,
}

/// The edges that `before` adds, among the routes of the policy.
pub(super) fn order(
    cx: &mut Context<'_>,
    plans: &[Plan<'_>],
    ids: &[Option<RouteId>],
) -> Vec<Before> {
    let mut edges = Vec::new();
    if plans.iter().all(|plan| plan.view.before().next().is_none()) {
        return edges;
    }
    let names = Names::of(cx, plans);
    for (plan, id) in plans.iter().zip(ids) {
        for word in plan.view.before() {
            let Some(at) = names.meant(cx, plan, word.text) else {
                unknown(cx, plans, &names, plan, word);
                continue;
            };
            if let Some(definition) = plans.get(at).and_then(|other| other.definition) {
                cx.note(word.span, Meaning::Definition(definition));
            }
            let second = ids.get(at).copied().flatten();
            if plans.get(at).is_some_and(|other| other.name == plan.name) {
                let message = format!("`{}` cannot come before itself", plan.name);
                let diag = wrong_order(word.span, message, "this is the route itself");
                let whole = line_of_before(cx, &plan.view, word.span);
                cx.report(diag.suggest("remove it", whole, ""));
            } else if let (Some(first), Some(second)) = (*id, second) {
                let whole = line_of_before(cx, &plan.view, word.span);
                edges.push(Before { first, second, span: word.span, whole });
            }
        }
    }
    edges
}

impl<'p> Names<'p> {
    fn of(cx: &Context<'_>, plans: &'p [Plan<'p>]) -> Names<'p> {
        let (own, items, of_modules) = Default::default();
        let mut names = Names { own, items, of_modules };
        for (at, plan) in plans.iter().enumerate() {
            names.own.entry((plan.unit, &*plan.local)).or_insert(at);
            if let Some(name) = plan.view.name() {
                names.items.entry((plan.item, name.text)).or_insert(at);
            }
            if is_of_module(cx, plan) {
                names.of_modules.entry(&plan.name).or_insert(at);
            }
        }
        names
    }

    /// Which route is meant by a name behind `plan`: one of its site or its file, one that the file imports, and in the
    /// first file one of a module.
    fn meant(&self, cx: &Context<'_>, plan: &Plan<'_>, name: &str) -> Option<usize> {
        let own = |name: &str| self.own.get(&(plan.unit, name)).copied();
        let site = plan.local.rsplit_once('.').map(|(site, _)| site);
        let inside = site.and_then(|site| own(&format!("{site}.{name}")));
        match (inside, own(name)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
        .or_else(|| self.imported(cx, plan.unit, name))
        .or_else(|| self.of_modules(plan.unit).and_then(|names| names.get(name)).copied())
    }

    /// The routes of modules, of which the first file alone speaks.
    fn of_modules(&self, unit: usize) -> Option<&HashMap<&'p str, usize>> {
        (unit == 0).then_some(&self.of_modules)
    }

    /// The names that a file has for its own routes and those of its modules, in the order of the routes.
    fn known(&self, unit: usize) -> Vec<(&'p str, usize)> {
        let own = self.own.iter().filter(|((of, _), _)| *of == unit);
        let own = own.map(|((_, name), at)| (*name, *at));
        let of_modules = self.of_modules(unit).into_iter().flatten();
        let mut known: Vec<_> = own.chain(of_modules.map(|(name, at)| (*name, *at))).collect();
        known.sort_unstable_by_key(|(_, at)| *at);
        known
    }

    /// A route that a file imports, by itself or with its site.
    fn imported(&self, cx: &Context<'_>, unit: usize, name: &str) -> Option<usize> {
        let (item, inner) = name.split_once('.').unwrap_or((name, name));
        let id = *cx.routes.get(unit)?.get(item)?;
        let inner = if item == inner { cx.item(id).name } else { inner };
        self.items.get(&(id, inner)).copied()
    }
}

/// Tells of a name that is no route's.
fn unknown(
    cx: &mut Context<'_>,
    plans: &[Plan<'_>],
    names: &Names<'_>,
    plan: &Plan<'_>,
    word: ast::Word<'_>,
) {
    let parts: Vec<_> = word.text.split('.').map(|text| ast::Word { text, ..word }).collect();
    if cx.is_lost(plan.unit, word.text, &[Keyword::Route])
        || super::modules::names_absent(cx, plan.unit, &parts)
    {
        return;
    }
    if let Some(Entry::Item(id)) = cx.entry(plan.unit, word.text) {
        let (keyword, place) = (cx.item(id).keyword, cx.item(id).span);
        if keyword != Keyword::Unknown {
            let kind = super::context::kind_name(keyword);
            cx.report(wrong_kind(word.span, word.text, kind, "a route", place));
        }
        return;
    }
    let known = names.known(plan.unit);
    let near = match cx.may_search(plans.len()) {
        true => nearest_route(word.text, known.iter().map(|(name, _)| *name)),
        false => None,
    };
    let place = near.and_then(|near| {
        let (_, at) = known.iter().find(|(name, _)| *name == near)?;
        plans.get(*at)?.view.name().map(|name| name.span)
    });
    let similar = near.map(|near| (near, place));
    let diag = unknown_name(word.span, "route", word.text, similar);
    cx.report(super::modules::missing_there(cx, plan.unit, &parts, diag));
}

fn is_of_module(cx: &Context<'_>, plan: &Plan<'_>) -> bool {
    cx.teams.iter().any(|team| team.units.first() == Some(&plan.unit))
}

/// The route that was meant by a name that is none's: the near one, or the one of a site that is called so, or nearly so.
pub(super) fn nearest_route<'n>(
    name: &str,
    routes: impl Iterator<Item = &'n str> + Clone,
) -> Option<&'n str> {
    let short = |route: &'n str| route.rsplit('.').next().unwrap_or(route);
    nearest(name, routes.clone()).or_else(|| {
        let near = nearest(name, routes.clone().map(short))?;
        let mut of_sites = routes.filter(|route| short(route) == near);
        of_sites.next().filter(|_| of_sites.next().is_none())
    })
}

/// What goes where `before` is not to name this route: the name, or the clause if it names no other.
fn line_of_before(cx: &Context<'_>, route: &ast::Route<'_>, name: Span) -> Span {
    let clause = route.clauses().map(|(_, clause)| clause);
    let clause = clause.filter(|clause| clause.range().contains(&(name.start as usize))).last();
    let named = erase::element(cx, name, ',');
    named.unwrap_or_else(|| erase::statement(cx, clause.unwrap_or(name)))
}
