//! From a host to the trees that answer for it: a hash table over exact names and over the suffixes of wildcards. Each
//! entry is half a cache line and leads straight to the tree, whose first words are the name it is for.

use super::Asked;
use super::text::Name;
use super::tree::Tree;

/// The hosts of one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    /// A power of two, and at least twice as many as there are names. Whoever asks for names that are not there looks no
    /// further than the longest row of entries.
    table: Box<[Entry]>,
    seed: u64,
    /// Bit `n` stands for suffixes of `n` labels behind `*.`, and behind `**.`; the last bit for all longer ones.
    one_label: u64,
    labels: u64,
    /// What answers for every host.
    any: Option<Host>,
}

/// A host pattern's tree.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) tree: Tree,
    /// The place of its first candidate's route among all of the listener's.
    pub(super) first: u32,
    /// Its place in the program's list, and eight bits of its name's hash.
    mark: u32,
}

/// A place of the table. Half a cache line, so that no look straddles two.
#[repr(align(32))]
#[derive(Clone, Debug, Default)]
struct Entry(Option<Host>);

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

/// Bits of a mark that are the place.
const PLACE: u32 = 24;

/// The most hosts of a listener.
pub(super) const MOST: usize = 1 << PLACE;

/// How many seeds are tried.
const TRIES: u64 = 4;

impl Host {
    pub(super) fn new(tree: Tree, first: u32, place: u32) -> Host {
        Host { tree, first, mark: place }
    }

    /// Its place in the program's list.
    pub(super) fn place(&self) -> u32 {
        self.mark & ((1 << PLACE) - 1)
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
        if names.is_empty() {
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
        hosts.seed = (0..TRIES).min_by_key(row).unwrap_or_default();
        let mut table = vec![Entry::default(); size];
        for (kind, name, mut host) in names {
            let hash = hash(hosts.seed, kind, &Name::of(name.as_bytes()));
            host.mark = host.place() | mark(hash);
            let mut at = place(hash, size);
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

    /// All hosts.
    #[cfg(feature = "jit")]
    pub(super) fn all(&self) -> impl Iterator<Item = &Host> {
        self.table.iter().filter_map(|entry| entry.0.as_ref()).chain(&self.any)
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
        let name = &Name::of(name.as_bytes());
        let hash = hash(self.seed, kind, name);
        let mut at = place(hash, self.table.len());
        loop {
            let host = self.table.get(at)?.0.as_ref()?;
            if (host.mark ^ mark(hash)) >> PLACE == 0 && host.tree.is_of(kind, name) {
                return Some(host);
            }
            at = (at + 1) & (self.table.len() - 1);
        }
    }
}

#[inline]
fn hash(seed: u64, kind: Kind, name: &Name<'_>) -> u64 {
    name.hash(seed << 2 | kind as u64)
}

#[inline]
fn place(hash: u64, size: usize) -> usize {
    (hash >> 24) as usize & size.wrapping_sub(1)
}

#[inline]
fn mark(hash: u64) -> u32 {
    (hash >> 56 << PLACE) as u32
}

/// The bit for as many labels as the name has.
fn bit(name: &str) -> u64 {
    1 << name.bytes().filter(|byte| *byte == b'.').count().min(63)
}
