//! `gwc program`: what a policy compiles to, as text.

use std::path::PathBuf;

use crate::report::{self, Color};
use crate::{Outcome, load};

/// Prints the match-and-action program that a policy compiles to
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(value_name = "FILE")]
    path: PathBuf,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let check = load::check(&args.path)?;
    for diag in &check.diags {
        report::human::print(diag, &check.sources, Color::Auto);
    }
    let Some(program) = &check.program else { return Ok(Outcome::Faulty) };
    report::print(&program.to_string())?;
    Ok(Outcome::Clean)
}
