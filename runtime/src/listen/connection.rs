//! What is known of a connection before its first request. It does not change afterwards.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use rustls::pki_types::DnsName;

use super::forwarded::client_behind;
use super::tls::Tls;
use crate::auth::Identity;
use crate::telemetry::metrics::ListenerSeries;

/// A connection that a listener has taken.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The listener's name.
    pub listener: Arc<str>,
    /// Whoever opened the connection: the proxy, where there is one in front.
    pub peer: IpAddr,
    /// Whom the connection speaks for: the peer, or what a trusted PROXY protocol header says.
    pub source: IpAddr,
    /// What the handshake agreed on; absent in cleartext.
    pub tls: Option<Box<TlsFacts>>,
    /// Whose `X-Forwarded-For` is believed.
    pub forwarded: Arc<[IpNet]>,
    /// Where the listener counts.
    pub series: Arc<ListenerSeries>,
    /// Who a request that nobody sent is to come from, one for each auth at most. A connection that was opened has none.
    pub identities: Box<[Identity]>,
}

/// What a TLS handshake agreed on.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// The name that the client asked for, in lower case.
    pub sni: Option<Arc<str>>,
    /// The protocol that was agreed on: `h2` or `http/1.1`.
    pub alpn: Option<&'static str>,
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// The subject of the client's certificate, verified.
    pub client: Option<Arc<str>>,
    /// The listener's certificates, and the one that was shown; none where no handshake took place.
    pub(super) shown: Option<(Arc<Tls>, usize)>,
}

/// What is said of a connection that was never opened; what is not said is as usual.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Over {
    /// Who opened it, where that is not the client.
    pub peer: Option<IpAddr>,
    /// The name asked for in its handshake, or none.
    pub sni: Option<Option<String>>,
    /// The protocol agreed on, or none.
    pub alpn: Option<Option<String>>,
    /// The version of TLS.
    pub version: Option<String>,
    /// The subject of the client's certificate.
    pub client: Option<String>,
}

impl Connection {
    /// A connection that was never opened, for requests that nobody sent: from `client`, over TLS if `https`, with the
    /// name that it would have asked for.
    pub(crate) fn imagined(
        listener: &str,
        client: IpAddr,
        sni: Option<&str>,
        series: Arc<ListenerSeries>,
    ) -> Connection {
        let tls = sni.map(|name| {
            Box::new(TlsFacts {
                sni: DnsName::try_from(name).is_ok().then(|| name.into()),
                alpn: Some("http/1.1"),
                version: "1.3",
                client: None,
                shown: None,
            })
        });
        Connection {
            listener: listener.into(),
            peer: client,
            source: client,
            tls,
            forwarded: Arc::default(),
            series,
            identities: Box::default(),
        }
    }

    /// Makes of a connection that was never opened what is said of it.
    pub(crate) fn is_over(&mut self, said: &Over) {
        if let Some(peer) = said.peer {
            self.peer = peer;
        }
        let Some(tls) = &mut self.tls else { return };
        if let Some(sni) = &said.sni {
            tls.sni = sni.as_deref().map(Arc::from);
        }
        if let Some(alpn) = &said.alpn {
            tls.alpn = ["h2", "http/1.1"].into_iter().find(|known| alpn.as_deref() == Some(*known));
        }
        if let Some(version) = &said.version {
            tls.version = if version == "1.2" { "1.2" } else { "1.3" };
        }
        if let Some(client) = &said.client {
            tls.client = Some(Arc::from(client.as_str()));
        }
    }

    /// `client.ip` of a request with these values of `X-Forwarded-For`, in order.
    pub fn client<'v>(&self, forwarded_for: impl DoubleEndedIterator<Item = &'v [u8]>) -> IpAddr {
        client_behind(self.source, forwarded_for, &self.forwarded)
    }

    /// Whether what this connection's source says about the client is believed.
    pub fn trusts_forwarded(&self) -> bool {
        super::forwarded::contains(&self.forwarded, self.source)
    }

    /// Whether a request for `host` must not be answered on this connection, but with 421 (RFC 9110 section
    /// 15.5.20): its name has a `tls` line with other demands on the client than the one that was shown.
    pub fn is_misdirected(&self, host: &str) -> bool {
        let shown = self.tls.as_ref().and_then(|tls| tls.shown.as_ref());
        shown.is_some_and(|(table, shown)| table.demands_differ(*shown, host))
    }
}
