//! What a translation has to tell its reader, as data. Every user word in a note has passed [`shown`], and no note holds
//! a byte of a Secret.

mod catalogue;

use std::fmt;

use lang::{Entry, Severity};

pub use catalogue::CATALOGUE;
pub(crate) use catalogue::*;

/// Notes beyond this many are counted, not kept.
const MOST_NOTES: usize = 10_000;

/// One thing to know about one field of one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Stable code such as `N0703`.
    pub code: &'static str,
    /// What people call it, such as `unknown-annotation`.
    pub slug: &'static str,
    /// A warning where the policy does less than the objects asked; a note where it says the same in another way.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// The path of the field, such as `spec.rules[0].http.paths[2].backend.resource`; may be empty.
    pub field: String,
    /// One sentence: lower case, no full stop, the user's words in backticks.
    pub message: String,
}

/// What a note is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum About {
    /// A file as a whole.
    File(String),
    /// One object.
    Object {
        /// `Ingress`, `Service`, ...
        kind: String,
        /// Its namespace; `default` where it names none.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// The notes of one translation, in the order they came up.
#[derive(Default)]
pub(crate) struct Notes {
    kept: Vec<Note>,
    beyond: usize,
}

impl Notes {
    /// Adds a note of the kind `entry`.
    pub(crate) fn add(
        &mut self,
        entry: &'static Entry,
        about: &About,
        field: impl Into<String>,
        message: impl Into<String>,
    ) {
        if self.kept.len() >= MOST_NOTES {
            self.beyond += 1;
            return;
        }
        let note = Note {
            code: entry.code,
            slug: entry.slug,
            severity: entry.severity,
            about: about.clone(),
            field: field.into(),
            message: message.into(),
        };
        // One Service behind many paths would otherwise say the same thing once a path.
        if !self.kept.iter().rev().take(64).any(|known| *known == note) {
            self.kept.push(note);
        }
    }

    /// The notes, and one that counts those beyond the bound.
    pub(crate) fn finish(mut self) -> Vec<Note> {
        if self.beyond > 0 {
            self.kept.push(Note {
                code: LEFT_OUT.code,
                slug: LEFT_OUT.slug,
                severity: Severity::Warning,
                about: About::File("*".to_owned()),
                field: String::new(),
                message: format!("{} more notes are not shown", self.beyond),
            });
        }
        self.kept
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::File(name) => f.write_str(name),
            About::Object { kind, namespace, name } => write!(f, "{kind} {namespace}/{name}"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.about)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// A stranger's word as a message may show it: no control characters, no line breaks, bounded.
pub(crate) fn shown(word: &str) -> String {
    const MOST: usize = 100;
    let mut text: String = word.chars().take(MOST).flat_map(shown_char).collect();
    if word.chars().nth(MOST).is_some() {
        text.push('…');
    }
    text
}

fn shown_char(c: char) -> Vec<char> {
    // Bidirectional and invisible format characters can make a terminal show another word than the one that is there.
    let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if c.is_control() || hidden { c.escape_unicode().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_words_cannot_drive_a_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\u{a}");
        assert_eq!(shown("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(shown(&"a".repeat(500)).chars().count(), 101);
    }
}
