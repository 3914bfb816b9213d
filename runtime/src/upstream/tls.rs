//! TLS towards upstreams: what is trusted, what is offered. Built once per configuration; it opens no socket.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::config::{Protocol, TlsConfig};

/// The TLS client of one upstream.
#[derive(Clone)]
pub(super) struct Client {
    config: Arc<ClientConfig>,
    /// The content of the `ca` file: another content is another client, though the path is the same.
    authorities: Vec<CertificateDer<'static>>,
    server_name: Option<ServerName<'static>>,
}

/// Why a TLS client cannot be built. A mistake of the operator.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The `ca` file cannot be read.
    #[error("cannot read `{0}`: {1}")]
    File(PathBuf, String),
    /// The `ca` file holds no certificate, or one that cannot be an authority.
    #[error("`{0}`: {1}")]
    Authority(PathBuf, String),
    /// The system trusts nobody, and no `ca` is given.
    #[error("the system has no certificate authorities; name a file with `ca=`")]
    NoRoots,
    /// The server name is none.
    #[error("`{0}` is not a server name")]
    ServerName(Arc<str>),
    /// The cryptography cannot do what is asked.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

impl PartialEq for Client {
    /// The rest follows from the configuration, which is compared beside it.
    fn eq(&self, other: &Client) -> bool {
        self.authorities == other.authorities
    }
}

impl Client {
    /// Reads the files of `tls`.
    pub(super) fn build(tls: &TlsConfig, protocol: Protocol) -> Result<Client, TlsError> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let mut authorities = Vec::new();
        let mut config = if tls.verify {
            let roots = match &tls.ca {
                Some(path) => {
                    authorities = read(path)?;
                    trust(path, &authorities)?
                }
                None => system_roots().ok_or(TlsError::NoRoots)?,
            };
            let chain = WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| rustls::Error::General(error.to_string()))?;
            let verifier = Verified { chain, named: authorities.clone() };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        } else {
            let unverified = Unverified(provider.signature_verification_algorithms);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(unverified))
                .with_no_client_auth()
        };
        config.alpn_protocols = match protocol {
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec()],
        };
        let server_name = tls
            .server_name
            .as_ref()
            .map(|name| {
                ServerName::try_from(name.to_string())
                    .map_err(|_| TlsError::ServerName(name.clone()))
            })
            .transpose()?;
        Ok(Client { config: Arc::new(config), authorities, server_name })
    }

    /// The connector of one core: its sessions to resume are its own, since the memory for them is behind a lock.
    pub(super) fn connector(&self) -> TlsConnector {
        let mut config = (*self.config).clone();
        config.resumption = Resumption::in_memory_sessions(256);
        TlsConnector::from(Arc::new(config))
    }

    /// The name to send to and verify of an endpoint known as `host`.
    pub(super) fn server_name(&self, host: &str) -> Option<ServerName<'static>> {
        let own = || ServerName::try_from(host.trim_end_matches('.').to_owned()).ok();
        self.server_name.clone().or_else(own)
    }
}

/// aws-lc-rs with AES-128 first: the cheapest cipher suite of TLS 1.3 where the processor has AES.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    let cheap = rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != cheap);
    Arc::new(provider)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |reason: String| TlsError::File(path.to_owned(), reason);
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
    certificates.collect::<Result<_, _>>().map_err(|error| failed(error.to_string()))
}

fn trust(
    path: &Path,
    authorities: &[CertificateDer<'static>],
) -> Result<Arc<RootCertStore>, TlsError> {
    let failed = |reason: &str| TlsError::Authority(path.to_owned(), reason.to_owned());
    if authorities.is_empty() {
        return Err(failed("there is no certificate in it"));
    }
    let mut roots = RootCertStore::empty();
    for certificate in authorities {
        roots.add(certificate.clone()).map_err(|error| failed(&error.to_string()))?;
    }
    Ok(Arc::new(roots))
}

/// The system's authorities, read once: a few hundred files. Some that cannot be parsed are the system's affair.
fn system_roots() -> Option<Arc<RootCertStore>> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    (!roots.is_empty()).then(|| roots.clone())
}

/// What a failed handshake says in the log.
pub(super) fn describe(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) => inner.to_string(),
        None => error.to_string(),
    }
}

/// Verifies as everybody does, but also takes a certificate that stands in the `ca` file itself. Self-signed ones as
/// `openssl req -x509` makes them call themselves authorities, and authorities may not be servers; who names one
/// trusts exactly it, so its dates are not looked at. Its names are.
#[derive(Debug)]
struct Verified {
    chain: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.named.contains(certificate) {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        self.chain.verify_server_cert(certificate, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Takes every certificate, for `verify=off`. The handshake's signature is still checked: it costs nothing, and
/// who cannot sign is not even the wrong server.
#[derive(Debug)]
struct Unverified(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
