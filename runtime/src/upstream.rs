//! Everything towards upstreams: endpoints, their health, connections to them, and the one verb `send`.
//! It knows no policy and decides no answer; it is told what to send, and says what came of it.

mod clock;
mod config;
mod connect;
mod counters;
mod discover;
mod endpoint;
mod failure;
mod group;
mod health;
mod settings;
mod tls;

pub use config::{
    AllDown, Endpoints, HealthConfig, Limits, NotAServer, Protocol, Server, Timeouts, TlsConfig,
    UpstreamConfig,
};
pub use counters::Counters;
pub use discover::{Answer as DnsAnswer, Lookup, system as system_resolver};
pub use endpoint::{Endpoint, EndpointSet, Health, MOST_ENDPOINTS};
pub use failure::{Failure, Fault, Kind, SLUGS};
pub use group::Group;
pub use settings::{BLOCK, DNS, Line, SettingError, Told, read};
pub use tls::TlsError;
