//! The lines of an `upstream` block that say what is spoken with its endpoints: TLS, the protocol, the host they are asked for.

use std::sync::Arc;

use lang::params;
use lang::types::Ty;
use lang::value::Value;
use lang::vocab::{Argument, Decode, Guard, Setting, Stricter, Times, Without};

use crate::upstream::config::{Protocol, TlsConfig};
use crate::values::Authority;

/// `tls`.
pub(super) const TLS: Setting = Setting {
    name: "tls",
    params: TlsLine::PARAMS,
    times: Times::Optional,
    within: &[],
    guards: &[
        Guard::of(&["ca"], Stricter::Given, Without::Less),
        Guard::of(&["server_name"], Stricter::Unknown, Without::Less),
        Guard::of(&["verify"], Stricter::True, Without::Less),
    ],
    doc: "Speaks TLS with the endpoints and verifies their certificates.",
    example: "tls ca=\"/etc/gw/internal-ca.pem\"",
};

/// `proto`.
pub(super) const PROTO: Setting = Setting {
    name: "proto",
    params: ProtoLine::PARAMS,
    times: Times::Optional,
    within: &[],
    guards: &[],
    doc: "What is spoken with the endpoints: HTTP/1.1, or HTTP/2 (with `tls` agreed by ALPN, otherwise by prior knowledge).",
    example: "proto h2",
};

/// `host`.
pub(super) const HOST: Setting = Setting {
    name: "host",
    params: HostLine::PARAMS,
    times: Times::Optional,
    within: &[],
    guards: &[],
    doc: "The host that the endpoints are asked for, instead of the one that the client asks for.",
    example: "host \"users.internal\"",
};

params! {
    /// `tls`.
    pub struct TlsLine {
        /// A PEM file of the authorities to trust, instead of the system's. A relative path begins in the folder of
        /// the policy's file.
        ca: Option<Authorities>,
        /// The name to ask for and to verify; the server's own when not given.
        server_name: Option<VerifiedName>,
        /// Whether certificates are verified.
        verify: bool = "true",
    }
}

params! {
    /// `proto`.
    pub struct ProtoLine {
        /// `h1` or `h2`.
        protocol: Protocol,
    }
}

params! {
    /// `host`.
    pub struct HostLine {
        /// The host, with a port if it is not the scheme's own.
        host: Authority,
    }
}

/// A file of authorities.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Authorities(String);

/// A name that a certificate can be for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct VerifiedName(Arc<str>);

/// Reads a `tls` line.
pub(super) fn tls(given: &[Argument]) -> Result<TlsConfig, (usize, String)> {
    let TlsLine { ca, server_name, verify } = TlsLine::decode(given)?;
    let (ca, server_name) = (ca.map(|file| file.0.into()), server_name.map(|name| name.0));
    Ok(TlsConfig { ca, server_name, verify })
}

/// Reads a `proto` line.
pub(super) fn proto(given: &[Argument]) -> Result<Protocol, (usize, String)> {
    Ok(ProtoLine::decode(given)?.protocol)
}

/// Reads a `host` line.
pub(super) fn host(given: &[Argument]) -> Result<Arc<str>, (usize, String)> {
    let HostLine { host: Authority(host) } = HostLine::decode(given)?;
    Ok(host.into())
}

impl Decode for Authorities {
    const HINT: Option<&'static str> = Some(
        "TLS is spoken where a line `tls` stands, and not where none does; `tls verify=false` takes any certificate",
    );

    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<Authorities, String> {
        String::decode(value).map(Authorities)
    }
}

impl Decode for VerifiedName {
    const HINT: Option<&'static str> =
        Some("write a name as in `\"users.internal\"`, without a port");

    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<VerifiedName, String> {
        let text = <Arc<str>>::decode(value)?;
        match rustls::pki_types::ServerName::try_from(&*text) {
            Ok(_) => Ok(VerifiedName(text)),
            Err(_) => Err(format!("`{text}` is no name that a certificate can be for")),
        }
    }
}

impl Decode for Protocol {
    fn ty() -> Ty {
        Ty::one_of(&["h1", "h2"])
    }

    fn decode(value: &Value) -> Result<Protocol, String> {
        match value {
            Value::String(word) if &**word == "h1" => Ok(Protocol::Http1),
            Value::String(word) if &**word == "h2" => Ok(Protocol::Http2),
            other => Err(format!("expected {}, found `{other}`", Self::ty())),
        }
    }
}
