//! `assert NAME { for req where …; expect … }`: claims about all requests, typed. Words such as `denied` mean an outcome
//! here and nowhere else; everything that speaks of the request alone is an ordinary condition.

use std::sync::Arc;

use super::constant::value;
use super::context::{Context, Entry, ItemId, Scope, When};
use super::erase;
use super::expr::{expr, wanted};
use super::facts::learned;
use super::fields;
use super::fit::{Why, fit};
use super::identity;
use super::names::names_of;
use super::routes::{self, Plan};
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::missing_part::missing_part;
use crate::diag::not_constant::not_constant;
use crate::diag::unknown_name::unknown_name;
use crate::diag::unknown_verb::unknown_verb;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_kind::wrong_kind;

use crate::diag::Diag;
use crate::foreign;
use crate::policy::{Assert, Claim, Compare, Expr, ExprKind, HeaderIs, Message, RouteId, Unproved};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast::{self, BinaryOp, UnaryOp};
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::{Phase, nearest};

/// The words that mean an outcome.
const OUTCOMES: &[&str] = &[
    "denied",
    "responded",
    "forwarded",
    "applied",
    "limited",
    "cached",
    "authenticated",
    "status",
    "route",
];

/// How deep claims may nest.
const DEEPEST: u32 = 64;

/// What claims are read with.
struct Claims<'c, 'a> {
    plans: &'c [Plan<'a>],
    ids: &'c [Option<RouteId>],
    depth: u32,
}

/// Every assert with the items of the listeners it speaks of.
pub(super) fn asserts<'a>(
    cx: &mut Context<'a>,
    plans: &[Plan<'a>],
    ids: &[Option<RouteId>],
) -> Vec<(Assert, Vec<ItemId>)> {
    let mut found: Vec<(Assert, Vec<ItemId>)> = Vec::new();
    for (unit, of) in cx.units.iter().enumerate() {
        for item in ast::items(of.tree) {
            let ast::Item::Assert(view) = item else { continue };
            cx.spent = 0;
            let mut claims = Claims { plans, ids, depth: 0 };
            let broken = view.is_broken();
            let read = cx.quietly(broken, |cx| claims.assert(cx, unit, &view));
            let Some((mut assert, on)) = read else { continue };
            assert.name = super::modules::full_name(cx, unit, &assert.name);
            if let Some((first, _)) = found.iter().find(|(known, _)| known.name == assert.name) {
                cx.report(duplicate_name(assert.span, &assert.name, first.span));
            }
            found.push((assert, on));
        }
    }
    found
}

