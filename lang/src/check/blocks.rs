//! Blocks of settings, such as `listener`, `upstream` and `auth`: lines by their rows, and how often each may stand.

use std::sync::Arc;

use super::args::{self, Given, Slot};
use super::context::{Claims, Context, ItemId, Scope, When, is_head_broken};
use super::erase;
use super::expr::constant;
use super::index::Meaning;
use crate::diag::inner_limit::inner_limit;
use crate::diag::missing_argument::missing_argument;
use crate::diag::missing_part::missing_part;
use crate::diag::missing_setting::missing_setting;
use crate::diag::mixed_settings::mixed_settings;
use crate::diag::not_available::{is_planned, not_available};
use crate::diag::repeated_setting::repeated_setting;
use crate::diag::unknown_name::unknown_name;
use crate::diag::unknown_setting::unknown_setting;
use crate::diag::wrong_form::wrong_form;
use crate::foreign;
use crate::policy::{Block, Expr, Setting};
use crate::source::Span;
use crate::syntax::Keyword;
use crate::syntax::ast;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::identity::{DECLARED, row_name};
use crate::vocab::{self, Phase, Repeat, Times, is_plainly, nearest};

/// The block that an item is; `None` if its kind is unknown.
pub(super) fn block(cx: &mut Context<'_>, id: ItemId) -> Option<Block> {
    let (unit, span, view, keyword) = {
        let item = cx.item(id);
        (item.unit, item.span, item.view, item.keyword)
    };
    let head = *view.head();
    let word = head.keyword();
    let row = match view {
        ast::Item::Auth(auth) => {
            let Some(word) = auth.provider() else {
                if !is_head_broken(&head) {
                    let providers = super::names::listed(&providers(cx));
                    let diag = missing_part(Span { start: span.end, ..span }, "a provider", "");
                    cx.report(diag.help(format!(
                        "write `auth {} = jwt {{ … }}`; the providers are {providers}",
                        cx.item(id).name
                    )));
                }
                return None;
            };
            provider(cx, word)?
        }
        _ => cx.vocabulary.block(keyword.as_str()).or_else(|| {
            cx.report(not_available(word.map_or(span, |word| word.span), keyword.as_str()));
            None
        })?,
    };
    // Before its lines, one of which takes what this finds.
    let declared = match keyword {
        Keyword::Auth => super::claims::claims(cx, id),
        _ => None,
    };
    if let Some(word) = word {
        cx.note(word.span, Meaning::Block(row));
    }
    cx.spent = 0;
    let scope = Scope::new(unit, When::Step(Phase::Route));
    let settings = read(cx, &scope, row, &head, span, declared.as_deref());
    let name = cx.item(id).unique.clone();
    Some(Block { row, name, settings, span })
}

/// The lines of a block; `span` is its name's place, `declared` the claims of an auth.
pub(super) fn read<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    row: &'static vocab::Block,
    head: &ast::Head<'a>,
    span: Span,
    declared: Option<&Claims>,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut sound = head.block().is_some_and(|block| !block.is_broken());
    for line in head.block().into_iter().flat_map(|block| block.lines()) {
        match line {
            ast::Line::Stmt(stmt) => {
                let read =
                    cx.quietly(stmt.is_line_broken(), |cx| setting(cx, scope, row, stmt, declared));
                match read {
                    Some(setting) => settings.push(setting),
                    None => sound = false,
                }
            }
            ast::Line::Error(_) => sound = false,
            ast::Line::Arm(arm) if arm.is_broken() => sound = false,
            ast::Line::Arm(arm) => {
                sound = false;
                cx.report(wrong_form(arm.span(), "an arm stands in no block", "not a setting"));
            }
            ast::Line::Field(field) if field.is_broken() => sound = false,
            ast::Line::Field(field) => {
                sound = false;
                let name = field.name().map_or("name", |name| name.text);
                let colon = super::steps::colon(cx, field.span());
                cx.report(
                    wrong_form(field.span(), "a setting has no `:`", "not a setting")
                        .help(format!("write the verb and its values: `{name} value`"))
                        .suggest("remove the `:`", colon, " "),
                );
            }
            ast::Line::Item(item) => {
                sound = false;
                let place = item.head().keyword().map_or(item.head().span(), |word| word.span);
                cx.report(wrong_form(place, "an item stands in no other one", "not a setting"));
            }
        }
    }
    times(cx, row, &settings, (head.name(), span), sound);
    settings.into_iter().map(|(setting, _)| setting).collect()
}

/// The providers that an auth may be made by.
fn providers(cx: &Context<'_>) -> Vec<Arc<str>> {
    let blocks = cx.vocabulary.blocks.iter();
    blocks.filter_map(|row| vocab::identity::provider(row.name)).map(Arc::from).collect()
}

