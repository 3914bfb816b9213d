//! The graphical report, by miette.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use lang::{Diag, Severity, Source, Sources, Span};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan};

use super::excerpt::Excerpt;
use super::shown::{self, shown};
use super::{Color, say};
use crate::load::Check;

/// Prints one diagnostic on standard error.
pub fn print(diag: &Diag, sources: &Sources, color: Color) {
    say!("{}", render(diag, sources, color.on()));
}

/// So many diagnostics are shown to people; nobody reads more of them.
const MOST: usize = 500;

/// Prints diagnostics on standard error. Of very many, errors come before the rest, and a line tells how many are not shown.
pub fn print_all<'d>(found: impl Iterator<Item = (&'d Sources, &'d Diag)>, color: Color) {
    let mut found: Vec<_> = found.collect();
    let hidden = found.len().saturating_sub(MOST);
    if hidden > 0 {
        found.sort_by_key(|(_, diag)| diag.severity != Severity::Error);
        found.truncate(MOST);
    }
    // What was said once in full is said of other places in a line: a note whatever it is about, all else in the same
    // words, as of a name that is nowhere defined.
    let mut said: Vec<(&Diag, Vec<String>)> = Vec::new();
    let mut places: HashMap<(&str, &str, Option<&str>), usize> = HashMap::new();
    for (sources, diag) in found {
        let words = match diag.severity {
            Severity::Note => ("", None),
            _ => (&*diag.message, diag.help.as_deref()),
        };
        match places.entry((diag.code, words.0, words.1)) {
            Entry::Occupied(first) => {
                if let Some((_, more)) = said.get_mut(*first.get()) {
                    more.push(line(diag, sources));
                }
            }
            Entry::Vacant(place) => {
                place.insert(said.len());
                print(diag, sources, color);
                said.push((diag, Vec::new()));
            }
        }
    }
    for (first, more) in said.iter().filter(|(_, more)| !more.is_empty()) {
        let (severity, code) = (first.severity, first.code);
        say!("{severity}[{code}]: {} more of the same\n{}\n", more.len(), more.join("\n"));
    }
    if hidden > 0 {
        say!("and {hidden} more, which `gwc check --format json` tells");
    }
}

/// One diagnostic in a line.
fn line(diag: &Diag, sources: &Sources) -> String {
    let span = diag.span();
    let place = match shown::place(sources, span) {
        none if none.is_empty() => none,
        place => format!("{place}: "),
    };
    let label = diag.labels.first().map_or("", |label| &*label.text);
    shown::lines(&format!("  {place}{}: {label}", diag.message)).into_owned()
}

/// One diagnostic as a graphical report.
pub fn render(diag: &Diag, sources: &Sources, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(110)
        .with_context_lines(1);
    let mut text = String::new();
    match handler.render_report(&mut text, &Page::of(diag, sources)) {
        Ok(()) => text.replace(JOINER, "").replace(TIE, " "),
        Err(fmt::Error) => format!("{}[{}]: {}", diag.severity, diag.slug, diag.message),
    }
}

/// Stands for a blank at which no line is broken, and is shown as one.
const TIE: char = '\u{a0}';

/// Stands between two characters between which no line is broken, and is shown as nothing.
const JOINER: char = '\u{2060}';

/// What stands in backticks is not so long that a line could not hold it.
const LONGEST: usize = 80;

/// The text, with the blanks tied that stand in backticks: what is to be written as it stands is read in one line.
fn tied(text: &str) -> String {
    let part = |(at, part): (usize, &str)| match at % 2 == 1 && part.chars().count() <= LONGEST {
        true => part
            .chars()
            .map(|letter| if letter == ' ' { TIE } else { letter })
            .flat_map(|letter| [JOINER, letter])
            .chain([JOINER])
            .collect(),
        false => part.to_owned(),
    };
    text.split('`').enumerate().map(part).collect::<Vec<_>>().join("`")
}

