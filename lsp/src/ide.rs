//! What an editor can ask. One feature is one file: a function from a snapshot and bytes of a text to plain data, in editor
//! words. None knows the protocol.

pub mod complete;
pub mod diagnostics;
pub mod fixes;
pub mod format;
pub mod hover;
pub mod names;
pub mod symbols;

mod context;

use std::ops::Range;

/// One replacement in one document, in bytes of its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextEdit {
    /// What goes.
    pub range: Range<usize>,
    /// What comes.
    pub text: String,
}
