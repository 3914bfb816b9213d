//! Values as JSON text, as documents are sent.

use crate::value::Value;

/// The most bytes of a document that is written for an answer: numbers of a request may be longer there than as it said
/// them.
pub const MOST: usize = 64 << 20;

/// Writes a value of the language as JSON: durations, sizes, addresses and the like as the text that the language
/// writes them with, absent parts left out, secrets never.
pub fn write(value: &Value, out: &mut String) {
    write_within(value, usize::MAX, out);
}

/// The same, and whether that are no more than so many bytes. What is more is not written to its end.
pub fn write_within(value: &Value, most: usize, out: &mut String) -> bool {
    match value {
        Value::Absent | Value::Null | Value::Secret(_) => out.push_str("null"),
        Value::Bool(_) | Value::Int(_) | Value::Status(_) | Value::Time(_) => {
            out.push_str(&value.to_string());
        }
        Value::Float(number) if number.is_finite() => out.push_str(&value.to_string()),
        Value::Float(_) => out.push_str("null"),
        Value::String(text) | Value::Method(text) | Value::Item(text) => write_string(text, out),
        Value::List(items) => write_items(items.iter(), most, out),
        Value::Set(items) => write_items(items.iter(), most, out),
        Value::Map(fields) => {
            out.push('{');
            let present = fields.iter().filter(|(_, value)| !value.is_absent());
            for (at, (name, value)) in present.enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_string(name, out);
                out.push(':');
                if !write_within(value, most, out) {
                    break;
                }
            }
            out.push('}');
        }
        other => write_string(&other.to_string(), out),
    }
    out.len() <= most
}

fn write_items<'v>(items: impl Iterator<Item = &'v Value>, most: usize, out: &mut String) {
    out.push('[');
    for (at, item) in items.enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        if !write_within(item, most, out) {
            break;
        }
    }
    out.push(']');
}

/// RFC 8259, section 7: what has to be escaped is, and nothing else.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::write;
    use crate::value::Value;

    #[test]
    fn a_text_is_escaped_where_it_must_be() {
        let mut text = String::new();
        let value = Value::list([Value::string("a\"\\\n\u{1}ä/"), Value::Int(7), Value::Null]);
        write(&value, &mut text);
        assert_eq!(text, r#"["a\"\\\n\u0001ä/",7,null]"#);
    }
}
