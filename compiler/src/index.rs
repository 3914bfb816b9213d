//! How a loaded program finds its route: a hash of the host leads to that host's tree, the path through it to a cell, the
//! cell's code to the candidate that answers. It says the same as the plain walk over the program (`interp/decide.rs`)
//! and owns nothing of a request.

use lang::policy::Host as Pattern;

use crate::decision::Decision;
use crate::frame::Head;
use crate::interp::run::Run;
use crate::interp::{Interp, Pending};
use crate::lower::bind::Bind;
use crate::program::code::{Goal, MethodBit};
use crate::program::{Listener, ListenerId, RouteId};

mod hosts;
mod text;
mod tree;

use hosts::{Host, Hosts, Kind};
use tree::{CellRef, build};

/// The index of one listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    hosts: Hosts,
    /// The routes of all candidates, host after host.
    routes: Box<[RouteId]>,
    /// Whether there is none, because the listener has more of something than the layout has room for.
    is_plain: bool,
}

/// What asking one host comes to.
enum Asked {
    Decided(Result<Decision, Pending>),
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

    /// Which route of the listener answers.
    pub(crate) fn decide(
        &self,
        interp: &Interp<'_>,
        listener: ListenerId,
        head: &Head<'_>,
    ) -> Result<Decision, Pending> {
        let run = Run { interp, head, method: MethodBit::of(head.method), listener };
        let mut missed = false;
        let plain = || match interp.program.listeners.get(listener.0 as usize) {
            Some(listener) => interp.decide(listener, head),
            None => Ok(Decision::NotFound),
        };
        if self.is_plain {
            return plain();
        }
        let asked = self.hosts.find(head.host, |host| self.ask(host, &run, &mut missed));
        match asked {
            Some(Asked::Decided(decision)) => decision,
            Some(Asked::Plain) => plain(),
            // Which methods would have found one is asked by the few requests that miss by theirs.
            None if missed => plain(),
            None => {
                interp.frame.capture_as(None);
                Ok(Decision::NotFound)
            }
        }
    }

    #[inline]
    fn ask(&self, host: &Host, run: &Run<'_>, missed: &mut bool) -> Option<Asked> {
        let side = &host.tree.side;
        if side.is_plain {
            return Some(Asked::Plain);
        }
        host.tree.walk(run.head.path, |cell| {
            let candidate = match cell {
                CellRef::None => return None,
                CellRef::Always(candidate) => candidate,
                CellRef::Cell(cell) => {
                    let cell = side.cells.get(cell as usize)?;
                    match run.code(&cell.code, &cell.candidates, host.place(), missed) {
                        Ok(Goal::Take(place)) => *cell.candidates.get(place as usize)?,
                        Ok(_) => return None,
                        Err(pending) => return Some(Asked::Decided(Err(pending))),
                    }
                }
            };
            run.interp.frame.capture_as(Some(run.captured(host.place(), candidate)));
            let route = self.routes.get(host.first as usize + candidate as usize)?;
            Some(Asked::Decided(Ok(Decision::Route(*route))))
        })
    }
}
