//! `matches`: whether a text fits a pattern.

use super::{constant, param};
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "matches",
    params: &[
        param("text", || Ty::String, "What is looked at."),
        constant("pattern", || Ty::Regex, "What it may fit; a constant."),
    ],
    returns: || Ty::Bool,
    doc: "Whether the pattern fits somewhere in the text; `^` and `$` bind it to the ends. It takes time in proportion to the text.",
    examples: &[
        (r#"matches("/img/7.png", re"^/img/[0-9]+[.]png$")"#, "true"),
        (r#"matches("abc", re"^b")"#, "false"),
    ],
    texts: Some(texts),
    keeps: false,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text), Value::Regex(pattern)] => Value::Bool(pattern.0.is_match(text)),
        _ => Value::Absent,
    }
}

fn texts(others: &[Value]) -> Option<String> {
    match others {
        [Value::Regex(pattern)] => Some(pattern.0.as_str().to_owned()),
        _ => None,
    }
}
