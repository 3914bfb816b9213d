//! The upstreams of one core: made when they are first asked for, kept over reloads, swept now and then.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::sleep;

use super::Upstream;
use super::group::Group;
use super::stub::Stubs;

/// How often unused connections are looked at.
const SWEEP: Duration = Duration::from_secs(2);

/// The upstreams of one core, by their groups.
#[derive(Default)]
pub struct Roster {
    upstreams: RefCell<BTreeMap<u64, Rc<Upstream>>>,
    /// What stands for the upstreams of a test, instead of connections.
    stubs: Option<Rc<Stubs>>,
    /// The groups in use, once somebody has said which.
    kept: RefCell<Option<Vec<u64>>>,
}

impl Roster {
    /// A roster for this core. Must be called on a `LocalSet`: unused connections are closed by a task there, for as
    /// long as the roster lives.
    pub fn start() -> Rc<Roster> {
        let roster = Rc::new(Roster::default());
        spawn_local(sweep(Rc::downgrade(&roster)));
        roster
    }

    /// A roster that connects to nothing: its upstreams do what `stubs` say.
    pub(crate) fn stubbed(stubs: Rc<Stubs>) -> Rc<Roster> {
        Rc::new(Roster { stubs: Some(stubs), ..Roster::default() })
    }

    /// The upstream of `group` on this core.
    pub fn of(&self, group: &Arc<Group>) -> Rc<Upstream> {
        let mut upstreams = self.upstreams.borrow_mut();
        if let Some(upstream) = upstreams.get(&group.id) {
            return upstream.clone();
        }
        let upstream = Rc::new(match &self.stubs {
            None => Upstream::new(group.clone()),
            Some(stubs) => Upstream::stubbed(Group::imagined(group), stubs.clone()),
        });
        // A request that began before a reload may still ask for what is let go. It gets it for itself: kept here,
        // it would be looked after until the next reload.
        if self.kept.borrow().as_ref().is_none_or(|kept| kept.contains(&group.id)) {
            upstreams.insert(group.id, upstream.clone());
        }
        upstream
    }

    /// After a reload: keeps these and lets go of all others, their unused connections included. One that is new
    /// succeeds the one that had its name. Requests under way are not disturbed.
    pub fn retain(&self, groups: &[Arc<Group>]) {
        let kept: Vec<u64> = groups.iter().map(|group| group.id).collect();
        let mut upstreams = self.upstreams.borrow_mut();
        for group in groups {
            let named = |known: &&Rc<Upstream>| known.config().name == group.config.name;
            if !upstreams.contains_key(&group.id)
                && let Some(before) = upstreams.values().find(named)
            {
                let next = Upstream::succeed(group.clone(), before);
                upstreams.insert(group.id, Rc::new(next));
            }
        }
        upstreams.retain(|id, _| kept.contains(id));
        *self.kept.borrow_mut() = Some(kept);
    }

    /// Calls `see` with every upstream; for telemetry.
    pub fn each(&self, mut see: impl FnMut(&Upstream)) {
        let all: Vec<_> = self.upstreams.borrow().values().cloned().collect();
        all.iter().for_each(|upstream| see(upstream));
    }
}

async fn sweep(roster: Weak<Roster>) {
    loop {
        sleep(SWEEP).await;
        let Some(roster) = roster.upgrade() else { return };
        roster.each(Upstream::sweep);
    }
}