/// The last line of a check: how much of what was found.
pub fn summary(checks: &[Check]) -> String {
    let of = |severity| {
        let all = checks.iter().flat_map(|check| &check.diags);
        all.filter(|diag| diag.severity == severity).count()
    };
    let files = checks.iter().flat_map(|check| check.sources.iter()).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let in_files = format!("in {}", counted(files, "file"));
    match (errors, warnings) {
        (0, 0) => {
            let routes = checks.iter().map(|check| check.policy.routes.len()).sum();
            format!("ok: {} {in_files}", counted(routes, "route"))
        }
        (0, warnings) => format!("{} {in_files}", counted(warnings, "warning")),
        (errors, 0) => format!("{} {in_files}", counted(errors, "error")),
        (errors, warnings) => {
            format!("{}, {} {in_files}", counted(errors, "error"), counted(warnings, "warning"))
        }
    }
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// One diagnostic, as far as it lies in one source; miette shows one source a report, so places in other sources
/// become related reports.
#[derive(Debug)]
struct Page<'d> {
    title: Title<'d>,
    severity: Severity,
    source: Option<Excerpt<'d>>,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
    related: Vec<Page<'d>>,
}

#[derive(Debug)]
enum Title<'d> {
    Of(&'d Diag),
    Elsewhere,
}

impl<'d> Page<'d> {
    fn of(diag: &'d Diag, sources: &'d Sources) -> Page<'d> {
        let home = diag.span().source;
        let here = |span: Span| span.source == home;
        let labels = diag.labels.iter().enumerate().filter(|(_, label)| here(label.span));
        let elsewhere = diag.labels.iter().filter(|label| !here(label.span));
        Page {
            title: Title::Of(diag),
            severity: diag.severity,
            source: sources.get(home).map(|source| {
                let places = diag.labels.iter().map(|label| label.span);
                Excerpt::of(source, places.filter(|span| here(*span)))
            }),
            labels: labels
                .map(|(at, label)| labeled(sources.get(home), label.span, &label.text, at == 0))
                .collect(),
            help: help(diag).map(|help| tied(&shown::lines(&help))),
            related: elsewhere
                .map(|label| {
                    let source = sources.get(label.span.source);
                    Page {
                        title: Title::Elsewhere,
                        severity: Severity::Note,
                        source: source
                            .map(|source| Excerpt::of(source, std::iter::once(label.span))),
                        labels: vec![labeled(source, label.span, &label.text, true)],
                        help: None,
                        related: Vec::new(),
                    }
                })
                .collect(),
        }
    }
}

/// What to write instead: where no sentence says so, what its mends are called.
fn help(diag: &Diag) -> Option<String> {
    let titles: Vec<&str> = diag.fixes.iter().map(|fix| &*fix.title).collect();
    diag.help.clone().or_else(|| (!titles.is_empty()).then(|| titles.join(", or ")))
}

fn labeled(source: Option<&Source>, span: Span, text: &str, primary: bool) -> LabeledSpan {
    let span = source.map_or(span, |source| Excerpt::shown(source, span));
    let place = (span.start as usize, span.len());
    let text = (!text.is_empty()).then(|| shown(text, usize::MAX));
    if primary {
        LabeledSpan::new_primary_with_span(text, place)
    } else {
        LabeledSpan::new_with_span(text, place)
    }
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.title {
            Title::Of(diag) => f.write_str(&shown(&diag.message, usize::MAX)),
            Title::Elsewhere => f.write_str("in another file"),
        }
    }
}

impl std::error::Error for Page<'_> {}

impl Diagnostic for Page<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self.title {
            Title::Of(diag) => {
                Some(Box::new(format!("{}[{}]: {}", diag.severity, diag.code, diag.slug)))
            }
            Title::Elsewhere => None,
        }
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.related.iter().map(|page| page as &dyn Diagnostic)))
    }
}
