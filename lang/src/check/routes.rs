//! Routes and sites: where a route listens, which requests it takes, and what it does with them. A site is expansion:
//! its hosts, conditions and statements stand before those of its routes.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::choice::{Choice, choose, wheres};
use super::context::{Context, Entry, ItemId, Scope, When, is_head_broken};
use super::erase;
use super::index::Definition;
use super::locals::renumber;
use super::names::names_of;
use super::path::Capture;
use super::steps::{
    CHOOSING, Flow, headless, is_headless, not_a_statement, statement, unused_locals,
};
use crate::diag::Edit;
use crate::diag::beyond_limits::too_many_places;
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::never_ends::never_ends;
use crate::diag::no_effect::of_no_method as of_no_method_diag;
use crate::diag::no_listener::no_listener;
use crate::diag::repeated_clause::repeated_clause;
use crate::diag::unknown_name::unknown_name;
use crate::diag::unknown_verb::unknown_verb;
use crate::diag::unused::empty;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_kind::wrong_kind;
use crate::diag::{unknown_capture, wrong_phase};
use crate::foreign;
use crate::policy::{Host, Path, Route, StepKind};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::vocab::clauses::CLAUSES;
use crate::vocab::{Ends, Phase, nearest};

/// A route before it is checked.
pub(super) struct Plan<'a> {
    pub(super) unit: usize,
    /// The route, or the site it is in.
    pub(super) item: ItemId,
    pub(super) name: Arc<str>,
    /// Its name in its own file: without that of its module.
    pub(super) local: Arc<str>,
    pub(super) site: Option<ast::Site<'a>>,
    pub(super) view: ast::Route<'a>,
    /// Whether it belongs to the policy: the root's, a module's, or imported by name.
    pub(super) included: bool,
    pub(super) definition: Option<usize>,
}

impl Plan<'_> {
    /// Whether any part of it or of its site did not parse.
    pub(super) fn is_broken(&self) -> bool {
        self.view.is_broken() || self.site.is_some_and(|site| site.is_broken())
    }
}

/// A route with the items it is on.
pub(super) struct Planned {
    pub(super) route: Route,
    pub(super) listeners: Vec<ItemId>,
}

/// Every route there is, by file and in order.
pub(super) fn plan<'a>(cx: &mut Context<'a>) -> Vec<Plan<'a>> {
    let mut plans = Vec::new();
    for at in 0..cx.items.len() {
        let id = ItemId(at);
        let (unit, view, unique, definition) = {
            let item = cx.item(id);
            (item.unit, item.view, item.unique.clone(), item.definition)
        };
        if definition == usize::MAX {
            continue;
        }
        let included = cx.is_of_policy(id);
        let short = cx.item(id).name;
        match view {
            ast::Item::Route(view) => {
                let definition = Some(definition);
                let local = local(cx, unit, &unique, short);
                let (item, site) = (id, None);
                plans.push(Plan {
                    unit,
                    item,
                    name: unique,
                    local,
                    site,
                    view,
                    included,
                    definition,
                });
            }
            ast::Item::Site(site) => {
                let mut names: HashMap<&str, Span> = HashMap::new();
                for inner in site.block().into_iter().flat_map(|block| block.items()) {
                    let ast::Item::Route(view) = inner else { continue };
                    let Some(name) = view.name() else { continue };
                    super::items::name_form(cx, name, Keyword::Route);
                    if let Some(first) = names.get(name.text) {
                        cx.report(duplicate_name(name.span, name.text, *first));
                    }
                    names.insert(name.text, name.span);
                    let full: Arc<str> = format!("{unique}.{}", name.text).into();
                    let definition = cx.define(Definition {
                        name: full.clone(),
                        kind: "route",
                        span: name.span,
                        ty: None,
                        doc: view.docs().unwrap_or_default().into(),
                    });
                    let local = local(cx, unit, &full, &format!("{short}.{}", name.text));
                    let (item, site) = (id, Some(site));
                    plans.push(Plan {
                        unit,
                        item,
                        name: full,
                        local,
                        site,
                        view,
                        included,
                        definition,
                    });
                }
            }
            _ => {}
        }
    }
    plans
}

/// A route's name in its own file. Where modules have no part in it, it is the name in the policy.
fn local(cx: &Context<'_>, unit: usize, full: &Arc<str>, short: &str) -> Arc<str> {
    if super::modules::owner(cx, unit).is_some() { short.into() } else { full.clone() }
}

