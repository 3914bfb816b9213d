//! From the text of a literal to its value and type. A literal that means nothing is reported with the caret on the
//! part of it that is wrong. It reads one token; expressions are the checker's.

use std::sync::Arc;
use std::time::Duration;

use crate::diag::bad_literal::bad_literal;
use crate::diag::bad_regex::bad_regex;
use crate::diag::{Diag, Fix};
use crate::source::Span;
use crate::types::Ty;
use crate::value::{Pattern, Rate, Value};

mod network;
mod time;

/// Bytes a compiled pattern may take.
const REGEX_SIZE: usize = 256 << 10;

/// Units of time with their length in milliseconds.
const DURATIONS: &[(&str, u64)] =
    &[("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Units of size with their length in bytes.
const SIZES: &[(&str, u64)] =
    &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// Units that other tools have, with what is meant by them here.
const MEANT: &[(&str, &[&str])] = &[
    ("m", &["min", "ms"]),
    ("m", &["MiB"]),
    ("mins", &["min"]),
    ("minute", &["min"]),
    ("minutes", &["min"]),
    ("sec", &["s"]),
    ("secs", &["s"]),
    ("second", &["s"]),
    ("seconds", &["s"]),
    ("hr", &["h"]),
    ("hour", &["h"]),
    ("hours", &["h"]),
    ("day", &["d"]),
    ("days", &["d"]),
    ("k", &["KiB"]),
    ("kb", &["KiB"]),
    ("ki", &["KiB"]),
    ("mb", &["MiB"]),
    ("mi", &["MiB"]),
    ("g", &["GiB"]),
    ("gb", &["GiB"]),
    ("gi", &["GiB"]),
    ("t", &["TiB"]),
    ("tb", &["TiB"]),
];

/// Reads a literal that is not a string: a number with or without a unit, an address, a network, a range, `5xx`, or
/// `re"…"`. `span` is the literal's place; what is `expected` there only helps to say what a wrong one should have been.
pub fn literal(text: &str, span: Span, expected: Option<&Ty>) -> Result<(Value, Ty), Box<Diag>> {
    if let Some(rest) = text.strip_prefix("re\"") {
        let body = rest.strip_suffix('"').unwrap_or(rest);
        return regex(body, span.part(3, 3 + body.len()));
    }
    if let Some(at) = text.find("..") {
        return range(text, at, span, expected);
    }
    if text.contains(':') || text.bytes().filter(|&byte| byte == b'.').count() > 1 {
        return network::address_or_network(text, span).map_err(|diag| match expected {
            Some(Ty::Item("upstream")) => {
                let diag = Diag { fixes: Vec::new(), ..*diag };
                Box::new(diag.help(format!(
                    "`forward` names an upstream, which is an item of its own: `upstream NAME {{ server \"{text}\" }}`"
                )))
            }
            _ => diag,
        });
    }
    if let Some(diag) = rate_elsewhere(text, span) {
        return Err(Box::new(diag));
    }
    if let Some(at) = text.find('/') {
        return rate(text, at, span);
    }
    number(text, span, expected)
}

/// Compiles a pattern; `span` is the place of its text, between the quotes. `\"` stands for a quote.
pub fn regex(body: &str, span: Span) -> Result<(Value, Ty), Box<Diag>> {
    let text = body.replace("\\\"", "\"");
    if let Err(error) = regex_syntax::Parser::new().parse(&text) {
        let (kind, at) = match &error {
            regex_syntax::Error::Parse(error) => (error.kind().to_string(), *error.span()),
            regex_syntax::Error::Translate(error) => (error.kind().to_string(), *error.span()),
            _ => return Err(Box::new(bad_regex(span, "it is not understood"))),
        };
        let clamp = |offset: usize| written(body, offset).min(body.len());
        let (from, to) = (clamp(at.start.offset), clamp(at.end.offset));
        let reason = kind.trim_end_matches('.');
        let nth = text.get(..at.start.offset).map_or(0, |before| before.chars().count()) + 1;
        let reason = format!("{reason}, at character {nth} of the pattern");
        let diag = bad_regex(span.part(from, to.max(from)), reason);
        return Err(Box::new(match kind.contains("look-around") {
            true => {
                diag.help("what a text must not match is asked apart: `not matches(text, re\"…\")`")
            }
            false => diag,
        }));
    }
    match compiled(&text) {
        Some(pattern) => Ok((Value::Regex(pattern), Ty::Regex)),
        None => Err(Box::new(
            bad_regex(span, "its automaton is larger than 256 KiB")
                .help("use smaller counted repetitions, or `(?-u)` classes such as `[0-9]`"),
        )),
    }
}

/// The pattern that compares by this text; none if it is no pattern, or its automaton is larger than 256 KiB.
pub fn compiled(text: &str) -> Option<Pattern> {
    let mut builder = regex::RegexBuilder::new(text);
    let regex = builder.size_limit(REGEX_SIZE).dfa_size_limit(REGEX_SIZE).build().ok()?;
    Some(Pattern(Arc::new(regex)))
}

/// Reads a string where a value of `expected` is wanted that has no literal of its own: a UUID or a time. `None` for
/// any other type. `span` is the place of the text between the quotes.
pub fn from_string(text: &str, expected: &Ty, span: Span) -> Option<Result<Value, Box<Diag>>> {
    match expected.present() {
        Ty::Uuid => Some(uuid(text).map(Value::String).ok_or_else(|| {
            let wrong = text
                .char_indices()
                .find(|(_, c)| !c.is_ascii_hexdigit() && *c != '-')
                .map_or(span, |(at, c)| span.part(at, at + c.len_utf8()));
            Box::new(bad_literal(
                wrong,
                format!("`{text}` is not a UUID"),
                "a UUID has 8-4-4-4-12 hexadecimal digits",
            ))
        })),
        Ty::Time => Some(time::time(text, span).map(Value::Time)),
        _ => None,
    }
}

/// The canonical form of a UUID.
pub fn uuid(text: &str) -> Option<Arc<str>> {
    let groups: Vec<&str> = text.split('-').collect();
    let fits = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    fits.then(|| Arc::from(text.to_ascii_lowercase()))
}

/// Where byte `offset` of the pattern stands in the text as written, where a quote takes two bytes.
fn written(body: &str, offset: usize) -> usize {
    let (mut read, mut at) = (0, 0);
    while read < offset && at < body.len() {
        at += if body.as_bytes()[at..].starts_with(b"\\\"") { 2 } else { 1 };
        read += 1;
    }
    at
}

fn range(
    text: &str,
    at: usize,
    span: Span,
    expected: Option<&Ty>,
) -> Result<(Value, Ty), Box<Diag>> {
    let (low_text, high_text) = (&text[..at], &text[at + 2..]);
    let high_span = span.part(at + 2, text.len());
    for (side, side_span) in [(low_text, span.part(0, at)), (high_text, high_span)] {
        if side.is_empty() {
            return Err(Box::new(bad_literal(
                side_span,
                format!("the range `{text}` lacks an end"),
                "a value is missing here",
            )));
        }
    }
    let within = match expected {
        Some(Ty::Range(of)) => Some(&**of),
        other => other,
    };
    let (low, ty) = literal(low_text, span.part(0, at), within)?;
    let (high, high_ty) = literal(high_text, high_span, within)?;
    if ty != high_ty {
        return Err(Box::new(bad_literal(
            high_span,
            format!("the ends of `{text}` are of different types"),
            format!("this is {high_ty}, the other end is {ty}"),
        )));
    }
    if low > high {
        return Err(Box::new(
            bad_literal(
                high_span,
                format!("the range `{text}` holds nothing"),
                format!("this end is below `{low_text}`"),
            )
            .suggest("swap the ends", span, format!("{high_text}..{low_text}")),
        ));
    }
    Ok((Value::Range(Arc::new((low, high))), Ty::Range(Arc::new(ty))))
}

/// A rate as other gateways write it: `10r/s`, `600rpm`, `10req/s`.
fn rate_elsewhere(text: &str, span: Span) -> Option<Diag> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0)?;
    let (count, unit) = text.split_at(digits);
    let per = match unit {
        "r/s" | "rps" | "req/s" | "reqs/s" | "qps" | "r/sec" | "requests/s" => "s",
        "r/m" | "r/min" | "rpm" | "req/min" | "req/m" => "min",
        "r/h" | "rph" => "h",
        _ => return None,
    };
    let mended = format!("{count}/{per}");
    let diag = bad_literal(span, format!("`{text}` is not a rate"), "how many in which time");
    Some(diag.help(format!("write `{mended}`")).fix(format!("write `{mended}`"), span, mended))
}

