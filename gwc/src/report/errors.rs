//! Errors around a policy, with everything escaped that is not seen: what they quote was written by others.

use std::error::Error;
use std::fmt;

use miette::{
    Diagnostic, LabeledSpan, MietteHandler, MietteHandlerOpts, ReportHandler, Severity, SourceCode,
};

use super::shown;

/// From now on errors are printed so.
pub(crate) fn escaped() {
    // A test may have said so already.
    drop(miette::set_hook(Box::new(|_| Box::new(Escaping(MietteHandlerOpts::new().build())))));
}

struct Escaping(MietteHandler);

impl ReportHandler for Escaping {
    fn debug(&self, error: &dyn Diagnostic, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return fmt::Debug::fmt(error, f);
        }
        self.0.debug(&Escaped::of(error), f)
    }
}

/// An error as it is printed.
#[derive(Debug)]
struct Escaped<'e> {
    message: String,
    code: Option<String>,
    severity: Option<Severity>,
    help: Option<String>,
    labels: Option<Vec<LabeledSpan>>,
    source: Option<Shown<'e>>,
    related: Vec<Escaped<'e>>,
    below: Option<Box<Escaped<'e>>>,
    cause: Option<Box<Cause>>,
}

/// A source that was made fit to be shown by whoever gave it.
struct Shown<'e>(&'e dyn SourceCode);

/// What an error comes from.
#[derive(Debug)]
struct Cause {
    message: String,
    cause: Option<Box<Cause>>,
}

impl<'e> Escaped<'e> {
    fn of(error: &'e dyn Diagnostic) -> Escaped<'e> {
        let told = |words: &dyn fmt::Display| shown::lines(&words.to_string()).into_owned();
        let label = |label: LabeledSpan| {
            let text = label.label().map(|text| shown::lines(text).into_owned());
            match label.primary() {
                true => LabeledSpan::new_primary_with_span(text, *label.inner()),
                false => LabeledSpan::new_with_span(text, *label.inner()),
            }
        };
        let below = error.diagnostic_source();
        Escaped {
            message: told(&error),
            code: error.code().map(|code| told(&code)),
            severity: error.severity(),
            help: error.help().map(|help| told(&help)),
            labels: error.labels().map(|labels| labels.map(label).collect()),
            source: error.source_code().map(Shown),
            related: error.related().into_iter().flatten().map(Escaped::of).collect(),
            below: below.map(|below| Box::new(Escaped::of(below))),
            cause: error.source().filter(|_| below.is_none()).map(Cause::of),
        }
    }
}

impl Cause {
    fn of(error: &(dyn Error + 'static)) -> Box<Cause> {
        let message = shown::lines(&error.to_string()).into_owned();
        Box::new(Cause { message, cause: error.source().map(Cause::of) })
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl Error for Escaped<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl Diagnostic for Escaped<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.as_ref().map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        self.severity
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source.0)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.labels.as_ref()?.iter().cloned();
        Some(Box::new(labels))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let related = self.related.iter().map(|one| one as &dyn Diagnostic);
        (!self.related.is_empty()).then(|| Box::new(related) as _)
    }

    fn diagnostic_source(&self) -> Option<&dyn Diagnostic> {
        self.below.as_deref().map(|below| below as &dyn Diagnostic)
    }
}
