//! One `tls` line's files: read, compared with each other, turned into what a handshake needs. Errors say which file,
//! and which line of the policy names it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use lang::Span;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, version};

use super::der;
use crate::blocks::listener::{ClientAuth, TlsConfig};

/// A certificate, its key or its authorities cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TlsError {
    /// The line of the policy that names the file.
    pub span: Span,
    /// What is wrong with which file: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What a handshake needs of one line.
#[derive(Debug)]
pub(super) struct Identity {
    /// The names for which the certificate is good.
    pub(super) names: Vec<String>,
    /// When it ends, in seconds since the epoch.
    pub(super) not_after: i64,
    chain: Vec<CertificateDer<'static>>,
    authorities: Vec<CertificateDer<'static>>,
    /// By what is spoken: HTTP/1, HTTP/2, both.
    configs: [Arc<ServerConfig>; 3],
}

/// By what a change of the files is noticed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fingerprint(Vec<Option<(SystemTime, u64, u64)>>);

/// No certificate file is larger.
const MOST_BYTES: u64 = 1 << 20;

impl Fingerprint {
    /// The files of `line` now. Links are followed, as mounted secrets are swapped by a link.
    pub(super) fn of(line: &TlsConfig) -> Fingerprint {
        let files = [Some(&line.cert), Some(&line.key), line.client.as_ref().map(|(file, _)| file)];
        Fingerprint(files.into_iter().flatten().map(|path| look(path).ok()).collect())
    }
}

fn look(path: &Path) -> io::Result<(SystemTime, u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.modified()?, metadata.len(), metadata.ino()))
}

impl Identity {
    /// Reads the files of `line`; the certificate must be valid at `now`.
    pub(super) fn load(line: &TlsConfig, now: SystemTime) -> Result<Identity, TlsError> {
        let chain = certificates(&line.cert, line.span)?;
        let key = private_key(&line.key, line.span)?;
        let authorities = match &line.client {
            Some((file, _)) => certificates(file, line.span)?,
            None => Vec::new(),
        };
        let facts = chain.first().and_then(|leaf| der::certificate(leaf));
        let Some(facts) = facts else {
            return Err(refuse(
                line,
                format!("`{}` holds a malformed certificate", show(&line.cert)),
            ));
        };
        check_time(line, &facts, now)?;
        let key = certified(line, chain.clone(), key)?;
        let config = config(line, key, &authorities)?;
        Ok(Identity {
            names: facts.names,
            not_after: facts.not_after,
            chain,
            authorities,
            configs: [&[&b"http/1.1"[..]][..], &[b"h2"], &[b"h2", b"http/1.1"]]
                .map(|protocols| Arc::new(speaking(&config, protocols))),
        })
    }

    /// What to shake hands with where these versions of HTTP are spoken.
    pub(super) fn config(&self, h1: bool, h2: bool) -> Arc<ServerConfig> {
        let [only_h1, only_h2, both] = &self.configs;
        match (h1, h2) {
            (true, true) => both.clone(),
            (false, true) => only_h2.clone(),
            _ => only_h1.clone(),
        }
    }

    /// Whether the certificates are the same; the key then is, too.
    pub(super) fn holds_same(&self, other: &Identity) -> bool {
        self.chain == other.chain && self.authorities == other.authorities
    }
}

fn certificates(path: &Path, span: Span) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path, span)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) if PrivateKeyDer::from_pem_slice(&pem).is_ok() => Err(TlsError {
            span,
            message: format!("`{}` holds a private key where a certificate is wanted", show(path)),
            help: Some("perhaps `cert` and `key` are swapped".to_owned()),
        }),
        Ok(_) => Err(error(span, format!("`{}` holds no PEM certificate", show(path)))),
        Err(reason) => Err(error(span, format!("`{}` is not PEM: {reason}", show(path)))),
    }
}

