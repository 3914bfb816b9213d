//! The values of the language: what expressions evaluate to, and what arguments carry.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::quoted::Quoted;

/// A value. Cheap to clone: anything long is shared.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Nothing there: the value of an absent `T?`.
    #[default]
    Absent,
    /// JSON's `null`; only documents hold it.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A finite float.
    Float(f64),
    /// Text, a union's word, or a UUID's canonical form.
    String(Arc<str>),
    /// A length of time.
    Duration(Duration),
    /// A number of bytes.
    Size(u64),
    /// So many events in a time.
    Rate(Rate),
    /// Hundredths: `20%` is `20.0`.
    Percent(f64),
    /// An address: what is IPv4 in IPv6 is IPv4, as [`Value::ip`] makes it.
    Ip(IpAddr),
    /// A network without host bits, of IPv4 where all its addresses are, as [`Value::cidr`] makes it.
    Cidr(IpNet),
    /// An HTTP method, in its own case.
    Method(Arc<str>),
    /// An HTTP status code, 100 to 599.
    Status(u16),
    /// Seconds since the epoch.
    Time(i64),
    /// A compiled pattern.
    Regex(Pattern),
    /// A list.
    List(Arc<[Value]>),
    /// A set.
    Set(Arc<BTreeSet<Value>>),
    /// A map, a record, or a JSON object.
    Map(Arc<BTreeMap<Arc<str>, Value>>),
    /// A closed range.
    Range(Arc<(Value, Value)>),
    /// A secret, by its place in the policy's inputs; the value itself never travels.
    Secret(u32),
    /// An item such as an upstream, by name.
    Item(Arc<str>),
}

/// So many events in a time: `100/s`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Rate {
    /// Events.
    pub count: u64,
    /// The time in which they may happen.
    pub per: Duration,
}

/// A regular expression that compares by its text.
#[derive(Clone, Debug)]
pub struct Pattern(pub Arc<regex::Regex>);

impl Value {
    /// Text as a value.
    pub fn string(text: impl Into<Arc<str>>) -> Value {
        Value::String(text.into())
    }

    /// An address as a value. IPv4 in IPv6 (RFC 4291, section 2.5.5.2) is IPv4 to whoever compares it.
    pub fn ip(address: IpAddr) -> Value {
        Value::Ip(address.to_canonical())
    }

    /// A network as a value: of IPv4, if it holds nothing but IPv4 in IPv6.
    pub fn cidr(network: IpNet) -> Value {
        let length = network.prefix_len();
        let within = match (network.network(), network.network().to_canonical()) {
            (IpAddr::V6(_), first @ IpAddr::V4(_)) => length.checked_sub(96).map(|l| (first, l)),
            _ => None,
        };
        let within = within.and_then(|(first, length)| IpNet::new(first, length).ok());
        Value::Cidr(within.unwrap_or(network))
    }

    /// A list as a value.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Value {
        Value::List(items.into_iter().collect())
    }

    /// Whether nothing is there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Value::Absent)
    }

    /// Whether it is `true`; everything else, absence included, is not.
    pub fn is_true(&self) -> bool {
        matches!(self, Value::Bool(true))
    }

    /// The text of a string or method.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) | Value::Method(text) | Value::Item(text) => Some(text),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Value::Absent => 0,
            Value::Null => 1,
            Value::Bool(_) => 2,
            Value::Int(_) => 3,
            Value::Float(_) => 4,
            Value::String(_) => 5,
            Value::Duration(_) => 6,
            Value::Size(_) => 7,
            Value::Rate(_) => 8,
            Value::Percent(_) => 9,
            Value::Ip(_) => 10,
            Value::Cidr(_) => 11,
            Value::Method(_) => 12,
            Value::Status(_) => 13,
            Value::Time(_) => 14,
            Value::Regex(_) => 15,
            Value::List(_) => 16,
            Value::Set(_) => 17,
            Value::Map(_) => 18,
            Value::Range(_) => 19,
            Value::Secret(_) => 20,
            Value::Item(_) => 21,
        }
    }
}

