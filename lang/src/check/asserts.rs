//! `assert NAME { for req where …; expect … }`: claims about all requests, typed. Words such as `denied` mean an outcome
//! here and nowhere else; everything that speaks of the request alone is an ordinary condition.
//!
//! `claim` reads what stands behind `for` and `expect`; `named` and `status` read the outcomes in it; `words` knows what
//! they are called; `reader` is what all of them read with.

mod claim;
mod named;
mod reader;
mod status;
mod words;

use std::sync::Arc;

use self::claim::learn;
use self::reader::Claims;
use super::context::{Context, ItemId, Scope, When};
use super::erase;
use super::routes::{self, Plan};
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::misplaced_clause::misplaced_clause;
use crate::diag::missing_part::missing_part;
use crate::diag::unknown_verb::unknown_verb;
use crate::diag::wrong_form::wrong_form;
use crate::policy::{Assert, Claim, RouteId, Unproved};
use crate::source::Span;
use crate::syntax::ast;
use crate::vocab::nearest;

/// Every assert of the policy, with the items of the listeners it speaks of.
pub(super) fn asserts<'a>(
    cx: &mut Context<'a>,
    plans: &[Plan<'a>],
    ids: &[Option<RouteId>],
) -> Vec<(Assert, Vec<ItemId>)> {
    let mut found: Vec<(Assert, Vec<ItemId>)> = Vec::new();
    for (unit, of) in cx.units.iter().enumerate() {
        if cx.is_lent(unit) {
            continue;
        }
        for item in ast::items(of.tree) {
            let ast::Item::Assert(view) = item else { continue };
            cx.spent = 0;
            let mut claims = Claims { plans, ids, depth: 0 };
            let broken = view.is_broken();
            let name = view.name().map_or("", |name| name.text);
            let name = super::modules::full_name(cx, unit, name);
            let read = super::modules::judged(cx, |cx| {
                cx.quietly(broken, |cx| claims.assert(cx, unit, &view))
            });
            let (mut assert, on) = match read {
                Ok(Some(assert)) => assert,
                Ok(None) => continue,
                Err(module) => {
                    let team = cx.teams.get_mut(module);
                    team.into_iter().for_each(|team| team.unjudged.push(name.clone()));
                    continue;
                }
            };
            assert.name = name;
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
        let mut scope = Scope::new(unit, When::Claim);
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
                    if super::trial::gives_a_value(cx, stmt) {
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
                    let diag = match (other, near) {
                        ("where", _) => diag
                            .help("which requests are spoken of is `for req where CONDITION`")
                            .fix("write `for req` in front", start, "for req "),
                        (_, None) => diag
                            .help("an assert holds `for req where CONDITION` and `expect OUTCOME`"),
                        _ => diag,
                    };
                    cx.report_verb(stmt, diag);
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
}

fn unproved(cx: &mut Context<'_>, view: &ast::Assert<'_>) -> Option<Unproved> {
    let mut why = None;
    let mut first = None;
    for annotation in view.annotations() {
        let Some(name) = annotation.name() else { continue };
        if name.text != "unproved" {
            let near = nearest(name.text, ["unproved"]);
            cx.report(unknown_verb(name.span, name.text, "the header of an assert", near));
            continue;
        }
        if let Some(first) = first {
            let diag = repeated(name.span, "@unproved", first);
            cx.report(diag.help("say all reasons in one"));
            continue;
        }
        first = Some(name.span);
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

fn repeated(span: Span, what: &str, first: Span) -> crate::diag::Diag {
    crate::diag::repeated_clause::repeated_clause(span, what, first)
}
