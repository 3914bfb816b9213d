//! Cuts the values of one field into finitely many classes, such that every test asked of the field answers alike for all
//! values of a class. Each class has a value of it as its sample; the answers are found by asking that.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use lang::{Ty, Value};

use super::automata::{Apart, Pattern, SIZE};
use super::patience::Patience;
use super::test::Test;
use lang::segment::Segments;

/// What a field's values are like.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    /// A value of this type, or none if that is optional.
    Value(Ty),
    /// A host in the normal form.
    Host,
    /// The name that a client asks for in its handshake, if it does.
    Name,
    /// What a request is known by.
    Id,
    /// The subject of a client's certificate, if one is shown.
    Subject,
    /// A segment of the path, the empty text behind a final `/`, or nothing behind the end.
    Segment,
    /// The value of a header field, if it is there.
    Header,
    /// The value of a cookie, if it is there.
    Cookie,
    /// The content as a document, if it is one.
    Document,
}

/// A question as asked of a field: for a segment, what makes a value of it.
pub(super) type Asked<'t> = (Option<&'t Segments>, &'t Test);

/// A field's classes.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// A value of each. The last class holds what nobody asks for, where there is such a thing.
    pub(super) samples: Vec<Value>,
    /// For each question whether its answers are the same within each class. The others need a field of their own.
    pub(super) cut: Vec<bool>,
    /// By the place of a question that is cut: the classes within which its answers may differ all the same.
    pub(super) but: BTreeMap<usize, Vec<u32>>,
    /// Whether a segment's texts are told apart as patterns over the whole path need it.
    pub(super) led: bool,
}

