//! Tests: their lines, typed. Inside them the vocabulary is another: what can be read is what came of a request, not
//! the request.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::args::{self, Given};
use super::constant::value;
use super::context::{Bound, Context, Local, Scope, When, reported};
use super::expr::{expr, wanted};
use super::fit::Why;
use super::index::{Definition, Meaning};
use super::names;
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::idle_test::idle_test;
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::missing_argument::missing_argument;
use crate::diag::repeated_clause::repeated_clause;
use crate::diag::too_many_arguments::too_many_arguments;
use crate::diag::unknown_name::unknown_name;
use crate::diag::unknown_verb::unknown_verb;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_phase::{self, unasked};
use crate::diag::wrong_type::wrong_type;
use crate::eval::member;
use crate::policy::trial::{Line, LineKind, Table, Test};
use crate::policy::{Expr, ExprKind};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::trial::{
    self, ADVANCE, AS, CLAUSES, EXPECT, QUESTIONS, ROUTE, SEND, STATUS, STUB, STUBS,
};
use crate::vocab::{Field, Param, nearest};

/// Checks every test of every file of the policy. `routes` are the names of the policy's routes.
pub(super) fn tests<'a>(cx: &mut Context<'a>, routes: &[Arc<str>]) -> Vec<Test> {
    // What only a test names is not in use, but for values, which tests may share.
    let used: Vec<bool> = cx.items.iter().map(|item| item.used).collect();
    let vocabulary = cx.vocabulary;
    cx.vocabulary = trial::vocabulary(&vocabulary);
    cx.trial = Some(routes.iter().cloned().collect());
    let mut names: HashMap<Arc<str>, Span> = HashMap::new();
    let mut tests = Vec::new();
    for (unit, file) in cx.units.iter().enumerate() {
        if cx.is_lent(unit) {
            continue;
        }
        for item in ast::items(file.tree) {
            let ast::Item::Test(view) = item else { continue };
            let Some(name) = view.name() else { continue };
            // Teams need not agree on the names of their tests.
            let owner = super::modules::owner(cx, unit).map(|team| team.name);
            let full: Arc<str> = match owner {
                Some(module) => format!("{module}: {}", name.text).into(),
                None => Arc::from(name.text),
            };
            cx.trial_of = owner;
            if let Some(first) = names.insert(full.clone(), name.span) {
                cx.report(duplicate_name(name.span, name.text, first));
            }
            (cx.spent, cx.rows) = (0, None);
            let known = cx.diags.len();
            let read = super::modules::judged(cx, |cx| test(cx, unit, &view, name));
            let Ok(test) = read else { continue };
            let expects = |line: &Line| matches!(line.kind, LineKind::Expect(_));
            if cx.diags.len() == known && !test.lines.iter().any(expects) {
                cx.unread.push(idle_test(name.span, name.text));
            }
            tests.push(Test { name: full, ..test });
        }
    }
    cx.trial = None;
    (cx.trial_of, cx.rows) = (None, None);
    cx.vocabulary = vocabulary;
    for (item, used) in cx.items.iter_mut().zip(used) {
        item.used = used || item.used && matches!(item.keyword, Keyword::Let | Keyword::Fn);
    }
    tests
}

/// What a call asks about an upstream, inside a test.
pub(super) fn question<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    call: ast::Call<'a>,
    word: ast::Word<'a>,
) -> Option<Expr> {
    cx.trial.as_ref()?;
    let (row, field) = QUESTIONS.iter().find(|(row, _)| row.name == word.text)?;
    cx.note(word.span, Meaning::Function(row));
    let span = call.span();
    let given = Given {
        what: row.name,
        positional: call.positional().collect(),
        named: call.named().collect(),
        span: word.span,
        broken: call.is_broken(),
    };
    let bound = args::bind(cx, scope, &given, &args::of_rows(row.params));
    Some(match bound.first().and_then(value) {
        Some(Value::Item(name)) => {
            let kind = ExprKind::Field(field, Some(name.clone()));
            Expr { kind, ty: (row.returns)(), span }
        }
        _ => reported(span),
    })
}

