//! `strip_prefix`: a text without its beginning.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "strip_prefix",
    params: &[
        param("text", || Ty::String, "What is cut."),
        param("prefix", || Ty::String, "What it may begin with."),
    ],
    returns: || Ty::String,
    doc: "The text without `prefix` at its beginning, or the whole text if it does not begin so. What is left of the request's own path stays one: `rewrite \"/{rest}\"` sends it on without a part in front.",
    examples: &[
        (r#"strip_prefix("/api/users", "/api")"#, r#""/users""#),
        (r#"strip_prefix("/users", "/api")"#, r#""/users""#),
    ],
    texts: None,
    keeps: true,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text), Value::String(prefix)] => {
            Value::string(text.strip_prefix(&**prefix).unwrap_or(text))
        }
        _ => Value::Absent,
    }
}
