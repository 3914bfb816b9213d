//! The items of all files and their names: what each file defines, what it imports, and what it gives away.

use std::collections::HashMap;
use std::sync::Arc;

use super::context::{Context, Entry, Item, ItemId, State};
use super::index::Definition;
use super::modules;
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::import_cycle::import_cycle;
use crate::diag::import_failed::import_failed;
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::missing_argument::missing_argument;
use crate::diag::missing_edition::missing_edition;
use crate::diag::private_name::{only_imported, private_name};
use crate::diag::unknown_edition::unknown_edition;
use crate::diag::wrong_form::wrong_form;
use crate::source::{SourceId, Span};
use crate::syntax::ast;
use crate::syntax::{Keyword, Kind};

/// The edition this is.
const EDITION: &str = "2026";

/// Collects the items of every file and gives them their names.
pub(super) fn collect(cx: &mut Context<'_>, closed: &[&str]) {
    for unit in 0..cx.units.len() {
        edition(cx, unit);
        own(cx, unit);
    }
    modules::collect(cx, closed);
    unique(cx);
    for unit in 0..cx.units.len() {
        imports(cx, unit);
    }
    as_imported(cx);
    cycles(cx);
}

fn edition(cx: &mut Context<'_>, unit: usize) {
    let Some(tree) = cx.units.get(unit).map(|unit| unit.tree) else { return };
    let start = Span::new(tree.source(), 0, 0);
    // A year without the word in front of it, which the parser has told.
    let is_year = |place: Span| {
        let before = cx.text(Span { start: 0, end: place.start, ..place });
        before.lines().any(|line| line.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_told = ast::items(tree).next().is_some_and(|item| is_year(item.head().span()));
    let mut first = true;
    let mut found = None;
    for item in ast::items(tree) {
        let head = item.head();
        let place = head.keyword().map_or(head.span(), |word| word.span);
        if let ast::Item::Edition(edition) = item {
            if let Some(year) = edition.year()
                && year.text != EDITION
            {
                cx.report(unknown_edition(year.span, year.text));
            }
            if found.is_some() {
                cx.report(
                    misplaced_clause(place, "edition", "the middle of a file")
                        .help("a file says its edition once, at its beginning"),
                );
            } else if !first {
                cx.report(
                    misplaced_clause(place, "edition", "the middle of a file")
                        .help("move it to the beginning of the file"),
                );
            }
            found = Some(place);
        } else if first && is_told {
            found = Some(place);
        } else if first && !ast::items(tree).any(|item| matches!(item, ast::Item::Edition(_))) {
            cx.report(missing_edition(place));
            found = Some(place);
        }
        first = false;
    }
    // Of a text that could not be read at all nothing else is said.
    if first && !tree.nodes().any(|node| node.kind() == Kind::Error) {
        cx.report(missing_edition(start));
    }
}

fn own(cx: &mut Context<'_>, unit: usize) {
    let Some(tree) = cx.units.get(unit).map(|unit| unit.tree) else { return };
    for view in ast::items(tree) {
        let head = view.head();
        let keyword = keyword(&view);
        if !matches!(keyword, Keyword::Assert | Keyword::Unknown) {
            for word in head.annotations().filter_map(|annotation| annotation.name()) {
                let place = format!("the header of `{}`", keyword.as_str());
                let diag = misplaced_clause(word.span, &format!("@{}", word.text), &place);
                cx.report(diag.help("`@unproved(\"why\")` stands behind the name of an `assert`"));
            }
        }
        let Some(name) = head.name() else { continue };
        if matches!(keyword, Keyword::Edition | Keyword::Use) {
            continue;
        }
        if head.keyword().is_some_and(|word| word.text == keyword.as_str()) {
            name_form(cx, name, keyword);
        }
        if matches!(keyword, Keyword::Test | Keyword::Assert) {
            continue;
        }
        let taken = taken(cx, unit, keyword, name.text);
        // What begins no item may have no name either.
        if let Some(Entry::Item(first)) = taken.filter(|_| keyword != Keyword::Unknown) {
            let first = cx.item(first).span;
            cx.report(duplicate_name(name.span, name.text, first));
        }
        let definition = cx.define(Definition {
            name: name.text.into(),
            kind: keyword.as_str(),
            span: name.span,
            ty: None,
            doc: head.docs().unwrap_or_default().into(),
        });
        let id = ItemId(cx.items.len());
        cx.items.push(Item {
            unit,
            keyword,
            name: name.text,
            unique: name.text.into(),
            span: name.span,
            view,
            definition: definition.unwrap_or_default(),
            used: false,
            state: if keyword == Keyword::Unknown { State::Broken } else { State::Fresh },
        });
        if taken.is_none() {
            enter(cx, unit, name.text, Entry::Item(id));
        }
    }
}

/// Says that a name stands in quotes, or that of a test without: one is a word to be used elsewhere, the other a sentence.
pub(super) fn name_form(cx: &mut Context<'_>, name: ast::Word<'_>, keyword: Keyword) {
    let written = cx.text(name.span);
    let is_quoted = written.starts_with('"');
    let word = keyword.as_str();
    let one = if word.starts_with(['a', 'u']) { "an" } else { "a" };
    match keyword {
        Keyword::Test if !is_quoted => {
            let quoted = format!("\"{written}\"");
            let diag = wrong_form(name.span, "the name of a test is a text", "no quotes around it");
            cx.report(diag.help(format!("write `test {quoted}`")).fix(
                "put it in quotes",
                name.span,
                quoted,
            ));
        }
        Keyword::Test => {}
        _ if is_quoted => {
            let plain = written.trim_matches('"');
            let diag =
                wrong_form(name.span, format!("the name of {one} {word} is a word"), "in quotes");
            let is_word = plain.starts_with(|c: char| c.is_ascii_alphabetic())
                && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            cx.report(match is_word {
                true => diag.help(format!("write `{word} {plain}`")).fix(
                    "remove the quotes",
                    name.span,
                    plain,
                ),
                false => diag.help("names are made of letters, digits and `_`"),
            });
        }
        _ => {}
    }
}

/// Whether items of this kind are named among the routes.
pub(super) fn is_route(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::Route | Keyword::Site | Keyword::Module)
}

/// Who already has the name that an item of this kind is to have.
fn taken(cx: &Context<'_>, unit: usize, keyword: Keyword, name: &str) -> Option<Entry> {
    if is_route(keyword) {
        return cx.routes.get(unit)?.get(name).copied().map(Entry::Item);
    }
    cx.names.get(unit)?.get(name).copied()
}

fn enter<'a>(cx: &mut Context<'a>, unit: usize, name: &'a str, entry: Entry) {
    match entry {
        Entry::Item(id) if is_route(cx.item(id).keyword) => {
            if let Some(routes) = cx.routes.get_mut(unit) {
                routes.insert(name, id);
            }
        }
        _ => {
            if let Some(names) = cx.names.get_mut(unit) {
                names.insert(name, entry);
            }
        }
    }
}

