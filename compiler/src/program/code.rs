//! Residual code: what is left to ask of a request once host and path have led to a cell. Plain data with every constant
//! bound; `interp/run.rs` says what it means, and whatever compiles it must say the same.
//!
//! Execution begins at [`Code::entry`]. [`Goal::Op`] runs that instruction: its check is made and leads to `yes` or `no`.
//! Jumps lead forward, so code ends. A check never fails; one that reads a slot that is pending ends the decision.

use std::net::IpAddr;
use std::sync::Arc;

use lang::Value;
use lang::policy::Compare;

use crate::fit::Fit;
use crate::frame::{Method, SlotId};
use crate::names::same;
use crate::program::TestKind;
use crate::table::Table;

/// The residual decision of a cell: its candidates in order, one behind the other's failure.
#[derive(Clone, Debug)]
pub struct Code {
    /// Where it begins.
    pub entry: Goal,
    /// The instructions, those of one candidate behind those of the one before it.
    pub ops: Box<[Op]>,
    /// The place of each candidate's first instruction, which for one that names methods is their check; and where the
    /// last one's end. By these a candidate is asked alone: what would have answered, had the method been another.
    pub starts: Box<[u32]>,
    /// The same as a table, where that is worth it; it is asked first.
    pub(crate) table: Option<Box<Table>>,
    /// The same for the machine, once somebody has made it.
    #[cfg(feature = "jit")]
    pub(crate) machine: crate::jit::Machine,
}

impl Code {
    /// Residual code of these parts.
    pub fn new(entry: Goal, ops: Box<[Op]>, starts: Box<[u32]>) -> Code {
        Code {
            entry,
            ops,
            starts,
            table: None,
            #[cfg(feature = "jit")]
            machine: crate::jit::Machine::default(),
        }
    }
}

/// One instruction: a check, and where to go on.
#[derive(Clone, Debug)]
pub struct Op {
    /// What is asked.
    pub check: Check,
    /// Where to go if it does not hold, and if it does; half as long as goals are, because policies have many.
    goals: [u32; 2],
}

impl Op {
    /// An instruction that leads to `yes` if its check holds, and to `no` if it does not.
    pub fn new(check: Check, yes: Goal, no: Goal) -> Op {
        Op { check, goals: [no.packed(), yes.packed()] }
    }

    /// Where it leads.
    #[inline]
    pub fn goal(&self, holds: bool) -> Goal {
        Goal::unpacked(self.packed_goal(holds))
    }

    /// The same as a number: of an instruction its place, of all else a greater one.
    #[inline(always)]
    pub(crate) fn packed_goal(&self, holds: bool) -> u32 {
        let [no, yes] = self.goals;
        if holds { yes } else { no }
    }
}

/// Where an instruction leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// To the instruction with this place, which stands behind this one.
    Op(u32),
    /// The cell's candidate with this place answers.
    Take(u32),
    /// None of the cell's candidates does.
    Leave,
}

impl Goal {
    const TAKE: u32 = 1 << 30;
    const LEAVE: u32 = 1 << 31;

    /// Nothing counts as far as the bits that tell goals apart: it would not lie in memory.
    #[inline]
    pub(crate) fn packed(self) -> u32 {
        match self {
            Goal::Op(at) => at,
            Goal::Take(place) => place | Goal::TAKE,
            Goal::Leave => Goal::LEAVE,
        }
    }

    #[inline]
    pub(crate) fn unpacked(goal: u32) -> Goal {
        match goal {
            at if at < Goal::TAKE => Goal::Op(at),
            place if place < Goal::LEAVE => Goal::Take(place & !Goal::TAKE),
            _ => Goal::Leave,
        }
    }
}

/// What is asked. Of a source that is absent, or is of another kind than the check speaks of, none holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Check {
    /// Whether the request's method is one of these. Where it is not, the decision notes that a method was missed: should
    /// nobody answer, the answer is 405 and not 404.
    Method(Methods),
    /// Whether there is a value.
    Present(Source),
    /// Whether it is the Boolean `true`.
    True(Source),
    /// Whether it is this text, byte for byte.
    Equal(Source, Box<str>),
    /// Whether it is one of these texts.
    OneOf(Source, Texts),
    /// Whether the text begins so.
    Begins(Source, Box<str>),
    /// Whether the text ends so.
    Ends(Source, Box<str>),
    /// Whether the text holds this one.
    Contains(Source, Box<str>),
    /// Whether the pattern fits somewhere in the text.
    Matches(Source, Arc<Fit>),
    /// Whether the address lies in one of these.
    Within(Source, Networks),
    /// Whether the list or set holds this text.
    Lists(Source, Box<str>),
    /// A comparison as [`lang::eval::compare`] makes it.
    Compare(Source, Compare, Box<Value>),
    /// A test on expressions, for everything else. Captures it reads are those of the cell's candidate with this place.
    Symbolic(TestKind, u32),
}

