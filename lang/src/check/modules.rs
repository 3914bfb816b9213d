//! Modules: which file is whose, and what the first file grants. It reads `module` items and names owners; whether
//! routes keep to their ground is `ownership`'s question.

use std::sync::Arc;

use super::args;
use super::choice::{Choice, hosts, paths};
use super::context::{Context, Entry, ItemId, Scope, When, is_head_broken, kind_name};
use super::erase;
use super::index::Meaning;
use super::items::target_at;
use super::names::names_of;
use super::routes::listeners;

use crate::diag::duplicate_name::duplicate_name;
use crate::diag::import_failed::import_failed;
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::missing_part::missing_part;
use crate::diag::missing_setting::missing_setting;
use crate::diag::no_listener::no_listener;
use crate::diag::repeated_argument::repeated_argument;
use crate::diag::unknown_argument::unknown_argument;
use crate::diag::unknown_name::unknown_name;
use crate::diag::unknown_verb::unknown_verb;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_kind::wrong_kind;
use crate::diag::{Diag, Label};
use crate::policy::{Ground, Host, Path};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::vocab::clauses::{MODULE, OWNS};
use crate::vocab::nearest;

/// A module, as the first file grants it.
pub(super) struct Team<'a> {
    pub(super) name: &'a str,
    /// Its name's place.
    pub(super) span: Span,
    pub(super) view: ast::Module<'a>,
    /// The units that are its own: its file, then those that only it uses. None where it is closed or was not found.
    pub(super) units: Vec<usize>,
    /// Left out on purpose.
    pub(super) closed: bool,
    pub(super) grant: Grant,
    /// What its own file says of it.
    pub(super) stated: Option<Grant>,
    /// The asserts that name something of it while it is not there.
    pub(super) unjudged: Vec<Arc<str>>,
}

/// What a `module` item gives.
#[derive(Default)]
pub(super) struct Grant {
    pub(super) listeners: Vec<ItemId>,
    pub(super) grounds: Vec<Ground>,
    /// Whether all of it was understood.
    pub(super) sound: bool,
}

/// Finds the modules of the first file and what is theirs.
pub(super) fn collect(cx: &mut Context<'_>, closed: &[&str]) {
    let views = of_unit(cx, 0);
    let is_first = grants(cx, 0);
    for view in views {
        let Some(name) = view.name() else { continue };
        let is_closed = closed.contains(&name.text);
        let own = match view.file() {
            _ if is_closed => None,
            Some(path) => file(cx, name, path),
            None if view.from().is_some() || view.is_broken() => None,
            // It speaks of the file it stands in.
            None if !is_first => Some(0),
            None => {
                let behind = Span { start: name.span.end, ..name.span };
                let diag = missing_part(behind, "`from \"FILE\"`", name.text);
                cx.report(diag.help("the file is where the routes of the module stand"));
                None
            }
        };
        cx.teams.push(Team {
            name: name.text,
            span: name.span,
            view,
            units: own.into_iter().collect(),
            closed: is_closed,
            grant: Grant::default(),
            stated: None,
            unjudged: Vec::new(),
        });
    }
    owners(cx);
    lent(cx);
}

/// The `module` items of a file.
fn of_unit<'a>(cx: &Context<'a>, unit: usize) -> Vec<ast::Module<'a>> {
    let items = cx.units.get(unit).into_iter().flat_map(|unit| ast::items(unit.tree));
    items
        .filter_map(|item| match item {
            ast::Item::Module(view) => Some(view),
            _ => None,
        })
        .collect()
}

/// The unit of a module's file; reported if there is none, or if it is somebody's already.
fn file(cx: &mut Context<'_>, name: ast::Word<'_>, path: ast::Str<'_>) -> Option<usize> {
    let found = target_at(cx, 0, path.span());
    let unit = match found.unwrap_or_else(|| Err("no file was given for it".to_owned())) {
        Ok(unit) => unit,
        Err(reason) => {
            cx.report(import_failed(path.span(), path.text(), &reason));
            return None;
        }
    };
    if unit == 0 {
        let message = format!("the module `{}` is the file that grants it", name.text);
        let diag = wrong_form(path.span(), message, "this leads back to this file");
        cx.report(diag.help("a module's routes stand in a file of their own"));
        return None;
    }
    let taken = cx.teams.iter().find(|team| team.units.first() == Some(&unit));
    if let Some((other, place)) = taken.map(|team| (team.name, team.span)) {
        let message = format!("`{}` is already the file of the module `{other}`", path.text());
        let diag = wrong_form(path.span(), message, "a file belongs to one module");
        cx.report(
            diag.label(place, "its module").help(format!(
                "give `{other}` several `owns` lines, or `{}` another file",
                name.text
            )),
        );
        return None;
    }
    Some(unit)
}