/// A route's name, inside a test.
pub(super) fn route(cx: &Context<'_>, words: &[ast::Word<'_>], span: Span) -> Option<Expr> {
    let name = words.iter().map(|word| word.text).collect::<Vec<_>>().join(".");
    let routes = cx.trial.as_ref()?;
    // In the file of a module its routes have their own names, as everywhere else in that file.
    let own = cx.trial_of.map(|module| format!("{module}.{name}"));
    let own = own.and_then(|own| routes.iter().find(|route| ***route == *own));
    let name = own.or_else(|| routes.iter().find(|route| ***route == *name))?.clone();
    let ty = Ty::OneOf(routes.clone());
    Some(Expr { kind: ExprKind::Const(Value::String(name)), ty, span })
}

/// The route that was meant by words that name none, where one is wanted inside a test.
pub(super) fn no_route(
    cx: &mut Context<'_>,
    unit: usize,
    words: &[ast::Word<'_>],
    span: Span,
    want: Option<&Ty>,
) -> Option<Expr> {
    let routes = cx.trial.clone()?;
    if want.map(Ty::present) != Some(&Ty::OneOf(routes.clone())) {
        return None;
    }
    if super::modules::names_absent(cx, unit, words) || cx.is_lost_route(unit, words) {
        return Some(reported(span));
    }
    let name = words.iter().map(|word| word.text).collect::<Vec<_>>().join(".");
    let near = cx.may_search(routes.len()).then(|| routes.iter().map(|route| &**route));
    let near = near.and_then(|routes| super::before::nearest_route(&name, routes));
    let diag = unknown_name(span, "route", &name, near.map(|near| (near, None)));
    cx.report(super::modules::missing_there(cx, unit, words, diag));
    Some(reported(span))
}

/// A stub that takes nothing, written as a bare word.
pub(super) fn bare(cx: &mut Context<'_>, word: ast::Word<'_>, want: Option<&Ty>) -> Option<Expr> {
    cx.trial.as_ref()?;
    if want.map(Ty::present) != Some(&STUB) {
        return None;
    }
    let row = STUBS.iter().find(|row| row.name == word.text && row.params.is_empty())?;
    cx.note(word.span, Meaning::Function(row));
    Some(Expr { kind: ExprKind::Const((row.eval)(&[])), ty: STUB, span: word.span })
}

/// A number of a table, read as the status that is wanted.
pub(super) fn as_status(expr: &Expr, wanted: &Ty) -> Option<Expr> {
    (expr.ty == Ty::Int && *wanted.present() == Ty::Status).then(|| Expr {
        kind: ExprKind::Call(&STATUS, vec![expr.clone()]),
        ty: Ty::Status,
        span: expr.span,
    })
}

/// A text of a table, read as the choice that is wanted, if every row says one of its words.
pub(super) fn as_choice(cx: &Context<'_>, expr: &Expr, wanted: &Ty) -> Option<Expr> {
    let Ty::OneOf(words) = wanted.present() else { return None };
    let (row, Value::List(rows)) = cx.rows.as_ref()? else { return None };
    let (of, name) = match &expr.kind {
        ExprKind::Member(of, name) => (&**of, Some(name)),
        _ => (expr, None),
    };
    let is_word = |row: &Value| {
        let said = name.map_or_else(|| row.clone(), |name| member(row, name));
        match said.as_str() {
            Some(said) => words.iter().any(|word| **word == *said),
            None => said.is_absent() && wanted.is_optional(),
        }
    };
    let is_row = matches!(&of.kind, ExprKind::Local(local) if local == row);
    (is_row && rows.iter().all(is_word)).then(|| Expr { ty: wanted.clone(), ..expr.clone() })
}

/// Whether, inside a test, this word begins what only a policy that serves can read.
pub(super) fn is_outside(cx: &Context<'_>, word: &str) -> bool {
    let begins = |field: &&Field| field.path.split('.').next() == Some(word);
    cx.trial.is_some() && cx.served.fields.iter().copied().any(|field| begins(&field))
}

/// A function that reads the request is at fault in a test where it is called: where it is written it is right.
pub(super) fn blame_call(cx: &mut Context<'_>, known: usize, call: ast::Word<'_>) {
    if let Some(diag) = cx.diags.get_mut(known)
        && cx.trial.is_some()
        && diag.slug == wrong_phase::ENTRY.slug
    {
        *diag = unasked(call.span, call.text, diag.span());
    }
}

fn test<'a>(cx: &mut Context<'a>, unit: usize, view: &ast::Test<'a>, name: ast::Word<'a>) -> Test {
    let mut test = Test { name: name.text.into(), table: None, lines: Vec::new(), span: name.span };
    let mut scope = Scope::new(unit, When::Anywhere);
    let routes = cx.trial.clone().unwrap_or_default();
    let kind = ExprKind::Field(&ROUTE, None);
    let answered = Expr { kind, ty: Ty::OneOf(routes).optional(), span: name.span };
    scope.locals.push(Local {
        name: "route",
        span: name.span,
        definition: None,
        bound: Bound::Put(Rc::new(answered)),
        used: Rc::new(Cell::new(true)),
    });
    let mut sent = false;
    for line in view.block().into_iter().flat_map(|block| block.lines()) {
        let stmt = match line {
            ast::Line::Stmt(stmt) => stmt,
            ast::Line::Error(_) => continue,
            ast::Line::Arm(arm) if arm.is_broken() => continue,
            ast::Line::Field(field) if field.is_broken() => continue,
            ast::Line::Arm(arm) => {
                cx.report(not_a_line(arm.span()));
                continue;
            }
            ast::Line::Field(field) => {
                cx.report(not_a_line(field.span()));
                continue;
            }
            ast::Line::Item(item) => {
                let head = item.head();
                let place = head.keyword().map_or(head.span(), |word| word.span);
                cx.report(not_a_line(place));
                continue;
            }
        };
        cx.quietly(stmt.is_line_broken(), |cx| {
            self::line(cx, &mut scope, &mut test, stmt, &mut sent);
        });
    }
    test
}