/// Checks a site that has no routes; the others are checked with each of theirs.
pub(super) fn empty_site(cx: &mut Context<'_>, id: ItemId) {
    let (unit, view) = (cx.item(id).unit, cx.item(id).view);
    let ast::Item::Site(site) = view else { return };
    cx.quietly(is_head_broken(&site), |cx| header(cx, &site));
    let has_routes = site
        .block()
        .into_iter()
        .flat_map(|block| block.items())
        .any(|item| matches!(item, ast::Item::Route(route) if route.name().is_some()));
    let mut flow = Flow::new();
    let mut behind = false;
    for line in site.block().into_iter().flat_map(|block| block.lines()) {
        match line {
            ast::Line::Item(ast::Item::Route(_)) => behind = true,
            ast::Line::Stmt(stmt) if behind => {
                if let Some(verb) = stmt.verb() {
                    let known = cx.vocabulary.action(verb.text).is_some()
                        || CLAUSES.iter().any(|clause| clause.name == verb.text);
                    if !known && (is_headless(stmt) || foreign::verb(verb.text).is_some()) {
                        let diag = unknown_verb(verb.span, verb.text, "a site", None);
                        cx.report(match foreign::verb(verb.text) {
                            Some(meant) => diag.help(meant.help),
                            None => headless(diag, verb),
                        });
                        continue;
                    }
                    cx.report(
                        misplaced_clause(verb.span, verb.text, "a site behind its routes").help(
                            "a site's own lines stand before its routes, as they run before theirs",
                        ),
                    );
                }
            }
            ast::Line::Stmt(_) => {}
            other => not_a_statement(cx, &mut flow, other, "site"),
        }
    }
    if !has_routes {
        if let (Some(name), Some(false)) =
            (site.name(), site.block().map(|block| block.is_broken()))
        {
            cx.unread.push(empty(name.span, name.text));
        }
        cx.spent = 0;
        let mut taken = Choice::default();
        choose(cx, unit, &site, "site", &mut taken);
        listeners(cx, unit, &site);
        let mut scope = Scope::new(unit, When::Step(Phase::Route));
        for stmt in leading(&site) {
            statement(cx, &mut scope, &mut flow, stmt, "site");
        }
    }
}

