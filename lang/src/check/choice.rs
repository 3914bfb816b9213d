//! Which requests a route takes: its hosts, paths, methods and conditions, and what its paths capture.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::args;
use super::constant::value;
use super::context::{Context, Scope, When};
use super::erase;
use super::expr::wanted;
use super::facts::learned;
use super::fields::plain_text;
use super::fit::Why;
use super::host::host;
use super::index::Meaning;
use super::path::{Capture, path};
use super::steps::CHOOSING;
use crate::diag::capture_mismatch::capture_mismatch;
use crate::diag::constant_condition::constant_condition;
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::foreign_capture::foreign_capture;
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::missing_argument::missing_argument;
use crate::diag::repeated_clause::repeated_clause;
use crate::diag::too_large::too_large;
use crate::diag::too_many_arguments::too_many_arguments;
use crate::diag::wrong_form::wrong_form;
use crate::diag::{Diag, Edit};
use crate::policy::{Expr, Host, Path, Segment};
use crate::segment::{Relation, captures, common_path, path_relation};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::clauses::CLAUSES;

/// Which requests a route takes, as its clauses say.
#[derive(Default)]
pub(super) struct Choice {
    pub(super) hosts: Vec<(Host, Span)>,
    pub(super) paths: Vec<(Path, Span)>,
    pub(super) methods: Option<(Vec<Arc<str>>, Span)>,
    pub(super) captures: Vec<Capture>,
    /// By clause: the line that says it, and whether that is the site's.
    pub(super) places: HashMap<&'static str, (Span, bool)>,
}

pub(super) fn choose<'a>(
    cx: &mut Context<'a>,
    unit: usize,
    head: &ast::Head<'a>,
    place: &str,
    choice: &mut Choice,
) {
    let mut behind: Option<Span> = None;
    for stmt in head.block().into_iter().flat_map(|block| block.stmts()) {
        let Some(verb) = stmt.verb() else { continue };
        if !CHOOSING.contains(&verb.text) {
            // A word that nobody knows may have been meant for a clause.
            if is_statement(cx, verb) {
                behind.get_or_insert(stmt.span());
            }
            continue;
        }
        if let Some(first) = behind.filter(|_| place == "route" || verb.text != "path") {
            cx.report(behind_statements(cx, verb, stmt.span(), first, place));
        }
        let Some(clause) = CLAUSES.iter().find(|clause| clause.name == verb.text) else { continue };
        cx.note(verb.span, Meaning::Clause(clause));
        if clause.name == "where" {
            continue;
        }
        args::takes_no_block(cx, stmt, clause.name);
        if let Some(named) = stmt.named().next() {
            let message = format!("`{}` takes values without names", clause.name);
            let diag = wrong_form(named.span, message, "this has a name");
            cx.report(diag.help(format!("as in `{}`", clause.example)));
        }
        if place == "site" && clause.name == "path" {
            cx.report(
                misplaced_clause(verb.span, "path", "a site")
                    .help("each route of the site says its own `path`"),
            );
            continue;
        }
        if let Some(first) = choice.places.get(clause.name).copied() {
            cx.report(again(cx, clause.name, first, stmt.span()));
            continue;
        }
        choice.places.insert(clause.name, (stmt.span(), false));
        let strays = args::strays(cx, stmt.node(), None);
        let values: Vec<ast::Expr<'a>> = stmt.positional().collect();
        if strays {
            continue;
        }
        if values.is_empty() && !stmt.is_line_broken() {
            cx.report(
                missing_argument(verb.span, clause.name, "value", "at least one")
                    .help(format!("as in `{}`", clause.example)),
            );
        }
        cx.quietly(stmt.is_line_broken(), |cx| match clause.name {
            "host" => hosts(cx, &values, choice),
            "path" => paths(cx, &values, choice),
            _ => methods(cx, unit, &values, verb, choice),
        });
        if clause.name == "path" && stmt.is_line_broken() {
            choice.captures.extend(loose(&values, verb.span));
        }
    }
}

/// Whether a line begins with the word of a statement.
fn is_statement(cx: &Context<'_>, verb: ast::Word<'_>) -> bool {
    CLAUSES.iter().any(|clause| clause.name == verb.text)
        || cx.vocabulary.action(verb.text).is_some()
}

