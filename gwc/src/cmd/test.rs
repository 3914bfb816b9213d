//! `gwc test`: runs the tests that policies hold. Nothing is listened on and nothing is connected to.

mod coverage;
mod junit;
mod lcov;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use lang::Sources;
use miette::{IntoDiagnostic, WrapErr, miette};
use runtime::trial::coverage::Coverage;
use runtime::trial::{Outcome as Came, Trial};

use crate::load::{self, Check};
use crate::report::{self, Color, say};
use crate::{Outcome, built, engine};

/// Runs the tests in policies
///
/// Each `test` runs by itself, through the code that serves real requests, with stubs in place of upstreams, a clock
/// of its own and the same chance every time. Exit status: 0 when all pass, 1 when one fails, a policy has errors or
/// too little is covered, 2 for anything else.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Policies, directories whose `.gw` files are run, and parts of the names of tests: only these tests run. Without
    /// a policy, those in this directory
    #[arg(value_name = "FILE|DIR|PATTERN")]
    words: Vec<PathBuf>,
    /// Values of inputs
    #[arg(long, value_name = "TOML")]
    with: Option<PathBuf>,
    /// Run them again whenever a file changes
    #[arg(long)]
    watch: bool,
    /// How the results are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Tell which routes, arms of `match` and outcomes of predicates the tests reach, and which they do not
    #[arg(long)]
    coverage: bool,
    /// Fail if less than so many percent is covered
    #[arg(long, value_name = "PERCENT", requires = "coverage", value_parser = percent)]
    fail_under: Option<f64>,
    /// Write what is covered to a file in lcov's form
    #[arg(long, value_name = "FILE", requires = "coverage")]
    lcov: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object a test, a line each
    Json,
    /// JUnit's XML, for continuous integration
    Junit,
}

/// A policy and what came of its tests.
struct Suite {
    name: String,
    sources: Sources,
    cases: Vec<Case>,
    /// What is wrong with the policy itself, whatever its tests say.
    broken: Option<&'static str>,
    /// What its tests reached, if that was asked for.
    coverage: Option<Coverage>,
}

/// What to run.
struct Chosen {
    paths: Vec<PathBuf>,
    /// Parts of names of tests; every test, if there are none.
    patterns: Vec<String>,
}

/// A test, or one row of its table.
struct Case {
    name: String,
    came: Came,
}

/// How often a watched file may be looked at in vain before anybody asks.
const PAUSE: Duration = Duration::from_millis(300);

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let chosen = chosen(&args.words);
    let mut read = BTreeSet::new();
    if !args.watch {
        return once(args, &chosen, &mut read);
    }
    loop {
        let begun = seen(args, &chosen, &read);
        read.clear();
        if let Err(report) = once(args, &chosen, &mut read) {
            say!("{report:?}");
        }
        say!("waiting for a file to change");
        // What changed while the tests ran counts, among the files that were known before.
        let mut before = seen(args, &chosen, &read);
        if begun.iter().any(|(path, text)| before.get(path).is_some_and(|now| now != text)) {
            before.clear();
        }
        while seen(args, &chosen, &read) == before {
            std::thread::sleep(PAUSE);
        }
    }
}

/// Which words are policies and which are parts of names: what is there, or looks like a path, is a path.
fn chosen(words: &[PathBuf]) -> Chosen {
    let is_path = |word: &&PathBuf| {
        let looks = word.extension().is_some_and(|ending| ending == "gw");
        looks || built::is_built(word) || word.components().count() > 1 || word.exists()
    };
    let (mut paths, patterns): (Vec<&PathBuf>, Vec<&PathBuf>) = words.iter().partition(is_path);
    let here = PathBuf::from(".");
    if paths.is_empty() {
        paths.push(&here);
    }
    Chosen {
        paths: paths.into_iter().cloned().collect(),
        patterns: patterns.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
    }
}

/// What the policies' files, those that they use and the inputs say now.
fn seen(
    args: &Args,
    chosen: &Chosen,
    read: &BTreeSet<PathBuf>,
) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let named = load::policies(&chosen.paths).unwrap_or_default();
    let all = named.into_iter().chain(read.iter().cloned()).chain(args.with.clone());
    let is_regular = |path: &PathBuf| path.metadata().is_ok_and(|found| found.is_file());
    all.filter(is_regular).map(|path| (path.clone(), std::fs::read(&path).ok())).collect()
}

