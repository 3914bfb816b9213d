//! From what an operator writes, in TOML or as bare text, to a value of an input's type.

use std::collections::BTreeMap;
use std::sync::Arc;

use lang::{Span, Ty, Value, literal, vocab};
use toml::Value as Toml;

/// Why a value does not fit: what would, and what is there. What is there may be a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    expected: String,
    found: String,
}

/// More of a wrong value is not shown.
const MOST_SHOWN: usize = 80;

impl Wrong {
    fn new(ty: &Ty, found: impl ToString) -> Wrong {
        let expected = match example(ty) {
            Some(example) => format!("expected {ty} such as `{example}`"),
            None => format!("expected {ty}"),
        };
        Wrong { expected, found: found.to_string() }
    }

    /// The reason as a sentence; without the value where it is `secret`.
    pub(super) fn told(&self, secret: bool) -> String {
        if secret {
            return self.expected.clone();
        }
        let mut found: String = self.found.chars().take(MOST_SHOWN).collect();
        if found.len() < self.found.len() {
            found.push('…');
        }
        // Only what could move the cursor is escaped: quotes stand as they were written.
        let shown: String = found
            .chars()
            .flat_map(|c| match c.is_control() {
                true => c.escape_debug().collect::<Vec<char>>(),
                false => vec![c],
            })
            .collect();
        format!("{}, found `{shown}`", self.expected)
    }

    fn within(mut self, place: impl std::fmt::Display) -> Wrong {
        self.expected = format!("at `{place}`: {}", self.expected);
        self
    }
}

/// Reads a value of a TOML file.
pub(super) fn from_toml(value: &Toml, ty: &Ty) -> Result<Value, Wrong> {
    let wrong = || Err(Wrong::new(ty, value));
    match (ty, value) {
        (Ty::Optional(inner), _) => from_toml(value, inner),
        (Ty::Json, _) => document(value, ty),
        (Ty::Bool, Toml::Boolean(value)) => Ok(Value::Bool(*value)),
        (Ty::Int, Toml::Integer(value)) => Ok(Value::Int(*value)),
        (Ty::Float, Toml::Float(value)) if value.is_finite() => Ok(Value::Float(*value)),
        (Ty::Float, Toml::Integer(value)) => Ok(Value::Float(*value as f64)),
        (Ty::Status, Toml::Integer(_)) => scalar(&value.to_string(), ty),
        (Ty::Time, Toml::Datetime(time)) => scalar(&time.to_string(), ty),
        (Ty::Bool | Ty::Int | Ty::Float, _) => wrong(),
        (Ty::List(of), Toml::Array(items)) => Ok(Value::List(all(items, of)?.into())),
        (Ty::Set(of), Toml::Array(items)) => {
            Ok(Value::Set(Arc::new(all(items, of)?.into_iter().collect())))
        }
        (Ty::Map(of), Toml::Table(table)) => {
            let entry = |(name, value): (&String, &Toml)| {
                let value = from_toml(value, of).map_err(|wrong| wrong.within(name))?;
                Ok((Arc::from(name.as_str()), value))
            };
            Ok(Value::Map(Arc::new(table.iter().map(entry).collect::<Result<_, Wrong>>()?)))
        }
        (Ty::Record(fields), Toml::Table(table)) => record(fields, table, ty),
        (_, Toml::String(text)) => scalar(text, ty),
        _ => wrong(),
    }
}

/// Reads a variable or a file: text as it is, lists with commas, everything else as a policy writes it.
pub(super) fn from_text(text: &str, ty: &Ty) -> Result<Value, Wrong> {
    let trimmed = text.trim();
    match ty {
        Ty::Optional(inner) => from_text(text, inner),
        Ty::List(of) | Ty::Set(of) if !trimmed.starts_with('[') => {
            let parts = trimmed.split(',').map(str::trim).filter(|part| !part.is_empty());
            let items = parts.map(|part| from_text(part, of)).collect::<Result<Vec<_>, _>>()?;
            Ok(match ty {
                Ty::Set(_) => Value::Set(Arc::new(items.into_iter().collect())),
                _ => Value::List(items.into()),
            })
        }
        Ty::List(_) | Ty::Set(_) | Ty::Map(_) | Ty::Record(_) | Ty::Json => {
            let parsed = toml::from_str::<toml::Table>(&format!("value = {trimmed}"));
            let value = parsed.ok().and_then(|mut table| table.remove("value"));
            match (value, ty) {
                (Some(value), _) => from_toml(&value, ty),
                (None, Ty::Json) => Ok(Value::string(text)),
                (None, _) => Err(Wrong::new(ty, text)),
            }
        }
        Ty::Bool => match trimmed {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(Wrong::new(ty, text)),
        },
        Ty::String | Ty::Secret => scalar(text, ty),
        _ => scalar(trimmed, ty),
    }
}

