//! `random`: any endpoint, by weight. The weighted draw is shared with `least_request`.

use std::cell::RefCell;

use lang::vocab::{Argument, Balancer};

use super::{Key, Pick, Reading, Seats, eligible, equal_weights, no_parameters};

pub(super) static ROW: Balancer = Balancer {
    name: "random",
    params: &[],
    doc: "Any endpoint, with a chance proportional to its weight.",
    example: "balance random",
};

/// Any endpoint with a chance proportional to its weight. Keeps no state that could herd.
#[derive(Clone, PartialEq, Debug)]
pub struct Random {}

/// A wheel of fortune over the seats, cut once per generation.
#[derive(Default)]
pub(super) struct Wheel {
    cut: RefCell<Cut>,
}

#[derive(Default)]
struct Cut {
    generation: u64,
    /// With equal weights empty; otherwise the running sum of weights up to and including each seat.
    sums: Vec<u64>,
}

/// After so many misses the eligible seats are counted: most of the wheel is closed.
const TRIES: usize = 4;

impl Random {
    pub(super) fn read(given: &[Argument]) -> Reading<Random> {
        no_parameters(Random {}, given)
    }

    pub(super) fn build(&self) -> Wheel {
        Wheel::default()
    }
}

impl Pick for Wheel {
    fn pick(&self, seats: &dyn Seats, _: &Key<'_>) -> Option<usize> {
        self.draw(seats)
    }
}

impl Wheel {
    /// An eligible seat with a chance proportional to its weight among the eligible ones.
    pub(super) fn draw(&self, seats: &dyn Seats) -> Option<usize> {
        if seats.count() == 0 {
            return None;
        }
        let mut cut = self.cut.borrow_mut();
        if cut.generation != seats.generation() {
            *cut = Cut::new(seats);
        }
        (0..TRIES)
            .map(|_| cut.spin(seats))
            .find(|seat| eligible(seats, *seat))
            .or_else(|| count_out(seats))
    }
}

impl Cut {
    fn new(seats: &dyn Seats) -> Cut {
        let generation = seats.generation();
        if equal_weights(seats) {
            return Cut { generation, sums: Vec::new() };
        }
        let mut sum = 0;
        let sums = (0..seats.count()).map(|seat| {
            sum += u64::from(seats.weight(seat));
            sum
        });
        Cut { generation, sums: sums.collect() }
    }

    /// Any seat by weight, eligible or not.
    fn spin(&self, seats: &dyn Seats) -> usize {
        match self.sums.last() {
            Some(total) => {
                let ticket = fastrand::u64(..(*total).max(1));
                self.sums.partition_point(|sum| *sum <= ticket).min(seats.count() - 1)
            }
            None => fastrand::usize(..seats.count()),
        }
    }
}

/// The exact draw: counts what is eligible first.
fn count_out(seats: &dyn Seats) -> Option<usize> {
    let open = || (0..seats.count()).filter(|seat| eligible(seats, *seat));
    let total: u64 = open().map(|seat| u64::from(seats.weight(seat))).sum();
    if total == 0 {
        return None;
    }
    let mut ticket = fastrand::u64(..total);
    open().find(|seat| {
        let weight = u64::from(seats.weight(*seat));
        let hit = ticket < weight;
        ticket = ticket.saturating_sub(weight);
        hit
    })
}

#[cfg(test)]
mod tests {
    use super::super::seats::{Bench, tally};
    use super::*;

    #[test]
    fn weights_hold_roughly() {
        fastrand::seed(7);
        let counts = tally(&Random {}.build(), &Bench::new(&[1, 3, 6]), 10_000);
        for (count, expected) in counts.iter().zip([1_000, 3_000, 6_000]) {
            assert!(count.abs_diff(expected) < 250, "{counts:?}");
        }
    }

    #[test]
    fn a_mostly_closed_wheel_is_still_fair() {
        fastrand::seed(7);
        let mut bench = Bench::new(&[1; 100]);
        bench.closed = (2..100).collect();
        let counts = tally(&Random {}.build(), &bench, 10_000);
        assert!(counts[0].abs_diff(5_000) < 250, "{counts:?}");
    }
}