impl<'a> Claims<'_, 'a> {
    fn assert(
        &mut self,
        cx: &mut Context<'a>,
        unit: usize,
        view: &ast::Assert<'a>,
    ) -> Option<(Assert, Vec<ItemId>)> {
        let name = view.name()?;
        for (word, _) in view.clauses().filter(|(word, _)| word.text != "on") {
            let near = nearest(word.text, ["on"]);
            cx.report(unknown_verb(word.span, word.text, "the header of an assert", near));
        }
        let listeners = routes::listeners(cx, unit, view);
        let unproved = unproved(cx, view);
        let mut scope = Scope::new(unit, When::Choice);
        let mut of: Option<(Claim, Span)> = None;
        let mut expect: Option<(Claim, Span)> = None;
        for line in view.block()?.lines() {
            let ast::Line::Stmt(stmt) = line else {
                let place = match line {
                    ast::Line::Item(item) => item.head().span(),
                    ast::Line::Arm(arm) => arm.span(),
                    ast::Line::Field(field) => field.span(),
                    _ => continue,
                };
                let diag = wrong_form(place, "an assert holds `for` and `expect`", "not here");
                cx.report(diag);
                continue;
            };
            let Some(verb) = stmt.verb() else { continue };
            if matches!(verb.text, "for" | "expect") {
                super::args::takes_no_block(cx, stmt, verb.text);
            }
            match verb.text {
                "for" => {
                    if let Some((_, first)) = of {
                        cx.report(repeated(verb.span, "for", first));
                        continue;
                    }
                    let bound = stmt.node().children().find(|node| {
                        matches!(node.kind(), crate::syntax::Kind::Name)
                            && node.span().start > verb.span.start
                    });
                    if let Some(bound) = bound.filter(|bound| bound.text() != "req") {
                        let diag = wrong_form(
                            bound.span(),
                            "an assert speaks of requests",
                            "this is `req`",
                        );
                        cx.report(diag.fix("write `req`", bound.span(), "req"));
                    }
                    let after = bound.map_or(verb.span.end, |bound| bound.span().end);
                    let written = stmt.positional().find(|written| written.span().start >= after);
                    let claim = match written {
                        Some(written) => {
                            let claim = self.claim(cx, &scope, written);
                            learn(&claim, true, &mut scope);
                            claim
                        }
                        None => Claim::All(Vec::new()),
                    };
                    of = Some((claim, stmt.span()));
                }
                "expect" => {
                    if let Some((_, first)) = expect {
                        let diag = repeated(verb.span, "expect", first);
                        cx.report(diag.help("join what is expected with `and`"));
                        continue;
                    }
                    let mut written = stmt.positional();
                    let Some(first) = written.next() else {
                        cx.report(missing_part(verb.span, "what is expected", "expect"));
                        continue;
                    };
                    if let Some(extra) = written.next() {
                        let diag = wrong_form(
                            extra.span(),
                            "`expect` takes one claim",
                            "this is too much",
                        );
                        cx.report(diag.help("join claims with `and`"));
                    }
                    expect = Some((self.claim(cx, &scope, first), first.span()));
                }
                other => {
                    let near = nearest(other, ["for", "expect"]);
                    let diag = unknown_verb(verb.span, other, "an assert", near);
                    let start = Span { end: verb.span.start, ..verb.span };
                    cx.report(match (other, near) {
                        ("where", _) => diag
                            .help("which requests are spoken of is `for req where CONDITION`")
                            .fix("write `for req` in front", start, "for req "),
                        (_, None) => diag
                            .help("an assert holds `for req where CONDITION` and `expect OUTCOME`"),
                        _ => diag,
                    });
                }
            }
        }
        let (of, _) = of.unwrap_or((Claim::All(Vec::new()), name.span));
        let Some((expect, expect_span)) = expect else {
            let said = cx.diags.iter().any(|diag| {
                let (at, all) = (diag.span(), view.span());
                at.source == all.source && at.start >= all.start && at.end <= all.end
            });
            if !said {
                let diag = missing_part(name.span, "`expect` in the assert", "");
                cx.report(diag.help("an assert holds `for req where CONDITION`, if not all requests are meant, and `expect OUTCOME`"));
            }
            return None;
        };
        let name_text = Arc::from(name.text);
        let assert = Assert {
            name: name_text,
            listeners: Vec::new(),
            of,
            expect,
            unproved,
            span: name.span,
            expect_span,
        };
        Some((assert, listeners))
    }

    fn claim(&mut self, cx: &mut Context<'a>, scope: &Scope<'a>, written: ast::Expr<'a>) -> Claim {
        if let Some(diag) = misnamed(cx, scope, written) {
            cx.report(diag);
            return nothing();
        }
        if self.depth >= DEEPEST || !speaks(written, 0) {
            let why = Why::says("a claim is a condition").absence("the claim would not hold");
            return Claim::Request(wanted(cx, scope, written, &Ty::Bool, &why));
        }
        self.depth += 1;
        let claim = self.outcome(cx, scope, written);
        self.depth -= 1;
        claim
    }

    fn outcome(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        written: ast::Expr<'a>,
    ) -> Claim {
        match written {
            ast::Expr::Paren(paren) => match paren.inner() {
                Some(inner) => self.claim(cx, scope, inner),
                None => nothing(),
            },
            ast::Expr::Unary(unary) if unary.op().is_some_and(|op| op.op == UnaryOp::Not) => {
                match unary.operand() {
                    Some(inner) => Claim::Not(Box::new(self.claim(cx, scope, inner))),
                    None => nothing(),
                }
            }
            ast::Expr::Binary(binary) => self.binary(cx, scope, binary),
            ast::Expr::Is(is) => self.is(cx, scope, is),
            ast::Expr::Name(name) => self.word(cx, scope, name.word(), None),
            ast::Expr::Call(call) => match call.callee() {
                Some(ast::Expr::Name(name)) => self.word(cx, scope, name.word(), Some(call)),
                _ => self.not_a_claim(cx, written.span()),
            },
            other => self.not_a_claim(cx, other.span()),
        }
    }

    fn binary(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        binary: ast::Binary<'a>,
    ) -> Claim {
        let (Some(op), Some(left), Some(right)) = (binary.op(), binary.left(), binary.right())
        else {
            return nothing();
        };
        match op.op {
            BinaryOp::And | BinaryOp::Or => {
                let is_and = op.op == BinaryOp::And;
                let first = self.claim(cx, scope, left);
                let mut inner = scope.clone();
                learn(&first, is_and, &mut inner);
                let second = self.claim(cx, &inner, right);
                let both = vec![first, second];
                if is_and { Claim::All(both) } else { Claim::Any(both) }
            }
            BinaryOp::In | BinaryOp::NotIn => match (left, right) {
                (ast::Expr::Name(name), of) if matches!(name.text(), "status" | "route") => {
                    let mut one = |item| match name.text() {
                        "status" => statuses(cx, scope, item),
                        _ => self.route(cx, scope, item),
                    };
                    let any = match of {
                        ast::Expr::List(list) => Claim::Any(list.items().map(one).collect()),
                        of => one(of),
                    };
                    if op.op == BinaryOp::In { any } else { Claim::Not(Box::new(any)) }
                }
                _ => self.not_a_claim(cx, binary.span()),
            },
            _ => {
                let Some(how) = comparison(op.op) else {
                    return self.not_a_claim(cx, binary.span());
                };
                match left {
                    ast::Expr::Name(name) if name.text() == "status" => {
                        status(cx, scope, right, how, op.span)
                    }
                    ast::Expr::Name(name) if name.text() == "route" => match how {
                        Compare::Eq => self.route(cx, scope, right),
                        Compare::Ne => Claim::Not(Box::new(self.route(cx, scope, right))),
                        _ => self.not_a_claim(cx, binary.span()),
                    },
                    _ => match (self.header(cx, scope, left), how) {
                        (Some((message, name)), Compare::Eq | Compare::Ne) => {
                            let why = Why::says("a header field is text");
                            let read = wanted(cx, scope, right, &Ty::String, &why);
                            let Some(Value::String(text)) = value(&read).cloned() else {
                                if !read.ty.is_error() {
                                    let why = "a claim compares a header with a literal";
                                    cx.report(not_constant(read.span, why));
                                }
                                return nothing();
                            };
                            let is = |is| Claim::Header(message, Arc::clone(&name), is);
                            let equal = is(HeaderIs::Text(text));
                            if how == Compare::Eq {
                                return equal;
                            }
                            // With an absent side no comparison holds.
                            let not = Claim::Not(Box::new(equal));
                            Claim::All(vec![is(HeaderIs::Present), not])
                        }
                        (Some(_), _) => self.not_a_claim(cx, binary.span()),
                        (None, _) => nothing(),
                    },
                }
            }
        }
    }

    fn is(&mut self, cx: &mut Context<'a>, scope: &Scope<'a>, is: ast::Is<'a>) -> Claim {
        let (Some(operand), Some(state)) = (is.operand(), is.state()) else { return nothing() };
        let present = match operand {
            ast::Expr::Name(name) if name.text() == "route" => Claim::Route(None),
            _ => match self.header(cx, scope, operand) {
                Some((message, name)) => Claim::Header(message, name, HeaderIs::Present),
                None => return nothing(),
            },
        };
        match (state.text, is.is_negated()) {
            ("present", false) | ("absent", true) => present,
            ("absent", false) | ("present", true) => Claim::Not(Box::new(present)),
            _ => {
                let diag = wrong_form(
                    state.span,
                    "a header or a route is `present` or `absent`",
                    "not this",
                );
                cx.report(diag);
                nothing()
            }
        }
    }

    /// The message and the name in `up.header["x"]`.
    fn header(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        written: ast::Expr<'a>,
    ) -> Option<(Message, Arc<str>)> {
        if let ast::Expr::Name(name) = written
            && OUTCOMES.contains(&name.text())
        {
            self.not_a_claim(cx, written.span());
            return None;
        }
        let scope = Scope { when: When::Step(Phase::Origin), ..scope.clone() };
        let read = expr(cx, &scope, written, None);
        match read.kind {
            ExprKind::Field(row, Some(key)) if row.path == "up.header" => Some((Message::Up, key)),
            ExprKind::Field(row, Some(key)) if row.path == "resp.header" => {
                Some((Message::Resp, key))
            }
            ExprKind::Error => None,
            _ => {
                self.not_a_claim(cx, written.span());
                None
            }
        }
    }

    fn word(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        word: ast::Word<'a>,
        call: Option<ast::Call<'a>>,
    ) -> Claim {
        let wanted_name = match word.text {
            "forwarded" => Some("to"),
            "applied" => Some("policy"),
            "limited" | "authenticated" => Some("by"),
            _ => None,
        };
        let mut given = None;
        if let Some(call) = call {
            let extra = call
                .positional()
                .map(|extra| extra.span())
                .chain(call.named().filter(|n| Some(n.name.text) != wanted_name).map(|n| n.span))
                .next();
            if let Some(extra) = extra {
                let message = format!("`{}` does not take this", word.text);
                let diag = wrong_form(extra, message, "not here");
                cx.report(match wanted_name {
                    Some(name) => diag.help(format!("write `{}({name}=…)`", word.text)),
                    None => diag,
                });
                return nothing();
            }
            given = wanted_name.and_then(|name| call.arg(name)).and_then(|named| named.value);
        }
        match (word.text, given) {
            ("denied", None) => Claim::Denied,
            ("responded", None) => Claim::Responded,
            ("forwarded", None) => Claim::Forwarded(None),
            ("forwarded", Some(to)) if matches!(to, ast::Expr::Member(_)) => {
                let name = self.item(cx, scope, to, Keyword::Upstream);
                name.map_or_else(nothing, |name| Claim::Forwarded(Some(name)))
            }
            ("forwarded", Some(to)) => {
                let scope = Scope::new(scope.unit, When::Load);
                let why = Why::says("`to` names an upstream");
                let read = wanted(cx, &scope, to, &Ty::Item("upstream"), &why);
                match value(&read) {
                    Some(Value::Item(name)) => Claim::Forwarded(Some(name.clone())),
                    _ => nothing(),
                }
            }
            ("cached", None) => Claim::Cached,
            ("limited", None) => Claim::Limited(None),
            ("limited", Some(limit)) => {
                let name = self.item(cx, scope, limit, Keyword::Limit);
                name.map_or_else(nothing, |name| Claim::Limited(Some(name)))
            }
            ("applied", Some(policy)) => {
                let name = self.item(cx, scope, policy, Keyword::Policy);
                name.map_or_else(nothing, Claim::Applied)
            }
            ("authenticated", by) => self.authenticated(cx, scope, word.span, by),
            ("applied", None) => {
                let diag = wrong_form(word.span, "`applied` names a policy", "none is named");
                cx.report(diag.help("write `applied(policy=NAME)`"));
                nothing()
            }
            _ => {
                let message = format!("`{}` is compared with something", word.text);
                let diag = wrong_form(word.span, message, "compared with nothing");
                cx.report(diag.help(if word.text == "status" {
                    "write `status == 403`"
                } else {
                    "write `route == NAME`"
                }));
                nothing()
            }
        }
    }

    /// The item of this kind that is named; reported where there is none.
    fn item(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        written: ast::Expr<'a>,
        wanted: Keyword,
    ) -> Option<Arc<str>> {
        let words = fields::words(written).unwrap_or_default();
        if let Some(found) = super::modules::theirs(cx, scope.unit, &words, wanted) {
            return found.map(|id| cx.item(id).unique.clone());
        }
        let ast::Expr::Name(name) = written else {
            let help = match scope.unit {
                0 => {
                    "the first file names what a module has as `MODULE.NAME`, and its own by their names"
                }
                _ => "a file's claims speak of what the file knows by a name of its own",
            };
            let message = format!("this names no {}", wanted.as_str());
            cx.report(wrong_form(written.span(), message, "a name belongs here").help(help));
            return None;
        };
        let word = name.word();
        let entry = cx.names.get(scope.unit).and_then(|names| names.get(word.text)).copied();
        match entry {
            Some(Entry::Item(id)) if cx.item(id).keyword == wanted => {
                cx.use_item(id, word.span);
                Some(cx.item(id).unique.clone())
            }
            Some(Entry::Item(id)) => {
                let (keyword, place) = (cx.item(id).keyword, cx.item(id).span);
                let kind = super::context::kind_name(keyword);
                let wanted = super::context::kind_name(wanted);
                cx.report(wrong_kind(word.span, word.text, kind, wanted, place));
                None
            }
            _ => {
                let names = names_of(cx, scope, &[wanted]);
                let near = nearest(word.text, names.iter().map(|(name, _)| *name));
                let place =
                    near.and_then(|near| names.iter().find(|(n, _)| *n == near).map(|(_, p)| *p));
                let similar = near.map(|near| (near, place));
                cx.report(unknown_name(word.span, wanted.as_str(), word.text, similar));
                None
            }
        }
    }

    /// That somebody is known is a condition on the request, whatever comes of it.
    fn authenticated(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        span: Span,
        by: Option<ast::Expr<'a>>,
    ) -> Claim {
        let known = match by {
            None => identity::all(cx, span),
            Some(ast::Expr::Name(name)) => {
                let word = name.word();
                let id = identity::auth(cx, scope, word);
                let known = id.and_then(|id| identity::condition(cx, id, word.span));
                return known.map_or_else(nothing, Claim::Request);
            }
            Some(other) => {
                let words = fields::words(other).unwrap_or_default();
                let found = super::modules::theirs(cx, scope.unit, &words, Keyword::Auth);
                return match found {
                    Some(Some(id)) => {
                        let known = identity::condition(cx, id, other.span());
                        known.map_or_else(nothing, Claim::Request)
                    }
                    Some(None) => nothing(),
                    None => self.not_a_claim(cx, other.span()),
                };
            }
        };
        if known.is_empty() {
            let diag = wrong_form(span, "the policy knows nobody", "there is no auth to ask");
            cx.report(diag.help("declare one: `auth token = jwt { … }`"));
            return nothing();
        }
        Claim::Any(known.into_iter().map(Claim::Request).collect())
    }

    fn route(&mut self, cx: &mut Context<'a>, scope: &Scope<'a>, written: ast::Expr<'a>) -> Claim {
        let Some(words) = fields::words(written) else {
            return self.not_a_claim(cx, written.span());
        };
        let name = words.iter().map(|word| word.text).collect::<Vec<_>>().join(".");
        let own = || self.plans.iter().zip(self.ids).filter(|(plan, _)| plan.unit == scope.unit);
        // The first file knows the routes of modules by their full names.
        let any = || self.plans.iter().zip(self.ids).filter(|_| scope.unit == 0);
        let found = own().find(|(plan, _)| *plan.local == *name);
        let found = found.or_else(|| any().find(|(plan, _)| *plan.name == *name));
        match found {
            Some((_, Some(id))) => Claim::Route(Some(*id)),
            // A route of a file of which nothing was imported answers nothing.
            Some((_, None)) => Claim::Any(Vec::new()),
            None => {
                let near = match cx.may_search(self.plans.len()) {
                    true => routes::nearest_route(&name, own().map(|(plan, _)| &*plan.local)),
                    false => None,
                };
                let place = near.and_then(|near| {
                    let (plan, _) = own().find(|(plan, _)| &*plan.local == near)?;
                    plan.view.name().map(|name| name.span)
                });
                let similar = near.map(|near| (near, place));
                cx.report(unknown_name(written.span(), "route", &name, similar));
                nothing()
            }
        }
    }

    fn not_a_claim(&self, cx: &mut Context<'_>, span: Span) -> Claim {
        let diag = wrong_form(span, "this is no claim about an outcome", "not understood here");
        cx.report(diag.help(
            "an outcome is `denied`, `responded`, `forwarded(to=…)`, `applied(policy=…)`, `limited(by=…)`, `cached`, `authenticated(by=…)`, `status == …`, `route == …`, or a header such as `up.header[\"x\"] is absent`",
        ));
        nothing()
    }
}

