//! The proxy: listeners, fields, actions, upstreams.

pub mod body;
pub mod message;
pub mod normal;
pub mod serve;
pub mod upgrade;