impl Check {
    /// What it looks at, if that is one thing.
    #[inline]
    pub fn source(&self) -> Option<Source> {
        match self {
            Check::Method(_) | Check::Symbolic(..) => None,
            Check::Present(source)
            | Check::True(source)
            | Check::Equal(source, _)
            | Check::OneOf(source, _)
            | Check::Begins(source, _)
            | Check::Ends(source, _)
            | Check::Contains(source, _)
            | Check::Matches(source, _)
            | Check::Within(source, _)
            | Check::Lists(source, _)
            | Check::Compare(source, ..) => Some(*source),
        }
    }
}

/// What a check looks at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// The host, as [`crate::Head::host`].
    Host,
    /// The path, as [`crate::Head::path`].
    Path,
    /// The method, as [`crate::Head::method`]; compared with methods only.
    Method,
    /// A segment of the path, as text.
    Segment(Place),
    /// A segment of the path, as the integer it is the digits of.
    Integer(Place),
    /// The client's address, as [`crate::Head::client`]; the slot that reads it where the head does not say.
    Client(SlotId),
    /// A slot of the program, through [`crate::Fill`].
    Slot(SlotId),
    /// One that is read anew each time.
    Anew(SlotId),
}

/// Which segment of the path: what it begins with is known, so that this is not looked through.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// The byte at which a segment begins.
    pub from: u16,
    /// How many segments behind that one it is.
    pub behind: u16,
}

/// A set of methods: the common ones as bits, others by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Methods {
    /// Bit `n` stands for [`COMMON`]`[n]`.
    pub common: u16,
    /// The others.
    pub others: Option<Box<[Arc<str>]>>,
}

/// Methods that have a bit in [`Methods::common`].
pub const COMMON: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"];

/// A set of texts, sorted. Shared: lists are long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Texts(pub Arc<[Box<str>]>);

/// A set of addresses: disjoint closed ranges in order, for either version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Networks {
    /// One range, as most sets are.
    V4([(u32, u32); 1]),
    /// All others. Shared: lists are long.
    Many(Arc<Ranges>),
}

/// The ranges of [`Networks`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ranges {
    /// IPv4.
    pub v4: Box<[(u32, u32)]>,
    /// IPv6.
    pub v6: Box<[(u128, u128)]>,
}

/// A method's bit in sets, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MethodBit(pub u16);

impl MethodBit {
    /// The bit of a method; no bit for one that is not common.
    #[inline]
    pub const fn of(method: &str) -> MethodBit {
        MethodBit(match method.as_bytes() {
            b"GET" => 1,
            b"HEAD" => 1 << 1,
            b"POST" => 1 << 2,
            b"PUT" => 1 << 3,
            b"DELETE" => 1 << 4,
            b"PATCH" => 1 << 5,
            b"OPTIONS" => 1 << 6,
            b"CONNECT" => 1 << 7,
            b"TRACE" => 1 << 8,
            _ => 0,
        })
    }
}

impl Methods {
    /// The set of these names.
    pub fn of(names: &[Arc<str>]) -> Methods {
        let mut methods = Methods::default();
        let mut others: Vec<Arc<str>> = Vec::new();
        for name in names {
            match MethodBit::of(name) {
                MethodBit(0) => others.push(name.clone()),
                MethodBit(bit) => methods.common |= bit,
            }
        }
        others.sort_unstable();
        others.dedup();
        methods.others = (!others.is_empty()).then(|| others.into());
        methods
    }

