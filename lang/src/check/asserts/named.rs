//! Outcomes that name something: `forwarded(to=…)`, `applied(policy=…)`, `limited(by=…)`, `authenticated(by=…)`, a route.

use std::sync::Arc;

use super::reader::{Claims, nothing};
use crate::check::before::nearest_route;
use crate::check::constant::value;
use crate::check::context::{Context, Entry, Scope, When, kind_name};
use crate::check::expr::wanted;
use crate::check::fit::Why;
use crate::check::names::names_of;
use crate::check::{fields, identity, modules};
use crate::diag::unknown_name::unknown_name;
use crate::diag::wrong_form::wrong_form;
use crate::diag::wrong_kind::wrong_kind;
use crate::policy::Claim;
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::nearest;

impl<'a> Claims<'_, 'a> {
    pub(super) fn word(
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
        if let Some(found) = modules::theirs(cx, scope.unit, &words, wanted) {
            return found.map(|id| cx.item(id).unique.clone());
        }
        if words.first().is_some_and(|first| is_reported(cx, scope.unit, *first, wanted)) {
            return None;
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
                let kind = kind_name(keyword);
                let wanted = kind_name(wanted);
                cx.report(wrong_kind(word.span, word.text, kind, wanted, place));
                None
            }
            _ => {
                let names = names_of(cx, scope, &[wanted]);
                let near = nearest(word.text, names.iter().map(|(name, _)| *name));
                let place =
                    near.and_then(|near| names.iter().find(|(n, _)| *n == near).map(|(_, p)| *p));
                let similar = near.map(|near| (near, place));
                let diag = unknown_name(word.span, wanted.as_str(), word.text, similar);
                cx.report(match modules::that_has(cx, scope.unit, word.text, wanted) {
                    Some(module) if near.is_none() => {
                        let name = format!("{module}.{}", word.text);
                        diag.help(format!(
                            "did you mean `{name}`, which the module `{module}` has?"
                        ))
                        .suggest(
                            format!("write `{name}`"),
                            word.span,
                            name,
                        )
                    }
                    _ => diag,
                });
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
            Some(by) => {
                return match identity::named(cx, scope, by) {
                    Some(id) => {
                        let known = id.and_then(|id| identity::condition(cx, id, by.span()));
                        known.map_or_else(nothing, Claim::Request)
                    }
                    None => self.not_a_claim(cx, by.span()),
                };
            }
        };
        if known.is_empty() && modules::is_any_absent(cx) {
            return nothing();
        }
        if known.is_empty() {
            let diag = wrong_form(span, "the policy knows nobody", "there is no auth to ask");
            cx.report(diag.help("declare one: `auth token = jwt { … }`"));
            return nothing();
        }
        Claim::Any(known.into_iter().map(Claim::Request).collect())
    }

    pub(super) fn route(
        &mut self,
        cx: &mut Context<'a>,
        scope: &Scope<'a>,
        written: ast::Expr<'a>,
    ) -> Claim {
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
            None if modules::names_absent(cx, scope.unit, &words) => nothing(),
            None if cx.is_lost_route(scope.unit, &words) => nothing(),
            None => {
                let near = match cx.may_search(self.plans.len()) {
                    true => nearest_route(&name, own().map(|(plan, _)| &*plan.local))
                        .or_else(|| nearest_route(&name, any().map(|(plan, _)| &*plan.name))),
                    false => None,
                };
                let place = near.and_then(|near| {
                    let mut named = own().filter(|(plan, _)| &*plan.local == near);
                    let mut whole = any().filter(|(plan, _)| &*plan.name == near);
                    let (plan, _) = named.next().or_else(|| whole.next())?;
                    plan.view.name().map(|name| name.span)
                });
                let similar = near.map(|near| (near, place));
                let diag = unknown_name(written.span(), "route", &name, similar);
                cx.report(modules::missing_there(cx, scope.unit, &words, diag));
                nothing()
            }
        }
    }
}

/// Whether a name, or what it begins with, may be that of an item or a module that was reported.
fn is_reported(cx: &Context<'_>, unit: usize, first: ast::Word<'_>, wanted: Keyword) -> bool {
    cx.is_missing(unit, first.text) || cx.is_lost(unit, first.text, &[wanted, Keyword::Module])
}
