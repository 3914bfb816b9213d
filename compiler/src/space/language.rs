//! Tests of texts as patterns: a pattern fits exactly the texts that a test takes. Of what a function makes of a text it is
//! a pattern of the text itself: letters of either case where it is put in one, so many characters where these are counted.

use std::collections::BTreeSet;

use lang::Value;
use lang::policy::{Compare, Host};
use lang::vocab::Function;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind,
    Repetition,
};

use super::test::Test;

/// The longest text that is told from longer ones.
const LONGEST: i64 = 16_384;

impl Test {
    /// A pattern that fits the texts it takes, if there is one.
    pub(crate) fn language(&self) -> Option<String> {
        match self {
            Test::Host(Host::OneLabel(suffix)) => {
                Some(format!(r"\A[^.]+\.{}\z", regex_syntax::escape(suffix)))
            }
            Test::Host(Host::Labels(suffix)) => {
                Some(format!(r"\A(?:[^.]+\.)+{}\z", regex_syntax::escape(suffix)))
            }
            Test::Call(function, arguments, 0) => (function.texts?)(arguments.get(1..)?),
            Test::Of(function, test) => language_before(function, test),
            Test::Begins(prefix) => Some(format!(r"\A{}", regex_syntax::escape(prefix))),
            _ => None,
        }
    }
}

/// A pattern that fits the texts of which the function makes something that passes the test, if there is one.
fn language_before(function: &Function, test: &Test) -> Option<String> {
    match function.name {
        "lower" => Some(cased(&bytes(&texts(test)?)?, Case::Lower).to_string()),
        "upper" => Some(cased(&bytes(&texts(test)?)?, Case::Upper).to_string()),
        "length" => lengths(test),
        _ => None,
    }
}

/// A pattern that may speak of bytes, as those do that count characters.
fn bytes(pattern: &str) -> Option<Hir> {
    ParserBuilder::new().utf8(false).build().parse(pattern).ok()
}

/// A pattern that fits the texts which pass the test.
fn texts(test: &Test) -> Option<String> {
    let points = match test {
        Test::Compare(Compare::Eq, _) | Test::In(_) | Test::Matches(_) => test.points()?,
        test => return test.language(),
    };
    let words: Option<Vec<String>> =
        points.into_iter().map(|value| value.as_str().map(regex_syntax::escape)).collect();
    let words = words.filter(|words| !words.is_empty())?;
    Some(format!(r"\A(?:{})\z", words.join("|")))
}

/// To which case ASCII letters are brought.
#[derive(Clone, Copy)]
enum Case {
    Lower,
    Upper,
}

impl Case {
    /// The characters that come to this one.
    fn before(self, letter: char) -> Vec<char> {
        match self {
            Case::Lower if letter.is_ascii_lowercase() => vec![letter.to_ascii_uppercase(), letter],
            Case::Upper if letter.is_ascii_uppercase() => vec![letter, letter.to_ascii_lowercase()],
            Case::Lower if letter.is_ascii_uppercase() => Vec::new(),
            Case::Upper if letter.is_ascii_lowercase() => Vec::new(),
            _ => vec![letter],
        }
    }

    /// The ranges of characters that come to one of this range. Nothing but ASCII letters is changed.
    fn ranges(self, first: u32, last: u32) -> Vec<(u32, u32)> {
        let mut ranges = Vec::new();
        for ascii in first..=last.min(0x7f) {
            let before = char::from_u32(ascii).map(|letter| self.before(letter));
            ranges.extend(before.into_iter().flatten().map(|c| (u32::from(c), u32::from(c))));
        }
        if last > 0x7f {
            ranges.push((first.max(0x80), last));
        }
        ranges
    }
}

