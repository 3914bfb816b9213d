//! Which sockets belong to which listener, and how that changes with a reload: what stays is taken over, what is new
//! is opened before anything else changes, what is gone is left out. Nothing here accepts a connection.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::LaunchError;
use super::clients::Clients;
use super::snapshot::Snapshot;
use super::sockets::{NewSockets, SocketKey, Sockets};
use crate::blocks::ListenerConfig;
use crate::listen::failure::Failures;
use crate::listen::tls::{Change, Tls};
use crate::listen::{BindAddress, open};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::ListenerSeries;

/// A listener as all cores share it.
#[derive(Debug)]
pub struct Listener {
    /// What the policy says of it.
    pub config: ListenerConfig,
    /// Where it counts.
    pub series: Arc<ListenerSeries>,
    /// Its certificates; absent in cleartext.
    pub tls: Option<Arc<Tls>>,
    /// Whose `X-Forwarded-For` is believed.
    pub forwarded: Arc<[ipnet::IpNet]>,
    /// Its open connections. It survives a reload.
    pub(super) open: Arc<AtomicUsize>,
    /// Whose they are.
    pub(super) clients: Arc<Clients>,
    /// Its handshakes under way.
    handshakes: Arc<AtomicUsize>,
    /// Its handshakes that failed, for the log.
    pub(crate) failures: Arc<Failures>,
    /// Its connections that were not taken, for the log.
    pub(super) refusals: Arc<Failures>,
}

/// A socket's place: which line of which listener it serves.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) key: SocketKey,
    pub(super) listener: Arc<Listener>,
    /// The place among the listener's `bind` lines.
    pub(super) bind: usize,
    pub(super) address: SocketAddr,
}

/// Every listener with its sockets.
#[derive(Debug)]
pub(super) struct Layout {
    listeners: Vec<Arc<Listener>>,
    places: Vec<Place>,
}

impl Layout {
    /// No listener at all.
    pub(super) fn empty() -> Layout {
        Layout { listeners: Vec::new(), places: Vec::new() }
    }

    pub(super) fn listeners(&self) -> &[Arc<Listener>] {
        &self.listeners
    }

    pub(super) fn places(&self) -> Vec<Place> {
        self.places.clone()
    }

    pub(super) fn addresses(&self) -> Vec<(Arc<str>, SocketAddr)> {
        self.places
            .iter()
            .map(|place| (place.listener.config.name.clone(), place.address))
            .collect()
    }

    /// Where the sockets of each key listen.
    pub(super) fn keys(&self) -> HashMap<SocketKey, SocketAddr> {
        self.places.iter().map(|place| (place.key.clone(), place.address)).collect()
    }

    /// The layout that `snapshot` wants, and the sockets that it needs beyond those of this one: out of those that were
    /// `taken` from another process, or new ones. The errors are all that were found; then no new socket stays open.
    pub(super) fn next<S: Snapshot>(
        &self,
        snapshot: &S,
        cores: usize,
        telemetry: &Telemetry,
        taken: &mut Sockets,
    ) -> Result<(Layout, NewSockets), Vec<LaunchError>> {
        let mut errors = overlaps(snapshot.listeners());
        let mut next = Layout::empty();
        for config in snapshot.listeners() {
            match self.listener(config, telemetry) {
                Ok(listener) => next.listeners.push(Arc::new(listener)),
                Err(more) => errors.extend(more),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let known: HashMap<_, _> =
            self.places.iter().map(|place| (&place.key, place.address)).collect();
        let mut sockets = NewSockets::default();
        for listener in &next.listeners {
            for (bind, line) in listener.config.binds.iter().enumerate() {
                let of = (line.address.port() == 0).then(|| (listener.config.name.clone(), bind));
                let key = SocketKey { bind: line.address, of };
                let mut found = || {
                    let opened = || open(line.address, cores).map(|new| (new.address, new.sockets));
                    taken.take(&key).map_or_else(opened, Ok)
                };
                let address = match known.get(&key) {
                    Some(address) => *address,
                    None => match found() {
                        Ok((address, own)) => {
                            sockets.push(key.clone(), own);
                            address
                        }
                        Err(error) => {
                            let name = &listener.config.name;
                            let message = format!("listener `{name}` {error}");
                            errors.push(LaunchError::at(line.span, message, None));
                            continue;
                        }
                    },
                };
                next.places.push(Place { key, listener: listener.clone(), bind, address });
            }
        }
        if errors.is_empty() { Ok((next, sockets)) } else { Err(errors) }
    }

    fn listener(
        &self,
        config: &ListenerConfig,
        telemetry: &Telemetry,
    ) -> Result<Listener, Vec<LaunchError>> {
        let before = self.listeners.iter().find(|before| before.config.name == config.name);
        let kept = before.and_then(|before| before.tls.as_ref());
        let tls = match kept.filter(|tls| tls.is_of(&config.tls)) {
            Some(tls) => {
                refresh(tls, telemetry);
                Some(tls.clone())
            }
            None if config.is_tls() => {
                let tls = Tls::load(&config.tls).map_err(|errors| {
                    let launch = |error: crate::listen::tls::TlsError| {
                        LaunchError::at(error.span, error.message, error.help)
                    };
                    errors.into_iter().map(launch).collect::<Vec<_>>()
                })?;
                Some(Arc::new(tls))
            }
            None => None,
        };
        Ok(Listener {
            config: config.clone(),
            series: telemetry.metrics.listener(&config.name),
            tls,
            forwarded: config.forwarded.as_slice().into(),
            open: before.map(|before| before.open.clone()).unwrap_or_default(),
            clients: before.map(|before| before.clients.clone()).unwrap_or_default(),
            handshakes: before.map(|before| before.handshakes.clone()).unwrap_or_default(),
            failures: before.map(|before| before.failures.clone()).unwrap_or_default(),
            refusals: before.map(|before| before.refusals.clone()).unwrap_or_default(),
        })
    }
}

impl Listener {
    /// How many handshakes are under way.
    pub(crate) fn handshakes(&self) -> &AtomicUsize {
        &self.handshakes
    }
}

/// Reads changed certificate files, and says what came of it.
pub(super) fn refresh(tls: &Tls, telemetry: &Telemetry) {
    for change in tls.refresh() {
        match change {
            Change::Replaced(file) => {
                telemetry.metrics.certificates_reloaded.add(1);
                tracing::info!(file, "the certificate was replaced");
            }
            Change::Refused(error) => {
                telemetry.metrics.certificates_failed.add(1);
                tracing::error!(reason = %error, "the certificate before stays");
            }
        }
    }
}

/// Binds that would share connections: with shared ports the kernel would not refuse them.
pub fn overlaps(listeners: &[ListenerConfig]) -> Vec<LaunchError> {
    let mut seen: Vec<(&ListenerConfig, BindAddress)> = Vec::new();
    let mut errors = Vec::new();
    for listener in listeners {
        for bind in &listener.binds {
            if let Some((other, address)) =
                seen.iter().find(|(_, seen)| seen.overlaps(bind.address))
            {
                let message = format!(
                    "listener `{}` cannot listen at `{}`: listener `{}` listens at `{address}`",
                    listener.name, bind.address, other.name
                );
                let help = "give each its own port, or put both behind one listener".to_owned();
                errors.push(LaunchError::at(bind.span, message, Some(help)));
            }
            seen.push((listener, bind.address));
        }
    }
    errors
}
