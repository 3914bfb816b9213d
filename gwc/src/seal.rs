//! Signatures of built programs: ed25519 (RFC 8032) by the crypto library that TLS uses, keys as PEM (RFC 8410). It says
//! nothing of a key but what is wrong with its form.

use std::path::Path;

use compiler::artifact::SIGNATURE;
use miette::{Report, miette};
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::aws_lc_rs::sign::any_eddsa_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, alg_id};

use crate::bytes::read_bytes;

/// What stands before the 32 bytes of an ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410, section 4).
const PUBLIC: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// No key file is larger, in bytes.
const MOST_BYTES: u64 = 64 << 10;

/// The signature of `bytes` by the key in this file: PKCS#8 as PEM.
pub fn sign(key: &Path, bytes: &[u8]) -> miette::Result<[u8; SIGNATURE]> {
    let wrong = || {
        miette!(
            help = "write one with `openssl genpkey -algorithm ed25519 -out key.pem`",
            "`{}` is no private ed25519 key in PEM",
            key.display()
        )
    };
    let pem = read(key)?;
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| wrong())?;
    let key = any_eddsa_type(&der).map_err(|_| wrong())?;
    let signer = key.choose_scheme(&[SignatureScheme::ED25519]).ok_or_else(wrong)?;
    let signature = signer.sign(bytes).map_err(|_| wrong())?;
    signature.try_into().map_err(|_| wrong())
}

/// Whether `signature` is that of `bytes` by the owner of the public key in this file. `path` is what `bytes` came from.
pub fn verify(
    path: &Path,
    bytes: &[u8],
    signature: Option<&[u8; SIGNATURE]>,
    key: &Path,
) -> miette::Result<()> {
    let public = public(key)?;
    let signature = signature.ok_or_else(|| {
        miette!(
            help = "sign it when it is built: `gwc build FILE --sign KEY.pem`",
            "`{}` is not signed, and `--require-signature` takes nothing else",
            path.display()
        )
    })?;
    let provider = default_provider().signature_verification_algorithms;
    let algorithm = provider.all.iter().find(|one| one.public_key_alg_id() == alg_id::ED25519);
    let algorithm = algorithm.ok_or_else(|| miette!("this `gwc` has no ed25519"))?;
    algorithm.verify_signature(&public, bytes, signature).map_err(|_| {
        miette!(
            help = "it was signed with another key, or changed since",
            "the signature of `{}` is not by the key in `{}`",
            path.display(),
            key.display()
        )
    })
}

fn public(key: &Path) -> miette::Result<[u8; 32]> {
    let wrong = || {
        miette!(
            help = "write it with `openssl pkey -in key.pem -pubout -out public.pem`",
            "`{}` is no public ed25519 key in PEM",
            key.display()
        )
    };
    let der = SubjectPublicKeyInfoDer::from_pem_slice(&read(key)?).map_err(|_| wrong())?;
    let bytes = der.strip_prefix(&PUBLIC).ok_or_else(wrong)?;
    bytes.try_into().map_err(|_| wrong())
}

fn read(key: &Path) -> miette::Result<Vec<u8>> {
    let unread = |problem: String| -> Report {
        miette!("the key `{}` could not be read: {problem}", key.display())
    };
    read_bytes(key, MOST_BYTES).map_err(unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example keys of RFC 8410, section 10.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    const PUB: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
        -----END PUBLIC KEY-----\n";

    #[test]
    fn a_signature_is_of_its_bytes_and_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (key, public) = (path("key.pem", KEY), path("pub.pem", PUB));
        let signature = sign(&key, b"program").unwrap();
        let file = Path::new("a.gwb");
        assert!(verify(file, b"program", Some(&signature), &public).is_ok());
        assert!(verify(file, b"programs", Some(&signature), &public).is_err());
        assert!(verify(file, b"program", None, &public).is_err());
        let mut other = signature;
        other[5] ^= 1;
        assert!(verify(file, b"program", Some(&other), &public).is_err());
        // Each where the other is wanted.
        let told = sign(&public, b"program").unwrap_err().to_string();
        assert!(told.contains("no private ed25519 key"), "{told}");
        let told = verify(file, b"program", Some(&signature), &key).unwrap_err().to_string();
        assert!(told.contains("no public ed25519 key"), "{told}");
    }
}
