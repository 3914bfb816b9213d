//! Results for people, and as lines of JSON.

use lang::Span;
use runtime::trial::Miss;
use serde_json::{Value, json};

use super::{Case, Suite};
use crate::report::places::at_places;
use crate::report::{file, shown};

/// What is said of a policy that has errors.
pub(super) const BROKEN: &str = "the policy has errors: its tests did not run";

/// What is said of one that has asserts without a proof.
pub(super) const UNPROVED: &str = "the policy has asserts that are not proved";

/// Letters of a row that are shown.
const MOST_OF_A_ROW: usize = 400;

/// The results, each failure with its places, and a last line that counts.
pub(super) fn human(suites: &[Suite]) -> String {
    let mut text = String::new();
    for suite in suites.iter().filter(|suite| suite.broken.is_some() || !suite.cases.is_empty()) {
        text.push_str(&format!("{}\n", shown(&suite.name, usize::MAX)));
        if let Some(broken) = suite.broken {
            text.push_str(&format!("  FAILED {broken}\n"));
        }
        for case in &suite.cases {
            let word = if case.failed() { "FAILED" } else { "ok" };
            text.push_str(&format!("  {word:<6} {}\n", shown(&case.name, usize::MAX)));
            for miss in &case.came.misses {
                text.push_str(&report(suite, case, miss));
            }
        }
    }
    let all = || suites.iter().flat_map(|suite| &suite.cases);
    let failed = all().filter(|case| case.failed()).count();
    match (all().count(), failed) {
        (0, _) if suites.iter().any(|suite| suite.broken.is_some()) => {}
        (0, _) => text.push_str("there are no tests\n"),
        (1, 0) => text.push_str("1 test passed\n"),
        (all, 0) => text.push_str(&format!("{all} tests passed\n")),
        (all, failed) => text.push_str(&format!("{failed} of {all} tests failed\n")),
    }
    text
}

fn report(suite: &Suite, case: &Case, miss: &Miss) -> String {
    let mut places = vec![(miss.span, miss.reason.clone())];
    places.extend(miss.found.iter().cloned());
    let mut help = miss.help.clone();
    match (&case.came.row, case.came.place) {
        (Some((at, _)), Some(place)) => places.push((place, format!("row {at}"))),
        (Some((_, row)), None) => {
            let row = format!("the row is {}", shown(&row.to_string(), MOST_OF_A_ROW));
            help = Some(help.map_or(row.clone(), |help| format!("{help}\n{row}")));
        }
        (None, _) => {}
    }
    let report = at_places(miss.message.clone(), help.as_deref(), &places, &suite.sources);
    format!("{report:?}\n")
}

/// One object for each test, a line each.
pub(super) fn json(suites: &[Suite]) -> String {
    let cases = suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)));
    let lines = cases.map(|(suite, case)| {
        let misses: Vec<Value> = case.came.misses.iter().map(|miss| object(suite, miss)).collect();
        let object = json!({
            "policy": suite.name,
            "test": case.name,
            "row": case.came.row.as_ref().map(|(at, _)| at),
            "outcome": if case.failed() { "failed" } else { "passed" },
            "failures": misses,
        });
        format!("{object}\n")
    });
    let broken = suites.iter().filter_map(|suite| {
        let message = suite.broken?;
        let object = json!({ "policy": suite.name, "outcome": "broken", "message": message });
        Some(format!("{object}\n"))
    });
    lines.chain(broken).collect()
}

fn object(suite: &Suite, miss: &Miss) -> Value {
    let found = miss.found.iter().map(|(span, text)| {
        json!({ "place": suite.place(*span), "expression": suite.text(*span), "words": text })
    });
    json!({
        "message": miss.message,
        "place": suite.place(miss.span),
        "expression": suite.text(miss.span),
        "reason": miss.reason,
        "found": found.collect::<Vec<_>>(),
        "help": miss.help,
    })
}

impl Suite {
    /// `file:line:column` of a place.
    pub(super) fn place(&self, span: Span) -> String {
        let Some(source) = self.sources.get(span.source) else { return String::new() };
        let at = source.line_column(span.start);
        format!("{}:{}:{}", file(source), at.line, at.column)
    }

    /// What is written there.
    pub(super) fn text(&self, span: Span) -> &str {
        self.sources.get(span.source).map_or("", |source| source.slice(span))
    }
}

#[cfg(test)]
mod tests {
    use lang::Sources;
    use runtime::trial::Outcome;

    use super::*;

    #[test]
    fn names_do_not_steer_a_terminal() {
        let came = Outcome { row: None, place: None, misses: Vec::new() };
        let cases = vec![Case { name: "b\u{9b}2J".to_owned(), came }];
        let name = "a\u{1b}[2J.gw".to_owned();
        let (sources, broken, coverage) = (Sources::default(), None, None);
        let suites = [Suite { name, sources, cases, broken, coverage }];
        assert_eq!(human(&suites), "a\\u{1b}[2J.gw\n  ok     b\\u{9b}2J\n1 test passed\n");
        assert!(serde_json::from_str::<Value>(json(&suites).trim_end()).is_ok());
    }
}