/// Writes down whose each unit is. What the first file uses belongs to nobody; of the rest, what a module uses is its own.
fn owners(cx: &mut Context<'_>) {
    let files: Vec<Option<usize>> =
        cx.teams.iter().map(|team| team.units.first().copied()).collect();
    let mut owner: Vec<Option<Option<usize>>> = vec![None; cx.units.len()];
    for (team, file) in files.iter().enumerate() {
        if let Some(place) = file.and_then(|file| owner.get_mut(file)) {
            *place = Some(Some(team));
        }
    }
    // A file that speaks of itself is the module; what it uses is what stands around it.
    if let Some(place @ None) = owner.first_mut() {
        *place = Some(None);
    }
    let starts = files.iter().enumerate();
    let starts = starts.filter_map(|(team, file)| Some((Some(team), file.filter(|at| *at != 0)?)));
    let starts = std::iter::once((None, 0)).chain(starts);
    for (who, start) in starts.collect::<Vec<_>>() {
        let mut open = vec![start];
        while let Some(unit) = open.pop() {
            for next in used_by(cx, unit) {
                if let Some(place @ None) = owner.get_mut(next) {
                    *place = Some(who);
                    open.push(next);
                }
            }
        }
    }
    for (unit, who) in owner.iter().enumerate() {
        if let Some(Some(team)) = who
            && let Some(team) = cx.teams.get_mut(*team)
            && !team.units.contains(&unit)
        {
            team.units.push(unit);
        }
    }
    cx.owners = owner.into_iter().map(Option::flatten).collect();
}

/// Writes down which units are of another policy: a file that grants modules is its first one, and whatever only that one
/// uses is of it too.
fn lent(cx: &mut Context<'_>) {
    let mut lent = vec![true; cx.units.len()];
    let files = cx.teams.iter().flat_map(|team| team.units.clone());
    let mut open: Vec<usize> = files.chain([0]).collect();
    while let Some(unit) = open.pop() {
        if unit != 0 && grants(cx, unit) {
            continue;
        }
        if let Some(place @ true) = lent.get_mut(unit) {
            *place = false;
            open.extend(used_by(cx, unit));
        }
    }
    cx.lent = lent;
}

/// Whether a file is the first one of a policy with modules.
fn grants(cx: &Context<'_>, unit: usize) -> bool {
    of_unit(cx, unit).iter().any(|view| view.from().is_some())
}

/// The units that the `use` items of one lead to.
fn used_by(cx: &Context<'_>, unit: usize) -> Vec<usize> {
    let Some(tree) = cx.units.get(unit).map(|unit| unit.tree) else { return Vec::new() };
    let targets = ast::items(tree).filter_map(|item| match item {
        ast::Item::Use(item) => target_at(cx, unit, item.path()?.span())?.ok(),
        _ => None,
    });
    targets.collect()
}

/// Reads what each module is granted, and what its file says of itself.
pub(super) fn read(cx: &mut Context<'_>) {
    for at in 0..cx.teams.len() {
        let Some((view, own)) =
            cx.teams.get(at).map(|team| (team.view, team.units.first().copied()))
        else {
            continue;
        };
        let grant = grant(cx, 0, &view);
        let stated = own.filter(|unit| *unit != 0).and_then(|unit| stated(cx, at, unit));
        if let Some(team) = cx.teams.get_mut(at) {
            (team.grant, team.stated) = (grant, stated);
        }
    }
}

/// What the file of a module says of the module.
fn stated(cx: &mut Context<'_>, team: usize, unit: usize) -> Option<Grant> {
    let (name, place) = cx.teams.get(team).map(|team| (team.name, team.span))?;
    let mut found = None;
    for view in of_unit(cx, unit) {
        let word = view.keyword().map_or(view.span(), |word| word.span);
        if let Some(from) = view.from() {
            let diag = misplaced_clause(from, "from", "the file of a module");
            cx.report(
                diag.label(place, "its module").help("only the policy's first file has modules"),
            );
            continue;
        }
        if found.is_some() {
            let diag = wrong_form(word, "a file is one module", "a second one");
            cx.report(diag.label(place, "its module"));
            continue;
        }
        if let Some(own) = view.name().filter(|own| own.text != name) {
            let diag =
                wrong_form(own.span, format!("this file is the module `{name}`"), "another name");
            cx.report(diag.label(place, "granted here").suggest(
                format!("write `{name}`"),
                own.span,
                name,
            ));
        }
        found = Some(grant(cx, unit, &view));
    }
    found
}

