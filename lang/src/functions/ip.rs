//! `ip`: a text read as an address.

use super::param;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "ip",
    params: &[param("text", || Ty::String, "What is read.")],
    returns: || Ty::Ip.optional(),
    doc: "The IPv4 or IPv6 address that the text is; absent if it is none. IPv4 in IPv6 is IPv4, as in `client.ip`.",
    examples: &[
        (r#"ip("10.0.0.7") ?? 127.0.0.1"#, "10.0.0.7"),
        (r#"ip("localhost") ?? 127.0.0.1"#, "127.0.0.1"),
        (r#"ip("::ffff:10.0.0.7") ?? 127.0.0.1"#, "10.0.0.7"),
    ],
    texts: None,
    keeps: false,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text)] => text.parse().map_or(Value::Absent, Value::ip),
        _ => Value::Absent,
    }
}
