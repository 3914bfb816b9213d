//! Reports of what is wrong around a policy rather than in it (a port in use, a value that is missing), with the places
//! in the policy that ask for it.

use std::fmt;

use lang::{Sources, Span};
use miette::{Diagnostic, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use super::shown::{self, shown};

/// Several reports as one.
#[derive(Debug)]
struct Together {
    message: String,
    all: Vec<Report>,
}

/// One report of all that is wrong; a single one stays as it is.
pub fn together(message: &str, mut all: Vec<Report>) -> Report {
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            all.extend(last);
            Report::new(Together { message: message.to_owned(), all })
        }
    }
}

/// A report with places; those in other files than the first are told in words.
pub fn at_places(
    message: String,
    help: Option<&str>,
    places: &[(Span, String)],
    sources: &Sources,
) -> Report {
    let home = places.first().map(|(span, _)| span.source);
    let mut diagnostic = MietteDiagnostic::new(shown(&message, usize::MAX));
    let mut helps: Vec<String> = help.map(str::to_owned).into_iter().collect();
    for (span, text) in places {
        if Some(span.source) == home {
            let label = LabeledSpan::new(text_of(text), span.start as usize, span.len());
            diagnostic = diagnostic.and_label(label);
        } else if let Some(source) = sources.get(span.source) {
            let at = shown::place(sources, *span);
            helps.push(format!("{at}: `{}`: {text}", source.slice(*span)));
        }
    }
    if !helps.is_empty() {
        diagnostic = diagnostic.with_help(shown::lines(&helps.join("\n")));
    }
    match home.and_then(|home| sources.get(home)) {
        Some(source) => Report::new(diagnostic).with_source_code(NamedSource::new(
            shown::file(source),
            shown::source(&source.text).into_owned(),
        )),
        None => Report::new(diagnostic),
    }
}

/// A label without words is only underlined.
fn text_of(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| shown(text, usize::MAX))
}

impl fmt::Display for Together {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Together {}

impl Diagnostic for Together {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.all.iter().map(|report| report.as_ref())))
    }
}