/// Says that a clause stands behind a statement: it chooses the route, before any statement of it runs.
fn behind_statements(
    cx: &Context<'_>,
    verb: ast::Word<'_>,
    clause: Span,
    first: Span,
    place: &str,
) -> Diag {
    let gone = erase::statement(cx, clause);
    let text = cx.text(clause);
    let end = match cx.text(gone).ends_with('\n') {
        true => format!("\n{}", super::fit::indentation(cx, first)),
        false => "; ".to_owned(),
    };
    let edits = vec![
        Edit { span: Span { end: first.start, ..first }, text: format!("{text}{end}") },
        Edit { span: gone, text: String::new() },
    ];
    let diag = misplaced_clause(verb.span, verb.text, &format!("a {place} behind its statements"))
        .label(first, "the statements begin here");
    match verb.text {
        "where" => diag
            .help("`where` chooses the route before its statements run: move it in front of them; a statement that must hold is a `require`")
            .suggest_all("move it in front of the statements", edits)
            .suggest("write `require`", verb.span, "require"),
        word => diag
            .help(format!("`{word}` says which requests the {place} takes: move it in front of the statements"))
            .fix_all("move it in front of the statements", edits),
    }
}

/// Says that a clause stands twice: in a route, where one line takes what both say, or in its site too.
fn again(cx: &Context<'_>, clause: &str, (first, of_site): (Span, bool), second: Span) -> Diag {
    let word = |line: Span| line.part(0, clause.len());
    let diag = repeated_clause(word(second), clause, word(first));
    let gone = erase::statement(cx, second);
    let (said, more) = (cx.text(first), cx.text(second));
    if of_site {
        let diag = diag.help(format!("the site already says the `{clause}` of its routes"));
        return diag.suggest("leave it to the site", gone, "").certain_if(said == more);
    }
    if said == more {
        return diag.help("both say the same").fix("say it once", gone, "");
    }
    let end = Span { start: first.end, ..first };
    let values = format!(", {}", more.get(clause.len()..).unwrap_or("").trim());
    let edits = vec![Edit { span: end, text: values }, Edit { span: gone, text: String::new() }];
    diag.suggest_all("write all values in one line", edits)
}

pub(super) fn hosts(cx: &mut Context<'_>, values: &[ast::Expr<'_>], choice: &mut Choice) {
    let mut known: HashMap<Host, Span> = choice.hosts.iter().cloned().collect();
    for written in values {
        let Some((text, place)) = plain_text(cx, *written, "a host pattern") else { continue };
        match host(&text, place) {
            Ok(pattern) => match known.get(&pattern) {
                Some(first) => cx.report(duplicate_name(place, &text, *first)),
                None => {
                    known.insert(pattern.clone(), written.span());
                    choice.hosts.push((pattern, written.span()));
                }
            },
            Err(diag) => cx.report(*diag),
        }
    }
}

pub(super) fn paths(cx: &mut Context<'_>, values: &[ast::Expr<'_>], choice: &mut Choice) {
    let mut sound = true;
    let mut all: Vec<(Vec<Capture>, Span)> = Vec::new();
    for written in values {
        let ast::Expr::Str(text) = written else {
            sound = false;
            plain_text(cx, *written, "a path pattern");
            continue;
        };
        if cx.text(text.span()).len() < 2 || !cx.text(text.span()).ends_with('"') {
            // Where it was to end is not known; that is said already.
            sound = false;
            continue;
        }
        match path(text.text(), text.inner_span()) {
            Ok((pattern, captures)) => {
                if choice.paths.iter().any(|(known, _)| *known == pattern) {
                    let place = choice.paths.iter().find(|(known, _)| *known == pattern);
                    let place = place.map_or(written.span(), |(_, place)| *place);
                    cx.report(duplicate_name(written.span(), text.text(), place));
                    continue;
                }
                foreign(cx, text, &pattern);
                choice.paths.push((pattern, written.span()));
                all.push((captures, written.span()));
            }
            Err(diag) => {
                sound = false;
                cx.report(*diag);
            }
        }
    }
    let captures = agreed(cx, &all);
    if sound {
        let shared = captures.iter().filter(|(_, ty, _)| !ty.is_error());
        crossing(cx, choice, &shared.map(|(name, ..)| name.clone()).collect());
    }
    if !all.is_empty() {
        choice.captures = captures;
    } else if !sound {
        // Nothing is known of what a broken path captures; what uses it is not to blame.
        choice.captures = loose(values, values.first().map_or(Span::default(), ast::Expr::span));
    }
}

