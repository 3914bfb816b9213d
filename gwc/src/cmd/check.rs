//! `gwc check`: whether policies may run. Needs no network, and values of inputs only to tell what hangs on them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use compiler::judge::{Difference, judge};
use compiler::program::Program;
use lang::diag::proved_by_default;
use lang::{Diag, Severity};
use miette::miette;
use runtime::gateway::overlaps;

use crate::report::{self, Color, say};
use crate::{Outcome, engine, inputs, load};

/// Checks policies: syntax, names, types and the order of routes
///
/// Exit status: 0 when nothing is wrong, 1 when a policy has errors, 2 when it could not be read or does not fit the values
/// of its inputs.
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
    /// Values of inputs, with which asserts are proved that hang on them, and which the policy must fit as when it is served: a
    /// TOML file of `name = value` lines
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Put requests made up for the policy to everything that decides: machine code, decision tables, the interpreter and a
    /// plain evaluator must say the same
    #[arg(long)]
    verify_jit: bool,
    /// Whether the human report has colours
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

/// How many requests are put to a policy, and with which seed: the same ones each time.
const REQUESTS: usize = 20_000;
const SEED: u64 = 2026;

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
    let (mut checks, unread) = load::check_each(&args.paths, &load::Overlay::new())?;
    if args.with.is_some() {
        for check in &mut checks {
            bind(check, args.with.as_deref())?;
        }
    }
    let found = || checks.iter().flat_map(load::Check::found);
    let mut out = std::io::stdout().lock();
    let written = match args.format {
        Format::Human => {
            report::human::print_all(found(), args.color);
            if !checks.is_empty() {
                say!("{}", report::human::summary(&checks));
            }
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
        unread.for_each(|report| say!("{report:?}"));
        return Err(last);
    }
    if args.verify_jit && !agrees(&checks)? {
        return Ok(Outcome::Faulty);
    }
    let fails = |severity| {
        severity == Severity::Error || (args.deny_warnings && severity == Severity::Warning)
    };
    let faulty = found().any(|(_, diag)| fails(diag.severity));
    Ok(if faulty { Outcome::Faulty } else { Outcome::Clean })
}

/// Gives inputs their values in place of their defaults: proves what hangs on them, and holds against them whatever keeps a
/// policy from being served with them.
fn bind(check: &mut load::Check, with: Option<&Path>) -> miette::Result<()> {
    // What is wrong with one assert is no reason not to look at the others.
    let Some(program) = check.program.as_ref().or(check.unproved.as_ref()) else { return Ok(()) };
    let bound = inputs::bind(&program.inputs, with, &check.sources, &[]);
    let bound = bound.map_err(|unbound| unbound.report)?;
    let wrong = compiler::prove_bound(&check.policy, program, &check.diags, &bound);
    check.diags.retain(|diag| diag.code != proved_by_default::ENTRY.code);
    check.diags.extend(wrong);
    check.diags.sort_by_key(|diag| (diag.span(), diag.code));
    let program = check.program.as_ref().filter(|_| !check.diags.iter().any(Diag::is_error));
    let Some(program) = program else { return Ok(()) };
    let engine = engine::tried(program.clone(), bound, &check.sources)?;
    match overlaps(&engine.listeners) {
        errors if errors.is_empty() => Ok(()),
        errors => Err(engine::unlaunched(errors, &check.sources)),
    }
}

/// Whether everything that decides says the same of every policy that compiles; what it found is told.
fn agrees(checks: &[load::Check]) -> miette::Result<bool> {
    let mut agree = true;
    for check in checks {
        let Some(program) = check.program.clone().map(Arc::new) else { continue };
        let name = check.sources.iter().next().map_or_else(String::new, report::file);
        let judged = judge(&check.policy, &program, SEED, REQUESTS).map_err(|error| {
            miette!(
                help = "`gwc run --no-jit` does without machine code",
                "the machine code of `{name}` cannot be verified: {error}"
            )
        })?;
        for difference in &judged.differences {
            say!("{}", told(difference, &program));
        }
        agree &= judged.differences.is_empty();
        say!(
            "{name}: {} requests, {} of them answered by a route, {} blocks of machine code: {}",
            judged.requests,
            judged.answered,
            judged.blocks,
            if judged.differences.is_empty() { "all say the same" } else { "they differ" }
        );
    }
    Ok(agree)
}

/// A request of which not all said the same: a mistake of ours, with what is needed to find it.
fn told(difference: &Difference, program: &Program) -> String {
    let Difference { listener, request, answers } = difference;
    let mut text = format!("on {listener}: {} {}{}\n", request.method, request.host, request.path);
    for (slot, value) in program.slots.iter().zip(&request.slots) {
        if !value.is_absent() {
            let key = slot.key.as_ref().map(|key| format!("[{key:?}]")).unwrap_or_default();
            text.push_str(&format!("  {}{key} = {value}\n", slot.field));
        }
    }
    for (who, said) in answers {
        text.push_str(&format!("  {who} says {said}\n"));
    }
    text
}