fn rate(text: &str, at: usize, span: Span) -> Result<(Value, Ty), Box<Diag>> {
    let (count_text, unit) = (&text[..at], &text[at + 1..]);
    let count = integer(count_text, span.part(0, at))?;
    let count = u64::try_from(count).map_err(|_| {
        bad_literal(
            span.part(0, at),
            format!("`{text}` is not a rate"),
            "a rate counts from 0 upwards",
        )
    })?;
    let known = DURATIONS.iter().find(|(name, _)| *name == unit);
    match known {
        Some(&(_, ms)) => {
            Ok((Value::Rate(Rate { count, per: Duration::from_millis(ms) }), Ty::Rate))
        }
        None => {
            let place = span.part(at + 1, text.len());
            let mut diag = if unit.is_empty() || unit.bytes().all(|byte| byte.is_ascii_digit()) {
                bad_literal(
                    if unit.is_empty() { span.part(at, text.len()) } else { place },
                    format!("`{text}` is not a rate"),
                    "a unit of time belongs here",
                )
                .help("write how many in which time: `100/s`, `20/min`")
            } else {
                {
                    let units = DURATIONS.iter().map(|(name, _)| *name).collect();
                    unknown_unit(text, unit, place, units, None)
                }
            };
            if unit.is_empty() || unit == "1" {
                diag.fixes.push(replacement("count per second", place, "s"));
            }
            Err(Box::new(diag))
        }
    }
}

