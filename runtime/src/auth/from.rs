//! Where a request carries its token. Finding it judges nothing.

use std::borrow::Cow;
use std::sync::Arc;

use crate::exchange::Exchange;
use crate::fields::cookie;

/// A place in a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum From {
    /// `Authorization: Bearer …` (RFC 6750, section 2.1).
    Bearer,
    /// A header field of this name, in lower case; with or without `Bearer` before it.
    Header(Arc<str>),
    /// A cookie of this name.
    Cookie(Arc<str>),
}

impl From {
    /// Whether it is the header field of this name, in lower case.
    pub(super) fn is_field(&self, name: &str) -> bool {
        match self {
            From::Bearer => name == "authorization",
            From::Header(field) => **field == *name,
            From::Cookie(_) => name == "cookie",
        }
    }

    /// The token that stands there. Credentials of another scheme are none.
    pub(super) fn token<'x>(&'x self, ex: &'x Exchange) -> Option<Cow<'x, str>> {
        match self {
            From::Bearer => bearer(header(ex, "authorization")?).map(Cow::Borrowed),
            From::Header(name) => {
                let value = header(ex, name)?;
                Some(Cow::Borrowed(bearer(value).unwrap_or(value)))
            }
            From::Cookie(name) => cookie(&ex.request.headers, name),
        }
    }
}

/// The value of a field that stands once.
fn header<'x>(ex: &'x Exchange, name: &'x str) -> Option<&'x str> {
    let mut values = ex.request.headers.all(name);
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    std::str::from_utf8(value).ok().map(str::trim)
}

/// What follows `Bearer`, whose case does not matter (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::sample::exchange;

    fn token(from: &From, headers: &[(&str, &str)]) -> Option<String> {
        from.token(&exchange(vec![], vec![], "/", headers)).map(Cow::into_owned)
    }

    #[test]
    fn a_token_is_found_where_it_belongs() {
        let bearer = |value| token(&From::Bearer, &[("Authorization", value)]);
        assert_eq!(bearer("Bearer a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(bearer("bearer  a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(bearer("Basic YTpi"), None);
        assert_eq!(bearer("a.b.c"), None);
        let own = From::Header("x-token".into());
        assert_eq!(token(&own, &[("X-Token", "a.b.c")]).as_deref(), Some("a.b.c"));
        assert_eq!(token(&own, &[("X-Token", "a"), ("X-Token", "b")]), None);
        let cookie = From::Cookie("sid".into());
        assert_eq!(token(&cookie, &[("Cookie", "a=1; sid=a.b.c")]).as_deref(), Some("a.b.c"));
        assert_eq!(token(&cookie, &[("Cookie", "SID=a.b.c")]), None);
    }
}
