//! Values and types of the language as bytes. A pattern is its text; it is compiled again, within the bounds in which a
//! policy's are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;
use lang::literal::compiled;
use lang::value::{Pattern, Rate};
use lang::{SourceId, Span, Ty, Value};

use super::Unfit;
use super::bytes::{Reader, Writer, damaged};
use super::coded::{Coded, coded};

coded! { enum Value {
    0 => Absent, 1 => Null, 2 => Bool(a), 3 => Int(a), 4 => Float(a), 5 => String(a), 6 => Duration(a), 7 => Size(a),
    8 => Rate(a), 9 => Percent(a), 10 => Ip(a), 11 => Cidr(a), 12 => Method(a), 13 => Status(a), 14 => Time(a),
    15 => Regex(a), 16 => List(a), 17 => Set(a), 18 => Map(a), 19 => Range(a), 20 => Secret(a), 21 => Item(a),
} }

coded! { struct Rate { count, per } }

coded! { enum IpAddr { 4 => V4(a), 6 => V6(a) } }

coded! { enum Ty {
    0 => Bool, 1 => Int, 2 => Float, 3 => String, 4 => Duration, 5 => Size, 6 => Rate, 7 => Percent, 8 => Ip, 9 => Cidr,
    10 => Method, 11 => Status, 12 => Time, 13 => Regex, 14 => Json, 15 => Uuid, 16 => List(a), 17 => Set(a),
    18 => Map(a), 19 => Range(a), 20 => Record(a), 21 => OneOf(a), 22 => Optional(a), 23 => Secret, 24 => Item(a),
    25 => Error,
} }

coded! { number SourceId }
coded! { struct Span { source, start, end } }

impl Coded for Ipv4Addr {
    fn put(&self, out: &mut Writer) {
        out.raw(&self.octets());
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let octets: [u8; 4] = from.raw(4)?.first_chunk().copied().unwrap_or_default();
        Ok(Ipv4Addr::from(octets))
    }
}

impl Coded for Ipv6Addr {
    fn put(&self, out: &mut Writer) {
        out.raw(&self.octets());
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let octets: [u8; 16] = from.raw(16)?.first_chunk().copied().unwrap_or_default();
        Ok(Ipv6Addr::from(octets))
    }
}

impl Coded for IpNet {
    fn put(&self, out: &mut Writer) {
        self.network().put(out);
        self.prefix_len().put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let (address, length) = <(IpAddr, u8)>::take(from)?;
        let network =
            IpNet::new(address, length).map_err(|_| damaged("there is no such network"))?;
        Ok(network.trunc())
    }
}

impl Coded for Duration {
    fn put(&self, out: &mut Writer) {
        self.as_nanos().put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        const SECOND: u128 = 1_000_000_000;
        let nanos = u128::take(from)?;
        let seconds =
            u64::try_from(nanos / SECOND).map_err(|_| damaged("a length of time is too long"))?;
        Ok(Duration::new(seconds, (nanos % SECOND) as u32))
    }
}

impl Coded for Pattern {
    fn put(&self, out: &mut Writer) {
        self.0.as_str().to_owned().put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        compiled(&String::take(from)?).ok_or_else(|| damaged("a pattern is none"))
    }
}

impl Coded for &'static str {
    /// A kind of items; only types hold it.
    fn put(&self, out: &mut Writer) {
        (*self).to_owned().put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let name = String::take(from)?;
        let block = from.vocabulary.block(&name).map(|row| row.name);
        block.ok_or(Unfit::Unknown { kind: "item", name })
    }
}