/// The pattern of the texts that come to fit this one when their letters are brought to a case.
fn cased(hir: &Hir, case: Case) -> Hir {
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Look(look) => Hir::look(*look),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => {
                Hir::concat(text.chars().map(|letter| one_of(case.before(letter))).collect())
            }
            // No policy writes other bytes.
            Err(_) => Hir::literal(literal.0.clone()),
        },
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class
                .iter()
                .flat_map(|range| case.ranges(u32::from(range.start()), u32::from(range.end())));
            let ranges = ranges.filter_map(|(first, last)| {
                Some(ClassUnicodeRange::new(char::from_u32(first)?, char::from_u32(last)?))
            });
            Hir::class(Class::Unicode(ClassUnicode::new(ranges)))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ranges = class
                .iter()
                .flat_map(|range| case.ranges(u32::from(range.start()), u32::from(range.end())));
            let ranges = ranges.filter_map(|(first, last)| {
                Some(ClassBytesRange::new(u8::try_from(first).ok()?, u8::try_from(last).ok()?))
            });
            Hir::class(Class::Bytes(ClassBytes::new(ranges)))
        }
        HirKind::Repetition(of) => {
            let sub = Box::new(cased(&of.sub, case));
            Hir::repetition(Repetition { sub, ..of.clone() })
        }
        HirKind::Capture(of) => {
            let sub = Box::new(cased(&of.sub, case));
            Hir::capture(Capture { sub, ..of.clone() })
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(|part| cased(part, case)).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| cased(part, case)).collect())
        }
    }
}

fn one_of(letters: Vec<char>) -> Hir {
    let ranges = letters.into_iter().map(|letter| ClassUnicodeRange::new(letter, letter));
    Hir::class(Class::Unicode(ClassUnicode::new(ranges)))
}

/// A pattern of the texts whose number of characters passes the test.
fn lengths(test: &Test) -> Option<String> {
    let mut starts = BTreeSet::from([0]);
    for bound in test.bounds()? {
        let Value::Int(bound) = bound else { return None };
        if *bound > LONGEST {
            return None;
        }
        starts.extend([*bound, bound.saturating_add(1)].into_iter().filter(|start| *start >= 0));
    }
    let starts: Vec<i64> = starts.into_iter().collect();
    let taken = starts.iter().enumerate().filter(|(_, start)| test.holds(&Value::Int(**start)));
    let taken = taken.map(|(at, start)| match starts.get(at + 1) {
        Some(next) => format!("{CHARACTER}{{{start},{}}}", next - 1),
        None => format!("{CHARACTER}{{{start},}}"),
    });
    let taken: Vec<String> = taken.collect();
    // What no text fits is written as a class of nothing.
    let taken = if taken.is_empty() { r"[^\x00-\xFF]".to_owned() } else { taken.join("|") };
    Some(format!(r"\A(?s-u:{taken})\z"))
}

/// One character of a text in UTF-8, by its first byte.
const CHARACTER: &str = r"(?:[\x00-\x7F\xC0-\xFF][\x80-\xBF]*)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::automata::{Pattern, SIZE};

    fn function(name: &str) -> &'static Function {
        lang::functions::FUNCTIONS.iter().find(|row| row.name == name).unwrap()
    }

    #[test]
    fn what_a_function_makes_of_a_text_is_asked_of_the_text() {
        let eq = |text: &str| Test::Compare(Compare::Eq, Value::string(text));
        let begins = |text: &str| {
            let arguments = [Value::Absent, Value::string(text)];
            Test::Call(function("starts_with"), arguments.into(), 0)
        };
        let int = |how, n| Test::Compare(how, Value::Int(n));
        let tests = [
            ("lower", eq("web-é")),
            ("lower", eq("Web")),
            ("upper", eq("WEB-É")),
            ("lower", begins("b[ot")),
            ("upper", begins("B")),
            ("length", int(Compare::Ge, 0)),
            ("length", int(Compare::Ge, 3)),
            ("length", int(Compare::Lt, 2)),
            ("length", int(Compare::Eq, 5)),
            ("length", int(Compare::Lt, 0)),
            ("length", int(Compare::Ne, 3)),
            ("lower", Test::Of(function("length"), Box::new(int(Compare::Eq, 5)))),
            ("upper", Test::Of(function("length"), Box::new(int(Compare::Lt, 4)))),
        ];
        let texts = ["", "b[ot", "B[OT", "web-é", "WeB-é", "WEB-É", "ab", "größe", "Web", "aéio"];
        for (name, test) in tests {
            let of = Test::Of(function(name), Box::new(test));
            let pattern = Pattern::new(&of.language().unwrap(), SIZE).unwrap();
            for text in texts {
                let fits = pattern.fits(text);
                assert_eq!(fits, Some(of.holds(&Value::string(text))), "{of:?} {text}");
            }
        }
    }
}