fn number(text: &str, span: Span, expected: Option<&Ty>) -> Result<(Value, Ty), Box<Diag>> {
    let digits_end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && *c == '-')))
        .map_or(text.len(), |(at, _)| at);
    let (digits, unit) = text.split_at(digits_end);
    let (digits_span, unit_span) = (span.part(0, digits_end), span.part(digits_end, text.len()));
    match unit {
        "" if !digits.contains('.') => Ok((Value::Int(integer(digits, digits_span)?), Ty::Int)),
        "" => Ok((Value::Float(float(digits, digits_span)?), Ty::Float)),
        "%" => {
            let value = float(digits, digits_span)?;
            if value < 0.0 {
                return Err(Box::new(bad_literal(
                    span.part(0, 1),
                    format!("`{text}` is below 0%"),
                    "a percentage is not negative",
                )));
            }
            Ok((Value::Percent(value), Ty::Percent))
        }
        "xx" => class(text, digits, digits_span),
        _ => quantity(text, (digits, digits_span), (unit, unit_span), expected),
    }
}

fn class(text: &str, digits: &str, span: Span) -> Result<(Value, Ty), Box<Diag>> {
    match digits.parse::<u16>() {
        Ok(hundreds @ 1..=5) => {
            let ends = (Value::Status(hundreds * 100), Value::Status(hundreds * 100 + 99));
            Ok((Value::Range(Arc::new(ends)), Ty::Range(Arc::new(Ty::Status))))
        }
        _ => Err(Box::new(bad_literal(
            span,
            format!("there are no statuses `{text}`"),
            "the classes are `1xx` to `5xx`",
        ))),
    }
}

fn quantity(
    text: &str,
    (digits, digits_span): (&str, Span),
    (unit, unit_span): (&str, Span),
    expected: Option<&Ty>,
) -> Result<(Value, Ty), Box<Diag>> {
    let duration = DURATIONS.iter().find(|(name, _)| *name == unit);
    let size = SIZES.iter().find(|(name, _)| *name == unit);
    let Some(&(_, factor)) = duration.or(size) else {
        let times = DURATIONS.iter().map(|(name, _)| *name);
        let sizes = SIZES.iter().map(|(name, _)| *name);
        let (units, fallback) = match expected.map(Ty::present) {
            Some(Ty::Duration) => (times.collect(), Some("s")),
            Some(Ty::Size) => (sizes.collect(), Some("B")),
            _ => (times.chain(sizes).chain(["%", "/s", "/min"]).collect(), None),
        };
        return Err(Box::new(unknown_unit(text, unit, unit_span, units, fallback)));
    };
    if digits.contains('.') {
        return Err(Box::new(fraction(text, digits, factor, duration.is_some(), digits_span)));
    }
    let count = integer(digits, digits_span)?;
    let amount = u64::try_from(count).ok().and_then(|count| count.checked_mul(factor));
    let Some(amount) = amount.filter(|&amount| amount <= i64::MAX as u64) else {
        return Err(Box::new(bad_literal(
            digits_span,
            format!("`{text}` is out of range"),
            if count < 0 { "this is below zero" } else { "this is too large" },
        )));
    };
    Ok(if duration.is_some() {
        (Value::Duration(Duration::from_millis(amount)), Ty::Duration)
    } else {
        (Value::Size(amount), Ty::Size)
    })
}

