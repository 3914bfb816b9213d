//! From trees to a policy: names resolved, every expression typed, sites and policies expanded. What the text means is
//! decided here and nowhere else; what a route's order is, and what runs it, is for the floors above.
//!
//! `items` gives everything its name; `inputs`, `blocks` (with `claims`), `routes` (with `choice` and `locals`) and
//! `asserts` check what items hold, `budgets` whether what blocks and routes say of time can come to pass, `identity` what
//! is known of who asks; `modules` reads who owns what, `ownership` holds routes to it;
//! `steps` walks statements, with `acts` for verbs and `apply` for policies; `expr` and the rooms beside it type
//! expressions; `fit` says what stands in a wrong place. One mistake is said once: an expression that was reported has
//! a type that fits everything, and an item that was reported keeps its name.

use std::collections::{HashMap, HashSet};

use crate::diag::not_available::not_available;
use crate::diag::{
    Diag, foreign_syntax, missing_mark, missing_part, unclosed_bracket, unexpected_text,
};
use crate::policy::{Claim, Policy, Route, RouteId};
use crate::source::{Source, SourceId, Span};
use crate::syntax::ast;
use crate::syntax::{Keyword, Tree};
use crate::vocab::Vocabulary;

mod accept;
mod acts;
mod always;
mod apply;
mod args;
mod asserts;
mod before;
mod blocks;
mod budgets;
mod calls;
mod choice;
mod claims;
mod closed;
mod compare;
mod constant;
mod context;
mod erase;
mod expr;
mod facts;
mod fields;
mod fit;
mod host;
mod identity;
mod index;
mod inputs;
mod items;
mod limits;
mod lints;
mod locals;
mod lost;
mod matches;
mod members;
mod membership;
mod modules;
mod names;
mod operators;
mod ownership;
mod path;
mod phases;
mod routes;
mod steps;
mod text;
mod trial;
mod types;

#[cfg(test)]
mod tests;

pub use index::{Definition, Index, Meaning, Occurrence};

use context::{Context, ItemId};

/// One file of a policy.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    /// Its text.
    pub source: &'a Source,
    /// Its syntax.
    pub tree: &'a Tree,
    /// What each of its [`uses`] led to: another unit's source, or why there is none.
    pub uses: Vec<(Span, Result<SourceId, String>)>,
}

/// Where a module of a policy lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleFile {
    /// The module's name.
    pub name: String,
    /// The path of its file, as written.
    pub file: String,
    /// The path's place, which is the key of [`Unit::uses`].
    pub span: Span,
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// What the policy means, as far as it was understood. Whole only if no diagnostic is an error.
    pub policy: Policy,
    /// What is wrong with it, in the order of the text.
    pub diags: Vec<Diag>,
    /// What stands where.
    pub index: Index,
    /// Lines that did not parse because nobody knows their verb.
    echoes: Vec<Span>,
}

impl Checked {
    /// What is wrong with the policy, in the order of the text: what the parser `found`, and what the check did. A line
    /// that begins with a word which nobody knows is that mistake alone.
    pub fn joined(&self, found: &[Diag]) -> Vec<Diag> {
        let kinds = [
            unexpected_text::ENTRY,
            missing_part::ENTRY,
            missing_mark::ENTRY,
            foreign_syntax::ENTRY,
        ];
        let is_echo = |diag: &&Diag| {
            let place = diag.span();
            let begins = |line: &Span| (line.source, line.start) <= (place.source, place.start);
            let last = self.echoes.partition_point(begins).checked_sub(1);
            kinds.iter().any(|kind| kind.code == diag.code)
                && last
                    .and_then(|last| self.echoes.get(last))
                    .is_some_and(|line| line.source == place.source && place.end <= line.end)
        };
        // What a bracket holds that was closed where it was missed is anybody's guess.
        let mut held: Vec<Span> = found
            .iter()
            .filter(|diag| diag.code == unclosed_bracket::ENTRY.code)
            .filter_map(|diag| Some(Span { end: diag.span().end, ..diag.labels.get(1)?.span }))
            .collect();
        held.sort_unstable();
        let is_held = |diag: &&Diag| {
            let at = diag.span();
            let begins = |held: &Span| (held.source, held.start) <= (at.source, at.start);
            let last = held.partition_point(begins).checked_sub(1).and_then(|last| held.get(last));
            last.is_some_and(|held| held.source == at.source && at.end <= held.end)
        };
        let own = self.diags.iter().filter(|diag| !is_held(diag));
        let said = found.iter().filter(|diag| !is_echo(diag)).chain(own);
        let mut diags: Vec<Diag> = said.cloned().collect();
        diags.sort_by_key(|diag| (diag.span(), diag.code));
        diags
    }
}

/// The files that a file imports: the path as written, and its place, which is the key of [`Unit::uses`].
pub fn uses(tree: &Tree) -> Vec<(String, Span)> {
    ast::items_of(tree, &[Keyword::Use])
        .filter_map(|item| match item {
            ast::Item::Use(item) => {
                let path = item.path()?;
                Some((path.plain()?, path.span()))
            }
            _ => None,
        })
        .collect()
}

