//! How a listener finds its route: by host, then by path segments, then candidate by candidate in the decided order.
//! Plain data; the walk over it is in `interp/decide.rs`.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use lang::hosts::{host_holds, host_relation};
use lang::policy::{Host, Path};
use lang::segment::{Relation, Segments};
use lang::vocab::ExprId;

use crate::program::{Pieces, RouteId};

/// A listener, by its place in [`crate::Program::listeners`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ListenerId(pub u32);

/// How one listener finds its route.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name.
    pub name: Arc<str>,
    /// Its place in [`crate::Program::blocks`].
    pub block: usize,
    /// From a host to what answers for it.
    pub hosts: Hosts,
}

/// From a host to the virtual hosts that answer for it: places in `list`. A changed program shares the names with the one
/// it was made of where it has the same.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// `shop.example`
    pub exact: Arc<HashMap<Arc<str>, usize>>,
    /// `*.x`, by `x`
    pub one_label: Arc<HashMap<Arc<str>, usize>>,
    /// `**.x`, by `x`
    pub labels: Arc<HashMap<Arc<str>, usize>>,
    /// Every host.
    pub any: Option<usize>,
    /// What they lead to.
    pub list: Pieces<Arc<VirtualHost>>,
}

/// The routes of one host pattern: a tree over path segments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VirtualHost {
    /// The pattern.
    pub host: Host,
    /// The tree; its root is the first.
    pub nodes: Pieces<Node>,
    /// What the nodes lead to.
    pub candidates: Pieces<Candidate>,
    /// Whether only ranks say in which order its cells are tried: a `before` stands between routes of two of them. Where
    /// none does, narrower cells come first.
    pub is_ranked: bool,
}

/// A point between two segments of a path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Node {
    /// By the next segment's text.
    pub literals: Literals,
    /// By the next segment's kind, narrower kinds first.
    pub captures: Box<[(Segments, usize)]>,
    /// Candidates for a path that ends here, in order.
    pub here: Box<[usize]>,
    /// Candidates for this path and every one beneath, in order.
    pub beneath: Box<[usize]>,
}

/// Texts of segments, each once and in their order, with the nodes that they lead to. There are as many of these lists as
/// nodes: most are empty or short.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Literals(Box<[(Arc<str>, usize)]>);

/// A route at one of its hosts and one of its paths.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The route.
    pub route: RouteId,
    /// Which of the route's paths: a place in [`crate::program::Route::paths`].
    pub path: usize,
    /// When it is tried, among all candidates of its virtual host.
    pub rank: u32,
    /// The literals with which its path begins: how many they are, and how many bytes with the slashes around them.
    pub stem: (usize, usize),
    /// What it captures: name, place of the segment, kind.
    pub captures: Vec<(Arc<str>, usize, Segments)>,
    /// Whether its code reads captures.
    pub reads_captures: bool,
    /// The methods it takes; `None` is every one.
    pub methods: Option<Vec<Arc<str>>>,
    /// What must hold besides: jump code that begins at its first test. Empty code holds always.
    pub code: Vec<Test>,
}

/// One instruction: a test, and where to go on. Jumps lead forward only.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Test {
    /// What is tested.
    pub kind: TestKind,
    /// Where to go if it holds.
    pub yes: Target,
    /// Where to go if it does not.
    pub no: Target,
}

/// What is tested.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TestKind {
    /// Whether the value is `true`.
    True(ExprId),
    /// A comparison; false where a side is absent.
    Compare(lang::policy::Compare, ExprId, ExprId),
    /// Membership; absence is in nothing.
    In(ExprId, ExprId),
    /// Whether there is a value.
    Present(ExprId),
}

/// Where a test leads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Target {
    /// To the test with this place.
    Test(usize),
    /// The condition holds.
    Pass,
    /// It does not.
    Fail,
}

