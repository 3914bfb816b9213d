//! A text in which nothing was wrong, item by item: what each item is called, which hosts its routes take and what it
//! uses. It answers what else a change to some of them can touch, and answers nothing where it does not know.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use lang::check::Meaning;
use lang::policy::Host;
use lang::segment::Relation;
use lang::syntax::ast::{Head, Item};
use lang::syntax::{ItemTree, Tree};
use lang::{Diag, Index, Policy, SourceId, Span, Unit, Vocabulary};

use super::{Whole, sort};
use crate::lower::lower_noting;
use lang::hosts::host_relation;

/// So many items may have changed.
const MOST_CHANGED: usize = 64;

/// So many items may be looked at again because of that.
const MOST_TOUCHED: usize = 2_000;

/// The text and what is known of it.
#[derive(Debug)]
pub(super) struct Base {
    files: Vec<File>,
    /// By the number of the item; numbers are never used again.
    facts: Vec<Fact>,
    by_host: HashMap<Host, Vec<usize>>,
    by_name: HashMap<Arc<str>, Vec<usize>>,
    /// Who says that it comes before an item of this name.
    before: HashMap<Arc<str>, Vec<usize>>,
    /// How many items use each of those that are no routes.
    n_users: HashMap<usize, usize>,
    /// The wide hosts at which a route is reached only by what stands at narrower ones.
    leaning: Vec<Host>,
    /// The files that belong to the policy's modules.
    modules: Vec<SourceId>,
    /// Whether tests or asserts name routes.
    names_routes: bool,
    /// Whether anything is claimed of all requests.
    claims: bool,
}

#[derive(Debug)]
struct File {
    source: SourceId,
    uses: Vec<Result<SourceId, String>>,
    items: Vec<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    number: usize,
    tree: Arc<ItemTree>,
}

/// What is known of an item.
#[derive(Clone, Debug, Default)]
struct Fact {
    /// Whether it is a route or a site.
    is_route: bool,
    /// Whether it is a test or an assert: it names others, and nobody names it.
    is_claim: bool,
    name: Arc<str>,
    /// The names of its routes.
    routes: Vec<Arc<str>>,
    /// The names of the items that it says it comes before.
    before: Vec<Arc<str>>,
    hosts: Vec<Host>,
    /// The items it uses that are no routes.
    uses: Vec<usize>,
}

/// What is different in a file.
struct Difference {
    /// The items that are gone.
    gone: Vec<usize>,
    /// How many items stand before the difference.
    head: usize,
    /// Every item that is there now, as a piece of its tree, with its number if it was there before.
    now: Vec<(usize, Option<usize>)>,
}

