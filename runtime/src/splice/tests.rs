//! Hostile values on their way into paths, queries and locations: each stays in its place or is refused.

use compiler::program::Expr;
use lang::Value;

use super::*;
use crate::exchange::sample;

/// What `form` makes of `before`, a value and `after`.
fn put(
    form: Form,
    before: &str,
    joint: Joint,
    value: &str,
    after: &str,
) -> Result<String, Failure> {
    let ex = sample::exchange(vec![Expr::Const(Value::string(value))], vec![], "/", &[]);
    let words = |text: &str| Part::Words(text.to_owned());
    let value = Part::Value(ExprId(0), joint);
    let splice = Splice { text: vec![words(before), value, words(after)].into() };
    match form {
        Form::Path => splice.path(&ex),
        Form::Query => splice.query(&ex).map(Option::unwrap),
        Form::Location => splice.location(&ex),
    }
}

/// Values that somebody might send, and every mix of what could do harm.
fn hostile() -> Vec<String> {
    let pieces = [
        "a", "", "/", "\\", ".", "..", "%2e", "%2F", "%", "?", "#", "&", "=", "+", " ", "\r\n",
        "\0", "\u{e4}", "\u{7f}", ";", ":", "@", "//", "%0d%0a", "%zz",
    ];
    let mut values = Vec::new();
    for first in pieces {
        for second in pieces {
            for third in ["", "/", "..", "b", "\n"] {
                values.push(format!("{first}{second}{third}"));
            }
        }
    }
    values
}

#[test]
fn a_value_stays_in_its_segment() {
    for part in [Joint::Value, Joint::Spelled] {
        for value in hostile() {
            for (before, after, n) in [("/u/", "", 3), ("/u/", "/x", 4), ("/u/p-", ".json", 3)] {
                let Ok(path) = put(Form::Path, before, part, &value, after) else { continue };
                assert_eq!(path.split('/').count(), n, "{value:?} {path}");
                assert!(path.starts_with(before) && path.ends_with(after), "{value:?} {path}");
                assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{value:?} {path}");
                assert!(!path.contains(['?', '#', '\\']), "{value:?} {path}");
                let mut again = String::new();
                normal::path(path.as_bytes(), &mut again).unwrap();
                assert_eq!(again, path, "{value:?}");
            }
        }
    }
}

#[test]
fn a_value_stays_in_its_pair_of_a_query() {
    for part in [Joint::Value, Joint::Spelled] {
        for value in hostile() {
            let query = put(Form::Query, "q=", part, &value, "&z=1").unwrap();
            let pairs: Vec<_> = normal::query::pairs(&query).collect();
            assert_eq!(pairs.len(), 2, "{value:?} {query}");
            assert_eq!(pairs.last().unwrap().0, "z");
            normal::query(query.as_bytes()).unwrap();
            if part == Joint::Value {
                assert_eq!(pairs.first().unwrap().1, value, "{query}");
            }
        }
    }
}

#[test]
fn a_value_stays_in_its_place_of_a_location() {
    for part in [Joint::Value, Joint::Spelled] {
        for value in hostile() {
            let dots = match part {
                Joint::Spelled => value.to_ascii_lowercase().replace("%2e", "."),
                _ => value.clone(),
            };
            let location = put(Form::Location, "/u/", part, &value, "/x");
            // A client that resolves dots would leave the place.
            assert_eq!(location.is_err(), [".", ".."].contains(&&*dots), "{value:?}");
            let Ok(location) = location else { continue };
            assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location:?}");
            assert_eq!(location.split('/').count(), 4, "{value:?} {location}");
            assert!(!location.contains(['?', '#', '\\']), "{value:?} {location}");
        }
    }
    for value in hostile() {
        let ex = sample::exchange(vec![Expr::Const(Value::string(&*value))], vec![], "/", &[]);
        let whole = Splice { text: vec![Part::Value(ExprId(0), Joint::Value)].into() };
        let location = whole.location(&ex);
        assert_eq!(location.is_err(), value.is_empty());
        let location = location.unwrap_or_default();
        assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location:?}");
    }
}

#[test]
fn a_target_in_a_query_is_a_value() {
    let put = |before, value| put(Form::Location, before, Joint::Kept, value, "&z=1").unwrap();
    assert_eq!(put("/in?next=", "/a?b=1&c=%20"), "/in?next=/a%3Fb%3D1%26c%3D%2520&z=1");
    assert_eq!(put("https://x/?", "b=1&c"), "https://x/?b=1&c&z=1");
    assert_eq!(put("https://x", "/a?b=1"), "https://x/a?b=1&z=1");
}

#[test]
fn the_own_path_keeps_its_segments() {
    let path = |before, value| put(Form::Path, before, Joint::Kept, value, "").unwrap();
    assert_eq!(path("/v2", "/a/b%20c/"), "/v2/a/b%20c/");
    assert_eq!(path("/v2/", "/a"), "/v2/a");
    assert_eq!(path("/v2", ""), "/v2");
    assert!(put(Form::Path, "/v2/", Joint::Kept, "../x", "").is_err());
    assert_eq!(path("", ""), "/");
    assert_eq!(path("", "a/b"), "/a/b");
}

#[test]
fn what_cannot_be_a_segment_is_refused() {
    for value in ["", ".", "..", "a/b", "\n", "\\", "..;x"] {
        assert!(put(Form::Path, "/u/", Joint::Value, value, "/x").is_err(), "{value:?}");
    }
    assert_eq!(put(Form::Path, "/u/", Joint::Value, "a b?%2e", "").unwrap(), "/u/a%20b%3F%252e");
    assert_eq!(put(Form::Path, "/u/", Joint::Spelled, "a%20b", "").unwrap(), "/u/a%20b");
}
