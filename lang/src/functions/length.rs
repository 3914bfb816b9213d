//! `length`: how long a text is.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "length",
    params: &[param("text", || Ty::String, "What is counted.")],
    returns: || Ty::Int,
    doc: "How many characters the text has.",
    examples: &[(r#"length("größe")"#, "5"), (r#"length("")"#, "0")],
    texts: None,
    keeps: false,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text)] => {
            Value::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
        }
        _ => Value::Absent,
    }
}
