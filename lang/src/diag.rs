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
    /// Whether it says what was meant beyond doubt, so that a tool may apply it unasked. A guess at a name, a default
    /// for what may be absent, the removal of somebody's words are for a person to choose, and so is one of several
    /// mends of a diagnostic, which exclude each other.
    pub certain: bool,
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
    /// Whether it carries a mend.
    pub mends: Mends,
    /// Markdown: why it matters, a policy that earns it, the same policy mended.
    pub explain: &'static str,
}

/// Whether diagnostics of a kind carry the edits that mend them. A new kind has to decide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mends {
    /// They do wherever the text tells what could be meant, and for the policy on the page.
    Carried,
    /// They do not, for this reason.
    ByHand(&'static str),
}

impl fmt::Display for Mends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mends::Carried => {
                f.write_str("It carries its mend: editors offer it, and `gwc fix` applies it where it is the only one.")
            }
            Mends::ByHand(why) => write!(f, "It is mended by hand: {why}."),
        }
    }
}

impl Entry {
    /// A diagnostic of this kind at `span`. `reason` labels the place.
    pub fn at(&self, span: Span, message: impl Into<String>, reason: impl Into<String>) -> Diag {
        self.labeled(span, message, short(reason.into(), LONG))
    }

    /// The same with the example of a request in its `reason`.
    pub fn showing(
        &self,
        span: Span,
        message: impl Into<String>,
        reason: impl Into<String>,
    ) -> Diag {
        self.labeled(span, message, short(reason.into(), LONG_EXAMPLE))
    }

    fn labeled(&self, span: Span, message: impl Into<String>, text: String) -> Diag {
        Diag {
            code: self.code,
            slug: self.slug,
            severity: self.severity,
            message: short(message.into(), LONG),
            labels: vec![Label { span, text }],
            help: None,
            fixes: Vec::new(),
        }
    }
}

/// Nobody reads a longer sentence.
const LONG: usize = 2000;

/// An example is given to `gwc why` as it stands, which is possible as long as it fits one argument of a command.
const LONG_EXAMPLE: usize = 128 << 10;

/// A sentence without its middle where it is longer than `most`: a word of a policy may be as long as the policy.
fn short(text: String, most: usize) -> String {
    const BEGINNING: usize = 1000;
    const END: usize = 200;
    if text.len() <= most {
        return text;
    }
    let (from, to) =
        (text.floor_char_boundary(BEGINNING), text.ceil_char_boundary(text.len() - END));
    format!("{} … {}", text.get(..from).unwrap_or(""), text.get(to..).unwrap_or(""))
}

