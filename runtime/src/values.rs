//! Precise types for parameters: numbers, times and sizes within bounds, statuses that fit, hosts. Each says for itself
//! what it accepts, so that `gwc check` and the loading of a policy judge alike.

use std::sync::Arc;
use std::time::Duration;

use lang::vocab::decode::Status;
use lang::vocab::{Decode, Known, Spliced};
use lang::{Ty, Value};

use crate::normal;

/// A number within bounds, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count<const LEAST: u32, const MOST: u32>(pub u32);

/// A size within bounds, in bytes, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes<const LEAST: u64, const MOST: u64>(pub u64);

/// A wait that ends: at least a millisecond, at most so many days.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait<const DAYS: u64>(pub Duration);

/// A wait between two bounds, each at most a minute; the shorter one comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pause(pub Duration, pub Duration);

/// A share: 0% to 100%.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Share(pub f64);

/// The status of an answer that ends an exchange: 200 to 599.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FinalStatus(pub u16);

/// The status of an answer that refuses: 400 to 599.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RefusalStatus(pub u16);

/// The status of an answer that sends the client elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RedirectStatus(pub u16);

/// A host, with a port where it is not the scheme's own. What a request makes of it is judged where it is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authority(pub String);

impl<const LEAST: u32, const MOST: u32> Decode for Count<LEAST, MOST> {
    fn ty() -> Ty {
        Ty::Int
    }

    fn decode(value: &Value) -> Result<Self, String> {
        let number = i64::decode(value)?;
        match u32::try_from(number) {
            Ok(count) if (LEAST..=MOST).contains(&count) => Ok(Count(count)),
            _ => Err(format!("`{number}` is not between {LEAST} and {MOST}")),
        }
    }
}

impl<const LEAST: u64, const MOST: u64> Decode for Bytes<LEAST, MOST> {
    fn ty() -> Ty {
        Ty::Size
    }

    fn decode(value: &Value) -> Result<Self, String> {
        match value {
            Value::Size(bytes) if (LEAST..=MOST).contains(bytes) => Ok(Bytes(*bytes)),
            other => {
                let (least, most) = (Value::Size(LEAST), Value::Size(MOST));
                Err(format!("`{other}` is not between {least} and {most}"))
            }
        }
    }
}

impl<const DAYS: u64> Decode for Wait<DAYS> {
    fn ty() -> Ty {
        Ty::Duration
    }

    fn decode(value: &Value) -> Result<Self, String> {
        let most = Duration::from_secs(DAYS * 86_400);
        match value {
            Value::Duration(wait) if (Duration::from_millis(1)..=most).contains(wait) => {
                Ok(Wait(*wait))
            }
            other => Err(format!("`{other}` is not between 1ms and {DAYS}d")),
        }
    }
}

impl Decode for Pause {
    const HINT: Option<&'static str> =
        Some("write the shortest and the longest, as in `25ms..250ms`");

    fn ty() -> Ty {
        Ty::Range(Arc::new(Ty::Duration))
    }

    fn decode(value: &Value) -> Result<Self, String> {
        let most = Duration::from_secs(60);
        let ends = match value {
            Value::Range(ends) => &**ends,
            other => return Err(format!("expected {}, found `{other}`", Self::ty())),
        };
        match ends {
            (Value::Duration(least), Value::Duration(longest)) if *longest <= most => {
                Ok(Pause(*least, *longest))
            }
            (_, longest) => Err(format!("`{longest}` is longer than 1min")),
        }
    }
}

impl Share {
    /// In hundredths, rounded.
    pub fn hundredths(self) -> u32 {
        // INVARIANT: it is between 0 and 100.
        self.0.round() as u32
    }
}

impl Decode for Share {
    fn ty() -> Ty {
        Ty::Percent
    }

    fn decode(value: &Value) -> Result<Self, String> {
        match value {
            Value::Percent(share) if (0.0..=100.0).contains(share) => Ok(Share(*share)),
            other => Err(format!("`{other}` is not between 0% and 100%")),
        }
    }
}

fn status(value: &Value, fits: fn(u16) -> bool, reason: &str) -> Result<u16, String> {
    let Status(status) = Status::decode(value)?;
    if fits(status) { Ok(status) } else { Err(format!("`{status}` {reason}")) }
}

impl Decode for FinalStatus {
    fn ty() -> Ty {
        Ty::Status
    }

    fn decode(value: &Value) -> Result<Self, String> {
        status(value, |status| status >= 200, "announces an answer, it is none").map(FinalStatus)
    }
}

impl Decode for RefusalStatus {
    fn ty() -> Ty {
        Ty::Status
    }

    fn decode(value: &Value) -> Result<Self, String> {
        status(value, |status| status >= 400, "does not refuse").map(RefusalStatus)
    }
}

impl Decode for RedirectStatus {
    const HINT: Option<&'static str> =
        Some("301 and 308 send on for good, 302 and 307 for now, 303 to be asked for with `GET`");

    fn ty() -> Ty {
        Ty::Status
    }

    fn decode(value: &Value) -> Result<Self, String> {
        let sends = |status| matches!(status, 301 | 302 | 303 | 307 | 308);
        status(value, sends, "sends nobody elsewhere").map(RedirectStatus)
    }
}

impl Decode for Authority {
    const HINT: Option<&'static str> = Some("write a host as in `\"users.internal\"`");

    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<Self, String> {
        String::decode(value).map(Authority)
    }

    fn accepts(known: Known<'_>) -> Result<(), String> {
        let wrong = |text: &str| Err(format!("`{text}` is no host"));
        match known {
            Known::Value(value) => {
                let Authority(text) = Authority::decode(value)?;
                match normal::authority(text.as_bytes(), &mut String::new()) {
                    Ok(_) => Ok(()),
                    Err(_) => wrong(&text),
                }
            }
            Known::Text(parts) => {
                let stands = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
                match parts.iter().flatten().find(|text| !text.bytes().all(stands)) {
                    Some(text) => Err(format!("`{text}` is no part of a host")),
                    None => Ok(()),
                }
            }
            Known::Spliced(parts) => Self::accepts(Known::Value(&Spliced::whole(parts))),
            Known::Nothing => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_told() {
        type Choices = Count<1, 16>;
        assert_eq!(Choices::decode(&Value::Int(16)), Ok(Count(16)));
        for wrong in [0, 17, -1, i64::MAX] {
            let told = Choices::decode(&Value::Int(wrong));
            assert_eq!(told, Err(format!("`{wrong}` is not between 1 and 16")));
        }
        let zero = Value::Duration(Duration::ZERO);
        assert_eq!(Wait::<1>::decode(&zero), Err("`0ms` is not between 1ms and 1d".to_owned()));
    }

    #[test]
    fn a_host_is_judged_as_far_as_it_is_known() {
        let known = |text: &str| Authority::accepts(Known::Value(&Value::string(text)));
        assert!(known("a.example:80").is_ok() && known("[::1]").is_ok());
        assert!(known("a b").is_err() && known("").is_err() && known("a:99999").is_err());
        assert!(Authority::accepts(Known::Text(&[None, Some(".svc:80")])).is_ok());
        assert!(Authority::accepts(Known::Text(&[None, Some("/x")])).is_err());
    }
}