impl Base {
    /// What there is to know of a policy in which nothing is wrong.
    pub(super) fn new(units: &[Unit<'_>], whole: &Whole) -> Base {
        let mut base = Base {
            files: Vec::with_capacity(units.len()),
            facts: Vec::new(),
            by_host: HashMap::new(),
            by_name: HashMap::new(),
            before: HashMap::new(),
            n_users: HashMap::new(),
            leaning: whole.leaning.clone(),
            modules: whole.modules(),
            names_routes: false,
            claims: !whole.policy.asserts.is_empty(),
        };
        let mut added = Vec::new();
        let mut numbers: Vec<Vec<Option<usize>>> = Vec::new();
        for unit in units {
            let mut items = Vec::new();
            let mut of = vec![None; unit.tree.pieces().len()];
            for (at, (_, tree)) in unit.tree.pieces().iter().enumerate() {
                if tree.is_space() {
                    continue;
                }
                let number = base.facts.len() + added.len();
                let item = unit.tree.item(at).and_then(Item::from_node);
                added.push(item.as_ref().map(fact).unwrap_or_default());
                if let Some(of) = of.get_mut(at) {
                    *of = Some(number);
                }
                items.push(Known { number, tree: tree.clone() });
            }
            numbers.push(of);
            let uses = unit.uses.iter().map(|(_, target)| target.clone()).collect();
            base.files.push(File { source: unit.source.id, uses, items });
        }
        let place = Places { units, numbers: &numbers };
        place.fill(&mut added, 0, &whole.policy, &whole.index);
        base.names_routes = added.iter().any(|fact| fact.is_claim);
        for fact in added {
            base.add(fact);
        }
        base
    }

    /// The files that belong to the policy's modules.
    pub(super) fn modules(&self) -> &[SourceId] {
        &self.modules
    }

    /// What is wrong with the policy as it is now. `None` where that takes a whole check.
    pub(super) fn again(
        &mut self,
        units: &[Unit<'_>],
        vocabulary: &Vocabulary,
        found: &[Diag],
    ) -> Option<Vec<Diag>> {
        let differences = self.differences(units)?;
        let gone: HashSet<usize> =
            differences.iter().flat_map(|d| d.gone.iter().copied()).collect();
        let fresh = fresh(units, &differences)?;
        if gone.is_empty() && fresh.is_empty() {
            return Some(found.to_vec());
        }
        // Proofs go over all requests.
        if self.claims || !self.may_differ(&gone, &fresh) {
            return None;
        }
        let mut touched = Touched::default();
        for fact in gone.iter().filter_map(|number| self.facts.get(*number)).chain(&fresh) {
            touched.want(fact);
        }
        loop {
            self.reach(&mut touched, &gone)?;
            let trees = self.slice(units, &differences, &touched.items);
            let slice: Vec<Unit<'_>> = units
                .iter()
                .zip(&trees)
                .map(|(unit, tree)| Unit { source: unit.source, tree, uses: unit.uses.clone() })
                .collect();
            let checked = lang::check(&slice, vocabulary);

            let mut added = fresh.clone();
            let numbers = new_numbers(units, &differences, self.facts.len());
            let place = Places { units, numbers: &numbers };
            place.fill(&mut added, self.facts.len(), &checked.policy, &checked.index);
            let known = touched.hosts.len();
            added.iter().for_each(|fact| touched.want(fact));
            if touched.hosts.len() > known {
                continue;
            }

            let mut diags = found.to_vec();
            for diag in checked.diags {
                match diag.slug {
                    // Names and their spelling are looked up among all there are.
                    "unknown-name" | "wrong-kind" | "duplicate-name" => return None,
                    "unused" if self.is_used(&place, &diag, &gone, &touched.items)? => {}
                    _ => diags.push(diag),
                }
            }
            sort(&mut diags);
            if diags.iter().any(Diag::is_error) {
                return Some(diags);
            }
            let inner = |wide: &Host| {
                touched.hosts.iter().any(|host| host_relation(host, wide) == Relation::Inside)
            };
            if self.leaning.iter().any(inner) {
                return None;
            }
            let (_, order, leaning) = lower_noting(&checked.policy);
            if !order.is_empty() || !leaning.is_empty() {
                return None;
            }
            if diags.is_empty() {
                self.replace(units, &differences, &gone, added);
            }
            return Some(diags);
        }
    }

    /// What differs in each file, if it is the same files, and not too much.
    fn differences(&self, units: &[Unit<'_>]) -> Option<Vec<Difference>> {
        if units.len() != self.files.len() {
            return None;
        }
        let mut all = Vec::with_capacity(units.len());
        let mut changed = 0;
        for (file, unit) in self.files.iter().zip(units) {
            let targets = unit.uses.iter().map(|(_, target)| target);
            if unit.source.id != file.source || !targets.eq(file.uses.iter()) {
                return None;
            }
            let now: Vec<(usize, &Arc<ItemTree>)> = unit
                .tree
                .pieces()
                .iter()
                .enumerate()
                .filter(|(_, (_, tree))| !tree.is_space())
                .map(|(at, (_, tree))| (at, tree))
                .collect();
            let same =
                |(old, new): &(&Known, &(usize, &Arc<ItemTree>))| Arc::ptr_eq(&old.tree, new.1);
            let head = file.items.iter().zip(&now).take_while(same).count();
            let rest = file.items.len().min(now.len()) - head;
            let tail =
                file.items.iter().rev().zip(now.iter().rev()).take(rest).take_while(same).count();
            let (old_end, new_end) = (file.items.len() - tail, now.len() - tail);
            changed += (old_end - head).max(new_end - head);
            // The edition stands first, and that it does is said of the file as a whole.
            if changed > MOST_CHANGED || (head == 0 && (old_end > 0 || new_end > 0)) {
                return None;
            }
            let gone = file.items.get(head..old_end)?.iter().map(|known| known.number).collect();
            let number = |at: usize| match at {
                at if at < head => file.items.get(at).map(|known| known.number),
                at if at < new_end => None,
                at => file.items.get(at - new_end + old_end).map(|known| known.number),
            };
            let now = now.iter().enumerate().map(|(at, (piece, _))| (*piece, number(at))).collect();
            all.push(Difference { gone, head, now });
        }
        Some(all)
    }

    /// Whether the change is one that leaves everything else right: routes for routes, and no name that a test or an
    /// assert may know.
    fn may_differ(&self, gone: &HashSet<usize>, fresh: &[Fact]) -> bool {
        let old: Vec<&Fact> = gone.iter().filter_map(|number| self.facts.get(*number)).collect();
        if old.iter().copied().chain(fresh).any(|fact| !fact.is_route) {
            return false;
        }
        let names = |facts: &mut dyn Iterator<Item = &Fact>| {
            let mut names: Vec<Arc<str>> = facts.flat_map(|fact| fact.routes.clone()).collect();
            names.sort_unstable();
            names
        };
        !self.names_routes || names(&mut old.iter().copied()) == names(&mut fresh.iter())
    }

    /// Adds everything that stands at one of the hosts or has one of the names, and what that brings in.
    fn reach(&self, touched: &mut Touched, gone: &HashSet<usize>) -> Option<()> {
        while let Some(wanted) = touched.open.pop() {
            let mut found: Vec<usize> = Vec::new();
            match &wanted {
                Wanted::Host(host) => found.extend(self.by_host.get(host).into_iter().flatten()),
                Wanted::Name(name) => {
                    found.extend(self.by_name.get(name).into_iter().flatten());
                    found.extend(self.before.get(name).into_iter().flatten());
                }
            }
            for number in found {
                if !gone.contains(&number)
                    && touched.items.insert(number)
                    && let Some(fact) = self.facts.get(number)
                {
                    touched.want(fact);
                }
            }
            if touched.items.len() > MOST_TOUCHED {
                return None;
            }
        }
        Some(())
    }

    /// The files with what is no route, what is touched and what is new.
    fn slice(
        &self,
        units: &[Unit<'_>],
        differences: &[Difference],
        touched: &BTreeSet<usize>,
    ) -> Vec<Tree> {
        let of = |(unit, difference): (&Unit<'_>, &Difference)| {
            let mut kept = vec![false; unit.tree.pieces().len()];
            for (piece, number) in &difference.now {
                let is_kept = number.is_none_or(|number| {
                    let fact = self.facts.get(number);
                    touched.contains(&number)
                        || fact.is_some_and(|fact| !fact.is_route && !fact.is_claim)
                });
                if let Some(kept) = kept.get_mut(*piece) {
                    *kept = is_kept;
                }
            }
            unit.tree.only(|piece| kept.get(piece) == Some(&true))
        };
        units.iter().zip(differences).map(of).collect()
    }

    /// Whether what is said to be unused is used by what was not looked at. `None` if it is not known what that is.
    fn is_used(
        &self,
        places: &Places<'_>,
        diag: &Diag,
        gone: &HashSet<usize>,
        touched: &BTreeSet<usize>,
    ) -> Option<bool> {
        let number = places.number(diag.span())?;
        let users = self.n_users.get(&number).copied().unwrap_or(0);
        let looked_at = gone.iter().chain(touched).filter_map(|number| self.facts.get(*number));
        let looked_at = looked_at.filter(|fact| fact.uses.contains(&number)).count();
        Some(users > looked_at)
    }

    /// Puts the new items in the place of those that are gone.
    fn replace(
        &mut self,
        units: &[Unit<'_>],
        differences: &[Difference],
        gone: &HashSet<usize>,
        added: Vec<Fact>,
    ) {
        for number in gone {
            let Some(fact) = self.facts.get_mut(*number).map(std::mem::take) else { continue };
            for host in &fact.hosts {
                forget(&mut self.by_host, host, *number);
            }
            forget(&mut self.by_name, &fact.name, *number);
            for name in &fact.before {
                forget(&mut self.before, name, *number);
            }
            for used in &fact.uses {
                if let Some(n) = self.n_users.get_mut(used) {
                    *n -= 1;
                }
            }
        }
        let mut next = self.facts.len();
        for ((file, unit), difference) in self.files.iter_mut().zip(units).zip(differences) {
            let old_end = difference.head + difference.gone.len();
            let fresh = difference.now.iter().filter(|(_, number)| number.is_none());
            let fresh: Vec<Known> = fresh
                .filter_map(|(piece, _)| {
                    let (_, tree) = unit.tree.pieces().get(*piece)?;
                    next += 1;
                    Some(Known { number: next - 1, tree: tree.clone() })
                })
                .collect();
            file.items.splice(difference.head..old_end, fresh);
        }
        for fact in added {
            self.add(fact);
        }
    }

    /// Takes in an item under the next number.
    fn add(&mut self, fact: Fact) {
        let number = self.facts.len();
        if fact.is_route {
            for host in &fact.hosts {
                self.by_host.entry(host.clone()).or_default().push(number);
            }
            self.by_name.entry(fact.name.clone()).or_default().push(number);
            for name in &fact.before {
                self.before.entry(name.clone()).or_default().push(number);
            }
        }
        for used in &fact.uses {
            *self.n_users.entry(*used).or_default() += 1;
        }
        self.facts.push(fact);
    }
}

/// What a change touches.
#[derive(Default)]
struct Touched {
    items: BTreeSet<usize>,
    hosts: HashSet<Host>,
    names: HashSet<Arc<str>>,
    /// What was not looked up yet.
    open: Vec<Wanted>,
}

enum Wanted {
    Host(Host),
    Name(Arc<str>),
}

impl Touched {
    /// Everything that has a host or a name of this item, or is named by it, is touched.
    fn want(&mut self, fact: &Fact) {
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

/// The numbers of items by the pieces that they are.
struct Places<'p> {
    units: &'p [Unit<'p>],
    numbers: &'p [Vec<Option<usize>>],
}

impl Places<'_> {
    /// The number of the item that a place is in.
    fn number(&self, span: Span) -> Option<usize> {
        let unit = self.units.iter().position(|unit| unit.source.id == span.source)?;
        let pieces = self.units.get(unit)?.tree.pieces();
        let piece = pieces.partition_point(|(start, _)| *start <= span.start).checked_sub(1)?;
        self.numbers.get(unit)?.get(piece).copied().flatten()
    }

    /// Notes the hosts and the uses of the items that are numbered from `first`.
    fn fill(&self, facts: &mut [Fact], first: usize, policy: &Policy, index: &Index) {
        let at = |number: usize| number.checked_sub(first);
        for route in &policy.routes {
            let number = self.number(route.item).and_then(at);
            let Some(fact) = number.and_then(|at| facts.get_mut(at)) else { continue };
            for (host, _) in &route.hosts {
                if !fact.hosts.contains(host) {
                    fact.hosts.push(host.clone());
                }
            }
        }
        for occurrence in &index.occurrences {
            let Meaning::Definition(definition) = occurrence.meaning else { continue };
            let Some(definition) = index.definitions.get(definition) else { continue };
            if matches!(definition.kind, "capture" | "route" | "site") {
                continue;
            }
            let Some(user) = self.number(occurrence.span).and_then(at) else { continue };
            let Some(used) = self.number(definition.span) else { continue };
            // What only a test names is not in use.
            if let Some(fact) = facts.get_mut(user).filter(|fact| !fact.is_claim)
                && used != user + first
                && !fact.uses.contains(&used)
            {
                fact.uses.push(used);
            }
        }
    }
}

/// What the text of an item says of it.
fn fact(item: &Item<'_>) -> Fact {
    let mut fact = Fact::default();
    let name =
        |head: &Head<'_>| head.name().map_or_else(|| Arc::from(""), |name| Arc::from(name.text));
    let before =
        |head: &Head<'_>, into: &mut Vec<Arc<str>>| {
            // `site.route` names the site.
            into.extend(head.before().map(|word| {
                Arc::from(word.text.split_once('.').map_or(word.text, |(site, _)| site))
            }));
        };
    match item {
        Item::Route(route) => {
            fact.is_route = true;
            fact.name = name(route);
            fact.routes.push(fact.name.clone());
            before(route, &mut fact.before);
        }
        Item::Site(site) => {
            fact.is_route = true;
            fact.name = name(site);
            for inner in site.block().into_iter().flat_map(|block| block.items()) {
                if let Item::Route(route) = inner {
                    fact.routes.push(Arc::from(format!("{}.{}", fact.name, name(&route))));
                    before(&route, &mut fact.before);
                }
            }
        }
        Item::Test(_) | Item::Assert(_) => fact.is_claim = true,
        _ => {}
    }
    fact
}

/// What the texts of the new items say, in the order of their numbers. `None` if one of them is no item.
fn fresh(units: &[Unit<'_>], differences: &[Difference]) -> Option<Vec<Fact>> {
    let mut facts = Vec::new();
    for (unit, difference) in units.iter().zip(differences) {
        for (piece, _) in difference.now.iter().filter(|(_, number)| number.is_none()) {
            let item = unit.tree.item(*piece).and_then(Item::from_node)?;
            facts.push(fact(&item));
        }
    }
    Some(facts)
}

/// The number of each item by its piece, the new ones numbered from `first`.
fn new_numbers(
    units: &[Unit<'_>],
    differences: &[Difference],
    first: usize,
) -> Vec<Vec<Option<usize>>> {
    let mut next = first;
    let mut all = Vec::with_capacity(units.len());
    for (unit, difference) in units.iter().zip(differences) {
        let mut of = vec![None; unit.tree.pieces().len()];
        for (piece, number) in &difference.now {
            let number = number.unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            if let Some(of) = of.get_mut(*piece) {
                *of = Some(number);
            }
        }
        all.push(of);
    }
    all
}

fn forget<K: std::hash::Hash + Eq>(of: &mut HashMap<K, Vec<usize>>, key: &K, number: usize) {
    if let Some(known) = of.get_mut(key) {
        known.retain(|other| *other != number);
        if known.is_empty() {
            of.remove(key);
        }
    }
}
