//! The front door: parses the command line, hands it to one subcommand, and turns its outcome into an exit code.
//!
//! It is a library so that the tests can be `gwc` without building a second binary.

#![forbid(unsafe_code)]

pub mod ask;
mod bounds;
pub mod built;
mod bytes;
mod cmd;
pub mod engine;
pub mod inputs;
mod known;
pub mod load;
mod mend;
mod owner;
mod proofs;
mod replace;
pub mod report;
pub mod seal;
mod told;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use miette::IntoDiagnostic;

pub use cmd::reference::pages as reference_pages;

/// Checks, explains and runs gateway policies
///
/// A policy is a `.gw` file that says what the gateway does with every request. `check` proves it before it runs,
/// `run` serves it, `why` asks it about one request.
#[derive(Parser)]
#[command(name = "gwc", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(cmd::check::Args),
    Fmt(cmd::fmt::Args),
    Fix(cmd::fix::Args),
    Audit(cmd::audit::Args),
    Diff(cmd::diff::Args),
    Replay(cmd::replay::Args),
    Explain(cmd::explain::Args),
    Run(cmd::run::Args),
    Test(cmd::test::Args),
    Why(cmd::why::Args),
    Cost(cmd::cost::Args),
    Build(cmd::build::Args),
    Translate(cmd::translate::Args),
    Lsp(cmd::lsp::Args),
    Completions(cmd::completions::Args),
    Reference(cmd::reference::Args),
}

/// What a subcommand came to.
enum Outcome {
    /// Nothing to complain about.
    Clean,
    /// The policy, or what was asked about it, is at fault.
    Faulty,
}

/// What `gwc why` prints on standard output for these arguments; nothing where the policy cannot be asked.
pub fn why(args: &[&str]) -> miette::Result<String> {
    let words = ["gwc", "why"].into_iter().chain(args.iter().copied());
    match Cli::try_parse_from(words).into_diagnostic()?.command {
        Command::Why(args) => {
            Ok(cmd::why::answer(&args, |_| {})?.map(|answer| answer.text).unwrap_or_default())
        }
        _ => Ok(String::new()),
    }
}

/// Runs the command line. Exit status: 0 clean, 1 a policy is at fault, 2 usage, input or output.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    report::errors::escaped();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure; nobody is left to tell if that is closed.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match cli.command {
        Command::Check(args) => cmd::check::run(&args),
        Command::Fmt(args) => cmd::fmt::run(&args),
        Command::Fix(args) => cmd::fix::run(&args),
        Command::Audit(args) => cmd::audit::run(&args),
        Command::Diff(args) => cmd::diff::run(&args),
        Command::Replay(args) => cmd::replay::run(&args),
        Command::Explain(args) => cmd::explain::run(&args),
        Command::Run(args) => cmd::run::run(&args),
        Command::Test(args) => cmd::test::run(&args),
        Command::Why(args) => cmd::why::run(&args),
        Command::Cost(args) => cmd::cost::run(&args),
        Command::Build(args) => cmd::build::run(&args),
        Command::Translate(args) => cmd::translate::run(&args),
        Command::Lsp(args) => cmd::lsp::run(&args),
        Command::Completions(args) => cmd::completions::run(&args),
        Command::Reference(args) => cmd::reference::run(&args),
    };
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Faulty) => ExitCode::from(1),
        Err(report) => {
            report::say!("{report:?}");
            ExitCode::from(2)
        }
    }
}