fn grant<'a>(cx: &mut Context<'a>, unit: usize, view: &ast::Module<'a>) -> Grant {
    let name = view.name();
    let (span, text) = name.map_or((view.span(), ""), |name| (name.span, name.text));
    let broken = is_head_broken(view);
    cx.quietly(broken, |cx| header(cx, view));
    let on = cx.quietly(broken, |cx| listeners(cx, unit, view));
    let strange = view.clauses().any(|(word, _)| word.text != "on");
    if view.on().next().is_none() && !broken && !strange {
        let names = names_of(cx, &Scope::new(unit, When::Load), &[Keyword::Listener]);
        let only = match names.as_slice() {
            [(name, _)] => Some(*name),
            _ => None,
        };
        cx.report(no_listener(span, text, only));
    }
    let sound = !broken && view.on().next().is_some();
    let mut grant = Grant { listeners: on, grounds: Vec::new(), sound };
    for line in view.block().into_iter().flat_map(|block| block.lines()) {
        grant.sound &= match line {
            ast::Line::Stmt(stmt) => {
                let broken = stmt.is_line_broken();
                cx.quietly(broken, |cx| owns(cx, stmt, &mut grant.grounds)) && !broken
            }
            ast::Line::Error(_) => false,
            ast::Line::Arm(arm) if arm.is_broken() => false,
            ast::Line::Field(field) if field.is_broken() => false,
            ast::Line::Item(item) => {
                let place = item.head().keyword().map_or(item.head().span(), |word| word.span);
                let message = format!("`{text}` lies in a file of its own");
                let diag = wrong_form(place, message, "not in the grant");
                cx.report(diag.help(
                    "the first file says what the module owns; its routes stand in its file",
                ));
                false
            }
            ast::Line::Arm(_) | ast::Line::Field(_) => {
                let place = match line {
                    ast::Line::Arm(arm) => arm.span(),
                    ast::Line::Field(field) => field.span(),
                    _ => span,
                };
                cx.report(wrong_form(place, "a module holds `owns` lines", "not here"));
                false
            }
        };
    }
    if grant.grounds.is_empty()
        && grant.sound
        && view.block().is_some_and(|block| !block.is_broken())
    {
        let example = MODULE.first().map_or("", |clause| clause.example);
        let diag = missing_setting(span, "module", text, "`owns`");
        cx.report(diag.help(format!("as in `{example}`")));
        grant.sound = false;
    }
    grant
}

fn header(cx: &mut Context<'_>, view: &ast::Module<'_>) {
    for (word, _) in view.clauses().filter(|(word, _)| word.text != "on") {
        let near = nearest(word.text, ["on", "from"]);
        let diag = unknown_verb(word.span, word.text, "the header of a module", near);
        cx.report(match near {
            Some(_) => diag,
            None => diag.help("a module's header says `on LISTENER` and `from \"FILE\"`"),
        });
    }
    if view.is_pub()
        && let Some(word) = view.keyword()
    {
        cx.report(wrong_form(
            word.span,
            "a module is given to no other file",
            "`pub` means nothing here",
        ));
    }
    if view.has_params()
        && let Some(param) = view.params().next()
    {
        cx.report(wrong_form(param.span(), "a module takes no parameters", "not here"));
    }
}