/// What kind of item it is.
pub(super) fn keyword(view: &ast::Item<'_>) -> Keyword {
    match view {
        ast::Item::Edition(_) => Keyword::Edition,
        ast::Item::Use(_) => Keyword::Use,
        ast::Item::Param(_) => Keyword::Param,
        ast::Item::Secret(_) => Keyword::Secret,
        ast::Item::Let(_) => Keyword::Let,
        ast::Item::Fn(_) => Keyword::Fn,
        ast::Item::Listener(_) => Keyword::Listener,
        ast::Item::Upstream(_) => Keyword::Upstream,
        ast::Item::Auth(_) => Keyword::Auth,
        ast::Item::Limit(_) => Keyword::Limit,
        ast::Item::Store(_) => Keyword::Store,
        ast::Item::Module(_) => Keyword::Module,
        ast::Item::Policy(_) => Keyword::Policy,
        ast::Item::Site(_) => Keyword::Site,
        ast::Item::Route(_) => Keyword::Route,
        ast::Item::Assert(_) => Keyword::Assert,
        ast::Item::Test(_) => Keyword::Test,
        ast::Item::Unknown(_) => Keyword::Unknown,
    }
}

/// Items of several files may share a name; in the policy each has its own. The root's keep theirs, and a module's begin
/// with its name.
fn unique(cx: &mut Context<'_>) {
    let mut taken: HashMap<(Keyword, Arc<str>), usize> = HashMap::new();
    for at in 0..cx.items.len() {
        let Some(item) = cx.items.get(at) else { continue };
        let full = modules::full_name(cx, item.unit, item.name);
        let count = taken.entry((item.keyword, full.clone())).or_default();
        let unique = if *count > 0 { format!("{full}@{}", *count + 1).into() } else { full };
        *count += 1;
        if let Some(item) = cx.items.get_mut(at) {
            item.unique = unique;
        }
    }
}

