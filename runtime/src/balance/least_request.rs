//! `least_request`: of a few endpoints drawn at random, the one with the fewest requests under way for its weight.

use lang::params;
use lang::vocab::{Argument, Balancer};

use super::random::Wheel;
use super::{Key, Pick, Reading, Seats};
use crate::values::Count;

pub(super) static ROW: Balancer = Balancer {
    name: "least_request",
    params: LeastRequest::PARAMS,
    doc: "Of a few endpoints drawn at random by weight, the one with the fewest requests under way for its weight. Nearly as even as asking all of them, without the herd that follows when everybody sees the same endpoint as the emptiest. Each core counts its own requests.",
    example: "balance least_request, choices=2",
};

params! {
    /// The power of a few choices.
    #[derive(Clone, PartialEq, Debug)]
    pub struct LeastRequest {
        /// How many endpoints are drawn and compared, 1 to 16.
        choices: Count<1, MOST_CHOICES> = "2",
    }
}

/// More choices than this only cost.
const MOST_CHOICES: u32 = 16;

/// The draw, on one core.
pub(super) struct Draw {
    wheel: Wheel,
    choices: u32,
}

impl LeastRequest {
    pub(super) fn read(given: &[Argument]) -> Reading<LeastRequest> {
        Ok((LeastRequest::decode(given)?, None))
    }

    pub(super) fn build(&self) -> Draw {
        Draw { wheel: Wheel::default(), choices: self.choices.0 }
    }
}

impl Pick for Draw {
    fn pick(&self, seats: &dyn Seats, _: &Key<'_>) -> Option<usize> {
        let first = self.wheel.draw(seats)?;
        Some((1..self.choices).fold(first, |best, _| match self.wheel.draw(seats) {
            Some(other) if load(seats, other, best) < load(seats, best, other) => other,
            _ => best,
        }))
    }
}

/// The load of `seat` after this request, multiplied out so that it compares with that of `against` without
/// a division: (active + 1) / weight.
fn load(seats: &dyn Seats, seat: usize, against: usize) -> u64 {
    (u64::from(seats.active(seat)) + 1) * u64::from(seats.weight(against))
}

#[cfg(test)]
mod tests {
    use super::super::seats::{Bench, key};
    use super::*;

    /// Sends `requests` which never end, and says where they are.
    fn pile(weights: &[u32], requests: usize) -> Vec<u32> {
        fastrand::seed(3);
        let draw = LeastRequest { choices: Count(2) }.build();
        let mut bench = Bench::new(weights);
        for _ in 0..requests {
            let seat = draw.pick(&bench, &key(None)).unwrap();
            bench.active[seat] += 1;
        }
        bench.active
    }

    #[test]
    fn requests_level_out() {
        let active = pile(&[1; 10], 1_000);
        assert!(active.iter().all(|active| active.abs_diff(100) <= 5), "{active:?}");
    }

    #[test]
    fn weights_count() {
        let active = pile(&[1, 4], 1_000);
        assert!(active[0].abs_diff(200) <= 10, "{active:?}");
    }

    #[test]
    fn a_stuck_endpoint_is_avoided() {
        fastrand::seed(3);
        let draw = LeastRequest { choices: Count(2) }.build();
        let mut bench = Bench::new(&[1, 1]);
        bench.active[0] = 100;
        let hits = (0..1_000).filter(|_| draw.pick(&bench, &key(None)) == Some(0)).count();
        assert!(hits.abs_diff(250) < 60, "only when drawn twice: {hits}");
    }
}
