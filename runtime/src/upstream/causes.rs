//! What can come of a try that another one might mend, in the words that a policy has for it. It says what happened,
//! never what follows from it.

use lang::types::Ty;
use lang::value::Value;
use lang::vocab::Decode;

/// What came of a try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The endpoint has seen nothing of the request.
    Connect,
    /// The connection was lost before there was an answer.
    Reset,
    /// There was no answer in time.
    Timeout,
    /// What came is no answer.
    Malformed,
    /// An answer with this status.
    Status(u16),
}

/// Some of the causes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Causes {
    words: u8,
    statuses: Vec<u16>,
}

const CONNECT: u8 = 1;
const RESET: u8 = 2;
const TIMEOUT: u8 = 4;
const MALFORMED: u8 = 8;
const SERVER_ERRORS: u8 = 16;

/// The words with a bit of their own.
const WORDS: &[(&str, u8)] = &[
    ("connect", CONNECT),
    ("reset", RESET),
    ("timeout", TIMEOUT),
    ("malformed", MALFORMED),
    ("5xx", SERVER_ERRORS),
];

/// The statuses that another endpoint, or the same one a moment later, may not answer with.
const STATUSES: &[&str] =
    &["404", "408", "409", "421", "425", "429", "500", "501", "502", "503", "504"];

impl Causes {
    /// What says nothing about the request itself: no connection, a lost one.
    pub fn lost() -> Causes {
        Causes { words: CONNECT | RESET, statuses: Vec::new() }
    }

    /// Everything that speaks against an endpoint: no answer, and every 5xx.
    pub fn trouble() -> Causes {
        let words = CONNECT | RESET | TIMEOUT | MALFORMED | SERVER_ERRORS;
        Causes { words, statuses: Vec::new() }
    }

    /// Whether `cause` is among them.
    pub fn has(&self, cause: Cause) -> bool {
        let bit = match cause {
            Cause::Connect => CONNECT,
            Cause::Reset => RESET,
            Cause::Timeout => TIMEOUT,
            Cause::Malformed => MALFORMED,
            Cause::Status(500..=599) => SERVER_ERRORS,
            Cause::Status(_) => 0,
        };
        let listed = |status| self.statuses.contains(&status);
        self.words & bit != 0 || matches!(cause, Cause::Status(status) if listed(status))
    }

    /// Whether there is one that an endpoint comes to only after it has seen the request.
    pub fn has_seen(&self) -> bool {
        self.words & !CONNECT != 0 || !self.statuses.is_empty()
    }
}

impl Decode for Causes {
    const HINT: Option<&'static str> = Some("write some of them, as in `[connect, reset, 503]`");

    fn ty() -> Ty {
        let words = WORDS.iter().map(|(word, _)| *word).chain(STATUSES.iter().copied());
        Ty::list(Ty::one_of(&words.collect::<Vec<_>>()))
    }

    fn decode(value: &Value) -> Result<Causes, String> {
        let Value::List(items) = value else { return Err(format!("`{value}` is no list")) };
        let mut causes = Causes::default();
        for item in items.iter() {
            let word = item.as_str().unwrap_or_default();
            match WORDS.iter().find(|(known, _)| *known == word) {
                Some((_, bit)) => causes.words |= bit,
                None if STATUSES.contains(&word) => causes.statuses.extend(word.parse::<u16>()),
                None => return Err(format!("{item} is no cause")),
            }
        }
        Ok(causes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_statuses_are_read() {
        let list = |words: &[&str]| Value::list(words.iter().map(|word| Value::string(*word)));
        let causes = Causes::decode(&list(&["connect", "503", "429"])).unwrap();
        for (cause, has) in [
            (Cause::Connect, true),
            (Cause::Reset, false),
            (Cause::Status(503), true),
            (Cause::Status(429), true),
            (Cause::Status(500), false),
            (Cause::Status(200), false),
        ] {
            assert_eq!(causes.has(cause), has, "{cause:?}");
        }
        assert!(causes.has_seen() && !Causes::decode(&list(&["connect"])).unwrap().has_seen());
        let all = Causes::decode(&list(&["5xx"])).unwrap();
        assert!(all.has(Cause::Status(507)) && !all.has(Cause::Status(499)));
        assert!(Causes::decode(&list(&["200"])).is_err());
    }
}
