//! Sets of path segments and of paths, decided exactly: which segments a capture takes, and how two path patterns
//! lie to each other.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::policy::{Path, Segment};
use crate::types::Ty;
use crate::value::Value;

/// A set of segments.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Segments {
    /// This text alone. The empty one is what stands behind a final `/`.
    Literal(Arc<str>),
    /// One of these texts, two or more, sorted.
    Words(Arc<[Arc<str>]>),
    /// The decimal digits of a 64-bit integer, as they are printed: no `+`, no leading zeros.
    Int,
    /// A UUID: 8-4-4-4-12 hexadecimal digits in either case.
    Uuid,
    /// Every segment that is not empty.
    Any,
}

/// How two sets lie to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// Nothing lies in both.
    Disjoint,
    /// They are the same.
    Equal,
    /// The first lies in the second, which holds more.
    Inside,
    /// The second lies in the first, which holds more.
    Around,
    /// They overlap, and neither lies in the other.
    Across,
}

impl Segments {
    /// The segments that a capture of this type takes.
    pub fn of_type(ty: &Ty) -> Segments {
        match ty {
            Ty::Int => Segments::Int,
            Ty::Uuid => Segments::Uuid,
            Ty::OneOf(words) => {
                let mut words: Vec<Arc<str>> =
                    words.iter().filter(|word| !word.is_empty()).cloned().collect();
                words.sort_unstable();
                words.dedup();
                match words.as_slice() {
                    [word] => Segments::Literal(word.clone()),
                    _ => Segments::Words(words.into()),
                }
            }
            _ => Segments::Any,
        }
    }

    /// The segments that one place of a pattern takes.
    pub fn of(segment: &Segment) -> Segments {
        match segment {
            Segment::Literal(text) => Segments::Literal(text.clone()),
            Segment::Capture(_, ty) => Segments::of_type(ty),
        }
    }

    /// Whether this segment is one of them.
    pub fn holds(&self, segment: &str) -> bool {
        match self {
            Segments::Literal(text) => &**text == segment,
            Segments::Words(words) => words.binary_search_by(|word| (**word).cmp(segment)).is_ok(),
            Segments::Int => int(segment).is_some(),
            Segments::Uuid => is_uuid(segment),
            Segments::Any => !segment.is_empty(),
        }
    }

    /// What a capture of this kind makes of a segment it holds.
    pub fn value(&self, segment: &str) -> Value {
        match self {
            Segments::Int => int(segment).map_or(Value::Absent, Value::Int),
            Segments::Uuid => Value::string(segment.to_ascii_lowercase()),
            _ => Value::string(segment),
        }
    }

    /// How these lie to those.
    pub fn relation(&self, other: &Segments) -> Relation {
        let (a, b) = (self.words(), other.words());
        match (a, b) {
            (Some(a), Some(b)) => {
                let common = a.iter().filter(|word| other.holds(word)).count();
                match (common, common == a.len(), common == b.len()) {
                    (0, ..) => Relation::Disjoint,
                    (_, true, true) => Relation::Equal,
                    (_, true, false) => Relation::Inside,
                    (_, false, true) => Relation::Around,
                    _ => Relation::Across,
                }
            }
            (Some(a), None) => finite(a, other),
            (None, Some(b)) => finite(b, self).reversed(),
            (None, None) => match (self, other) {
                (a, b) if a == b => Relation::Equal,
                (_, Segments::Any) => Relation::Inside,
                (Segments::Any, _) => Relation::Around,
                _ => Relation::Disjoint,
            },
        }
    }

    /// A segment that lies in both.
    pub fn common(&self, other: &Segments) -> Option<Arc<str>> {
        let (narrow, wide) = match self.relation(other) {
            Relation::Disjoint => return None,
            Relation::Around => (other, self),
            _ => (self, other),
        };
        match narrow.words() {
            Some(words) => words.iter().find(|word| wide.holds(word)).cloned(),
            None => Some(Arc::from(narrow.sample())),
        }
    }

    /// A segment of this set.
    pub fn sample(&self) -> &str {
        match self {
            Segments::Literal(text) => text,
            Segments::Words(words) => words.first().map_or("", |word| word),
            Segments::Int => "1",
            Segments::Uuid => "00000000-0000-4000-8000-000000000000",
            Segments::Any => "x",
        }
    }