/// Reads `owns host=…, path=…`; false if anything about it is wrong.
fn owns<'a>(cx: &mut Context<'a>, stmt: ast::Stmt<'a>, grounds: &mut Vec<Ground>) -> bool {
    let Some(verb) = stmt.verb() else { return false };
    let Some(clause) = MODULE.iter().find(|clause| clause.name == verb.text) else {
        let near = nearest(verb.text, MODULE.iter().map(|clause| clause.name));
        let diag = unknown_verb(verb.span, verb.text, "a module", near);
        let diag = match (near, verb.text) {
            (Some(_), _) => diag,
            (None, "host" | "path") => diag.help(format!(
                "write `owns {}=…`: the hosts and paths that are the module's",
                verb.text
            )),
            (None, _) => diag.help("a module holds `owns` lines; its routes stand in its file"),
        };
        cx.report_verb(stmt, diag);
        return false;
    };
    cx.note(verb.span, Meaning::Clause(clause));
    let known = cx.diags.len();
    if let Some(block) = stmt.block() {
        cx.report(wrong_form(block.span(), "`owns` takes no block", "not here"));
    }
    if let Some(assignment) = stmt.assignment() {
        let (name, value) = (assignment.target.span(), assignment.value.map(|value| value.span()));
        let blanks = Span {
            start: name.end,
            end: value.map_or(assignment.equals.end, |at| at.start),
            ..name
        };
        cx.report(
            wrong_form(assignment.equals, "`owns` assigns nothing", "no blank belongs around this")
                .help("an argument's name stands right before its `=`")
                .fix("write it without blanks", blanks, "="),
        );
        return false;
    }
    let strays = args::strays(cx, stmt.node(), None);
    for written in stmt.positional().filter(|_| !strays) {
        let is_path = matches!(written, ast::Expr::Str(text) if text.text().starts_with('/'));
        let name = if is_path { "path" } else { "host" };
        let start = Span { end: written.span().start, ..written.span() };
        cx.report(
            wrong_form(written.span(), "`owns` takes values with names", "this has no name")
                .help(format!("as in `{}`", clause.example))
                .fix(format!("write `{name}=`"), start, format!("{name}=")),
        );
    }
    let (mut host, mut path) = (None, None);
    for named in stmt.named() {
        let place = match named.name.text {
            "host" => &mut host,
            "path" => &mut path,
            other => {
                let near = nearest(other, OWNS).map(|near| (near, None));
                cx.report(unknown_argument(
                    named.name.span,
                    "owns",
                    other,
                    near,
                    "`host` and `path`",
                ));
                continue;
            }
        };
        let first =
            place.replace(named).map(|first: ast::NamedArg<'_>| (first.name.span, first.span));
        if let Some((name, first)) = first {
            let diag = repeated_argument(named.name.span, named.name.text, name);
            cx.report(erase::twice(cx, diag, (first, named.span), erase::argument));
        }
    }
    let sound = !super::calls::has_errors(cx, known);
    if host.is_none() && path.is_none() && sound {
        let diag = wrong_form(verb.span, "`owns` says what", "neither host nor path");
        cx.report(diag.help(format!("as in `{}`", clause.example)));
        return false;
    }
    // What it means to own is not known then, and is not held against anybody.
    if !sound {
        return false;
    }
    let place = stmt.span();
    let hosts = host.map_or_else(|| vec![(Host::Any, place)], |named| read_hosts(cx, named));
    let every = || vec![(Path { segments: Vec::new(), rest: true }, place)];
    let paths = path.map_or_else(every, |named| read_paths(cx, named));
    for (host, _) in &hosts {
        for (path, _) in &paths {
            grounds.push(Ground { host: host.clone(), path: path.clone(), span: place });
        }
    }
    !super::calls::has_errors(cx, known)
}

