//! A connection's place: among those of its listener, of its client, of its core, and of all that the process has files for.
//! Who finds none is closed at once, is counted, and now and then said.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::layout::Listener;
use super::shared::Shared;
use super::snapshot::Snapshot;
use crate::clock;
use crate::telemetry::metrics::Limit;

/// A place, given back when the connection ends.
pub(super) struct Seat<S: Snapshot> {
    shared: Arc<Shared<S>>,
    index: usize,
    listener: Arc<Listener>,
    /// Who counts as a client.
    client: Option<SocketAddr>,
}

impl<S: Snapshot> Seat<S> {
    pub(super) fn take(
        shared: &Arc<Shared<S>>,
        index: usize,
        listener: &Arc<Listener>,
        peer: SocketAddr,
    ) -> Option<Seat<S>> {
        let open = listener.open.fetch_add(1, Ordering::Relaxed);
        if let Some(core) = shared.cores.get(index) {
            core.load.0.fetch_add(1, Ordering::Relaxed);
        }
        listener.series.active.add(1);
        let (shared, listener) = (shared.clone(), listener.clone());
        let mut seat = Seat { shared, index, listener, client: None };
        match seat.refused(open, peer) {
            None => {
                seat.listener.series.connections.add(1);
                Some(seat)
            }
            Some((limit, reason)) => {
                seat.listener.series.refused(limit);
                seat.say(peer, reason);
                None
            }
        }
    }

    /// Why there is no place beside the `open` connections of the listener, if that is so.
    fn refused(&mut self, open: usize, peer: SocketAddr) -> Option<(Limit, &'static str)> {
        let config = &self.listener.config;
        if open >= config.connections {
            return Some((Limit::Connections, "as many are open as `cap connections` allows"));
        }
        let room = self.shared.room();
        if self.shared.n_open() > room {
            return Some((Limit::Files, "the process may have no more files open"));
        }
        // So does who comes from the machine itself: a proxy beside the gateway, or a test of it.
        let is_near = config.per_client.is_none() && peer.ip().to_canonical().is_loopback();
        if is_near || config.speaks_for_others(peer.ip()) {
            return None;
        }
        let most = config.of_one_client(config.connections.min(room));
        if !self.listener.clients.enter(peer.ip(), most) {
            let reason = "this client has as many as `cap connections_per_client` allows";
            return Some((Limit::ConnectionsPerClient, reason));
        }
        self.client = Some(peer);
        None
    }

    fn say(&self, peer: SocketAddr, reason: &str) {
        if let Some(refused) = self.listener.refusals.turn(clock::now()) {
            let listener = &*self.listener.config.name;
            tracing::warn!(listener, %peer, reason, refused, "connection refused");
        }
    }
}

impl<S: Snapshot> Drop for Seat<S> {
    fn drop(&mut self) {
        if let Some(client) = self.client {
            self.listener.clients.leave(client.ip());
        }
        self.listener.open.fetch_sub(1, Ordering::Relaxed);
        self.listener.series.active.sub(1);
        if let Some(core) = self.shared.cores.get(self.index) {
            core.load.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
