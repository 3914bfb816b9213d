//! How a loaded program finds its route: a hash of the host leads to that host's tree, the path through it to a cell, the
//! cell's code to the candidate that answers. It says the same as the plain walk over the program (`interp/decide.rs`)
//! and owns nothing of a request.

use std::sync::Arc;

use lang::policy::Host as Pattern;

use crate::decision::Decision;
use crate::frame::{Head, SlotId};
use crate::interp::run::Run;
use crate::interp::{Interp, Pending};
use crate::lower::bind::Bind;
#[cfg(feature = "jit")]
use crate::program::code::Code;
use crate::program::code::Goal;
use crate::program::{Listener, ListenerId, RouteId};

mod hosts;
mod text;
mod tree;

use hosts::{Host, Hosts, Kind};
use tree::{Cell, CellRef, LONGEST, build};

/// The index of one listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    hosts: Hosts,
    /// The routes of all candidates, host after host.
    routes: Box<[RouteId]>,
    /// Whether there is none, because the listener has more of something than the layout has room for.
    is_plain: bool,
}

/// What asking a cell comes to, if anything.
#[derive(Clone, Copy)]
enum Found {
    /// This candidate of the host answers.
    Candidate(u32),
    /// It depends on this slot.
    Pending(SlotId),
}

/// What asking one host comes to, if anything.
#[derive(Clone, Copy)]
enum Asked {
    /// This route answers.
    Route(RouteId),
    /// It depends on this slot.
    Pending(SlotId),
    /// The host has no tree; the plain walk is to say.
    Plain,
}

impl Index {
    /// The index of a listener.
    pub(crate) fn new(listener: &Listener, bind: Bind<'_>) -> Index {
        let mut codes = build::Codes::default();
        let mut routes: Vec<RouteId> = Vec::new();
        let mut names = Vec::with_capacity(listener.hosts.list.len());
        let mut any = None;
        for (place, host) in listener.hosts.list.iter().enumerate() {
            let (kind, name) = match &host.host {
                Pattern::Any => (None, ""),
                Pattern::Exact(name) => (Some(Kind::Exact), &**name),
                Pattern::OneLabel(suffix) => (Some(Kind::OneLabel), &**suffix),
                Pattern::Labels(suffix) => (Some(Kind::Labels), &**suffix),
            };
            let tree = build::tree(host, kind.unwrap_or(Kind::Exact), name, bind, &mut codes);
            let (Ok(first), Ok(place)) = (u32::try_from(routes.len()), u32::try_from(place)) else {
                return Index { is_plain: true, ..Index::default() };
            };
            routes.extend(host.candidates.iter().map(|candidate| candidate.route));
            let host = Host::new(tree, first, place);
            match kind {
                Some(kind) => names.push((kind, name.to_owned(), host)),
                None => any = Some(host),
            }
        }
        if listener.hosts.list.len() >= hosts::MOST {
            return Index { is_plain: true, ..Index::default() };
        }
        Index { hosts: Hosts::new(names, any), routes: routes.into(), is_plain: false }
    }

    /// The residual code of all cells.
    #[cfg(feature = "jit")]
    pub(crate) fn codes(&self) -> impl Iterator<Item = &Arc<Code>> {
        self.hosts.all().flat_map(|host| host.tree.side.cells.iter().map(|cell| &cell.code))
    }

    /// The residual code of the cells that hold a request with this head.
    #[cfg(feature = "jit")]
    pub(crate) fn codes_for(&self, head: &Head<'_>) -> Vec<Arc<Code>> {
        let mut codes = Vec::new();
        let _: Option<Asked> = self.hosts.find(head.host, |host| {
            let side = &host.tree.side;
            let _: Option<Found> = host.tree.walk(head.path, &mut |cell| {
                let CellRef::Cell(cell) = cell else { return None };
                codes.extend(side.cells.get(cell as usize).map(|cell| cell.code.clone()));
                None
            });
            None
        });
        codes
    }