/// The files that the modules of a policy's first file lie in, as [`uses`] tells its imports. Those of other files mean
/// nothing: only the first file has modules.
pub fn modules(tree: &Tree) -> Vec<ModuleFile> {
    ast::items_of(tree, &[Keyword::Module])
        .filter_map(|item| match item {
            ast::Item::Module(item) => {
                let (path, name) = (item.file()?, item.name()?.text.to_owned());
                Some(ModuleFile { name, file: path.plain()?, span: path.span() })
            }
            _ => None,
        })
        .collect()
}

/// Checks a policy: the first unit is its root, the others are what it imports. Needs no network, no files and no
/// values of inputs.
pub fn check(units: &[Unit<'_>], vocabulary: &Vocabulary) -> Checked {
    check_without(units, vocabulary, &[])
}

/// As [`check`], without the modules of these names: whatever they own is answered 503. Their files are not among the
/// units.
pub fn check_without(units: &[Unit<'_>], vocabulary: &Vocabulary, closed: &[&str]) -> Checked {
    let defaults = defaults(vocabulary);
    let answer = tree_of(closed::ANSWER);
    let mut cx = Context::new(units, *vocabulary, &defaults);
    items::collect(&mut cx, closed);
    modules::read(&mut cx);
    ownership::grants(&mut cx);
    let plans = routes::plan(&mut cx);
    let mut blocks = HashMap::new();
    for at in 0..cx.items.len() {
        item(&mut cx, ItemId(at), &mut blocks);
    }
    let mut routes = Vec::new();
    let mut on = Vec::new();
    let mut ids = Vec::new();
    let mut site = None;
    let mut n_places = 0;
    for plan in &plans {
        let of = plan.site.map(|site| site.span());
        let first_of_site = of.is_some() && of != site;
        site = of;
        let mut planned = routes::route(&mut cx, plan, first_of_site);
        routes::bound(&mut cx, &mut planned, &mut n_places);
        if !plan.included {
            ids.push(None);
            continue;
        }
        ids.push(u32::try_from(routes.len()).ok().map(RouteId));
        routes.push(planned.route);
        on.push(planned.listeners);
    }
    let before = before::order(&mut cx, &plans, &ids);
    keep_to_ground(&mut cx, &plans, &ids, &mut routes, &on);
    let mut closed = Vec::new();
    for (team, planned) in closed::routes(&mut cx, &answer) {
        closed.extend(u32::try_from(routes.len()).ok().map(RouteId));
        routes.push(Route { module: Some(team), ..planned.route });
        on.push(planned.listeners);
    }
    let claimed = asserts::asserts(&mut cx, &plans, &ids);
    let mut places = HashMap::new();
    let mut kept = Vec::new();
    for at in 0..cx.items.len() {
        let id = ItemId(at);
        let is_kept = cx.is_of_policy(id);
        if let Some(block) = blocks.remove(&id)
            && is_kept
        {
            places.insert(id, kept.len());
            kept.push(block);
        }
    }
    for (route, listeners) in routes.iter_mut().zip(on) {
        route.listeners = listeners.iter().filter_map(|id| places.get(id).copied()).collect();
    }
    accept::exclusive(&mut cx, &kept);
    budgets::budgets(&mut cx, &kept, &routes);
    let asserts = claimed.into_iter().map(|(mut assert, listeners)| {
        assert.listeners = listeners.iter().filter_map(|id| places.get(id).copied()).collect();
        // Of what a module would answer that is not there nobody knows whether it holds.
        if !closed.is_empty() {
            let others = closed.iter().map(|id| Claim::Not(Box::new(Claim::Route(Some(*id)))));
            assert.of = Claim::All(std::iter::once(assert.of).chain(others).collect());
        }
        assert
    });
    let asserts = asserts.collect();
    let names: Vec<_> = routes.iter().map(|route: &Route| route.name.clone()).collect();
    let tests = trial::tests(&mut cx, &names);
    lints::lint(&mut cx);
    modules::other_root(&mut cx);
    let source = |unit: usize| units.get(unit).map(|unit| unit.source.id);
    let modules = ownership::modules(&cx.teams, source, |id| places.get(&id).copied());
    let mut diags = cx.diags;
    // A lint about what an error is about says nothing that will last.
    let wrong: Vec<Span> =
        diags.iter().filter(|diag| diag.is_error()).map(|diag| diag.span()).collect();
    diags.retain(|diag| {
        let span = diag.span();
        let touches = |other: &Span| {
            other.source == span.source && other.start <= span.end && span.start <= other.end
        };
        diag.is_error() || !wrong.iter().any(touches)
    });
    diags.sort_by_key(|diag| (diag.span().source, diag.span().start, diag.span().end));
    let diags = said_once(diags, units);
    let mut echoes = cx.echoes;
    let said: HashSet<Span> = diags.iter().map(Diag::span).collect();
    echoes.retain(|verb, _| said.contains(verb));
    let mut echoes: Vec<Span> = echoes.into_values().collect();
    echoes.sort_unstable();
    Checked {
        policy: Policy { inputs: cx.inputs, blocks: kept, routes, modules, before, asserts, tests },
        diags,
        index: cx.index,
        echoes,
    }
}

/// The same words about several places of one line are one mistake, which is mended in all of them. In order of places.
fn said_once(diags: Vec<Diag>, units: &[Unit<'_>]) -> Vec<Diag> {
    let is_one_line = |a: Span, b: Span| {
        let unit = units.iter().find(|unit| unit.source.id == a.source);
        let between = unit.and_then(|unit| unit.source.text.get(a.end as usize..b.start as usize));
        a.source == b.source && between.is_some_and(|text| !text.contains('\n'))
    };
    let mut once: Vec<Diag> = Vec::with_capacity(diags.len());
    for diag in diags {
        let last = once.last_mut().filter(|last| {
            let place = last.labels.last().map_or_else(Span::default, |label| label.span);
            let is_same = last.code == diag.code && last.message == diag.message;
            let mends =
                |diag: &Diag| diag.fixes.iter().map(|fix| fix.title.clone()).collect::<Vec<_>>();
            is_same
                && diag.labels.len() == 1
                && is_one_line(place, diag.span())
                && mends(last) == mends(&diag)
        });
        match last {
            Some(last) => {
                last.labels.extend(diag.labels);
                for (fix, more) in last.fixes.iter_mut().zip(diag.fixes) {
                    fix.edits.extend(more.edits);
                }
            }
            None => once.push(diag),
        }
    }
    once
}

/// Gives each route its module, and reports those that do not keep to their ground.
fn keep_to_ground<'a>(
    cx: &mut Context<'a>,
    plans: &[routes::Plan<'a>],
    ids: &[Option<RouteId>],
    routes: &mut [Route],
    on: &[Vec<context::ItemId>],
) {
    if cx.teams.is_empty() {
        return;
    }
    let planned: Vec<_> = ids
        .iter()
        .map(|id| {
            let at = id.as_ref()?.0 as usize;
            Some((routes.get(at)?, on.get(at)?.as_slice()))
        })
        .collect();
    let owners = ownership::routes(cx, plans, &planned);
    for (id, owner) in ids.iter().zip(owners) {
        if let Some(route) = id.and_then(|id| routes.get_mut(id.0 as usize)) {
            route.module = owner;
        }
    }
}

/// Checks what one item holds, except for routes.
fn item(cx: &mut Context<'_>, id: ItemId, blocks: &mut HashMap<ItemId, crate::policy::Block>) {
    let (keyword, span, definition) = {
        let item = cx.item(id);
        (item.keyword, item.span, item.definition)
    };
    if definition == usize::MAX {
        return;
    }
    if matches!(keyword, Keyword::Param | Keyword::Secret | Keyword::Let) {
        inputs::said_once(cx, id);
    }
    match keyword {
        Keyword::Param | Keyword::Secret => {
            inputs::input(cx, id);
        }
        Keyword::Let => {
            names::define_value(cx, id, span);
        }
        Keyword::Fn => {
            calls::define_function(cx, id, span);
        }
        Keyword::Policy => {
            apply::define_policy(cx, id, span);
        }
        Keyword::Limit => {
            limits::define_limit(cx, id);
        }
        Keyword::Listener | Keyword::Upstream | Keyword::Auth => {
            if let Some(block) = blocks::block(cx, id) {
                blocks.insert(id, block);
            }
        }
        Keyword::Site => routes::empty_site(cx, id),
        keyword if steps::is_refused(keyword) => {
            let place = cx.item(id).view.head().keyword().map_or(span, |word| word.span);
            cx.report(not_available(place, keyword.as_str()));
        }
        _ => {}
    }
}

/// The trees of the rows' defaults: they are text in the language.
fn defaults(vocabulary: &Vocabulary) -> HashMap<&'static str, Tree> {
    let functions = vocabulary.functions.iter().map(|row| row.params);
    let actions = vocabulary.actions.iter().map(|row| row.params);
    let balancers = vocabulary.balancers.iter().map(|row| row.params);
    let settings = vocabulary.blocks.iter().flat_map(|row| row.settings).map(|row| row.params);
    let params = functions.chain(actions).chain(balancers).chain(settings).flatten();
    let mut trees = HashMap::new();
    for text in params.filter_map(|param| param.default) {
        trees.entry(text).or_insert_with(|| tree_of(&format!("let it = {text}\n")));
    }
    trees
}

/// The tree of a text that is in no file.
fn tree_of(text: &str) -> Tree {
    crate::syntax::parse(&Source::new(SourceId(u32::MAX), "default", text)).0
}
