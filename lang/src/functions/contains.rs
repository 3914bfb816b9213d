//! `contains`: whether a text holds another.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "contains",
    params: &[
        param("text", || Ty::String, "What is looked at."),
        param("part", || Ty::String, "What it may hold."),
    ],
    returns: || Ty::Bool,
    doc: "Whether `part` stands anywhere in the text, byte for byte.",
    examples: &[
        (r#"contains("Mozilla/5.0", "zilla")"#, "true"),
        (r#"contains("curl/8", "bot")"#, "false"),
    ],
    texts: Some(texts),
    keeps: false,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text), Value::String(part)] => Value::Bool(text.contains(&**part)),
        _ => Value::Absent,
    }
}

fn texts(others: &[Value]) -> Option<String> {
    match others {
        [Value::String(part)] => Some(regex_syntax::escape(part)),
        _ => None,
    }
}
