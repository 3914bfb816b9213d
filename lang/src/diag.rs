//! What can be wrong with a policy, as data. Rendering belongs to the front door; this room only says what,
//! where and how to mend it.
//!
//! One diagnostic is one file in `diag/`: its constructor, and its page for `gwc explain`.

use std::fmt;

use crate::source::Span;

/// How much a diagnostic weighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The policy does not run.
    Error,
    /// It runs, but probably not as meant.
    Warning,
    /// Something worth knowing.
    Note,
}

/// A place and what is to be said about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The reason, lower case, no full stop.
    pub text: String,
}

/// One replacement in a source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What goes; empty for an insertion.
    pub span: Span,
    /// What comes in its place.
    pub text: String,
}

/// A mend that a tool can apply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// What it does, as an editor's menu would say it.
    pub title: String,
    /// The edits; they do not overlap.
    pub edits: Vec<Edit>,
}

/// One mistake of a policy's author.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diag {
    /// Stable code such as `E0203`; never reused.
    pub code: &'static str,
    /// What people call it, such as `unknown-name`.
    pub slug: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence: lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// Places. The first one is where the mistake is.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
    /// Mends that a tool can apply.
    pub fixes: Vec<Fix>,
}

/// A row of the catalogue: a kind of diagnostic and its page.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Stable code.
    pub code: &'static str,
    /// What people call it.
    pub slug: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// Markdown: why it matters, a policy that earns it, the same policy mended.
    pub explain: &'static str,
}

impl Entry {
    /// A diagnostic of this kind at `span`. `reason` labels the place.
    pub fn at(&self, span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
        Diag {
            code: self.code,
            slug: self.slug,
            severity: self.severity,
            message: message.into(),
            labels: vec![Label { span, text: reason.into() }],
            help: None,
            fixes: Vec::new(),
        }
    }
}

impl Diag {
    /// Adds a place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diag {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Diag {
        self.help = Some(help.into());
        self
    }

    /// Adds a mend of one replacement.
    pub fn fix(self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Diag {
        self.fix_all(title, vec![Edit { span, text: text.into() }])
    }

    /// Adds a mend of several replacements.
    pub fn fix_all(mut self, title: impl Into<String>, edits: Vec<Edit>) -> Diag {
        self.fixes.push(Fix { title: title.into(), edits });
        self
    }

    /// Where the mistake is.
    pub fn span(&self) -> Span {
        self.labels.first().map_or_else(Span::default, |label| label.span)
    }

    /// Whether the policy can not run because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diag {}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

/// Declares the catalogue: each word is a file in `diag/` with an `ENTRY`.
macro_rules! catalogue {
    ($($name:ident,)*) => {
        /// Every kind of diagnostic there is.
        pub const CATALOGUE: &[&Entry] = &[$(&$name::ENTRY,)*];
    };
}

pub mod unclosed_brace;

catalogue![unclosed_brace,];

/// The catalogue's row for a code (`E0101`, any case) or a slug (`unclosed-brace`).
pub fn entry(code_or_slug: &str) -> Option<&'static Entry> {
    let matches = |entry: &&&Entry| {
        entry.code.eq_ignore_ascii_case(code_or_slug)
            || entry.slug.eq_ignore_ascii_case(code_or_slug)
    };
    CATALOGUE.iter().find(matches).copied()
}
