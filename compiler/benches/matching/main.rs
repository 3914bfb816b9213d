//! What one decision costs: instructions and cache misses where valgrind is installed, times, build times and memory, on
//! seeded rules and route tables, each answer checked against a plain reference. It prints a table and fails only on a
//! wrong answer; `cargo bench -p gw-compiler --bench matching [-- WORD…]` is the command, each word part of a case's name.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark looks at the clock and starts valgrind; it is no part of the crate"
)]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use gw_compiler::Backend;
use tables::Shape;
use workload::Workload;

mod ours;
mod regexes;
mod tables;
mod workload;

use ours::Ours;

/// A case: its name, and the workload it is about for a seed.
type Case = (&'static str, fn(u64) -> Workload);

/// Every case.
const CASES: &[Case] = &[
    ("w1-20", |seed| tables::rules(seed, 20)),
    ("w1-1000", |seed| tables::rules(seed, 1_000)),
    ("w2-hosts-10", |seed| tables::routes(seed, 10, Shape::Hosts)),
    ("w2-hosts-100", |seed| tables::routes(seed, 100, Shape::Hosts)),
    ("w2-hosts-1000", |seed| tables::routes(seed, 1_000, Shape::Hosts)),
    ("w2-hosts-10000", |seed| tables::routes(seed, 10_000, Shape::Hosts)),
    ("w2-hosts-100000", |seed| tables::routes(seed, 100_000, Shape::Hosts)),
    ("w2-zipf-100000", |seed| tables::routes(seed, 100_000, Shape::Zipf)),
    ("w2-one-10", |seed| tables::routes(seed, 10, Shape::One)),
    ("w2-one-100", |seed| tables::routes(seed, 100, Shape::One)),
    ("w2-one-1000", |seed| tables::routes(seed, 1_000, Shape::One)),
    ("w2-one-10000", |seed| tables::routes(seed, 10_000, Shape::One)),
    ("w2-one-100000", |seed| tables::routes(seed, 100_000, Shape::One)),
    ("whole-100000", |seed| tables::routes(seed, 100_000, Shape::Whole)),
    ("w3-100", |seed| regexes::regexes(seed, 100)),
    ("w3-1000", |seed| regexes::regexes(seed, 1_000)),
    ("w4-50", |seed| tables::claims(seed, 50)),
];

/// The seed, unless `GW_SEED` says another.
const SEED: u64 = 20_260_101;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let seed = std::env::var("GW_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    match &*arguments {
        [flag, case, backend, program] if flag == "--count" => {
            return count(case, seed, named(backend), program);
        }
        [flag, case] if flag == "--row" => return row(case, seed),
        _ => {}
    }
    println!(
        "| case | interpreter | machine code | D1 misses | ns | load ms | bytes a route \
         | code bytes a rule | machine code | allocations | wrong |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
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

fn named(backend: &str) -> Backend {
    if backend == "jit" { Backend::Jit } else { Backend::Interp }
}

fn workload(case: &str, seed: u64) -> Workload {
    let (_, make) = CASES.iter().find(|(name, _)| *name == case).unwrap();
    make(seed)
}

/// Prints one line of the table.
fn row(case: &str, seed: u64) {
    let workload = workload(case, seed);
    let program = ours::program(&workload);
    let ours = Ours::new(&workload, &program, Backend::Interp);
    let mut answers = vec![None; workload.requests.len()];
    let expected = workload.expected();
    let mut wrong = 0;
    let mut check = |ours: &Ours| {
        let heap = allocation_counter::measure(|| ours.decide_all(&workload, &mut answers));
        wrong += expected.iter().zip(&answers).filter(|(a, b)| a != b).count();
        heap.count_total as f64 / expected.len() as f64
    };
    let mut allocations = check(&ours);
    let with_code = workload.rules.iter().any(|rule| !rule.when.is_empty());
    let compiled = with_code.then(|| Ours::new(&workload, &program, Backend::Jit));
    if let Some(compiled) = &compiled {
        allocations = allocations.max(check(compiled));
    }
    let mut best = f64::MAX;
    for _ in 0..30 {
        let begun = Instant::now();
        measured(compiled.as_ref().unwrap_or(&ours), &workload, &mut answers);
        best = best.min(begun.elapsed().as_nanos() as f64 / answers.len() as f64);
    }
    let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    // Lowering is slow where valgrind looks on, and no part of a decision.
    let file = std::env::temp_dir().join(format!("gw-{}.gwb", std::process::id()));
    std::fs::write(&file, ours::encoded(&program)).unwrap();
    let interpreter = callgrind(case, "interp", &file);
    let machine = compiled.as_ref().and_then(|_| callgrind(case, "jit", &file));
    std::fs::remove_file(&file).unwrap();
    let n_rules = workload.n_routes() as u64;
    let code = with_code.then(|| {
        let bare = workload.bare();
        let bare = Ours::new(&bare, &ours::program(&bare), Backend::Interp);
        (ours.bytes.saturating_sub(bare.bytes) / n_rules) as f64
    });
    println!(
        "| {case} | {} | {} | {} | {best:.0} | {:.2} | {} | {} | {} | {allocations:.1} | {wrong} |",
        shown(interpreter.map(|counted| counted.0)),
        shown(machine.map(|counted| counted.0)),
        shown(interpreter.map(|counted| counted.1)),
        ours.load.as_secs_f64() * 1e3,
        ours.bytes / n_rules,
        shown(code),
        shown(compiled.map(|compiled| (compiled.machine_bytes / n_rules) as f64)),
    );
}

/// Decides everything twice, once for valgrind to count, and prints how often.
fn count(case: &str, seed: u64, backend: Backend, program: &str) {
    let workload = workload(case, seed);
    let program = ours::decoded(&std::fs::read(program).unwrap());
    let ours = Ours::new(&workload, &program, backend);
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
fn callgrind(case: &str, backend: &str, program: &Path) -> Option<(f64, f64)> {
    let own = std::env::current_exe().ok()?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--cache-sim=yes"])
        .args(["--collect-atstart=no", "--toggle-collect=*::measured*"])
        .arg(own)
        .args(["--count", case, backend])
        .arg(program)
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
