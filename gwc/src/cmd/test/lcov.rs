//! What tests have reached, in lcov's form, by line of the policies' files: routes are functions, statements and
//! conditions lines, outcomes and arms branches. What reads it (genhtml, Codecov, GitLab) adds up records of one file.

use std::collections::BTreeMap;
use std::path::Path;

use lang::{Source, Span};
use runtime::trial::coverage::{Point, What};

use super::Suite;
use crate::load;

/// The document: a record for each file of each policy in which something could be reached.
pub(super) fn document(suites: &[Suite]) -> String {
    let mut text = String::new();
    for suite in suites {
        let Some(coverage) = &suite.coverage else { continue };
        for source in suite.sources.iter() {
            let points = coverage.points.iter().filter(|point| point.span.source == source.id);
            let record = record(source, points);
            if !record.is_empty() {
                text.push_str(&record);
            }
        }
    }
    text
}

#[derive(Default)]
struct Record {
    functions: Vec<(u32, String, u64)>,
    /// Line, block and branch; not asked, or so often.
    branches: Vec<(u32, u32, usize, Option<u64>)>,
    /// How often each line ran: as often as what ran most often of it.
    lines: BTreeMap<u32, u64>,
}

fn record<'p>(source: &Source, points: impl Iterator<Item = &'p Point>) -> String {
    let mut record = Record::default();
    for point in points {
        let at = source.line_column(point.span.start);
        match &point.what {
            What::Route(name, times) => {
                record.functions.push((at.line, name.to_string(), *times));
                record.line(at.line, *times);
            }
            What::Statement(times) => record.line(at.line, *times),
            // A block is known by its column: the same in every record of the file.
            What::Predicate(yes, no) => {
                let asked = yes + no > 0;
                for (branch, times) in [yes, no].into_iter().enumerate() {
                    let times = asked.then_some(*times);
                    record.branches.push((at.line, at.column, branch, times));
                }
                record.line(at.line, yes + no);
            }
            What::Match(arms) => {
                let asked = arms.iter().any(|(_, times)| *times > 0);
                for (branch, (arm, times)) in arms.iter().enumerate() {
                    // Behind the two outcomes of a predicate that begins in the same place.
                    let branch = branch + 2;
                    let times_asked = asked.then_some(*times);
                    record.branches.push((at.line, at.column, branch, times_asked));
                    record.line(line(source, *arm), *times);
                }
            }
        }
    }
    record.written(source)
}

impl Record {
    fn line(&mut self, line: u32, times: u64) {
        let known = self.lines.entry(line).or_default();
        *known = times.max(*known);
    }

    fn written(&self, source: &Source) -> String {
        if self.lines.is_empty() {
            return String::new();
        }
        let mut text = format!("TN:\nSF:{}\n", load::plain(Path::new(&*source.name)).display());
        for (line, name, _) in &self.functions {
            text.push_str(&format!("FN:{line},{name}\n"));
        }
        for (_, name, times) in &self.functions {
            text.push_str(&format!("FNDA:{times},{name}\n"));
        }
        let hit = self.functions.iter().filter(|(.., times)| *times > 0).count();
        text.push_str(&format!("FNF:{}\nFNH:{hit}\n", self.functions.len()));
        for (line, block, branch, times) in &self.branches {
            let times = times.map_or("-".to_owned(), |times| times.to_string());
            text.push_str(&format!("BRDA:{line},{block},{branch},{times}\n"));
        }
        let hit = self.branches.iter().filter(|(.., times)| times.is_some_and(|it| it > 0));
        text.push_str(&format!("BRF:{}\nBRH:{}\n", self.branches.len(), hit.count()));
        for (line, times) in &self.lines {
            text.push_str(&format!("DA:{line},{times}\n"));
        }
        let hit = self.lines.values().filter(|times| **times > 0).count();
        text.push_str(&format!("LF:{}\nLH:{hit}\nend_of_record\n", self.lines.len()));
        text
    }
}

fn line(source: &Source, span: Span) -> u32 {
    source.line_column(span.start).line
}
