//! `starts_with`: whether a text begins with another.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "starts_with",
    params: &[
        param("text", || Ty::String, "What is looked at."),
        param("prefix", || Ty::String, "What it may begin with."),
    ],
    returns: || Ty::Bool,
    doc: "Whether the text begins with `prefix`, byte for byte.",
    examples: &[
        (r#"starts_with("/v1/users", "/v1")"#, "true"),
        (r#"starts_with("/v1", "/v2")"#, "false"),
    ],
    texts: Some(texts),
    keeps: false,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text), Value::String(prefix)] => Value::Bool(text.starts_with(&**prefix)),
        _ => Value::Absent,
    }
}

fn texts(others: &[Value]) -> Option<String> {
    match others {
        [Value::String(prefix)] => Some(format!(r"\A{}", regex_syntax::escape(prefix))),
        _ => None,
    }
}
