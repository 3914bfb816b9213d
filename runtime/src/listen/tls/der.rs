//! Just enough DER to read what a certificate says about itself: subject, names, times. It judges nothing: signatures
//! and chains are verified elsewhere. Bounded by its input, and `None` on anything unexpected.

/// What a certificate says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    /// The subject as RFC 4514 writes it: `CN=users,O=Shop`.
    pub(super) subject: String,
    /// DNS names of the subject alternative name; without any, the subject's common name.
    pub(super) names: Vec<String>,
    /// Valid from, in seconds since the epoch.
    pub(super) not_before: i64,
    /// Valid until.
    pub(super) not_after: i64,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Attribute types with a short name in RFC 4514.
const ATTRIBUTES: [(&[u8], &str); 9] = [
    (COMMON_NAME, "CN"),
    (&[0x55, 0x04, 0x07], "L"),
    (&[0x55, 0x04, 0x08], "ST"),
    (&[0x55, 0x04, 0x0a], "O"),
    (&[0x55, 0x04, 0x0b], "OU"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x09], "STREET"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19], "DC"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01], "UID"),
];

/// An attribute of a name: its type, the tag of its value, the value.
type Attribute<'d> = (&'d [u8], u8, &'d [u8]);

/// A cursor over DER elements.
struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    /// The next element: its tag and content.
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, which has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// Reads a certificate (RFC 5280 section 4.1).
pub(super) fn certificate(der: &[u8]) -> Option<Facts> {
    let mut certificate = Reader(Reader(der).expect(SEQUENCE)?);
    let mut body = Reader(certificate.expect(SEQUENCE)?);
    let (first, _) = body.next()?;
    if first == 0xa0 {
        // A version was there; the serial number follows it.
        body.next()?;
    }
    body.expect(SEQUENCE)?; // The signature's algorithm.
    body.expect(SEQUENCE)?; // The issuer.
    let mut validity = Reader(body.expect(SEQUENCE)?);
    let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
    let subject = body.expect(SEQUENCE)?;
    body.expect(SEQUENCE)?; // The public key.
    let mut names = Vec::new();
    while let Some((tag, content)) = body.next() {
        if tag == 0xa3 {
            names = alternative_names(Reader(content).expect(SEQUENCE)?)?;
        }
    }
    if names.is_empty() {
        names.extend(common_name(subject));
    }
    Some(Facts { subject: distinguished_name(subject)?, names, not_before, not_after })
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Reader(extensions);
    while let Some(extension) = extensions.expect(SEQUENCE) {
        let mut extension = Reader(extension);
        if extension.expect(OID)? != SUBJECT_ALT_NAME {
            continue;
        }
        let (mut tag, mut content) = extension.next()?;
        if tag == 0x01 {
            (tag, content) = extension.next()?; // `critical` was there.
        }
        let mut names = Reader((tag == 0x04).then_some(content)?);
        let mut names = Reader(names.expect(SEQUENCE)?);
        let mut found = Vec::new();
        while let Some((tag, name)) = names.next() {
            // [2] is a DNS name, in ASCII.
            if let (0x82, Ok(name)) = (tag, std::str::from_utf8(name)) {
                found.push(name.to_owned());
            }
        }
        return Some(found);
    }
    Some(Vec::new())
}

/// The attributes of a name: for each relative name its types and values.
fn relative_names(name: &[u8]) -> Option<Vec<Vec<Attribute<'_>>>> {
    let mut all = Vec::new();
    let mut name = Reader(name);
    while !name.0.is_empty() {
        let mut set = Reader(name.expect(SET)?);
        let mut attributes = Vec::new();
        while !set.0.is_empty() {
            let mut attribute = Reader(set.expect(SEQUENCE)?);
            let oid = attribute.expect(OID)?;
            let (tag, value) = attribute.next()?;
            attributes.push((oid, tag, value));
        }
        all.push(attributes);
    }
    Some(all)
}

fn common_name(name: &[u8]) -> Option<String> {
    let names = relative_names(name)?;
    let last = names.iter().flatten().rfind(|(oid, _, _)| *oid == COMMON_NAME)?;
    text(last.1, last.2)
}

/// RFC 4514: the last relative name first.
fn distinguished_name(name: &[u8]) -> Option<String> {
    let written = |(oid, tag, value): &Attribute<'_>| {
        let known = ATTRIBUTES.iter().find(|(known, _)| known == oid);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        match (known, text(*tag, value)) {
            (Some((_, short)), Some(text)) => format!("{short}={}", escaped(&text)),
            (Some((_, short)), None) => format!("{short}=#{}", hex(value)),
            // The value of an unknown type is not worth a guess at its meaning.
            (None, _) => format!("{}=#{}", dotted(oid), hex(value)),
        }
    };
    let names = relative_names(name)?;
    let names = names.iter().rev().map(|set| set.iter().map(written).collect::<Vec<_>>().join("+"));
    Some(names.collect::<Vec<_>>().join(","))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => out.extend(['\\', character]),
            '#' | ' ' if at == 0 => out.extend(['\\', character]),
            ' ' if at == last => out.push_str("\\ "),
            control if control.is_control() => {
                for byte in control.encode_utf8(&mut [0; 4]).bytes() {
                    out.push_str(&format!("\\{byte:02x}"));
                }
            }
            other => out.push(other),
        }
    }
    out
}

fn dotted(oid: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut value: u64 = 0;
    for byte in oid {
        value = value.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if parts.is_empty() {
                let first = (value / 40).min(2);
                parts.push(first.to_string());
                value -= first * 40;
            }
            parts.push(value.to_string());
            value = 0;
        }
    }
    parts.join(".")
}

/// The text of a string type.
fn text(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        // UTF8String, PrintableString, IA5String.
        0x0c | 0x13 | 0x16 => String::from_utf8(value.to_vec()).ok(),
        // BMPString.
        0x1e => {
            let (pairs, []) = value.as_chunks::<2>() else { return None };
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

/// UTCTime or GeneralizedTime, in UTC as RFC 5280 wants them.
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let (year, at) = match (tag, text.len()) {
        (0x17, 12) => {
            let year = number(0, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, 2)
        }
        (0x18, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let part = |n: usize| number(at + 2 * n, at + 2 * n + 2);
    let (month, day, hour, minute, second) = (part(0)?, part(1)?, part(2)?, part(3)?, part(4)?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(())?;
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days from the epoch: years are counted from March, so that the leap day is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_certificate_says_who_it_is() {
        let mut params = rcgen::CertificateParams::new(vec![
            "shop.example".to_owned(),
            "*.shop.example".to_owned(),
        ])
        .unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Shop, Inc.");
        params.distinguished_name.push(rcgen::DnType::CommonName, "users\u{7}");
        params.not_before = rcgen::date_time_ymd(2024, 2, 29);
        params.not_after = rcgen::date_time_ymd(2051, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let facts = super::certificate(certificate.der()).unwrap();
        assert_eq!(facts.subject, "CN=users\\07,O=Shop\\, Inc.");
        assert_eq!(facts.names, ["shop.example", "*.shop.example"]);
        assert_eq!(facts.not_before, 1_709_164_800);
        assert_eq!(facts.not_after, 2_556_144_000);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let params = rcgen::CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let whole = params.self_signed(&key).unwrap().der().to_vec();
        for seed in 0..2000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut bytes = whole.clone();
            for _ in 0..random.usize(1..5) {
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
            }
            bytes.truncate(random.usize(..=bytes.len()));
            let _ = super::certificate(&bytes);
        }
    }
}