fn not_a_line(span: Span) -> crate::diag::Diag {
    wrong_form(span, "this is no line of a test", "a verb belongs before it")
        .help("a test is made of `stub`, `send`, `advance` and `expect`")
}

fn line<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    test: &mut Test,
    stmt: ast::Stmt<'a>,
    sent: &mut bool,
) {
    let Some(verb) = stmt.verb() else { return };
    if !cx.spend(1, verb.span) {
        return;
    }
    let Some(clause) = CLAUSES.iter().find(|clause| clause.name == verb.text) else {
        let near = nearest(verb.text, CLAUSES.iter().map(|clause| clause.name));
        // Whatever it was to be, it may have been the `send`.
        *sent = true;
        let diag = unknown_verb(verb.span, verb.text, "a test", near);
        let diag = match (near, verb.text) {
            (None, "for") => diag.help("a table is written `each row = [ … ]`, at the top"),
            (None, "let") => {
                diag.help("a value that tests share is named by a `let` outside of them")
            }
            (None, "request" | "get" | "call" | "fetch" | "when" | "given") => {
                diag.help("a request is sent by `send GET, \"https://a.example/\"`")
            }
            (None, "assert" | "then" | "check" | "verify" | "should") => {
                diag.help("what came of the request is asked by `expect status == 200`")
            }
            (None, _) => diag.help("a test has `each`, `stub`, `send`, `advance` and `expect`"),
            _ => diag,
        };
        cx.report_verb(stmt, diag);
        return;
    };
    cx.note(verb.span, Meaning::Clause(clause));
    // A `stub` without its `=` says more.
    let is_told = verb.text == "stub" && stmt.assignment().is_none();
    if !is_told && args::takes_no_block(cx, stmt, clause.name) {
        *sent |= verb.text == "send";
        return;
    }
    let kind = match verb.text {
        "each" => {
            each(cx, scope, test, stmt, verb);
            return;
        }
        "stub" => stub(cx, scope, stmt, verb),
        "send" => {
            *sent = true;
            send(cx, scope, stmt, verb)
        }
        "advance" => one(cx, scope, stmt, verb, ADVANCE).map(LineKind::Advance),
        _ => {
            if !*sent {
                let diag = misplaced_clause(verb.span, "expect", "front of the first `send`");
                cx.report(diag.help("it speaks of the last request that was sent"));
            }
            one(cx, scope, stmt, verb, EXPECT).map(|mut condition| {
                lower_names(&mut condition);
                LineKind::Expect(condition)
            })
        }
    };
    if let Some(kind) = kind {
        test.lines.push(Line { kind, span: stmt.span() });
    }
}

