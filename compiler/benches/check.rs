//! What checking a policy costs: whole, again after a change, and against another one. It prints a table beside the bars
//! and fails nothing; `cargo bench -p gw-compiler --bench check` is the command. `-- served` behind it asks for the lines
//! of a gateway that serves alone.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gw_compiler as compiler;
use gw_compiler::{Backend, Program};
use lang::syntax::Trees;
use lang::{Diag, Policy, Source, SourceId, Span, Unit};

/// That of the gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[path = "check/policy.rs"]
mod policy;

use policy::{VOCABULARY, routes};

/// The best of so many runs: what else the machine does only adds.
const RUNS: usize = 5;

/// The best of so many, of what takes so short that one of them is not interrupted: it is timed by the clock on the wall.
const TIMES: usize = 20;

/// Claims about all requests to these policies, all true.
const ASSERTS: &str = r#"
assert pages_are_found { for req where responded; expect status == 200 }
assert nothing_breaks { for req where starts_with(req.path, "/v1/"); expect status != 500 }
assert one_shop { for req where req.host == "h7.shop.example" and responded; expect status == 200 }
assert inside { for req where client.ip in 10.0.0.0/8 and starts_with(req.path, "/files"); expect responded or status == 404 or status == 405 }
assert debugging { for req where req.header["x-debug"] == "1"; expect responded or status == 404 or status == 405 }
"#;

fn main() {
    println!("| what | bar | found | of it |");
    println!("|---|---|---|---|");
    if std::env::args().any(|argument| argument == "served") {
        return all_served();
    }
    let small = routes(1_000, 50);
    whole("1,000 routes on 50 hosts", "50 ms", &small);
    whole("the same with five asserts", "50 ms", &claimed(&small));
    let large = routes(10_000, 500);
    forget_peak();
    whole("10,000 routes on 500 hosts", "400 ms", &large);
    line(
        "the most memory meanwhile",
        "300 MiB",
        &peak(),
        "of the process, this benchmark and its texts included",
    );
    again("change one route of 10,000, check again", &large);
    all_served();
    diff(&large);
    forget_peak();
    whole("10,000 routes with five asserts", "400 ms", &claimed(&large));
    line("the most memory meanwhile", "300 MiB", &peak(), "as above");
    again("change one of them, check again", &claimed(&large));
    let largest = routes(50_000, 2_500);
    whole("50,000 routes on 2,500 hosts", "3 s", &largest);
    whole("the same with five asserts", "3 s", &claimed(&largest));
    let clean = routes(1_700, 85);
    let faulty = broken(&clean);
    whole(
        &format!("a file of {} lines, every 50th broken", faulty.lines().count()),
        "150 ms",
        &faulty,
    );
    still_typed(&clean);
}

/// What a change costs a gateway that serves.
fn all_served() {
    let (many, one) = (routes(10_000, 500), routes(10_000, 1));
    served("change one route of 10,000 that are served", &many, "30 µs", &conditioned);
    served("the same, another path", &many, "", &moved);
    served("all of them under one host", &one, "0.5 ms", &conditioned);
}

/// The text with a condition more, at a route that had none: another one each time, and of another host.
fn conditioned(text: &str, run: usize) -> String {
    let answer = format!("  respond 200, \"{}\"", run * 10 + 508);
    text.replace(&answer, &format!("  where req.header[\"x\"] == \"1\"\n{answer}"))
}

/// The text with another path for a route.
fn moved(text: &str, run: usize) -> String {
    let host = format!("  host \"h{}.shop.example\"\n  path \"/v1/page", run + 20);
    text.replacen(&host, &host.replace("/page", "/sheet"), 1)
}

/// The policy with claims about it, which are typed as they stand.
fn claimed(text: &str) -> String {
    let claimed = format!("{text}{ASSERTS}");
    assert!(errors(&claimed).is_empty(), "{:#?}", errors(&claimed));
    claimed
}

fn line(what: &str, bar: &str, found: &str, parts: &str) {
    println!("| {what} | {bar} | {found} | {parts} |");
}

fn shown(time: Duration) -> String {
    let time = time.as_secs_f64() * 1e3;
    if time < 20.0 { format!("{time:.1} ms") } else { format!("{time:.0} ms") }
}

