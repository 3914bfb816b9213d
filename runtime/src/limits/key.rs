//! What a limit counts apart, as one number: a keyed hash of the value, whatever its type. An address of version 6
//! counts by its network, because one client has all addresses of it.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};

use lang::Value;

/// The number of a key. Nobody outside can tell which keys share one, or make some that do.
pub(crate) fn number(state: &impl BuildHasher, value: &Value, ipv6: u32) -> u64 {
    let mut hasher = state.build_hasher();
    write(&mut hasher, value, ipv6);
    // 0 stands for no key.
    hasher.finish().max(1)
}

/// Kinds are written too: the text `1` and the number are two keys.
fn write(to: &mut impl Hasher, value: &Value, ipv6: u32) {
    match value {
        Value::Absent => to.write_u8(0),
        Value::Ip(address) => {
            to.write_u8(1);
            match address.to_canonical() {
                IpAddr::V4(address) => to.write_u32(address.to_bits()),
                IpAddr::V6(address) => to.write_u128(network(address, ipv6)),
            }
        }
        Value::String(text) | Value::Method(text) | Value::Item(text) => {
            to.write_u8(2);
            text.as_bytes().hash(to);
        }
        Value::Int(number) | Value::Time(number) => {
            to.write_u8(3);
            to.write_i64(*number);
        }
        Value::Bool(value) => to.write_u8(4 + u8::from(*value)),
        Value::List(items) => {
            to.write_u8(6);
            to.write_usize(items.len());
            items.iter().for_each(|item| write(to, item, ipv6));
        }
        // Seldom a key; equal values have equal texts.
        other => {
            to.write_u8(7);
            to.write(other.to_string().as_bytes());
        }
    }
}

fn network(address: Ipv6Addr, prefix: u32) -> u128 {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0);
    address.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    #[test]
    fn a_client_has_all_addresses_of_its_network() {
        let state = RandomState::new();
        let key = |text: &str, prefix| number(&state, &Value::Ip(text.parse().unwrap()), prefix);
        assert_eq!(key("2001:db8::1", 64), key("2001:db8::ffff:1", 64));
        assert_ne!(key("2001:db8::1", 64), key("2001:db8:0:1::1", 64));
        assert_ne!(key("2001:db8::1", 128), key("2001:db8::2", 128));
        assert_eq!(key("192.0.2.1", 64), key("::ffff:192.0.2.1", 64));
        assert_ne!(key("192.0.2.1", 64), key("192.0.2.2", 64));
    }

    #[test]
    fn values_of_two_kinds_or_cut_elsewhere_are_two_keys() {
        let state = RandomState::new();
        let key = |value: &Value| number(&state, value, 64);
        let list = |a: &str, b: &str| Value::list([Value::string(a), Value::string(b)]);
        assert_ne!(key(&list("ab", "c")), key(&list("a", "bc")));
        assert_ne!(key(&Value::string("1")), key(&Value::Int(1)));
        assert_eq!(key(&list("a", "b")), key(&list("a", "b")));
    }
}
