//! Which endpoint takes a request. One algorithm is one file in `balance/`, plus one word in the list below.
//!
//! A balancer sees seats: numbers, weights and whether a seat may be taken. It knows no socket, no health check
//! and no clock, and it is owned by one core, so it may keep its state in plain cells.

use std::net::IpAddr;

use lang::vocab::{Argument, Balancer, Dyn};

mod hash;
mod ip_hash;
mod least_request;
mod random;
mod round_robin;

pub use hash::Hash;
pub use ip_hash::IpHash;
pub use least_request::LeastRequest;
pub use random::Random;
pub use round_robin::RoundRobin;

/// The endpoints of one upstream, as one core sees them now.
pub trait Seats {
    /// How many there are.
    fn count(&self) -> usize;
    /// Changes whenever the list or a weight changes; never because of health.
    fn generation(&self) -> u64;
    /// What stays the same for an endpoint as long as its address does, on every core and in every process.
    fn id(&self, seat: usize) -> u64;
    /// Its share relative to the others; 0 takes no requests.
    fn weight(&self, seat: usize) -> u32;
    /// Requests this core has under way there.
    fn active(&self, seat: usize) -> u32;
    /// Whether it may be picked: healthy, and not excluded by this request.
    fn open(&self, seat: usize) -> bool;
}

/// What a balancer may know about the request.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The client's address, as the listener's `trust` says.
    pub client: IpAddr,
    /// What `hash(key)` evaluated to; absent when it is not asked for.
    pub hash: Option<&'a [u8]>,
}

/// An algorithm, with its state on one core.
pub trait Pick {
    /// A seat which is open and has a weight, or nothing when there is none.
    fn pick(&self, seats: &dyn Seats, key: &Key<'_>) -> Option<usize>;
}

/// A configuration and the expression of its key, or the place of an argument and what is wrong with it.
pub type Reading<T> = Result<(T, Option<Dyn<String>>), (usize, String)>;

/// Declares the algorithms: each word is a file in `balance/` with its `ROW`, and the configuration type in it with
/// its `read` and `build`.
macro_rules! balancers {
    ($($file:ident $name:ident,)*) => {
        /// The row of every balancer.
        pub static ROWS: &[&Balancer] = &[$(&$file::ROW,)*];

        /// The configuration of a balancer: which algorithm, with its parameters.
        #[derive(Clone, PartialEq, Debug)]
        pub enum Balance {
            $(
                #[doc = concat!("The algorithm of [`struct@", stringify!($name), "`].")]
                $name($name),
            )*
        }

        impl Balance {
            /// The configuration of the algorithm `name`, and the expression of its key if it has one. The key is
            /// no part of it: the number of an expression may change though nothing else does.
            pub fn read(name: &str, arguments: &[Argument]) -> Reading<Balance> {
                $(if name == $file::ROW.name {
                    let (config, key) = $name::read(arguments)?;
                    return Ok((Balance::$name(config), key));
                })*
                Err((0, format!("there is no balancer `{name}`")))
            }

            /// The algorithm with fresh state, for one core.
            pub fn build(&self) -> Box<dyn Pick> {
                match self {
                    $(Balance::$name(config) => Box::new(config.build()),)*
                }
            }
        }

        $(
            impl From<$name> for Balance {
                fn from(config: $name) -> Balance {
                    Balance::$name(config)
                }
            }
        )*
    };
}

balancers![
    hash Hash,
    ip_hash IpHash,
    least_request LeastRequest,
    random Random,
    round_robin RoundRobin,
];

impl Default for Balance {
    fn default() -> Balance {
        Balance::RoundRobin(RoundRobin {})
    }
}

impl Balance {
    /// Whether a pick wants [`Key::hash`].
    pub fn wants_key(&self) -> bool {
        matches!(self, Balance::Hash(_))
    }
}

/// What [`Balance::read`] gives for an algorithm without parameters.
fn no_parameters<T>(config: T, given: &[Argument]) -> Reading<T> {
    if given.is_empty() {
        Ok((config, None))
    } else {
        Err((0, "is one argument too many".to_owned()))
    }
}

/// A 64-bit hash which is the same in every process, so that gateways in front of the same endpoints agree.
/// It is not keyed: whoever chooses the bytes can choose the endpoint anyway, by sending the same bytes twice.
pub fn stable_hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(fnv)
}

/// Spreads the entropy of `x` over all its bits (the finaliser of SplitMix64).
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Whether a seat can be picked at all.
fn eligible(seats: &dyn Seats, seat: usize) -> bool {
    seats.weight(seat) > 0 && seats.open(seat)
}

/// Whether all seats have the same weight, which allows cheaper ways.
fn equal_weights(seats: &dyn Seats) -> bool {
    (1..seats.count()).all(|seat| seats.weight(seat) == seats.weight(0))
}

#[cfg(test)]
mod seats {
    //! A bench of seats for the algorithms' tests.

    use super::*;

    pub(super) struct Bench {
        pub(super) weights: Vec<u32>,
        pub(super) ids: Vec<u64>,
        pub(super) active: Vec<u32>,
        pub(super) closed: Vec<usize>,
        pub(super) generation: u64,
    }

    impl Bench {
        pub(super) fn new(weights: &[u32]) -> Bench {
            Bench {
                weights: weights.to_vec(),
                ids: (0..weights.len())
                    .map(|seat| stable_hash(format!("10.0.0.{seat}:80").as_bytes()))
                    .collect(),
                active: vec![0; weights.len()],
                closed: Vec::new(),
                generation: 1,
            }
        }
    }

    impl Seats for Bench {
        fn count(&self) -> usize {
            self.weights.len()
        }
        fn generation(&self) -> u64 {
            self.generation
        }
        fn id(&self, seat: usize) -> u64 {
            self.ids[seat]
        }
        fn weight(&self, seat: usize) -> u32 {
            self.weights[seat]
        }
        fn active(&self, seat: usize) -> u32 {
            self.active[seat]
        }
        fn open(&self, seat: usize) -> bool {
            !self.closed.contains(&seat)
        }
    }

    pub(super) fn key(hash: Option<&[u8]>) -> Key<'_> {
        Key { client: IpAddr::from([192, 0, 2, 1]), hash }
    }

    /// How often each seat is picked in `rounds` picks.
    pub(super) fn tally(pick: &dyn Pick, bench: &Bench, rounds: usize) -> Vec<usize> {
        let mut tally = vec![0; bench.weights.len()];
        for _ in 0..rounds {
            tally[pick.pick(bench, &key(None)).unwrap()] += 1;
        }
        tally
    }

    #[test]
    fn every_algorithm_skips_closed_and_weightless_seats() {
        let all = [
            Balance::from(RoundRobin {}),
            LeastRequest { choices: crate::values::Count(2) }.into(),
            Random {}.into(),
            IpHash {}.into(),
            Hash {}.into(),
        ];
        for balance in all {
            let pick = balance.build();
            let mut bench = Bench::new(&[1, 0, 2, 1]);
            bench.closed = vec![0, 3];
            for round in 0..200_u32 {
                let hash = round.to_be_bytes();
                assert_eq!(pick.pick(&bench, &key(Some(&hash))), Some(2), "{balance:?}");
            }
            bench.closed = vec![0, 2, 3];
            assert_eq!(pick.pick(&bench, &key(Some(b"x"))), None, "{balance:?}");
            for weights in [&[][..], &[0, 0]] {
                bench = Bench { generation: bench.generation + 1, ..Bench::new(weights) };
                assert_eq!(pick.pick(&bench, &key(None)), None, "{balance:?}");
            }
        }
    }
}
