//! From checked arguments to plain Rust values: the reading half of `params!`.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::types::Ty;
use crate::value::{Pattern, Rate, Value};

/// The number of an expression in the program that lowers the policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ExprId(pub u32);

/// One argument, as the program hands it to whoever builds an action or a block.
#[derive(Clone, Debug)]
pub enum Argument {
    /// Known once inputs are bound.
    Constant(Value),
    /// Evaluated for each request.
    Expression(ExprId),
}

/// What is known of a value before inputs are bound.
#[derive(Clone, Copy, Debug)]
pub enum Known<'v> {
    /// All of it.
    Value(&'v Value),
    /// It is a text, in parts; one that is absent is not known yet.
    Text(&'v [Option<&'v str>]),
    /// All of a text, in the parts of which it is put together for one request.
    Spliced(&'v [Spliced<'v>]),
    /// Its type.
    Nothing,
}

/// A part of a text that is put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spliced<'v> {
    /// What it comes to.
    pub text: &'v str,
    /// How it stands in the text.
    pub joint: Joint,
}

/// How a part stands in a text that is put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Joint {
    /// As the policy's own words.
    Written,
    /// As it is, because it already is of the form that is wanted: the request's own path, for a path.
    Kept,
    /// As a captured segment: percent-encoded already, and no more than one segment.
    Spelled,
    /// As a value and nothing more.
    Value,
}

impl Spliced<'_> {
    /// The whole text as one value.
    pub fn whole(parts: &[Spliced<'_>]) -> Value {
        Value::string(parts.iter().map(|part| part.text).collect::<String>())
    }
}

/// An argument that may depend on the request; evaluated where it is used.
#[derive(Debug)]
pub enum Dyn<T> {
    /// The same for every request.
    Constant(Value, PhantomData<T>),
    /// To be evaluated.
    Expression(ExprId),
}

/// A Rust type that an argument decodes into.
pub trait Decode: Sized {
    /// Whether it may depend on the request.
    const DYNAMIC: bool = false;

    /// What to write instead of a value that is not accepted.
    const HINT: Option<&'static str> = None;

    /// The language's type for it.
    fn ty() -> Ty;

    /// Reads a constant. The error says what is wrong with the value, lower case, no full stop.
    fn decode(value: &Value) -> Result<Self, String>;

    /// Whether a value of which this is known can be meant: what `gwc check` asks of literals. The error is that of
    /// [`Decode::decode`], which may be more lenient, where what a request brings is judged later.
    fn accepts(known: Known<'_>) -> Result<(), String> {
        match known {
            Known::Value(value) => Self::decode(value).map(drop),
            Known::Spliced(parts) => Self::decode(&Spliced::whole(parts)).map(drop),
            Known::Text(_) | Known::Nothing => Ok(()),
        }
    }

    /// Reads an argument. Plain types are constant; the checker has seen to it.
    fn decode_argument(argument: &Argument) -> Result<Self, String> {
        match argument {
            Argument::Constant(value) => Self::decode(value),
            Argument::Expression(_) => Err("must not depend on the request".to_owned()),
        }
    }
}

impl<T> Clone for Dyn<T> {
    fn clone(&self) -> Self {
        match self {
            Dyn::Constant(value, _) => Dyn::Constant(value.clone(), PhantomData),
            Dyn::Expression(id) => Dyn::Expression(*id),
        }
    }
}

impl<T: Decode> Decode for Dyn<T> {
    const DYNAMIC: bool = true;
    const HINT: Option<&'static str> = T::HINT;

    fn ty() -> Ty {
        T::ty()
    }

    fn accepts(known: Known<'_>) -> Result<(), String> {
        T::accepts(known)
    }

    fn decode(value: &Value) -> Result<Self, String> {
        T::accepts(Known::Value(value))?;
        Ok(Dyn::Constant(value.clone(), PhantomData))
    }

