//! HTTP/2 towards clients (RFC 9113), with the `h2` crate for frames and flow control.
//! Streams run inside the task of their connection, behind the same handler as HTTP/1.

mod connection;
mod exchange;
mod expect;
mod request;

pub(crate) use connection::serve;