impl Diag {
    /// Adds a place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diag {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Diag {
        self.help = Some(short(help.into(), LONG));
        self
    }

    /// The same with the example of a request in it.
    pub fn help_showing(mut self, help: impl Into<String>) -> Diag {
        self.help = Some(short(help.into(), LONG_EXAMPLE));
        self
    }

    /// Adds a mend of one replacement that is meant beyond doubt.
    pub fn fix(self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Diag {
        self.fix_all(title, vec![Edit { span, text: text.into() }])
    }

    /// Adds a mend of several replacements that is meant beyond doubt.
    pub fn fix_all(self, title: impl Into<String>, edits: Vec<Edit>) -> Diag {
        self.mend(Fix { title: title.into(), edits, certain: true })
    }

    /// Adds a mend of one replacement that somebody has to choose.
    pub fn suggest(self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Diag {
        self.suggest_all(title, vec![Edit { span, text: text.into() }])
    }

    /// Adds a mend of several replacements that somebody has to choose.
    pub fn suggest_all(self, title: impl Into<String>, edits: Vec<Edit>) -> Diag {
        self.mend(Fix { title: title.into(), edits, certain: false })
    }

    /// Adds a mend. Where there are two, one of them has to be chosen.
    pub fn mend(mut self, fix: Fix) -> Diag {
        self.fixes.push(fix);
        if self.fixes.len() > 1 {
            self.fixes.iter_mut().for_each(|fix| fix.certain = false);
        }
        self
    }

    /// Marks its mend as meant beyond doubt, if it is, and the only one there is.
    pub fn certain_if(mut self, certain: bool) -> Diag {
        if let [only] = self.fixes.as_mut_slice() {
            only.certain |= certain;
        }
        self
    }

    /// The mend that a tool may apply unasked: the only one there is, and meant beyond doubt.
    pub fn certain_fix(&self) -> Option<&Fix> {
        self.fixes.iter().find(|fix| fix.certain)
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

pub mod absent_comparison;
pub mod ambiguous_paths;
pub mod ambiguous_routes;
pub mod bad_division;
pub mod bad_host;
pub mod bad_literal;
pub mod bad_operator;
pub mod bad_path;
pub mod bad_regex;
pub mod bad_sum;
pub mod bad_text;
pub mod bad_value;
pub mod beyond_cost;
pub mod beyond_limits;
pub mod capture_mismatch;
pub mod circular_before;
pub mod constant_condition;
pub mod contested_ground;
pub mod contrary_before;
pub mod disagreement;
pub mod duplicate_name;
pub mod duplicate_route;
pub mod ends_twice;
pub mod exposed_secret;
pub mod foreign_capture;
pub mod foreign_ground;
pub mod foreign_syntax;
pub mod idle_before;
pub mod idle_test;
pub mod import_cycle;
pub mod import_failed;
pub mod impossible_route;
pub mod inner_limit;
pub mod late_require;
pub mod may_be_absent;
pub mod misplaced_clause;
pub mod missing_argument;
pub mod missing_arm;
pub mod missing_edition;
pub mod missing_mark;
pub mod missing_opener;
pub mod missing_part;
pub mod missing_setting;
pub mod mixed_settings;
pub mod needless_default;
pub mod needless_test;
pub mod never_ends;
pub mod no_effect;
pub mod no_listener;
pub mod not_available;
pub mod not_constant;
pub mod not_owned;
pub mod out_of_range;
pub mod plain_text;
pub mod private_name;
pub mod proof_disagreement;
pub mod proved_by_default;
pub mod read_only;
pub mod recursion;
pub mod refuted_assert;
pub mod repeated_argument;
pub mod repeated_clause;
pub mod repeated_setting;
pub mod retry_amplification;
pub mod shadowed;
pub mod stray_closer;
pub mod too_large;
pub mod too_many_arguments;
pub mod unclosed_brace;
pub mod unclosed_bracket;
pub mod unclosed_string;
pub mod undecided_assert;
pub mod undecided_order;
pub mod undecided_reach;
pub mod unexpected_text;
pub mod unknown_argument;
pub mod unknown_capture;
pub mod unknown_edition;
pub mod unknown_field;
pub mod unknown_function;
pub mod unknown_item;
pub mod unknown_member;
pub mod unknown_name;
pub mod unknown_setting;
pub mod unknown_type;
pub mod unknown_verb;
pub mod unproved_assert;
pub mod unreachable_arm;
pub mod unreachable_retry;
pub mod unreachable_route;
pub mod unused;
pub mod vacuous_assert;
pub mod wrong_form;
pub mod wrong_kind;
pub mod wrong_order;
pub mod wrong_phase;
pub mod wrong_type;

catalogue![
    absent_comparison,
    ambiguous_paths,
    ambiguous_routes,
    bad_division,
    bad_host,
    bad_literal,
    bad_operator,
    bad_path,
    bad_regex,
    bad_sum,
    bad_text,
    bad_value,
    beyond_cost,
    beyond_limits,
    capture_mismatch,
    circular_before,
    constant_condition,
    contested_ground,
    foreign_capture,
    contrary_before,
    disagreement,
    duplicate_name,
    duplicate_route,
    ends_twice,
    exposed_secret,
    foreign_ground,
    foreign_syntax,
    idle_before,
    idle_test,
    import_cycle,
    import_failed,
    impossible_route,
    may_be_absent,
    misplaced_clause,
    inner_limit,
    missing_argument,
    missing_arm,
    missing_edition,
    missing_mark,
    missing_opener,
    missing_part,
    missing_setting,
    mixed_settings,
    needless_default,
    needless_test,
    never_ends,
    no_effect,
    no_listener,
    not_available,
    not_constant,
    not_owned,
    out_of_range,
    plain_text,
    late_require,
    private_name,
    proof_disagreement,
    proved_by_default,
    read_only,
    recursion,
    refuted_assert,
    repeated_argument,
    repeated_clause,
    repeated_setting,
    retry_amplification,
    shadowed,
    stray_closer,
    too_large,
    too_many_arguments,
    unclosed_brace,
    unclosed_bracket,
    unclosed_string,
    undecided_assert,
    undecided_order,
    undecided_reach,
    unexpected_text,
    unknown_argument,
    unknown_capture,
    unknown_edition,
    unknown_field,
    unknown_function,
    unknown_item,
    unknown_member,
    unknown_name,
    unknown_setting,
    unknown_type,
    unknown_verb,
    unproved_assert,
    unreachable_arm,
    unreachable_retry,
    unreachable_route,
    unused,
    vacuous_assert,
    wrong_form,
    wrong_kind,
    wrong_order,
    wrong_phase,
    wrong_type,
];

/// The catalogue's row for a code (`E0101`, any case) or a slug (`unclosed-brace`).
pub fn entry(code_or_slug: &str) -> Option<&'static Entry> {
    let matches = |entry: &&&Entry| {
        entry.code.eq_ignore_ascii_case(code_or_slug)
            || entry.slug.eq_ignore_ascii_case(code_or_slug)
    };
    CATALOGUE.iter().find(matches).copied()
}
