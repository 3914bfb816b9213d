//! `gwc diff`: what two policies do differently with requests, for a person or a pull request. The comparison is the
//! compiler's.

use std::path::PathBuf;

use clap::ValueEnum;
use compiler::diff::{
    Change, Comparison, ItemChange, Kind, Outcome as Fate, Said, SettingChange, Side, compare,
};
use lang::policy::Module;
use lang::{Sources, Span};
use serde_json::{Value as Json, json};

use crate::Outcome;
use crate::load::{self, Check};
use crate::owner;
use crate::report::{self, Color};

/// Tells which requests two policies treat differently: protection that was loosened first, each class with a request
/// that was tried on both
///
/// Exit status: 0 when the comparison is written, 1 when a policy has errors or `--deny` finds what it denies, 2 when one
/// could not be read.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The policy as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// What fails the comparison
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// Requests that were refused or limited and are let through, settings that guard and are not the same, new listeners,
    /// and what could not be decided
    Loosened,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
    /// For a pull request
    Markdown,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let (old, new) = (load::check(&args.old)?, load::check(&args.new)?);
    for check in [&old, &new] {
        let errors = check.found().filter(|(_, diag)| diag.is_error());
        report::human::print_all(errors, Color::Auto);
    }
    let (Some(old_program), Some(new_program)) = (&old.program, &new.program) else {
        return Ok(Outcome::Faulty);
    };
    let comparison = compare((&old.policy, old_program), (&new.policy, new_program));
    let page = Page { old: &old, new: &new, comparison: &comparison };
    report::print(&match args.format {
        Format::Human => page.human(),
        Format::Json => format!("{:#}\n", page.json()),
        Format::Markdown => page.markdown(),
    })?;
    let denied = args.deny == Some(Deny::Loosened) && page.may_be_loosened();
    let wrong = denied || !comparison.disagreements.is_empty();
    Ok(if wrong { Outcome::Faulty } else { Outcome::Clean })
}

/// What a comparison is told with.
struct Page<'p> {
    old: &'p Check,
    new: &'p Check,
    comparison: &'p Comparison,
}

const KINDS: [(Kind, &str, &str); 3] = [
    (Kind::Loosened, "loosened", "Loosened: what was refused or limited is let through"),
    (Kind::Tightened, "tightened", "Tightened: what was let through is refused or limited"),
    (Kind::Changed, "changed", "Changed"),
];

/// The title of what may loosen protection, and may as well not.
const GUARDS: &str = "Protection that may be loosened";

/// What is said where nothing differs.
const SAME: &str = "no request is treated differently";

