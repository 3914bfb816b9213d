//! TLS: whom we believe, and what ALPN agrees on.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server with a certificate for `name`, and the file of the authority that vouches for it.
async fn server(name: &'static str, alpn: &'static [&'static [u8]]) -> (SocketAddr, NamedTempFile) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    (serve(&certificate, &key, alpn).await, file(&authority.pem()))
}

fn file(pem: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    file
}

async fn serve(
    certificate: &rcgen::Certificate,
    key: &KeyPair,
    alpn: &'static [&'static [u8]],
) -> SocketAddr {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    servers::scripted(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                let answer = hyper::service::service_fn(|_| async {
                    Ok::<_, std::convert::Infallible>(http::Response::new("two".to_owned()))
                });
                let builder =
                    hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
                let _ =
                    builder.serve_connection(hyper_util::rt::TokioIo::new(stream), answer).await;
                return;
            }
            while !servers::head(&mut stream).await.is_empty() {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
                stream.write_all(answer).await.unwrap();
                stream.flush().await.unwrap();
            }
        }
    })
    .await
}

async fn get(config: UpstreamConfig) -> Result<String, Kind> {
    let upstream = upstream_of(config);
    for _ in 0..2 {
        let answer = upstream.send(&request(Method::Get), Body::empty(), &terms()).await;
        text(answer.map_err(|failure| failure.kind)?).await;
    }
    let answer = upstream.send(&request(Method::Get), Body::empty(), &terms()).await;
    let answer = answer.map_err(|failure| failure.kind)?;
    assert_eq!(upstream.counters().connects.get(), 1, "kept");
    Ok(text(answer).await.1)
}

#[test]
fn certificates_are_verified_unless_the_policy_says_otherwise() {
    on_a_core(async {
        let (address, ca) = server("users.internal", &[]).await;
        let with = |tls: TlsConfig| UpstreamConfig { tls: Some(tls), ..config(&[address]) };
        let path = Some(ca.path().to_owned());
        let name = |name: &str| Some(Arc::from(name));

        let good =
            TlsConfig { ca: path.clone(), server_name: name("users.internal"), verify: true };
        assert_eq!(get(with(good.clone())).await.unwrap(), "one");

        for wrong in [
            TlsConfig { server_name: name("other.internal"), ..good.clone() },
            TlsConfig { server_name: None, ..good.clone() },
        ] {
            let kind = get(with(wrong)).await.unwrap_err();
            assert!(matches!(kind, Kind::Tls(_)), "{kind:?}");
        }
        let (_, stranger) = server("users.internal", &[]).await;
        let stranger = TlsConfig { ca: Some(stranger.path().to_owned()), ..good.clone() };
        assert!(matches!(get(with(stranger)).await, Err(Kind::Tls(_))));

        let blind = TlsConfig { ca: None, server_name: None, verify: false };
        assert_eq!(get(with(blind)).await.unwrap(), "one");
    });
}

#[test]
fn a_self_signed_certificate_may_be_named_itself() {
    on_a_core(async {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["users.internal".to_owned()]).unwrap();
        // As `openssl req -x509` makes it.
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let address = serve(&certificate, &key, &[]).await;
        let ca = file(&certificate.pem());
        for (name, works) in [("users.internal", true), ("other.internal", false)] {
            let ca = Some(ca.path().to_owned());
            let tls = TlsConfig { ca, server_name: Some(name.into()), verify: true };
            let answer = get(UpstreamConfig { tls: Some(tls), ..config(&[address]) }).await;
            assert_eq!(answer.is_ok(), works, "{answer:?}");
        }
    });
}

#[test]
fn http2_must_be_agreed_on() {
    on_a_core(async {
        const BOTH: &[&[u8]] = &[b"h2", b"http/1.1"];
        for (alpn, works) in [(BOTH, true), (&[], false)] {
            let (address, _ca) = server("users.internal", alpn).await;
            let tls = Some(TlsConfig { verify: false, ..TlsConfig::default() });
            let config = UpstreamConfig { tls, protocol: Protocol::Http2, ..config(&[address]) };
            match get(config).await {
                Ok(answer) => assert!(works && answer == "two"),
                Err(kind) => assert!(!works && matches!(kind, Kind::Tls(_)), "{kind:?}"),
            }
        }
    });
}

#[test]
fn a_cleartext_server_and_a_silent_one_are_failures() {
    on_a_core(async {
        let tls = Some(TlsConfig { verify: false, ..TlsConfig::default() });
        let plain = servers::saying("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let upstream = upstream_of(UpstreamConfig { tls: tls.clone(), ..config(&[plain]) });
        let mut short = terms();
        short.timeouts.connect = Duration::from_millis(50);
        let failure =
            upstream.send(&request(Method::Get), Body::empty(), &short).await.err().unwrap();
        assert!(matches!(failure.kind, Kind::Tls(_) | Kind::ConnectTimeout), "{:?}", failure.kind);

        let silent = servers::silent().await;
        let upstream = upstream_of(UpstreamConfig { tls, ..config(&[silent]) });
        let failure =
            upstream.send(&request(Method::Get), Body::empty(), &short).await.err().unwrap();
        assert!(matches!(failure.kind, Kind::ConnectTimeout) && !failure.sent);
    });
}

#[test]
fn another_authority_in_the_same_file_is_another_upstream() {
    on_a_core(async {
        let (address, ca) = server("users.internal", &[]).await;
        let (_, other) = server("users.internal", &[]).await;
        let tls = TlsConfig { ca: Some(ca.path().to_owned()), ..TlsConfig::default() };
        let config = UpstreamConfig { tls: Some(tls), ..config(&[address]) };
        let first = Group::build(config.clone(), None).unwrap();
        let second = Group::build(config.clone(), Some(&first)).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        std::fs::copy(other.path(), ca.path()).unwrap();
        let third = Group::build(config.clone(), Some(&second)).unwrap();
        assert!(!Arc::ptr_eq(&second, &third));
        std::fs::write(ca.path(), "nothing").unwrap();
        assert!(matches!(Group::build(config, Some(&third)), Err(TlsError::Authority(..))));
    });
}
