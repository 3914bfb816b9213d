//! Keys: from a JWK set (RFC 7517), a PEM file or a secret. A key serves the algorithms of its own kind and no other, so
//! that a public key is never taken for a secret.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

/// Some algorithms.
pub(super) type Algorithms = Vec<Algorithm>;

/// A key, ready to verify.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its `kid`.
    pub(super) id: Option<String>,
    /// What it may be used with.
    pub(super) algorithms: Algorithms,
    /// The key itself. Its debug form shows nothing of it.
    pub(super) key: DecodingKey,
}

/// The keys of the moment.
#[derive(Debug)]
pub(super) struct KeySet {
    /// Another set has another number.
    pub(super) generation: u64,
    /// The keys.
    pub(super) list: Vec<Key>,
}

/// The names of the algorithms, as RFC 7518 and RFC 8037 write them.
pub(super) const ALGORITHMS: [(&str, Algorithm); 12] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
    ("HS256", Algorithm::HS256),
    ("HS384", Algorithm::HS384),
    ("HS512", Algorithm::HS512),
];

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// The most keys of one set.
const MOST_KEYS: usize = 256;

/// A secret shorter than the hash that it keys can be guessed (RFC 7518, section 3.2), in bytes.
const LEAST_SECRET: usize = 32;

/// The keys of a JWK set that verify signatures by an accepted algorithm. Others in it are for others, and secrets are
/// no public keys. The error says what is wrong with the set as a whole.
pub(super) fn of_set(text: &[u8], accept: Option<&Algorithms>) -> Result<Vec<Key>, String> {
    let set: serde_json::Value =
        serde_json::from_slice(text).map_err(|_| "it is not JSON".to_owned())?;
    let keys = set.get("keys").and_then(serde_json::Value::as_array);
    let keys = keys.ok_or("it is no JWK set: it has no `keys`")?;
    let read = keys.iter().take(MOST_KEYS).filter_map(|key| of_jwk(key, accept));
    let keys: Vec<Key> = read.collect();
    match keys.is_empty() {
        true => Err("it has no key that could verify a token".to_owned()),
        false => Ok(keys),
    }
}

fn of_jwk(key: &serde_json::Value, accept: Option<&Algorithms>) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
    let signs =
        jwk.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
    let verifies = jwk
        .common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !signs || !verifies {
        return None;
    }
    let kind: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => RSA,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) => match key.curve {
            EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
            _ => return None,
        },
        _ => return None,
    };
    let own = match jwk.common.key_algorithm {
        Some(named) => vec![Algorithm::try_from(named).ok().filter(|one| kind.contains(one))?],
        None => kind.to_vec(),
    };
    let algorithms = accepted(own, accept)?;
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key { id: jwk.common.key_id, algorithms, key })
}

/// The public keys of a PEM file.
pub(super) fn of_pem(text: &[u8], accept: Option<&Algorithms>) -> Result<Vec<Key>, String> {
    let mut keys = Vec::new();
    for key in SubjectPublicKeyInfoDer::pem_slice_iter(text).take(MOST_KEYS) {
        let der = key.map_err(|_| "it is no PEM file".to_owned())?;
        let (kind, key) =
            public(&der).ok_or("it has a key that is none of RSA, P-256, P-384 and Ed25519")?;
        let algorithms = accepted(kind.to_vec(), accept)
            .ok_or("none of the accepted algorithms fits a key of it")?;
        keys.push(Key { id: None, algorithms, key });
    }
    match keys.is_empty() {
        true => Err("it has no public key: a block `PUBLIC KEY` belongs in it".to_owned()),
        false => Ok(keys),
    }
}

/// A secret that the issuer shares.
pub(super) fn of_secret(secret: &[u8], accept: Option<&Algorithms>) -> Result<Key, String> {
    if secret.len() < LEAST_SECRET {
        return Err(format!("it is shorter than {LEAST_SECRET} bytes, and could be guessed"));
    }
    let kind = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    let algorithms =
        accepted(kind, accept).ok_or("none of the accepted algorithms takes a secret")?;
    Ok(Key { id: None, algorithms, key: DecodingKey::from_secret(secret) })
}

fn accepted(own: Algorithms, accept: Option<&Algorithms>) -> Option<Algorithms> {
    let kept = own.into_iter().filter(|one| accept.is_none_or(|accept| accept.contains(one)));
    let kept: Algorithms = kept.collect();
    (!kept.is_empty()).then_some(kept)
}

/// How the public keys begin that are taken (RFC 5480 and RFC 8410), up to the key itself.
const ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
const P256: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
const P384: &[u8] =
    b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00";
/// Within an RSA key (RFC 8017, appendix A.1): the algorithm and the head of the bits, but for their length.
const RSA_KEY: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82";

/// What a public key is for, and the key.
fn public(der: &[u8]) -> Option<(&'static [Algorithm], DecodingKey)> {
    if let Some(key) = der.strip_prefix(ED25519).filter(|key| key.len() == 32) {
        return Some((&[Algorithm::EdDSA], DecodingKey::from_ed_der(key)));
    }
    if let Some(key) = der.strip_prefix(P256).filter(|key| key.len() == 65) {
        return Some((&[Algorithm::ES256], DecodingKey::from_ec_der(key)));
    }
    if let Some(key) = der.strip_prefix(P384).filter(|key| key.len() == 97) {
        return Some((&[Algorithm::ES384], DecodingKey::from_ec_der(key)));
    }
    // `30 82 length`, the algorithm, two bytes of length, and no unused bits.
    let bits = der.strip_prefix(b"\x30\x82")?.get(2..)?.strip_prefix(RSA_KEY)?;
    let key = bits.get(2..)?.strip_prefix(b"\x00")?;
    Some((RSA, DecodingKey::from_rsa_der(key)))
}