/// Cuts a field by what is asked of it; a segment also by where it leads patterns over the whole path.
pub(super) fn classes(
    kind: &Kind,
    asked: &[Asked<'_>],
    led: &[Apart],
    patience: &Patience,
) -> Classes {
    match kind {
        Kind::Segment => segments(asked, led, patience),
        Kind::Header => {
            or_absent(texts(asked, (&VALUES, false), "x", &|text| Value::string(text), patience))
        }
        Kind::Cookie => {
            or_absent(texts(asked, (&COOKIES, false), "x", &|text| Value::string(text), patience))
        }
        Kind::Subject => {
            let text = |text: &str| Value::string(text);
            or_absent(texts(asked, (&SUBJECTS, false), "CN=x", &text, patience))
        }
        // A short one fits most content.
        Kind::Document => or_absent(points(asked, &(0..10).map(Value::Int).collect::<Vec<_>>())),
        Kind::Host => {
            let text = |text: &str| Value::string(text);
            // Where characters are counted, so are those of labels.
            let counts = asked.iter().any(|(_, test)| test.counts().is_some());
            let domain = if counts { &LABELS } else { &HOSTS };
            texts(asked, (domain, true), "host.example", &text, patience)
        }
        Kind::Name => or_absent(texts(
            asked,
            (&NAMES, true),
            "host.example",
            &|text| Value::string(text),
            patience,
        )),
        Kind::Id => texts(asked, (&IDS, false), SOME_ID, &|text| Value::string(text), patience),
        Kind::Value(ty) => {
            let classes = present(ty.present(), asked, patience);
            if ty.is_optional() { or_absent(classes) } else { classes }
        }
    }
}

/// What may stand behind so many segments of a path, told apart by patterns over the whole. Nothing comes first.
pub(super) fn rest(apart: &[Apart], patience: &Patience) -> Option<Vec<Value>> {
    let texts = patience.samples(apart, &RESTS, &BTreeSet::new())?;
    // What needs the longest text to be seen comes first, the plainest last.
    let texts = texts.into_iter().rev().map(Value::String);
    Some([Value::Absent].into_iter().chain(texts).collect())
}

/// Absence first: the last class is the one that nobody asks for.
fn or_absent(mut classes: Classes) -> Classes {
    classes.samples.insert(0, Value::Absent);
    classes.but.values_mut().flatten().for_each(|class| *class += 1);
    classes
}

/// A text of the field that fits the pattern.
pub(super) fn example(is_path: bool, pattern: &Pattern, patience: &Patience) -> Option<Arc<str>> {
    let domain: &Domain = if is_path { &RESTS } else { &VALUES };
    let apart = [Apart::Taken(pattern.clone())];
    let texts = patience.samples(&apart, domain, &BTreeSet::new())?;
    texts.into_iter().find(|text| pattern.fits(text) == Some(true))
}

/// The texts that a field can say; `None` stands for all.
pub(super) type Domain = LazyLock<Option<Pattern>>;

/// The texts that can be a host in the normal form; that names and labels are not too long is not in it.
pub(super) static HOSTS: Domain = LazyLock::new(|| Pattern::new(&hosts("+"), SIZE));
/// The same with labels that are not too long (RFC 1035, section 2.3.4).
static LABELS: Domain = LazyLock::new(|| Pattern::new(&hosts("{1,63}"), SIZE));
/// The names among them that a handshake brings: no label begins or ends with a hyphen, and the last is no number, neither
/// decimal nor hexadecimal, as that of an address may be.
pub(super) static NAMES: Domain = LazyLock::new(|| {
    let more = "[a-z0-9_-]*[a-z0-9_]";
    let label = format!("[a-z0-9_](?:{more})?");
    let word = format!("[a-z_](?:{more})?");
    let decimal = format!("(?:[1-9][0-9]*|0[0-9]+)(?:{word}|-{more})");
    let zero = format!("0(?:[a-wyz_](?:{more})?|-{more})");
    let hex = format!("0x[0-9a-f]*(?:[g-z_](?:{more})?|-{more})");
    Pattern::new(&format!(r"\A(?:{label}\.)*(?:{word}|{decimal}|{zero}|{hex})\z"), SIZE)
});
/// What a request is known by: 32 hexadecimal digits.
pub(super) static IDS: Domain = LazyLock::new(|| Pattern::new(r"\A[0-9a-f]{32}\z", SIZE));
/// One that the gateway may give to a request.
pub(crate) const SOME_ID: &str = "3d8f2a6b7c915e04f1a2b3c4d5e6f708";
/// Subjects of certificates as they are read: those parts by name that RFC 4514, section 3, names, others by number, and
/// what has a meaning in such a text behind a backslash.
pub(super) static SUBJECTS: Domain = LazyLock::new(|| {
    const KINDS: &str = "CN|L|ST|O|OU|C|STREET|DC|UID";
    let firm = r#"(?:[^"+,;<>=\\\x00-\x20#\x7f]|\\(?:["+,;<>\\=]|[0-9a-f]{2}))"#;
    let value = format!(r"(?:(?:{firm}|\\[ #])(?:(?:{firm}|[ #])*(?:{firm}|#|\\ ))?)?");
    let bytes = "#(?:[0-9a-f]{2})*";
    let part = format!(r"(?:(?:{KINDS})=(?:{value}|{bytes})|[0-9]+(?:\.[0-9]+)*={bytes})");
    Pattern::new(&format!(r"\A(?:{part}(?:[,+]{part})*)?\z"), SIZE)
});
/// The texts that can be the value of a header field (RFC 9110 section 5.5): no space at the ends, no control character.
pub(super) static VALUES: Domain = LazyLock::new(|| {
    Pattern::new(r"\A(?:[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?\z", SIZE)
});
/// The texts that can be the value of a cookie as it is read of a header: it ends before a `;`, and between quotes, which
/// are no part of it, blanks may stand at its ends.
pub(super) static COOKIES: Domain =
    LazyLock::new(|| Pattern::new(r"\A[^\x00-\x08\x0a-\x1f\x7f;]*\z", SIZE));
/// The segments of a path that are not empty.
pub(super) static SEGMENTS: Domain =
    LazyLock::new(|| Pattern::new(&format!(r"\A{}\z", segment()), SIZE));
/// What can stand behind segments of a path.
pub(super) static RESTS: Domain =
    LazyLock::new(|| Pattern::new(&format!(r"\A(?:(?:/{})+/?|/)\z", segment()), SIZE));
/// All texts.
static TEXTS: Domain = LazyLock::new(|| Pattern::new(r"\A(?s:.)*\z", SIZE));

/// The most characters of a host.
pub(super) const LONGEST_HOST: usize = 253;

/// Whether a text that has the form of a host is one: RFC 1035, section 2.3.4, for names, and addresses in one spelling.
pub(crate) fn is_host_name(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(address) => {
            address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address)
        }
        None => text.len() <= LONGEST_HOST && text.split('.').all(|label| label.len() <= 63),
    }
}