/// Checks a route. A site's lines are read with each of its routes, and reported with the first.
pub(super) fn route<'a>(cx: &mut Context<'a>, plan: &Plan<'a>, first_of_site: bool) -> Planned {
    cx.spent = 0;
    let view = &plan.view;
    cx.quietly(is_head_broken(view), |cx| header(cx, view));
    let word = view.name();
    let name_span = word.map_or_else(|| view.span(), |word| word.span);
    let mut choice = Choice::default();
    let mut on = Vec::new();
    if let Some(site) = &plan.site {
        let unit = plan.unit;
        again(cx, first_of_site, |cx| {
            choose(cx, unit, site, "site", &mut choice);
            on = cx.quietly(is_head_broken(site), |cx| listeners(cx, unit, site));
        });
        for clause in choice.places.values_mut() {
            clause.1 = true;
        }
    }
    if let (Some(own), Some(site)) = (view.on().next(), plan.site.as_ref())
        && let Some(theirs) = site.on().next()
    {
        let diag = repeated_clause(own.span, "on", theirs.span)
            .help("the site already says where its routes listen");
        let clause = view.clauses().find(|(word, _)| word.text == "on").map(|(_, span)| span);
        let same = view.on().map(|word| word.text).eq(site.on().map(|word| word.text));
        cx.report(match clause {
            Some(clause) => diag
                .suggest("leave it to the site", erase::statement(cx, clause), "")
                .certain_if(same),
            None => diag,
        });
    }
    choose(cx, plan.unit, view, "route", &mut choice);
    let has_on = view.on().next().is_some()
        || plan.site.as_ref().is_some_and(|site| site.on().next().is_some());
    on.extend(cx.quietly(is_head_broken(view), |cx| listeners(cx, plan.unit, view)));
    let head_broken =
        is_head_broken(view) || plan.site.as_ref().is_some_and(|site| is_head_broken(site));
    // An `on` among the statements is told of there.
    let says_on = |head: &ast::Head<'_>| {
        let mut stmts = head.block().into_iter().flat_map(|block| block.stmts());
        stmts.any(|stmt| stmt.verb().is_some_and(|verb| verb.text == "on"))
    };
    let is_told = says_on(view) || plan.site.as_ref().is_some_and(|site| says_on(site));
    if !has_on && !head_broken && !is_told {
        let unit_names = Scope::new(plan.unit, When::Load);
        let names = names_of(cx, &unit_names, &[Keyword::Listener]);
        let only = match names.as_slice() {
            [(name, _)] => Some(*name),
            _ => None,
        };
        cx.report(match &plan.site {
            Some(site) => {
                let place = site.name().map_or(site.span(), |name| name.span);
                let text = site.name().map_or("", |name| name.text);
                no_listener(place, text, only)
            }
            None => no_listener(name_span, word.map_or("", |word| word.text), only),
        });
        if plan.site.is_some() {
            once(cx);
        }
    }
    let captures: Rc<[Capture]> = choice.captures.clone().into();
    for (name, ty, span) in captures.iter() {
        cx.define(Definition {
            name: name.clone(),
            kind: "capture",
            span: *span,
            ty: Some(ty.clone()),
            doc: "".into(),
        });
    }
    let mut scope = Scope::new(plan.unit, When::Choice);
    scope.captures = Some(captures);
    let begun = cx.diags.len();
    let mut conditions = Vec::new();
    if let Some(site) = &plan.site {
        again(cx, first_of_site, |cx| {
            conditions.extend(wheres(cx, &mut scope, site));
        });
    }
    conditions.extend(wheres(cx, &mut scope, view));
    scope.end = end(cx, view).or_else(|| plan.site.as_ref().and_then(|site| end(cx, site)));
    let known = cx.diags.len();
    let mut flow = Flow::new();
    if let Some(site) = &plan.site {
        flow.doubtful |= site.block().is_none_or(|block| has_error_line(&block));
        again(cx, first_of_site, |cx| {
            for stmt in leading(site) {
                statement(cx, &mut scope, &mut flow, stmt, "site");
            }
        });
    }
    let shared = scope.locals.len();
    for line in view.block().into_iter().flat_map(|block| block.lines()) {
        match line {
            ast::Line::Stmt(stmt) if is_choosing(&stmt) => {}
            ast::Line::Stmt(stmt) => statement(cx, &mut scope, &mut flow, stmt, "route"),
            other => not_a_statement(cx, &mut flow, other, "route"),
        }
    }
    // Of a path that nobody could read it is not known what it captures.
    let is_path = |verb: ast::Word<'_>| nearest(verb.text, ["path"]).is_some();
    let says_path = |stmt: ast::Stmt<'_>| stmt.verb().is_some_and(is_path);
    let has_path = || view.block().into_iter().flat_map(|block| block.stmts()).any(says_path);
    if choice.paths.is_empty() && (plan.is_broken() || has_path()) {
        let found = cx.diags.split_off(begun.min(cx.diags.len()));
        cx.diags.extend(found.into_iter().filter(|diag| diag.code != unknown_capture::ENTRY.code));
    }
    let own = scope.locals.split_off(shared);
    unused_locals(cx, &Scope { locals: own, ..scope.clone() }, "let");
    of_no_method(cx, &flow, &choice, view.span());
    // What was mended to be read may have swallowed the statement that ends it.
    let broken = view.is_broken()
        || plan.site.as_ref().is_some_and(|site| site.is_broken())
        || view.block().is_none_or(|block| has_error_line(&block));
    // What ends it may stand in a block where none belongs, which is reported.
    let mut clauses = view.block().into_iter().flat_map(|block| block.stmts()).filter(is_choosing);
    let hides = clauses.any(|clause| clause.block().is_some());
    if flow.ended.is_none() && !flow.doubtful && !broken && !hides {
        let verbs: Vec<Arc<str>> = cx
            .vocabulary
            .actions
            .iter()
            .filter(|action| action.ends != Ends::No)
            .map(|action| action.name.into())
            .collect();
        let listed = super::names::listed(&verbs).replace(" and ", " or ");
        // What waits for an answer has its place once there is one.
        let found = cx.diags.split_off(known.min(cx.diags.len()));
        cx.diags.extend(found.into_iter().filter(|diag| diag.code != wrong_phase::ENTRY.code));
        cx.report(never_ends(name_span, &plan.name, &listed));
    }
    if choice.hosts.is_empty() {
        choice.hosts.push((Host::Any, name_span));
    }
    if choice.paths.is_empty() {
        choice.paths.push((Path { segments: Vec::new(), rest: true }, name_span));
    }
    let mut route = Route {
        name: plan.name.clone(),
        module: None,
        listeners: Vec::new(),
        hosts: choice.hosts,
        paths: choice.paths,
        methods: choice.methods,
        conditions,
        captures: choice
            .captures
            .into_iter()
            .filter(|(_, ty, _)| !ty.is_error())
            .map(|(name, ty, _)| (name, ty))
            .collect(),
        steps: flow.steps,
        doc: view.docs().unwrap_or_default().into(),
        span: name_span,
        item: view.span(),
    };
    renumber(&mut route);
    Planned { route, listeners: on }
}

