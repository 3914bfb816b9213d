//! What is told of a replay: for a person, a script or a pull request. Every share is of all requests that were asked.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use compiler::diff::Kind;
use serde_json::{Value as Json, json};

use super::compare::{Change, Relation, Told, relation};
use super::entry::Skip;
use super::side::Side;
use super::tally::{Count, LONGEST, Tally};
use crate::report::{Line, shown};

/// What is told.
pub(super) struct Page {
    requests: u64,
    compared: u64,
    beyond: u64,
    n_logs: usize,
    two: bool,
    /// The most rows of a table; JSON has all.
    top: usize,
    outcomes: Vec<(Told, Count)>,
    changes: Vec<(Change, Count)>,
    unknown: Vec<(String, Count)>,
    skipped: Vec<(Skip, u64, String)>,
}

/// Kinds of changes: what they mean, in a word and in a title.
const KINDS: [(Option<Kind>, &str, &str); 4] = [
    (Some(Kind::Loosened), "loosened", "Loosened: what was refused is let through"),
    (Some(Kind::Tightened), "tightened", "Tightened: what was let through is refused"),
    (Some(Kind::Changed), "changed", "Changed"),
    (None, "rerouted", "Rerouted: another route, the same outcome"),
];

impl Page {
    pub(super) fn new(
        tally: Tally,
        first: &Side,
        second: Option<&Side>,
        n_logs: usize,
        top: usize,
    ) -> Page {
        let mut outcomes: HashMap<Told, Count> = HashMap::new();
        let mut changes: HashMap<Change, Count> = HashMap::new();
        let mut unknown: HashMap<String, Count> = HashMap::new();
        for (key, count) in &tally.kinds {
            if second.is_none() {
                let route = first.route(key.first);
                let route = route.map(|(name, place)| (name.to_owned(), Some(place)));
                add(&mut outcomes, Told { words: first.words(key.first), route }, count);
            }
            match relation(&tally, key, first, second) {
                Relation::Same => {}
                Relation::Changed(change) => add(&mut changes, change, count),
                Relation::Unknown(reads) => add(&mut unknown, reads, count),
            }
        }
        Page {
            requests: tally.requests,
            compared: tally.compared,
            beyond: tally.beyond,
            n_logs,
            two: second.is_some(),
            top,
            outcomes: ranked(outcomes),
            changes: ranked(changes),
            unknown: ranked(unknown),
            skipped: tally.skipped,
        }
    }

    /// Whether some request is let through that was refused, or may be as far as is known.
    pub(super) fn may_be_loosened(&self) -> bool {
        let loosened = |(change, _): &(Change, _)| change.kind == Some(Kind::Loosened);
        self.changes.iter().any(loosened) || !self.is_all_known()
    }

    /// Whether some outcome is another one, or may be as far as is known.
    pub(super) fn may_be_changed(&self) -> bool {
        self.changes.iter().any(|(change, _)| change.kind.is_some()) || !self.is_all_known()
    }

    /// Of a request that could not be read nobody knows anything.
    fn is_all_known(&self) -> bool {
        let is_lost = |skip: &Skip| matches!(skip, Skip::Unreadable(_) | Skip::Cut | Skip::Capped);
        let is_read = !self.skipped.iter().any(|(skip, ..)| is_lost(skip));
        self.unknown.is_empty() && self.beyond == 0 && is_read
    }

