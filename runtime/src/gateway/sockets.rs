//! Listening sockets on their way: by what they are known again after a reload or in another process, which cores they
//! go to, and all of them as one process hands them over to the next.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use crate::listen::BindAddress;

/// By what a socket is known again: its address; with port 0 its listener, and which of that one's.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SocketKey {
    /// The address as the policy has it.
    pub(crate) bind: BindAddress,
    /// The listener, and the place among its `bind` lines, where the port is 0.
    pub(crate) of: Option<(Arc<str>, usize)>,
}

/// The sockets of one address.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) key: SocketKey,
    /// The real address: a port 0 has become one.
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Vec<TcpListener>,
}

/// Every socket on which a gateway waits for connections, as it hands them over.
#[derive(Debug, Default)]
pub struct Sockets {
    pub(crate) listening: Vec<Listening>,
    pub(crate) admin: Option<TcpListener>,
}

/// Sockets for a layout, beyond those that cores have.
#[derive(Debug, Default)]
pub(super) struct NewSockets(Vec<(SocketKey, Vec<TcpListener>)>);

impl Sockets {
    /// Takes out the sockets of this key.
    pub(super) fn take(&mut self, key: &SocketKey) -> Option<(SocketAddr, Vec<TcpListener>)> {
        let at = self.listening.iter().position(|one| one.key == *key)?;
        let Listening { address, sockets, .. } = self.listening.swap_remove(at);
        Some((address, sockets))
    }

    /// The sockets that cores have lent, `addresses` being where they listen.
    pub(super) fn of(
        lent: Vec<(SocketKey, TcpListener)>,
        addresses: &HashMap<SocketKey, SocketAddr>,
        admin: Option<TcpListener>,
    ) -> Sockets {
        let mut listening: Vec<Listening> = Vec::new();
        for (key, socket) in lent {
            let Some(&address) = addresses.get(&key) else { continue };
            match listening.iter_mut().find(|one| one.key == key) {
                Some(one) => one.sockets.push(socket),
                None => listening.push(Listening { key, address, sockets: vec![socket] }),
            }
        }
        Sockets { listening, admin }
    }
}

impl NewSockets {
    pub(super) fn push(&mut self, key: SocketKey, sockets: Vec<TcpListener>) {
        self.0.push((key, sockets));
    }

    /// What each of so many cores gets. There may be more sockets of a key than cores, where a process before had more of
    /// them: none may be left without somebody who takes its connections. A core that gets none is given connections.
    pub(super) fn by_core(self, cores: usize) -> Vec<Vec<(SocketKey, TcpListener)>> {
        let mut all: Vec<_> = std::iter::repeat_with(Vec::new).take(cores).collect();
        for (key, sockets) in self.0 {
            for (at, socket) in sockets.into_iter().enumerate() {
                if let Some(core) = all.get_mut(at % cores.max(1)) {
                    core.push((key.clone(), socket));
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_socket_is_left_without_a_core() {
        let key = SocketKey { bind: BindAddress::Any(80), of: None };
        let sockets =
            |n| (0..n).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect::<Vec<_>>();
        for (n, cores, expected) in [(2, 2, vec![1, 1]), (5, 2, vec![3, 2]), (1, 3, vec![1, 0, 0])]
        {
            let mut new = NewSockets::default();
            new.push(key.clone(), sockets(n));
            let got: Vec<usize> = new.by_core(cores).iter().map(Vec::len).collect();
            assert_eq!(got, expected);
        }
    }
}
