//! Tokens of every kind against keys that a server hands out over a socket: fetched, rotated, withheld.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use compiler::{Backend, Matcher, Program};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::settings::{Keys, Source};
use super::*;
use crate::auth::Aim;
use crate::exchange::sample::exchange;
use crate::upstream::Url;

/// What a server answers, to be changed while it runs.
type Answer = Arc<Mutex<(u16, String)>>;

async fn server(answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (status, body) = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            tokio::spawn(async move {
                let mut head = [0; 2048];
                let _ = stream.read(&mut head).await;
                let length = body.len();
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            });
        }
    });
    address
}

fn nothing() -> Matcher {
    compiler::load(Arc::new(Program::default()), vec![], Backend::Interp).unwrap()
}

/// An auth with these keys, for tokens of one issuer with a `sub`.
fn jwt(source: Source, refresh: Duration, inputs: &[Value]) -> Result<Arc<Jwt>, String> {
    let matcher = nothing();
    let folder = |_| PathBuf::new();
    let making = Making { matcher: &matcher, inputs, folder: &folder, aim: Aim::Serve };
    let told = Told {
        name: "token".into(),
        issuers: vec!["https://id.example".to_owned()],
        audiences: vec!["api".to_owned()],
        accept: None,
        leeway: Duration::ZERO,
        from: vec![From::Bearer],
        claims: Ty::Record([(Arc::from("sub"), Ty::String)].into()),
        defaults: Arc::new(BTreeMap::new()),
    };
    let keys = Keys { source, refresh, ca: None, span: lang::Span::default() };
    let store = Store::build(&told, vec![keys], &making, lang::Span::default())
        .map_err(|errors| errors.iter().map(|error| error.message.clone()).collect::<String>())?;
    Ok(Arc::new(Jwt { told, store: Arc::new(store), id: fastrand::u64(..) }))
}

fn fetched(address: SocketAddr, refresh: Duration) -> Arc<Jwt> {
    let url = Url::parse(&format!("http://{address}/jwks.json")).unwrap();
    jwt(Source::Fetched(url), refresh, &[]).unwrap()
}

fn claims() -> Json {
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    json!({ "iss": "https://id.example", "aud": "api", "sub": "u1", "exp": now + 300 })
}

fn token(key: &EncodingKey, algorithm: Algorithm, id: &str, claims: &Json) -> String {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(algorithm) };
    encode(&header, claims, key).unwrap()
}

fn ec() -> EncodingKey {
    EncodingKey::from_ec_der(
        &KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_der(),
    )
}

/// A key and its public half, which the library makes no JWK of.
fn ed() -> (EncodingKey, Json) {
    let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key_raw()) });
    (EncodingKey::from_ed_der(&pair.serialize_der()), public)
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |n| b >> n & 1)).collect();
    let six = |chunk: &[u8]| (0..6).fold(0, |n, at| n << 1 | chunk.get(at).copied().unwrap_or(0));
    bits.chunks(6).map(|chunk| char::from(ALPHABET[usize::from(six(chunk))])).collect()
}

/// An RSA key is taken without the PKCS #8 around it (RFC 8017, appendix A.1.2): 26 bytes, for 2048 bits.
fn rsa() -> EncodingKey {
    let whole = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_der();
    EncodingKey::from_rsa_der(&whole[26..])
}

fn jwk(key: &EncodingKey, algorithm: Algorithm) -> Json {
    serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap()
}

fn set(keys: &[(Json, &str)]) -> String {
    let keys = keys.iter().map(|(key, id)| {
        let mut key = key.clone();
        key["kid"] = json!(id);
        key
    });
    json!({ "keys": keys.collect::<Vec<Json>>() }).to_string()
}

/// What an auth says, after it has waited for what it asks to wait for.
async fn ask(jwt: &Jwt, token: &str) -> Result<(), Reason> {
    let ex = exchange(vec![], vec![], "/", &[("Authorization", &format!("Bearer {token}"))]);
    let verdict = match jwt.ask(&ex, false) {
        Some(verdict) => verdict,
        None => {
            jwt.wait().await;
            jwt.ask(&ex, true).unwrap()
        }
    };
    match verdict {
        Verdict::Known(claims) => {
            assert_eq!(claims.to_string(), "{ sub: \"u1\" }");
            Ok(())
        }
        Verdict::Unknown(reason) => Err(reason),
    }
}