/// `1.5s` is refused so that every quantity has one way of writing it; the fix says it in a smaller unit.
fn fraction(text: &str, digits: &str, factor: u64, is_time: bool, span: Span) -> Diag {
    let point = digits.find('.').unwrap_or(0);
    let diag = bad_literal(
        span.part(point, digits.len()),
        format!("`{text}` is not a whole number of its unit"),
        "a quantity has no fraction",
    );
    let Some(amount) = digits.parse::<f64>().ok().map(|value| value * factor as f64) else {
        return diag;
    };
    let units = if is_time { DURATIONS } else { SIZES };
    let whole = units.iter().rev().find(|(_, size)| {
        let count = amount / *size as f64;
        count >= 1.0 && count.fract() == 0.0 && count < 1e15
    });
    match whole {
        Some((name, size)) => {
            let mended = format!("{}{name}", amount / *size as f64);
            let place = Span { end: span.start + text.len() as u32, ..span };
            diag.help(format!("write `{mended}`")).fix(format!("write `{mended}`"), place, mended)
        }
        None => diag,
    }
}

fn unknown_unit(
    text: &str,
    unit: &str,
    span: Span,
    known: Vec<&'static str>,
    fallback: Option<&'static str>,
) -> Diag {
    if unit.starts_with('_') && unit.bytes().all(|byte| byte == b'_' || byte.is_ascii_digit()) {
        let plain = text.replace('_', "");
        let whole = Span { start: span.start - (text.len() - unit.len()) as u32, ..span };
        return bad_literal(span, format!("`{text}` is not a number"), "digits are not grouped")
            .help(format!("write `{plain}`"))
            .fix(format!("write `{plain}`"), whole, plain);
    }
    let lower = unit.to_ascii_lowercase();
    let is_known = |units: &[&str]| units.iter().all(|name| known.contains(name));
    let listed = MEANT.iter().find(|(name, units)| *name == lower && is_known(units));
    let same = || known.iter().find(|name| name.eq_ignore_ascii_case(unit)).map(|name| vec![*name]);
    let near = || crate::vocab::nearest(unit, known.iter().copied()).map(|name| vec![name]);
    let meant: Vec<&str> = listed
        .map(|(_, units)| units.to_vec())
        .or_else(same)
        .or_else(near)
        .or_else(|| fallback.map(|name| vec![name]))
        .unwrap_or_default();
    let number = text.strip_suffix(unit).unwrap_or("");
    let is_sure = !unit.contains(|c: char| c.is_ascii_digit());
    let units = format!("the units are `{}`", known.join("`, `"));
    let mut diag =
        bad_literal(span, format!("`{text}` has an unknown unit"), format!("no unit `{unit}`"))
            .help(match meant.as_slice() {
                [only] if is_sure => format!("write `{number}{only}`; {units}"),
                [one, other] if is_sure => {
                    format!("write `{number}{one}` or `{number}{other}`; {units}")
                }
                _ if !is_sure => {
                    format!("a quantity is one number and one unit, as in `90min`; {units}")
                }
                _ => units,
            });
    for name in meant {
        diag.fixes.push(replacement(&format!("write `{name}`"), span, name));
    }
    diag
}

fn replacement(title: &str, span: Span, text: &str) -> Fix {
    let edit = crate::diag::Edit { span, text: text.to_owned() };
    Fix { title: title.to_owned(), edits: vec![edit], certain: false }
}

fn integer(digits: &str, span: Span) -> Result<i64, Box<Diag>> {
    let bare = digits.strip_prefix('-').unwrap_or(digits);
    if bare.is_empty() || bare.contains(|c: char| !c.is_ascii_digit()) {
        let wrong = bare.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        let from = digits.len() - bare.len() + wrong;
        return Err(Box::new(bad_literal(
            span.part(from, digits.len()),
            format!("`{digits}` is not an integer"),
            "a digit belongs here",
        )));
    }
    if bare.len() > 1 && bare.starts_with('0') {
        let zeros = bare.len() - bare.trim_start_matches('0').len().max(1);
        let from = digits.len() - bare.len();
        return Err(Box::new(
            bad_literal(
                span.part(from, from + zeros),
                format!("`{digits}` begins with a zero"),
                "numbers are decimal; a leading zero means nothing",
            )
            .fix("remove the zeros", span.part(from, from + zeros), ""),
        ));
    }
    digits.parse().map_err(|_| {
        Box::new(bad_literal(
            span,
            format!("`{digits}` is out of range"),
            format!("integers end at {}", i64::MAX),
        ))
    })
}