/// The row of an auth's provider.
fn provider(cx: &mut Context<'_>, word: ast::Word<'_>) -> Option<&'static vocab::Block> {
    if let Some(row) = cx.vocabulary.block(&row_name(word.text)) {
        return Some(row);
    }
    if is_planned(word.text) {
        cx.report(not_available(word.span, word.text));
        return None;
    }
    let known = providers(cx);
    let near = nearest(word.text, known.iter().map(|name| &**name));
    let diag = unknown_name(word.span, "provider", word.text, near.map(|near| (near, None)));
    cx.report(match near {
        Some(_) => diag,
        None => diag.help(format!(
            "{} {}",
            if known.len() == 1 { "the only provider is" } else { "the providers are" },
            super::names::listed(&known)
        )),
    });
    None
}

fn setting<'a>(
    cx: &mut Context<'a>,
    scope: &Scope<'a>,
    block: &'static vocab::Block,
    stmt: ast::Stmt<'a>,
    declared: Option<&Claims>,
) -> Option<(Setting, Span)> {
    let verb = stmt.verb()?;
    let Some(row) = block.setting(verb.text) else {
        if is_planned(verb.text) {
            cx.report(not_available(verb.span, verb.text));
            return None;
        }
        let names = block.settings.iter().map(|setting| setting.name);
        let known: Vec<Arc<str>> = names.clone().map(Into::into).collect();
        let known = super::names::listed(&known);
        // Only what this kind of block has is offered.
        let fits =
            |meant: &&foreign::Foreign| meant.ours.is_none_or(|ours| block.setting(ours).is_some());
        let meant = foreign::setting(verb.text).filter(fits);
        let near = nearest(verb.text, names.clone()).filter(|_| meant.is_none());
        let plain = near.is_some_and(|near| is_plainly(verb.text, near, names));
        let diag = unknown_setting(verb.span, block.name, verb.text, near, &known);
        let diag = match meant {
            Some(meant) => {
                let diag = diag.help(meant.help);
                match meant.ours {
                    Some(ours) => diag.suggest(format!("write `{ours}`"), verb.span, ours),
                    None => diag,
                }
            }
            None => diag.certain_if(plain),
        };
        cx.report_verb(stmt, diag);
        return None;
    };
    cx.note(verb.span, Meaning::Setting(row));
    if matches!(row.params, [param] if (param.ty)() == DECLARED) {
        let defaults = Value::Map(Arc::new(declared?.defaults.clone()));
        let args = vec![constant(defaults, DECLARED, verb.span)];
        return Some((Setting { row, args, span: stmt.span() }, verb.span));
    }
    if let Some(assignment) = stmt.assignment() {
        cx.report(
            wrong_form(assignment.equals, format!("`{}` assigns nothing", row.name), "not here")
                .help("an argument's name stands right before its `=`"),
        );
        return None;
    }
    if args::takes_no_block(cx, stmt, row.name) {
        return None;
    }
    let strays = args::strays(cx, stmt.node(), None);
    let mut given = Given {
        what: row.name,
        positional: stmt.positional().collect(),
        named: stmt.named().collect(),
        span: verb.span,
        broken: stmt.is_line_broken() || strays,
    };
    if let Some(first) = given.positional.first()
        && row.params.len() > 2
        && row.params.iter().all(|param| *(param.ty)().present() == Ty::Duration)
    {
        let message = format!("`{}` has several times, and this one has no name", row.name);
        let start = Span { end: first.span().start, ..first.span() };
        let names: Vec<Arc<str>> = row.params.iter().map(|param| param.name.into()).collect();
        let mut diag = wrong_form(first.span(), message, "which of them is this?")
            .help(format!("name it: the times are {}", super::names::listed(&names)));
        for name in &names {
            diag = diag.suggest(format!("write `{name}=`"), start, format!("{name}="));
        }
        cx.report(diag);
        return None;
    }
    let slots = with_balancer(cx, &mut given, args::of_rows(row.params));
    if let Some(diag) = unkeyed(cx, &given, row.params.len(), verb) {
        cx.report(diag);
        return None;
    }
    let args = args::bind(cx, scope, &given, &slots);
    for pair in row.within {
        within(cx, row, &args, *pair, verb.span);
    }
    Some((Setting { row, args, span: stmt.span() }, verb.span))
}

/// What a balancer goes by may be absent from a request, and not from the policy: it would choose at random.
fn unkeyed(
    cx: &Context<'_>,
    given: &Given<'_>,
    n_own: usize,
    verb: ast::Word<'_>,
) -> Option<crate::diag::Diag> {
    let row = cx.vocabulary.balancer(given.what)?;
    let key = row.params.first().filter(|key| key.default.is_none() && key.dynamic)?;
    let is_given = given.positional.len() > n_own
        || given.named.iter().any(|arg| arg.name.text == key.name)
        || given.broken;
    let diag = missing_argument(verb.span, row.name, key.name, "what it goes by");
    (!is_given).then(|| diag.help(format!("as in `{}`", row.example)))
}

