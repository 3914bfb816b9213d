//! The name of a policy by its content: operators compare it across machines.

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;

/// SHA-256 over all files of a policy, names and lengths included, as `sha256:` and hexadecimal digits.
pub fn hash<N: AsRef<str>, T: AsRef<[u8]>>(files: impl IntoIterator<Item = (N, T)>) -> String {
    let Some(suite) = TLS13_AES_128_GCM_SHA256.tls13() else { return String::new() };
    let mut context = suite.common.hash_provider.start();
    for (name, text) in files {
        for part in [name.as_ref().as_bytes(), text.as_ref()] {
            // Lengths first, so that no two sets of files run together into the same bytes.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
    }
    let digest = context.finish();
    let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    format!("sha256:{}", digits.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_and_names_count() {
        let one = hash([("a.gw", "text")]);
        assert_eq!(one.len(), "sha256:".len() + 64);
        assert_eq!(one, hash([("a.gw", "text")]));
        for other in [[("a.gw", "test")], [("b.gw", "text")], [("a.gwt", "ext")]] {
            assert_ne!(one, hash(other));
        }
    }
}
