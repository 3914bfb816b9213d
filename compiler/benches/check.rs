//! How long it takes to check a policy whole: parsed, typed, ordered, proved reachable and compiled. It prints a table
//! beside the bars and fails nothing; `cargo bench -p gw-compiler --bench check` is the command.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use gw_compiler as compiler;
use lang::vocab::{self, Ends, Form, Key, Phase, Times, Vocabulary};
use lang::{Diag, Source, SourceId, Ty};

/// The best of so many runs: what else the machine does only adds.
const RUNS: usize = 5;

static HEADER: vocab::Field = vocab::Field {
    path: "req.header",
    key: Key::IgnoreCase,
    ty: || Ty::String.optional(),
    from: Phase::Request,
    written: None,
    doc: "",
    example: "",
};

static CLIENT: vocab::Field = vocab::Field {
    path: "client.ip",
    key: Key::None,
    ty: || Ty::Ip,
    from: Phase::Request,
    written: None,
    doc: "",
    example: "",
};

static RESPOND: vocab::Action = vocab::Action {
    name: "respond",
    params: &[
        param("status", || Ty::Status, Some("200")),
        param("body", || Ty::String.optional(), None),
    ],
    form: Form::Plain,
    phase: Phase::Request,
    ends: Ends::Responds,
    late: true,
    coherent: None,
    asserts: None,
    doc: "",
    example: "",
};

static LISTENER: vocab::Block = vocab::Block {
    name: "listener",
    exclusive: None,
    applied: None,
    settings: &[vocab::Setting {
        name: "bind",
        params: &[param("address", || Ty::String, None)],
        times: Times::Some,
        within: &[],
        doc: "",
        example: "",
    }],
    doc: "",
    example: "",
};

static FIELDS: [&vocab::Field; 2] = [&HEADER, &CLIENT];
static ACTIONS: [&vocab::Action; 1] = [&RESPOND];
static BLOCKS: [&vocab::Block; 1] = [&LISTENER];

fn main() {
    println!("| what | bar | found | of it: parse, check, lower |");
    println!("|---|---|---|---|");
    for (n_routes, n_hosts, bar) in
        [(1_000, 50, "50 ms"), (10_000, 500, "400 ms"), (50_000, 2_500, "3 s")]
    {
        let text = routes(n_routes, n_hosts);
        row(&format!("{n_routes} routes on {n_hosts} hosts"), bar, &text, true);
    }
    let text = broken(&routes(1_300, 65));
    let n_lines = text.lines().count();
    row(&format!("a file of {n_lines} lines, every 50th broken"), "150 ms", &text, false);
}

const fn param(name: &'static str, ty: fn() -> Ty, default: Option<&'static str>) -> vocab::Param {
    let accepts = vocab::Param::anything;
    vocab::Param { name, ty, default, dynamic: true, rest: false, accepts, hint: None, doc: "" }
}

/// Twenty routes a host: exact paths, captures, methods, whole subtrees, and narrower ones by header and address.
fn routes(n_routes: usize, n_hosts: usize) -> String {
    let mut text = String::from("edition 2026\n\nlistener web { bind \":8080\" }\n");
    for at in 0..n_routes {
        let (host, kind) = (at % n_hosts, at / n_hosts);
        let path = match kind % 10 {
            0 => "/".to_owned(),
            1..=3 => format!("/v1/things{}", kind % 10 / 2),
            4 | 5 => format!("/v1/users/{{id: Int}}/{}", kind / 2),
            6 => "/v1/users/{name}".to_owned(),
            7 => format!("/files{kind}/**"),
            _ => format!("/v1/page{kind}"),
        };
        let narrower = match kind % 10 {
            2 | 5 => "  method GET\n  where req.header[\"x-debug\"] == \"1\"\n",
            3 => "  method POST, PUT\n",
            9 => "  where client.ip in 10.0.0.0/8\n",
            _ => "",
        };
        // A second row of routes for the same host lies beneath another path.
        let under = if kind >= 10 { format!("/b{}", kind / 10) } else { String::new() };
        let path = if path == "/" && !under.is_empty() { under } else { format!("{under}{path}") };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\nroute r{at} on web {{\n  host \"h{host}.shop.example\"\n  path \"{path}\"\n{narrower}  respond 200, \"{at}\"\n}}\n"
        );
    }
    text
}

/// The text with a mistake in every 50th line.
fn broken(text: &str) -> String {
    let lines = text.lines().enumerate().map(|(at, line)| match at % 50 {
        49 => line.replacen('"', "", 1).replacen('{', "", 1),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Measures and prints one line of the table.
fn row(what: &str, bar: &str, text: &str, clean: bool) {
    let mut best = [Duration::MAX; 4];
    for _ in 0..RUNS {
        let times = once(text, clean);
        if times[3] < best[3] {
            best = times;
        }
    }
    let [parse, check, lower, all] = best.map(|time| time.as_secs_f64() * 1e3);
    println!("| {what} | {bar} | {all:.0} ms | {parse:.0}, {check:.0}, {lower:.0} ms |");
}

/// The times of parsing, checking and lowering, and all of them.
fn once(text: &str, clean: bool) -> [Duration; 4] {
    let source = Source::new(SourceId(0), "bench.gw", text);
    let begun = processor();
    let (tree, mut diags) = lang::parse(&source);
    let parsed = processor();
    let unit = lang::Unit { source: &source, tree: &tree, uses: Vec::new() };
    let vocabulary = Vocabulary {
        fields: &FIELDS,
        functions: lang::functions::FUNCTIONS,
        actions: &ACTIONS,
        balancers: &[],
        blocks: &BLOCKS,
    };
    let checked = lang::check(&[unit], &vocabulary);
    let typed = processor();
    diags.extend(checked.diags);
    if !diags.iter().any(Diag::is_error) {
        let (program, found) = compiler::lower(&checked.policy);
        assert!(program.is_some() && clean, "{found:#?}");
    } else {
        assert!(!clean, "{:#?}", diags.first());
    }
    let lowered = processor();
    [parsed - begun, typed - parsed, lowered - typed, lowered - begun]
}

/// The time that this thread had on a processor, where the system tells it; else the time of the clock on the wall.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is about time; it is no part of the crate"
)]
fn processor() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}