    /// All of them, where they are few.
    pub fn words(&self) -> Option<&[Arc<str>]> {
        match self {
            Segments::Literal(text) => Some(std::slice::from_ref(text)),
            Segments::Words(words) => Some(words),
            _ => None,
        }
    }

    /// A number that grows with the set: of two sets one of which lies in the other, the inner has the smaller.
    pub fn weight(&self) -> u64 {
        match self {
            Segments::Literal(_) => 1,
            Segments::Words(words) => words.len() as u64,
            Segments::Int | Segments::Uuid => 1 << 40,
            Segments::Any => 1 << 41,
        }
    }
}

impl Relation {
    /// Seen from the other side.
    pub fn reversed(self) -> Relation {
        match self {
            Relation::Inside => Relation::Around,
            Relation::Around => Relation::Inside,
            same => same,
        }
    }

    /// How products lie, from how their factors do.
    pub fn and(self, other: Relation) -> Relation {
        match (self, other) {
            (Relation::Disjoint, _) | (_, Relation::Disjoint) => Relation::Disjoint,
            (Relation::Equal, relation) | (relation, Relation::Equal) => relation,
            (a, b) if a == b => a,
            _ => Relation::Across,
        }
    }
}

impl fmt::Display for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segments::Literal(text) => f.write_str(text),
            Segments::Words(words) => write!(f, "{{{}}}", words.join("|")),
            Segments::Int => f.write_str("{Int}"),
            Segments::Uuid => f.write_str("{Uuid}"),
            Segments::Any => f.write_str("{}"),
        }
    }
}

/// The segments of a path: those of `/a/b` are `a` and `b`, of `/a/` they are `a` and an empty one. What does not begin
/// with `/`, such as `*`, has none.
pub fn split(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|rest| rest.split('/'))
}

/// What a pattern captures: name, place of the segment, kind.
pub fn captures(path: &Path) -> Vec<(Arc<str>, usize, Segments)> {
    let segments = path.segments.iter().enumerate();
    let captures = segments.filter_map(|(at, segment)| match segment {
        Segment::Capture(name, _) => Some((name.clone(), at, Segments::of(segment))),
        Segment::Literal(_) => None,
    });
    captures.collect()
}

/// How the sets of paths of two patterns lie to each other.
pub fn path_relation(a: &Path, b: &Path) -> Relation {
    let mut relation = Relation::Equal;
    for (a, b) in a.segments.iter().zip(&b.segments) {
        relation = relation.and(Segments::of(a).relation(&Segments::of(b)));
        if relation == Relation::Disjoint {
            return relation;
        }
    }
    let tails = match (a.segments.len().cmp(&b.segments.len()), a.rest, b.rest) {
        (Ordering::Equal, false, false) | (Ordering::Equal, true, true) => Relation::Equal,
        (Ordering::Equal | Ordering::Greater, false, true) | (Ordering::Greater, true, true) => {
            Relation::Inside
        }
        (Ordering::Equal | Ordering::Less, true, false) | (Ordering::Less, true, true) => {
            Relation::Around
        }
        _ => Relation::Disjoint,
    };
    relation.and(tails)
}

/// A path in both patterns. `None` if there is none.
pub fn common_path(a: &Path, b: &Path) -> Option<Path> {
    let (long, short) = if a.segments.len() >= b.segments.len() { (a, b) } else { (b, a) };
    if short.segments.len() < long.segments.len() && !short.rest {
        return None;
    }
    let mut segments = Vec::with_capacity(long.segments.len());
    for (at, segment) in long.segments.iter().enumerate() {
        let kind = Segments::of(segment);
        let text = match short.segments.get(at) {
            Some(other) => kind.common(&Segments::of(other))?,
            None => Arc::from(kind.sample()),
        };
        segments.push(Segment::Literal(text));
    }
    Some(Path { segments, rest: false })
}

fn finite(words: &[Arc<str>], other: &Segments) -> Relation {
    match words.iter().filter(|word| other.holds(word)).count() {
        0 => Relation::Disjoint,
        n if n == words.len() => Relation::Inside,
        _ => Relation::Across,
    }
}

fn int(segment: &str) -> Option<i64> {
    let digits = segment.strip_prefix('-').unwrap_or(segment);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let zeros = digits.starts_with('0') && segment != "0";
    if plain && !zeros { segment.parse().ok() } else { None }
}

fn is_uuid(segment: &str) -> bool {
    segment.len() == 36
        && segment.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
