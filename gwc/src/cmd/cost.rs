//! `gwc cost`: what a request costs at worst, route by route, and bounds that it must keep.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use lang::{Span, Ty, Value};
use miette::miette;
use runtime::cost::{Cost, beyond as beyond_configured, costs};
use serde_json::json;

use crate::report::{self, Color, place, say};
use crate::{Outcome, ask, load};

/// Tells the worst case of each route: tests, bytes kept in memory, sub-requests, time
///
/// Sub-requests fetch the keys of tokens. Times are those for which they are waited, and of an exchange with an upstream
/// over all its tries; the time in which a client sends its request is
/// bounded by the listener. A listener's `cost` line bounds what its routes may cost; these bounds are held by `gwc check`
/// as well. Exit status: 0 when every bound is kept, 1 when one is not or the policy has errors, 2 for
/// anything else.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Values of inputs
    #[arg(long, value_name = "TOML")]
    with: Option<PathBuf>,
    /// The longest that an exchange may take, such as `30s`
    #[arg(long, value_name = "DURATION")]
    max_time: Option<String>,
    /// The most bytes that may be kept of a request's content, such as `1MiB`
    #[arg(long, value_name = "SIZE")]
    max_buffer: Option<String>,
    /// The most tests until a route answers
    #[arg(long, value_name = "N")]
    max_predicates: Option<usize>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON array
    Json,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let check = load::check(&args.path)?;
    report::human::print_all(check.found(), Color::Auto);
    let max_time = args.max_time.as_deref().map(duration).transpose()?;
    let max_buffer = args.max_buffer.as_deref().map(size).transpose()?;
    let Some(program) = check.program else { return Ok(Outcome::Faulty) };
    let engine = ask::engine(program, args.with.as_deref(), &check.sources)?;
    let program = engine.program();
    let mut rows = Vec::new();
    let mut beyond = Vec::new();
    for cost in costs(&engine) {
        let Some(route) = program.route(cost.route) else { continue };
        let place = place(&check.sources, route.span);
        let mut exceeds = |what: &str, found: String, bound: String| {
            let name = &route.name;
            beyond.push(format!("{place}: route {name}: {what} {found}, more than {bound}"));
        };
        if let Some(bound) = max_time.filter(|bound| cost.total > *bound) {
            exceeds("may take", time(cost.total), time(bound));
        }
        if let Some(bound) = max_buffer.filter(|bound| cost.buffered > *bound) {
            exceeds("may keep", bytes(cost.buffered), bytes(bound));
        }
        if let Some(bound) = args.max_predicates.filter(|bound| cost.predicates > *bound) {
            exceeds("may make tests:", cost.predicates.to_string(), bound.to_string());
        }
        rows.push((route.name.to_string(), place, cost));
    }
    for diag in beyond_configured(&engine) {
        beyond.push(format!("{}: {}", place(&check.sources, diag.span()), diag.message));
    }
    let text = match args.format {
        Format::Human => report::seen(&table(&rows)).into_owned(),
        Format::Json => {
            let rows: Vec<serde_json::Value> = rows.iter().map(object).collect();
            format!("{:#}\n", serde_json::Value::Array(rows))
        }
    };
    report::print(&text)?;
    for line in &beyond {
        say!("{line}");
    }
    Ok(if beyond.is_empty() { Outcome::Clean } else { Outcome::Faulty })
}

type Row = (String, String, Cost);

fn object((name, place, cost): &Row) -> serde_json::Value {
    json!({
        "route": name,
        "place": place,
        "predicates": cost.predicates,
        "buffered_bytes": cost.buffered,
        "sub_requests": cost.sub_requests,
        "upstream": cost.upstream.as_deref(),
        "tries": cost.tries,
        "first_byte_seconds": cost.first_byte.as_secs_f64(),
        "total_seconds": cost.total.as_secs_f64(),
    })
}

fn table(rows: &[Row]) -> String {
    let heads = [
        "route",
        "tests",
        "kept",
        "sub-requests",
        "tries",
        "answer begins",
        "answer ends",
        "upstream",
    ];
    let mut lines: Vec<Vec<String>> = vec![heads.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(|(name, _, cost)| {
        let cell = |is_there: bool, text: String| if is_there { text } else { "-".to_owned() };
        let (is_forwarded, is_awaited) = (cost.upstream.is_some(), !cost.total.is_zero());
        vec![
            name.clone(),
            cost.predicates.to_string(),
            bytes(cost.buffered),
            cost.sub_requests.to_string(),
            cell(is_forwarded, cost.tries.to_string()),
            cell(is_awaited, time(cost.first_byte)),
            cell(is_awaited, time(cost.total)),
            cost.upstream.as_deref().unwrap_or("-").to_owned(),
        ]
    }));
    let n_columns = heads.len();
    let widths: Vec<usize> = (0..n_columns)
        .map(|at| {
            let cells = lines.iter().filter_map(|line| line.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &Vec<String>| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

fn duration(text: &str) -> miette::Result<Duration> {
    match lang::literal::literal(text, Span::default(), Some(&Ty::Duration)) {
        Ok((Value::Duration(length), _)) => Ok(length),
        _ => Err(miette!(help = "write it as `500ms`, `30s`, `5min`", "`{text}` is no duration")),
    }
}

fn size(text: &str) -> miette::Result<u64> {
    match lang::literal::literal(text, Span::default(), Some(&Ty::Size)) {
        Ok((Value::Size(bytes), _)) => Ok(bytes),
        _ => Err(miette!(help = "write it as `64KiB`, `1MiB`", "`{text}` is no size")),
    }
}

/// A time as people read it: what is no whole number of a unit is seconds with their fraction, from two minutes on behind
/// the minutes.
fn time(length: Duration) -> String {
    let ms = length.as_millis();
    if ms < 1_000 || ms.is_multiple_of(1_000) {
        return Value::Duration(length).to_string();
    }
    let (minutes, rest) = if ms < 120_000 { (0, ms) } else { (ms / 60_000, ms % 60_000) };
    let fraction = format!("{}.{:03}", rest / 1_000, rest % 1_000);
    let seconds = format!("{}s", fraction.trim_end_matches('0').trim_end_matches('.'));
    if minutes == 0 { seconds } else { format!("{minutes}min {seconds}") }
}

fn bytes(bytes: u64) -> String {
    Value::Size(bytes).to_string()
}