/// `each NAME = [rows]`.
fn each<'a>(
    cx: &mut Context<'a>,
    scope: &mut Scope<'a>,
    test: &mut Test,
    stmt: ast::Stmt<'a>,
    verb: ast::Word<'a>,
) {
    if let Some(table) = &test.table {
        let diag = repeated_clause(verb.span, "each", table.span);
        cx.report(diag.help("put what both say into the rows of one"));
        return;
    }
    if !test.lines.is_empty() {
        cx.report(
            misplaced_clause(verb.span, "each", "the middle of a test")
                .help("move it to the top: the whole test runs for each row"),
        );
    }
    let assignment = stmt.assignment();
    let (name, rows) = match assignment.map(|found| (found.target, found.value)) {
        Some((ast::Expr::Name(name), Some(rows))) => (name.word(), rows),
        _ => {
            if !stmt.is_line_broken() {
                cx.report(
                    wrong_form(stmt.span(), "`each` names the row of a list", "not of that form")
                        .help("write `each row = [ … ]`"),
                );
            }
            return;
        }
    };
    let places = match rows {
        ast::Expr::List(list) => list.items().map(|row| row.span()).collect(),
        _ => Vec::new(),
    };
    let known = cx.diags.len();
    cx.repeating += 1;
    let row_type = self::row_type(cx, scope, rows);
    cx.repeating -= 1;
    cx.diags.truncate(known);
    let rows = match row_type {
        Some(of) => wanted(cx, scope, rows, &Ty::list(of), &Why::default()),
        None => expr(cx, scope, rows, None),
    };
    let of = match &rows.ty {
        Ty::List(of) => Ty::clone(of),
        Ty::Error => Ty::Error,
        other => {
            let diag = wrong_type(rows.span, &other.to_string(), "a list of rows", None);
            cx.report(diag.help("the rows stand in a list: `each row = [ … ]`"));
            Ty::Error
        }
    };
    let row = cx.fresh_local();
    cx.rows = value(&rows).map(|rows| (row, rows.clone()));
    let definition = cx.define(Definition {
        name: name.text.into(),
        kind: "row",
        span: name.span,
        ty: Some(of.clone()),
        doc: "".into(),
    });
    scope.locals.push(Local {
        name: name.text,
        span: name.span,
        definition,
        bound: Bound::Local(row, of),
        used: Rc::new(Cell::new(true)),
    });
    test.table = Some(Table { row, rows, places, span: stmt.span() });
}

/// The type of the rows of a table, if each is a record: what one row leaves out, or says is `absent`, may be absent.
fn row_type<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, rows: ast::Expr<'a>) -> Option<Ty> {
    let ast::Expr::List(list) = rows else { return None };
    let mut fields: Vec<(Arc<str>, Ty, usize)> = Vec::new();
    let mut n_rows = 0;
    for row in list.items() {
        let ast::Expr::Record(record) = row else { return None };
        n_rows += 1;
        for entry in record.entries() {
            let (Some(key), Some(value)) = (entry.name(), entry.value()) else { return None };
            if names::is_absent(cx, scope, value) {
                continue;
            }
            match fields.iter_mut().find(|(name, ..)| **name == *key) {
                Some((_, _, n_given)) => *n_given += 1,
                None => fields.push((key.into(), expr(cx, scope, value, None).ty, 1)),
            }
        }
    }
    if fields.iter().all(|(.., n_given)| *n_given == n_rows) {
        return None;
    }
    let ty = |(name, ty, n_given): (Arc<str>, Ty, usize)| match n_given == n_rows {
        true => (name, ty),
        false => (name, ty.optional()),
    };
    Some(Ty::Record(fields.into_iter().map(ty).collect()))
}

/// `stub UPSTREAM = what it does`.
fn stub<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    stmt: ast::Stmt<'a>,
    verb: ast::Word<'a>,
) -> Option<LineKind> {
    let Some(assignment) = stmt.assignment() else {
        if !stmt.is_line_broken() {
            cx.report(
                wrong_form(verb.span, "`stub` says what an upstream does", "no `=` follows").help(
                    "write `stub users = respond(200)`, with a blank on both sides of the `=`",
                ),
            );
        }
        return None;
    };
    let why = Why::says("`stub` names an upstream");
    let upstream = wanted(cx, scope, assignment.target, &Ty::Item("upstream"), &why);
    let why = Why::says(
        "an upstream answers with `respond(…)`, or with `refuse`, `reset`, `delay(…)`, `drip(…)`, `sequence(…)`",
    );
    let does = wanted(cx, scope, assignment.value?, &STUB, &why);
    match value(&upstream) {
        Some(Value::Item(name)) => Some(LineKind::Stub(name.clone(), does)),
        _ => None,
    }
}

