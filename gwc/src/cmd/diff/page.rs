//! What a comparison is told with: sections, sentences and details, which each way of writing puts down in its own form.

use compiler::diff::{Change, Comparison, Kind, NoExample, Outcome as Fate, Side};
use lang::Span;

use crate::load::Check;
use crate::owner;

/// What a comparison is told with.
pub(super) struct Page<'p> {
    pub(super) old: &'p Check,
    pub(super) new: &'p Check,
    pub(super) comparison: &'p Comparison,
}

/// Kinds of changes: what they mean, in a word and in a title. The worst comes first.
pub(super) const KINDS: [(Kind, &str, &str); 4] = [
    (Kind::Loosened, "loosened", "Loosened: less is refused, limited or kept back than before"),
    (
        Kind::Unclear,
        "may-be-loosened",
        "May be loosened: what protects has changed, and which is stricter cannot be told",
    ),
    (Kind::Tightened, "tightened", "Tightened: more is refused, limited or kept back than before"),
    (Kind::Changed, "changed", "Changed"),
];

/// What is said where nothing differs.
pub(super) const SAME: &str = "no request is treated differently";

impl Page<'_> {
    /// Whether protection is loosened, or may be as far as is known.
    pub(super) fn may_be_loosened(&self) -> bool {
        let is_worse = |kind| matches!(kind, Kind::Loosened | Kind::Unclear);
        self.comparison.changes.iter().any(|change| is_worse(change.kind))
            || !self.comparison.undecided.is_empty()
            || self.settings().any(|(kind, _)| is_worse(kind))
    }

    /// Whether no request is treated differently, for certain.
    pub(super) fn is_quiet(&self) -> bool {
        let Comparison { changes, undecided, disagreements, .. } = self.comparison;
        changes.is_empty()
            && undecided.is_empty()
            && disagreements.is_empty()
            && self.settings().all(|(kind, _)| kind == Kind::Changed)
    }

    /// The classes of requests of a kind.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &Change> {
        self.comparison.changes.iter().filter(move |change| change.kind == kind)
    }

    /// `web: denied with 403 → forwarded to app`.
    pub(super) fn sentence(&self, change: &Change) -> String {
        let Change { listener, old, new, .. } = change;
        match old.words == new.words {
            true => format!("{listener}: {}, in another way", new.words),
            false => format!("{listener}: {} → {}", old.words, new.words),
        }
    }

    /// The example, who answers it, and what differs on the way.
    pub(super) fn details(&self, change: &Change) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        lines.push(match &change.example {
            Ok(example) => example.clone(),
            Err(why) => no_example(why),
        });
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
        lines.extend(change.because.iter().cloned());
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
        let (before, after) =
            (statements(self.old, &change.old), statements(self.new, &change.new));
        for (sign, fate, own, other) in
            [("-", &change.old, &before, &after), ("+", &change.new, &after, &before)]
        {
            lines.extend(fate.applied.iter().map(|name| format!("{sign} policy {name}")));
            lines.extend(own.iter().zip(&fate.effects).map(|(text, effect)| {
                // Words that are the same on both sides, or that say several things, do not tell what differs.
                match (other.contains(text) || effect.is_chosen) && !effect.comes_to.is_empty() {
                    true => format!("{sign} {text}, that is {}", effect.comes_to),
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
    pub(super) fn rest(&self) -> Vec<(&'static str, Vec<String>)> {
        let internal = self.comparison.disagreements.iter().map(|example| {
            format!("internal error, please report: `{example}` was to differ and does not")
        });
        let all = [
            ("Ownership", self.ownership()),
            ("Configuration", self.settings_of(Kind::Changed)),
            ("Not decided", self.undecided()),
            ("Mistakes of ours", internal.collect()),
        ];
        all.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
    }

    pub(super) fn undecided(&self) -> Vec<String> {
        let lines = self.comparison.undecided.iter().map(|(side, span)| {
            let check = if *side == Side::Old { self.old } else { self.new };
            format!("there is too much to decide at the hosts and paths of {}", place(check, *span))
        });
        lines.collect()
    }
}

/// The statements that only one side runs, as they are written.
pub(super) fn statements(check: &Check, fate: &Fate) -> Vec<String> {
    fate.effects.iter().map(|effect| text(check, effect.span)).collect()
}

/// Why there is no request to show, and what to look at instead.
pub(super) fn no_example(why: &NoExample) -> String {
    let list =
        |of: &[String]| of.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    match why {
        NoExample::Computed(of) if of.is_empty() => {
            "no example can be made: it hangs on a value that is computed".to_owned()
        }
        NoExample::Computed(of) => {
            format!("no example can be made: it hangs on what {} comes to", list(of))
        }
        NoExample::Alike { tried: 1, of } => format!(
            "no example was found: the request that was tried gets the same of both; what differs is {}",
            list(of)
        ),
        NoExample::Alike { tried, of } => format!(
            "no example was found: the {tried} requests that were tried get the same of both; what differs is {}",
            list(of)
        ),
    }
}

/// The text of a place, on one line.
pub(super) fn text(check: &Check, span: Span) -> String {
    let text = check.sources.get(span.source).map_or("", |source| source.slice(span));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// File and line of a place.
pub(super) fn place(check: &Check, span: Span) -> String {
    let Some(source) = check.sources.get(span.source) else { return String::new() };
    format!("{}:{}", source.name, source.line_column(span.start).line)
}
