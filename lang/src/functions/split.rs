//! `split`: a text cut into a list.

use super::{MOST_ITEMS, param};
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "split",
    params: &[
        param("text", || Ty::String, "What is cut."),
        param("separator", || Ty::String, "Where it is cut; it is not part of the pieces."),
    ],
    returns: || Ty::list(Ty::String),
    doc: "The pieces of the text between separators. With an empty separator, or after 255 cuts, the rest stays in one piece.",
    examples: &[
        (r#"split("a,b,,c", ",")"#, r#"["a", "b", "", "c"]"#),
        (r#"split("a", ",")"#, r#"["a"]"#),
    ],
    texts: None,
    keeps: false,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text), Value::String(separator)] if separator.is_empty() => {
            Value::list([Value::String(text.clone())])
        }
        [Value::String(text), Value::String(separator)] => {
            Value::list(text.splitn(MOST_ITEMS, &**separator).map(Value::string))
        }
        _ => Value::Absent,
    }
}
