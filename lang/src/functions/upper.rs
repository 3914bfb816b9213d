//! `upper`: a text in upper case.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "upper",
    params: &[param("text", || Ty::String, "What is put in upper case.")],
    returns: || Ty::String,
    doc: "The text with ASCII letters in upper case; other letters stay.",
    examples: &[(r#"upper("eu-west")"#, r#""EU-WEST""#)],
    texts: None,
    keeps: true,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text)] => Value::string(text.to_ascii_uppercase()),
        _ => Value::Absent,
    }
}