/// A value, or the values of a list.
fn values<'a>(named: ast::NamedArg<'a>) -> Vec<ast::Expr<'a>> {
    match named.value {
        Some(ast::Expr::List(list)) => list.items().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn read_hosts(cx: &mut Context<'_>, named: ast::NamedArg<'_>) -> Vec<(Host, Span)> {
    let mut choice = Choice::default();
    hosts(cx, &values(named), &mut choice);
    choice.hosts
}

fn read_paths(cx: &mut Context<'_>, named: ast::NamedArg<'_>) -> Vec<(Path, Span)> {
    let mut found: Vec<(Path, Span)> = Vec::new();
    for written in values(named) {
        // One by one: what they capture means nothing here and need not be the same.
        let mut choice = Choice::default();
        paths(cx, &[written], &mut choice);
        for (path, place) in choice.paths {
            match found.iter().find(|(known, _)| *known == path) {
                Some((_, first)) => cx.report(duplicate_name(place, &path.to_string(), *first)),
                None => found.push((path, place)),
            }
        }
    }
    found
}

/// The item of a module that the first file's tests and claims name, as in `billing.app`: what the module's own file knows
/// under that name. None if the words name no module; reported if it has none of that kind.
pub(super) fn theirs<'a>(
    cx: &mut Context<'a>,
    unit: usize,
    words: &[ast::Word<'a>],
    wanted: Keyword,
) -> Option<Option<ItemId>> {
    let [module, word] = words else { return None };
    let is_file = matches!(cx.names.get(unit)?.get(module.text), Some(Entry::File(_)));
    let team = cx.teams.iter().find(|team| unit == 0 && !is_file && team.name == module.text)?;
    let Some(own) = team.units.first().copied() else {
        names_absent(cx, unit, words);
        return Some(None);
    };
    let names = cx.names.get(own).filter(|_| own != 0)?;
    match names.get(word.text).copied() {
        Some(Entry::Item(id)) if cx.item(id).keyword == wanted => {
            cx.use_item(id, word.span);
            Some(Some(id))
        }
        Some(Entry::Item(id)) => {
            let (keyword, place) = (cx.item(id).keyword, cx.item(id).span);
            if keyword != Keyword::Unknown && !cx.is_contested(id) {
                let (found, wanted) = (kind_name(keyword), kind_name(wanted));
                cx.report(wrong_kind(word.span, word.text, found, wanted, place));
            }
            Some(None)
        }
        _ if cx.is_lost(own, word.text, &[wanted]) => Some(None),
        _ => {
            let names = names_of(cx, &Scope::new(own, When::Load), &[wanted]);
            let near = nearest(word.text, names.iter().map(|(name, _)| *name));
            let place = |near: &str| names.iter().find(|(n, _)| *n == near).map(|(_, at)| *at);
            let what = format!("{} in the module `{}` called", wanted.as_str(), module.text);
            let similar = near.map(|near| (near, place(near)));
            let diag = unknown_name(word.span, &what, word.text, similar);
            cx.report(missing_there(cx, unit, words, diag));
            Some(None)
        }
    }
}

/// The module whose file has an item of this name and kind, for the first file to name.
pub(super) fn that_has<'a>(
    cx: &Context<'a>,
    unit: usize,
    name: &str,
    wanted: Keyword,
) -> Option<&'a str> {
    let has = |team: &&Team<'a>| {
        let own = team.units.first().filter(|own| **own != 0);
        let own = own.and_then(|own| cx.names.get(*own)?.get(name));
        matches!(own, Some(Entry::Item(id)) if cx.item(*id).keyword == wanted)
    };
    cx.teams.iter().filter(|_| unit == 0).find(has).map(|team| team.name)
}

/// The module that words of the first file name something of, as a place among the modules.
fn named(cx: &Context<'_>, unit: usize, words: &[ast::Word<'_>]) -> Option<usize> {
    let [module, _, ..] = words else { return None };
    let is_file = matches!(cx.names.get(unit)?.get(module.text), Some(Entry::File(_)));
    cx.teams.iter().position(|team| unit == 0 && !is_file && team.name == module.text)
}

/// Whether words name something of a module that is not there. Nothing is said of that, for nobody knows what the module
/// has; it is noted, so that whatever hangs on it is judged by nobody.
pub(super) fn names_absent(cx: &mut Context<'_>, unit: usize, words: &[ast::Word<'_>]) -> bool {
    let absent = named(cx, unit, words)
        .filter(|at| cx.teams.get(*at).is_some_and(|team| team.units.is_empty()));
    cx.absent = absent.or(cx.absent);
    absent.is_some()
}

/// Whether a module is not there, so that nobody knows what it has; it is noted as [`names_absent`] does.
pub(super) fn is_any_absent(cx: &mut Context<'_>) -> bool {
    let absent = cx.teams.iter().position(|team| team.units.is_empty());
    cx.absent = absent.or(cx.absent);
    absent.is_some()
}

