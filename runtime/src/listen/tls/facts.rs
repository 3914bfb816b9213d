//! What is worth knowing of a finished handshake.

use std::sync::Arc;

use rustls::{ProtocolVersion, ServerConnection};

use super::{Tls, der};
use crate::listen::TlsFacts;

pub(super) fn of(
    session: &ServerConnection,
    sni: Option<Arc<str>>,
    shown: (Arc<Tls>, usize),
) -> TlsFacts {
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "1.2",
        _ => "1.3",
    };
    let alpn = match session.alpn_protocol() {
        Some(b"h2") => Some("h2"),
        Some(b"http/1.1") => Some("http/1.1"),
        _ => None,
    };
    // The verifier has taken the certificate. One whose subject is empty or unreadable is still a certificate.
    let subject =
        |leaf: &[u8]| der::certificate(leaf).map(|facts| facts.subject).unwrap_or_default();
    let client = session.peer_certificates().and_then(|chain| chain.first());
    let client = client.map(|leaf| Arc::from(subject(leaf)));
    TlsFacts { sni, alpn, version, client, shown: Some(shown) }
}
