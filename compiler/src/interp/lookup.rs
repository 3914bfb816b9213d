//! Long constant lists made ready for `in`: names in a hash set, networks as ranges. It answers as
//! `lang::eval::is_in` does, or says that it does not know.

use std::collections::HashSet;
use std::sync::Arc;

use lang::Value;

use crate::program::code::Networks;

/// Shorter lists are as fast to walk.
const LONG: usize = 8;

/// A list made ready.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// Of texts only.
    Texts(HashSet<Arc<str>>),
    /// Of addresses and networks only.
    Networks(Networks),
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
        Networks::of(items).map(Lookup::Networks)
    }

    /// Whether the item is in the list. `None` for an item of another kind.
    pub(crate) fn holds(&self, item: &Value) -> Option<bool> {
        match (self, item) {
            (_, Value::Absent) => Some(false),
            (Lookup::Texts(texts), Value::String(text)) => Some(texts.contains(text)),
            (Lookup::Networks(networks), Value::Ip(address)) => Some(networks.hold(address)),
            _ => None,
        }
    }
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
