//! Telling the service manager what this process does, where one has asked for it (`sd_notify(3)`): it serves, it stops,
//! another process has taken its place. Who cannot be told is not waited for.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// This process serves. It is the service's main process from now on, whoever has started it.
pub(super) fn ready() {
    tell(&format!("READY=1\nMAINPID={}", std::process::id()));
}

/// This process ends soon, and nobody takes its place.
pub(super) fn stopping() {
    tell("STOPPING=1");
}

/// Process `number` is the service's main process.
pub(super) fn succeeded_by(number: u32) {
    tell(&format!("MAINPID={number}"));
}

fn tell(words: &str) {
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match place.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&place),
    };
    let told = address.and_then(|address| {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to_addr(words.as_bytes(), &address)
    });
    if let Err(error) = told {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}
