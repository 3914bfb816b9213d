//! One subcommand, one file: its arguments and its run.

pub(crate) mod audit;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod cost;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod fix;
pub(crate) mod fmt;
pub(crate) mod lsp;
pub(crate) mod reference;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod test;
pub(crate) mod translate;
pub(crate) mod why;