/// Whether the field can say this; a text that is none of them is compared in vain.
pub(super) fn can_say(domain: &Domain, text: &str) -> bool {
    domain.as_ref().is_none_or(|pattern| pattern.fits(text).unwrap_or(true))
}

/// Whether a field that is compared with this text can say it, as far as its form decides that.
pub(crate) fn may_be(field: &str, text: &str) -> bool {
    match field {
        "req.host" => can_say(&HOSTS, text) && is_host_name(text),
        "conn.sni" => can_say(&NAMES, text) && is_host_name(text),
        "req.path" => text == "*" || can_say(&RESTS, text),
        "req.id" => can_say(&IDS, text),
        "req.header" => can_say(&VALUES, text),
        "req.cookie" => can_say(&COOKIES, text),
        "conn.tls.client" => can_say(&SUBJECTS, text),
        "path" => can_say(&SEGMENTS, text),
        _ => true,
    }
}

/// A pattern of hosts whose labels have so many characters.
fn hosts(many: &str) -> String {
    let label = format!("[a-z0-9_-]{many}");
    let group = "(?:0|[1-9a-f][0-9a-f]{0,3})";
    let address = format!(
        r"(?:{group}(?::{group}){{0,6}})?::(?:{group}(?::{group}){{0,6}})?|(?:{group}:){{7}}{group}|::ffff:(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}"
    );
    format!(r"\A(?:{label}(?:\.{label})*|\[(?:{address})\])?\z")
}

/// What a character of a path can be in the normal form, but for dot and semicolon: some are never encoded, some always.
const PLAIN: &str =
    r"[A-Za-z0-9\-_~!$&'()*+,=:@]|%(?:2[0-9A-C]|3[A-F]|40|5[BDE]|60|7[B-D]|[89A-F][0-9A-F])";
/// The texts of UUIDs.
const UUIDS: &str =
    r"\A[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\z";

/// A pattern of the segments in the normal form with something in them: none that begins with one or two dots and then
/// ends or goes on with a parameter.
fn segment() -> String {
    let any = format!(r"(?:{PLAIN}|[.;])");
    let first = format!(r"(?:{PLAIN}|;)");
    format!(r"(?:{first}{any}*|\.\.?(?:{PLAIN}){any}*|\.\.\.{any}*)")
}