/// The text with a mistake in every 50th line.
fn broken(text: &str) -> String {
    let lines = text.lines().enumerate().map(|(at, line)| match at % 50 {
        49 => line.replacen('"', "", 1).replacen('{', "", 1),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A check of everything there is.
fn whole(what: &str, bar: &str, text: &str) {
    let mut best = [Duration::MAX; 5];
    for _ in 0..RUNS {
        let times = once(text);
        if times[4] < best[4] {
            best = times;
        }
    }
    let [parse, check, lower, prove, all] = best.map(shown);
    let parts = format!("{parse} parse, {check} check, {lower} lower, {prove} prove");
    line(what, bar, &all, &parts);
}

/// The times of parsing, checking, lowering and proving what is asserted, and all of them.
fn once(text: &str) -> [Duration; 5] {
    let begun = processor();
    let source = Source::new(SourceId(0), "bench.gw", text);
    let (tree, mut diags) = lang::parse(&source);
    let parsed = processor();
    let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
    let checked = lang::check(&[unit], &VOCABULARY);
    let typed = processor();
    diags.extend(checked.diags);
    let (mut lowered, mut proved) = (typed, typed);
    if !diags.iter().any(Diag::is_error) {
        let (program, found) = compiler::lower(&checked.policy);
        lowered = processor();
        let program = program.unwrap_or_else(|| panic!("{found:#?}"));
        let found = compiler::prove(&checked.policy, &program);
        proved = processor();
        assert!(found.is_empty(), "{found:#?}");
    }
    [parsed - begun, typed - parsed, lowered - typed, proved - lowered, proved - begun]
}

/// What is wrong with a policy before it is lowered.
fn errors(text: &str) -> Vec<Diag> {
    let source = Source::new(SourceId(0), "bench.gw", text);
    let (tree, mut diags) = lang::parse(&source);
    let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
    diags.extend(lang::check(&[unit], &VOCABULARY).diags);
    diags.retain(Diag::is_error);
    diags
}

/// One route is changed, and the whole is asked for again.
fn again(what: &str, text: &str) {
    let trees = Trees::default();
    let mut session = compiler::Session::new(VOCABULARY);
    let mut check = |text: &str| {
        let begun = processor();
        let source = Source::new(SourceId(0), "bench.gw", text);
        let (tree, found) = trees.parse(&source);
        let parsed = processor();
        let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
        let answer = session.check(&[unit], found);
        let checked = processor();
        assert!(answer.diags.is_empty(), "{:#?}", answer.diags.first());
        (checked - begun, parsed - begun, answer.whole.is_none())
    };
    check(text);
    let mut best = (Duration::MAX, Duration::MAX);
    for run in 0..RUNS {
        // Another route each time, with another name and another answer.
        let (at, other) = (run * 2_000 + 508, run + 1);
        let changed = text.replace(&format!("route r{at} on"), &format!("route s{other} on"));
        let changed = changed.replace(&format!("respond 200, \"{at}\""), "respond 200, \"x\"");
        let (all, parse, is_partial) = check(&changed);
        assert!(is_partial, "all of it was checked");
        best = best.min((all, parse));
        check(text);
    }
    let parts = format!("{} parse, {} check", shown(best.1), shown(best.0.saturating_sub(best.1)));
    line(what, "10 ms", &shown(best.0), &parts);
}

/// One route of those that are served is changed: its program is made, made ready, and put in the place of the other.
fn served(what: &str, text: &str, bar: &str, change: &dyn Fn(&str, usize) -> String) {
    let source = Source::new(SourceId(0), "bench.gw", text);
    let (tree, found) = lang::parse(&source);
    let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
    let whole = compiler::check(std::slice::from_ref(&unit), &VOCABULARY, found);
    let mut session = compiler::Session::of(&[unit], &whole, VOCABULARY).expect("it is clean");
    let ready = |program: Arc<Program>| compiler::load(program, Vec::new(), Backend::Interp);
    let program = Arc::new(whole.program.expect("it is clean"));
    let mut text = text.to_owned();
    let mut published = Arc::new(ready(program).expect("it is ready"));
    let (mut best, mut best_ready) = (Duration::MAX, Duration::MAX);
    for run in 0..TIMES {
        let changed = change(&text, run);
        assert_ne!(changed, text);
        text = changed;
        let source = Source::new(SourceId(0), "bench.gw", text.as_str());
        let begun = processor();
        let (tree, _) = lang::outline(&source);
        let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
        let program = session.program(&[unit], published.program()).expect("one route is plain");
        let program = Arc::new(program);
        let made = clock();
        let next = compiler::load_after(program, Vec::new(), Backend::Interp, &published);
        let before = std::mem::replace(&mut published, Arc::new(next.expect("it is ready")));
        best_ready = best_ready.min(clock() - made);
        best = best.min(processor() - begun);
        drop(before);
    }
    let micros = |time: Duration| format!("{:.0} µs", time.as_secs_f64() * 1e6);
    line(what, "", &shown(best), "from its text to what decides");
    line("of this, making it ready", bar, &micros(best_ready), "publishing it included");
}

/// Two policies that differ in ten routes.
fn diff(text: &str) {
    let mut other = text.to_owned();
    for at in 0..10 {
        let at = at * 997 + 3;
        other = other.replace(&format!("respond 200, \"{at}\""), "respond 404");
    }
    let (old, new) = (lowered(text), lowered(&other));
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let begun = processor();
        let found = compiler::diff::compare((&old.0, &old.1), (&new.0, &new.1));
        best = best.min(processor() - begun);
        assert!(!found.changes.is_empty() && found.undecided.is_empty(), "{found:#?}");
    }
    line(
        "two policies of 10,000 routes that differ in 10",
        "1 s",
        &shown(best),
        "both were checked before",
    );
}

fn lowered(text: &str) -> (Policy, compiler::Program) {
    let source = Source::new(SourceId(0), "bench.gw", text);
    let (tree, found) = lang::parse(&source);
    let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
    let whole = compiler::check(&[unit], &VOCABULARY, found);
    let program = whole.program.unwrap_or_else(|| panic!("{:#?}", whole.diags.first()));
    (whole.policy, program)
}

/// How much is typed that stands outside of a statement that lost a token.
fn still_typed(text: &str) {
    let source = Source::new(SourceId(0), "bench.gw", text);
    let (tree, _) = lang::parse(&source);
    let tokens: Vec<Span> = tree
        .leaves()
        .map(|leaf| leaf.span())
        .filter(|span| !source.slice(*span).trim().is_empty())
        .collect();
    let trees = Trees::default();
    let all = n_typed(&trees, text);
    let mut least = 1.0_f64;
    let samples = tokens.iter().step_by(tokens.len() / 200);
    let n_samples = samples.len();
    for span in samples {
        let mut without = text.to_owned();
        without.replace_range(span.range(), "");
        let typed = n_typed(&trees, &without);
        // The statement itself is one.
        least = least.min(typed as f64 / (all - 1) as f64);
    }
    let mut found = String::new();
    // Writing to a string does not fail.
    let _ = write!(found, "{:.2} %", (least * 100.0).min(100.0));
    line(
        "statements typed outside the broken one",
        "95 %",
        &found,
        &format!("the least of {n_samples} deleted tokens"),
    );
}

/// How many statements a policy's routes and blocks are known to hold.
fn n_typed(trees: &Trees, text: &str) -> usize {
    let source = Source::new(SourceId(0), "bench.gw", text);
    let (tree, _) = trees.parse(&source);
    let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
    let policy = lang::check(&[unit], &VOCABULARY).policy;
    let written = |span: &Span, name: &Span| span != name;
    let routes = policy.routes.iter().map(|route| {
        let hosts = route.hosts.iter().filter(|(_, span)| written(span, &route.span)).count();
        let paths = route.paths.iter().filter(|(_, span)| written(span, &route.span)).count();
        let methods = usize::from(route.methods.is_some());
        hosts + paths + methods + route.conditions.len() + route.steps.len()
    });
    let blocks = policy.blocks.iter().map(|block| block.settings.len());
    routes.chain(blocks).sum()
}

/// The most memory that the process had in use is counted from here.
fn forget_peak() {
    // Where the system does not know this, the most of all its time is told.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that the process had in use.
fn peak() -> String {
    #[expect(clippy::disallowed_methods, reason = "a benchmark looks at its own process")]
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map_or_else(|| "unknown".to_owned(), |kib| format!("{} MiB", kib >> 10))
}

/// The time of the clock on the wall.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is about time; it is no part of the crate"
)]
fn clock() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    BEGUN.elapsed()
}

/// The time that this thread had on a processor, where the system tells it; else the time of the clock on the wall.
#[expect(clippy::disallowed_methods, reason = "a benchmark looks at its own process")]
fn processor() -> Duration {
    // What is told is brought up to date when the thread lets others go first.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.map_or_else(clock, Duration::from_nanos)
}