/// An auth of a file that the root imports under a name is called in the policy as it is called in the root: examples name
/// it, and whoever reads them has to be able to write it.
fn as_imported(cx: &mut Context<'_>) {
    let files: Vec<(&str, usize)> = cx
        .names
        .first()
        .into_iter()
        .flatten()
        .filter_map(|(name, entry)| match entry {
            Entry::File(file) => Some((*name, *file)),
            Entry::Item(_) => None,
        })
        .collect();
    for item in cx.items.iter_mut().filter(|item| item.keyword == Keyword::Auth) {
        // Of several names of a file one is enough, and always the same.
        let names = files.iter().filter(|(_, file)| *file == item.unit).map(|(name, _)| *name);
        if let Some(file) = names.min() {
            item.unique = format!("{file}.{}", item.name).into();
        }
    }
}

/// The unit that a `use` names, if the caller found it.
fn target(cx: &Context<'_>, unit: usize, item: &ast::Use<'_>) -> Option<Result<usize, String>> {
    target_at(cx, unit, item.path()?.span())
}

/// How a file calls the policy's first file, if it uses that.
pub(super) fn path_of_first<'a>(cx: &Context<'a>, unit: usize) -> Option<&'a str> {
    let tree = cx.units.get(unit)?.tree;
    ast::items(tree).find_map(|item| match item {
        ast::Item::Use(item) => {
            let path = item.path()?;
            (target_at(cx, unit, path.span())?.ok()? == 0).then(|| cx.text(path.inner_span()))
        }
        _ => None,
    })
}

/// The unit that the path at `place` names, if the caller found it.
pub(super) fn target_at(
    cx: &Context<'_>,
    unit: usize,
    place: Span,
) -> Option<Result<usize, String>> {
    let uses = &cx.units.get(unit)?.uses;
    let (_, found) = uses.iter().find(|(span, _)| *span == place)?;
    Some(match found {
        Ok(source) => by_source(cx, *source).ok_or_else(|| "it was not loaded".to_owned()),
        Err(reason) => Err(reason.clone()),
    })
}

fn by_source(cx: &Context<'_>, source: SourceId) -> Option<usize> {
    cx.units.iter().position(|unit| unit.source.id == source)
}

