//! How listeners find their routes, as bytes. The tables of hosts are not written: they follow from the patterns of the
//! virtual hosts, and so cannot contradict them.

use std::collections::HashMap;
use std::sync::Arc;

use lang::policy::Host;
use lang::segment::Segments;

use super::Unfit;
use super::bytes::{Reader, Writer, damaged};
use super::coded::{Coded, coded};
use crate::program::{
    Candidate, Hosts, Listener, Literals, Node, Target, Test, TestKind, VirtualHost,
};

coded! { struct Listener { name, block, hosts } }
coded! { struct VirtualHost { host, nodes, candidates, is_ranked } }
coded! { struct Node { literals, captures, here, beneath } }
coded! { struct Candidate { route, path, rank, stem, captures, reads_captures, methods, code } }
coded! { struct Test { kind, yes, no } }
coded! { enum TestKind { 0 => True(a), 1 => Compare(how, a, b), 2 => In(a, b), 3 => Present(a) } }
coded! { enum Target { 0 => Test(a), 1 => Pass, 2 => Fail } }
coded! { enum Segments { 0 => Literal(a), 1 => Words(a), 2 => Int, 3 => Uuid, 4 => Any } }

/// So many hosts of one pattern are compared with the next one: there may be any number of listeners.
const LOOKED_AT: usize = 8;

/// Makes one of what is the same at several listeners: as bytes each has its own.
pub(super) fn share(listeners: &mut [Listener]) {
    let mut known: HashMap<Host, Vec<Arc<VirtualHost>>> = HashMap::new();
    for listener in listeners {
        for host in listener.hosts.list.iter_mut() {
            let alike = known.entry(host.host.clone()).or_default();
            match alike.iter().rev().take(LOOKED_AT).find(|one| *one == host) {
                Some(one) => *host = one.clone(),
                None => alike.push(host.clone()),
            }
        }
    }
}

impl Coded for Literals {
    fn put(&self, out: &mut Writer) {
        self.len().put(out);
        for (text, next) in self.iter() {
            text.put(out);
            next.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        Vec::<(Arc<str>, usize)>::take(from).map(Literals::from_iter)
    }
}

impl Coded for Hosts {
    fn put(&self, out: &mut Writer) {
        self.list.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let mut hosts = Hosts { list: Coded::take(from)?, ..Hosts::default() };
        for (place, host) in hosts.list.iter().enumerate() {
            let into = |map: &mut Arc<HashMap<Arc<str>, usize>>, name: &Arc<str>| {
                Arc::make_mut(map).insert(name.clone(), place)
            };
            let before = match &host.host {
                Host::Any => hosts.any.replace(place),
                Host::Exact(name) => into(&mut hosts.exact, name),
                Host::OneLabel(suffix) => into(&mut hosts.one_label, suffix),
                Host::Labels(suffix) => into(&mut hosts.labels, suffix),
            };
            if before.is_some() {
                return Err(damaged("a listener has a host twice"));
            }
        }
        Ok(hosts)
    }
}
