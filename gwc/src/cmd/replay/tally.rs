//! What was counted: requests by what became of them then and becomes of them now. It holds one example of each kind,
//! and no more kinds than a bound, whatever a log says.

use std::collections::HashMap;

use runtime::replay::Sender;

use super::entry::{Entry, Shown, Skip, Was};
use super::side::Verdict;
use crate::report::shown;

/// The most kinds of requests that are told apart.
const MOST_KINDS: usize = 100_000;

/// The most names of routes and upstreams of logs that are told apart.
const MOST_NAMES: usize = 20_000;

/// The most letters of an example, and of any text that a log says.
pub(super) const LONGEST: usize = 200;

/// Everything that was counted.
#[derive(Default)]
pub(super) struct Tally {
    /// Requests that were asked.
    pub(super) requests: u64,
    /// Those of which it is known what had become of them.
    pub(super) compared: u64,
    /// Kinds of them.
    pub(super) kinds: HashMap<Key, Count>,
    /// Those of kinds that were too many.
    pub(super) beyond: u64,
    /// What was not asked: how often, and where first.
    pub(super) skipped: Vec<(Skip, u64, String)>,
    names: Names,
}

/// What makes a kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    /// As it was recorded.
    pub(super) was: Recorded,
    /// By the first policy.
    pub(super) first: Verdict,
    /// By the second, if there is one.
    pub(super) second: Option<Verdict>,
}

/// What became of a request when it was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Recorded {
    /// Nobody knows.
    Unknown,
    /// A client saw this status.
    Seen(u16),
    /// The gateway says so.
    Logged { status: u16, route: Option<Name>, upstream: Option<Name> },
}

/// A name that a log says, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Name(u32);

/// How many there are, and the first of them.
#[derive(Clone)]
pub(super) struct Count {
    pub(super) n: u64,
    /// The how manieth request it was.
    pub(super) first: u64,
    pub(super) example: String,
    pub(super) place: String,
}

#[derive(Default)]
struct Names {
    list: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

impl Tally {
    /// Counts a request. With two policies, what had become of it is not asked.
    pub(super) fn count(
        &mut self,
        entry: &Entry<'_>,
        first: Verdict,
        second: Option<Verdict>,
        place: impl FnOnce() -> String,
    ) {
        self.requests += 1;
        let was = match entry.was {
            _ if second.is_some() => Recorded::Unknown,
            Was::Unknown => Recorded::Unknown,
            Was::Seen(status) => Recorded::Seen(status),
            Was::Logged { status, route, upstream } => Recorded::Logged {
                status,
                route: route.map(|name| self.names.number(name)),
                upstream: upstream.map(|name| self.names.number(name)),
            },
        };
        self.compared += u64::from(was != Recorded::Unknown);
        let key = Key { was, first, second };
        if let Some(count) = self.kinds.get_mut(&key) {
            count.n += 1;
        } else if self.kinds.len() < MOST_KINDS {
            let first = self.requests;
            let count = Count { n: 1, first, example: example(entry), place: place() };
            self.kinds.insert(key, count);
        } else {
            self.beyond += 1;
        }
    }

    /// Counts what is not asked. Of what cannot be understood only the first is told.
    pub(super) fn skip(&mut self, skip: Skip, place: impl FnOnce() -> String) {
        let alike = |known: &Skip| std::mem::discriminant(known) == std::mem::discriminant(&skip);
        match self.skipped.iter_mut().find(|(known, ..)| alike(known)) {
            Some((_, n, _)) => *n += 1,
            None => self.skipped.push((skip, 1, place())),
        }
    }

    /// A name of a log; not fit to be shown yet.
    pub(super) fn name(&self, Name(at): Name) -> &str {
        self.names.list.get(at as usize).map_or("?", |name| name)
    }
}

impl Count {
    /// Those of two kinds together.
    pub(super) fn join(&mut self, other: &Count) {
        let n = self.n + other.n;
        if other.first < self.first {
            *self = other.clone();
        }
        self.n = n;
    }
}

impl Names {
    fn number(&mut self, name: &str) -> Name {
        if let Some(number) = self.numbers.get(name) {
            return Name(*number);
        }
        if self.list.len() >= MOST_NAMES {
            // Past the list: `?`.
            return Name(u32::MAX);
        }
        let number = self.list.len() as u32;
        self.list.push(name.into());
        self.numbers.insert(name.into(), number);
        Name(number)
    }
}

/// A request as people write it.
fn example(entry: &Entry<'_>) -> String {
    let Shown { method, host, target } = entry.shown;
    let scheme = entry.scheme.map_or("http", |scheme| scheme.as_str());
    let from = match entry.sender {
        Some(Sender::Client(from) | Sender::Peer(from)) => format!(" from {from}"),
        None => String::new(),
    };
    let target = if target == "*" { "/*" } else { target };
    shown(&format!("{method} {scheme}://{host}{target}"), LONGEST) + &from
}

#[cfg(test)]
mod tests {
    use runtime::replay::Said;

    use super::*;

    #[test]
    fn a_log_of_ever_new_names_takes_no_more_room() {
        let mut tally = Tally::default();
        for at in 0..MOST_KINDS as u64 + 50_000 {
            let (name, status) = (format!("r{}", at % 150_000), 200);
            let entry = Entry {
                listener: None,
                scheme: None,
                port: None,
                sender: None,
                said: Said::Line {
                    method: "GET",
                    host: "x",
                    target: "/",
                    query: true,
                    fields: &[],
                },
                shown: Shown { method: "GET", host: "x", target: "/" },
                was: Was::Logged { status, route: Some(&name), upstream: Some(&name) },
            };
            tally.count(&entry, None, None, String::new);
        }
        assert!(tally.kinds.len() <= MOST_KINDS && tally.names.list.len() <= MOST_NAMES);
        let counted: u64 = tally.kinds.values().map(|count| count.n).sum();
        assert_eq!(counted + tally.beyond, tally.requests);
    }
}