impl Page<'_> {
    /// Whether protection is loosened, or may be as far as is known.
    fn may_be_loosened(&self) -> bool {
        self.comparison.changes.iter().any(|change| change.kind == Kind::Loosened)
            || !self.comparison.undecided.is_empty()
            || self.comparison.items.iter().any(may_loosen)
    }

    /// Whether no request is treated differently, for certain.
    fn is_quiet(&self) -> bool {
        let Comparison { changes, undecided, disagreements, items } = self.comparison;
        let moved =
            |item: &ItemChange| may_loosen(item) || &*item.kind == "listener" && item.new.is_none();
        changes.is_empty()
            && undecided.is_empty()
            && disagreements.is_empty()
            && !items.iter().any(moved)
    }

    fn human(&self) -> String {
        let mut text = String::new();
        let section = |text: &mut String, title: &str, lines: &[String]| {
            text.push_str(&format!("{title}\n"));
            text.extend(lines.iter().map(|line| format!("  {line}\n")));
        };
        for (kind, _, title) in KINDS {
            if kind == Kind::Tightened && !self.guards().is_empty() {
                section(&mut text, GUARDS, &self.guards());
            }
            let mut changes = self.of(kind).peekable();
            if changes.peek().is_none() {
                continue;
            }
            text.push_str(&format!("{title}\n"));
            for change in changes {
                text.push_str(&format!("  {}\n", self.sentence(change)));
                for line in self.details(change) {
                    text.push_str(&format!("    {line}\n"));
                }
            }
        }
        if self.is_quiet() {
            text.push_str(&format!("{SAME}\n"));
        }
        for (title, lines) in self.rest() {
            section(&mut text, title, &lines);
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        let section = |text: &mut String, title: &str, lines: &[String]| {
            text.push_str(&format!("### {title}\n\n"));
            text.extend(lines.iter().map(|line| format!("- {line}\n")));
            text.push('\n');
        };
        for (kind, _, title) in KINDS {
            if kind == Kind::Tightened && !self.guards().is_empty() {
                section(&mut text, GUARDS, &self.guards());
            }
            let mut changes = self.of(kind).peekable();
            if changes.peek().is_none() {
                continue;
            }
            text.push_str(&format!(
                "### {title}\n\n| before → after | example | more |\n|---|---|---|\n"
            ));
            for change in changes {
                let mut details = self.details(change);
                let example = match &change.example {
                    Some(_) if !details.is_empty() => details.remove(0),
                    _ => String::new(),
                };
                text.push_str(&format!(
                    "| {} | {} | {} |\n",
                    cell(&self.sentence(change)),
                    code(&example),
                    details.iter().map(|line| cell(line)).collect::<Vec<_>>().join("<br>")
                ));
            }
            text.push('\n');
        }
        if self.is_quiet() {
            text.push_str("No request is treated differently.\n\n");
        }
        for (title, lines) in self.rest() {
            section(&mut text, title, &lines);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    fn json(&self) -> Json {
        let side = |fate: &Fate, check: &Check| {
            let effects = fate.effects.iter().map(|(span, _)| self.text(check, *span));
            json!({
                "outcome": fate.words,
                "route": fate.route.as_ref().map(|(name, _)| &**name),
                "place": fate.route.as_ref().map(|(_, span)| place(check, *span)),
                "statements": effects.collect::<Vec<_>>(),
                "policies": fate.applied.iter().map(|name| &**name).collect::<Vec<_>>(),
            })
        };
        let changes = self.comparison.changes.iter().map(|change| {
            let kind = KINDS.iter().find(|(kind, ..)| *kind == change.kind);
            json!({
                "kind": kind.map_or("", |(_, name, _)| name),
                "listener": &*change.listener,
                "old": side(&change.old, self.old),
                "new": side(&change.new, self.new),
                "example": change.example,
                "places": change.places,
            })
        });
        let items = self.comparison.items.iter().map(|item| {
            let settings = item.settings.iter().map(|setting| {
                let said = |said: &Option<Said>, check| said.as_ref().map(|s| self.said(check, s));
                json!({
                    "name": &*setting.name,
                    "guards": setting.guards,
                    "old": said(&setting.old, self.old),
                    "new": said(&setting.new, self.new),
                })
            });
            json!({
                "kind": &*item.kind,
                "name": &*item.name,
                "change": became(item),
                "settings": settings.collect::<Vec<_>>(),
            })
        });
        json!({
            "changes": changes.collect::<Vec<_>>(),
            "ownership": self.ownership(),
            "items": items.collect::<Vec<_>>(),
            "undecided": self.undecided(),
            "internal": self.comparison.disagreements,
        })
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Change> {
        self.comparison.changes.iter().filter(move |change| change.kind == kind)
    }

    /// `web: denied with 403 → forwarded to app`.
    fn sentence(&self, change: &Change) -> String {
        let Change { listener, old, new, .. } = change;
        match old.words == new.words {
            true => format!("{listener}: {}, in another way", new.words),
            false => format!("{listener}: {} → {}", old.words, new.words),
        }
    }

    /// The example, who answers it, and what differs on the way.
    fn details(&self, change: &Change) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        match &change.example {
            Some(example) => lines.push(example.clone()),
            None => lines.push("no example can be made: something is computed".to_owned()),
        }
        let route = |word: &str, fate: &Fate, check: &Check| {
            let (name, span) = fate.route.as_ref()?;
            Some(format!("{word} route {name} ({})", place(check, *span)))
        };
        let routes: Vec<String> =
            [route("old", &change.old, self.old), route("new", &change.new, self.new)]
                .into_iter()
                .flatten()
                .collect();
        lines.push(routes.join(", "));
        let target = change.example.as_deref().unwrap_or("");
        let owner =
            |check: &Check| Some(owner::of(&check.policy, &change.listener, target)?.name.clone());
        match (owner(self.old), owner(self.new)) {
            (None, None) => {}
            (Some(old), Some(new)) if old == new => {
                lines.push(format!("on the ground of the module {new}"));
            }
            (old, new) => {
                let named = |of: Option<std::sync::Arc<str>>| {
                    of.map_or_else(|| "no module".to_owned(), |name| format!("the module {name}"))
                };
                lines.push(format!("owned by {} → {}", named(old), named(new)));
            }
        }
        let sides = [("-", &change.old, self.old), ("+", &change.new, self.new)];
        let texts = sides.map(|(_, fate, check)| {
            let texts = fate.effects.iter().map(|(span, _)| self.text(check, *span));
            texts.collect::<Vec<String>>()
        });
        for (at, (sign, fate, _)) in sides.into_iter().enumerate() {
            lines.extend(fate.applied.iter().map(|name| format!("{sign} policy {name}")));
            let [own, other] =
                if at == 0 { [&texts[0], &texts[1]] } else { [&texts[1], &texts[0]] };
            lines.extend(own.iter().zip(&fate.effects).map(|(text, (_, otherwise))| {
                // Words that are the same on both sides do not tell what differs.
                match other.contains(text) && !otherwise.is_empty() {
                    true => format!("{sign} {text}, that is {otherwise}"),
                    false => format!("{sign} {text}"),
                }
            }));
        }
        if change.places > 1 {
            lines.push(format!("at {} hosts and paths", change.places));
        }
        lines.retain(|line| !line.is_empty());
        lines
    }

    /// Everything that is no class of requests.
    fn rest(&self) -> Vec<(&'static str, Vec<String>)> {
        let internal = self.comparison.disagreements.iter().map(|example| {
            format!("internal error, please report: `{example}` was to differ and does not")
        });
        let all = [
            ("Ownership", self.ownership()),
            ("Configuration", self.items(false)),
            ("Not decided", self.undecided()),
            ("Mistakes of ours", internal.collect()),
        ];
        all.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
    }

    /// What may loosen protection and is no class of requests.
    fn guards(&self) -> Vec<String> {
        self.items(true)
    }

    /// The configured items that guard, or those that do not: a line for each setting that is not the same.
    fn items(&self, guards: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for item in &self.comparison.items {
            let (kind, name) = (&item.kind, &item.name);
            if item.settings.is_empty() && may_loosen(item) == guards {
                let at = item.new.map(|span| place(self.new, span));
                let at = at.or_else(|| item.old.map(|span| place(self.old, span)));
                lines.push(format!("{kind} {name} {} ({})", became(item), at.unwrap_or_default()));
            }
            for setting in item.settings.iter().filter(|setting| setting.guards == guards) {
                let at = match (&setting.old, &setting.new) {
                    (_, Some(Said::Line(span))) => place(self.new, *span),
                    (Some(Said::Line(span)), None) => place(self.old, *span),
                    _ => item.new.map(|span| place(self.new, span)).unwrap_or_default(),
                };
                lines.push(format!("{kind} {name}: {} ({at})", self.setting(setting)));
            }
        }
        lines
    }

    /// `tls verify=false → tls`.
    fn setting(&self, SettingChange { name, old, new, .. }: &SettingChange) -> String {
        let said = |said: &Option<Said>, check| said.as_ref().map(|said| self.said(check, said));
        let is_text = matches!((old, new), (Some(Said::Text(_)), _) | (_, Some(Said::Text(_))));
        let name = if is_text { format!("{name} ") } else { String::new() };
        match (said(old, self.old), said(new, self.new)) {
            (Some(old), Some(new)) if old == new => format!("{name}{new} means something else"),
            (Some(old), Some(new)) => format!("{name}{old} → {new}"),
            (None, Some(new)) => format!("{name}{new} is new"),
            (old, None) => format!("{name}{} is gone", old.unwrap_or_default()),
        }
    }

    fn said(&self, check: &Check, said: &Said) -> String {
        match said {
            Said::Line(span) => self.text(check, *span),
            Said::Text(text) => text.clone(),
        }
    }

    /// What modules own otherwise than before.
    fn ownership(&self) -> Vec<String> {
        let (old, new) = (&self.old.policy.modules, &self.new.policy.modules);
        let of =
            |all: &[Module], name: &str| all.iter().find(|module| *module.name == *name).cloned();
        let mut lines = Vec::new();
        for module in new {
            let at = place(self.new, module.span);
            let (name, grounds) = (&module.name, owner::grounds(module));
            match of(old, name).map(|module| owner::grounds(&module)) {
                None => lines.push(format!("module {name} is new: it owns {grounds} ({at})")),
                Some(before) if before != grounds => {
                    lines.push(format!("module {name} owns {before} → {grounds} ({at})"));
                }
                Some(_) => {}
            }
        }
        for module in old.iter().filter(|module| of(new, &module.name).is_none()) {
            let (name, grounds) = (&module.name, owner::grounds(module));
            let at = place(self.old, module.span);
            lines.push(format!("module {name} is gone: it owned {grounds} ({at})"));
        }
        lines
    }

    fn undecided(&self) -> Vec<String> {
        let lines = self.comparison.undecided.iter().map(|(side, span)| {
            let check = if *side == Side::Old { self.old } else { self.new };
            format!("there is too much to decide at the hosts and paths of {}", place(check, *span))
        });
        lines.collect()
    }

    fn text(&self, check: &Check, span: Span) -> String {
        text(&check.sources, span)
    }
}

/// Whether it lets requests in that were kept out, or may: a new listener, or a setting that guards.
fn may_loosen(item: &ItemChange) -> bool {
    let is_new_listener = &*item.kind == "listener" && item.old.is_none();
    is_new_listener || item.settings.iter().any(|setting| setting.guards)
}

fn became(item: &ItemChange) -> &'static str {
    match (item.old, item.new) {
        (None, _) => "is new",
        (_, None) => "is gone",
        _ => "is set otherwise",
    }
}

fn text(sources: &Sources, span: Span) -> String {
    let text = sources.get(span.source).map_or("", |source| source.slice(span));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn place(check: &Check, span: Span) -> String {
    let Some(source) = check.sources.get(span.source) else { return String::new() };
    format!("{}:{}", source.name, source.line_column(span.start).line)
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A text as code in a cell.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", cell(text).replace('`', "'")) }
}