/// Runs the tests, and notes which files are of the policies.
fn once(args: &Args, chosen: &Chosen, read: &mut BTreeSet<PathBuf>) -> miette::Result<Outcome> {
    let checks = load::check_all(&chosen.paths)?;
    read.extend(checks.iter().flat_map(|check| check.files.iter().cloned()));
    let mut suites = Vec::new();
    let mut known = 0;
    for check in checks {
        report::human::print_all(check.found(), Color::Auto);
        known += check.policy.tests.len();
        suites.push(suite(args, chosen, check)?);
    }
    let mut faulty = suites.iter().any(|suite| suite.broken.is_some());
    if !chosen.patterns.is_empty()
        && !faulty
        && known > 0
        && suites.iter().all(|suite| suite.cases.is_empty())
    {
        let patterns = chosen.patterns.join("` or `");
        return Err(miette!("there is no file `{patterns}`, and no test whose name contains it"));
    }
    faulty |= suites.iter().flat_map(|suite| &suite.cases).any(Case::failed);
    report::print(&match args.format {
        Format::Human => page::human(&suites),
        Format::Json => page::json(&suites),
        Format::Junit => junit::document(&suites),
    })?;
    // Of policies with errors nothing was reached, and nothing is told.
    if args.coverage && suites.iter().any(|suite| suite.coverage.is_some()) {
        faulty |= !covered(args, &suites)?;
    }
    Ok(if faulty { Outcome::Faulty } else { Outcome::Clean })
}

/// Tells what the tests reached, and gives whether it is enough.
fn covered(args: &Args, suites: &[Suite]) -> miette::Result<bool> {
    match args.format {
        Format::Human => report::print(&report::seen(&coverage::human(suites)))?,
        Format::Json => report::print(&coverage::json(suites))?,
        // The document on standard output has no place for it.
        Format::Junit => say!("{}", coverage::human(suites).trim_end()),
    }
    if let Some(path) = &args.lcov {
        write(path, &lcov::document(suites))?;
    }
    let (share, wanted) = (coverage::total(suites), args.fail_under.unwrap_or_default());
    let enough = share.percent() >= wanted;
    if !enough {
        let found = coverage::rounded(share);
        say!("the tests cover {found}%, less than the {wanted}% that `--fail-under` asks for");
    }
    Ok(enough)
}

fn write(path: &Path, text: &str) -> miette::Result<()> {
    let failed = || format!("`{}` could not be written", path.display());
    std::fs::write(path, text).into_diagnostic().wrap_err_with(failed)
}

/// A share of a hundred, with or without the sign.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').parse().ok();
    let number = number.filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "a percentage lies between 0 and 100".to_owned())
}

/// Runs the tests of one policy; none if it has errors.
fn suite(args: &Args, chosen: &Chosen, check: Check) -> miette::Result<Suite> {
    let name = check.sources.iter().next().map(|source| source.name.to_string());
    let name = name.unwrap_or_default();
    let cases = Vec::new();
    let broken = match (&check.program, &check.unproved) {
        (Some(_), _) => None,
        (None, Some(_)) => Some(page::UNPROVED),
        (None, None) => Some(page::BROKEN),
    };
    let mut suite = Suite { name, sources: check.sources, cases, broken, coverage: None };
    // A test asks about some requests, and has an answer where not all do as an assert claims.
    let Some(program) = check.program.or(check.unproved) else { return Ok(suite) };
    let patterns = &chosen.patterns;
    let is_chosen =
        |name: &str| patterns.is_empty() || patterns.iter().any(|part| name.contains(&**part));
    let policy = Arc::new(check.policy);
    let tests: Vec<_> = policy.tests.iter().filter(|test| is_chosen(&test.name)).collect();
    if tests.is_empty() && !args.coverage {
        return Ok(suite);
    }
    let engine = Arc::new(engine::trying(program, args.with.as_deref(), &suite.sources)?);
    let trial = match args.coverage {
        true => Trial::counting(engine, Arc::clone(&policy)),
        false => Trial::of(engine),
    };
    for test in tests {
        let outcomes = trial.run(test).into_diagnostic().wrap_err("there is no clock")?;
        for came in outcomes {
            let name = match &came.row {
                None => test.name.to_string(),
                Some((at, _)) => format!("{} (row {at})", test.name),
            };
            suite.cases.push(Case { name, came });
        }
    }
    suite.coverage = trial.coverage();
    Ok(suite)
}

impl Case {
    fn failed(&self) -> bool {
        !self.came.misses.is_empty()
    }
}
