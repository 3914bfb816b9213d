//! What a change touches: the hosts and names of what changed, and every item that has one of them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use lang::policy::Host;

use super::facts::Fact;

/// What a change touches.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) items: BTreeSet<usize>,
    pub(super) hosts: HashSet<Host>,
    pub(super) names: HashSet<Arc<str>>,
    /// What was not looked up yet.
    pub(super) open: Vec<Wanted>,
}

/// What has to be looked up.
pub(super) enum Wanted {
    Host(Host),
    Name(Arc<str>),
}

impl Touched {
    /// Everything that has a host or a name of this item, or is named by it, is touched.
    pub(super) fn want(&mut self, fact: &Fact) {
        for host in &fact.hosts {
            if self.hosts.insert(host.clone()) {
                self.open.push(Wanted::Host(host.clone()));
            }
        }
        for name in fact.before.iter().chain([&fact.name]) {
            if self.names.insert(name.clone()) {
                self.open.push(Wanted::Name(name.clone()));
            }
        }
    }
}
