//! What conditions ask of one field: tests on a value. They answer by the interpreter's own operations, so that a class
//! of values is understood by asking one of it.

use std::sync::Arc;

use lang::Value;
use lang::hosts::host_holds;
use lang::policy::{Compare, Host};
use lang::vocab::Function;

use super::formula::Formula;
use super::language::{can_be_said, trimmed};
use crate::interp::ops;
use lang::segment::Segments;

/// A question about one value.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// Whether it is `true`.
    True,
    /// Whether there is one.
    Present,
    /// How it compares with this one.
    Compare(Compare, Value),
    /// Whether it lies in this one.
    In(Value),
    /// Whether it is one of these or lies in one.
    Matches(Vec<Value>),
    /// What the function says, with the value as the argument at this place.
    Call(&'static Function, Arc<[Value]>, usize),
    /// What the test says of what the function makes of the value.
    Of(&'static Function, Box<Test>),
    /// Whether the text begins so.
    Begins(Arc<str>),
    /// Whether no header field can say the text.
    Unsayable,
    /// Whether the text is a list, as `connection` is one, that names one of these header fields.
    Names(Arc<[Arc<str>]>),
    /// Whether no segment of a path can be the text, or have it in this place.
    Misspelt(Within),
    /// Whether the host is one of these.
    Host(Host),
    /// Whether the segment is one of these.
    Segment(Segments),
    /// Whether the path has ended before.
    End,
}

/// Where a text stands in a segment of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Within {
    /// It is all of it.
    Whole,
    /// Something else stands behind it, with which the segment is no dots.
    Beginning,
    /// Something else stands before it, with which the segment is no dots.
    Rest,
}

impl Within {
    /// Whether a segment with this text there is refused: for what no segment holds, as it is empty, or for dots.
    fn refuses(self, text: &str) -> bool {
        let behind = text.strip_prefix("..").or_else(|| text.strip_prefix('.')).unwrap_or("x");
        let are_dots = match self {
            Within::Whole => text.is_empty() || behind.is_empty() || behind.starts_with(';'),
            Within::Beginning => behind.starts_with(';'),
            Within::Rest => false,
        };
        are_dots || text.contains(|c: char| "/\\".contains(c) || c.is_ascii_control())
    }

    /// A pattern of the texts that are refused.
    pub(super) fn refused(self) -> &'static str {
        match self {
            Within::Whole => r"\A(?:\.{0,2}|\.{1,2};.*)\z|[/\\\x00-\x1f\x7f]",
            Within::Beginning => r"\A\.{1,2};|[/\\\x00-\x1f\x7f]",
            Within::Rest => r"[/\\\x00-\x1f\x7f]",
        }
    }
}

impl Test {
    /// Its answer about a value that is there under a condition, where `asked` is its answer about what is there.
    pub(super) fn if_there(&self, there: Formula, asked: Formula) -> Formula {
        match self.holds(&Value::Absent) {
            true => Formula::any(vec![there.not(), asked]),
            false => Formula::all(vec![there, asked]),
        }
    }

    /// The same question about a value that is there.
    pub(super) fn of_present(&self) -> Test {
        match self {
            Test::Matches(patterns) => {
                Test::Matches(patterns.iter().filter(|one| !one.is_absent()).cloned().collect())
            }
            other => other.clone(),
        }
    }

    /// Its answer.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        match self {
            Test::True => value.is_true(),
            Test::Present => !value.is_absent(),
            Test::Compare(how, with) => ops::compare(*how, value, with),
            Test::In(of) => ops::is_in(value, of),
            Test::Matches(patterns) => ops::matches(value, patterns),
            Test::Call(function, arguments, hole) => {
                let mut arguments = arguments.to_vec();
                if let Some(place) = arguments.get_mut(*hole) {
                    *place = value.clone();
                }
                (function.eval)(&arguments).is_true()
            }
            Test::Of(function, test) => test.holds(&(function.eval)(std::slice::from_ref(value))),
            Test::Begins(prefix) => value.as_str().is_some_and(|text| text.starts_with(&**prefix)),
            Test::Unsayable => value.as_str().is_some_and(|text| !can_be_said(text)),
            Test::Names(fields) => {
                value.as_str().is_some_and(|text| fields.iter().any(|field| names(text, field)))
            }
            Test::Misspelt(within) => value.as_str().is_some_and(|text| within.refuses(text)),
            Test::Host(host) => value.as_str().is_some_and(|name| host_holds(host, name)),
            Test::Segment(segments) => value.as_str().is_some_and(|text| segments.holds(text)),
            Test::End => value.is_absent(),
        }
    }

    /// The values to which it compares, if it does nothing else: all values that are none of these fare alike.
    pub(crate) fn points(&self) -> Option<Vec<&Value>> {
        let points: Vec<&Value> = match self {
            Test::Compare(Compare::Eq | Compare::Ne, with) => vec![with],
            Test::In(Value::List(items)) => items.iter().collect(),
            Test::In(Value::Set(items)) => items.iter().collect(),
            Test::Matches(patterns) => patterns.iter().collect(),
            Test::Present => Vec::new(),
            Test::True => vec![&Value::Bool(true)],
            _ => return None,
        };
        let wide = |v: &&Value| matches!(v, Value::Cidr(_) | Value::Range(_) | Value::Regex(_));
        (!points.iter().any(wide)).then_some(points)
    }

    /// Whether it holds of all whole numbers from nought up to this one, or of none. `None` if of some.
    pub(super) fn of_all_to(&self, most: i64) -> Option<bool> {
        let mut numbers = vec![0, most];
        for bound in self.bounds()? {
            let Value::Int(bound) = bound else { return None };
            numbers.extend((-1..=1).map(|by| bound.saturating_add(by)));
        }
        let within = numbers.into_iter().filter(|number| (0..=most).contains(number));
        let holds: Vec<bool> = within.map(|number| self.holds(&Value::Int(number))).collect();
        match (holds.contains(&true), holds.contains(&false)) {
            (true, true) => None,
            (holds, _) => Some(holds),
        }
    }

    /// Every value that bounds what it takes: ends of ranges, networks, what it compares to.
    pub(crate) fn bounds(&self) -> Option<Vec<&Value>> {
        let of = match self {
            Test::Compare(_, with) => return Some(vec![with]),
            Test::Present | Test::True => return Some(Vec::new()),
            Test::In(Value::List(items)) => items.iter().collect(),
            Test::In(Value::Set(items)) => items.iter().collect(),
            Test::In(one) => vec![one],
            Test::Matches(patterns) => patterns.iter().collect::<Vec<_>>(),
            _ => return None,
        };
        let ends = of.into_iter().flat_map(|value| match value {
            Value::Range(ends) => vec![&ends.0, &ends.1],
            one => vec![one],
        });
        Some(ends.collect())
    }

    /// A text that equal tests share and no others.
    pub(crate) fn written(&self) -> String {
        match self {
            Test::Call(function, arguments, hole) => {
                format!("{}({arguments:?}) {hole}", function.name)
            }
            Test::Of(function, test) => format!("{} of {}", test.written(), function.name),
            test => format!("{test:?}"),
        }
    }
}

/// Whether a list, as `connection` is one, names this header field (RFC 9110, sections 5.6.1 and 7.6.1).
pub(crate) fn names(list: &str, field: &str) -> bool {
    list.split(',').any(|item| trimmed(item).eq_ignore_ascii_case(field))
}