#[tokio::test]
async fn keys_of_every_kind_are_fetched_and_verify_what_is_theirs() {
    let (rsa, ec, (ed, public), other) = (rsa(), ec(), ed(), self::ec());
    let keys = set(&[
        (jwk(&rsa, Algorithm::RS256), "rsa"),
        (jwk(&ec, Algorithm::ES256), "ec"),
        (public, "ed"),
        // What is for others, and a secret that nobody should have published.
        (json!({ "kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB" }), "enc"),
        (json!({ "kty": "oct", "k": base64url(&[7; 32]) }), "oct"),
        (json!({ "kty": "odd" }), "odd"),
    ]);
    let modulus = serde_json::from_str::<Json>(&keys).unwrap()["keys"][0]["n"].to_string();
    let address = server(Arc::new(Mutex::new((200, keys)))).await;
    let jwt = fetched(address, Duration::from_secs(600));
    jwt.tend();
    let good = claims();
    // The first one comes before there are keys, and waits for them.
    assert_eq!(ask(&jwt, &token(&ec, Algorithm::ES256, "ec", &good)).await, Ok(()));
    assert_eq!(ask(&jwt, &token(&rsa, Algorithm::RS256, "rsa", &good)).await, Ok(()));
    let twice = token(&ed, Algorithm::EdDSA, "ed", &good);
    assert_eq!(ask(&jwt, &twice).await, Ok(()));
    assert_eq!(ask(&jwt, &twice).await, Ok(()), "from the cache");
    // Another algorithm of the same key, which the set does not name.
    let pss = token(&rsa, Algorithm::PS256, "rsa", &good);
    assert_eq!(ask(&jwt, &pss).await, Err(Reason::Algorithm));
    // A public key is no secret.
    let forged = EncodingKey::from_secret(modulus.as_bytes());
    let forged = token(&forged, Algorithm::HS256, "rsa", &good);
    assert_eq!(ask(&jwt, &forged).await, Err(Reason::Algorithm));
    let stolen = token(&other, Algorithm::ES256, "ec", &good);
    assert_eq!(ask(&jwt, &stolen).await, Err(Reason::Signature));
    for (claim, value, reason) in [
        ("exp", json!(1_000_000), Reason::Expired),
        ("exp", json!("soon"), Reason::Claims),
        ("exp", Json::Null, Reason::Claims),
        ("nbf", json!(u32::MAX), Reason::Early),
        ("iss", json!("https://id.example/"), Reason::Issuer),
        ("aud", json!(["web"]), Reason::Audience),
        ("sub", json!(7), Reason::Claims),
    ] {
        let mut claims = good.clone();
        claims[claim] = value;
        let token = token(&ec, Algorithm::ES256, "ec", &claims);
        assert_eq!(ask(&jwt, &token).await, Err(reason), "{claim}");
    }
    let oct = EncodingKey::from_secret(&[7; 32]);
    assert_eq!(ask(&jwt, &token(&oct, Algorithm::HS256, "oct", &good)).await, Err(Reason::Key));
    let mut header = Header { kid: Some("ec".to_owned()), ..Header::new(Algorithm::ES256) };
    header.crit = Some(vec!["exp".to_owned()]);
    let critical = encode(&header, &good, &ec).unwrap();
    assert_eq!(ask(&jwt, &critical).await, Err(Reason::Malformed));
    assert_eq!(ask(&jwt, &"a".repeat(20_000)).await, Err(Reason::Malformed));
}

#[tokio::test]
async fn an_unknown_key_has_keys_fetched_once() {
    let (old, new) = (ec(), ec());
    let answer = Arc::new(Mutex::new((200, set(&[(jwk(&old, Algorithm::ES256), "old")]))));
    let jwt = fetched(server(answer.clone()).await, Duration::from_secs(600));
    jwt.tend();
    let by = |key: &EncodingKey, id| token(key, Algorithm::ES256, id, &claims());
    assert_eq!(ask(&jwt, &by(&old, "old")).await, Ok(()));
    *answer.lock().unwrap() = (200, set(&[(jwk(&new, Algorithm::ES256), "new")]));
    assert_eq!(ask(&jwt, &by(&old, "old")).await, Ok(()), "nobody has asked");
    assert_eq!(ask(&jwt, &by(&new, "new")).await, Ok(()), "fetched for this one");
    assert_eq!(ask(&jwt, &by(&old, "old")).await, Err(Reason::Key), "forgotten, cache and all");
    let patience = Duration::from_millis(100);
    let none = timeout(patience, ask(&jwt, &by(&old, "none"))).await;
    assert_eq!(none, Ok(Err(Reason::Key)), "it is not asked for again so soon");
}

