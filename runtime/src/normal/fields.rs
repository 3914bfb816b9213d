//! Fields that two readers may understand differently: one value said twice, and names that some take for others.

use compiler::passing::PROTECTED;

use crate::message::{Fault, Headers, Known};

/// Refuses a section in which a field of [`SINGLE`](compiler::passing::SINGLE) stands twice.
pub fn single_valued(headers: &Headers) -> Result<(), Fault> {
    let mut seen = Known::default();
    for known in headers.known().filter(|known| known.meets(Known::SINGLE)) {
        if known.meets(seen) {
            return Err(Fault::FieldRepeated);
        }
        seen = seen.with(known);
    }
    Ok(())
}

/// Takes off what a client sent under a name that programs behind a CGI or WSGI cannot tell from another: to them `_` is
/// `-`. Where the other name means something to the gateway, or stands there too, only that one counts.
pub(crate) fn unmask(headers: &mut Headers) {
    if !headers.may_have(Known::SCORED) {
        return;
    }
    let masks = |name: &&str| {
        let other = name.replace('_', "-");
        other != **name
            && (Known::recognise(other.as_bytes()) != Known::default()
                || PROTECTED.iter().any(|known| known.eq_ignore_ascii_case(&other))
                || headers.contains(&other))
    };
    let masked: Vec<String> =
        headers.iter().map(|(name, _)| name).filter(masks).map(str::to_owned).collect();
    for name in masked {
        headers.remove(&name);
    }
}

/// Takes off what a client sent under a name that is taken for `name`, which a statement of the policy writes or takes
/// away.
pub(crate) fn unmask_one(headers: &mut Headers, name: &str) {
    if headers.may_have(Known::SCORED) {
        let folded = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
        headers.retain(|known, other| {
            !known.meets(Known::SCORED)
                || other.eq_ignore_ascii_case(name.as_bytes())
                || !other.iter().map(|&byte| folded(byte)).eq(name.bytes().map(folded))
        });
    }
}

#[cfg(test)]
mod tests {
    use compiler::passing::SINGLE;

    use super::*;

    fn names(headers: &Headers) -> Vec<&str> {
        headers.iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_name_that_is_taken_for_another_goes() {
        let mut headers = Headers::new();
        for name in [
            "x-user",
            "X_User",
            "api_key",
            "Content_Length",
            "x_forwarded_for",
            "X-Forwarded_Port",
            "if_match",
            "transfer_encoding",
            "x_tenant",
        ] {
            headers.append_checked(name.as_bytes(), b"a").unwrap();
        }
        unmask(&mut headers);
        assert_eq!(names(&headers), ["x-user", "api_key", "x_tenant"]);
        unmask_one(&mut headers, "api_key");
        unmask_one(&mut headers, "x-tenant");
        headers.set("x_user", "of the policy").unwrap();
        unmask_one(&mut headers, "x-user");
        assert_eq!(names(&headers), ["x-user", "api_key", "x_user"]);
    }

    #[test]
    fn twice_is_refused_whatever_the_case() {
        let mut headers = Headers::new();
        headers.append("Accept", "a").unwrap();
        headers.append("accept", "b").unwrap();
        headers.append("Authorization", "x").unwrap();
        assert_eq!(single_valued(&headers), Ok(()));
        headers.append("authorization", "x").unwrap();
        assert_eq!(single_valued(&headers), Err(Fault::FieldRepeated));
        for name in SINGLE {
            let mut headers = Headers::new();
            headers.append(name, "a").unwrap();
            assert_eq!(single_valued(&headers), Ok(()), "{name}");
            headers.append(&name.to_ascii_uppercase(), "b").unwrap();
            assert_eq!(single_valued(&headers), Err(Fault::FieldRepeated), "{name}");
        }
    }
}