fn private_key(path: &Path, span: Span) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = read(path, span)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let text = String::from_utf8_lossy(&pem);
        if text.contains("ENCRYPTED") {
            TlsError {
                span,
                message: format!("the private key in `{}` is encrypted", show(path)),
                help: Some(
                    "store it decrypted, in a file that only the gateway may read".to_owned(),
                ),
            }
        } else {
            error(span, format!("`{}` holds no PEM private key", show(path)))
        }
    })
}

fn certified(
    line: &TlsConfig,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    let key = super::provider().key_provider.load_private_key(key).map_err(|reason| {
        refuse(line, format!("the private key in `{}` cannot be used: {reason}", show(&line.key)))
    })?;
    let key = CertifiedKey::new(chain, key);
    match key.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(key),
        Err(_) => {
            let (cert, file) = (show(&line.cert), show(&line.key));
            Err(refuse(line, format!("the private key in `{file}` does not belong to `{cert}`")))
        }
    }
}

fn check_time(line: &TlsConfig, facts: &der::Facts, now: SystemTime) -> Result<(), TlsError> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let (file, date) = (show(&line.cert), |at: i64| {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at.max(0) as u64);
        httpdate::fmt_http_date(at)
    });
    if facts.not_after < now {
        let message = format!("the certificate in `{file}` expired on {}", date(facts.not_after));
        return Err(refuse(line, message));
    }
    if facts.not_before > now {
        let from = date(facts.not_before);
        return Err(refuse(
            line,
            format!("the certificate in `{file}` is not valid before {from}"),
        ));
    }
    Ok(())
}

fn config(
    line: &TlsConfig,
    key: CertifiedKey,
    authorities: &[CertificateDer<'static>],
) -> Result<ServerConfig, TlsError> {
    let provider = super::provider();
    let versions: &[_] =
        if line.only_13 { &[&version::TLS13] } else { &[&version::TLS13, &version::TLS12] };
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .map_err(|reason| refuse(line, reason.to_string()))?;
    let builder = match &line.client {
        None => builder.with_no_client_auth(),
        Some((file, auth)) => {
            let mut roots = RootCertStore::empty();
            for authority in authorities {
                roots.add(authority.clone()).map_err(|reason| {
                    refuse(line, format!("`{}` holds no usable authority: {reason}", show(file)))
                })?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match auth {
                ClientAuth::Required => verifier,
                ClientAuth::Optional => verifier.allow_unauthenticated(),
            };
            let verifier = verifier.build().map_err(|reason| {
                refuse(line, format!("`{}` holds no usable authority: {reason}", show(file)))
            })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.ignore_client_order = true;
    // Tickets carry a session on any core; a store would be a lock between them. They are made anew with the
    // certificate, so that no session outlives the authorities it was verified against.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()
        .map_err(|reason| refuse(line, format!("no session tickets: {reason}")))?;
    Ok(config)
}

fn speaking(config: &ServerConfig, protocols: &[&[u8]]) -> ServerConfig {
    let mut config = config.clone();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config
}

fn read(path: &Path, span: Span) -> Result<Vec<u8>, TlsError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if bytes.len() as u64 > MOST_BYTES => {
            Err(error(span, format!("`{}` is larger than 1 MiB", show(path))))
        }
        Ok(bytes) => Ok(bytes),
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => {
            Err(error(span, format!("there is no file `{}`", show(path))))
        }
        Err(reason) => Err(error(span, format!("cannot read `{}`: {reason}", show(path)))),
    }
}

fn show(path: &Path) -> std::path::Display<'_> {
    path.display()
}

fn refuse(line: &TlsConfig, message: String) -> TlsError {
    error(line.span, message)
}

fn error(span: Span, message: String) -> TlsError {
    TlsError { span, message, help: None }
}

/// Which files a line names, for watching and for messages.
impl TlsConfig {
    /// Every file that the line names.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.cert, &self.key].into_iter().chain(self.client.iter().map(|(file, _)| file))
    }
}