impl TestKind {
    /// Its operands.
    pub fn operands(&self) -> impl Iterator<Item = ExprId> {
        let (first, second) = match *self {
            TestKind::True(a) | TestKind::Present(a) => (a, None),
            TestKind::Compare(_, a, b) | TestKind::In(a, b) => (a, Some(b)),
        };
        std::iter::once(first).chain(second)
    }

    /// Calls `each` with every operand, to be replaced.
    pub fn each_operand_mut(&mut self, each: &mut dyn FnMut(&mut ExprId)) {
        match self {
            TestKind::True(a) | TestKind::Present(a) => each(a),
            TestKind::Compare(_, a, b) | TestKind::In(a, b) => {
                each(a);
                each(b);
            }
        }
    }
}

impl Literals {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The node that a text leads to.
    pub fn get(&self, text: &(impl AsRef<str> + ?Sized)) -> Option<&usize> {
        let text = text.as_ref();
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(text)).ok()?;
        self.0.get(at).map(|(_, next)| next)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &usize)> + Clone {
        self.0.iter().map(|(text, next)| (text, next))
    }

    /// The nodes that they lead to.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &usize> + Clone {
        self.0.iter().map(|(_, next)| next)
    }
}

impl FromIterator<(Arc<str>, usize)> for Literals {
    /// Of several that are equal the last one counts.
    fn from_iter<I: IntoIterator<Item = (Arc<str>, usize)>>(all: I) -> Literals {
        let mut all: Vec<(Arc<str>, usize)> = all.into_iter().collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 = next.1;
            }
            is_same
        });
        Literals(all.into())
    }
}

impl Candidate {
    /// The literals with which a path begins: how many they are, and how many bytes with the slashes around them.
    pub(crate) fn stem_of(path: &Path) -> (usize, usize) {
        let literals = path.segments.iter().map_while(|segment| match Segments::of(segment) {
            Segments::Literal(text) => Some(text.len()),
            _ => None,
        });
        literals.fold((0, 1), |(n, bytes), length| (n + 1, bytes + length + 1))
    }
}

impl VirtualHost {
    /// The same, which shares with another what is alike in both; `None` if that is all.
    pub(crate) fn apart(mut self, before: &VirtualHost) -> Option<VirtualHost> {
        self.nodes = self.nodes.sharing(&before.nodes);
        self.candidates = self.candidates.sharing(&before.candidates);
        let is_same = self.nodes.is_same(&before.nodes)
            && self.candidates.is_same(&before.candidates)
            && (&self.host, self.is_ranked) == (&before.host, before.is_ranked);
        (!is_same).then_some(self)
    }

    /// Calls `each` with every expression that it uses, to be replaced.
    pub(crate) fn each_expr_mut(&mut self, each: &mut dyn FnMut(&mut ExprId)) {
        for test in self.candidates.iter_mut().flat_map(|candidate| &mut candidate.code) {
            test.kind.each_operand_mut(each);
        }
    }
}

impl Hosts {
    /// The place of a pattern.
    pub fn place(&self, host: &Host) -> Option<usize> {
        match host {
            Host::Any => self.any,
            Host::Exact(name) => self.exact.get(name).copied(),
            Host::OneLabel(suffix) => self.one_label.get(suffix).copied(),
            Host::Labels(suffix) => self.labels.get(suffix).copied(),
        }
    }

    /// Adds a pattern that is not there.
    pub(crate) fn add(&mut self, host: Arc<VirtualHost>) {
        self.lead(&host.host, Some(self.list.len()));
        self.list.extend([host]);
    }

    /// Takes the pattern at this place out; the last one moves there.
    pub(crate) fn remove(&mut self, place: usize) {
        let Some(gone) = self.list.get(place).cloned() else { return };
        self.lead(&gone.host, None);
        let last = self.list.len() - 1;
        if let Some(moved) = self.list.get(last).filter(|_| place < last).cloned() {
            self.lead(&moved.host, Some(place));
            self.list.put(place, moved);
        }
        self.list.truncate(last);
    }

