//! A field of a space with a value of each class; which classes a test takes is found by asking it of these.

use std::collections::HashMap;

use lang::Value;
use lang::policy::Compare;
use lang::segment::Segments;
use lang::vocab::ExprId;

use super::reading::Atom;
use super::term::Term;
use super::test::Test;
use crate::interp::lookup::Lookup;

#[derive(Debug)]
pub(super) struct Field {
    pub(super) term: Term,
    /// A value of each class.
    pub(super) samples: Vec<Value>,
    /// Whether a request can be made to fit a class.
    pub(super) settable: bool,
    /// The test that the field is for, if its classes are the answers of that alone.
    pub(super) alone: Option<Test>,
    /// The expression on which it is blamed that no request can be made to fit.
    pub(super) by: Option<ExprId>,
}

impl Field {
    pub(super) fn cut(term: Term, samples: Vec<Value>, settable: bool) -> Field {
        Field { term, samples, settable, alone: None, by: None }
    }
}

/// A field's samples, for tests to be asked of: thousands of routes may each ask for something else.
pub(super) struct Index<'f> {
    samples: &'f [Value],
    /// In the order of values, with their classes.
    sorted: Vec<(&'f Value, u32)>,
    /// What captures of a kind make of the samples, where they hold them.
    captured: HashMap<Segments, Vec<Option<Value>>>,
}

impl<'f> Index<'f> {
    pub(super) fn of(field: &'f Field) -> Index<'f> {
        let mut sorted: Vec<(&Value, u32)> = field.samples.iter().zip(0..).collect();
        sorted.sort_unstable();
        Index { samples: &field.samples, sorted, captured: HashMap::new() }
    }

    /// The class that this value is the sample of.
    pub(super) fn class(&self, value: &Value) -> Option<u32> {
        let at = self.sorted.binary_search_by(|(sample, _)| (*sample).cmp(value)).ok()?;
        self.sorted.get(at).map(|(_, class)| *class)
    }

    /// The classes for which the atom's test holds.
    pub(super) fn holding(&mut self, atom: &Atom) -> Vec<u32> {
        let Some(kind) = &atom.kind else { return self.holding_whole(&atom.test) };
        let samples = self.samples.iter();
        let captured = self.captured.entry(kind.clone()).or_insert_with(|| {
            let held = samples.map(|sample| sample.as_str().filter(|text| kind.holds(text)));
            held.map(|text| text.map(|text| kind.value(text))).collect()
        });
        let holds = |value: &Option<Value>| value.as_ref().is_some_and(|v| atom.test.holds(v));
        (0..).zip(captured).filter(|(_, value)| holds(value)).map(|(class, _)| class).collect()
    }

    /// The same for a test of the whole value.
    pub(super) fn holding_whole(&self, test: &Test) -> Vec<u32> {
        let is_plain = |value: &&Value| matches!(value, Value::String(_) | Value::Method(_));
        if let Test::Compare(Compare::Ne, value) = test
            && is_plain(&value)
        {
            let but = self.class(value);
            let classes = (0..).zip(self.samples).filter(|(_, sample)| !sample.is_absent());
            return classes.map(|(class, _)| class).filter(|class| Some(*class) != but).collect();
        }
        let named = match test {
            Test::Compare(Compare::Eq, value) => Some(vec![value]),
            Test::Matches(_) | Test::In(_) => test.points(),
            _ => None,
        };
        if let Some(named) = named.filter(|named| named.iter().all(is_plain)) {
            let mut holding: Vec<u32> =
                named.into_iter().filter_map(|value| self.class(value)).collect();
            holding.sort_unstable();
            holding.dedup();
            return holding;
        }
        let lookup = match test {
            Test::In(of) => Lookup::of(of),
            _ => None,
        };
        let holds = |sample: &Value| {
            let known = lookup.as_ref().and_then(|lookup| lookup.holds(sample));
            known.unwrap_or_else(|| test.holds(sample))
        };
        (0..)
            .zip(self.samples)
            .filter(|(_, sample)| holds(sample))
            .map(|(class, _)| class)
            .collect()
    }
}
