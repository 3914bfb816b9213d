//! From a host to the trees that answer for it: a hash table over exact names and over the suffixes of wildcards. Each
//! entry is a cache line: the name it is for, and where its tree is. The next table is the same one, with the few hosts
//! beside it that are others, until these are as many as are worth a copy.

use std::sync::Arc;

use super::Asked;
use super::text::{ENDS, Name};
use super::tree::Tree;
#[cfg(feature = "jit")]
use crate::jit::Machine;

/// The hosts of one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    /// The names where they are few; then there is no table.
    few: Box<[Host]>,
    /// A power of two; its entries are at least twice as many as there are names. Whoever asks for names that are not
    /// there looks no further than the longest row of entries.
    table: Arc<[Entry]>,
    /// What stands in the place of entries, by their places.
    changed: Vec<(u32, Host)>,
    /// What hashes begin with; its lowest bits are for a kind.
    seed: u64,
    /// Bit `n` stands for suffixes of `n` labels behind `*.`, and behind `**.`; the last bit for all longer ones.
    one_label: u64,
    labels: u64,
    /// What answers for every host.
    any: Option<Host>,
}

/// A host pattern and its tree.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(super) tree: Tree,
    /// The ends of its name.
    ends: [u64; 4],
    /// The place of its first candidate's route among all of the listener's.
    pub(super) first: u32,
    /// Its place in the program's list, and whether there may be machine code of all of it; above that what its name is for,
    /// and the length of that.
    mark: u32,
}

/// A place of the table: a cache line.
#[repr(align(64))]
#[derive(Clone, Debug, Default)]
struct Entry(Option<Host>);

/// When more hosts are others than the table says, the table is copied.
const CHANGED: usize = 32;

/// More names than these are looked up by hash.
const FEW: usize = 8;

/// What a name in the table is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Itself.
    Exact,
    /// `*.` and it.
    OneLabel,
    /// `**.` and it.
    Labels,
}

/// Bits of a mark that are the place, and those of a kind.
const PLACE: u32 = 22;
const KIND: u32 = 2;

/// The longest name that has a tree.
pub(super) const LONGEST_NAME: usize = (1 << (32 - PLACE - KIND)) - 1;

/// The bit of a place that says whether there may be machine code of all of a host.
const MAY_BE_WHOLE: u32 = 1 << (PLACE - 1);

/// The most hosts of a listener.
pub(super) const MOST: usize = MAY_BE_WHOLE as usize;

/// How many seeds are tried.
const TRIES: u64 = 4;

impl Host {
    /// The host with this name, place in the program's list, and first candidate.
    pub(super) fn new(tree: Tree, kind: Kind, name: &Name<'_>, first: u32, place: u32) -> Host {
        let whole = if tree.side.may_be_whole() { MAY_BE_WHOLE } else { 0 };
        Host { tree, ends: name.ends, first, mark: place | whole | mark(kind, name) }
    }

    /// Whether it is for this name.
    #[inline(always)]
    fn is_of(&self, mark: u32, name: &Name<'_>) -> bool {
        // Most names differ where they begin.
        let [first, second, third, fourth] = self.ends;
        first == name.ends[0]
            && (self.mark ^ mark) >> PLACE == 0
            && (second ^ name.ends[1]) | (third ^ name.ends[2]) | (fourth ^ name.ends[3]) == 0
            && (name.len() <= ENDS || self.tree.goes_on(name))
    }

    /// Its place in the program's list.
    pub(super) fn place(&self) -> u32 {
        self.mark & (MAY_BE_WHOLE - 1)
    }

    /// The machine code of all of it, made or not, if there may be some.
    #[cfg(feature = "jit")]
    #[inline(always)]
    pub(crate) fn machine(&self) -> Option<&Machine> {
        (self.mark & MAY_BE_WHOLE != 0).then(|| &self.tree.side.machine)
    }
}