    fn lead(&mut self, host: &Host, place: Option<usize>) {
        let (map, name) = match host {
            Host::Any => return self.any = place,
            Host::Exact(name) => (&mut self.exact, name),
            Host::OneLabel(suffix) => (&mut self.one_label, suffix),
            Host::Labels(suffix) => (&mut self.labels, suffix),
        };
        let map = Arc::make_mut(map);
        match place {
            Some(place) => drop(map.insert(name.clone(), place)),
            None => drop(map.remove(name)),
        }
    }

    /// The virtual hosts that answer for `host`, most specific first.
    pub fn find<'h>(&'h self, host: &'h str) -> impl Iterator<Item = &'h VirtualHost> {
        let places = self.places(host);
        places.filter_map(|place| self.list.get(place).map(|host| &**host))
    }

    /// The places of the patterns that share a host with this one, most specific first.
    pub(crate) fn meeting(&self, host: &Host) -> Vec<usize> {
        let mut places: Vec<usize> = match host {
            Host::Exact(name) => return self.places(name).collect(),
            // Beneath it are no patterns but exact ones.
            Host::OneLabel(suffix) => {
                let label = format!("x.{suffix}");
                let wider = self.places(&label).filter(|at| !self.is_exact(*at));
                let names = self.exact.iter().filter(|(name, _)| host_holds(host, name));
                wider.chain(names.map(|(_, place)| *place)).collect()
            }
            Host::Labels(_) | Host::Any => {
                let all = self.list.iter().enumerate();
                let meets = |other: &Host| host_relation(other, host) != Relation::Disjoint;
                all.filter(|(_, other)| meets(&other.host)).map(|(at, _)| at).collect()
            }
        };
        // Of patterns that share a host, one lies in the other: the longer one, or the narrower of two with one suffix.
        let width = |place: &usize| match self.list.get(*place).map(|host| &host.host) {
            Some(Host::Exact(_)) => (0, Reverse(0), 0, *place),
            Some(Host::OneLabel(suffix)) => (1, Reverse(suffix.len()), 0, *place),
            Some(Host::Labels(suffix)) => (1, Reverse(suffix.len()), 1, *place),
            Some(Host::Any) | None => (2, Reverse(0), 0, *place),
        };
        places.sort_by_key(width);
        places
    }

    fn is_exact(&self, place: usize) -> bool {
        self.list.get(place).is_some_and(|host| matches!(host.host, Host::Exact(_)))
    }

    fn places<'h>(&'h self, host: &'h str) -> impl Iterator<Item = usize> + 'h {
        let exact = self.exact.get(host).copied();
        let parent = host.split_once('.').filter(|(label, _)| !label.is_empty());
        let one_label = parent.and_then(|(_, suffix)| self.one_label.get(suffix).copied());
        // `**.x` by ever shorter suffixes: the longest is the narrowest.
        let mut rest = if self.labels.is_empty() { None } else { parent.map(|(_, suffix)| suffix) };
        let labels = std::iter::from_fn(move || {
            let suffix = rest?;
            rest = suffix.split_once('.').filter(|(label, _)| !label.is_empty()).map(|(_, s)| s);
            Some(self.labels.get(suffix).copied())
        });
        exact.into_iter().chain(one_label).chain(labels.flatten()).chain(self.any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_in_any_order_and_each_is_there_once() {
        let all = [("users", 1), ("api", 2), ("users", 3), ("", 4)];
        let literals: Literals =
            all.map(|(text, next)| (Arc::from(text), next)).into_iter().collect();
        let order: Vec<(&str, usize)> =
            literals.iter().map(|(text, next)| (&**text, *next)).collect();
        assert_eq!(order, [("", 4), ("api", 2), ("users", 3)]);
        assert_eq!((literals.get("users"), literals.get("v1")), (Some(&3), None));
        assert!(!literals.is_empty() && Literals::default().is_empty());
    }
}
