//! `ip_hash`: the same client goes to the same endpoint, with the rendezvous of `hash(key)`.

use std::net::IpAddr;

use lang::vocab::{Argument, Balancer};

use super::hash::highest;
use super::{Key, Pick, Reading, Seats, no_parameters, stable_hash};

pub(super) static ROW: Balancer = Balancer {
    name: "ip_hash",
    params: &[],
    doc: "The same client goes to the same endpoint: an IPv4 client by its address, an IPv6 client by its /64. An endpoint that comes or goes moves only the clients it takes or leaves.",
    example: "balance ip_hash",
};

/// The client's address decides: an IPv4 address as a whole, an IPv6 address by its /64, since one machine
/// changes the lower half at will. An IPv4 address written as IPv6 counts as IPv4.
#[derive(Clone, PartialEq, Debug)]
pub struct IpHash {}

/// Keeps no state.
pub(super) struct ByClient;

impl IpHash {
    pub(super) fn read(given: &[Argument]) -> Reading<IpHash> {
        no_parameters(IpHash {}, given)
    }

    pub(super) fn build(&self) -> ByClient {
        ByClient
    }
}

impl Pick for ByClient {
    fn pick(&self, seats: &dyn Seats, key: &Key<'_>) -> Option<usize> {
        highest(seats, client_hash(key.client))
    }
}

fn client_hash(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(address) => stable_hash(&address.octets()),
        IpAddr::V6(address) => stable_hash(&address.octets()[..8]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_is_one_client() {
        let hash = |text: &str| client_hash(text.parse().unwrap());
        assert_eq!(hash("192.0.2.1"), hash("::ffff:192.0.2.1"));
        assert_eq!(hash("2001:db8::1"), hash("2001:db8::ffff:1"));
        assert_ne!(hash("2001:db8::1"), hash("2001:db8:0:1::1"));
        assert_ne!(hash("192.0.2.1"), hash("192.0.2.2"));
    }
}