impl Hosts {
    /// A table of these names; the tree of `any` answers for every host.
    pub(super) fn new(names: Vec<(Kind, String, Host)>, any: Option<Host>) -> Hosts {
        let mut hosts = Hosts { any, ..Hosts::default() };
        for (kind, name, _) in &names {
            let of_kind = match kind {
                Kind::Exact => continue,
                Kind::OneLabel => &mut hosts.one_label,
                Kind::Labels => &mut hosts.labels,
            };
            *of_kind |= bit(name);
        }
        if names.len() <= FEW {
            hosts.few = names.into_iter().map(|(_, _, host)| host).collect();
            return hosts;
        }
        let size = (names.len() * 2).next_power_of_two();
        // The longest row is what a look may cost; a few tries keep it short.
        let row = |seed: &u64| {
            let mut taken = vec![false; size];
            let mut longest = 0;
            for (kind, name, _) in &names {
                let mut at = place(hash(*seed, *kind, &Name::of(name.as_bytes())), size);
                let mut steps = 0;
                while taken.get(at) == Some(&true) {
                    at = (at + 1) & (size - 1);
                    steps += 1;
                }
                if let Some(free) = taken.get_mut(at) {
                    *free = true;
                }
                longest = longest.max(steps);
            }
            longest
        };
        let seeds = (0..TRIES).map(|number| number << KIND);
        hosts.seed = seeds.min_by_key(row).unwrap_or_default();
        let mut table = vec![Entry::default(); size];
        for (kind, name, host) in names {
            let mut at = place(hash(hosts.seed, kind, &Name::of(name.as_bytes())), size);
            while table.get(at).is_some_and(|entry| entry.0.is_some()) {
                at = (at + 1) & (size - 1);
            }
            if let Some(entry) = table.get_mut(at) {
                entry.0 = Some(host);
            }
        }
        hosts.table = table.into();
        hosts
    }

    /// What answers for this name, or for every host.
    pub(super) fn of(&self, kind: Option<Kind>, name: &Name<'_>) -> Option<&Host> {
        match kind {
            Some(kind) => self.look_for(kind, name),
            None => self.any.as_ref(),
        }
    }

    /// Puts another host in the place of that.
    pub(super) fn replace(
        &mut self,
        kind: Option<Kind>,
        name: &Name<'_>,
        host: Host,
    ) -> Option<()> {
        let Some(kind) = kind else {
            self.any = Some(host);
            return Some(());
        };
        if self.table.is_empty() {
            let mark = mark(kind, name);
            *self.few.iter_mut().find(|host| host.is_of(mark, name))? = host;
            return Some(());
        }
        let (at, _) = self.entry(kind, name)?;
        match self.changed.iter_mut().find(|(place, _)| *place as usize == at) {
            Some((_, changed)) => *changed = host,
            None => self.changed.push((u32::try_from(at).ok()?, host)),
        }
        if self.changed.len() > CHANGED {
            let changed = std::mem::take(&mut self.changed);
            let table = Arc::make_mut(&mut self.table);
            for (at, host) in changed {
                table.get_mut(at as usize)?.0 = Some(host);
            }
        }
        Some(())
    }

    /// All hosts.
    #[cfg(feature = "jit")]
    pub(super) fn all(&self) -> impl Iterator<Item = &Host> {
        let entries = self.table.iter().enumerate();
        let table = entries.filter_map(|(at, entry)| Some(self.newest(at, entry.0.as_ref()?)));
        self.few.iter().chain(table).chain(&self.any)
    }

    /// Calls `visit` with the trees that answer for a host, most specific first, until it gives something.
    pub(super) fn find<'h>(
        &'h self,
        host: &str,
        visit: &mut dyn FnMut(&'h Host) -> Option<Asked>,
    ) -> Option<Asked> {
        let exact = self.exact(host).and_then(&mut *visit);
        exact.or_else(|| self.wide(host, visit))
    }

    /// The tree of this name alone.
    #[inline(always)]
    pub(super) fn exact(&self, host: &str) -> Option<&Host> {
        self.look(Kind::Exact, host)
    }

    /// Whether a tree answers for more than one name.
    #[inline]
    pub(super) fn has_wide(&self) -> bool {
        self.one_label | self.labels != 0 || self.any.is_some()
    }

    /// The tree of every host, if no other answers for more than one name.
    #[inline]
    pub(super) fn every(&self) -> Option<&Host> {
        if self.one_label | self.labels == 0 { self.any.as_ref() } else { None }
    }