fn imports(cx: &mut Context<'_>, unit: usize) {
    // Files of which something was asked in vain: what they have may be what was meant.
    let mut vain: Vec<(usize, ast::Item<'_>)> = Vec::new();
    let Some(tree) = cx.units.get(unit).map(|unit| unit.tree) else { return };
    for item in ast::items(tree) {
        let ast::Item::Use(item) = item else { continue };
        let Some(path) = item.path() else { continue };
        let found =
            target(cx, unit, &item).unwrap_or_else(|| Err("no file was given for it".to_owned()));
        let file = match found {
            Ok(file) => file,
            Err(reason) => {
                cx.report(import_failed(path.span(), path.text(), &reason));
                for name in item.names().chain(item.alias()) {
                    missing(cx, unit, name, ast::Item::Use(item));
                }
                continue;
            }
        };
        if let Some(alias) = item.alias() {
            bring(cx, unit, alias, Entry::File(file));
        }
        let mut named = false;
        for name in item.names() {
            named = true;
            match exported(cx, file, name) {
                Some(id) => bring(cx, unit, name, Entry::Item(id)),
                None => {
                    missing(cx, unit, name, ast::Item::Use(item));
                    vain.push((file, ast::Item::Use(item)));
                }
            }
            // A route of the same name comes with it.
            if let Some((id, None)) = find(cx, file, name.text, true, 0) {
                cx.use_item(id, name.span);
                bring(cx, unit, name, Entry::Item(id));
            }
        }
        if !named && item.alias().is_none() && !item.is_broken() {
            let given: Vec<&str> = public(cx, file).iter().map(|(name, _)| *name).collect();
            let place = Span { start: path.span().end, ..path.span() };
            let diag = missing_argument(path.span(), "use", "names", "the names to bring in")
                .help("nothing is brought in unless it is named: `use \"./file.gw\" { a, b }`");
            cx.report(if given.is_empty() {
                diag
            } else {
                diag.suggest("name what it gives", place, format!(" {{ {} }}", given.join(", ")))
            });
        }
        if !named && item.alias().is_none() {
            vain.push((file, ast::Item::Use(item)));
        }
    }
    vain.sort_by_key(|(file, _)| *file);
    vain.dedup_by_key(|(file, _)| *file);
    for (file, view) in vain {
        for (name, span) in public(cx, file) {
            if taken(cx, unit, Keyword::Let, name).is_none() {
                missing(cx, unit, ast::Word { text: name, span }, view);
            }
        }
    }
}

/// A name that was to be imported: using it says nothing more.
fn missing<'a>(cx: &mut Context<'a>, unit: usize, name: ast::Word<'a>, view: ast::Item<'a>) {
    let id = ItemId(cx.items.len());
    cx.items.push(Item {
        unit,
        keyword: Keyword::Unknown,
        name: name.text,
        unique: name.text.into(),
        span: name.span,
        view,
        definition: usize::MAX,
        used: true,
        state: State::Broken,
    });
    if let Some(names) = cx.names.get_mut(unit) {
        names.entry(name.text).or_insert(Entry::Item(id));
    }
}

fn bring<'a>(cx: &mut Context<'a>, unit: usize, name: ast::Word<'a>, entry: Entry) {
    let keyword = match entry {
        Entry::Item(id) => cx.item(id).keyword,
        Entry::File(_) => Keyword::Use,
    };
    match taken(cx, unit, keyword, name.text) {
        Some(known) if known == entry => {}
        Some(known) => {
            let first = match known {
                Entry::Item(id) => cx.item(id).span,
                Entry::File(_) => name.span,
            };
            cx.report(duplicate_name(name.span, name.text, first));
        }
        None => enter(cx, unit, name.text, entry),
    }
}

/// What a file gives under a name, its own or passed on with `pub use`; reported if it does not.
pub(super) fn exported<'a>(
    cx: &mut Context<'a>,
    file: usize,
    name: ast::Word<'a>,
) -> Option<ItemId> {
    let found = [false, true].map(|routes| find(cx, file, name.text, routes, 0));
    let is_public = |found: &Option<(ItemId, Option<Lack>)>| matches!(found, Some((_, None)));
    let given = found.into_iter().find(is_public);
    match given.unwrap_or(found[0].or(found[1])) {
        Some((id, None)) => {
            cx.use_item(id, name.span);
            Some(id)
        }
        Some((id, Some(lack))) => {
            cx.item_mut(id).used = true;
            // One `pub` is missing, however many files ask for the name.
            if cx.private.insert(lack.at) {
                let definition = cx.item(id).span;
                cx.report(match lack.import {
                    None => private_name(name.span, name.text, definition, lack.at),
                    Some(import) => only_imported(name.span, name.text, import, lack.at),
                });
            }
            None
        }
        None => {
            let names = public(cx, file);
            super::fields::not_exported(cx, file, name, &names);
            None
        }
    }
}

