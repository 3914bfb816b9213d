//! What tests have reached, as a table and a list of what they have not, and as JSON.

use lang::Span;
use runtime::trial::coverage::{Coverage, Share, What};
use serde_json::{Value as Json, json};

use super::Suite;

/// The table of each policy, and what its tests never reached.
pub(super) fn human(suites: &[Suite]) -> String {
    let counted: Vec<(&Suite, &Coverage)> = counted(suites).collect();
    let mut text = "\ncoverage\n".to_owned();
    for (suite, coverage) in &counted {
        text.push_str(&row(&suite.name, all(coverage)));
        text.push_str(&row("  routes", coverage.routes()));
        text.push_str(&row("  match arms", coverage.arms()));
        text.push_str(&row("  predicate outcomes", coverage.outcomes()));
        let missed = missed(suite, coverage);
        if !missed.is_empty() {
            text.push_str("  not reached\n");
        }
        let places: Vec<String> = missed.iter().map(|(span, _)| suite.place(*span)).collect();
        let width = places.iter().map(String::len).max().unwrap_or_default();
        for (place, (_, words)) in places.iter().zip(&missed) {
            text.push_str(&format!("    {place:<width$}  {words}\n"));
        }
    }
    if counted.len() > 1 {
        text.push_str(&row("all policies", total(suites)));
    }
    text
}

/// One object for each policy, a line each.
pub(super) fn json(suites: &[Suite]) -> String {
    let share = |share: Share| json!({ "reached": share.reached, "of": share.of });
    let lines = counted(suites).map(|(suite, coverage)| {
        let missed = missed(suite, coverage);
        let missed = missed.iter().map(|(span, words)| {
            json!({ "place": suite.place(*span), "expression": suite.text(*span), "words": words })
        });
        let object = json!({
            "policy": suite.name,
            "coverage": {
                "percent": rounded(all(coverage)),
                "routes": share(coverage.routes()),
                "arms": share(coverage.arms()),
                "outcomes": share(coverage.outcomes()),
                "not_reached": missed.collect::<Vec<Json>>(),
            },
        });
        format!("{object}\n")
    });
    lines.collect()
}

/// What the tests of all policies reached, of all that is counted.
pub(super) fn total(suites: &[Suite]) -> Share {
    counted(suites).map(|(_, coverage)| all(coverage)).sum()
}

/// In percent, with one decimal; never more than it is.
pub(super) fn rounded(share: Share) -> f64 {
    (share.percent() * 10.0).floor() / 10.0
}

fn counted(suites: &[Suite]) -> impl Iterator<Item = (&Suite, &Coverage)> {
    suites.iter().filter_map(|suite| Some((suite, suite.coverage.as_ref()?)))
}

fn all(coverage: &Coverage) -> Share {
    coverage.routes() + coverage.arms() + coverage.outcomes()
}

fn row(name: &str, share: Share) -> String {
    let of = format!("{} of {}", share.reached, share.of);
    let percent = if share.of == 0 { "-".to_owned() } else { format!("{}%", rounded(share)) };
    format!("  {name:<24} {of:>14} {percent:>7}\n")
}

/// The places that were not reached, each with what is missing there.
fn missed(suite: &Suite, coverage: &Coverage) -> Vec<(Span, String)> {
    let mut missed = Vec::new();
    for point in &coverage.points {
        let span = point.span;
        match &point.what {
            What::Route(name, 0) => missed.push((span, format!("route `{name}` never answered"))),
            What::Predicate(0, 0) => {
                missed.push((span, format!("`{}` was never asked", short(suite.text(span)))));
            }
            What::Predicate(yes, no) => {
                let never = match (yes, no) {
                    (0, _) => "true",
                    (_, 0) => "false",
                    _ => continue,
                };
                missed.push((span, format!("`{}` was never {never}", short(suite.text(span)))));
            }
            What::Match(arms) if arms.len() > 1 && arms.iter().all(|(_, times)| *times == 0) => {
                let text = short(suite.text(span));
                missed
                    .push((span, format!("none of the {} arms of `{text}` was taken", arms.len())));
            }
            What::Match(arms) => {
                missed.extend(arms.iter().filter(|(_, times)| *times == 0).map(|(arm, _)| {
                    (*arm, format!("the arm `{}` was never taken", short(suite.text(*arm))))
                }));
            }
            What::Route(..) | What::Statement(_) => {}
        }
    }
    missed
}

/// A text on one line, cut where it is long.
fn short(text: &str) -> String {
    const MOST: usize = 60;
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
