//! `text`: a document's text, number or truth value as a text.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "text",
    params: &[param("value", || Ty::Json.optional(), "What is read.")],
    returns: || Ty::String.optional(),
    doc: "A text, number or truth value of a document as a text; absent where there is none, and for lists, objects and `null`.",
    examples: &[
        (r#"text("a") ?? "-""#, r#""a""#),
        (r#"text(7) ?? "-""#, r#""7""#),
        (r#"text([1]) ?? "-""#, r#""-""#),
    ],
    texts: None,
    keeps: true,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text)] => Value::String(text.clone()),
        [value @ (Value::Int(_) | Value::Float(_) | Value::Bool(_))] => {
            Value::string(value.to_string())
        }
        _ => Value::Absent,
    }
}