/// A claim that was reported.
fn nothing() -> Claim {
    Claim::All(Vec::new())
}

fn repeated(span: Span, what: &str, first: Span) -> crate::diag::Diag {
    crate::diag::repeated_clause::repeated_clause(span, what, first)
}

/// What requests are known to have of which a claim holds, or does not.
fn learn(claim: &Claim, holds: bool, scope: &mut Scope<'_>) {
    match (claim, holds) {
        (Claim::Request(condition), _) => scope.facts.add(&learned(condition, holds)),
        (Claim::All(parts), true) | (Claim::Any(parts), false) => {
            parts.iter().for_each(|part| learn(part, holds, scope));
        }
        (Claim::Not(inner), _) => learn(inner, !holds, scope),
        _ => {}
    }
}

fn unproved(cx: &mut Context<'_>, view: &ast::Assert<'_>) -> Option<Unproved> {
    let mut why = None;
    for annotation in view.annotations() {
        let Some(name) = annotation.name() else { continue };
        if name.text != "unproved" {
            let near = nearest(name.text, ["unproved"]);
            cx.report(unknown_verb(name.span, name.text, "the header of an assert", near));
            continue;
        }
        match annotation.positional().next() {
            Some(ast::Expr::Str(text)) if text.plain().is_some_and(|t| !t.trim().is_empty()) => {
                let span = erase::statement(cx, annotation.span());
                why = text.plain().map(|text| Unproved { why: Arc::from(text), span });
            }
            _ => {
                let diag = misplaced_clause(name.span, "unproved", "an assert without a reason");
                cx.report(diag.help("write `@unproved(\"why\")`"));
            }
        }
    }
    why
}

