//! `trim`: a text without the blanks around it.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "trim",
    params: &[param("text", || Ty::String, "What is trimmed.")],
    returns: || Ty::String,
    doc: "The text without spaces and tabs at its ends.",
    examples: &[(r#"trim("  a b ")"#, r#""a b""#)],
    texts: None,
    keeps: true,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text)] => Value::string(text.trim_matches([' ', '\t'])),
        _ => Value::Absent,
    }
}