fn float(digits: &str, span: Span) -> Result<f64, Box<Diag>> {
    let value = digits.parse::<f64>().ok().filter(|value| value.is_finite());
    match value {
        Some(value) if !digits.ends_with('.') && !digits.starts_with('.') => Ok(value),
        _ => Err(Box::new(bad_literal(
            span,
            format!("`{digits}` is not a number"),
            "digits belong on both sides of the point",
        ))),
    }
}

/// The type's literal that an integer was probably meant to be, with the text to append: `5` for a duration is `5s`.
pub fn unit_for(expected: &Ty) -> &'static [(&'static str, &'static str)] {
    match expected.present() {
        Ty::Duration => &[("s", "seconds"), ("ms", "milliseconds"), ("min", "minutes")],
        Ty::Size => &[("B", "bytes"), ("KiB", "kibibytes"), ("MiB", "mebibytes")],
        Ty::Rate => &[("/s", "per second"), ("/min", "per minute")],
        Ty::Percent => &[("%", "per cent")],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let (value, ty) = literal(text, Span::default().part(0, text.len()), None).expect(text);
        format!("{value}: {ty}")
    }

    fn wrong(text: &str) -> String {
        let diag = literal(text, Span::default().part(0, text.len()), Some(&Ty::Duration))
            .expect_err(text);
        let fix = diag.fixes.first().and_then(|fix| fix.edits.first());
        let fix = fix.map_or(String::new(), |edit| format!(" -> {}", edit.text));
        let place = text.get(diag.span().range()).unwrap_or("OUT OF THE LITERAL");
        format!("[{place}] {}{fix}", diag.message)
    }

    #[test]
    fn literals_have_values_and_types() {
        for (text, value) in [
            ("404", "404: Int"),
            ("-3", "-3: Int"),
            ("1.2", "1.2: Float"),
            ("250ms", "250ms: Duration"),
            ("10min", "10min: Duration"),
            ("10MiB", "10MiB: Size"),
            ("100/s", "100/s: Rate"),
            ("20%", "20%: Percent"),
            ("5xx", "500..599: Status..Status"),
            ("10.0.0.0/8", "10.0.0.0/8: Cidr"),
            ("fd00::/8", "fd00::/8: Cidr"),
            ("::1", "::1: Ip"),
            ("25ms..250ms", "25ms..250ms: Duration..Duration"),
            ("re\"^a+$\"", "re\"^a+$\": Regex"),
        ] {
            assert_eq!(read(text), value);
        }
    }

    #[test]
    fn the_caret_is_on_the_part_that_is_wrong() {
        for (text, expected) in [
            ("10.0.0.0/33", "[33] `10.0.0.0/33` is not a network"),
            ("10.1.0.0/8", "[10.1.0.0] `10.1.0.0/8` has host bits set -> 10.0.0.0"),
            ("10.0.0.256", "[256] `10.0.0.256` is not an address"),
            ("1.2.3", "[1.2.3] `1.2.3` is neither a number nor an address"),
            ("5x", "[x] `5x` has an unknown unit -> s"),
            ("1_000", "[_000] `1_000` is not a number -> 1000"),
            ("5m", "[m] `5m` has an unknown unit -> min"),
            ("5sec", "[sec] `5sec` has an unknown unit -> s"),
            ("1.5s", "[.5] `1.5s` is not a whole number of its unit -> 1500ms"),
            ("7xx", "[7] there are no statuses `7xx`"),
            ("9s..1s", "[1s] the range `9s..1s` holds nothing -> 1s..9s"),
            ("re\"a(b\"", "[(] `re\"…\"` does not compile"),
            ("007", "[00] `007` begins with a zero -> "),
            (
                "99999999999999999999",
                "[99999999999999999999] `99999999999999999999` is out of range",
            ),
        ] {
            assert_eq!(wrong(text), expected);
        }
    }
}