fn present(ty: &Ty, asked: &[Asked<'_>], patience: &Patience) -> Classes {
    match ty {
        Ty::Bool => all(asked, vec![Value::Bool(true), Value::Bool(false)]),
        Ty::OneOf(words) => {
            all(asked, words.iter().map(|word| Value::String(word.clone())).collect())
        }
        Ty::String => texts(asked, (&TEXTS, false), "x", &|text| Value::string(text), patience),
        Ty::Method => methods(asked),
        Ty::Int | Ty::Status | Ty::Time | Ty::Size | Ty::Duration => line(ty, asked),
        Ty::Ip => addresses(asked),
        Ty::Float => {
            points(asked, &(0..10).map(|n| Value::Float(f64::from(n))).collect::<Vec<_>>())
        }
        Ty::Uuid => {
            let named: BTreeSet<Arc<str>> = asked
                .iter()
                .flat_map(|(_, test)| test.points().unwrap_or_default())
                .filter_map(|value| value.as_str().map(Arc::from))
                .collect();
            points(asked, &fresh_uuid(&named).map(Value::String).into_iter().collect::<Vec<_>>())
        }
        _ => points(asked, &[]),
    }
}

/// Few values: each is a class.
fn all(asked: &[Asked<'_>], samples: Vec<Value>) -> Classes {
    Classes { samples, cut: vec![true; asked.len()], led: true, ..Classes::default() }
}

/// Values that are only compared for equality: each one named is a class, the others are one.
fn points(asked: &[Asked<'_>], others: &[Value]) -> Classes {
    let named: Vec<Option<Vec<&Value>>> = asked.iter().map(|(_, test)| test.points()).collect();
    let cut = named.iter().map(Option::is_some).collect();
    let named = named.into_iter().flatten().flatten();
    let mut samples: Vec<Value> = named.filter(|value| !value.is_absent()).cloned().collect();
    samples.sort_unstable();
    samples.dedup();
    // A value that nobody names stands for all others.
    let other =
        others.iter().find(|other| !samples.contains(other)).cloned().unwrap_or_else(|| {
            Value::String(fresh("x", &|text| samples.contains(&Value::string(text))))
        });
    samples.push(other);
    Classes { samples, cut, led: true, ..Classes::default() }
}

fn methods(asked: &[Asked<'_>]) -> Classes {
    let mut classes = points(asked, &[]);
    let other = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"];
    let unnamed = |name: &&str| !classes.samples.contains(&Value::Method(Arc::from(*name)));
    let other = other.iter().find(|name| unnamed(name)).map_or_else(
        || fresh("X", &|name| classes.samples.contains(&Value::Method(Arc::from(name)))),
        |name| Arc::from(*name),
    );
    classes.samples.pop();
    classes.samples.push(Value::Method(other));
    // Nobody is let through to elsewhere: such a request is refused as it comes.
    classes.samples.retain(|method| !matches!(method, Value::Method(name) if **name == *"CONNECT"));
    classes
}

/// Texts: the ones named are a class each, the others are told apart by the patterns.
fn texts(
    asked: &[Asked<'_>],
    (domain, is_host): (&Domain, bool),
    plain: &str,
    value: &dyn Fn(&str) -> Value,
    patience: &Patience,
) -> Classes {
    let is_said = |text: &str| can_say(domain, text) && (!is_host || is_host_name(text));
    if let Some(texts) = numbered(asked).filter(|texts| texts.iter().all(|text| is_said(text))) {
        let samples = texts.iter().map(|text| value(text)).collect();
        return Classes { samples, cut: vec![true; asked.len()], led: true, ..Classes::default() };
    }
    let mut named: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut patterns: BTreeSet<String> = BTreeSet::new();
    let mut cut = Vec::with_capacity(asked.len());
    for (_, test) in asked {
        let language = test.language();
        cut.push(language.is_some() || test.points().is_some());
        if let Some(points) = test.points().filter(|_| language.is_none()) {
            let texts = points.into_iter().filter_map(Value::as_str);
            named.extend(texts.filter(|text| is_said(text)).map(Arc::from));
        }
        patterns.extend(language);
    }
    let told = match patterns.is_empty() {
        true => None,
        false => {
            taken(patterns, patience).and_then(|apart| patience.samples(&apart, domain, &named))
        }
    };
    let is_told = told.is_some();
    let others = told.unwrap_or_else(|| vec![fresh(plain, &|text| named.contains(text))]);
    // What fits no pattern comes last, if there is such a thing; it comes first out of the walk or is rare.
    let texts: Vec<&Arc<str>> = named.iter().chain(others.iter().rev()).collect();
    let mut but = BTreeMap::new();
    for (at, (_, test)) in asked.iter().enumerate() {
        let Some(language) = test.language() else { continue };
        // Of what is named it is known how every test answers.
        let classes: Vec<u32> = match patience.pattern(&language).filter(|_| is_told) {
            None => (named.len() as u32..texts.len() as u32).collect(),
            Some(pattern) if pattern.may_be_lost() => {
                let lost = (0..).zip(&texts).filter(|(_, text)| pattern.fits(text).is_none());
                lost.map(|(class, _)| class).collect()
            }
            Some(_) => continue,
        };
        but.insert(at, classes);
    }
    let samples = texts.into_iter().map(|text| value(text)).collect();
    Classes { samples, cut, but, led: true }
}

/// Where texts are asked for one number that is made of them and for nothing else: a text for each stretch of numbers that
/// fare alike, however many these are, the plainest last.
fn numbered(asked: &[Asked<'_>]) -> Option<Vec<String>> {
    let (name, numbers) = numbers(asked)?;
    let texts = match name {
        // What is no number is one more class.
        "int" => numbers.iter().map(i64::to_string).chain(["a".to_owned()]).collect(),
        "length" => lengths(&numbers, "")?,
        _ => return None,
    };
    Some(plainest_last(texts))
}

/// The same for whole paths of which the characters are counted.
pub(super) fn counted_paths(asked: &[Asked<'_>]) -> Option<Vec<Value>> {
    match numbers(asked)? {
        ("length", numbers) => {
            let texts = plainest_last(lengths(&numbers, "/")?).into_iter().map(Value::string);
            Some([Value::Absent].into_iter().chain(texts).collect())
        }
        _ => None,
    }
}

/// The function that makes a number of a text, where all that is asked is asked of that number, and one number of each
/// stretch that fares alike.
fn numbers(asked: &[Asked<'_>]) -> Option<(&'static str, Vec<i64>)> {
    let mut name = None;
    let mut of_numbers: Vec<Asked<'_>> = Vec::new();
    for (_, test) in asked {
        match test {
            Test::Present => {}
            Test::Of(function, test) if name.is_none_or(|name| name == function.name) => {
                name = Some(function.name);
                of_numbers.push((None, &**test));
            }
            _ => return None,
        }
    }
    let line = line(&Ty::Int, &of_numbers);
    let number = |value: Value| match value {
        Value::Int(number) => Some(number),
        _ => None,
    };
    let numbers = line.samples.into_iter().filter_map(number).collect();
    line.cut.iter().all(|cut| *cut).then_some((name?, numbers))
}

/// The most bytes of the texts that stand for numbers of characters.
const MOST_COUNTED: usize = 4 << 20;

/// Texts of so many characters that begin so. `None` if they are too long.
fn lengths(numbers: &[i64], begin: &str) -> Option<Vec<String>> {
    let numbers = numbers.iter().filter_map(|number| usize::try_from(*number).ok());
    // What a text begins with it has.
    let mut numbers: Vec<usize> = numbers.map(|number| number.max(begin.len())).collect();
    numbers.dedup();
    let all = numbers.iter().fold(0_usize, |all, number| all.saturating_add(*number));
    let text = |number: usize| format!("{begin}{}", "a".repeat(number - begin.len()));
    (all <= MOST_COUNTED).then(|| numbers.into_iter().map(text).collect())
}

/// Short ones are plain, the empty one is not.
fn plainest_last(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable_by_key(|text| (text.is_empty(), text.len(), text.clone()));
    texts.reverse();
    texts
}

/// Texts told apart by which of the patterns take them.
fn taken(patterns: BTreeSet<String>, patience: &Patience) -> Option<Vec<Apart>> {
    patterns.iter().map(|pattern| patience.pattern(pattern).map(Apart::Taken)).collect()
}

/// Values in a discrete order, cut where what is asked begins and ends.
fn line(ty: &Ty, asked: &[Asked<'_>]) -> Classes {
    let (first, last) = match ty {
        Ty::Status => (100, 599),
        Ty::Size => (0, i128::from(u64::MAX)),
        Ty::Duration => (0, i128::from(u64::MAX) * 1_000_000_000),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    let mut starts: BTreeSet<i128> = BTreeSet::from([first]);
    let mut cut = Vec::with_capacity(asked.len());
    for (_, test) in asked {
        let places = test.bounds().and_then(|bounds| {
            let places = bounds.into_iter().filter(|bound| !matches!(bound, Value::Bool(_)));
            places.map(place).collect::<Option<Vec<i128>>>()
        });
        cut.push(places.is_some());
        starts.extend(places.into_iter().flatten().flat_map(|at| [at, at.saturating_add(1)]));
    }
    let starts: Vec<i128> = starts.into_iter().filter(|at| (first..=last).contains(at)).collect();
    let mut samples: Vec<Value> = Vec::with_capacity(starts.len());
    for (at, start) in starts.iter().enumerate() {
        let end = starts.get(at + 1).map_or(last, |next| next - 1);
        // The value nearest to nought is the plainest.
        let nearest = if (*start..=end).contains(&0) {
            0
        } else if *start > 0 {
            *start
        } else {
            end
        };
        samples.extend(at_place(ty, nearest));
    }
    Classes { samples, cut, led: true, ..Classes::default() }
}

fn place(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value) | Value::Time(value) => Some(i128::from(*value)),
        Value::Status(code) => Some(i128::from(*code)),
        Value::Size(bytes) => Some(i128::from(*bytes)),
        Value::Duration(length) => i128::try_from(length.as_nanos()).ok(),
        _ => None,
    }
}

fn at_place(ty: &Ty, place: i128) -> Option<Value> {
    Some(match ty {
        Ty::Int => Value::Int(i64::try_from(place).ok()?),
        Ty::Time => Value::Time(i64::try_from(place).ok()?),
        Ty::Status => Value::Status(u16::try_from(place).ok()?),
        Ty::Size => Value::Size(u64::try_from(place).ok()?),
        Ty::Duration => {
            let seconds = u64::try_from(place / 1_000_000_000).ok()?;
            Value::Duration(Duration::new(seconds, u32::try_from(place % 1_000_000_000).ok()?))
        }
        _ => return None,
    })
}

/// The first and the last of the addresses that are IPv4 in IPv6 (RFC 4291 section 2.5.5.2): they are read as IPv4.
const MAPPED: (u128, u128) = (0xffff_0000_0000, 0xffff_ffff_ffff);

/// The plainest address of somebody from elsewhere (RFC 5737).
pub(crate) const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

/// Addresses, cut where networks begin and end.
fn addresses(asked: &[Asked<'_>]) -> Classes {
    let mut v4: BTreeSet<u32> = BTreeSet::from([0]);
    let mut v6: BTreeSet<u128> = BTreeSet::from([0, MAPPED.0, MAPPED.1 + 1]);
    let mut cut = Vec::with_capacity(asked.len());
    for (_, test) in asked {
        let ordered = matches!(test, Test::Compare(how, _)
            if !matches!(how, lang::policy::Compare::Eq | lang::policy::Compare::Ne));
        let bounds = test.bounds().filter(|_| !ordered);
        cut.push(bounds.is_some());
        for bound in bounds.into_iter().flatten() {
            let (first, last) = match bound {
                Value::Ip(address) => (*address, *address),
                Value::Cidr(network) => (network.network(), network.broadcast()),
                _ => continue,
            };
            match (first, last) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    v4.insert(first.to_bits());
                    v4.extend(last.to_bits().checked_add(1));
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    v6.insert(first.to_bits());
                    v6.extend(last.to_bits().checked_add(1));
                }
                _ => {}
            }
        }
    }
    let plain4 = ELSEWHERE.to_bits();
    let plain6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).to_bits();
    let mut samples: Vec<Value> = Vec::with_capacity(v4.len() + v6.len());
    let v6 = within(v6, plain6).filter(|bits| !(MAPPED.0..=MAPPED.1).contains(bits));
    samples.extend(v6.map(|bits| Value::Ip(Ipv6Addr::from_bits(bits).into())));
    samples.extend(within(v4, plain4).map(|bits| Value::Ip(Ipv4Addr::from_bits(bits).into())));
    Classes { samples, cut, led: true, ..Classes::default() }
}

/// One number of each interval that begins with one of `starts`: `plain` where it lies in.
fn within<N: Copy + Ord>(starts: BTreeSet<N>, plain: N) -> impl Iterator<Item = N> {
    let starts: Vec<N> = starts.into_iter().collect();
    let ends: Vec<Option<N>> = starts.iter().skip(1).copied().map(Some).chain([None]).collect();
    starts.into_iter().zip(ends).map(move |(start, end)| {
        let holds = start <= plain && end.is_none_or(|end| plain < end);
        if holds { plain } else { start }
    })
}

/// Segments of a path: its end, the empty one, the ones named, and the others by kind and pattern.
fn segments(asked: &[Asked<'_>], led: &[Apart], patience: &Patience) -> Classes {
    let mut named: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut bounds: BTreeSet<i64> = BTreeSet::new();
    let mut uuids: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut patterns: BTreeSet<String> = BTreeSet::new();
    let mut cut = vec![true; asked.len()];
    for (cut, (kind, test)) in cut.iter_mut().zip(asked) {
        match (kind, test) {
            (None, Test::Segment(segments)) => {
                named.extend(segments.words().unwrap_or_default().iter().cloned());
            }
            (None, Test::End) => {}
            (Some(Segments::Int), test) => match test.bounds() {
                Some(asked) => {
                    for bound in asked {
                        match bound {
                            Value::Int(at) => drop(bounds.insert(*at)),
                            Value::Bool(_) => {}
                            _ => *cut = false,
                        }
                    }
                }
                None => *cut = false,
            },
            (Some(Segments::Uuid), test) => match (test.language(), test.points()) {
                (None, Some(points)) => {
                    uuids.extend(points.into_iter().filter_map(Value::as_str).map(Arc::from));
                }
                // A capture of a UUID is in lower case while the segment need not be.
                _ => *cut = false,
            },
            (_, test) => match (test.language(), test.points()) {
                (Some(language), _) => drop(patterns.insert(language)),
                (None, Some(points)) => {
                    let texts = points.into_iter().filter_map(Value::as_str);
                    named.extend(texts.map(Arc::from));
                }
                (None, None) => *cut = false,
            },
        }
    }
    named.retain(|text| can_say(&SEGMENTS, text));
    uuids.retain(|text| Segments::Uuid.holds(text));
    let mut others: Vec<Arc<str>> = Vec::new();
    if !patterns.is_empty() || !led.is_empty() {
        patterns.extend([ints(i64::MAX), ints(i64::MIN), UUIDS.to_owned()]);
        // Letters of either case are told apart by other patterns, and are captured as one.
        patterns.extend(uuids.iter().map(|text| format!(r"\A(?i:{text})\z")));
        patterns.extend(bounds.iter().map(|at| ints(*at)));
        named.extend(bounds.iter().map(|at| Arc::from(at.to_string())));
        let all = taken(patterns, patience).map(|taken| [taken.as_slice(), led].concat());
        others = all.and_then(|all| patience.samples(&all, &SEGMENTS, &named)).unwrap_or_default();
        let walked = !others.is_empty();
        for (cut, asked) in cut.iter_mut().zip(asked) {
            let captured = asked.0.is_some_and(|kind| *kind == Segments::Uuid);
            let pattern = captured || (asked.0.is_some() && asked.1.language().is_some());
            *cut &= walked || !pattern;
        }
    }
    let is_led = led.is_empty() || !others.is_empty();
    if others.is_empty() {
        others.extend(ints_between(&bounds, &named));
        named.extend(bounds.iter().map(|at| Arc::from(at.to_string())));
        let spelt: Vec<Arc<str>> = uuids.iter().filter_map(|text| spelt(text, &named)).collect();
        named.extend(spelt);
        others.extend(fresh_uuid(&named));
        others.push(fresh("x", &|text| named.contains(text)));
    } else {
        others.reverse();
    }
    let texts = named.iter().chain(&others).map(|text| Value::String(text.clone()));
    let samples = [Value::Absent, Value::string("")].into_iter().chain(texts).collect();
    Classes { samples, cut, led: is_led, ..Classes::default() }
}

/// A UUID that nobody names.
fn fresh_uuid(named: &BTreeSet<Arc<str>>) -> Option<Arc<str>> {
    let uuid = |n: u64| format!("00000000-0000-4000-8000-{n:012x}");
    (0..).map(uuid).find(|text| !named.contains(text.as_str())).map(Arc::from)
}

/// A spelling of the UUID that nobody names: letters of either case are captured as one value, and are another segment.
fn spelt(uuid: &str, named: &BTreeSet<Arc<str>>) -> Option<Arc<str>> {
    let n_letters = uuid.bytes().filter(u8::is_ascii_alphabetic).count();
    let mut spellings = (0..1_u64 << n_letters).map(|mut upper| {
        let spelling = uuid.chars().map(|letter| {
            let is_upper = letter.is_ascii_alphabetic() && {
                let bit = upper & 1 == 1;
                upper >>= 1;
                bit
            };
            if is_upper { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
        });
        Arc::from(spelling.collect::<String>())
    });
    spellings.find(|spelling| !named.contains(spelling))
}

/// One integer of each gap between those named, that is not named as text either.
fn ints_between(ints: &BTreeSet<i64>, named: &BTreeSet<Arc<str>>) -> Vec<Arc<str>> {
    let bounds: Vec<i128> = ints.iter().map(|at| i128::from(*at)).collect();
    let before = std::iter::once(i128::from(i64::MIN) - 1).chain(bounds.iter().copied());
    let after = bounds.iter().copied().chain([i128::from(i64::MAX) + 1]);
    let mut found = Vec::new();
    for (low, high) in before.zip(after) {
        let (low, high) = (low + 1, high - 1);
        let from = if (low..=high).contains(&1) { 1 } else { low };
        let mut free = (from..=high).chain((low..from).rev()).map(|at| Arc::from(at.to_string()));
        found.extend(free.find(|text| !named.contains(text)));
    }
    found
}

/// A pattern of the integers from zero, or from -1 down, to this one as they are printed. Together with those to the ends
/// of the type such patterns tell apart what lies between bounds.
fn ints(end: i64) -> String {
    let digits = end.unsigned_abs().to_string();
    let (sign, least) = if end < 0 { ("-", '1') } else { ("", '0') };
    let mut smaller: Vec<String> = Vec::new();
    if digits.len() > 1 {
        let longest = digits.len() - 2;
        smaller.push(format!("[1-9][0-9]{{0,{longest}}}"));
        smaller.extend((least == '0').then(|| "0".to_owned()));
    }
    for (at, digit) in digits.char_indices() {
        let first = if at > 0 {
            '0'
        } else if digits.len() > 1 {
            '1'
        } else {
            least
        };
        let before = digits.get(..at).unwrap_or_default();
        let behind = digits.len() - at - 1;
        let lower = (first..digit).last();
        smaller.extend(lower.map(|last| format!("{before}[{first}-{last}][0-9]{{{behind}}}")));
    }
    smaller.push(digits);
    format!(r"\A{sign}(?:{})\z", smaller.join("|"))
}

/// A text that is not taken, made of a plain one.
fn fresh(plain: &str, taken: &dyn Fn(&str) -> bool) -> Arc<str> {
    let numbered = (1_u64..).map(|n| format!("{plain}{n}"));
    let mut texts = std::iter::once(plain.to_owned()).chain(numbered);
    Arc::from(texts.find(|text| !taken(text)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::ints;

    #[test]
    fn patterns_of_integers_end_where_they_say() {
        for end in [0, 1, 7, 10, 99, 100, 1234, i64::MAX, -1, -9, -10, -1050, i64::MIN] {
            let pattern = regex::Regex::new(&ints(end)).unwrap();
            let end = i128::from(end);
            let near = (-1200..1300).chain(end - 20..end + 20);
            for n in near {
                let inside = if end < 0 { (end..0).contains(&n) } else { (0..=end).contains(&n) };
                assert_eq!(pattern.is_match(&n.to_string()), inside, "{n} to {end}");
            }
            assert!(!pattern.is_match("00") && !pattern.is_match("-0") && !pattern.is_match("01"));
        }
    }
}
