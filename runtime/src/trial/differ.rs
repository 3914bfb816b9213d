//! Where two documents differ, place by place: what a failing comparison of large ones says instead of both of them.

use lang::Value;
use lang::quoted::Quoted;

use super::expect::told;

/// Differences that are told; the rest are counted.
const MOST: usize = 4;

/// Where what was found is not what was expected, if both are lists or both are records.
pub(super) fn differences(expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => {}
        _ => return None,
    }
    let mut all = Differences { told: Vec::new(), more: 0 };
    all.compare("", expected, found);
    let Differences { mut told, more } = all;
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    Some(told.join("; "))
}

struct Differences {
    told: Vec<String>,
    more: usize,
}

impl Differences {
    // INVARIANT: documents are nested as deep as reading them allows, and no deeper.
    fn compare(&mut self, place: &str, expected: &Value, found: &Value) {
        match (expected, found) {
            (Value::List(expected), Value::List(found)) => {
                for at in 0..expected.len().max(found.len()) {
                    self.part(&format!("{place}[{at}]"), expected.get(at), found.get(at));
                }
            }
            (Value::Map(expected), Value::Map(found)) => {
                for (name, value) in expected.iter() {
                    self.part(&member(place, name), Some(value), found.get(name));
                }
                for (name, value) in found.iter().filter(|(name, _)| !expected.contains_key(*name))
                {
                    self.part(&member(place, name), None, Some(value));
                }
            }
            (expected, found) if expected == found => {}
            (expected, found) => {
                let (expected, found) = (told(expected), told(found));
                self.tell(|| format!("`{place}`: expected {expected}, found {found}"));
            }
        }
    }

    fn part(&mut self, place: &str, expected: Option<&Value>, found: Option<&Value>) {
        match (expected, found) {
            (Some(expected), Some(found)) => self.compare(place, expected, found),
            (Some(expected), None) => {
                self.tell(|| format!("`{place}` is missing, expected {}", told(expected)));
            }
            (None, Some(found)) => {
                self.tell(|| format!("`{place}` is not expected, found {}", told(found)));
            }
            (None, None) => {}
        }
    }

    fn tell(&mut self, words: impl FnOnce() -> String) {
        match self.told.len() < MOST {
            true => self.told.push(words()),
            false => self.more += 1,
        }
    }
}

/// A member as an expression reads it.
fn member(place: &str, name: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match name.bytes().all(is_word) && !name.is_empty() {
        true => format!("{place}.{name}"),
        false => format!("{place}[{}]", Quoted(name)),
    }
}
