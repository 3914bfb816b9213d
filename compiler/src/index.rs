//! How a loaded program finds its route: a hash of the host leads to that host's tree, the path through it to a cell, the
//! cell's code to the candidate that answers. It says the same as the plain walk over the program (`interp/decide.rs`)
//! and owns nothing of a request.

use std::borrow::Cow;
use std::sync::Arc;

use lang::policy::Host as Pattern;

use crate::decision::Decision;
use crate::frame::{Ask, Captured, SlotId};
use crate::interp::run::Run;
use crate::interp::{Bound, Pending};
#[cfg(feature = "jit")]
use crate::jit::{Machine, Part, Said};
use crate::lower::bind::Bind;
#[cfg(feature = "jit")]
use crate::program::code::MethodBit;
use crate::program::code::Methods;
use crate::program::{Listener, RouteId, VirtualHost};

mod hosts;
pub(crate) mod text;
mod tree;

pub(crate) use hosts::Host;
use hosts::{Hosts, Kind};
use text::Name;
pub(crate) use tree::Cell;
#[cfg(feature = "jit")]
pub(crate) use tree::build::asks_nothing;
use tree::{CellRef, LONGEST, Later, build};

/// The most routes of a listener of which hosts are one function of machine code each; of others their cells are.
const MOST_WHOLE: usize = 2_048;

/// The index of one listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    hosts: Hosts,
    /// The routes of all candidates, those of a host together. Shared with the next index where they stay as they are.
    routes: Arc<[RouteId]>,
    /// How many places of those belong to no host any more.
    n_unused: usize,
    /// Whether there is none, because the listener has more of something than the layout has room for.
    is_plain: bool,
}