impl Ord for Value {
    /// A total order, so that values can live in sets: by kind, then by content.
    fn cmp(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) | (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::Int(a), Value::Float(b)) => (*a as f64).total_cmp(b),
            (Value::Float(a), Value::Int(b)) => a.total_cmp(&(*b as f64)),
            (Value::Float(a), Value::Float(b)) | (Value::Percent(a), Value::Percent(b)) => {
                a.total_cmp(b)
            }
            (Value::String(a), Value::String(b))
            | (Value::Method(a), Value::Method(b))
            | (Value::Item(a), Value::Item(b)) => a.cmp(b),
            (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
            (Value::Size(a), Value::Size(b)) => a.cmp(b),
            (Value::Rate(a), Value::Rate(b)) => a.cmp(b),
            (Value::Ip(a), Value::Ip(b)) => a.cmp(b),
            (Value::Cidr(a), Value::Cidr(b)) => a.cmp(b),
            (Value::Status(a), Value::Status(b)) => a.cmp(b),
            (Value::Regex(a), Value::Regex(b)) => a.0.as_str().cmp(b.0.as_str()),
            (Value::List(a), Value::List(b)) => a.cmp(b),
            (Value::Set(a), Value::Set(b)) => a.cmp(b),
            (Value::Map(a), Value::Map(b)) => a.cmp(b),
            (Value::Range(a), Value::Range(b)) => a.cmp(b),
            (Value::Secret(a), Value::Secret(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Value) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl fmt::Display for Value {
    /// As a literal of the language; inside text (`"{value}"`) strings stand without their quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Absent => f.write_str("absent"),
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) | Value::Time(value) => write!(f, "{value}"),
            Value::Float(value) => write!(f, "{value}"),
            Value::String(text) => write!(f, "{}", Quoted(text)),
            Value::Duration(length) => write_duration(f, *length),
            Value::Size(bytes) => write_size(f, *bytes),
            Value::Rate(rate) => {
                write!(f, "{}/", rate.count)?;
                let text = DurationText(rate.per).to_string();
                f.write_str(text.strip_prefix('1').unwrap_or(&text))
            }
            Value::Percent(value) => write!(f, "{value}%"),
            Value::Ip(address) => write!(f, "{address}"),
            Value::Cidr(network) => write!(f, "{network}"),
            Value::Method(name) | Value::Item(name) => f.write_str(name),
            Value::Status(code) => write!(f, "{code}"),
            Value::Regex(pattern) => write!(f, "re\"{}\"", pattern.0.as_str()),
            Value::List(items) => write_items(f, items.iter()),
            Value::Set(items) => write_items(f, items.iter()),
            Value::Map(fields) => {
                f.write_str("{")?;
                for (at, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if at > 0 { ", " } else { " " })?;
                    match is_word(name) {
                        true => write!(f, "{name}: {value}")?,
                        false => write!(f, "{}: {value}", Quoted(name))?,
                    }
                }
                f.write_str(if fields.is_empty() { "}" } else { " }" })
            }
            Value::Range(ends) => write!(f, "{}..{}", ends.0, ends.1),
            Value::Secret(_) => f.write_str("<secret>"),
        }
    }
}

/// Whether a name may stand without quotes.
fn is_word(name: &str) -> bool {
    let is_within = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_within)
        && !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

struct DurationText(Duration);

impl fmt::Display for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_duration(f, self.0)
    }
}

fn write_items<'v>(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = &'v Value>,
) -> fmt::Result {
    f.write_str("[")?;
    for (at, item) in items.enumerate() {
        write!(f, "{}{item}", if at > 0 { ", " } else { "" })?;
    }
    f.write_str("]")
}

fn write_duration(f: &mut fmt::Formatter<'_>, length: Duration) -> fmt::Result {
    let ms = length.as_millis();
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")] {
        if ms >= unit && ms.is_multiple_of(unit) {
            return write!(f, "{}{name}", ms / unit);
        }
    }
    write!(f, "{ms}ms")
}

fn write_size(f: &mut fmt::Formatter<'_>, bytes: u64) -> fmt::Result {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return write!(f, "{}{name}", bytes / unit);
        }
    }
    write!(f, "{bytes}B")
}
