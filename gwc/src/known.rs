//! Who sends a request that nobody sent, as `gwc why --as` says it: `token(sub="u1")`, the words of a test's `as=`. They are
//! checked as a line of a test of the policy would be, and reported in their own place.

use std::path::Path;

use lang::diag::Label;
use lang::eval::{Nothing, World, eval};
use lang::policy::trial::{LineKind, Test};
use lang::policy::{Expr, InputId, LocalId};
use lang::vocab::Field;
use lang::vocab::trial::{AS, SEND};
use lang::{Diag, Source, SourceId, Sources, Span, Value};
use miette::miette;
use runtime::auth::Identity;
use runtime::engine::Engine;

use crate::load::{self, Check};
use crate::report::places::{at_places, together};

/// What stands before the words, in a test of which nobody reads anything else; what stands before each of them, and behind
/// all.
const BEGIN: &str = "\ntest \"gwc why --as\" {\n";
const BEFORE: &str = "  send GET, \"http://localhost/\", as=";
const END: &str = "}\n";

const HELP: &str = "write it as in a test: `--as 'token(sub=\"u1\")'`";

/// The name under which the words are reported.
const NAME: &str = "--as";

/// Checks the policy that begins in this file, and the words of each. Where the policy has errors, there is nobody.
pub(crate) fn check(path: &Path, written: &[String]) -> miette::Result<(Check, Vec<Expr>)> {
    let written: Vec<&str> = written.iter().map(|words| words.trim()).collect();
    if written.iter().any(|words| words.is_empty() || words.contains(['\n', '\r'])) {
        return Err(miette!(help = HELP, "`--as` is an auth with claims, in one line"));
    }
    let mut more = BEGIN.to_owned();
    let mut places: Vec<Span> = Vec::new();
    for words in &written {
        more.push_str(BEFORE);
        let start = more.len() as u32;
        places.push(Span { source: SourceId(0), start, end: start + words.len() as u32 });
        more.push_str(words);
        more.push('\n');
    }
    more.push_str(END);
    let mut check = load::check_more(path, &more)?;
    let (sources, first) = without(&check.sources, more.len(), &written);
    for place in &mut places {
        (place.start, place.end) = (place.start + first, place.end + first);
    }
    let is_ours = |span: Span| span.source == SourceId(0) && span.start >= first;
    let (ours, rest): (Vec<Diag>, Vec<Diag>) =
        check.diags.into_iter().partition(|diag| is_ours(diag.span()));
    (check.diags, check.sources) = (rest, sources);
    let of_test = |test: &&Test| is_ours(test.span);
    let at = check.policy.tests.iter().position(|test| of_test(&test));
    let test = at.map(|at| check.policy.tests.remove(at));
    let n_own = written.len();
    let own = |at: usize| SourceId((check.sources.iter().count() - n_own + at) as u32);
    let errors: Vec<&Diag> = ours.iter().filter(|diag| diag.is_error()).collect();
    if !errors.is_empty() {
        let moved = |label: &Label| {
            let Span { start, end, .. } = label.span;
            let at = places.iter().rposition(|place| place.start <= start).unwrap_or(0);
            match places.get(at).filter(|_| is_ours(label.span)) {
                Some(place) => {
                    let within = |at: u32| at.clamp(place.start, place.end) - place.start;
                    Span { source: own(at), start: within(start), end: within(end) }
                }
                None => label.span,
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
        return Ok((check, Vec::new()));
    }
    let at = SEND.iter().position(|param| param.name == AS).unwrap_or_default();
    let lines = test.into_iter().flat_map(|test| test.lines);
    let who: Vec<Expr> = lines
        .filter_map(|line| match line.kind {
            LineKind::Send(mut arguments) => {
                (at < arguments.len()).then(|| arguments.swap_remove(at))
            }
            _ => None,
        })
        .collect();
    for (at, (place, words)) in places.iter().zip(&written).enumerate() {
        if who.get(at).is_none_or(|who| who.span != *place) {
            return Err(miette!(help = HELP, "`{words}` is not an auth with claims alone"));
        }
    }
    Ok((check, who))
}

/// Who that is, with the inputs that the engine has.
pub(crate) fn identity(who: &Expr, engine: &Engine) -> Option<Identity> {
    Identity::of(&eval(who, &Inputs(engine.inputs())))
}

/// The texts with the first one as it was, and the words behind them; the first one's length.
fn without(sources: &Sources, more: usize, written: &[&str]) -> (Sources, u32) {
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
    for words in written {
        own.add(NAME, *words);
    }
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
