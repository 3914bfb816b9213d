//! Listening sockets: one for each core at each address, so that the kernel spreads connections (`SO_REUSEPORT`).

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::address::BindAddress;

/// The sockets of one address, one for each core.
#[derive(Debug)]
pub struct ListenSockets {
    /// The address that was bound; a port 0 has become a real one.
    pub address: SocketAddr,
    /// One socket for each core, listening and non-blocking.
    pub sockets: Vec<TcpListener>,
}

/// An address that cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at `{address}`: {reason}")]
pub struct BindError {
    /// The address as the policy has it.
    pub address: BindAddress,
    /// Why, in the gateway's words where it has some.
    pub reason: String,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

/// Connections that the kernel holds for one core until it takes them.
const BACKLOG: i32 = 1024;

/// Opens a socket at `address` for each of `cores` cores. All or none.
pub fn open(address: BindAddress, cores: usize) -> Result<ListenSockets, BindError> {
    open_all(address, cores).map_err(|source| BindError {
        address,
        reason: why_not(&source),
        source,
    })
}

/// Why nothing can listen at an address, in words.
pub(crate) fn why_not(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)".to_owned()
        }
        _ => error.to_string(),
    }
}

fn open_all(address: BindAddress, cores: usize) -> io::Result<ListenSockets> {
    let (mut wanted, mut dual) = address.socket_address();
    // With SO_REUSEPORT alone a second gateway of the same user would share the port in silence. A first socket
    // without it finds out whether anybody listens there.
    let probe = match listening(wanted, dual, false) {
        Err(error) if dual && has_no_ipv6(&error) => {
            wanted = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            dual = false;
            listening(wanted, dual, false)?
        }
        other => other?,
    };
    if wanted.port() == 0 {
        wanted.set_port(local(&probe)?.port());
    }
    drop(probe);
    let sockets = (0..cores.max(1))
        .map(|_| listening(wanted, dual, true).map(TcpListener::from))
        .collect::<io::Result<Vec<_>>>()?;
    Ok(ListenSockets { address: wanted, sockets })
}

fn listening(address: SocketAddr, dual: bool, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    socket.set_nonblocking(true)?;
    // Accepted sockets inherit it.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

fn local(socket: &Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?;
    address.as_socket().ok_or_else(|| io::Error::other("the socket has no address"))
}

/// Kernels without IPv6 refuse the family, or the unspecified address of it.
fn has_no_ipv6(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(97)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_has_a_socket_at_the_same_port() {
        let bound = open("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        assert_eq!(bound.sockets.len(), 3);
        for socket in &bound.sockets {
            assert_eq!(socket.local_addr().unwrap(), bound.address);
        }
    }

    #[test]
    fn a_port_in_use_is_an_error_even_if_it_is_shared() {
        let bound = open("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let error = open(BindAddress::One(bound.address), 1).unwrap_err();
        let text = format!("cannot listen at `{}`: the port is in use", bound.address);
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn every_address_of_the_machine_takes_ipv4_too() {
        let bound = open(":0".parse().unwrap(), 1).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, bound.address.port()));
        std::net::TcpStream::connect(address).unwrap();
    }
}
