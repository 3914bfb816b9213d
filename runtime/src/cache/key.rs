//! What tells requests apart in the cache: all of it, written out, so that no two share an answer by chance.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use lang::Value;

use crate::message::{Headers, Request};

/// A part of a key that the policy says.
pub(crate) type Part = Value;

/// A key, written out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Key(pub(super) Arc<[u8]>);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Key {
    /// What is sent, where it is sent to, and what the policy adds: `own` are header fields of the request by name.
    pub(super) fn of(request: &Request, parts: &[Part], own: &[Arc<str>]) -> Key {
        let mut key = Vec::with_capacity(128);
        let target = &request.target;
        text(&mut key, target.scheme().as_str().as_bytes());
        text(&mut key, target.authority().as_bytes());
        text(&mut key, target.path_and_query().as_bytes());
        parts.iter().for_each(|part| value(&mut key, part));
        own.iter().for_each(|name| field(&mut key, &request.headers, name));
        Key(key.into())
    }

    /// The key of the answer among several that suits these header fields (RFC 9111, section 4.1).
    pub(super) fn variant(&self, names: &[Arc<str>], headers: &Headers) -> Key {
        let mut key = self.0.to_vec();
        key.push(b'v');
        names.iter().for_each(|name| field(&mut key, headers, name));
        Key(key.into())
    }
}

/// Each part says first how long it is: none runs into the next.
fn text(key: &mut Vec<u8>, text: &[u8]) {
    key.extend_from_slice(&(text.len() as u64).to_le_bytes());
    key.extend_from_slice(text);
}

fn field(key: &mut Vec<u8>, headers: &Headers, name: &str) {
    text(key, name.as_bytes());
    let all = headers.all(name);
    for line in all {
        key.push(1);
        text(key, line);
    }
    key.push(0);
}

fn value(key: &mut Vec<u8>, part: &Value) {
    match part {
        Value::Absent => key.push(b'a'),
        Value::String(one) => {
            key.push(b's');
            text(key, one.as_bytes());
        }
        Value::List(items) => {
            key.push(b'l');
            key.extend_from_slice(&(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| value(key, item));
        }
        // Equal values have equal texts, and a kind of their own keeps them from being text.
        other => {
            key.push(b'o');
            text(key, other.to_string().as_bytes());
        }
    }
}