/// A limit inside of another one is not longer than that.
fn within(
    cx: &mut Context<'_>,
    row: &'static vocab::Setting,
    args: &[Expr],
    (inner, outer): (&'static str, &'static str),
    verb: Span,
) {
    let of = |name| {
        let at = row.place_of(name)?;
        let arg = args.get(at)?;
        match super::constant::value(arg)? {
            Value::Duration(length) => Some((*length, arg.span)),
            _ => None,
        }
    };
    let (Some((long, place)), Some((short, bound))) = (of(inner), of(outer)) else { return };
    // A default has the place of the verb, and gives way to what is written.
    if long > short && place != verb {
        let bound = (bound != verb).then_some(bound);
        cx.report(inner_limit((inner, place, long), (outer, bound, short)));
    }
}

/// Behind the name of a balancer follow the parameters of that balancer; `name(…)` says the same.
fn with_balancer<'a>(
    cx: &Context<'a>,
    given: &mut Given<'a>,
    mut slots: Vec<Slot<'a>>,
) -> Vec<Slot<'a>> {
    let Some(at) = slots.iter().position(|slot| slot.ty == Ty::Item("balancer")) else {
        return slots;
    };
    let mut written = given.positional.get(at).copied();
    if let Some(ast::Expr::Call(call)) = written {
        written = call.callee();
        if let (Some(place), Some(callee)) = (given.positional.get_mut(at), written) {
            *place = callee;
            given.positional.splice(at + 1..at + 1, call.positional());
            given.named.extend(call.named());
        }
    }
    let Some(ast::Expr::Name(name)) = written else { return slots };
    match cx.vocabulary.balancer(name.text()) {
        Some(row) => {
            slots.extend(args::of_rows(row.params));
            given.what = row.name;
        }
        None => {
            // Whatever it was meant to be knows what else it takes.
            given.positional.truncate(slots.len());
            given.named.retain(|arg| slots.iter().any(|slot| slot.name == arg.name.text));
        }
    }
    slots
}

/// How often each setting stands.
fn times(
    cx: &mut Context<'_>,
    row: &'static vocab::Block,
    settings: &[(Setting, Span)],
    (name, span): (Option<ast::Word<'_>>, Span),
    sound: bool,
) {
    let mut first: Vec<&(Setting, Span)> = Vec::new();
    for both in settings {
        let (setting, verb) = (&both.0, both.1);
        let before = first.iter().find(|known| known.0.row.name == setting.row.name);
        let repeats = match setting.row.times {
            Times::Optional | Times::Once | Times::Group(_, Repeat::No) => false,
            Times::Any | Times::Some | Times::Group(_, Repeat::Yes) => true,
        };
        if let Some(before) = before {
            if !repeats {
                let diag = repeated_setting(verb, setting.row.name, before.1);
                let places = (before.0.span, setting.span);
                let erased = |cx: &Context<'_>, at| Some(erase::statement(cx, at));
                cx.report(erase::twice(cx, diag, places, erased));
            }
            continue;
        }
        if let Times::Group(group, _) = setting.row.times {
            let other = first.iter().find(
                |known| matches!(known.0.row.times, Times::Group(other, _) if other == group),
            );
            if let Some(other) = other {
                let diag = mixed_settings(verb, setting.row.name, other.0.row.name, other.1);
                let places = (other.0.span, setting.span);
                let erased = |cx: &Context<'_>, at| Some(erase::statement(cx, at));
                cx.report(erase::twice(cx, diag, places, erased));
            }
        }
        first.push(both);
    }
    if !sound {
        return;
    }
    let stands = |name: &str| settings.iter().any(|(setting, _)| setting.row.name == name);
    let mut groups: Vec<&str> = Vec::new();
    let text = name.map_or("", |name| name.text);
    for setting in row.settings {
        match setting.times {
            Times::Once | Times::Some if !stands(setting.name) => {
                cx.report(
                    missing_setting(span, row.name, text, &format!("`{}`", setting.name))
                        .help(format!("as in `{}`", setting.example)),
                );
            }
            Times::Group(group, _) if !groups.contains(&group) => {
                groups.push(group);
                let members: Vec<&vocab::Setting> = row
                    .settings
                    .iter()
                    .filter(|s| matches!(s.times, Times::Group(other, _) if other == group))
                    .collect();
                if !members.iter().any(|member| stands(member.name)) {
                    let names: Vec<String> =
                        members.iter().map(|member| format!("`{}`", member.name)).collect();
                    cx.report(
                        missing_setting(span, row.name, text, &names.join(" or "))
                            .help(format!("as in `{}`", setting.example)),
                    );
                }
            }
            _ => {}
        }
    }
}
