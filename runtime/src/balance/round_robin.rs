//! `round_robin`: each endpoint in turn, smoothly by weight.

use std::cell::RefCell;

use lang::vocab::{Argument, Balancer};

use super::random::Wheel;
use super::{Key, Pick, Reading, Seats, eligible, equal_weights, no_parameters};

pub(super) static ROW: Balancer = Balancer {
    name: "round_robin",
    params: &[],
    doc: "Each endpoint in turn, smoothly by weight: weights 3 and 1 give `a a b a`. The default.",
    example: "balance round_robin",
};

/// Each endpoint in turn. Weights 3 and 1 give `a a b a`, not `a a a b`.
#[derive(Clone, PartialEq, Debug)]
pub struct RoundRobin {}

/// The turn as it stands on one core.
pub(super) struct Turn {
    state: RefCell<State>,
    stand_in: Wheel,
}

#[derive(Default)]
struct State {
    generation: u64,
    /// With equal weights, the next seat; the scores are not kept.
    next: Option<usize>,
    /// With unequal weights, what each seat is owed. The sum is always zero.
    scores: Vec<i64>,
}

impl RoundRobin {
    pub(super) fn read(given: &[Argument]) -> Reading<RoundRobin> {
        no_parameters(RoundRobin {}, given)
    }

    pub(super) fn build(&self) -> Turn {
        Turn { state: RefCell::default(), stand_in: Wheel::default() }
    }
}

impl Pick for Turn {
    fn pick(&self, seats: &dyn Seats, _: &Key<'_>) -> Option<usize> {
        let mut state = self.state.borrow_mut();
        if state.generation != seats.generation() {
            *state = State::start(seats);
        }
        match state.next {
            Some(next) => {
                state.next = Some((next + 1) % seats.count().max(1));
                // Not simply the next one: the neighbour of a dead endpoint would carry twice its share.
                if next < seats.count() && eligible(seats, next) {
                    return Some(next);
                }
                self.stand_in.draw(seats)
            }
            None => state.smooth(seats),
        }
    }
}

impl State {
    /// Cores begin at different seats: if each began at the first, a gateway of sixteen cores would send its
    /// first sixteen requests to one endpoint.
    fn start(seats: &dyn Seats) -> State {
        let generation = seats.generation();
        let count = seats.count();
        if equal_weights(seats) {
            return State {
                generation,
                next: Some(fastrand::usize(..count.max(1))),
                scores: vec![],
            };
        }
        let mut state = State { generation, next: None, scores: vec![0; count] };
        for _ in 0..fastrand::usize(..count) {
            state.smooth(seats);
        }
        state
    }

    /// Every eligible seat is owed its weight more, the one owed the most pays for all.
    fn smooth(&mut self, seats: &dyn Seats) -> Option<usize> {
        let mut total = 0;
        let mut best: Option<(usize, i64)> = None;
        for (seat, score) in self.scores.iter_mut().enumerate() {
            if !eligible(seats, seat) {
                continue;
            }
            let weight = i64::from(seats.weight(seat));
            total += weight;
            *score += weight;
            if best.is_none_or(|(_, most)| *score > most) {
                best = Some((seat, *score));
            }
        }
        let (seat, _) = best?;
        self.scores[seat] -= total;
        Some(seat)
    }
}

#[cfg(test)]
mod tests {
    use super::super::seats::{Bench, key, tally};
    use super::*;

    #[test]
    fn weights_hold_exactly_over_a_cycle() {
        for _ in 0..20 {
            let turn = RoundRobin {}.build();
            assert_eq!(tally(&turn, &Bench::new(&[5, 1, 2]), 80), [50, 10, 20]);
        }
    }

    #[test]
    fn equal_weights_take_turns() {
        let turn = RoundRobin {}.build();
        let bench = Bench::new(&[2, 2, 2]);
        let picks: Vec<_> = (0..6).map(|_| turn.pick(&bench, &key(None)).unwrap()).collect();
        assert_eq!(picks[..3], picks[3..]);
        assert_eq!(tally(&turn, &bench, 30), [10, 10, 10]);
    }

    #[test]
    fn a_heavy_seat_is_spread_out() {
        let turn = RoundRobin {}.build();
        let bench = Bench::new(&[3, 3, 1]);
        let picks: Vec<_> = (0..70).map(|_| turn.pick(&bench, &key(None)).unwrap()).collect();
        assert!(picks.windows(3).all(|run| run[0] != run[1] || run[1] != run[2]));
    }

    #[test]
    fn the_share_of_a_dead_seat_is_divided() {
        fastrand::seed(5);
        let turn = RoundRobin {}.build();
        let mut bench = Bench::new(&[1, 1, 1, 1]);
        bench.closed = vec![0];
        let counts = tally(&turn, &bench, 12_000);
        assert!(counts[1..].iter().all(|count| count.abs_diff(4_000) < 200), "{counts:?}");
    }

    #[test]
    fn a_new_list_starts_afresh() {
        let turn = RoundRobin {}.build();
        assert_eq!(tally(&turn, &Bench::new(&[1, 2]), 30), [10, 20]);
        let mut bench = Bench::new(&[1]);
        bench.generation = 2;
        assert_eq!(tally(&turn, &bench, 3), [3]);
    }
}
