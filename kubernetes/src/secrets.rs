//! TLS Secrets to certificate and key files. The only room that touches key bytes; nothing of them reaches a note.

use std::collections::BTreeMap;

use crate::TlsFile;
use crate::notes::{About, BAD_SECRET, Notes, shown};
use crate::objects::{Key, Objects, Secret};
use crate::read::key;

/// A certificate that the https listener presents.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Certificate {
    /// Path of the chain, relative to the policy.
    pub(crate) cert: String,
    /// Path of the key, relative to the policy.
    pub(crate) key: String,
}

/// The Secrets used so far, each read once.
#[derive(Default)]
pub(crate) struct Certificates {
    known: BTreeMap<Key, Option<Certificate>>,
    /// The files to write.
    pub(crate) files: Vec<TlsFile>,
}

impl Certificates {
    /// The certificate of the Secret `name`, or a note at `field` of `about` that says why there is none.
    pub(crate) fn resolve(
        &mut self,
        objects: &Objects,
        (namespace, name): (&str, &str),
        (about, field): (&About, &str),
        notes: &mut Notes,
    ) -> Option<Certificate> {
        let key = key(namespace, name);
        let Some(secret) = objects.secrets.get(&key) else {
            let message = format!("Secret `{namespace}/{}` is not among the objects", shown(name));
            notes.add(&BAD_SECRET, about, field, message);
            return None;
        };
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let certificate = match pair(secret) {
            Ok((chain, private)) => Some(self.add(&key, chain, private)),
            Err((at, message)) => {
                notes.add(&BAD_SECRET, &secret.metadata.about("Secret"), at, message);
                None
            }
        };
        self.known.insert(key, certificate.clone());
        certificate
    }

    fn add(&mut self, (namespace, name): &Key, chain: Vec<u8>, private: Vec<u8>) -> Certificate {
        // A namespace holds no dot and both are valid DNS names, so this is unique and stays in its folder.
        let cert = format!("tls/{namespace}.{name}.crt");
        let key = format!("tls/{namespace}.{name}.key");
        self.files.push(TlsFile { path: cert.clone(), contents: chain, private: false });
        self.files.push(TlsFile { path: key.clone(), contents: private, private: true });
        Certificate { cert, key }
    }
}

type Bad = (&'static str, String);

fn pair(secret: &Secret) -> Result<(Vec<u8>, Vec<u8>), Bad> {
    if secret.kind != "kubernetes.io/tls" {
        let message = format!("is of type `{}`, not `kubernetes.io/tls`", shown(&secret.kind));
        return Err(("type", message));
    }
    let chain = part(secret, "tls.crt", "data[tls.crt]", &["-----BEGIN CERTIFICATE-----"])?;
    let kinds = [
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----",
    ];
    let private = part(secret, "tls.key", "data[tls.key]", &kinds)?;
    Ok((chain, private))
}

fn part(secret: &Secret, name: &str, at: &'static str, opens: &[&str]) -> Result<Vec<u8>, Bad> {
    let bytes = match (secret.string_data.get(name), secret.data.get(name)) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(text)) => decode(text).ok_or_else(|| (at, "is not base64".to_owned()))?,
        (None, None) => return Err((at, "is missing".to_owned())),
    };
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let pem = text.lines().any(|line| opens.contains(&line.trim_end()));
    let closed = text.lines().any(|line| line.starts_with("-----END "));
    if !pem || !closed {
        let wanted = if name == "tls.crt" { "a certificate" } else { "an unencrypted private key" };
        return Err((at, format!("does not hold {wanted} in PEM")));
    }
    Ok(bytes)
}

/// Base64 by RFC 4648 section 4, with the line breaks that people paste.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut n_bits, mut n_digits, mut n_pads) = (0_u32, 0_u32, 0_usize, 0_usize);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        if byte == b'=' {
            n_pads += 1;
            continue;
        }
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        if n_pads > 0 {
            return None;
        }
        n_digits += 1;
        bits = (bits << 6 | u32::from(digit)) & 0xff_ffff;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            out.push((bits >> n_bits) as u8);
        }
    }
    ((n_digits + n_pads) % 4 == 0 && n_pads <= 2).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64() {
        assert_eq!(decode("").as_deref(), Some(&b""[..]));
        assert_eq!(decode("Zg==").as_deref(), Some(&b"f"[..]));
        assert_eq!(decode("Zm8=").as_deref(), Some(&b"fo"[..]));
        assert_eq!(decode("Zm9v\nYmFy").as_deref(), Some(&b"foobar"[..]));
        for bad in ["Zg", "Zg=", "Z===", "Zm9v!", "=Zm9", "Zg==Zg=="] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