    /// Adds those of another set.
    pub fn add(&mut self, more: &Methods) {
        self.common |= more.common;
        if more.others.is_some() {
            let others = [&self.others, &more.others].into_iter().flatten();
            let others: Vec<Arc<str>> = others.flat_map(|names| names.iter().cloned()).collect();
            self.others = Methods::of(&others).others;
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.common == 0 && self.others.is_none()
    }

    /// Their names, sorted.
    pub fn names(&self) -> Vec<&str> {
        let common = COMMON.iter().enumerate();
        let common = common.filter(|(bit, _)| self.common & (1 << bit) != 0);
        let others = self.others.iter().flat_map(|others| others.iter());
        let mut names: Vec<&str> =
            common.map(|(_, name)| *name).chain(others.map(|name| &**name)).collect();
        names.sort_unstable();
        names
    }

    /// Whether a method is one of these.
    #[inline]
    pub fn hold(&self, method: Method<'_>) -> bool {
        let MethodBit(bit) = method.bit();
        self.common & bit != 0 || bit == 0 && self.hold_other(method.name())
    }

    #[inline(never)]
    fn hold_other(&self, name: &str) -> bool {
        self.others.as_deref().is_some_and(|others| others.iter().any(|other| **other == *name))
    }
}

impl Texts {
    /// Whether this text is one of them.
    #[inline]
    pub fn hold(&self, text: &str) -> bool {
        match &*self.0 {
            few if few.len() <= 4 => few.iter().any(|one| same(one.as_bytes(), text.as_bytes())),
            many => many.binary_search_by(|one| (**one).cmp(text)).is_ok(),
        }
    }
}

impl Networks {
    /// The set of addresses and networks; `None` if one of the values is neither.
    pub fn of<'v>(values: impl IntoIterator<Item = &'v Value>) -> Option<Networks> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for value in values {
            let (first, last) = match value {
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
        Some(match (&*merged(v4), &*merged(v6)) {
            ([one], []) => Networks::V4([*one]),
            (v4, v6) => Networks::Many(Arc::new(Ranges { v4: v4.into(), v6: v6.into() })),
        })
    }

    /// Its ranges of IPv4.
    #[inline]
    pub fn v4(&self) -> &[(u32, u32)] {
        match self {
            Networks::V4(one) => one,
            Networks::Many(ranges) => &ranges.v4,
        }
    }

    /// Its ranges of IPv6.
    #[inline]
    pub fn v6(&self) -> &[(u128, u128)] {
        match self {
            Networks::V4(_) => &[],
            Networks::Many(ranges) => &ranges.v6,
        }
    }

    /// Whether this address lies in one of them.
    #[inline(always)]
    pub fn hold(&self, address: &IpAddr) -> bool {
        match (self, address) {
            (Networks::V4([(first, last)]), IpAddr::V4(address)) => {
                (*first..=*last).contains(&address.to_bits())
            }
            _ => self.hold_otherwise(address),
        }
    }

    #[inline(never)]
    fn hold_otherwise(&self, address: &IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => within(self.v4(), address.to_bits()),
            IpAddr::V6(address) => within(self.v6(), address.to_bits()),
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

#[inline]
fn within<N: Copy + Ord>(ranges: &[(N, N)], number: N) -> bool {
    match ranges {
        [(first, last)] => *first <= number && number <= *last,
        ranges => {
            let behind = ranges.partition_point(|(first, _)| *first <= number);
            let before = behind.checked_sub(1).and_then(|at| ranges.get(at));
            before.is_some_and(|(_, last)| number <= *last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lang::eval::is_in;

    #[test]
    fn networks_hold_what_the_list_does() {
        let nets = ["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "fd00::/8", "0.0.0.0/32"];
        let hosts = (1..9).map(|n| Value::Ip(format!("192.168.0.{n}").parse().unwrap()));
        let nets = nets.into_iter().map(|net| Value::Cidr(net.parse().unwrap()));
        let items: Vec<Value> = nets.chain(hosts).collect();
        let networks = Networks::of(&items).unwrap();
        let list = Value::list(items);
        for ip in ["10.2.3.4", "12.0.0.0", "0.0.0.0", "192.168.0.9", "192.168.0.8", "fd12::1", "::"]
        {
            let address: IpAddr = ip.parse().unwrap();
            assert_eq!(networks.hold(&address), is_in(&Value::Ip(address), &list), "{ip}");
        }
        assert!(Networks::of(&[Value::string("x")]).is_none());
    }

    #[test]
    fn every_common_method_has_its_bit() {
        for (at, name) in COMMON.into_iter().enumerate() {
            assert_eq!(MethodBit::of(name), MethodBit(1 << at));
        }
        let methods = Methods::of(&["GET", "PURGE"].map(Arc::from));
        let held = |name| methods.hold(Method::of(name));
        assert!(held("GET") && held("PURGE") && !held("get") && !held("PUT"));
    }
}
