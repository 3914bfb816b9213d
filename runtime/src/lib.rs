//! The proxy: listeners, fields, actions and upstreams around a decision made elsewhere.
//!
//! It gets a checked policy as a `compiler::Program` and never reads policy text.

pub mod actions;
mod admin;
pub mod auth;
pub mod balance;
pub mod blocks;
pub mod body;
mod cache;
mod clock;
pub mod cost;
pub mod engine;
pub mod exchange;
pub mod exposure;
pub mod failure;
pub mod fields;
pub mod gateway;
pub mod handover;
pub mod http1;
mod http2;
mod limits;
pub mod listen;
pub mod message;
pub mod normal;
mod pipeline;
pub mod rehearsal;
pub mod replay;
pub mod serve;
pub mod session;
mod splice;
pub mod telemetry;
mod transport;
pub mod trial;
pub mod upgrade;
pub mod upstream;
pub mod values;
pub mod vocabulary;
mod warm;
mod watch;

pub use vocabulary::vocabulary;
