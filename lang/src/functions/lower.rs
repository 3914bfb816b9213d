//! `lower`: a text in lower case.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "lower",
    params: &[param("text", || Ty::String, "What is put in lower case.")],
    returns: || Ty::String,
    doc: "The text with ASCII letters in lower case; other letters stay, as HTTP compares names.",
    examples: &[(r#"lower("Example.COM")"#, r#""example.com""#)],
    texts: None,
    keeps: true,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text)] => Value::string(text.to_ascii_lowercase()),
        _ => Value::Absent,
    }
}