/// What machine code decides.
#[cfg(feature = "jit")]
#[derive(Clone, Copy)]
pub(crate) enum Scope<'i> {
    /// A cell of the host with this place.
    Cell(&'i Cell, u32),
    /// All of a host.
    Host(&'i Host),
}

#[cfg(feature = "jit")]
impl<'i> Scope<'i> {
    /// The cell with this number among its cells.
    pub(crate) fn cell(self, number: u32) -> Option<&'i Cell> {
        match self {
            Scope::Cell(cell, _) => Some(cell),
            Scope::Host(host) => host.tree.side.cell(number),
        }
    }

    /// The place of its host in the program's list.
    pub(crate) fn host(self) -> u32 {
        match self {
            Scope::Cell(_, host) => host,
            Scope::Host(host) => host.place(),
        }
    }
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

/// Where a candidate was left because of its method.
#[derive(Clone, Copy)]
enum Missed<'i> {
    Nowhere,
    /// In this cell of this host alone.
    In(&'i Host, u32),
    /// In several.
    Often,
}

impl<'i> Missed<'i> {
    fn add(&mut self, host: &'i Host, cell: u32) {
        *self = match self {
            Missed::Nowhere => Missed::In(host, cell),
            _ => Missed::Often,
        };
    }
}

impl Index {
    /// The index of each listener. Hosts that listeners share are made once.
    pub(crate) fn all(listeners: &[Listener], bind: Bind<'_>) -> Box<[Index]> {
        let mut made: Vec<(Index, &Listener)> = Vec::with_capacity(listeners.len());
        for listener in listeners {
            made.push((Index::made(listener, bind, None, &made), listener));
        }
        made.into_iter().map(|(index, _)| index).collect()
    }

    /// The index of a listener that was changed, and was `before`: what is still there of that is not made anew.
    pub(crate) fn after(&self, before: &Listener, listener: &Listener, bind: Bind<'_>) -> Index {
        self.put(before, listener, bind)
            .unwrap_or_else(|| Index::made(listener, bind, Some((self, before)), &[]))
    }

    /// The same where hosts stand at the places where they stood: those that changed are put into a copy.
    fn put(&self, before: &Listener, listener: &Listener, bind: Bind<'_>) -> Option<Index> {
        let (old, new) = (&before.hosts.list, &listener.hosts.list);
        let pair = |place| Some((place, old.get(place)?, new.get(place)?));
        let changed = new.apart(old).filter_map(pair);
        let changed: Vec<(usize, &Arc<VirtualHost>, &Arc<VirtualHost>)> =
            changed.filter(|(_, old, new)| !Arc::ptr_eq(old, new)).collect();
        let stands = changed.iter().all(|(_, old, new)| old.host == new.host);
        if self.is_plain || old.len() != new.len() || !stands {
            return None;
        }
        let mut next = self.clone();
        let mut routes = Cow::Borrowed(&*self.routes);
        let bind = Bind { is_whole: bind.is_whole && routes.len() <= MOST_WHOLE, ..bind };
        for (place, old, new) in changed {
            let known = self.host(&old.host)?;
            let (kind, name) = kind(&new.host);
            let name = Name::of(name.as_bytes());
            let tree = known.tree.after(old, new, bind).unwrap_or_else(|| {
                let mut codes = build::Codes::of(old, &known.tree);
                build::tree(new, &name, bind, &mut codes)
            });
            let first = if new.candidates.len() > old.candidates.len() {
                next.n_unused += old.candidates.len();
                u32::try_from(routes.len()).ok()?
            } else {
                next.n_unused += old.candidates.len() - new.candidates.len();
                known.first
            };
            let is_moved = first != known.first;
            if is_moved {
                routes.to_mut().extend(new.candidates.iter().map(|candidate| candidate.route));
            }
            for at in new.candidates.apart(&old.candidates) {
                let (slot, route) = (first as usize + at, new.candidates.get(at)?.route);
                if *routes.get(slot)? != route {
                    *routes.to_mut().get_mut(slot)? = route;
                }
            }
            let host = Host::new(
                tree,
                kind.unwrap_or(Kind::Exact),
                &name,
                first,
                u32::try_from(place).ok()?,
            );
            next.hosts.replace(kind, &name, host)?;
        }
        // Places that nobody uses are given up when there are as many as others.
        if next.n_unused > routes.len() / 2 {
            return None;
        }
        if let Cow::Owned(routes) = routes {
            next.routes = routes.into();
        }
        Some(next)
    }

    /// What answers for this pattern alone.
    fn host(&self, pattern: &Pattern) -> Option<&Host> {
        let (kind, name) = kind(pattern);
        self.hosts.of(kind, &Name::of(name.as_bytes()))
    }

    /// What answers here for the pattern of a host, and the host it was made of; this is the index of that listener.
    fn standing<'i>(
        &'i self,
        listener: &'i Listener,
        host: &VirtualHost,
    ) -> Option<(&'i Host, &'i Arc<VirtualHost>)> {
        let place = listener.hosts.place(&host.host)?;
        Some((self.host(&host.host)?, listener.hosts.list.get(place)?))
    }

    /// The index of a listener, with what is known of it from before, and of others beside it.
    fn made(
        listener: &Listener,
        bind: Bind<'_>,
        before: Option<(&Index, &Listener)>,
        beside: &[(Index, &Listener)],
    ) -> Index {
        // Code of very many hosts is read from afar, and what they share not shared.
        let n_routes: usize = listener.hosts.list.iter().map(|host| host.candidates.len()).sum();
        let is_whole = bind.is_whole && n_routes <= MOST_WHOLE;
        let bind = Bind { is_whole, ..bind };
        let known = |host| before.and_then(|(index, listener)| index.standing(listener, host));
        let shared = |host: &Arc<VirtualHost>| {
            let mut others =
                beside.iter().filter_map(|(index, listener)| index.standing(listener, host));
            others.find(|(_, other)| Arc::ptr_eq(other, host)).map(|(shared, _)| shared)
        };
        let mut codes = build::Codes::default();
        let mut routes: Vec<RouteId> = Vec::new();
        let mut names = Vec::with_capacity(listener.hosts.list.len());
        let mut any = None;
        for (place, host) in listener.hosts.list.iter().enumerate() {
            let (kind, name) = kind(&host.host);
            let name_read = Name::of(name.as_bytes());
            let tree = match known(host) {
                Some((known, old)) if Arc::ptr_eq(old, host) => known.tree.clone(),
                Some((known, old)) => {
                    let mut codes = build::Codes::of(old, &known.tree);
                    build::tree(host, &name_read, bind, &mut codes)
                }
                None => match shared(host) {
                    Some(shared) => shared.tree.clone(),
                    None => build::tree(host, &name_read, bind, &mut codes),
                },
            };
            let (Ok(first), Ok(place)) = (u32::try_from(routes.len()), u32::try_from(place)) else {
                return Index { is_plain: true, ..Index::default() };
            };
            routes.extend(host.candidates.iter().map(|candidate| candidate.route));
            let host = Host::new(tree, kind.unwrap_or(Kind::Exact), &name_read, first, place);
            match kind {
                Some(kind) => names.push((kind, name.to_owned(), host)),
                None => any = Some(host),
            }
        }
        let is_long = |(_, name, _): &(Kind, String, Host)| name.len() > hosts::LONGEST_NAME;
        if listener.hosts.list.len() >= hosts::MOST || names.iter().any(is_long) {
            return Index { is_plain: true, ..Index::default() };
        }
        let hosts = Hosts::new(names, any);
        Index { hosts, routes: routes.into(), n_unused: 0, is_plain: false }
    }

    /// What machine code is made of for this listener: hosts that may be one function, the cells of others. Each with the
    /// place of its host in the program's list, and with its candidates.
    #[cfg(feature = "jit")]
    pub(crate) fn parts<'i>(
        &'i self,
        listener: &'i Listener,
    ) -> impl Iterator<Item = (u32, Vec<u32>, &'i Machine, Part<'i>)> {
        self.hosts.all().flat_map(|host| {
            let place = host.place();
            let machine = host.machine().filter(|machine| !machine.is_idle());
            let whole = machine.zip(listener.hosts.list.get(place as usize));
            let cells = if whole.is_some() { None } else { Some(host.tree.all_cells()) };
            let whole = whole.map(|(machine, of)| {
                let all = (0..of.candidates.len() as u32).collect();
                (place, all, machine, Part::Host(of, host.tree.all_cells().collect()))
            });
            let cells = cells.into_iter().flatten().map(move |(_, cell)| {
                (place, cell.candidates.to_vec(), &cell.code.machine, Part::Cell(&cell.code))
            });
            whole.into_iter().chain(cells)
        })
    }

    /// Which route of the listener answers; `bound` is that of the program that this index is of.
    #[inline(always)]
    pub(crate) fn decide<'e>(&self, bound: &'e Bound, ask: &'e Ask<'_>) -> Decision {
        let Ask { head, frame, .. } = ask;
        let run = || Run::new(bound, ask);
        let Some(host) = self.hosts.exact(head.host).or_else(|| self.hosts.every()) else {
            if self.is_plain || self.hosts.has_wide() || head.path.len() > LONGEST {
                return self.search(None, &run(), Missed::Nowhere);
            }
            frame.capture_as(None);
            return Decision::NotFound;
        };
        #[cfg(feature = "jit")]
        if let Some(machine) = host.machine() {
            return match machine.run(bound, ask, Scope::Host(host)) {
                Said::Takes(candidate) => self.answer((host, candidate), ask),
                Said::Leaves { allowed, .. } if !self.hosts.has_wider(host) => {
                    frame.capture_as(None);
                    match allowed {
                        MethodBit(0) => Decision::NotFound,
                        MethodBit(common) => {
                            Decision::without_route(Methods { common, others: None })
                        }
                    }
                }
                Said::Leaves { is_missed, .. } => {
                    let missed = if is_missed { Missed::Often } else { Missed::Nowhere };
                    self.search(None, &run(), missed)
                }
                Said::Nothing => self.decide_apart(host, &run()),
            };
        }
        let mut later = Later::default();
        let first = match host.tree.only() {
            Some(cell) => cell,
            None => host.tree.first(head.path, &mut later),
        };
        let candidate = match first {
            CellRef::Always(candidate) => candidate,
            CellRef::Cell(number) => {
                let run = run();
                match asked(host, number, &run) {
                    Ok(Some(candidate)) => candidate,
                    Ok(None) => match host.tree.next(head.path, &mut later) {
                        CellRef::None if !self.hosts.has_wider(host) => {
                            if run.missed.get() {
                                return self.allowed(&run, Some((host, number)));
                            }
                            frame.capture_as(None);
                            return Decision::NotFound;
                        }
                        next => return self.go_on((host, &mut later, next), number, &run),
                    },
                    Err(Pending(slot)) => return Decision::Pending(slot),
                }
            }
            CellRef::None
                if !host.tree.side.is_plain
                    && !self.hosts.has_wider(host)
                    && head.path.len() <= LONGEST =>
            {
                frame.capture_as(None);
                return Decision::NotFound;
            }
            CellRef::None => {
                let run = run();
                return self.search(Some((host, &mut later, first)), &run, Missed::Nowhere);
            }
        };
        self.answer((host, candidate), ask)
    }

    /// The decision for a candidate of a host.
    #[inline(always)]
    fn answer(&self, (host, candidate): (&Host, u32), ask: &Ask<'_>) -> Decision {
        let captured = Captured { listener: ask.listener, host: host.place(), candidate };
        ask.frame.capture_as(Some(captured));
        match self.route(host, candidate) {
            Some(route) => Decision::Route(route),
            None => Decision::NotFound,
        }
    }

    /// The decision where machine code of a host says nothing: as the interpreter makes it.
    #[cfg(feature = "jit")]
    #[inline(never)]
    fn decide_apart(&self, host: &Host, run: &Run<'_>) -> Decision {
        let mut later = Later::default();
        let first = host.tree.first_apart(run.ask.head.path, &mut later);
        self.search(Some((host, &mut later, first)), run, Missed::Nowhere)
    }

    /// The same from behind a walk's first cell on, in which nobody answered.
    #[inline(never)]
    fn go_on(&self, begun: (&Host, &mut Later, CellRef), cell: u32, run: &Run<'_>) -> Decision {
        let missed = if run.missed.take() { Missed::In(begun.0, cell) } else { Missed::Nowhere };
        self.search(Some(begun), run, missed)
    }

    /// The same from a cell of a walk on, or from the start.
    #[inline(never)]
    fn search<'i>(
        &'i self,
        begun: Option<(&'i Host, &mut Later, CellRef)>,
        run: &Run<'_>,
        mut missed: Missed<'i>,
    ) -> Decision {
        if self.is_plain || run.ask.head.path.len() > LONGEST {
            return plain(run);
        }
        let is_last = begun.as_ref().is_some_and(|(host, ..)| !self.hosts.has_wider(host));
        let asked =
            begun.and_then(|(host, later, cell)| self.ask(host, later, cell, run, &mut missed));
        let asked = match asked {
            None if !is_last => self.wide(run, &mut missed),
            asked => asked,
        };
        match asked {
            Some(Asked::Route(route)) => Decision::Route(route),
            Some(Asked::Pending(slot)) => Decision::Pending(slot),
            Some(Asked::Plain) => plain(run),
            // Which methods would have found one is asked by the few requests that miss by theirs.
            None => match missed {
                Missed::Nowhere => {
                    run.ask.frame.capture_as(None);
                    Decision::NotFound
                }
                Missed::In(host, cell) => self.allowed(run, Some((host, cell))),
                Missed::Often => self.allowed(run, None),
            },
        }
    }

    /// What routes of hosts with wildcards say.
    #[inline(never)]
    fn wide<'i>(&'i self, run: &Run<'_>, missed: &mut Missed<'i>) -> Option<Asked> {
        self.hosts.wide(run.ask.head.host, &mut |host| {
            #[cfg(feature = "jit")]
            match run.by_machine(host) {
                Said::Takes(candidate) => {
                    run.ask.frame.capture_as(Some(run.captured(host.place(), candidate)));
                    return self.route(host, candidate).map(Asked::Route);
                }
                Said::Leaves { is_missed, .. } => {
                    if is_missed {
                        *missed = Missed::Often;
                    }
                    return None;
                }
                Said::Nothing => {}
            }
            let mut later = Later::default();
            let first = host.tree.first_apart(run.ask.head.path, &mut later);
            self.ask(host, &mut later, first, run, missed)
        })
    }

    /// Which methods would have found a route, now that none has: in this cell, or in any.
    #[inline(never)]
    fn allowed(&self, run: &Run<'_>, cell: Option<(&Host, u32)>) -> Decision {
        let mut allowed = Methods::default();
        let asked = match cell {
            Some((host, cell)) => add_allowed(host, cell, run, &mut allowed),
            None => self.hosts.find(run.ask.head.host, &mut |host| {
                if host.tree.side.is_plain {
                    return Some(Asked::Plain);
                }
                host.tree.cells(run.ask.head.path).find_map(|cell| match cell {
                    CellRef::Cell(cell) => add_allowed(host, cell, run, &mut allowed),
                    // It would have answered.
                    CellRef::None | CellRef::Always(_) => None,
                })
            }),
        };
        match asked {
            Some(Asked::Pending(slot)) => Decision::Pending(slot),
            Some(_) => plain(run),
            None => {
                run.ask.frame.capture_as(None);
                Decision::without_route(allowed)
            }
        }
    }

    /// What a host's routes say, from this cell of a walk on.
    #[inline(always)]
    fn ask<'i>(
        &'i self,
        host: &'i Host,
        later: &mut Later,
        mut cell: CellRef,
        run: &Run<'_>,
        missed: &mut Missed<'i>,
    ) -> Option<Asked> {
        if host.tree.side.is_plain {
            return Some(Asked::Plain);
        }
        let candidate = loop {
            match cell {
                CellRef::None => return None,
                CellRef::Always(candidate) => break candidate,
                CellRef::Cell(number) => match asked_apart(host, number, run) {
                    Ok(Some(candidate)) => break candidate,
                    Ok(None) if run.missed.take() => missed.add(host, number),
                    Ok(None) => {}
                    Err(Pending(slot)) => return Some(Asked::Pending(slot)),
                },
            }
            cell = host.tree.next(run.ask.head.path, later);
        };
        run.ask.frame.capture_as(Some(run.captured(host.place(), candidate)));
        self.route(host, candidate).map(Asked::Route)
    }

    /// The route of a host's candidate.
    #[inline]
    fn route(&self, host: &Host, candidate: u32) -> Option<RouteId> {
        self.routes.get(host.first as usize + candidate as usize).copied()
    }
}

