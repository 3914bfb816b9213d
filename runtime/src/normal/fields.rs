//! Fields that have one value: two of them mean two readers may believe different ones.

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

#[cfg(test)]
mod tests {
    use compiler::passing::SINGLE;

    use super::*;

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
