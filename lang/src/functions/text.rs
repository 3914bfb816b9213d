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
    doc: "A text, number or truth value of a document, or any other single value, as a text: as it stands in `\"{value}\"`. Absent where there is none, and for lists, objects and `null`.",
    examples: &[
        (r#"text("a") ?? "-""#, r#""a""#),
        (r#"text(7) ?? "-""#, r#""7""#),
        (r#"text(404) ?? "-""#, r#""404""#),
        (r#"text([1]) ?? "-""#, r#""-""#),
    ],
    texts: None,
    keeps: true,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text)] => Value::String(text.clone()),
        [
            Value::Absent
            | Value::Null
            | Value::List(_)
            | Value::Set(_)
            | Value::Map(_)
            | Value::Secret(_)
            | Value::Item(_),
        ]
        | [] => Value::Absent,
        [value, ..] => Value::string(value.to_string()),
    }
}
