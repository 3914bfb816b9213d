//! `gwc check`: whether policies may run. Needs no network and no values of inputs.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use lang::Severity;

use crate::report::{self, Color};
use crate::{Outcome, load};

/// Checks policies: syntax, names, types and the order of routes
///
/// Exit status: 0 when nothing is wrong, 1 when a policy has errors, 2 when it could not be read.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Policies, or directories whose `.gw` files are checked
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// How diagnostics are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Whether warnings fail the check as well
    #[arg(long)]
    deny_warnings: bool,
    /// Whether the human report has colours
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A report for people, on standard error
    Human,
    /// One JSON object a diagnostic, a line each, on standard output
    Json,
    /// Workflow commands that GitHub shows beside the changed lines
    Github,
    /// SARIF 2.1.0
    Sarif,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let (checks, unread) = load::check_each(&args.paths, &load::Overlay::new())?;
    let found =
        || checks.iter().flat_map(|check| check.diags.iter().map(|diag| (&check.sources, diag)));
    let mut out = std::io::stdout().lock();
    let written = match args.format {
        Format::Human => {
            for (sources, diag) in found() {
                report::human::print(diag, sources, args.color);
            }
            eprintln!("{}", report::human::summary(&checks));
            Ok(())
        }
        Format::Json => found()
            .try_for_each(|(sources, diag)| writeln!(out, "{}", report::json::line(diag, sources))),
        Format::Github => found().try_for_each(|(sources, diag)| {
            writeln!(out, "{}", report::github::line(diag, sources))
        }),
        Format::Sarif => writeln!(out, "{}", report::sarif::document(found())),
    };
    report::written(written)?;
    let mut unread = unread.into_iter();
    if let Some(last) = unread.next_back() {
        unread.for_each(|report| eprintln!("{report:?}"));
        return Err(last);
    }
    let fails = |severity| {
        severity == Severity::Error || (args.deny_warnings && severity == Severity::Warning)
    };
    let faulty = found().any(|(_, diag)| fails(diag.severity));
    Ok(if faulty { Outcome::Faulty } else { Outcome::Clean })
}