/// A value that a policy writes as one word.
fn scalar(text: &str, ty: &Ty) -> Result<Value, Wrong> {
    let wrong = || Wrong::new(ty, text);
    match ty {
        Ty::String => Ok(Value::string(text)),
        // Loading forgets it: whoever may use a secret is handed it by its place.
        Ty::Secret if !text.is_empty() => Ok(Value::string(text)),
        Ty::OneOf(words) if words.iter().any(|word| **word == *text) => Ok(Value::string(text)),
        Ty::OneOf(words) => {
            let mut wrong = wrong();
            if let Some(near) = vocab::nearest(text, words.iter().map(|word| &**word)) {
                wrong.expected.push_str(&format!(", perhaps `{near}`"));
            }
            Err(wrong)
        }
        Ty::Method if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            Ok(Value::Method(text.into()))
        }
        Ty::Regex => {
            literal::regex(text, Span::default()).map(|(value, _)| value).map_err(|diag| Wrong {
                expected: format!("expected Regex: {}", diag.message),
                found: text.into(),
            })
        }
        Ty::Uuid | Ty::Time => match literal::from_string(text, ty, Span::default()) {
            Some(Ok(value)) => Ok(value),
            _ => Err(wrong()),
        },
        Ty::Int
        | Ty::Float
        | Ty::Duration
        | Ty::Size
        | Ty::Rate
        | Ty::Percent
        | Ty::Ip
        | Ty::Cidr
        | Ty::Status
        | Ty::Range(_) => match literal::literal(text, Span::default(), Some(ty)) {
            // A bare number may be meant as either.
            Ok((Value::Int(number), _)) if *ty == Ty::Float => Ok(Value::Float(number as f64)),
            Ok((Value::Int(code @ 100..=599), _)) if *ty == Ty::Status => {
                Ok(Value::Status(code as u16))
            }
            Ok((value, found)) if found.fits(ty) => Ok(value),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

fn all(items: &[Toml], of: &Ty) -> Result<Vec<Value>, Wrong> {
    let item = |(at, item)| from_toml(item, of).map_err(|wrong: Wrong| wrong.within(at));
    items.iter().enumerate().map(item).collect()
}

fn record(fields: &[(Arc<str>, Ty)], table: &toml::Table, ty: &Ty) -> Result<Value, Wrong> {
    if let Some(name) =
        table.keys().find(|name| !fields.iter().any(|(field, _)| **field == ***name))
    {
        return Err(Wrong::new(ty, format!("a field {name}")));
    }
    let mut values = BTreeMap::new();
    for (name, ty) in fields {
        match table.get(&**name) {
            Some(value) => {
                let value = from_toml(value, ty).map_err(|wrong| wrong.within(name))?;
                values.insert(name.clone(), value);
            }
            None if ty.is_optional() => {}
            None => return Err(Wrong::new(ty, "nothing").within(name)),
        }
    }
    Ok(Value::Map(Arc::new(values)))
}

fn document(value: &Toml, ty: &Ty) -> Result<Value, Wrong> {
    Ok(match value {
        Toml::String(text) => Value::string(text.as_str()),
        Toml::Integer(value) => Value::Int(*value),
        Toml::Float(value) if value.is_finite() => Value::Float(*value),
        Toml::Float(_) => return Err(Wrong::new(ty, value)),
        Toml::Boolean(value) => Value::Bool(*value),
        Toml::Datetime(time) => Value::string(time.to_string()),
        Toml::Array(items) => {
            let items =
                items.iter().map(|item| document(item, ty)).collect::<Result<Vec<_>, _>>()?;
            Value::List(items.into())
        }
        Toml::Table(table) => {
            let entry = |(name, value): (&String, &Toml)| {
                Ok((Arc::from(name.as_str()), document(value, ty)?))
            };
            Value::Map(Arc::new(table.iter().map(entry).collect::<Result<_, Wrong>>()?))
        }
    })
}

/// How a value of the type is written, where its name does not say it.
fn example(ty: &Ty) -> Option<&'static str> {
    Some(match ty.present() {
        Ty::Duration => "5s",
        Ty::Size => "10MiB",
        Ty::Rate => "100/s",
        Ty::Percent => "20%",
        Ty::Ip => "10.0.0.1",
        Ty::Cidr => "10.0.0.0/8",
        Ty::Method => "GET",
        Ty::Status => "404",
        Ty::Time => "2026-01-31T12:00:00Z",
        Ty::Uuid => "6f1c1f0e-0000-4000-8000-000000000001",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn toml(text: &str, ty: &Ty) -> Result<Value, String> {
        let table: toml::Table = toml::from_str(&format!("v = {text}")).unwrap();
        from_toml(&table["v"], ty).map_err(|wrong| wrong.told(false))
    }

    #[test]
    fn values_are_written_as_in_a_policy() {
        let seconds = |n| Value::Duration(Duration::from_secs(n));
        assert_eq!(toml("\"5s\"", &Ty::Duration), Ok(seconds(5)));
        assert_eq!(toml("404", &Ty::Status), Ok(Value::Status(404)));
        assert_eq!(toml("3", &Ty::Float), Ok(Value::Float(3.0)));
        let networks = Value::list([Value::Cidr("10.0.0.0/8".parse().unwrap())]);
        assert_eq!(toml("[\"10.0.0.0/8\"]", &Ty::list(Ty::Cidr)), Ok(networks.clone()));
        assert_eq!(from_text(" 10.0.0.0/8, ", &Ty::list(Ty::Cidr)), Ok(networks));
        assert_eq!(from_text("true", &Ty::Bool), Ok(Value::Bool(true)));
        assert_eq!(from_text("12", &Ty::Int), Ok(Value::Int(12)));
        assert_eq!(from_text(" as it is ", &Ty::String), Ok(Value::string(" as it is ")));
    }

    #[test]
    fn what_does_not_fit_is_told_with_an_example() {
        let told = |text, ty| toml(text, &ty).unwrap_err();
        assert_eq!(told("5", Ty::Duration), "expected Duration such as `5s`, found `5`");
        assert_eq!(told("\"5\"", Ty::Duration), "expected Duration such as `5s`, found `5`");
        assert_eq!(told("\"x\"", Ty::Int), "expected Int, found `\"x\"`");
        let plans = Ty::one_of(&["free", "pro"]);
        assert!(told("\"por\"", plans).contains("perhaps `pro`"));
        let bad = told("[\"10.0.0.0/8\", \"10.0.0.0/33\"]", Ty::list(Ty::Cidr));
        assert_eq!(bad, "at `1`: expected Cidr such as `10.0.0.0/8`, found `10.0.0.0/33`");
    }
}
