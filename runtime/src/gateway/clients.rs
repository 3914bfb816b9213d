//! How many connections of a listener each client has. A client is an address, or a network of version 6: whoever has one
//! address of it has them all. All cores share it; it knows only who is connected.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts with a lock each, so that cores that take connections seldom meet.
const PARTS: usize = 16;

/// The bits of an IPv6 address that a client is given.
const NETWORK: u128 = u128::MAX << 64;

#[derive(Default, Debug)]
pub(super) struct Clients {
    parts: [Mutex<HashMap<IpAddr, usize>>; PARTS],
    state: RandomState,
}

impl Clients {
    /// One more connection of `peer`, unless it has `most` already.
    pub(super) fn enter(&self, peer: IpAddr, most: usize) -> bool {
        let client = client(peer);
        let mut part = self.part(client);
        let count = part.entry(client).or_default();
        let enters = *count < most;
        if enters {
            *count += 1;
        }
        enters
    }

    /// One less.
    pub(super) fn leave(&self, peer: IpAddr) {
        let client = client(peer);
        if let Entry::Occupied(mut count) = self.part(client).entry(client) {
            match count.get() {
                0 | 1 => drop(count.remove()),
                _ => *count.get_mut() -= 1,
            }
        }
    }

    fn part(&self, client: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        let at = self.state.hash_one(client) as usize % PARTS;
        // INVARIANT: the remainder is a place.
        let [first, ..] = &self.parts;
        self.parts.get(at).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn client(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_bounded_and_forgotten_when_it_has_left() {
        let clients = Clients::default();
        let peer = |text: &str| -> IpAddr { text.parse().unwrap() };
        let enter = |text: &str| clients.enter(peer(text), 2);
        assert!(enter("192.0.2.1") && enter("::ffff:192.0.2.1"));
        assert!(!enter("192.0.2.1") && enter("192.0.2.2"));
        assert!(enter("2001:db8::1") && enter("2001:db8::ffff:2"));
        assert!(!enter("2001:db8::3") && enter("2001:db8:0:1::1"));
        clients.leave(peer("192.0.2.1"));
        assert!(enter("192.0.2.1"));
        for (text, count) in [("192.0.2.1", 2), ("192.0.2.2", 1), ("2001:db8::", 2)] {
            (0..count).for_each(|_| clients.leave(peer(text)));
        }
        clients.leave(peer("2001:db8:0:1::"));
        assert!(clients.parts.iter().all(|part| part.lock().unwrap().is_empty()));
    }
}