/// `send METHOD, "url", …`.
fn send<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    stmt: ast::Stmt<'a>,
    verb: ast::Word<'a>,
) -> Option<LineKind> {
    let mut named: Vec<ast::NamedArg<'a>> = stmt.named().collect();
    let who = named.iter().position(|arg| arg.name.text == AS).map(|at| named.remove(at));
    let given = Given {
        what: "send",
        positional: stmt.positional().collect(),
        named,
        span: verb.span,
        broken: stmt.is_line_broken(),
    };
    let mut bound = args::bind(cx, scope, &given, &args::of_rows(SEND));
    if let Some(written) = who.and_then(|who| who.value) {
        let mut assumed = |written: ast::Expr<'a>| {
            super::identity::assumed(cx, scope, written).unwrap_or(reported(written.span()))
        };
        let who = match written {
            ast::Expr::List(list) => Expr {
                kind: ExprKind::List(list.items().map(assumed).collect()),
                ty: Ty::Item("identity"),
                span: written.span(),
            },
            one => assumed(one),
        };
        let at = SEND.iter().position(|param| param.name == AS);
        if let Some(place) = at.and_then(|at| bound.get_mut(at)) {
            *place = who;
        }
    }
    if let [_, url, _, body, json, ..] = bound.as_slice() {
        if let Some(Value::String(text)) = value(url)
            && !is_url(text)
        {
            cx.report(
                wrong_form(
                    url.span,
                    format!("`{text}` is not a URL"),
                    "scheme and host belong here",
                )
                .help("write it as `\"https://shop.example/path?query\"`"),
            );
        }
        let is_given = |expr: &Expr| value(expr) != Some(&Value::Absent);
        if is_given(body) && is_given(json) {
            cx.report(
                wrong_form(json.span, "a request has one content", "`body` is given too")
                    .label(body.span, "given here"),
            );
        }
    }
    Some(LineKind::Send(bound))
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
}

/// The `=` of a line, with a blank on both sides or without.
fn equals(stmt: ast::Stmt<'_>) -> Option<Span> {
    if let Some(assignment) = stmt.assignment() {
        return Some(assignment.equals);
    }
    let named = stmt.named().next()?;
    Some(Span { end: named.value?.span().start, start: named.name.span.end, ..named.name.span })
}

/// Whether an `expect` gives a value to a name instead of comparing, which is reported.
pub(super) fn gives_a_value(cx: &mut Context<'_>, stmt: ast::Stmt<'_>) -> bool {
    let Some(equals) = equals(stmt) else { return false };
    cx.report(
        wrong_form(equals, "`=` gives a value to a name", "a comparison belongs here")
            .help("`==` compares two values")
            .fix("write `==`", equals, "=="),
    );
    true
}

/// A line with one argument.
fn one<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    stmt: ast::Stmt<'a>,
    verb: ast::Word<'a>,
    params: &'static [Param],
) -> Option<Expr> {
    let param = params.first()?;
    if verb.text == "expect" && gives_a_value(cx, stmt) {
        return None;
    }
    let strays = args::strays(cx, stmt.node(), None);
    let mut positional = stmt.positional();
    let Some(first) = positional.next() else {
        if !strays && !stmt.is_line_broken() {
            let ty = (param.ty)().to_string();
            cx.report(missing_argument(verb.span, verb.text, param.name, &ty));
        }
        return None;
    };
    if let Some(more) = positional.next() {
        let diag = too_many_arguments(more.span(), verb.text, &format!("`{}`", param.name));
        cx.report(if verb.text == "expect" { diag.help("join conditions by `and`") } else { diag });
    }
    let why = Why::place(verb.span, format!("`{}` takes {}", verb.text, (param.ty)()))
        .absence("it would count as false");
    Some(wanted(cx, scope, first, &(param.ty)(), &why))
}

/// Names of header fields have no case: what was sent is kept in lower case.
fn lower_names(expr: &mut Expr) {
    if let ExprKind::Member(base, name) = &mut expr.kind
        && let ExprKind::Member(of, header) = &base.kind
        && **header == *"header"
        && matches!(&of.kind, ExprKind::Field(row, _) if row.path == "sent")
    {
        *name = name.to_ascii_lowercase().into();
    }
    super::constant::children_mut(&mut expr.kind).into_iter().for_each(lower_names);
}
