//! A request's content as a document. What two readers could understand differently is no document here.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lang::Value;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// No document has more values: each takes some thirty bytes, however short it is written.
const MOST_VALUES: usize = 100_000;

/// The document in `bytes`; absent if it is none, names something twice, is nested deeper than the reader allows
/// (128), or has more than 100,000 values.
pub fn document(bytes: &[u8]) -> Value {
    let left = Cell::new(MOST_VALUES);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = Document { left: &left }.deserialize(&mut json);
    match (value, json.end()) {
        (Ok(value), Ok(())) => value,
        _ => Value::Absent,
    }
}

/// A document within another's reading, bounded as [`document`] is.
#[derive(Debug)]
pub struct Json(pub Value);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Json, D::Error> {
        let left = Cell::new(MOST_VALUES);
        Document { left: &left }.deserialize(json).map(Json)
    }
}

#[derive(Clone, Copy)]
struct Document<'l> {
    left: &'l Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| D::Error::custom("too large"))?;
        self.left.set(left);
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "JSON has no integers of its own")]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::string(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::list(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        while let Some(name) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(self)?;
            if map.insert(name.into(), value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Map(Arc::new(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_document_is_absent() {
        for text in ["", "{", "{} {}", r#"{"a":1,"a":2}"#, r#"[{"a":1,"b":2,"a":3}]"#, "NaN", "'a'"]
        {
            assert!(document(text.as_bytes()).is_absent(), "{text}");
        }
        assert!(document(&b"[".repeat(100_000)).is_absent());
        let wide = format!("[{}0]", "0,".repeat(MOST_VALUES));
        assert!(document(wide.as_bytes()).is_absent());
        assert!(document(b"\"\xff\"").is_absent());
    }

    #[test]
    fn a_document_is_read() {
        let read =
            document(br#" {"a": [1, -2, 1.5, null, true, "x\u00e4"], "b": 18446744073709551615} "#);
        assert_eq!(
            read.to_string(),
            "{ a: [1, -2, 1.5, null, true, \"xä\"], b: 18446744073709552000 }"
        );
    }
}