/// A `pub` that is missing.
#[derive(Clone, Copy)]
struct Lack {
    /// Before what it is to stand.
    at: Span,
    /// The name in the `use` that brings the item in; none where the item itself lacks it.
    import: Option<Span>,
}

impl Lack {
    /// Before an item, which is asked for by its own name or by that in a `use`.
    fn of(head: ast::Head<'_>, import: Option<Span>) -> Option<Lack> {
        let begin = head.keyword().map_or(head.span(), |word| word.span);
        let at = Span { end: begin.start, ..begin };
        (!head.is_pub()).then_some(Lack { at, import })
    }
}

/// The item that a file knows under a name, among its routes or among all else, and what keeps the file from giving it away.
fn find(
    cx: &Context<'_>,
    file: usize,
    name: &str,
    among_routes: bool,
    depth: usize,
) -> Option<(ItemId, Option<Lack>)> {
    let at = cx.items.iter().position(|item| {
        item.unit == file
            && item.name == name
            && item.definition != usize::MAX
            && is_route(item.keyword) == among_routes
    });
    if let Some(at) = at {
        return Some((ItemId(at), Lack::of(*cx.item(ItemId(at)).view.head(), None)));
    }
    if depth > cx.units.len() {
        return None;
    }
    let tree = cx.units.get(file)?.tree;
    ast::items(tree).find_map(|item| {
        let ast::Item::Use(item) = item else { return None };
        let known = item.names().find(|known| known.text == name)?;
        let further = target(cx, file, &item)?.ok()?;
        let (id, lack) = find(cx, further, name, among_routes, depth + 1)?;
        Some((id, lack.or_else(|| Lack::of(*item, Some(known.span)))))
    })
}

/// What a file gives away, with its places.
fn public<'a>(cx: &Context<'a>, file: usize) -> Vec<(&'a str, Span)> {
    let items = cx.items.iter().filter(|item| item.unit == file && item.definition != usize::MAX);
    let own = items.filter(|item| item.view.head().is_pub()).map(|item| (item.name, item.span));
    let uses = cx.units.get(file).into_iter().flat_map(|unit| ast::items(unit.tree));
    let passed_on = uses.filter_map(|item| match item {
        ast::Item::Use(item) if item.is_pub() => Some(item),
        _ => None,
    });
    let passed_on = passed_on.flat_map(|item| item.names().collect::<Vec<_>>());
    own.chain(passed_on.map(|name| (name.text, name.span))).collect()
}

/// Files that import each other; each circle is said once.
fn cycles(cx: &mut Context<'_>) {
    let mut state = vec![0_u8; cx.units.len()];
    for unit in 0..cx.units.len() {
        visit(cx, unit, &mut state, 0);
    }
}

fn visit(cx: &mut Context<'_>, unit: usize, state: &mut [u8], depth: usize) {
    if state.get(unit) != Some(&0) || depth > 256 {
        return;
    }
    if let Some(mark) = state.get_mut(unit) {
        *mark = 1;
    }
    let Some(tree) = cx.units.get(unit).map(|unit| unit.tree) else { return };
    for item in ast::items(tree) {
        let ast::Item::Use(item) = item else { continue };
        let (Some(path), Some(Ok(next))) = (item.path(), target(cx, unit, &item)) else { continue };
        match state.get(next) {
            Some(1) => cx.report(import_cycle(path.span(), path.text())),
            Some(0) => visit(cx, next, state, depth + 1),
            _ => {}
        }
    }
    if let Some(mark) = state.get_mut(unit) {
        *mark = 2;
    }
}
