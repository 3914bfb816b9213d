//! HTTP/2 towards clients (RFC 9113): a codec and a protocol without input or output of their own,
//! and the loop around them. One task a connection, one writer, streams behind the same handler as
//! HTTP/1.

mod bell;
mod calm;
mod connection;
mod flow;
mod frame;
mod frames;
mod hpack;
mod machine;
mod receive;
mod request;
mod send;
mod streams;

pub(crate) use connection::serve;
pub(crate) use frame::PREFACE;