/// What a path captures, and where.
type Places = Vec<(Arc<str>, usize)>;

/// Pairs of paths of one route that are looked at for captures that contradict each other.
const MOST_PAIRS: usize = 1_000_000;

/// Says of which requests a capture could be either of two segments. Where one path lies inside the other the narrower
/// one is tried first, so that it is known which segment is meant.
fn crossing(cx: &mut Context<'_>, choice: &Choice, shared: &HashSet<Arc<str>>) {
    // By where they capture what: two paths that capture at the same places agree.
    let mut kinds: BTreeMap<Places, Vec<(&Path, Span)>> = BTreeMap::new();
    for (path, span) in &choice.paths {
        let captured = captures(path).into_iter().filter(|(name, ..)| shared.contains(name));
        let mut places: Places = captured.map(|(name, place, _)| (name, place)).collect();
        places.sort_unstable();
        kinds.entry(places).or_default().push((path, *span));
    }
    let kinds: Vec<_> = kinds.into_iter().collect();
    let mut n_pairs = 0_usize;
    for (nth, (places, paths)) in kinds.iter().enumerate() {
        for (other_places, others) in kinds.iter().skip(nth + 1) {
            let moved = places.iter().zip(other_places).find(|((_, a), (_, b))| a != b);
            let Some(((name, at), (_, other_at))) = moved else { continue };
            n_pairs = n_pairs.saturating_add(paths.len().saturating_mul(others.len()));
            if n_pairs > MOST_PAIRS {
                let span = others.first().map(|(_, span)| *span).unwrap_or_default();
                let reason = format!("more than {MOST_PAIRS} pairs of them capture differently");
                cx.report(too_large(span, "these are too many paths to compare", reason));
                return;
            }
            let pairs = paths.iter().flat_map(|path| others.iter().map(move |other| (path, other)));
            for ((path, span), (other, other_span)) in pairs {
                if !matches!(path_relation(path, other), Relation::Across | Relation::Equal) {
                    continue;
                }
                let Some(both) = common_path(path, other) else { continue };
                let (first, second) = if span.start < other_span.start {
                    ((*span, *at), (*other_span, *other_at))
                } else {
                    ((*other_span, *other_at), (*span, *at))
                };
                let example: String = both.segments.iter().map(segment_text).collect();
                let says = |at: usize| format!("here `{name}` is segment {}", at + 1);
                let message =
                    format!("both paths hold `{example}`, and capture `{name}` differently");
                cx.report(
                    capture_mismatch(second.0, message, says(second.1))
                        .label(first.0, says(first.1))
                        .help("two routes may each have one of them; `before` says which is first"),
                );
                return;
            }
        }
    }
}

/// A segment of an example, with its slash.
fn segment_text(segment: &Segment) -> String {
    match segment {
        Segment::Literal(text) => format!("/{text}"),
        Segment::Capture(name, _) => format!("/{{{name}}}"),
    }
}

/// Says which segments are captures elsewhere and only themselves here: `:id`, `<id>`.
fn foreign(cx: &mut Context<'_>, written: &ast::Str<'_>, pattern: &Path) {
    for segment in &pattern.segments {
        let Segment::Literal(text) = segment else { continue };
        let Some(name) = text.strip_prefix(':') else { continue };
        let is_name = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        let Some(at) = written.text().find(&**text).filter(|_| is_name) else { continue };
        let place = written.inner_span().part(at, at + text.len());
        cx.report(foreign_capture(place, text, name));
    }
}

