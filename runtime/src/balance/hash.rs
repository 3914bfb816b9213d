//! `hash(key)`: the same key goes to the same endpoint, and endpoints that come or go move as few keys as possible.

use lang::params;
use lang::vocab::{Argument, Balancer, Dyn};

use super::random::Wheel;
use super::{Key, Pick, Reading, Seats, eligible, equal_weights, mix, stable_hash};

pub(super) static ROW: Balancer = Balancer {
    name: "hash",
    params: HashBy::PARAMS,
    doc: "The same key goes to the same endpoint, on every core and every gateway. An endpoint that comes or goes moves only the keys it takes or leaves. A request without the key goes anywhere; the policy always says what the key is.",
    example: "balance hash, req.header[\"x-tenant\"]",
};

params! {
    /// How requests are told apart.
    pub struct HashBy {
        /// Requests with the same key stay together.
        key: Option<Dyn<String>>,
    }
}

/// Weighted rendezvous hashing: every endpoint scores every key, the highest score wins. When an endpoint goes,
/// only its own keys move; when one comes, it takes its share and nothing moves between the others. A ring or a
/// Maglev table looks up faster but moves more, and must be rebuilt; with the tens of endpoints an upstream has,
/// scoring all of them costs less than the look-up of one header.
#[derive(Clone, PartialEq, Debug)]
pub struct Hash {}

/// The scorer on one core. A request without the key is sent anywhere.
pub(super) struct Rendezvous {
    anywhere: Wheel,
}

impl Hash {
    pub(super) fn read(given: &[Argument]) -> Reading<Hash> {
        Ok((Hash {}, HashBy::decode(given)?.key))
    }

    pub(super) fn build(&self) -> Rendezvous {
        Rendezvous { anywhere: Wheel::default() }
    }
}

impl Pick for Rendezvous {
    fn pick(&self, seats: &dyn Seats, key: &Key<'_>) -> Option<usize> {
        match key.hash {
            Some(bytes) => highest(seats, stable_hash(bytes)),
            None => self.anywhere.draw(seats),
        }
    }
}

/// The eligible seat which scores `hash` highest.
pub(super) fn highest(seats: &dyn Seats, hash: u64) -> Option<usize> {
    let open = (0..seats.count()).filter(|seat| eligible(seats, *seat));
    let drawn = |seat: &usize| mix(hash ^ seats.id(*seat));
    if equal_weights(seats) {
        return open.max_by_key(drawn);
    }
    open.map(|seat| (seat, score(drawn(&seat), seats.weight(seat))))
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(seat, _)| seat)
}

/// `-weight / ln(u)` for `u` uniform in (0, 1): the chance to be the highest is then proportional to the weight.
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept on purpose")]
fn score(drawn: u64, weight: u32) -> f64 {
    let uniform = ((drawn >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -f64::from(weight) / uniform.ln()
}

#[cfg(test)]
mod tests {
    use super::super::seats::{Bench, key};
    use super::*;

    const KEYS: u32 = 10_000;

    fn places(bench: &Bench) -> Vec<u64> {
        let rendezvous = Hash {}.build();
        (0..KEYS)
            .map(|n| rendezvous.pick(bench, &key(Some(&n.to_be_bytes()))).unwrap())
            .map(|seat| bench.ids[seat])
            .collect()
    }

    fn without(bench: &Bench, seat: usize) -> Bench {
        let mut less = Bench::new(&bench.weights);
        less.ids.clone_from(&bench.ids);
        less.weights.remove(seat);
        less.ids.remove(seat);
        less
    }

    #[test]
    fn only_the_keys_of_a_lost_endpoint_move() {
        for weights in [[1; 6], [1, 5, 2, 2, 3, 1]] {
            let bench = Bench::new(&weights);
            let before = places(&bench);
            for lost in 0..weights.len() {
                for (before, after) in before.iter().zip(places(&without(&bench, lost))) {
                    assert!(*before == after || *before == bench.ids[lost]);
                }
            }
        }
    }

    #[test]
    fn a_closed_endpoint_moves_only_its_keys_and_they_come_back() {
        let mut bench = Bench::new(&[1, 5, 2, 2, 3, 1]);
        let before = places(&bench);
        bench.closed = vec![1];
        for (before, after) in before.iter().zip(places(&bench)) {
            assert!(*before == after || *before == bench.ids[1]);
        }
        bench.closed.clear();
        assert_eq!(before, places(&bench));
    }

    #[test]
    fn shares_follow_the_weights() {
        let bench = Bench::new(&[1, 2, 7]);
        let places = places(&bench);
        for (id, weight) in bench.ids.iter().zip(&bench.weights) {
            let share = places.iter().filter(|place| *place == id).count();
            assert!(share.abs_diff(1_000 * *weight as usize) < 250, "{share} for {weight}");
        }
    }

    #[test]
    fn order_does_not_matter() {
        let bench = Bench::new(&[1, 2, 7]);
        let mut turned = Bench::new(&[7, 2, 1]);
        turned.ids = bench.ids.iter().rev().copied().collect();
        assert_eq!(places(&bench), places(&turned));
    }
}
