//! A policy's engine as what a gateway serves. Nothing here decides; it only introduces the two to each other.

use std::rc::Rc;
use std::sync::Arc;

use super::snapshot::{Snapshot, UpstreamSample};
use crate::blocks::ListenerConfig;
use crate::engine::Engine;
use crate::listen::Connection;
use crate::session::{Core, Session};
use crate::telemetry::Telemetry;

impl Snapshot for Engine {
    type Core = Core;
    type Session = Session;

    fn listeners(&self) -> &[ListenerConfig] {
        &self.listeners
    }

    fn tend(&self) {
        for destination in &self.upstreams {
            destination.group.tend();
        }
    }

    fn core(telemetry: &Arc<Telemetry>) -> Core {
        Core::new(telemetry.clone())
    }

    fn enter(self: Arc<Engine>, core: &Core) {
        Core::enter(core, self);
    }

    fn session(core: &Rc<Core>, connection: Connection) -> Session {
        Session::new(core.clone(), connection)
    }

    fn sample(core: &Core) -> Vec<UpstreamSample> {
        let mut samples = Vec::new();
        core.roster().each(|upstream| {
            let (counters, endpoints) = (upstream.counters(), upstream.group().endpoints());
            samples.push(UpstreamSample {
                name: upstream.config().name.clone(),
                requests: counters.requests.get(),
                active: counters.active.get(),
                connects: counters.connects.get(),
                failures: counters.failures().collect(),
                usable: endpoints.n_usable() as u64,
                endpoints: endpoints.list.len() as u64,
            });
        });
        samples
    }
}