    pub(super) fn human(&self) -> String {
        let mut text = format!("{}\n", self.summary());
        for line in self.skips() {
            text.push_str(&format!("  {}\n", line.plain()));
        }
        let widths = self.widths();
        let row = |count: &Count, words: &str| {
            let (share, n) = (self.share(count.n), count.n);
            format!("  {share:>0$}  {n:>1$}  {words}\n", widths.0, widths.1)
        };
        if !self.two && self.requests > 0 {
            text.push_str("Outcomes\n");
            for (told, count) in self.outcomes.iter().take(self.top) {
                text.push_str(&row(count, &outcome(told).plain()));
            }
            text.extend(self.more(&self.outcomes).map(|more| format!("  {more}\n")));
        }
        for (kind, _, title) in KINDS {
            let changes: Vec<&(Change, Count)> = self.of(kind).collect();
            if changes.is_empty() {
                continue;
            }
            text.push_str(&format!("{title}\n"));
            for (change, count) in changes.iter().take(self.top) {
                text.push_str(&row(count, &sentence(change).plain()));
                text.push_str(&format!("    {}\n", example(count).plain()));
                let routes = self.routes(change);
                text.extend(routes.map(|routes| format!("    {}\n", routes.plain())));
            }
            let rest = changes.iter().skip(self.top).map(|(_, count)| count);
            text.extend(self.rest(rest).map(|more| format!("  {more}\n")));
        }
        if !self.unknown.is_empty() {
            text.push_str("Unknown: the log does not hold what is read\n");
            for (reads, count) in self.unknown.iter().take(self.top) {
                text.push_str(&row(count, reads));
                text.push_str(&format!("    {}\n", example(count).plain()));
            }
            text.extend(self.more(&self.unknown).map(|more| format!("  {more}\n")));
        }
        text
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!("**{}**\n\n", Line::words(&self.summary()).markdown());
        let skips = self.skips();
        if !skips.is_empty() {
            text.extend(skips.iter().map(|line| format!("- {}\n", line.markdown())));
            text.push('\n');
        }
        if !self.two && self.requests > 0 {
            text.push_str("### Outcomes\n\n| share | requests | outcome |\n|--:|--:|---|\n");
            for (told, count) in self.outcomes.iter().take(self.top) {
                let outcome = outcome(told).cell();
                text.push_str(&format!("| {} | {} | {outcome} |\n", self.share(count.n), count.n));
            }
            text.extend(self.more(&self.outcomes).map(|more| format!("\n{more}\n")));
            text.push('\n');
        }
        for (kind, _, title) in KINDS {
            let changes: Vec<&(Change, Count)> = self.of(kind).collect();
            if changes.is_empty() {
                continue;
            }
            text.push_str(&format!(
                "### {title}\n\n| share | requests | before → after | example | routes |\n|--:|--:|---|---|---|\n"
            ));
            for (change, count) in changes.iter().take(self.top) {
                text.push_str(&format!(
                    "| {} | {} | {} | {} | {} |\n",
                    self.share(count.n),
                    count.n,
                    sentence(change).cell(),
                    example(count).cell(),
                    self.routes(change).unwrap_or_default().cell()
                ));
            }
            let rest = changes.iter().skip(self.top).map(|(_, count)| count);
            text.extend(self.rest(rest).map(|more| format!("\n{more}\n")));
            text.push('\n');
        }
        if !self.unknown.is_empty() {
            text.push_str(
                "### Unknown: the log does not hold what is read\n\n| share | requests | reads | example |\n|--:|--:|---|---|\n",
            );
            for (reads, count) in self.unknown.iter().take(self.top) {
                text.push_str(&format!(
                    "| {} | {} | {} | {} |\n",
                    self.share(count.n),
                    count.n,
                    Line::code(reads).cell(),
                    example(count).cell()
                ));
            }
            text.extend(self.more(&self.unknown).map(|more| format!("\n{more}\n")));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    pub(super) fn json(&self) -> Json {
        let told = |told: &Told| {
            let (route, place) = match &told.route {
                Some((name, place)) => (Some(shown(name, LONGEST)), place.clone()),
                None => (None, None),
            };
            json!({ "outcome": told.words.plain(), "route": route, "place": place })
        };
        let with = |mut object: Json, count: &Count| {
            let share = count.n as f64 / self.requests.max(1) as f64;
            let more = json!({
                "requests": count.n, "share": share, "example": count.example, "at": count.place,
            });
            if let (Some(object), Json::Object(more)) = (object.as_object_mut(), more) {
                object.extend(more);
            }
            object
        };
        let changes = self.changes.iter().map(|(change, count)| {
            let kind = KINDS.iter().find(|(kind, ..)| *kind == change.kind);
            let kind = kind.map_or("", |(_, name, _)| name);
            with(json!({ "kind": kind, "old": told(&change.old), "new": told(&change.new) }), count)
        });
        let unknown =
            self.unknown.iter().map(|(reads, count)| with(json!({ "reads": reads }), count));
        let skipped = self.skipped.iter().map(|(skip, n, place)| {
            let (why, _) = why(skip);
            let reason = match skip {
                Skip::Unreadable(reason) => Some(shown(reason, LONGEST)),
                _ => None,
            };
            json!({ "why": why, "count": n, "first": place, "reason": reason })
        });
        let mut object = json!({
            "requests": self.requests,
            "skipped": skipped.collect::<Vec<_>>(),
            "changes": changes.collect::<Vec<_>>(),
            "unknown": unknown.collect::<Vec<_>>(),
            "not_told_apart": self.beyond,
        });
        if let (false, Some(object)) = (self.two, object.as_object_mut()) {
            let outcomes = self.outcomes.iter().map(|(one, count)| with(told(one), count));
            object.insert("compared".to_owned(), json!(self.compared));
            object.insert("outcomes".to_owned(), Json::Array(outcomes.collect()));
        }
        object
    }

    fn of(&self, kind: Option<Kind>) -> impl Iterator<Item = &(Change, Count)> {
        self.changes.iter().filter(move |(change, _)| change.kind == kind)
    }

    /// The whole in one line.
    fn summary(&self) -> String {
        let sum = |counts: &mut dyn Iterator<Item = &Count>| -> u64 { counts.map(|c| c.n).sum() };
        let is_change = |(change, _): &&(Change, Count)| change.kind.is_some();
        let changed = sum(&mut self.changes.iter().filter(is_change).map(|(_, count)| count));
        let unknown = sum(&mut self.unknown.iter().map(|(_, count)| count));
        let requests = plural(self.requests, "request", "requests");
        let logs = plural(self.n_logs as u64, "log", "logs");
        let mut parts = Vec::new();
        let part = |n: u64, words: &str| format!("{n} ({}) {words}", self.share(n));
        let known = self.requests.saturating_sub(unknown + self.beyond);
        match (self.two, changed, self.compared) {
            // Of what is not known nothing is said to be as it was.
            (_, 0, _) if known == 0 => {}
            (true, 0, _) if known < self.requests => {
                parts.push("no known outcome changes".to_owned());
            }
            (true, 0, _) => parts.push("no outcome changes".to_owned()),
            (true, n, _) => {
                parts.push(part(n, if n == 1 { "changes its outcome" } else { "change outcome" }));
            }
            (false, _, 0) => {}
            (false, 0, _) if known < self.requests => {
                parts.push(part(known, "as recorded, as far as a log tells"));
            }
            (false, 0, _) => parts.push("all as recorded, as far as a log tells".to_owned()),
            (false, n, _) => {
                parts.push(
                    part(n, if n == 1 { "fares otherwise" } else { "fare otherwise" })
                        + " than recorded",
                );
            }
        }
        if unknown > 0 {
            parts.push(part(unknown, "unknown"));
        }
        if self.beyond > 0 {
            parts.push(part(self.beyond, "of too many kinds to tell apart"));
        }
        let parts =
            if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        format!("{requests} in {logs}{parts}")
    }

    /// What was not asked.
    fn skips(&self) -> Vec<Line> {
        let lines = self.skipped.iter().map(|(skip, n, place)| {
            let (_, words) = why(skip);
            let first = if *n == 1 { "at" } else { "the first at" };
            let line = Line::default().and(&format!("not asked: {n} {words}, {first} "));
            let line = line.and_code(place);
            match skip {
                Skip::Unreadable(reason) => line.and(": ").and(&shown(reason, LONGEST)),
                _ => line,
            }
        });
        lines.collect()
    }

    /// The routes of a change, where there are any.
    fn routes(&self, change: &Change) -> Option<Line> {
        let named = |word: &str, told: &Told| {
            let line = Line::words(word);
            told.route.is_some().then(|| line.and_line(route(told)))
        };
        // With one policy nothing is new: what was recorded is compared with what would be now.
        let (then, now) = if self.two { ("old", "new") } else { ("recorded", "now") };
        let routes = [named(then, &change.old), named(now, &change.new)];
        routes.into_iter().flatten().reduce(|one, other| one.and(", ").and_line(other))
    }

    fn more<T>(&self, rows: &[(T, Count)]) -> Option<String> {
        self.rest(rows.iter().skip(self.top).map(|(_, count)| count))
    }

    /// What is said of rows that are not shown.
    fn rest<'c>(&self, rows: impl Iterator<Item = &'c Count>) -> Option<String> {
        let (mut rows_left, mut n) = (0, 0);
        rows.for_each(|count| {
            rows_left += 1;
            n += count.n;
        });
        (rows_left > 0)
            .then(|| format!("and {rows_left} more, {} of the requests (`--top`)", self.share(n)))
    }

    /// A part of all requests in percent.
    fn share(&self, n: u64) -> String {
        let percent = n as f64 * 100.0 / self.requests.max(1) as f64;
        match n {
            0 => "0%".to_owned(),
            n if n == self.requests => "100%".to_owned(),
            _ if percent < 0.1 => "<0.1%".to_owned(),
            _ => format!("{:.1}%", percent.min(99.9)),
        }
    }

    /// The widths of the columns of shares and of numbers.
    fn widths(&self) -> (usize, usize) {
        let changes = self.changes.iter().map(|(_, count)| count);
        let unknown = self.unknown.iter().map(|(_, count)| count);
        let all = self.outcomes.iter().map(|(_, count)| count).chain(changes).chain(unknown);
        all.fold((0, 0), |(share, n), count| {
            (share.max(self.share(count.n).len()), n.max(count.n.to_string().len()))
        })
    }
}

fn add<K: Eq + Hash>(counts: &mut HashMap<K, Count>, key: K, count: &Count) {
    counts.entry(key).and_modify(|known| known.join(count)).or_insert_with(|| count.clone());
}

/// By share; of equal ones what came first.
fn ranked<K>(counts: HashMap<K, Count>) -> Vec<(K, Count)> {
    let mut ranked: Vec<(K, Count)> = counts.into_iter().collect();
    ranked.sort_by_key(|(_, count)| (Reverse(count.n), count.first));
    ranked
}

fn sentence(change: &Change) -> Line {
    let (old, new) = (change.old.words.clone(), change.new.words.clone());
    if change.kind.is_none() { new } else { old.and(" → ").and_line(new) }
}

fn outcome(told: &Told) -> Line {
    let line = told.words.clone();
    if told.route.is_some() { line.and(",").and_line(route(told)) } else { line }
}

/// The route, where there is one: a policy has a place for it, and what a log calls it may be anything.
fn route(told: &Told) -> Line {
    let line = Line::words(" route ");
    match &told.route {
        None => Line::default(),
        Some((name, Some(place))) => line.and(name).and(" (").and_code(place).and(")"),
        Some((name, None)) => line.and_code(&shown(name, LONGEST)),
    }
}

/// A request as people write it, and where it stands.
fn example(count: &Count) -> Line {
    Line::code(&count.example).and(" (").and_code(&count.place).and(")")
}

/// Why something was not asked, in a word and in words.
fn why(skip: &Skip) -> (&'static str, &'static str) {
    match skip {
        Skip::Unreadable(_) => ("unreadable", "that cannot be read"),
        Skip::Refused => ("refused", "refused before any policy, with no path in the log"),
        Skip::Capped => ("capped", "refused for a cap of its listener, with no path in the log"),
        Skip::Cut => ("cut", "whose path was cut when it was logged"),
        Skip::Foreign => ("foreign", "for no gateway, such as `data:`"),
    }
}

fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
