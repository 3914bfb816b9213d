//! Who sends a request that nobody sent, as `gwc why --as` says it: `token(sub="u1")`, the words of a test's `as=`. They are
//! checked as a line of a test of the policy would be, and reported in their own place.

use std::path::Path;

use lang::diag::Label;
use lang::eval::{Nothing, World, eval};
use lang::policy::trial::{LineKind, Test};
use lang::policy::{Expr, InputId, LocalId};
use lang::vocab::Field;
use lang::{Diag, Source, SourceId, Sources, Span, Value};
use miette::miette;
use runtime::auth::Identity;
use runtime::engine::Engine;

use crate::load::{self, Check};
use crate::report::places::{at_places, together};

/// What stands before the words, in a test of which nobody reads anything else.
const BEFORE: &str = "\ntest \"gwc why --as\" {\n  send GET, \"http://localhost/\", as=";
const BEHIND: &str = "\n}\n";

const HELP: &str = "write it as in a test: `--as 'token(sub=\"u1\")'`";

/// The name under which the words are reported.
const NAME: &str = "--as";

/// Checks the policy that begins in this file, and the words. Where the policy has errors, there is nobody.
pub(crate) fn check(path: &Path, written: &str) -> miette::Result<(Check, Option<Expr>)> {
    let written = written.trim();
    if written.is_empty() || written.contains(['\n', '\r']) {
        return Err(miette!(help = HELP, "`--as` is an auth with claims, in one line"));
    }
    let more = format!("{BEFORE}{written}{BEHIND}");
    let mut check = load::check_more(path, &more)?;
    let (sources, first) = without(&check.sources, more.len(), written);
    let place = Span {
        source: SourceId(0),
        start: first + BEFORE.len() as u32,
        end: first + (BEFORE.len() + written.len()) as u32,
    };
    let is_ours = |span: Span| span.source == place.source && span.start >= first;
    let (ours, rest): (Vec<Diag>, Vec<Diag>) =
        check.diags.into_iter().partition(|diag| is_ours(diag.span()));
    (check.diags, check.sources) = (rest, sources);
    let of_test = |test: &&Test| is_ours(test.span);
    let at = check.policy.tests.iter().position(|test| of_test(&test));
    let test = at.map(|at| check.policy.tests.remove(at));
    let own = SourceId(check.sources.iter().count().saturating_sub(1) as u32);
    let errors: Vec<&Diag> = ours.iter().filter(|diag| diag.is_error()).collect();
    if !errors.is_empty() {
        let moved = |label: &Label| {
            let within = |at: u32| at.clamp(place.start, place.end) - place.start;
            let Span { start, end, .. } = label.span;
            match is_ours(label.span) {
                true => Span { source: own, start: within(start), end: within(end) },
                false => label.span,
            }
        };
        let report = |diag: &Diag| {
            let labels: Vec<(Span, String)> =
                diag.labels.iter().map(|label| (moved(label), label.text.clone())).collect();
            at_places(diag.message.clone(), diag.help.as_deref(), &labels, &check.sources)
        };
        let reports = errors.into_iter().map(report).collect();
        return Err(together("it is not known who `--as` means", reports));
    }
    if check.program.is_none() && check.unproved.is_none() {
        return Ok((check, None));
    }
    let line = test.into_iter().flat_map(|test| test.lines).next();
    let who = match line.map(|line| line.kind) {
        Some(LineKind::Send(mut arguments)) => arguments.pop(),
        _ => None,
    };
    match who.filter(|who| who.span == place) {
        Some(who) => Ok((check, Some(who))),
        None => Err(miette!(help = HELP, "`{written}` is not an auth with claims alone")),
    }
}

/// Who that is, with the inputs that the engine has.
pub(crate) fn identity(who: &Expr, engine: &Engine) -> Option<Identity> {
    Identity::of(&eval(who, &Inputs(engine.inputs())))
}

/// The texts with the first one as it was, and the words behind them; the first one's length.
fn without(sources: &Sources, more: usize, written: &str) -> (Sources, u32) {
    let mut own = Sources::default();
    let mut first = 0;
    for Source { id, name, text, .. } in sources.iter() {
        let text = match id.0 {
            0 => text.get(..text.len().saturating_sub(more)).unwrap_or_default(),
            _ => text,
        };
        if id.0 == 0 {
            first = text.len() as u32;
        }
        own.add(name.clone(), text);
    }
    own.add(NAME, written);
    (own, first)
}

/// Inputs, and nothing else.
struct Inputs<'i>(&'i [Value]);

impl World for Inputs<'_> {
    fn input(&self, input: InputId) -> Value {
        self.0.get(input.0 as usize).cloned().unwrap_or_default()
    }

    fn field(&self, field: &'static Field, key: Option<&str>) -> Value {
        Nothing.field(field, key)
    }

    fn capture(&self, name: &str) -> Value {
        Nothing.capture(name)
    }

    fn local(&self, local: LocalId) -> Value {
        Nothing.local(local)
    }
}
