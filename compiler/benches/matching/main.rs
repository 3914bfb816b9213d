//! What one decision costs: instructions and cache misses where valgrind is installed, times, build times and memory, on
//! seeded rules and route tables, each answer checked against a plain reference. It prints a table and fails only on a
//! wrong answer; `cargo bench -p gw-compiler --bench matching [-- WORD…]` is the command, each word part of a case's name.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark looks at the clock and starts valgrind; it is no part of the crate"
)]

use std::process::Command;
use std::time::Instant;

use workload::Workload;

mod ours;
mod workload;

use ours::Ours;

/// A case: its name, and the workload it is about for a seed.
type Case = (&'static str, fn(u64) -> Workload);

/// Every case.
const CASES: &[Case] = &[
    ("w1-20", |seed| workload::rules(seed, 20)),
    ("w1-1000", |seed| workload::rules(seed, 1_000)),
    ("w2-hosts-10", |seed| workload::routes(seed, 10, false)),
    ("w2-hosts-100", |seed| workload::routes(seed, 100, false)),
    ("w2-hosts-1000", |seed| workload::routes(seed, 1_000, false)),
    ("w2-hosts-10000", |seed| workload::routes(seed, 10_000, false)),
    ("w2-hosts-100000", |seed| workload::routes(seed, 100_000, false)),
    ("w2-one-10", |seed| workload::routes(seed, 10, true)),
    ("w2-one-100", |seed| workload::routes(seed, 100, true)),
    ("w2-one-1000", |seed| workload::routes(seed, 1_000, true)),
    ("w2-one-10000", |seed| workload::routes(seed, 10_000, true)),
    ("w2-one-100000", |seed| workload::routes(seed, 100_000, true)),
    ("w4-50", |seed| workload::claims(seed, 50)),
];

/// The seed, unless `GW_SEED` says another.
const SEED: u64 = 20_260_101;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let seed = std::env::var("GW_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    match arguments.split_first() {
        Some((flag, [case])) if flag == "--count" => return count(case, seed),
        Some((flag, [case])) if flag == "--row" => return row(case, seed),
        _ => {}
    }
    println!("| case | instructions | D1 misses | ns | load ms | bytes a route | wrong |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let mut wrong = false;
    for (case, _) in
        CASES.iter().filter(|(case, _)| arguments.iter().all(|word| case.contains(word.as_str())))
    {
        // Each in a process of its own, so that none finds the heap of another.
        let own = std::env::current_exe().unwrap();
        let row = Command::new(own).args(["--row", case]).output().unwrap();
        let text = String::from_utf8_lossy(&row.stdout).trim().to_owned();
        println!("{text}");
        wrong |= !text.ends_with("| 0 |");
    }
    if wrong {
        std::process::exit(1);
    }
}

fn made(case: &str, seed: u64) -> (Workload, Ours) {
    let (_, make) = CASES.iter().find(|(name, _)| *name == case).unwrap();
    let workload = make(seed);
    let ours = Ours::new(&workload);
    (workload, ours)
}

/// Prints one line of the table.
fn row(case: &str, seed: u64) {
    let (workload, ours) = made(case, seed);
    let mut answers = vec![None; workload.requests.len()];
    ours.decide_all(&workload, &mut answers);
    let expected = workload.expected();
    let wrong = expected.iter().zip(&answers).filter(|(a, b)| a != b).count();
    let mut best = f64::MAX;
    for _ in 0..30 {
        let begun = Instant::now();
        measured(&ours, &workload, &mut answers);
        best = best.min(begun.elapsed().as_nanos() as f64 / answers.len() as f64);
    }
    let counted = callgrind(case);
    let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    let (instructions, misses) = (counted.map(|c| c.0), counted.map(|c| c.1));
    println!(
        "| {case} | {} | {} | {best:.0} | {:.2} | {} | {wrong} |",
        shown(instructions),
        shown(misses),
        ours.load.as_secs_f64() * 1e3,
        ours.bytes / workload.n_routes().max(1) as u64,
    );
}

/// Decides everything twice, once for valgrind to count, and prints how often.
fn count(case: &str, seed: u64) {
    let (workload, ours) = made(case, seed);
    let mut answers = vec![None; workload.requests.len()];
    ours.decide_all(&workload, &mut answers);
    measured(&ours, &workload, &mut answers);
    println!("{}", answers.len());
}

/// What valgrind counts.
#[inline(never)]
fn measured(ours: &Ours, workload: &Workload, answers: &mut [Option<u32>]) {
    ours.decide_all(workload, answers);
}

/// Instructions and simulated misses of the first data cache for one decision.
fn callgrind(case: &str) -> Option<(f64, f64)> {
    let own = std::env::current_exe().ok()?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--cache-sim=yes"])
        .args(["--collect-atstart=no", "--toggle-collect=*::measured*"])
        .arg(own)
        .args(["--count", case])
        .output()
        .ok()?;
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    let numbers = |name: &str| -> Option<Vec<f64>> {
        let line = told.lines().find(|line| line.contains(name))?;
        let numbers = line.rsplit(':').next()?.split_whitespace();
        Some(numbers.filter_map(|number| number.replace(',', "").parse().ok()).collect())
    };
    let n: f64 = String::from_utf8_lossy(&run.stdout).trim().parse().ok()?;
    // Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
    let collected = numbers("Collected :")?;
    let misses = collected.get(4)? + collected.get(5)?;
    Some((collected.first()? / n, misses / n))
}
