//! `gwc diff`: what two policies do differently with requests, for a person or a pull request. The comparison is the
//! compiler's.

use std::path::PathBuf;

use clap::ValueEnum;
use compiler::diff::{Comparison, compare};

use crate::report::{self, Color, say};
use crate::{Outcome, load};

mod human;
mod json;
mod markdown;
mod owners;
mod page;
mod settings;

use page::Page;

/// Tells which requests two policies treat differently: protection that was loosened first, each class with a request
/// that was tried on both
///
/// Exit status: 0 when the comparison is written, 1 when a policy has errors or `--deny` finds what it denies, 2 when one
/// could not be read.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The policy as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// What fails the comparison
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// Protection that is loosened or may be, by requests that fare otherwise and by settings, and what may loosen it and
    /// could not be decided
    Loosened,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
    /// For a pull request
    Markdown,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let old = load::check(&args.old)?;
    let other = match load::is_the_same(&args.old, &old, &args.new) {
        true => None,
        false => Some(load::check(&args.new)?),
    };
    let new = other.as_ref().unwrap_or(&old);
    for check in std::iter::once(&old).chain(&other) {
        let errors = check.found().filter(|(_, diag)| diag.is_error());
        report::human::print_all(errors, Color::Auto);
    }
    let (Some(old_program), Some(new_program)) = (&old.program, &new.program) else {
        return Ok(Outcome::Faulty);
    };
    let comparison = match &other {
        Some(_) => compare((&old.policy, old_program), (&new.policy, new_program)),
        None => Comparison::default(),
    };
    let page = Page { old: &old, new, comparison: &comparison };
    report::print(&match args.format {
        Format::Human => report::seen(&human::text(&page)).into_owned(),
        Format::Json => format!("{:#}\n", json::object(&page)),
        Format::Markdown => report::seen(&markdown::text(&page)).into_owned(),
    })?;
    let denied = args.deny == Some(Deny::Loosened) && (page.loosens() || page.may_loosen());
    if denied && !page.loosens() {
        say!("whether protection is loosened cannot be decided, and `--deny loosened` fails");
    }
    let wrong = denied || !comparison.disagreements.is_empty();
    Ok(if wrong { Outcome::Faulty } else { Outcome::Clean })
}