/// Tells of what words name that it is missing in a module, and in which file: whoever serves the policy lays it to the
/// module then.
pub(super) fn missing_there(
    cx: &Context<'_>,
    unit: usize,
    words: &[ast::Word<'_>],
    mut diag: Diag,
) -> Diag {
    let team = named(cx, unit, words).and_then(|at| cx.teams.get(at));
    let file = team.and_then(|team| cx.units.get(*team.units.first()?));
    let begins = file.and_then(|file| ast::items(file.tree).next()?.head().keyword());
    // Before a name like it, which may be of another module.
    let is_told = |span: Span| diag.labels.iter().skip(1).any(|one| one.span.source == span.source);
    if let Some(begins) = begins.filter(|begins| !is_told(begins.span)) {
        diag.labels.insert(1, Label { span: begins.span, text: "not in this file".to_owned() });
    }
    diag
}

/// Reads a claim or a test. The error is the module that is not there and of which it names something, as a place among
/// the modules: it is judged by nobody then, and nothing is said of it.
pub(super) fn judged<'a, T>(
    cx: &mut Context<'a>,
    read: impl FnOnce(&mut Context<'a>) -> T,
) -> Result<T, usize> {
    let known = cx.diags.len();
    cx.absent = None;
    let found = read(cx);
    match cx.absent.take() {
        None => Ok(found),
        Some(module) => {
            cx.diags.truncate(known);
            Err(module)
        }
    }
}

/// Says that a module's file imports from another policy's first file than the one that is checked: its listeners are
/// others then, and whatever else is said of the module is an echo of that.
pub(super) fn other_root(cx: &mut Context<'_>) -> bool {
    let others: Vec<usize> = (1..cx.units.len()).filter(|unit| grants(cx, *unit)).collect();
    let mut places = Vec::new();
    for unit in
        (1..cx.units.len()).filter(|unit| owner(cx, *unit).is_some() && !others.contains(unit))
    {
        let Some(tree) = cx.units.get(unit).map(|unit| unit.tree) else { continue };
        for item in ast::items(tree) {
            let ast::Item::Use(item) = item else { continue };
            let Some(path) = item.path() else { continue };
            if let Some(Ok(other)) = target_at(cx, unit, path.span())
                && others.contains(&other)
            {
                places.push((path, other));
            }
        }
    }
    let Some((path, other)) = places.first().copied() else { return false };
    let file = |unit: usize| cx.units.get(unit).map_or("", |unit| &*unit.source.name);
    let name = |path: &str| path.rsplit('/').next().unwrap_or("").to_owned();
    let (root, written) = match (name(file(0)), name(file(other))) {
        (root, written) if root != written => (root, written),
        _ => (file(0).to_owned(), file(other).to_owned()),
    };
    let reason =
        format!("`{written}` grants modules itself: it is the first file of another policy");
    let mut diag = import_failed(path.span(), path.text(), &reason).help(format!(
        "`{root}` is checked, and its modules belong to `{written}`: check `{written}`, or let both import what they share from a file of its own (`use \"./shared.gw\" {{ … }}`)"
    ));
    for (path, _) in places.iter().skip(1) {
        diag = diag.label(path.span(), "this too");
    }
    cx.diags.clear();
    cx.report(diag);
    true
}

/// Tells a team that the listener it was given is there, and how its file gets hold of it.
pub(super) fn say_import(cx: &Context<'_>, unit: usize, name: &str, diag: Diag) -> Diag {
    let Some(team) = owner(cx, unit) else { return diag };
    let mut given = team.grant.listeners.iter().map(|id| cx.item(*id));
    let Some(item) = given.find(|item| item.name == name) else { return diag };
    let Some(source) = cx.units.get(item.unit).map(|unit| unit.source) else { return diag };
    let file = source.name.rsplit('/').next().unwrap_or(&source.name);
    let path = team.view.file().map_or("", |path| path.text());
    let folders: Vec<&str> = path.split('/').filter(|part| *part != ".").collect();
    let up = match folders.len().saturating_sub(1) {
        // Where else it stands the author knows better.
        _ if item.unit != 0 || folders.contains(&"..") || path.starts_with('/') => {
            return diag.help(format!("import `{name}` from `{file}`, where it is defined"));
        }
        0 => "./".to_owned(),
        n => "../".repeat(n),
    };
    diag.help(format!("import it: `use \"{up}{file}\" {{ {name} }}`"))
}

/// The name in the policy of something of a unit: a module's begins with the module's name.
pub(super) fn full_name(cx: &Context<'_>, unit: usize, name: &str) -> Arc<str> {
    match owner(cx, unit) {
        Some(team) => format!("{}.{name}", team.name).into(),
        None => name.into(),
    }
}

/// The module whose a unit is.
pub(super) fn owner<'c, 'a>(cx: &'c Context<'a>, unit: usize) -> Option<&'c Team<'a>> {
    cx.teams.get((*cx.owners.get(unit)?)?)
}
