//! `int`: a text read as an integer.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "int",
    params: &[param("text", || Ty::String, "What is read.")],
    returns: || Ty::Int.optional(),
    doc: "The integer that the text is, in decimal; absent if it is none.",
    examples: &[(r#"int("42") ?? 0"#, "42"), (r#"int("4 2") ?? 0"#, "0")],
    texts: None,
    keeps: false,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text)] => text.parse().map_or(Value::Absent, Value::Int),
        _ => Value::Absent,
    }
}