#[tokio::test]
async fn the_last_good_keys_stay_until_there_are_better_ones() {
    let ((old, old_key), (new, new_key)) = (ed(), ed());
    let answer = Arc::new(Mutex::new((503, String::new())));
    let jwt = fetched(server(answer.clone()).await, Duration::from_millis(20));
    let by = |key: &EncodingKey, id| token(key, Algorithm::EdDSA, id, &claims());
    let old_token = by(&old, "old");
    assert_eq!(ask(&jwt, &old_token).await, Err(Reason::NoKeys), "nobody fetches");
    jwt.tend();
    assert_eq!(ask(&jwt, &old_token).await, Err(Reason::NoKeys));
    let until = async |token: &str, wanted: Result<(), Reason>| {
        while ask(&jwt, token).await != wanted {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let soon = Duration::from_secs(5);
    *answer.lock().unwrap() = (200, set(&[(old_key, "old")]));
    timeout(soon, until(&old_token, Ok(()))).await.unwrap();
    let large = format!("{{\"keys\":[{}]}}", "{},".repeat(100_000));
    for bad in [(500, "x".to_owned()), (200, "{}".to_owned()), (302, String::new()), (200, large)] {
        *answer.lock().unwrap() = bad;
        sleep(Duration::from_millis(50)).await;
        assert_eq!(ask(&jwt, &old_token).await, Ok(()));
    }
    *answer.lock().unwrap() = (200, set(&[(new_key, "new")]));
    timeout(soon, until(&by(&new, "new"), Ok(()))).await.unwrap();
    assert_eq!(ask(&jwt, &old_token).await, Err(Reason::Key));
    let store = Arc::downgrade(&jwt.store);
    drop(jwt);
    assert!(store.upgrade().is_none(), "tasks do not keep keys alive");
}

#[tokio::test]
async fn a_secret_is_long_and_a_pem_file_is_public() {
    let secret = "correct-horse-battery-staple-000";
    let known = jwt(Source::Secret(0), Duration::ZERO, &[Value::string(secret)]).unwrap();
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signed = encode(&Header::new(Algorithm::HS256), &claims(), &key).unwrap();
    assert_eq!(ask(&known, &signed).await, Ok(()));
    let short = jwt(Source::Secret(0), Duration::ZERO, &[Value::string("hunter2")]).unwrap_err();
    assert!(short.contains("shorter than 32 bytes") && !short.contains("hunter2"), "{short}");

    let folder = tempfile::tempdir().unwrap();
    for (kind, algorithm) in [
        (&PKCS_ECDSA_P256_SHA256, Algorithm::ES256),
        (&PKCS_ED25519, Algorithm::EdDSA),
        (&PKCS_RSA_SHA256, Algorithm::RS384),
    ] {
        let pair = KeyPair::generate_for(kind).unwrap();
        let file = folder.path().join("key.pem");
        std::fs::write(&file, pair.public_key_pem()).unwrap();
        let place = || Source::Pem(file.to_string_lossy().into_owned());
        let known = jwt(place(), Duration::ZERO, &[]).unwrap();
        let der = pair.serialize_der();
        let key = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_der(&der),
            Algorithm::EdDSA => EncodingKey::from_ed_der(&der),
            _ => EncodingKey::from_rsa_der(&der[26..]),
        };
        let signed = encode(&Header::new(algorithm), &claims(), &key).unwrap();
        assert_eq!(ask(&known, &signed).await, Ok(()), "{algorithm:?}");
        std::fs::write(&file, pair.serialize_pem()).unwrap();
        let private = jwt(place(), Duration::ZERO, &[]).unwrap_err();
        assert!(private.contains("it has no public key"), "{private}");
    }
}
