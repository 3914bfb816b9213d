//! `gwc test`: runs the tests that policies hold. Nothing is listened on and nothing is connected to.

mod junit;
mod page;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use lang::Sources;
use miette::{IntoDiagnostic, WrapErr, miette};
use runtime::trial::{Outcome as Came, Trial};

use crate::load::{self, Check};
use crate::report::{self, Color};
use crate::{Outcome, engine};

/// Runs the tests in policies
///
/// Each `test` runs by itself, through the code that serves real requests, with stubs in place of upstreams, a clock
/// of its own and the same chance every time. Exit status: 0 when all pass, 1 when one fails or a policy has errors, 2
/// for anything else.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Policies, or directories whose `.gw` files are run
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Only tests whose name contains this
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// Values of inputs
    #[arg(long, value_name = "TOML")]
    with: Option<PathBuf>,
    /// Run them again whenever a file changes
    #[arg(long)]
    watch: bool,
    /// How the results are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
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
}

/// A test, or one row of its table.
struct Case {
    name: String,
    came: Came,
}

/// How often a watched file may be looked at in vain before anybody asks.
const PAUSE: Duration = Duration::from_millis(300);

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    if !args.watch {
        return once(args);
    }
    loop {
        let before = seen(args);
        if let Err(report) = once(args) {
            eprintln!("{report:?}");
        }
        while seen(args) == before {
            std::thread::sleep(PAUSE);
        }
    }
}

/// What the policies' files, and those that they use, say now.
fn seen(args: &Args) -> String {
    let checks = load::check_all(&args.paths).unwrap_or_default();
    let all = checks.iter().flat_map(|check| check.sources.iter());
    let with = args.with.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    let texts = all.map(|source| (&*source.name, &*source.text));
    runtime::gateway::hash(texts.chain(with.as_deref().map(|text| ("", text))))
}

fn once(args: &Args) -> miette::Result<Outcome> {
    let checks = load::check_all(&args.paths)?;
    let mut suites = Vec::new();
    let (mut faulty, mut known) = (false, 0);
    for check in checks {
        for diag in &check.diags {
            report::human::print(diag, &check.sources, Color::Auto);
        }
        known += check.policy.tests.len();
        match suite(args, check)? {
            Some(suite) => suites.push(suite),
            None => faulty = true,
        }
    }
    if let Some(pattern) = &args.filter
        && !faulty
        && known > 0
        && suites.iter().all(|suite| suite.cases.is_empty())
    {
        return Err(miette!("no test's name contains `{pattern}`"));
    }
    faulty |= suites.iter().flat_map(|suite| &suite.cases).any(Case::failed);
    report::print(&match args.format {
        Format::Human => page::human(&suites),
        Format::Json => page::json(&suites),
        Format::Junit => junit::document(&suites),
    })?;
    Ok(if faulty { Outcome::Faulty } else { Outcome::Clean })
}

/// Runs the tests of one policy; none if it has errors.
fn suite(args: &Args, check: Check) -> miette::Result<Option<Suite>> {
    let Some(program) = check.program else { return Ok(None) };
    let name = check.sources.iter().next().map(|source| source.name.to_string());
    let mut suite =
        Suite { name: name.unwrap_or_default(), sources: check.sources, cases: Vec::new() };
    let chosen = |name: &str| args.filter.as_ref().is_none_or(|part| name.contains(&**part));
    let tests: Vec<_> = check.policy.tests.iter().filter(|test| chosen(&test.name)).collect();
    if tests.is_empty() {
        return Ok(Some(suite));
    }
    let engine = engine::build(program, args.with.as_deref(), &suite.sources, None)?;
    let trial = Trial::of(Arc::new(engine));
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
    Ok(Some(suite))
}

impl Case {
    fn failed(&self) -> bool {
        !self.came.misses.is_empty()
    }
}
