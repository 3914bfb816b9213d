//! `gwc completions`: scripts that complete `gwc` in a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{Cli, Outcome, report};

/// Prints a completion script for a shell
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gwc", &mut script);
    report::print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Clean)
}