/// Says which statements that stand in the route itself do nothing for the methods that it takes.
fn of_no_method(cx: &mut Context<'_>, flow: &Flow, choice: &Choice, item: Span) {
    let Some((taken, place)) = &choice.methods else { return };
    for step in &flow.steps {
        let StepKind::Act(call) = &step.kind else { continue };
        let own =
            step.span.source == item.source && item.range().contains(&(step.span.start as usize));
        let row = call.row;
        if !own || !step.via.is_empty() {
            continue;
        }
        if !row.methods.is_empty() && !taken.iter().any(|method| row.methods.contains(&&**method)) {
            let verb = step.span.part(0, row.name.len());
            cx.report(of_no_method_diag(verb, row.name, row.methods, *place));
        }
    }
}

/// All routes together stand at no more combinations of a listener, a host and a path: each of them is a line of a table.
const MOST_PLACES: usize = 500_000;

/// Counts where a route stands. Once that is too much it is said, and nobody need look at more than one place of a route.
pub(super) fn bound(cx: &mut Context<'_>, planned: &mut Planned, n_places: &mut usize) {
    let Planned { route, listeners } = planned;
    let own = route.hosts.len().saturating_mul(route.paths.len());
    let own = own.saturating_mul(listeners.len().max(1));
    let before = *n_places;
    *n_places = before.saturating_add(own);
    if *n_places <= MOST_PLACES {
        return;
    }
    if before <= MOST_PLACES {
        cx.report(too_many_places(route.span, own, MOST_PLACES));
    }
    route.hosts.truncate(1);
    route.paths.truncate(1);
}

/// Reads a site's lines; what was said with its first route is not said again.
fn again<'a>(cx: &mut Context<'a>, first: bool, read: impl FnOnce(&mut Context<'a>)) {
    if first {
        read(cx);
        return;
    }
    let known = cx.diags.len();
    cx.repeating += 1;
    read(cx);
    cx.repeating -= 1;
    let fresh = cx.diags.split_off(known);
    for diag in fresh {
        if !cx.diags.iter().any(|said| said.code == diag.code && said.span() == diag.span()) {
            cx.report(diag);
        }
    }
}

/// Drops the last diagnostic if it was said before.
fn once(cx: &mut Context<'_>) {
    if let Some(last) = cx.diags.pop()
        && !cx.diags.contains(&last)
    {
        cx.diags.push(last);
    }
}

fn has_error_line(block: &ast::Block<'_>) -> bool {
    block.lines().any(|line| matches!(line, ast::Line::Error(_)))
}

fn is_choosing(stmt: &ast::Stmt<'_>) -> bool {
    stmt.verb().is_some_and(|verb| CHOOSING.contains(&verb.text))
}

/// A site's own statements: those before its first route.
fn leading<'a>(site: &ast::Site<'a>) -> impl Iterator<Item = ast::Stmt<'a>> + use<'a> {
    let lines = site.block().into_iter().flat_map(|block| block.lines());
    lines.take_while(|line| !matches!(line, ast::Line::Item(_))).filter_map(|line| match line {
        ast::Line::Stmt(stmt) if !is_choosing(&stmt) => Some(stmt),
        _ => None,
    })
}

