//! `gwc fix`: the mends that diagnostics carry, applied.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use miette::miette;
use similar::TextDiff;

use crate::report::{self, Color, say};
use crate::{Outcome, load, mend, replace};

/// Mends policies where there is one way to do it
///
/// What is meant beyond doubt is applied: a missing mark, an operator of another language, a misspelled word of the
/// language, quotes where none belong. What has to be chosen (a default for what may be absent, a name of yours, a
/// route that never answers) is left and reported, with the reason. A mend is kept only if the policy checks better with
/// it: it brings no error but such as could not be seen before. In an item whose syntax has to be mended by hand
/// nothing but marks and quotes is mended. Files that a policy uses are mended with it. Exit status: 0 when no error is left, 1 when some are, 2 when a file could not be
/// read or written.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Policies, or directories whose `.gw` files are mended
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let mended = mend::mend(&args.paths)?;
    let mut texts = BTreeMap::new();
    for (path, text) in &mended.texts {
        let Some(old) = mended.before.get(path).filter(|old| *old != text) else { continue };
        texts.insert(path, (old, text));
    }
    let mut said = String::new();
    for done in &mended.done {
        let file = report::shown(&done.file, usize::MAX);
        writeln!(said, "{file}:{}: {}: {}", done.line, done.message, done.title)
            .map_err(|error| miette!("{error}"))?;
    }
    for (path, (old, new)) in &texts {
        if args.dry_run {
            let name = name(path, &mended.checks);
            let diff = TextDiff::from_lines(old.as_str(), new.as_str());
            let mut unified = diff.unified_diff();
            said.push_str(&unified.context_radius(3).header(&name, &name).to_string());
        } else {
            if load::read(path)? != **old {
                let help = "run `gwc fix` again";
                return Err(miette!(help = help, "`{}` changed meanwhile", path.display()));
            }
            replace::replace(path, new)?;
        }
    }
    report::print(&said)?;
    let left =
        || mended.checks.iter().flat_map(|check| check.diags.iter().map(move |diag| (check, diag)));
    // With `--dry-run` the places would be those of a text that nobody has.
    if !args.dry_run {
        let left = left().map(|(check, diag)| (&check.sources, diag));
        report::human::print_all(left, Color::Auto);
    }
    let n_errors = left().filter(|(_, diag)| diag.is_error()).count();
    let verb = if args.dry_run { "would be mended" } else { "mended" };
    say!("{} {verb}; {} left", mended.done.len(), errors(n_errors));
    for (why, n_errors) in &mended.left {
        say!("  {n_errors} {why}");
    }
    if !mended.done.is_empty() && mended.uncovered > 0 {
        say!("  {} could not be seen before", mended.uncovered);
    }
    Ok(if n_errors > 0 { Outcome::Faulty } else { Outcome::Clean })
}

/// The file's name as it was given.
fn name(path: &Path, checks: &[load::Check]) -> String {
    let mut files = checks.iter().flat_map(|check| &check.files);
    let given = files.find(|file| load::canonical(file) == path);
    given.map_or(path, PathBuf::as_path).display().to_string()
}

fn errors(n_errors: usize) -> String {
    match n_errors {
        0 => "no error".to_owned(),
        1 => "1 error".to_owned(),
        n => format!("{n} errors"),
    }
}