    /// Which route of the listener answers.
    #[inline]
    pub(crate) fn decide(
        &self,
        interp: &Interp<'_>,
        listener: ListenerId,
        head: &Head<'_>,
    ) -> Result<Decision, Pending> {
        if self.is_plain || head.path.len() > LONGEST {
            return plain(interp, listener, head);
        }
        let run = Run { interp, head, listener };
        let mut missed = false;
        match self.hosts.find(head.host, |host| self.ask(host, &run, &mut missed)) {
            Some(Asked::Route(route)) => Ok(Decision::Route(route)),
            Some(Asked::Pending(slot)) => Err(Pending(slot)),
            Some(Asked::Plain) => plain(interp, listener, head),
            // Which methods would have found one is asked by the few requests that miss by theirs.
            None if missed => self.allowed(&run),
            None => {
                interp.frame.capture_as(None);
                Ok(Decision::NotFound)
            }
        }
    }

    /// Which methods would have found a route, now that none has.
    #[inline(never)]
    fn allowed(&self, run: &Run<'_>) -> Result<Decision, Pending> {
        let mut allowed: Vec<Arc<str>> = Vec::new();
        let listener = run.interp.program.listeners.get(run.listener.0 as usize);
        let asked = self.hosts.find(run.head.host, |host| {
            let side = &host.tree.side;
            if side.is_plain {
                return Some(Asked::Plain);
            }
            let program = listener.and_then(|one| one.hosts.list.get(host.place() as usize))?;
            let pending = host.tree.walk(run.head.path, &mut |cell| {
                let CellRef::Cell(cell) = cell else { return None };
                let Cell { code, candidates } = side.cells.get(cell as usize)?;
                for (place, candidate) in candidates.iter().enumerate() {
                    match run.misses_by_method(code, place, candidates, host.place()) {
                        Ok(false) => {}
                        Ok(true) => {
                            let candidate = program.candidates.get(*candidate as usize)?;
                            allowed.extend(candidate.methods.iter().flatten().cloned());
                        }
                        Err(Pending(slot)) => return Some(Found::Pending(slot)),
                    }
                }
                None
            });
            match pending? {
                Found::Pending(slot) => Some(Asked::Pending(slot)),
                Found::Candidate(_) => None,
            }
        });
        match asked {
            Some(Asked::Pending(slot)) => return Err(Pending(slot)),
            Some(_) => return plain(run.interp, run.listener, run.head),
            None => {}
        }
        run.interp.frame.capture_as(None);
        Ok(Decision::without_route(allowed))
    }

    #[inline]
    fn ask(&self, host: &Host, run: &Run<'_>, missed: &mut bool) -> Option<Asked> {
        let side = &host.tree.side;
        if side.is_plain {
            return Some(Asked::Plain);
        }
        let found = host.tree.walk(run.head.path, &mut |cell| match cell {
            CellRef::None => None,
            CellRef::Always(candidate) => Some(Found::Candidate(candidate)),
            CellRef::Cell(cell) => {
                let cell = side.cells.get(cell as usize)?;
                match run.code(&cell.code, &cell.candidates, host.place(), missed) {
                    Ok(Goal::Take(place)) => {
                        cell.candidates.get(place as usize).copied().map(Found::Candidate)
                    }
                    Ok(_) => None,
                    Err(Pending(slot)) => Some(Found::Pending(slot)),
                }
            }
        });
        match found? {
            Found::Pending(slot) => Some(Asked::Pending(slot)),
            Found::Candidate(candidate) => {
                run.interp.frame.capture_as(Some(run.captured(host.place(), candidate)));
                let route = self.routes.get(host.first as usize + candidate as usize)?;
                Some(Asked::Route(*route))
            }
        }
    }
}

/// The decision by the plain walk over the program.
#[inline(never)]
fn plain(interp: &Interp<'_>, listener: ListenerId, head: &Head<'_>) -> Result<Decision, Pending> {
    match interp.program.listeners.get(listener.0 as usize) {
        Some(listener) => interp.decide(listener, head),
        None => Ok(Decision::NotFound),
    }
}