    /// Whether a tree answers for more names than that of this host, which is of one name or of every host.
    #[inline]
    pub(super) fn has_wider(&self, host: &Host) -> bool {
        self.one_label | self.labels != 0
            || self.any.as_ref().is_some_and(|any| !std::ptr::eq(any, host))
    }

    /// As `find`, for the trees that answer for more than one name.
    #[inline(never)]
    pub(super) fn wide<'h>(
        &'h self,
        host: &str,
        visit: &mut dyn FnMut(&'h Host) -> Option<Asked>,
    ) -> Option<Asked> {
        let wild = match self.one_label | self.labels {
            0 => None,
            _ => self.wild(host, visit),
        };
        wild.or_else(|| self.any.as_ref().and_then(visit))
    }

    /// The same for wildcards.
    fn wild<'h>(
        &'h self,
        host: &str,
        visit: &mut dyn FnMut(&'h Host) -> Option<Asked>,
    ) -> Option<Asked> {
        let behind = |name: &'_ str| {
            let (label, suffix) = name.split_once('.')?;
            (!label.is_empty()).then_some(name.len() - suffix.len())
        };
        let parent = host.get(behind(host)?..)?;
        if self.one_label & bit(parent) != 0
            && let Some(answer) = self.look(Kind::OneLabel, parent).and_then(&mut *visit)
        {
            return Some(answer);
        }
        // By ever shorter suffixes: the longest is the narrowest.
        let mut suffix = parent;
        loop {
            if self.labels & bit(suffix) != 0
                && let Some(answer) = self.look(Kind::Labels, suffix).and_then(&mut *visit)
            {
                return Some(answer);
            }
            suffix = suffix.get(behind(suffix)?..)?;
        }
    }

    #[inline(always)]
    fn look(&self, kind: Kind, name: &str) -> Option<&Host> {
        if name.len() > ENDS {
            return self.look_long(kind, name);
        }
        self.look_for(kind, &Name::of(name.as_bytes()))
    }

    #[cold]
    #[inline(never)]
    fn look_long(&self, kind: Kind, name: &str) -> Option<&Host> {
        let name = &Name::of(name.as_bytes());
        if name.len() > LONGEST_NAME { None } else { self.look_for(kind, name) }
    }

    #[inline(always)]
    fn look_for(&self, kind: Kind, name: &Name<'_>) -> Option<&Host> {
        if self.table.is_empty() {
            let mark = mark(kind, name);
            return self.few.iter().find(|host| host.is_of(mark, name));
        }
        let (at, host) = self.entry(kind, name)?;
        Some(self.newest(at, host))
    }

    /// The entry for this name, and its place.
    #[inline(always)]
    fn entry(&self, kind: Kind, name: &Name<'_>) -> Option<(usize, &Host)> {
        let mut at = place(hash(self.seed, kind, name), self.table.len());
        let mark = mark(kind, name);
        loop {
            let host = self.table.get(at)?.0.as_ref()?;
            if host.is_of(mark, name) {
                return Some((at, host));
            }
            at = (at + 1) & (self.table.len() - 1);
        }
    }

    /// What stands in the place of this entry, or it.
    #[inline(always)]
    fn newest<'h>(&'h self, at: usize, host: &'h Host) -> &'h Host {
        if self.changed.is_empty() { host } else { self.changed_at(at).unwrap_or(host) }
    }

    #[inline(never)]
    fn changed_at(&self, at: usize) -> Option<&Host> {
        self.changed.iter().find(|(place, _)| *place as usize == at).map(|(_, host)| host)
    }
}

#[inline]
fn hash(seed: u64, kind: Kind, name: &Name<'_>) -> u64 {
    name.hash(seed | kind as u64)
}

#[inline]
fn place(hash: u64, size: usize) -> usize {
    (hash >> 24) as usize & size.wrapping_sub(1)
}

/// What a name is for, and its length.
#[inline]
fn mark(kind: Kind, name: &Name<'_>) -> u32 {
    ((name.len() as u32) << KIND | kind as u32) << PLACE
}

/// The bit for as many labels as the name has.
fn bit(name: &str) -> u64 {
    1 << name.bytes().filter(|byte| *byte == b'.').count().min(63)
}