/// What the name of a pattern is for, and the name. Of no kind is what stands for every host.
fn kind(pattern: &Pattern) -> (Option<Kind>, &str) {
    match pattern {
        Pattern::Any => (None, ""),
        Pattern::Exact(name) => (Some(Kind::Exact), name),
        Pattern::OneLabel(suffix) => (Some(Kind::OneLabel), suffix),
        Pattern::Labels(suffix) => (Some(Kind::Labels), suffix),
    }
}

/// The candidate of a cell that answers, if one does.
#[inline(always)]
fn asked(host: &Host, cell: u32, run: &Run<'_>) -> Result<Option<u32>, Pending> {
    match host.tree.side.cell(cell) {
        Some(cell) => run.cell(cell, host.place()),
        None => Ok(None),
    }
}

/// The same, as a function of its own: for who asks seldom.
#[inline(never)]
fn asked_apart(host: &Host, cell: u32, run: &Run<'_>) -> Result<Option<u32>, Pending> {
    asked(host, cell, run)
}

/// Adds the methods with which a candidate of a cell would have answered; gives what keeps that from being said.
fn add_allowed(host: &Host, cell: u32, run: &Run<'_>, allowed: &mut Methods) -> Option<Asked> {
    let cell = host.tree.side.cell(cell)?;
    for place in 0..cell.candidates.len() {
        match run.missed_methods(cell, place, host.place()) {
            Ok(Some(methods)) => allowed.add(methods),
            Ok(None) => {}
            Err(Pending(slot)) => return Some(Asked::Pending(slot)),
        }
    }
    None
}

/// The decision by the plain walk over the program.
#[inline(never)]
fn plain(run: &Run<'_>) -> Decision {
    let interp = run.interp();
    match interp.program.listeners.get(run.ask.listener.0 as usize) {
        Some(listener) => match interp.decide(listener, &run.ask.head) {
            Ok(decision) => decision,
            Err(Pending(slot)) => Decision::Pending(slot),
        },
        None => Decision::NotFound,
    }
}
