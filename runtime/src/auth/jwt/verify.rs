//! One token against keys and rules. The signature comes first: nothing that is not signed is believed.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use lang::{Ty, Value};

use super::Told;
use super::keys::{Key, KeySet};
use super::typed;
use crate::auth::Reason;
use crate::fields::Json;

/// A token that counts.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    /// Its claims, as the policy declares them.
    pub(super) claims: Value,
    /// Until when it counts, leeway included, in seconds since the epoch.
    pub(super) until: i64,
}

/// No token is longer, in bytes.
const MOST_BYTES: usize = 16 << 10;

/// The most keys that are tried for one token.
const MOST_TRIES: usize = 8;

/// Whether the token counts at this time, with these keys.
pub(super) fn verify(
    told: &Told,
    token: &str,
    now: i64,
    keys: &KeySet,
) -> Result<Verified, Reason> {
    if token.len() > MOST_BYTES {
        return Err(Reason::Malformed);
    }
    let given = signed(token, keys)?;
    let claim = |name: &str| given.get(name).filter(|value| **value != Value::Null);
    let leeway = i64::try_from(told.leeway.as_secs()).unwrap_or(0);
    // A token that is good for ever is good for whoever has stolen it.
    let ends = claim("exp").and_then(typed::date).ok_or(Reason::Claims)?;
    let until = ends.saturating_add(leeway);
    if now >= until {
        return Err(Reason::Expired);
    }
    if let Some(begins) = claim("nbf")
        && typed::date(begins).ok_or(Reason::Claims)? > now.saturating_add(leeway)
    {
        return Err(Reason::Early);
    }
    if !told.issuers.is_empty() {
        let issuer = claim("iss").and_then(Value::as_str);
        if !issuer.is_some_and(|issuer| told.issuers.iter().any(|known| known == issuer)) {
            return Err(Reason::Issuer);
        }
    }
    if !is_meant(claim("aud"), &told.audiences) {
        return Err(Reason::Audience);
    }
    let Ty::Record(fields) = &told.claims else { return Err(Reason::Claims) };
    let claims = typed::record(fields, &told.defaults, &given).ok_or(Reason::Claims)?;
    Ok(Verified { claims, until })
}

/// The claims of a token that a known key has signed.
fn signed(token: &str, keys: &KeySet) -> Result<Arc<BTreeMap<Arc<str>, Value>>, Reason> {
    let header = decode_header(token).map_err(|_| unreadable(token))?;
    // RFC 7515, section 4.1.11: what is critical must be understood, and none of it is.
    if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
        return Err(Reason::Malformed);
    }
    let named = |key: &&Key| match (&header.kid, &key.id) {
        (Some(wanted), Some(id)) => wanted == id,
        _ => true,
    };
    let mut found = keys.list.iter().filter(named).peekable();
    if found.peek().is_none() {
        return Err(Reason::Key);
    }
    let mut reason = Reason::Algorithm;
    for key in found.filter(|key| key.algorithms.contains(&header.alg)).take(MOST_TRIES) {
        match decode::<Json>(token, &key.key, &rules(header.alg)) {
            Ok(data) => {
                return match data.claims {
                    Json(Value::Map(claims)) => Ok(claims),
                    _ => Err(Reason::Malformed),
                };
            }
            Err(error) => {
                reason = match error.kind() {
                    ErrorKind::Json(_) | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => {
                        Reason::Malformed
                    }
                    _ => Reason::Signature,
                };
            }
        }
    }
    Err(reason)
}

/// What the library is to look at: the signature. Times are told by the exchange's clock, and claims are typed here.
fn rules(algorithm: Algorithm) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.required_spec_claims = HashSet::new();
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules
}

/// Why a header cannot be read: it names an algorithm that nobody takes, such as `none`, or is none.
fn unreadable(token: &str) -> Reason {
    let header = token.split('.').next().unwrap_or_default();
    let whole = token.split('.').count() == 3;
    match whole.then(|| plain(header)).flatten().and_then(|text| {
        let Value::Map(header) = crate::fields::document(&text) else { return None };
        header.get("alg").cloned()
    }) {
        Some(Value::String(_)) => Reason::Algorithm,
        _ => Reason::Malformed,
    }
}

/// The bytes of base64url without padding.
fn plain(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

/// Whether a token with this audience is meant for one of these.
fn is_meant(audience: Option<&Value>, ours: &[String]) -> bool {
    let is_ours =
        |value: &Value| value.as_str().is_some_and(|one| ours.iter().any(|our| our == one));
    match audience {
        None => ours.is_empty(),
        Some(Value::List(all)) => all.iter().any(is_ours),
        Some(one) => is_ours(one),
    }
}
