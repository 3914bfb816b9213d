//! How long a policy's tests take: a thousand of them, checked with their policy and run, with and without counting what
//! they reach. It prints a table beside the bar and fails nothing; `cargo bench -p gw-runtime --bench trial` is the
//! command.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gw_runtime as runtime;
use lang::{Policy, Source, SourceId};
use runtime::engine::{Aim, Engine, Ground};
use runtime::trial::Trial;

/// The best of so many runs: what else the machine does only adds.
const RUNS: usize = 5;

const TESTS: usize = 1_000;

const ROUTES: usize = 100;

fn main() {
    let text = policy();
    println!("| what | bar | found | of it: check, run |");
    println!("|---|---|---|---|");
    for (what, counts) in [("tests", false), ("tests, with coverage", true)] {
        let mut best = [Duration::MAX; 2];
        for _ in 0..RUNS {
            let times = once(&text, counts);
            if times.iter().sum::<Duration>() < best[0].saturating_add(best[1]) {
                best = times;
            }
        }
        let [check, run] = best.map(|time| time.as_secs_f64() * 1e3);
        let all = check + run;
        println!("| {TESTS} {what} | 1 s | {all:.0} ms | {check:.0}, {run:.0} ms |");
    }
}

/// A policy whose routes look at headers and addresses, change the request and the answer; ten tests for each of them.
fn policy() -> String {
    let mut text = String::from(
        "edition 2026\n\nlistener web { bind \":8080\" }\nupstream users { server \"127.0.0.1:3000\" }\n\
         let office = [10.0.0.0/8]\n\nsite shop on web {\n  host \"shop.example\"\n",
    );
    // Writing to a string does not fail.
    for at in 0..ROUTES {
        let _ = write!(
            text,
            "  route r{at} {{\n    path \"/v1/r{at}/{{id: Int}}\"\n    method GET\n    \
             where req.header[\"x-tenant\"] is present\n    \
             require client.ip in office or req.header[\"x-key\"] == \"k{at}\", else=403\n    \
             rewrite \"/internal/r{at}/{{id}}\"\n    \
             set up.header[\"x-user\"] = req.header[\"x-user\"] ?? \"nobody\"\n    forward users\n    \
             set resp.header[\"x-served-by\"] = \"shop\"\n  }}\n"
        );
    }
    text.push_str("}\n");
    for at in 0..TESTS {
        let route = at % ROUTES;
        let _ = write!(
            text,
            "\ntest \"request {at} is answered\" {{\n  stub users = respond(200, json={{ id: {at} }})\n  \
             send GET, \"http://shop.example/v1/r{route}/{at}\", headers={{ \"x-tenant\": \"t\", \"x-user\": \"u{at}\" }}, from=10.0.0.1\n  \
             expect route == shop.r{route} and status == 200 and resp.json.id == {at}\n  \
             expect sent(users).path == \"/internal/r{route}/{at}\" and sent(users).header[\"x-user\"] == \"u{at}\"\n}}\n"
        );
    }
    text
}

/// The times of checking and of running.
fn once(text: &str, counts: bool) -> [Duration; 2] {
    let begun = processor();
    let (policy, engine) = built(text);
    let checked = processor();
    let trial = match counts {
        true => Trial::counting(engine, Arc::clone(&policy)),
        false => Trial::of(engine),
    };
    for test in &policy.tests {
        let outcomes = trial.run(test).unwrap_or_default();
        assert!(outcomes.iter().all(|outcome| outcome.misses.is_empty()), "{outcomes:#?}");
    }
    [checked - begun, processor() - checked]
}

fn built(text: &str) -> (Arc<Policy>, Arc<Engine>) {
    let source = Source::new(SourceId(0), "bench.gw", text);
    let (tree, diags) = lang::parse(&source);
    let unit = lang::Unit { source: &source, tree: &tree, uses: Vec::new() };
    let checked = lang::check(&[unit], &runtime::vocabulary());
    let (program, found) = compiler::lower(&checked.policy);
    let Some(program) = program else { panic!("{diags:#?} {:#?} {found:#?}", checked.diags) };
    let matcher = compiler::load(Arc::new(program), Vec::new(), compiler::Backend::default());
    let folder = |_| PathBuf::new();
    let ground = Ground { folder: &folder, inputs: &[], previous: None, aim: Aim::Serve };
    match matcher.map(|matcher| Engine::build(matcher, ground)) {
        Ok(Ok(engine)) => (Arc::new(checked.policy), Arc::new(engine)),
        Ok(Err(errors)) => panic!("{errors:#?}"),
        Err(error) => panic!("{error}"),
    }
}

/// The time that this thread had on a processor, where the system tells it; else the time of the clock on the wall.
fn processor() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}
