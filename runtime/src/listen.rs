//! How connections come in: sockets, the PROXY protocol, TLS, and who the client is. A connection leaves here for
//! `serve` with its caps; what is answered on it is decided elsewhere.

pub(crate) mod accept;
mod address;
mod connection;
pub(crate) mod failure;
mod forwarded;
pub mod proxy_protocol;
mod socket;
pub mod tls;

pub(crate) use address::what_is_wrong;
pub use address::{BindAddress, NotAnAddress};
pub use connection::{Connection, Over, TlsFacts};
pub use forwarded::client_behind;
pub(crate) use socket::why_not;
pub use socket::{BindError, ListenSockets, open};
