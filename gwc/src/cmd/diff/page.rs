//! What a comparison is told with: sections, sentences and details, which each way of writing puts down in its own form.

use std::sync::Arc;

use compiler::diff::{Also, Change, Comparison, Kind, NoExample, Outcome as Fate, Side, Undecided};
use lang::Span;

use crate::load::Check;
use crate::owner;
use crate::report::{self, Line};

/// A route's name, and where it is written.
type Named = (Arc<str>, Span);

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

/// The most requests of other routes that are shown for one kind.
const MOST_ALSO: usize = 8;

/// Above what could not be decided.
pub(super) const UNDECIDED: &str = "Could not be decided";

impl Page<'_> {
    /// Whether what differs loosens protection, or may do so.
    pub(super) fn loosens(&self) -> bool {
        self.comparison.changes.iter().any(|change| is_worse(change.kind))
            || self.settings().any(|(kind, _)| is_worse(kind))
    }

    /// Whether what could not be decided may loosen protection.
    pub(super) fn may_loosen(&self) -> bool {
        self.comparison.undecided.iter().any(|undecided| match undecided {
            Undecided::TooMuch(..) | Undecided::TooMany(..) => true,
            Undecided::Perhaps(change) => is_worse(change.kind),
        })
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

    /// The kinds of which there is something to tell: their titles, the changes, and the settings told beside them. What is
    /// neither looser nor stricter is told behind the requests.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (&'static str, Vec<&Change>, Vec<Line>)> {
        let told = KINDS.into_iter().map(|(kind, _, title)| {
            let settings = if kind == Kind::Changed { Vec::new() } else { self.settings_of(kind) };
            (title, self.of(kind).collect::<Vec<_>>(), settings)
        });
        told.filter(|(_, changes, settings)| !changes.is_empty() || !settings.is_empty())
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
    pub(super) fn details(&self, change: &Change) -> Vec<Line> {
        let mut lines = vec![match &change.example {
            Ok(example) => Line::code(example),
            Err(why) => no_example(why),
        }];
        lines.extend(change.given.iter().enumerate().map(|(at, (name, value))| {
            let begin = if at == 0 { "where " } else { "and " };
            Line::words(begin).and_quoted(name).and(" is given as ").and_quoted(value)
        }));
        lines.extend(answers(&change.answers));
        lines.extend(self.routes(change.old.route.as_ref(), change.new.route.as_ref()));
        lines.extend(change.because.iter().map(|why| Line::words(why)));
        lines.extend(self.owned(change));
        let (before, after) =
            (statements(self.old, &change.old), statements(self.new, &change.new));
        for (sign, fate, own, other) in
            [("- ", &change.old, &before, &after), ("+ ", &change.new, &after, &before)]
        {
            let signed = || Line::words(sign);
            lines.extend(fate.applied.iter().map(|name| signed().and(&format!("policy {name}"))));
            lines.extend(own.iter().zip(&fate.effects).map(|(text, effect)| {
                let line = signed().and_code(text);
                // Words that are the same on both sides, or that say several things, do not tell what differs.
                match (other.contains(text) || effect.is_chosen) && !effect.comes_to.is_empty() {
                    true => line.and(", that is ").and_code(&effect.comes_to),
                    false => line,
                }
            }));
        }
        let also = change.also.iter().take(MOST_ALSO);
        lines.extend(also.map(|also| self.also(also)));
        let told = change.also.len().min(MOST_ALSO);
        // Each that is told has a place of its own, or one that another has, too.
        match change.places.max(change.also.len() + 1) - 1 - told {
            0 => {}
            1 => lines.push(Line::words("and so at 1 other host and path")),
            n => lines.push(Line::words(&format!("and so at {n} other hosts and paths"))),
        }
        lines
    }

    /// Who answers, before and after.
    fn routes(&self, old: Option<&Named>, new: Option<&Named>) -> Option<Line> {
        let route = |word: &str, route: Option<&Named>, check: &Check| {
            let (name, span) = route?;
            let line = Line::words(&format!("{word} route {name} ("));
            Some(line.and_code(&place(check, *span)).and(")"))
        };
        let routes = [route("old", old, self.old), route("new", new, self.new)];
        routes.into_iter().flatten().reduce(|one, other| one.and(", ").and_line(other))
    }

    /// A request that fares so elsewhere, with who answers it and what refuses it there.
    fn also(&self, also: &Also) -> Line {
        let mut line = Line::words("and so ").and_code(&also.example);
        for answer in answers(&also.answers) {
            line = line.and(" ").and_line(answer);
        }
        if let Some(routes) = self.routes(also.old.0.as_ref(), also.new.0.as_ref()) {
            line = line.and(": ").and_line(routes);
        }
        let sides = [(&also.old, self.old), (&also.new, self.new)];
        let refused = sides.map(|((_, refused), check)| refused.map(|span| text(check, span)));
        let [before, after] = &refused;
        // What refuses on both sides is no part of the difference.
        if before != after {
            for (sign, refused) in [("- ", before), ("+ ", after)] {
                if let Some(refused) = refused {
                    line = line.and(&format!("; {sign}")).and_code(refused);
                }
            }
        }
        line
    }

    /// The module on whose ground it is.
    fn owned(&self, change: &Change) -> Option<Line> {
        let target = change.example.as_deref().unwrap_or("");
        let owner =
            |check: &Check| Some(owner::of(&check.policy, &change.listener, target)?.name.clone());
        let named = |of: Option<Arc<str>>| {
            of.map_or_else(|| "no module".to_owned(), |name| format!("the module {name}"))
        };
        Some(Line::words(&match (owner(self.old), owner(self.new)) {
            (None, None) => return None,
            (Some(old), Some(new)) if old == new => format!("on the ground of the module {new}"),
            (old, new) => format!("owned by {} → {}", named(old), named(new)),
        }))
    }

    /// A place in one of the two policies.
    pub(super) fn place(&self, side: Side, span: Span) -> String {
        place(if side == Side::Old { self.old } else { self.new }, span)
    }

    /// What could not be decided: a line, and what stands beneath it.
    pub(super) fn undecided(&self) -> Vec<(Line, Vec<Line>)> {
        let undecided = self.comparison.undecided.iter().map(|undecided| match undecided {
            Undecided::TooMuch(side, span) => {
                let line = Line::words("there is too much to decide at the hosts and paths of ");
                (line.and_code(&self.place(*side, *span)), Vec::new())
            }
            Undecided::TooMany(side, span) => {
                let line = Line::words("more may differ than is told at the hosts and paths of ");
                (line.and_code(&self.place(*side, *span)), Vec::new())
            }
            Undecided::Perhaps(change) => {
                let mut details = self.details(change);
                if let Some(would) = would_be(change.kind) {
                    details.push(Line::words(&format!("if there are any, {would}")));
                }
                (Line::words(&format!("{}, perhaps", self.sentence(change))), details)
            }
        });
        undecided.collect()
    }

    /// Everything that is no class of requests.
    pub(super) fn rest(&self) -> Vec<(&'static str, Vec<Line>)> {
        let internal = self.comparison.disagreements.iter().map(|example| {
            let line = Line::words("internal error, please report: ").and_quoted(example);
            line.and(" was to differ and does not")
        });
        let all = [
            ("Ownership", self.ownership()),
            ("Configuration", self.settings_of(Kind::Changed)),
            ("Mistakes of ours", internal.collect()),
        ];
        all.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
    }
}

