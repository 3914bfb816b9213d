//! Claims as they stand in a token, to claims as the policy declares them. What does not fit makes the token none: a
//! condition never meets a value of another type.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lang::{Ty, Value};

/// The record of declared claims; nothing where one is missing or of another type. Claims that are not declared are left
/// out.
pub(super) fn record(
    fields: &[(Arc<str>, Ty)],
    defaults: &BTreeMap<Arc<str>, Value>,
    given: &BTreeMap<Arc<str>, Value>,
) -> Option<Value> {
    let mut record = BTreeMap::new();
    for (name, ty) in fields {
        let value = match given.get(name) {
            // `null` is how some issuers leave a claim out.
            None | Some(Value::Null) => match defaults.get(name) {
                Some(default) => default.clone(),
                None if ty.is_optional() => continue,
                None => return None,
            },
            Some(value) => typed(ty.present(), value)?,
        };
        record.insert(name.clone(), value);
    }
    Some(Value::Map(Arc::new(record)))
}

fn typed(ty: &Ty, value: &Value) -> Option<Value> {
    Some(match (ty, value) {
        (Ty::Json, value) => value.clone(),
        (Ty::Bool, Value::Bool(_)) | (Ty::Int, Value::Int(_)) | (Ty::String, Value::String(_)) => {
            value.clone()
        }
        (Ty::Float, Value::Int(_) | Value::Float(_)) => value.clone(),
        (Ty::Time, value) => Value::Time(date(value)?),
        (Ty::OneOf(words), Value::String(word)) if words.contains(word) => value.clone(),
        (Ty::Uuid, Value::String(text)) => Value::String(uuid(text)?),
        (Ty::Ip, Value::String(text)) => Value::ip(text.parse().ok()?),
        // RFC 8693, section 4.2: scopes are one text with blanks in it.
        (Ty::Set(of) | Ty::List(of), Value::String(text)) if is_text(of) => {
            let words = text.split(' ').filter(|word| !word.is_empty());
            let items = words.map(|word| typed(of, &Value::string(word)));
            collect(ty, items.collect::<Option<Vec<_>>>()?)
        }
        (Ty::Set(of) | Ty::List(of), Value::List(items)) => {
            collect(ty, items.iter().map(|item| typed(of, item)).collect::<Option<Vec<_>>>()?)
        }
        (Ty::Map(of), Value::Map(fields)) => {
            let fields = fields.iter().map(|(name, value)| Some((name.clone(), typed(of, value)?)));
            Value::Map(Arc::new(fields.collect::<Option<BTreeMap<_, _>>>()?))
        }
        (Ty::Record(fields), Value::Map(given)) => record(fields, &BTreeMap::new(), given)?,
        (Ty::Optional(of), Value::Null) if !matches!(**of, Ty::Json) => Value::Absent,
        (Ty::Optional(of), value) => typed(of, value)?,
        _ => return None,
    })
}

/// A NumericDate (RFC 7519, section 2) in whole seconds.
pub(super) fn date(value: &Value) -> Option<i64> {
    match value {
        Value::Int(seconds) => Some(*seconds),
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
        Value::Float(seconds) if seconds.is_finite() => Some(seconds.floor() as i64),
        _ => None,
    }
}

fn is_text(ty: &Ty) -> bool {
    matches!(ty, Ty::String | Ty::OneOf(_) | Ty::Uuid)
}

fn collect(ty: &Ty, items: Vec<Value>) -> Value {
    match ty {
        Ty::Set(_) => Value::Set(Arc::new(items.into_iter().collect::<BTreeSet<_>>())),
        _ => Value::list(items),
    }
}

/// A UUID in its canonical form.
fn uuid(text: &str) -> Option<Arc<str>> {
    let is_shaped = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    is_shaped.then(|| text.to_ascii_lowercase().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::document;

    fn claims(ty: Ty, token: &str) -> Option<String> {
        let Value::Map(given) = document(token.as_bytes()) else { panic!("{token}") };
        let fields = [(Arc::from("c"), ty)];
        let value = record(&fields, &BTreeMap::new(), &given)?;
        Some(value.to_string())
    }

    #[test]
    fn claims_have_their_types_or_there_is_no_token() {
        let scope = || Ty::set(Ty::String);
        let plan = || Ty::one_of(&["free", "pro"]);
        for (ty, token, expected) in [
            (Ty::String, r#"{"c":"x","d":1}"#, Some(r#"{ c: "x" }"#)),
            (Ty::String, r#"{"c":1}"#, None),
            (Ty::String, "{}", None),
            (Ty::String, r#"{"c":null}"#, None),
            (Ty::String.optional(), r#"{"c":null}"#, Some("{}")),
            (Ty::String.optional(), r#"{"c":1}"#, None),
            (scope(), r#"{"c":"read  write read"}"#, Some(r#"{ c: ["read", "write"] }"#)),
            (scope(), r#"{"c":""}"#, Some("{ c: [] }")),
            (scope(), r#"{"c":["b","a"]}"#, Some(r#"{ c: ["a", "b"] }"#)),
            (scope(), r#"{"c":["b",1]}"#, None),
            (plan(), r#"{"c":"pro"}"#, Some(r#"{ c: "pro" }"#)),
            (plan(), r#"{"c":"max"}"#, None),
            (Ty::Int, r#"{"c":1.5}"#, None),
            (Ty::Float, r#"{"c":1}"#, Some("{ c: 1 }")),
            (Ty::Time, r#"{"c":1700000000.9}"#, Some("{ c: 1700000000 }")),
            (Ty::Bool, r#"{"c":"true"}"#, None),
        ] {
            assert_eq!(claims(ty.clone(), token).as_deref(), expected, "{ty} {token}");
        }
    }
}
