//! `gwc build`: what a policy compiles to.

use std::path::PathBuf;

use crate::report::{self, Color};
use crate::{Outcome, load};

/// Compiles a policy
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// What is written
    #[arg(long, value_name = "WHAT")]
    emit: Emit,
}

/// What can be written.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Emit {
    /// The match-and-action program, as text
    Program,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let check = load::check(&args.path)?;
    for diag in &check.diags {
        report::human::print(diag, &check.sources, Color::Auto);
    }
    let Some(program) = &check.program else { return Ok(Outcome::Faulty) };
    match args.emit {
        Emit::Program => report::print(&program.to_string())?,
    }
    Ok(Outcome::Clean)
}
