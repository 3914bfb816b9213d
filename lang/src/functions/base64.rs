//! `base64`: a text in Base64.

use super::param;
use crate::eval::cut;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::Function;

/// The vocabulary's row.
pub(super) static ROW: Function = Function {
    name: "base64",
    params: &[param("text", || Ty::String, "What is encoded.")],
    returns: || Ty::String,
    doc: "The text in Base64 with padding (RFC 4648, section 4).",
    examples: &[(r#"base64("user:pass")"#, r#""dXNlcjpwYXNz""#), (r#"base64("")"#, r#""""#)],
    texts: None,
    keeps: false,
    eval,
};

fn eval(arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(text)] => cut(encode(text.as_bytes())),
        _ => Value::Absent,
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= group.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}
