//! Diagnostics for somebody to read: one renderer, one file. Nothing here decides anything.

pub(crate) mod errors;
mod excerpt;
pub mod github;
pub mod human;
pub mod json;
mod line;
pub mod places;
pub mod sarif;
mod shown;

use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use miette::{IntoDiagnostic, WrapErr};

pub(crate) use line::Line;
pub(crate) use shown::lines as seen;
pub use shown::shown;
pub(crate) use shown::{file, place};

/// Whether a report has colours.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Whether to colour what goes to standard error.
    pub fn on(self) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                io::stderr().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
            }
        }
    }
}

/// Prints a result on standard output.
pub fn print(text: &str) -> miette::Result<()> {
    written(io::stdout().lock().write_all(text.as_bytes()))
}

/// Says a line on standard error. If nobody is left to read it, it is lost: no reader that went away ends a gateway.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::report::said(format_args!($($words)*))
    };
}
pub(crate) use say;

/// See [`say`].
pub(crate) fn said(words: std::fmt::Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{words}"));
}

/// A reader that went away (`gwc … | head`) is no failure of ours.
pub fn written(result: io::Result<()>) -> miette::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.into_diagnostic().wrap_err("standard output could not be written"),
    }
}
