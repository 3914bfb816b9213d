//! Who the client is behind trusted proxies: the right-most address of `X-Forwarded-For` that is not one of them.
//! Everything to the left of it was written by strangers and is not looked at.

use std::net::IpAddr;

use ipnet::IpNet;

/// A chain is not followed further than this; the last trusted address is the answer then.
const MOST_HOPS: usize = 32;

/// The client of a request that came from `source` with these values of `X-Forwarded-For`, in order. An entry that is
/// no address ends the search: what stands left of it cannot be believed either.
pub fn client_behind<'v>(
    source: IpAddr,
    values: impl DoubleEndedIterator<Item = &'v [u8]>,
    trusted: &[IpNet],
) -> IpAddr {
    let mut client = source.to_canonical();
    if !contains(trusted, client) {
        return client;
    }
    let entries = values.rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
    for entry in entries.take(MOST_HOPS) {
        let Some(address) = address(entry) else { break };
        client = address;
        if !contains(trusted, client) {
            break;
        }
    }
    client
}

/// Whether `address` lies in one of `networks`. An IPv4 address written as IPv6 is the IPv4 one.
pub(super) fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// An address, with or without brackets and port: several proxies write them.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry.trim_ascii()).ok()?;
    let plain = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    plain.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(source: &str, values: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let values = values.iter().map(|value| value.as_bytes());
        client_behind(source.parse().unwrap(), values, &trusted).to_string()
    }

    #[test]
    fn the_right_most_untrusted_address_is_the_client() {
        let table: &[(&str, &[&str], &str)] = &[
            ("192.0.2.1", &["198.51.100.1"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1 , 10.9.9.9"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1", "10.9.9.9"], "198.51.100.1"),
            ("10.0.0.1", &["10.2.2.2,10.9.9.9"], "10.2.2.2"),
            ("10.0.0.1", &["1.1.1.1, unknown, 10.9.9.9"], "10.9.9.9"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("fd00::1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["\u{fe}"], "10.0.0.1"),
        ];
        for (source, values, expected) in table {
            assert_eq!(client(source, values), *expected, "{source} {values:?}");
        }
    }
}