/// The names in the braces of paths that were reported, of unknown types; an empty name where one is no text, and may
/// capture anything.
fn loose(values: &[ast::Expr<'_>], place: Span) -> Vec<Capture> {
    let mut captures: Vec<Capture> = Vec::new();
    let is_text = |written: &ast::Expr<'_>| matches!(written, ast::Expr::Str(_));
    if values.is_empty() || !values.iter().all(is_text) {
        captures.push(("".into(), Ty::Error, place));
    }
    for written in values {
        let ast::Expr::Str(text) = written else { continue };
        for piece in text.text().split('{').skip(1) {
            let inner = piece.split(['}', ':']).next().unwrap_or("").trim();
            if !inner.is_empty() {
                captures.push((inner.into(), Ty::Error, written.span()));
            }
        }
    }
    captures
}

/// What the paths of a route capture. What some of them capture and others do not, or as another type, is of no type: only
/// whoever reads it is told.
fn agreed(cx: &mut Context<'_>, all: &[(Vec<Capture>, Span)]) -> Vec<Capture> {
    let mut found: Vec<Capture> = Vec::new();
    let mut places: HashMap<Arc<str>, (usize, usize)> = HashMap::new();
    let mut others: HashMap<Arc<str>, (Ty, Span)> = HashMap::new();
    for (name, ty, span) in all.iter().flat_map(|(captures, _)| captures) {
        let known = places.get_mut(name);
        match known {
            None => {
                places.insert(name.clone(), (found.len(), 1));
                found.push((name.clone(), ty.clone(), *span));
            }
            Some((at, count)) => {
                *count += 1;
                if found.get(*at).is_some_and(|(_, first, _)| first != ty) {
                    others.entry(name.clone()).or_insert((ty.clone(), *span));
                }
            }
        }
    }
    for (name, ty, span) in &mut found {
        let count = places.get(name).map_or(0, |(_, count)| *count);
        let diag = if let Some((other, place)) = others.get(name) {
            let message = format!("`{name}` is captured as two types");
            capture_mismatch(*place, message, format!("this is {other}"))
                .label(*span, format!("this is {ty}"))
                .help("give both the same type, or each path a route of its own")
        } else if count < all.len() {
            let lacks = |(captures, _): &&(Vec<Capture>, Span)| {
                captures.iter().all(|(known, ..)| known != name)
            };
            let message = format!("`{name}` is captured by one path and not by another");
            let diag = capture_mismatch(*span, message, "captured here");
            let diag = match all.iter().find(lacks) {
                Some((_, place)) => diag.label(*place, "this path does not capture it"),
                None => diag,
            };
            diag.help("what is read is captured by every path: capture it in this one too, or give each path a route of its own")
        } else {
            continue;
        };
        *ty = Ty::Error;
        cx.unshared.insert(*span, diag);
    }
    found
}

pub(super) fn methods<'a>(
    cx: &mut Context<'a>,
    unit: usize,
    values: &[ast::Expr<'a>],
    verb: ast::Word<'a>,
    choice: &mut Choice,
) {
    let scope = Scope::new(unit, When::Load);
    let mut names: Vec<(Arc<str>, Span)> = Vec::new();
    for written in values {
        if let ast::Expr::List(list) = written {
            let inner =
                list.items().map(|item| cx.text(item.span())).collect::<Vec<_>>().join(", ");
            if !inner.is_empty() {
                let message = "`method` takes methods, not a list of them";
                let diag = wrong_form(list.span(), message, "no brackets belong here");
                cx.report(diag.help(format!("write `method {inner}`")).fix(
                    "remove the brackets",
                    list.span(),
                    inner,
                ));
                continue;
            }
        }
        let why = Why::says("`method` takes methods, such as `GET`");
        let read = wanted(cx, &scope, *written, &Ty::Method, &why);
        match value(&read) {
            Some(Value::Method(name)) => match names.iter().find(|(known, _)| known == name) {
                Some((_, first)) => {
                    let (first, name) = (*first, name.clone());
                    cx.report(duplicate_name(read.span, &name, first));
                }
                None => names.push((name.clone(), read.span)),
            },
            _ if read.ty.is_error() => {}
            _ => cx.report(crate::diag::not_constant::not_constant(
                read.span,
                "`method` takes literals: a route's requests are known when it is loaded",
            )),
        }
    }
    if names.is_empty() {
        return;
    }
    let mut list: Vec<Arc<str>> = names.into_iter().map(|(name, _)| name).collect();
    let has = |name: &str| list.iter().any(|known| &**known == name);
    if has("GET") && !has("HEAD") {
        list.push("HEAD".into());
    }
    choice.methods = Some((list, verb.span));
}

/// Says that a second `where` stands in a route or site. Both have held so far: they are one condition, joined with `and`.
fn second_where(cx: &Context<'_>, first: Span, second: ast::Stmt<'_>) -> Diag {
    let word = |line: Span| line.part(0, "where".len());
    let diag = repeated_clause(word(second.span()), "where", word(first))
        .help("a request has to fit both: join them with `and`");
    let condition = |line: Span| cx.text(line).get("where".len()..).unwrap_or("").trim();
    let (one, other) = (condition(first), condition(second.span()));
    if one.is_empty() || other.is_empty() || second.is_line_broken() {
        return diag;
    }
    // What `and` holds tighter than the condition does has to stay together.
    let is_loose = |text: &str| {
        let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        words.any(|word| word == "or") || text.contains('|')
    };
    let whole = |text: &str| match is_loose(text) {
        true => format!("({text})"),
        false => text.to_owned(),
    };
    let joined = format!("where {} and {}", whole(one), whole(other));
    let gone = erase::statement(cx, second.span());
    let edits = vec![Edit { span: first, text: joined }, Edit { span: gone, text: String::new() }];
    diag.fix_all("join them with `and`", edits)
}

pub(super) fn wheres<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    head: &ast::Head<'a>,
) -> Vec<Expr> {
    scope.when = When::Choice;
    let mut conditions = Vec::new();
    let mut first: Option<Span> = None;
    for stmt in head.block().into_iter().flat_map(|block| block.stmts()) {
        let Some(verb) = stmt.verb().filter(|verb| verb.text == "where") else { continue };
        scope.statement = Some(stmt.span());
        if args::takes_no_block(cx, stmt, "where") {
            continue;
        }
        match first {
            Some(first) => cx.report(second_where(cx, first, stmt)),
            None => first = Some(stmt.span()),
        }
        if let Some(assignment) = stmt.assignment() {
            cx.report(
                wrong_form(assignment.equals, "`where` assigns nothing", "no `=` belongs here")
                    .help("`==` compares two values")
                    .fix("write `==`", assignment.equals, "=="),
            );
            continue;
        }
        if let Some(named) = stmt.named().next() {
            // `where a=b`: whoever wrote it means a comparison.
            let equals = cx.text(named.span).find('=').unwrap_or(named.name.span.len());
            let equals = named.span.part(equals, equals + 1);
            cx.report(
                wrong_form(equals, "`where` assigns nothing", "no `=` belongs here")
                    .help("`==` compares two values")
                    .fix("write `==`", equals, " == "),
            );
            continue;
        }
        args::strays(cx, stmt.node(), None);
        let mut values = stmt.positional();
        let Some(written) = values.next() else {
            if !stmt.is_line_broken() {
                let ty = "Bool";
                cx.report(missing_argument(verb.span, "where", "condition", ty));
            }
            continue;
        };
        if let Some(extra) = values.next().filter(|_| !stmt.is_line_broken()) {
            let diag = too_many_arguments(extra.span(), "where", "`condition`");
            cx.report(diag.help("join conditions with `and`"));
        }
        let why = Why::says("`where` takes a condition").absence("the route would not answer");
        let broken = stmt.is_line_broken();
        let known = cx.diags.len();
        let read = cx.quietly(broken, |cx| wanted(cx, scope, written, &Ty::Bool, &why));
        if broken || cx.is_obscure(&read, known) {
            scope.facts.lose();
        }
        if broken {
            continue;
        }
        if let Some(Value::Bool(outcome)) = value(&read)
            && cx.repeating == 0
        {
            let whole = erase::condition(cx, read.span).filter(|_| *outcome);
            cx.report(constant_condition(read.span, *outcome, whole));
        }
        scope.facts.add(&learned(&read, true));
        conditions.push(read);
    }
    conditions
}
