//! What one core counts about one upstream: plain cells, read by telemetry on the same core.

use std::cell::Cell;

use super::failure::{Kind, SLUGS};

/// The counts of one core. All but `active` only grow.
#[derive(Default, Debug)]
pub struct Counters {
    /// Requests that were sent here, every try counted.
    pub requests: Cell<u64>,
    /// Those under way: until the answer's body has been read, or dropped.
    pub active: Cell<u64>,
    /// Connections opened.
    pub connects: Cell<u64>,
    /// Requests that went over a connection used before.
    pub reuses: Cell<u64>,
    /// Second tries because such a connection had just been closed.
    pub reopened: Cell<u64>,
    /// Tries after the first of a request.
    pub retries: Cell<u64>,
    /// Requests that were not sent again because the budget was spent.
    pub unbudgeted: Cell<u64>,
    /// Endpoints that this core has ejected.
    pub ejections: Cell<u64>,
    /// How often this core has opened the breaker.
    pub openings: Cell<u64>,
    /// Requests that waited for a place.
    pub waited: Cell<u64>,
    failures: [Cell<u64>; SLUGS.len()],
}

impl Counters {
    /// The failures so far, by [`Kind::slug`].
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        SLUGS.into_iter().zip(self.failures.iter().map(Cell::get))
    }

    pub(super) fn failed(&self, kind: &Kind) {
        if let Some(cell) = self.failures.get(kind.index()) {
            more(cell);
        }
    }
}

/// One more.
pub(super) fn more(cell: &Cell<u64>) {
    cell.set(cell.get().wrapping_add(1));
}

/// One less.
pub(super) fn less(cell: &Cell<u64>) {
    cell.set(cell.get().saturating_sub(1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{BodyError, Side};

    #[test]
    fn failures_are_told_apart() {
        let counters = Counters::default();
        counters.failed(&Kind::Pending);
        counters.failed(&Kind::RequestBody(BodyError::closed(Side::Client)));
        let seen: Vec<_> = counters.failures().filter(|(_, count)| *count > 0).collect();
        assert_eq!(seen, [("breaker_pending", 1), ("request_body", 1)]);
    }
}
