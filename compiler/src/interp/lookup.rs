//! Long constant lists made ready for `in`: names in a hash set, networks as sorted ranges. It answers as
//! `lang::eval::is_in` does, or says that it does not know.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use lang::Value;

/// Shorter lists are as fast to walk.
const LONG: usize = 8;

/// A list made ready.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// Of texts only.
    Texts(HashSet<Arc<str>>),
    /// Of addresses and networks only: disjoint ranges in order, for either version.
    Networks(Vec<(u32, u32)>, Vec<(u128, u128)>),
}

impl Lookup {
    /// A list made ready, if it is long enough and of one kind.
    pub(crate) fn of(value: &Value) -> Option<Lookup> {
        let items: Vec<&Value> = match value {
            Value::List(items) if items.len() > LONG => items.iter().collect(),
            Value::Set(items) if items.len() > LONG => items.iter().collect(),
            _ => return None,
        };
        let texts = items.iter().map(|item| match item {
            Value::String(text) => Some(text.clone()),
            _ => None,
        });
        if let Some(texts) = texts.collect() {
            return Some(Lookup::Texts(texts));
        }
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for item in items {
            let (first, last) = match item {
                Value::Ip(address) => (*address, *address),
                Value::Cidr(network) => (network.network(), network.broadcast()),
                _ => return None,
            };
            match (first, last) {
                (IpAddr::V4(first), IpAddr::V4(last)) => v4.push((first.to_bits(), last.to_bits())),
                (IpAddr::V6(first), IpAddr::V6(last)) => v6.push((first.to_bits(), last.to_bits())),
                _ => return None,
            }
        }
        Some(Lookup::Networks(merged(v4), merged(v6)))
    }

    /// Whether the item is in the list. `None` for an item of another kind.
    pub(crate) fn holds(&self, item: &Value) -> Option<bool> {
        match (self, item) {
            (_, Value::Absent) => Some(false),
            (Lookup::Texts(texts), Value::String(text)) => Some(texts.contains(text)),
            (Lookup::Networks(v4, _), Value::Ip(IpAddr::V4(ip))) => Some(within(v4, ip.to_bits())),
            (Lookup::Networks(_, v6), Value::Ip(IpAddr::V6(ip))) => Some(within(v6, ip.to_bits())),
            _ => None,
        }
    }
}

/// Ranges in order; those that lie in others are gone, so that the last to begin is the only one to ask.
fn merged<N: Copy + Ord>(mut ranges: Vec<(N, N)>) -> Vec<(N, N)> {
    ranges.sort_unstable();
    let mut merged: Vec<(N, N)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn within<N: Copy + Ord>(ranges: &[(N, N)], number: N) -> bool {
    let behind = ranges.partition_point(|(first, _)| *first <= number);
    behind.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| number <= *last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lang::eval::is_in;

    #[test]
    fn a_lookup_answers_as_the_list_does() {
        let nets = ["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "fd00::/8", "0.0.0.0/32"];
        let hosts = (1..9).map(|n| Value::Ip(format!("192.168.0.{n}").parse().unwrap()));
        let nets = nets.into_iter().map(|net| Value::Cidr(net.parse().unwrap()));
        let list = Value::list(nets.chain(hosts));
        let lookup = Lookup::of(&list).unwrap();
        for ip in ["10.2.3.4", "12.0.0.0", "0.0.0.0", "192.168.0.9", "192.168.0.8", "fd12::1", "::"]
        {
            let item = Value::Ip(ip.parse().unwrap());
            assert_eq!(lookup.holds(&item), Some(is_in(&item, &list)), "{ip}");
        }
        assert_eq!(lookup.holds(&Value::string("x")), None);
    }
}