/// The statement that ends the way in, as far as its verb says.
fn end(cx: &Context<'_>, head: &ast::Head<'_>) -> Option<Span> {
    let stmts = head.block().into_iter().flat_map(|block| block.stmts());
    stmts
        .filter(|stmt| {
            let row = stmt.verb().and_then(|verb| cx.vocabulary.action(verb.text));
            row.is_some_and(|row| row.ends != Ends::No)
        })
        .map(|stmt| stmt.span())
        .next()
}

/// Says which relations of a header mean nothing.
fn header(cx: &mut Context<'_>, head: &ast::Head<'_>) {
    for (word, _) in head.clauses() {
        if !matches!(word.text, "on" | "before" | "within") {
            let near = nearest(word.text, ["on", "before", "within"]);
            let diag = unknown_verb(word.span, word.text, "a header", near);
            cx.report(match (near, foreign::condition(word.text)) {
                (Some(_), _) => diag,
                (None, Some(_)) => {
                    diag.help("a condition stands between the braces: `where CONDITION`")
                }
                (None, None) => diag.help("a header says `on LISTENER` and `before ROUTE`"),
            });
        }
    }
    if head.has_params()
        && let Some(param) = head.params().next()
    {
        let diag = wrong_form(param.span(), "a route takes no parameters", "not here");
        cx.report(diag.help("a `policy` takes parameters"));
    }
}

/// The listeners that a header names behind `on`.
pub(super) fn listeners(cx: &mut Context<'_>, unit: usize, head: &ast::Head<'_>) -> Vec<ItemId> {
    let mut found: Vec<ItemId> = Vec::new();
    let mut clauses = head.clauses().filter(|(word, _)| word.text == "on");
    if let (Some((first, one)), Some((second, other))) = (clauses.next(), clauses.next()) {
        let diag = repeated_clause(second.span, "on", first.span);
        let names = cx.text(other).get("on".len()..).unwrap_or("").trim().to_owned();
        let end = Span { start: one.end, ..one };
        let edits = vec![
            Edit { span: end, text: format!(", {names}") },
            Edit { span: erase::statement(cx, other), text: String::new() },
        ];
        cx.report(diag.fix_all("write all listeners behind one `on`", edits));
    }
    for word in head.on() {
        match cx.entry(unit, word.text) {
            Some(Entry::Item(id)) if cx.item(id).keyword == Keyword::Listener => {
                cx.use_item(id, word.span);
                if found.contains(&id) {
                    cx.report(duplicate_name(word.span, word.text, word.span));
                } else {
                    found.push(id);
                }
            }
            Some(Entry::Item(id))
                if cx.item(id).keyword == Keyword::Unknown || cx.is_contested(id) => {}
            Some(Entry::Item(id)) => {
                let (keyword, place) = (cx.item(id).keyword, cx.item(id).span);
                cx.use_item(id, word.span);
                let kind = super::context::kind_name(keyword);
                let names = names_of(cx, &Scope::new(unit, When::Load), &[Keyword::Listener]);
                let names: Vec<Arc<str>> = names.iter().map(|(name, _)| Arc::from(*name)).collect();
                let diag = wrong_kind(word.span, word.text, kind, "a listener", place);
                cx.report(match names.len() {
                    1..=8 => {
                        diag.help(format!("the listeners are {}", super::names::listed(&names)))
                    }
                    _ => diag,
                });
            }
            _ => {
                if cx.is_lost(unit, word.text, &[Keyword::Listener]) {
                    continue;
                }
                let scope = Scope::new(unit, When::Load);
                let names = names_of(cx, &scope, &[Keyword::Listener]);
                let near = nearest(word.text, names.iter().map(|(name, _)| *name));
                let place = |near: &str| {
                    names.iter().find(|(name, _)| *name == near).map(|(_, place)| *place)
                };
                let similar = near.map(|near| (near, place(near)));
                let diag = unknown_name(word.span, "listener", word.text, similar);
                let diag = match (near, names.as_slice()) {
                    (None, []) => diag.help(format!(
                        "no listener is defined: write `listener {} {{ bind \":8080\" }}`",
                        word.text.replace('-', "_")
                    )),
                    (None, known) => {
                        let known: Vec<Arc<str>> =
                            known.iter().take(8).map(|(name, _)| Arc::from(*name)).collect();
                        diag.help(format!("the listeners are {}", super::names::listed(&known)))
                    }
                    _ => diag,
                };
                let diag = super::modules::say_import(cx, unit, word.text, diag);
                cx.report(diag);
            }
        }
    }
    found
}
