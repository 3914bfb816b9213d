//! `gwc lsp`: the language server over standard input and output.

use miette::miette;

use crate::Outcome;

/// Serves editors: the language server protocol over standard input and output
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Accepted and ignored: standard input and output are the only transport
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(crate) fn run(_: &Args) -> miette::Result<Outcome> {
    match lsp::serve_stdio(runtime::vocabulary()) {
        Ok(lsp::Ended::Orderly) => Ok(Outcome::Clean),
        Ok(lsp::Ended::Abrupt) => Ok(Outcome::Faulty),
        Err(error) => Err(miette!("the editor's connection broke: {error}")),
    }
}
