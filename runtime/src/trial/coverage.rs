//! What tests have reached of a policy, as data: its routes, its statements, the arms of its `match`es, and which way
//! its predicates came out. It is counted in `account`, and printed by whoever asks.

use std::sync::Arc;

use lang::Span;

/// What tests have reached of a policy, in the order of places.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// Everything that could be reached.
    pub points: Vec<Point>,
}

/// Something that could be reached. What a policy or a function holds is one point, wherever it is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Point {
    /// Where it is written; the name, of a route.
    pub span: Span,
    /// What it is, and how often it was reached.
    pub what: What,
}

/// What can be reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// A route, by its name; it answered so often.
    Route(Arc<str>, u64),
    /// A statement or a `where`; it ran so often.
    Statement(u64),
    /// The arms of a `match`, each with its place and how often it was taken.
    Match(Vec<(Span, u64)>),
    /// A condition, or an operand of `and` or `or` in one: how often it held, and how often it did not.
    Predicate(u64, u64),
}

/// So many of so many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// Those that were reached.
    pub reached: u64,
    /// All.
    pub of: u64,
}

impl Coverage {
    /// The routes that answered.
    pub fn routes(&self) -> Share {
        self.share(|what| match what {
            What::Route(_, times) => Share::of([*times]),
            _ => Share::default(),
        })
    }

    /// The arms that were taken.
    pub fn arms(&self) -> Share {
        self.share(|what| match what {
            What::Match(arms) => Share::of(arms.iter().map(|(_, times)| *times)),
            _ => Share::default(),
        })
    }

    /// The outcomes of predicates that were seen: two for each.
    pub fn outcomes(&self) -> Share {
        self.share(|what| match what {
            What::Predicate(yes, no) => Share::of([*yes, *no]),
            _ => Share::default(),
        })
    }

    fn share(&self, of: impl Fn(&What) -> Share) -> Share {
        self.points.iter().map(|point| of(&point.what)).sum()
    }
}

impl Share {
    fn of(times: impl IntoIterator<Item = u64>) -> Share {
        let mut share = Share::default();
        for times in times {
            share.of += 1;
            share.reached += u64::from(times > 0);
        }
        share
    }

    /// In percent; of nothing, all is reached.
    pub fn percent(self) -> f64 {
        if self.of == 0 { 100.0 } else { self.reached as f64 * 100.0 / self.of as f64 }
    }
}

impl std::ops::Add for Share {
    type Output = Share;

    fn add(self, other: Share) -> Share {
        Share { reached: self.reached + other.reached, of: self.of + other.of }
    }
}

impl std::iter::Sum for Share {
    fn sum<I: Iterator<Item = Share>>(shares: I) -> Share {
        shares.fold(Share::default(), |sum, share| sum + share)
    }
}