/// `status == 403`. What is a range of statuses has no order with one: it is asked with `in`, whose place is `op`.
fn status<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    written: ast::Expr<'a>,
    how: Compare,
    op: Span,
) -> Claim {
    let read = expr(cx, scope, written, Some(&Ty::Status));
    if let Ty::Range(_) = read.ty {
        let (message, reason) = ("these are several statuses", "one of them is meant");
        let diag = wrong_form(read.span, message, reason);
        let word = match how {
            Compare::Eq => "in",
            Compare::Ne => "not in",
            _ => {
                cx.report(diag.help("write one status, as in `status >= 400`"));
                return nothing();
            }
        };
        let help = format!("write `status {word} {}`", cx.text(read.span));
        cx.report(diag.help(help).fix(format!("write `{word}`"), op, word));
        return nothing();
    }
    let why = Why::says("`status` is compared with a status");
    let read = fit(cx, scope, read, &Ty::Status, &why);
    match value(&read) {
        Some(Value::Status(status)) => Claim::Status(how, *status),
        _ => not_literal(cx, &read),
    }
}

/// What `status` may be in: a status, or a range of them.
fn statuses<'a>(cx: &mut Context<'a>, scope: &Scope<'a>, written: ast::Expr<'a>) -> Claim {
    let read = expr(cx, scope, written, Some(&Ty::Status));
    let ty = match read.ty {
        Ty::Range(_) => Ty::Range(Arc::new(Ty::Status)),
        _ => Ty::Status,
    };
    let why = Why::says("`status` is in a list or a range of statuses");
    let read = fit(cx, scope, read, &ty, &why);
    match value(&read) {
        Some(Value::Status(status)) => Claim::Status(Compare::Eq, *status),
        Some(Value::Range(ends)) => match (&ends.0, &ends.1) {
            (Value::Status(low), Value::Status(high)) => {
                let low = Claim::Status(Compare::Ge, *low);
                Claim::All(vec![low, Claim::Status(Compare::Le, *high)])
            }
            _ => nothing(),
        },
        _ => not_literal(cx, &read),
    }
}