fn is_worse(kind: Kind) -> bool {
    matches!(kind, Kind::Loosened | Kind::Unclear)
}

/// The statements that only one side runs, as they are written.
pub(super) fn statements(check: &Check, fate: &Fate) -> Vec<String> {
    fate.effects.iter().map(|effect| text(check, effect.span)).collect()
}

/// What a change would mean for protection, if there were requests that fare so.
fn would_be(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Loosened => Some("protection is loosened"),
        Kind::Unclear => Some("protection may be loosened"),
        Kind::Tightened => Some("protection is tightened"),
        Kind::Changed => None,
    }
}

/// Why there is no request to show, and what to look at instead.
pub(super) fn no_example(why: &NoExample) -> Line {
    let list = |line: Line, of: &[String]| {
        let commas = std::iter::once("").chain(std::iter::repeat(", "));
        of.iter().zip(commas).fold(line, |line, (one, comma)| line.and(comma).and_quoted(one))
    };
    match why {
        NoExample::Computed(of) if of.is_empty() => {
            Line::words("whether a request fares so hangs on a value that is computed")
        }
        NoExample::Computed(of) => {
            let line = Line::words("whether a request fares so hangs on what ");
            list(line, of).and(" comes to")
        }
        NoExample::Alike { tried, of } => {
            let line = match tried {
                1 => Line::words("the request that was tried gets the same of both; "),
                n => {
                    Line::words(&format!("the {n} requests that were tried get the same of both; "))
                }
            };
            match of.is_empty() {
                true => line.and("no request was found that tells them apart"),
                false => list(line.and("what is not written alike is "), of),
            }
        }
    }
}

/// What an upstream has to answer, if that matters.
fn answers(all: &[(String, String)]) -> Vec<Line> {
    // Where nobody answers there is no status.
    if all.iter().any(|(field, value)| field == "origin.status" && value == "absent") {
        return vec![Line::words("where the upstream does not answer")];
    }
    let told = all.iter().enumerate().map(|(at, (field, value))| {
        let begin = if at == 0 { "where the upstream answers so that " } else { "and " };
        Line::words(begin).and_quoted(field).and(" is ").and_quoted(value)
    });
    told.collect()
}

/// The text of a place, on one line.
pub(super) fn text(check: &Check, span: Span) -> String {
    let text = check.sources.get(span.source).map_or("", |source| source.slice(span));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// File and line of a place.
pub(super) fn place(check: &Check, span: Span) -> String {
    report::place(&check.sources, span)
}
