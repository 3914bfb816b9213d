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
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text), Value::String(prefix)] => Value::Bool(text.starts_with(&**prefix)),
        _ => Value::Absent,
    }
}