    fn decode_argument(argument: &Argument) -> Result<Self, String> {
        match argument {
            Argument::Constant(value) => Self::decode(value),
            Argument::Expression(id) => Ok(Dyn::Expression(*id)),
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    const DYNAMIC: bool = T::DYNAMIC;
    const HINT: Option<&'static str> = T::HINT;

    fn ty() -> Ty {
        T::ty().optional()
    }

    fn accepts(known: Known<'_>) -> Result<(), String> {
        match known {
            Known::Value(Value::Absent) => Ok(()),
            known => T::accepts(known),
        }
    }

    fn decode(value: &Value) -> Result<Self, String> {
        if value.is_absent() { Ok(None) } else { T::decode(value).map(Some) }
    }

    fn decode_argument(argument: &Argument) -> Result<Self, String> {
        match argument {
            Argument::Constant(Value::Absent) => Ok(None),
            other => T::decode_argument(other).map(Some),
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    const HINT: Option<&'static str> = T::HINT;

    fn ty() -> Ty {
        Ty::list(T::ty())
    }

    fn decode(value: &Value) -> Result<Self, String> {
        match value {
            Value::List(items) => items.iter().map(T::decode).collect(),
            Value::Set(items) => items.iter().map(T::decode).collect(),
            other => Err(format!("expected a list, found `{other}`")),
        }
    }
}

/// A number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Size(pub u64);

/// Hundredths.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Percent(pub f64);

/// An HTTP status code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Status(pub u16);

/// An HTTP method's name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Method(pub Arc<str>);

/// The name of an upstream.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct UpstreamName(pub Arc<str>);

/// Any document: records, lists and scalars of the language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document(pub Value);

macro_rules! decode {
    ($($rust:ty, $ty:expr, $pattern:pat => $result:expr;)*) => {
        $(impl Decode for $rust {
            fn ty() -> Ty {
                $ty
            }

            fn decode(value: &Value) -> Result<Self, String> {
                match value {
                    $pattern => $result,
                    other => Err(format!("expected {}, found `{other}`", Self::ty())),
                }
            }
        })*
    };
}

decode! {
    bool, Ty::Bool, Value::Bool(value) => Ok(*value);
    i64, Ty::Int, Value::Int(value) => Ok(*value);
    u32, Ty::Int, Value::Int(value) => {
        u32::try_from(*value).map_err(|_| format!("`{value}` is not between 0 and 4294967295"))
    };
    u64, Ty::Int, Value::Int(value) => {
        u64::try_from(*value).map_err(|_| format!("`{value}` is negative"))
    };
    String, Ty::String, Value::String(text) => Ok(text.to_string());
    Arc<str>, Ty::String, Value::String(text) => Ok(text.clone());
    Duration, Ty::Duration, Value::Duration(length) => Ok(*length);
    Rate, Ty::Rate, Value::Rate(rate) => Ok(*rate);
    IpAddr, Ty::Ip, Value::Ip(address) => Ok(*address);
    Pattern, Ty::Regex, Value::Regex(pattern) => Ok(pattern.clone());
    Size, Ty::Size, Value::Size(bytes) => Ok(Size(*bytes));
    Percent, Ty::Percent, Value::Percent(value) => Ok(Percent(*value));
    Status, Ty::Status, Value::Status(code) => Ok(Status(*code));
    Method, Ty::Method, Value::Method(name) => Ok(Method(name.clone()));
    UpstreamName, Ty::Item("upstream"), Value::Item(name) => Ok(UpstreamName(name.clone()));
}

impl Decode for f64 {
    fn ty() -> Ty {
        Ty::Float
    }

    fn decode(value: &Value) -> Result<Self, String> {
        match value {
            Value::Float(value) => Ok(*value),
            Value::Int(value) => Ok(*value as f64),
            other => Err(format!("expected Float, found `{other}`")),
        }
    }
}

impl Decode for IpNet {
    fn ty() -> Ty {
        Ty::Cidr
    }

    fn decode(value: &Value) -> Result<Self, String> {
        match value {
            Value::Cidr(network) => Ok(*network),
            // `Ip` fits `Cidr`: an address is the network of itself.
            Value::Ip(address) => Ok(IpNet::from(*address)),
            other => Err(format!("expected Cidr, found `{other}`")),
        }
    }
}

impl Decode for Document {
    fn ty() -> Ty {
        Ty::Json
    }

    fn decode(value: &Value) -> Result<Self, String> {
        Ok(Document(value.clone()))
    }
}
