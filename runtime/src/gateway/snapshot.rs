//! What a gateway serves, as far as it has to know it. Cores and connections stay when the snapshot is replaced, so
//! what belongs to a core is kept apart from it.

use std::rc::Rc;
use std::sync::Arc;

use crate::blocks::ListenerConfig;
use crate::listen::Connection;
use crate::serve::Handler;
use crate::telemetry::Telemetry;

/// A policy with its inputs bound. Immutable; a reload brings another one.
pub trait Snapshot: Send + Sync + Sized + 'static {
    /// What one core keeps while snapshots come and go: the newest of them, pools, counters.
    type Core: 'static;
    /// Answers the requests of one connection.
    type Session: Handler + 'static;

    /// The listeners that it wants.
    fn listeners(&self) -> &[ListenerConfig];

    /// Begins what has to go on beside requests, once, on the runtime in whose context it is called.
    fn tend(&self, telemetry: &Arc<Telemetry>);

    /// Forgets what was counted of what it does not have. Called, on no core, once all of them serve it.
    fn settle(&self, telemetry: &Arc<Telemetry>);

    /// A core's own state. Called on the core's thread before it serves anything.
    fn core(telemetry: &Arc<Telemetry>) -> Self::Core;

    /// From now on requests that begin on this core see this snapshot.
    fn enter(self: Arc<Self>, core: &Self::Core);

    /// Whoever answers on a new connection. It asks the core for the newest snapshot at each request.
    fn session(core: &Rc<Self::Core>, connection: Connection) -> Self::Session;

    /// What the core has counted of its upstreams.
    fn sample(core: &Self::Core) -> Vec<UpstreamSample>;
}

/// The counts of one core about one upstream.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct UpstreamSample {
    /// Its name.
    pub name: Arc<str>,
    /// Requests sent to it.
    pub requests: u64,
    /// Requests under way.
    pub active: u64,
    /// Connections opened to it.
    pub connects: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Requests not sent again because the budget was spent.
    pub unbudgeted: u64,
    /// Endpoints that were ejected, each time.
    pub ejections: u64,
    /// How often the breaker opened.
    pub openings: u64,
    /// Requests that had to wait for a place.
    pub waited: u64,
    /// Those that wait now, the same on every core.
    pub waiting: u64,
    /// The limit that is found out, where one is, the same on every core.
    pub adaptive_limit: Option<u64>,
    /// Endpoints that are ejected now, the same on every core.
    pub ejected: u64,
    /// 1 while the breaker is open, the same on every core.
    pub open: u64,
    /// What went wrong, by word.
    pub failures: Vec<(&'static str, u64)>,
    /// Endpoints that may be sent to, the same on every core.
    pub usable: u64,
    /// All endpoints, the same on every core.
    pub endpoints: u64,
}