fn not_literal(cx: &mut Context<'_>, read: &Expr) -> Claim {
    if !read.ty.is_error() {
        cx.report(not_constant(read.span, "a claim compares the status with a literal"));
    }
    nothing()
}

fn comparison(op: BinaryOp) -> Option<Compare> {
    Some(match op {
        BinaryOp::Equal => Compare::Eq,
        BinaryOp::NotEqual => Compare::Ne,
        BinaryOp::Less => Compare::Lt,
        BinaryOp::LessEqual => Compare::Le,
        BinaryOp::Greater => Compare::Gt,
        BinaryOp::GreaterEqual => Compare::Ge,
        _ => return None,
    })
}

/// Says what a word of a claim is called here.
fn misnamed(cx: &Context<'_>, scope: &Scope<'_>, written: ast::Expr<'_>) -> Option<Diag> {
    let word = match written {
        ast::Expr::Name(name) => name.word(),
        ast::Expr::Call(call) => match call.callee()? {
            ast::Expr::Name(name) => name.word(),
            _ => return None,
        },
        _ => return None,
    };
    let meant = foreign::outcome(word.text)?;
    let is_call = matches!(written, ast::Expr::Call(_));
    // A value or function of the policy may be called so.
    let entry = cx.names.get(scope.unit).and_then(|names| names.get(word.text));
    if let Some(Entry::Item(id)) = entry
        && matches!(
            cx.item(*id).keyword,
            Keyword::Let | Keyword::Fn | Keyword::Param | Keyword::Auth
        )
    {
        return None;
    }
    let diag = unknown_name(word.span, "outcome", word.text, None).help(meant.help);
    Some(match meant.ours.filter(|_| !is_call) {
        Some(ours) => diag.suggest(format!("write `{ours}`"), word.span, ours),
        None => diag,
    })
}

/// Whether it speaks of an outcome, and not of the request alone.
fn speaks(written: ast::Expr<'_>, depth: u32) -> bool {
    if depth > DEEPEST {
        return false;
    }
    let inner = |of: Option<ast::Expr<'_>>| of.is_some_and(|of| speaks(of, depth + 1));
    let word = |text: &str| OUTCOMES.contains(&text);
    match written {
        ast::Expr::Name(name) => word(name.text()),
        ast::Expr::Call(call) => match call.callee() {
            Some(ast::Expr::Name(name)) => word(name.text()),
            _ => false,
        },
        ast::Expr::Paren(paren) => inner(paren.inner()),
        ast::Expr::Unary(unary) => inner(unary.operand()),
        ast::Expr::Binary(binary) => inner(binary.left()) || inner(binary.right()),
        ast::Expr::Is(is) => inner(is.operand()),
        ast::Expr::Index(index) => index.base().is_some_and(is_sent),
        ast::Expr::Member(_) => is_sent(written),
        _ => false,
    }
}

/// Whether it is of a message that the gateway sends.
fn is_sent(written: ast::Expr<'_>) -> bool {
    let words = fields::words(written).unwrap_or_default();
    words.first().is_some_and(|first| matches!(first.text, "up" | "resp"))
}
