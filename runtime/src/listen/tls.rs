//! TLS towards clients: a listener's certificates, the choice among them by SNI, the handshake. Files are read only
//! when a listener is built and when they change, never for a connection.

mod der;
mod facts;
mod files;
mod names;

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

pub use files::TlsError;

use self::files::{Fingerprint, Identity};
use self::names::Names;
use super::connection::TlsFacts;
use crate::blocks::listener::{BindConfig, TlsConfig};

/// The certificates of a listener. Handshakes see a whole table or the next one, never half of it.
#[derive(Debug)]
pub struct Tls {
    lines: Vec<TlsConfig>,
    /// Whether all lines ask the same of a client, as most do: then no request is misdirected.
    uniform: bool,
    table: ArcSwap<Table>,
}

#[derive(Debug)]
struct Table {
    identities: Vec<Arc<Identity>>,
    /// The files as they were tried last, good or not.
    tried: Vec<Fingerprint>,
    names: Names,
}

/// What became of a look at the files.
#[derive(Debug)]
pub enum Change {
    /// The certificate of this file was replaced.
    Replaced(String),
    /// The files changed, but what they hold cannot be used; the certificate before stays.
    Refused(TlsError),
}

impl Tls {
    /// Reads the certificates of `lines`, of which there is at least one. The errors are all that were found.
    pub fn load(lines: &[TlsConfig]) -> Result<Tls, Vec<TlsError>> {
        let (mut identities, mut tried, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for line in lines {
            tried.push(Fingerprint::of(line));
            match Identity::load(line, SystemTime::now()) {
                Ok(identity) => identities.push(Arc::new(identity)),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let demands = |line: &TlsConfig| (line.client.clone(), line.only_13);
        let uniform = lines.windows(2).all(|pair| match pair {
            [one, other] => demands(one) == demands(other),
            _ => true,
        });
        let table = ArcSwap::from_pointee(Table::new(identities, tried));
        Ok(Tls { lines: lines.to_vec(), uniform, table })
    }

    /// Whether it was made of these lines; a reload then keeps it, and with it the tickets it gave.
    pub fn is_of(&self, lines: &[TlsConfig]) -> bool {
        let unplaced = |line: &TlsConfig| TlsConfig { span: lang::Span::default(), ..line.clone() };
        self.lines.iter().map(unplaced).eq(lines.iter().map(unplaced))
    }

    /// Reads the files that changed since the last look. It blocks on the disk: one control thread calls it, every
    /// few seconds.
    pub fn refresh(&self) -> Vec<Change> {
        let table = self.table.load_full();
        let mut changes = Vec::new();
        let (mut identities, mut tried) = (table.identities.clone(), table.tried.clone());
        for ((line, identity), seen) in self.lines.iter().zip(&mut identities).zip(&mut tried) {
            let now = Fingerprint::of(line);
            if now == *seen {
                continue;
            }
            *seen = now;
            match Identity::load(line, SystemTime::now()) {
                Ok(next) if next.holds_same(identity) => {}
                Ok(next) => {
                    *identity = Arc::new(next);
                    changes.push(Change::Replaced(line.cert.display().to_string()));
                }
                Err(error) => changes.push(Change::Refused(error)),
            }
        }
        if tried != table.tried {
            self.table.store(Arc::new(Table::new(identities, tried)));
        }
        changes
    }

    /// Each certificate's file and when it ends, in seconds since the epoch.
    pub fn ends(&self) -> Vec<(String, i64)> {
        let table = self.table.load();
        let file = |line: &TlsConfig| line.cert.display().to_string();
        self.lines
            .iter()
            .zip(&table.identities)
            .map(|(line, of)| (file(line), of.not_after))
            .collect()
    }

    /// Takes a connection through its handshake. The caller bounds the time.
    pub async fn accept(
        self: &Arc<Tls>,
        stream: TcpStream,
        bind: &BindConfig,
    ) -> io::Result<(TlsStream<TcpStream>, TlsFacts)> {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let sni: Option<Arc<str>> =
            start.client_hello().server_name().map(|name| name.to_ascii_lowercase().into());
        let (config, shown) = {
            let table = self.table.load();
            let shown = table.names.choose(sni.as_deref());
            let identity = table.identities.get(shown).or_else(|| table.identities.first());
            let identity = identity.ok_or_else(|| io::Error::other("no certificate"))?;
            (identity.config(bind.h1, bind.h2), shown)
        };
        let stream = start.into_stream(config).await?;
        let facts = facts::of(stream.get_ref().1, sni, (self.clone(), shown));
        Ok((stream, facts))
    }

    /// Whether the `tls` line of `host` asks more or other of a client than the line `shown` does.
    pub(super) fn demands_differ(&self, shown: usize, host: &str) -> bool {
        if self.uniform {
            return false;
        }
        let meant = self.table.load().names.choose(Some(host));
        let demands = |at: usize| self.lines.get(at).map(|line| (&line.client, line.only_13));
        meant != shown && demands(meant) != demands(shown)
    }
}

impl Table {
    fn new(identities: Vec<Arc<Identity>>, tried: Vec<Fingerprint>) -> Table {
        let names = Names::new(identities.iter().map(|identity| &*identity.names));
        Table { identities, tried, names }
    }
}

/// The cryptography that is spoken, the cheapest good suite first: with it a handshake and a record cost least, and
/// nothing is gained by another order.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    let cheapest = rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != cheapest);
    Arc::new(provider)
}
