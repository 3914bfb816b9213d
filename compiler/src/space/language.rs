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
use crate::pattern::{Plain, plain};

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
            Test::Names(fields) => {
                let names: Vec<String> =
                    fields.iter().map(|name| regex_syntax::escape(name)).collect();
                let names = names.join("|");
                Some(format!(r"(?:\A|,)[\t ]*(?i-u:{names})[\t ]*(?:,|\z)"))
            }
            Test::Unsayable => Some(r"[\x00-\x08\x0a-\x1f\x7f]".to_owned()),
            Test::Misspelt(within) => Some(within.refused().to_owned()),
            _ => None,
        }
    }
}

impl Test {
    /// What it asks of the number of a text's characters, if that is all that it asks.
    pub(super) fn counts(&self) -> Option<&Test> {
        match self {
            Test::Of(function, test) => match function.name {
                "length" => Some(&**test),
                "lower" | "upper" => test.counts(),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A pattern that fits the texts of which the function makes something that passes the test, if there is one.
fn language_before(function: &'static Function, test: &Test) -> Option<String> {
    match function.name {
        "lower" => Some(cased(&bytes(&texts(test)?)?, Case::Lower).to_string()),
        "upper" => Some(cased(&bytes(&texts(test)?)?, Case::Upper).to_string()),
        "trim" => trims(function, test),
        "int" => integers(test),
        "length" => {
            let lengths =
                lengths(test)?.into_iter().map(|(first, last)| many(CHARACTER, first, last));
            Some(format!(r"\A(?s-u:{})\z", any(lengths.collect())))
        }
        _ => None,
    }
}

/// A text without the blanks at its ends.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Whether a header field can say this text (RFC 9110, section 5.5).
pub(crate) fn can_be_said(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// A pattern of the texts that pass the test once the blanks at their ends are gone, if there is one.
fn trims(trim: &'static Function, test: &Test) -> Option<String> {
    const BLANKS: &str = r"[\t ]*";
    let inner = match test {
        // Where letters are brought to a case, blanks stay what they are.
        Test::Of(function, inner) if matches!(function.name, "lower" | "upper") => {
            return language_before(function, &Test::Of(trim, inner.clone()));
        }
        Test::Of(function, inner) if function.name == "trim" => return trims(trim, inner),
        Test::Of(function, inner) if function.name == "length" => {
            let lengths = lengths(inner)?.into_iter().flat_map(|(first, last)| {
                let is_within = |length| first <= length && last.is_none_or(|last| length <= last);
                let none = is_within(0).then(String::new);
                let one = is_within(1).then(|| FIRM.to_owned());
                let more = last.is_none_or(|last| last >= 2).then(|| {
                    let inner = many(CHARACTER, (first - 2).max(0), last.map(|last| last - 2));
                    format!("{FIRM}{inner}{FIRM}")
                });
                none.into_iter().chain(one).chain(more)
            });
            any(lengths.collect())
        }
        Test::Call(..) => {
            let is_firm = |text: &String| !text.is_empty() && trimmed(text) == text;
            let escape =
                |text: String| Some(regex_syntax::escape(&text)).filter(|_| is_firm(&text));
            return Some(match plain(&test.language()?)? {
                Plain::Is(text) => format!(r"\A{BLANKS}{}{BLANKS}\z", escape(text)?),
                Plain::Begins(text) => format!(r"\A{BLANKS}{}", escape(text)?),
                Plain::Ends(text) => format!(r"{}{BLANKS}\z", escape(text)?),
                Plain::Holds(text) => escape(text)?,
            });
        }
        Test::Compare(Compare::Eq, _) | Test::In(_) | Test::Matches(_) => {
            let words =
                test.points()?.into_iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
            let words = words.into_iter().filter(|word| trimmed(word) == *word);
            any(words.map(regex_syntax::escape).collect())
        }
        _ => return None,
    };
    Some(format!(r"\A(?s-u:{BLANKS}(?:{inner}){BLANKS})\z"))
}

/// A pattern of one of these. What no text fits is written as a class of nothing.
fn any(patterns: Vec<String>) -> String {
    if patterns.is_empty() { r"[^\x00-\xFF]".to_owned() } else { patterns.join("|") }
}

/// A pattern repeated so often.
fn many(pattern: &str, first: i64, last: Option<i64>) -> String {
    let last = last.map(|last| last.to_string()).unwrap_or_default();
    format!("{pattern}{{{first},{last}}}")
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

/// The numbers of characters that pass the test, as the first and the last of those that follow each other.
fn lengths(test: &Test) -> Option<Vec<(i64, Option<i64>)>> {
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
    Some(taken.map(|(at, start)| (*start, starts.get(at + 1).map(|next| next - 1))).collect())
}

/// A pattern of the texts that are read as a whole number which passes the test, if there is one: a sign may stand before
/// it, and noughts.
fn integers(test: &Test) -> Option<String> {
    let mut starts = BTreeSet::from([i128::from(i64::MIN), 0, 1]);
    for bound in test.bounds()? {
        let Value::Int(bound) = bound else { return None };
        starts.extend([i128::from(*bound), i128::from(*bound) + 1]);
    }
    let starts: Vec<i128> = starts.into_iter().filter(|at| i64::try_from(*at).is_ok()).collect();
    let mut patterns = Vec::new();
    for (at, first) in starts.iter().enumerate() {
        let last = starts.get(at + 1).map_or(i128::from(i64::MAX), |next| next - 1);
        if !test.holds(&Value::Int(i64::try_from(*first).ok()?)) {
            continue;
        }
        let sign = match first {
            0 => r"[+-]?",
            1.. => r"\+?",
            _ => "-",
        };
        let mut digits = Vec::new();
        let ends = [first.unsigned_abs(), last.unsigned_abs()];
        between(ends[0].min(ends[1]), ends[0].max(ends[1]), &mut digits);
        patterns.push(format!("{sign}0*(?:{})", digits.join("|")));
    }
    Some(format!(r"\A(?:{})\z", any(patterns)))
}

/// Patterns of the numbers from the first to the last, as they are printed.
fn between(first: u128, last: u128, patterns: &mut Vec<String>) {
    let mut first = first;
    while first <= last {
        // As many figures at the end as may be any, and the one before them from its own on.
        let mut ten: u128 = 1;
        while first > 0 && first.is_multiple_of(ten * 10) && first + ten * 10 - 1 <= last {
            ten *= 10;
        }
        let figure = first / ten % 10;
        let most = (9 - figure).min((last - first + 1) / ten - 1);
        let before = first / ten / 10;
        let before = if before > 0 { before.to_string() } else { String::new() };
        let rest = ten.ilog10();
        patterns.push(format!("{before}[{figure}-{}][0-9]{{{rest}}}", figure + most));
        first += (most + 1) * ten;
    }
}

/// One character of a text in UTF-8, by its first byte.
const CHARACTER: &str = r"(?:[\x00-\x7F\xC0-\xFF][\x80-\xBF]*)";

/// One that is no blank.
const FIRM: &str = r"(?:[\x00-\x08\x0A-\x1F\x21-\x7F\xC0-\xFF][\x80-\xBF]*)";

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
            ("trim", eq("ab")),
            ("trim", eq("ab ")),
            ("trim", eq("")),
            ("trim", begins("a")),
            ("trim", Test::Of(function("lower"), Box::new(eq("b[ot")))),
            ("lower", Test::Of(function("trim"), Box::new(eq("b[ot")))),
            ("trim", Test::Of(function("length"), Box::new(int(Compare::Eq, 0)))),
            ("trim", Test::Of(function("length"), Box::new(int(Compare::Lt, 3)))),
            ("trim", Test::Of(function("length"), Box::new(int(Compare::Ge, 4)))),
            ("trim", Test::Of(function("trim"), Box::new(eq("ab")))),
            ("int", Test::Present),
            ("int", int(Compare::Eq, 0)),
            ("int", int(Compare::Ne, 5)),
            ("int", int(Compare::Lt, -7)),
            ("int", int(Compare::Ge, i64::MIN)),
            ("int", int(Compare::Gt, i64::MAX - 1)),
            ("int", int(Compare::Le, 1234)),
            (
                "upper",
                Test::Of(
                    function("trim"),
                    Box::new(Test::Of(function("length"), Box::new(int(Compare::Eq, 2)))),
                ),
            ),
        ];
        let texts = [
            "",
            "b[ot",
            "B[OT",
            "web-é",
            "WeB-é",
            "WEB-É",
            "ab",
            "größe",
            "Web",
            "aéio",
            " ab\t",
            "\t",
            "a b",
            " B[ot ",
            "é ",
            " é é ",
            "0",
            "-0",
            "+0",
            "007",
            "+5",
            "5",
            "-5",
            "-8",
            "--8",
            "+",
            "-",
            "1234",
            "1235",
            "12a",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
        ];
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
