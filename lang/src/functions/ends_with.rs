//! `ends_with`: whether a text ends with another.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "ends_with",
    params: &[
        param("text", || Ty::String, "What is looked at."),
        param("suffix", || Ty::String, "What it may end with."),
    ],
    returns: || Ty::Bool,
    doc: "Whether the text ends with `suffix`, byte for byte.",
    examples: &[
        (r#"ends_with("logo.png", ".png")"#, "true"),
        (r#"ends_with("logo.png", ".PNG")"#, "false"),
    ],
    texts: Some(texts),
    keeps: false,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text), Value::String(suffix)] => Value::Bool(text.ends_with(&**suffix)),
        _ => Value::Absent,
    }
}

fn texts(others: &[Value]) -> Option<String> {
    match others {
        [Value::String(suffix)] => Some(format!(r"{}\z", regex_syntax::escape(suffix))),
        _ => None,
    }
}
