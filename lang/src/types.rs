//! The types of the language. Absence is a type (`T?`), and so is having been wrong already (`Ty::Error`).

use std::fmt;
use std::sync::Arc;

use crate::quoted::Quoted;

/// The type of an expression, an argument, a field or an input.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Ty {
    /// `true` or `false`.
    Bool,
    /// A signed 64-bit integer; arithmetic saturates.
    Int,
    /// A finite 64-bit float.
    Float,
    /// Text.
    String,
    /// `250ms`, `5s`, `10min`, `8h`, `1d`.
    Duration,
    /// A number of bytes: `10MiB`.
    Size,
    /// Events in a time: `100/s`.
    Rate,
    /// `20%`.
    Percent,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A network: `10.0.0.0/8`.
    Cidr,
    /// An HTTP method.
    Method,
    /// An HTTP status code: `404`.
    Status,
    /// A point in time.
    Time,
    /// A compiled pattern: `re"…"`.
    Regex,
    /// A JSON document; every record, list and scalar of the language fits it.
    Json,
    /// A UUID.
    Uuid,
    /// A list.
    List(Arc<Ty>),
    /// A set.
    Set(Arc<Ty>),
    /// A map from strings.
    Map(Arc<Ty>),
    /// A closed range: `25ms..250ms`.
    Range(Arc<Ty>),
    /// `{ name: T, … }`.
    Record(Arc<[(Arc<str>, Ty)]>),
    /// A union of string literals: `"free" | "pro"`. Where one is expected, a bare word is one of them.
    OneOf(Arc<[Arc<str>]>),
    /// A value that may be absent: `T?`.
    Optional(Arc<Ty>),
    /// Opaque: never compared, spliced or logged.
    Secret,
    /// The name of an item, such as an `upstream` or a `listener`.
    Item(&'static str),
    /// Something already reported; it fits everything, so that one mistake gives one message.
    Error,
}

impl Ty {
    /// `T?`; an optional stays as it is.
    pub fn optional(self) -> Ty {
        match self {
            Ty::Optional(_) | Ty::Error => self,
            other => Ty::Optional(Arc::new(other)),
        }
    }

    /// `List<T>`.
    pub fn list(of: Ty) -> Ty {
        Ty::List(Arc::new(of))
    }

    /// `Set<T>`.
    pub fn set(of: Ty) -> Ty {
        Ty::Set(Arc::new(of))
    }

    /// A union of string literals.
    pub fn one_of(words: &[&str]) -> Ty {
        Ty::OneOf(words.iter().map(|&word| Arc::from(word)).collect())
    }

    /// The type of what is present: `T` of `T?`, itself otherwise.
    pub fn present(&self) -> &Ty {
        match self {
            Ty::Optional(inner) => inner,
            other => other,
        }
    }

    /// Whether a value of it may be absent.
    pub fn is_optional(&self) -> bool {
        matches!(self, Ty::Optional(_))
    }

    /// Whether a value of it is always there and one thing, which a text can say.
    pub fn is_single(&self) -> bool {
        matches!(
            self,
            Ty::Bool
                | Ty::Int
                | Ty::Float
                | Ty::String
                | Ty::OneOf(_)
                | Ty::Duration
                | Ty::Size
                | Ty::Rate
                | Ty::Percent
                | Ty::Ip
                | Ty::Cidr
                | Ty::Method
                | Ty::Status
                | Ty::Time
                | Ty::Uuid
        )
    }

    /// Whether something in it was already reported.
    pub fn is_error(&self) -> bool {
        match self {
            Ty::Error => true,
            Ty::List(of) | Ty::Set(of) | Ty::Map(of) | Ty::Range(of) | Ty::Optional(of) => {
                of.is_error()
            }
            Ty::Record(fields) => fields.iter().any(|(_, ty)| ty.is_error()),
            _ => false,
        }
    }

    /// Whether a value of this type can stand where `expected` is wanted.
    pub fn fits(&self, expected: &Ty) -> bool {
        match (self, expected) {
            (Ty::Error, _) | (_, Ty::Error) => true,
            (Ty::Optional(a), Ty::Optional(b)) => a.fits(b),
            (a, Ty::Optional(b)) => a.fits(b),
            // Of very many words, such as the names of all routes, a type is compared with itself.
            (Ty::OneOf(words), Ty::OneOf(allowed)) => {
                words == allowed || words.iter().all(|word| allowed.contains(word))
            }
            (Ty::OneOf(_), Ty::String) => true,
            (Ty::Int, Ty::Float) => true,
            (Ty::Ip, Ty::Cidr) => true,
            (Ty::List(a), Ty::List(b))
            | (Ty::Set(a), Ty::Set(b))
            | (Ty::List(a), Ty::Set(b))
            | (Ty::Map(a), Ty::Map(b))
            | (Ty::Range(a), Ty::Range(b)) => a.fits(b),
            (Ty::Record(fields), Ty::Record(wanted)) => wanted.iter().all(|(name, ty)| {
                fields.iter().find(|(n, _)| n == name).map_or(ty.is_optional(), |(_, t)| t.fits(ty))
            }),
            (Ty::Secret | Ty::Item(_) | Ty::Regex, Ty::Json) => false,
            (Ty::Optional(inner), Ty::Json) => inner.fits(&Ty::Json),
            (_, Ty::Json) => true,
            (a, b) => a == b,
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ty::List(of) => write!(f, "List<{of}>"),
            Ty::Set(of) => write!(f, "Set<{of}>"),
            Ty::Map(of) => write!(f, "Map<String, {of}>"),
            Ty::Range(of) => write!(f, "{of}..{of}"),
            Ty::Record(fields) => {
                f.write_str("{ ")?;
                for (at, (name, ty)) in fields.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{name}: {ty}")?;
                }
                f.write_str(" }")
            }
            Ty::OneOf(words) => {
                for (at, word) in words.iter().enumerate() {
                    if at > 0 {
                        f.write_str(" | ")?;
                    }
                    write!(f, "{}", Quoted(word))?;
                }
                Ok(())
            }
            Ty::Optional(inner) => match &**inner {
                Ty::OneOf(_) => write!(f, "({inner})?"),
                _ => write!(f, "{inner}?"),
            },
            Ty::Item(kind) => f.write_str(kind),
            Ty::Error => f.write_str("?"),
            plain => write!(f, "{plain:?}"),
        }
    }
}
