//! A text in which nothing was wrong, item by item: what each item is called, which hosts its routes take and what it
//! uses. It answers what else a change to some of them can touch, and answers nothing where it does not know.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use lang::hosts::host_relation;
use lang::policy::{Host, Policy};
use lang::segment::Relation;
use lang::syntax::ast::Item;
use lang::syntax::{Piece, Tree};
use lang::{Diag, SourceId, Unit, Vocabulary};

use super::Whole;
use super::claims::Claims;
use super::facts::{Fact, Places, fact};
use super::touched::{Touched, Wanted};
use crate::lower::lower_noting;
use crate::program::Program;

/// So many items may have changed.
const MOST_CHANGED: usize = 64;

/// So many items may be looked at again because of that.
const MOST_TOUCHED: usize = 20_000;

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
    /// The items with a requirement that asks something in one route and nothing in another.
    uneven: HashSet<usize>,
    /// The files that belong to the policy's modules.
    modules: Vec<SourceId>,
    /// Whether there are tests, which may name any route.
    has_tests: bool,
    /// What is claimed of all requests, and was proved. None if that takes a whole check.
    claims: Option<Claims>,
}

#[derive(Clone, Debug)]
struct File {
    source: SourceId,
    text: Arc<str>,
    uses: Vec<Result<SourceId, String>>,
    items: Vec<Known>,
}

/// An item, and where its text stands.
#[derive(Clone, Debug)]
struct Known {
    number: u32,
    start: u32,
    end: u32,
}

/// What there is to know of a policy that was changed.
pub(super) struct Again {
    /// What is wrong with it, in the order of places.
    pub(super) diags: Vec<Diag>,
    /// The program of every route at the hosts that were touched, with these hosts; none if nothing was, or if
    /// something is wrong.
    pub(super) part: Option<(Program, HashSet<Host>)>,
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

impl Known {
    fn new(number: usize, piece: &Piece) -> Known {
        let range = piece.range();
        Known { number: number as u32, start: range.start as u32, end: range.end as u32 }
    }

    fn number(&self) -> usize {
        self.number as usize
    }
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
            uneven: HashSet::new(),
            modules: whole.modules(),
            has_tests: false,
            claims: None,
        };
        let mut added = Vec::new();
        let mut numbers: Vec<Vec<Option<usize>>> = Vec::new();
        for unit in units {
            let mut items = Vec::new();
            let mut of = vec![None; unit.tree.pieces().len()];
            for (at, piece) in unit.tree.pieces().iter().enumerate() {
                if piece.is_space() {
                    continue;
                }
                let number = base.facts.len() + added.len();
                let item = unit.tree.item(at).and_then(Item::from_node);
                added.push(item.as_ref().map(fact).unwrap_or_default());
                if let Some(of) = of.get_mut(at) {
                    *of = Some(number);
                }
                items.push(Known::new(number, piece));
            }
            numbers.push(of);
            let uses = unit.uses.iter().map(|(_, target)| target.clone()).collect();
            let text = unit.source.text.clone();
            base.files.push(File { source: unit.source.id, text, uses, items });
        }
        let place = Places { units, numbers: &numbers };
        place.fill(&mut added, 0, &whole.policy, &whole.index);
        base.uneven = place.numbers(&whole.uneven);
        base.claims = Claims::new(&whole.policy, &whole.spoken, &place);
        base.has_tests = added.iter().any(|fact| fact.is_test);
        for fact in added {
            base.add(fact);
        }
        base
    }

    /// Whether the parser had nothing to say of what is new in these files, so far as they differ in few items.
    pub(super) fn reads(&self, units: &[Unit<'_>]) -> bool {
        let Some(differences) = self.differences(units) else { return false };
        let mut fresh = units.iter().zip(&differences).flat_map(|(unit, difference)| {
            let fresh = difference.now.iter().filter(|(_, number)| number.is_none());
            fresh.map(|(piece, _)| unit.tree.diags_of(*piece))
        });
        fresh.all(<[Diag]>::is_empty)
    }

    /// The same, with nothing left of what else lay between its parts when it was made.
    pub(super) fn settled(self) -> Base {
        let mut texts: HashSet<Arc<str>> = HashSet::new();
        let mut text = |text: &Arc<str>| -> Arc<str> {
            if let Some(known) = texts.get(text) {
                return known.clone();
            }
            let copy: Arc<str> = Arc::from(&**text);
            texts.insert(copy.clone());
            copy
        };
        let facts: Vec<Fact> = self.facts.iter().map(|fact| fact.copied(&mut text)).collect();
        let mut base = Base {
            files: self.files.clone(),
            facts: Vec::with_capacity(facts.len()),
            by_host: HashMap::new(),
            by_name: HashMap::new(),
            before: HashMap::new(),
            n_users: HashMap::new(),
            ..self
        };
        facts.into_iter().for_each(|fact| base.add(fact));
        base
    }

    /// The files that belong to the policy's modules.
    pub(super) fn modules(&self) -> &[SourceId] {
        &self.modules
    }

    /// What there is to know of the policy as it is now; `found` is what the parser said. `None` where that takes a
    /// whole check.
    pub(super) fn again(
        &mut self,
        units: &[Unit<'_>],
        vocabulary: &Vocabulary,
        found: &[Diag],
    ) -> Option<Again> {
        let differences = self.differences(units)?;
        let gone: HashSet<usize> =
            differences.iter().flat_map(|d| d.gone.iter().copied()).collect();
        let fresh = fresh(units, &differences)?;
        if gone.is_empty() && fresh.is_empty() {
            return Some(Again { diags: found.to_vec(), part: None });
        }
        let proved = self.claims.as_ref()?;
        if !self.may_differ(proved, &gone, &fresh) {
            return None;
        }
        let mut touched = Touched::default();
        for fact in gone.iter().filter_map(|number| self.facts.get(*number)).chain(&fresh) {
            touched.want(fact);
        }
        loop {
            self.reach(&mut touched, &gone)?;
            let trees = self.slice(units, &differences, &touched.items);
            let mut checked = lang::check(&sliced(units, &trees), vocabulary);

            let mut added = fresh.clone();
            let numbers = new_numbers(units, &differences, self.facts.len());
            let place = Places { units, numbers: &numbers };
            place.fill(&mut added, self.facts.len(), &checked.policy, &checked.index);
            let known = touched.hosts.len();
            added.iter().for_each(|fact| touched.want(fact));
            if touched.hosts.len() > known {
                continue;
            }

            let mut kept = Vec::new();
            for diag in std::mem::take(&mut checked.diags) {
                match diag.slug {
                    // Names and their spelling are looked up among all there are.
                    "unknown-name" | "wrong-kind" | "duplicate-name" => return None,
                    "unused" if self.is_used(&place, &diag, &gone, &touched.items)? => {}
                    _ => kept.push(diag),
                }
            }
            checked.diags = kept;
            let diags = checked.joined(found);
            if diags.iter().any(Diag::is_error) {
                return Some(Again { diags, part: None });
            }
            let inner = |wide: &Host| {
                touched.hosts.iter().any(|host| host_relation(host, wide) == Relation::Inside)
            };
            if self.leaning.iter().any(inner) {
                return None;
            }
            let lowered = lower_noting(&checked.policy);
            if !lowered.diags.is_empty() || !lowered.leaning.is_empty() {
                return None;
            }
            // It may have been the only one in which a requirement asked something.
            if self.use_uneven(&gone) {
                return None;
            }
            let beside = match proved.is_empty() {
                true => BTreeSet::new(),
                false => self.beside(&touched, &gone)?,
            };
            let part = lowered.program?;
            let more = match beside.is_empty() {
                true => None,
                false => Some(self.with(units, vocabulary, &differences, &touched, beside)?),
            };
            let all = more.as_ref().map_or((&checked.policy, &part), |(policy, all)| (policy, all));
            let hosts: Vec<Host> = touched.hosts.iter().cloned().collect();
            let claims = proved.again(all, &hosts, &gone, &place)?;
            if diags.is_empty() {
                self.uneven.extend(place.numbers(&lowered.uneven));
                self.replace(units, &differences, &gone, added);
                self.claims = Some(claims);
            }
            return Some(Again { diags, part: Some((part, touched.hosts)) });
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
            let pieces = unit.tree.pieces().iter().enumerate();
            let now: Vec<(usize, &Piece)> = pieces.filter(|(_, piece)| !piece.is_space()).collect();
            let same = |(old, new): &(&Known, &(usize, &Piece))| {
                file.text.get(old.start as usize..old.end as usize)
                    == Some(unit.tree.text_of(new.1))
            };
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
            let gone = file.items.get(head..old_end)?.iter().map(Known::number).collect();
            let number = |at: usize| match at {
                at if at < head => file.items.get(at).map(Known::number),
                at if at < new_end => None,
                at => file.items.get(at - new_end + old_end).map(Known::number),
            };
            let now = now.iter().enumerate().map(|(at, (piece, _))| (*piece, number(at))).collect();
            all.push(Difference { gone, head, now });
        }
        Some(all)
    }

    /// Whether the change is one that leaves everything else right: routes for routes, and no name that a test or an
    /// assert may know.
    fn may_differ(&self, proved: &Claims, gone: &HashSet<usize>, fresh: &[Fact]) -> bool {
        let old: Vec<&Fact> = gone.iter().filter_map(|number| self.facts.get(*number)).collect();
        if old.iter().copied().chain(fresh).any(|fact| !fact.is_route) {
            return false;
        }
        let names = |facts: &mut dyn Iterator<Item = &Fact>| {
            let mut names: Vec<Arc<str>> = facts.flat_map(|fact| fact.routes.clone()).collect();
            names.sort_unstable();
            names
        };
        let (old, new) = (names(&mut old.iter().copied()), names(&mut fresh.iter()));
        old == new || !self.has_tests && !old.iter().chain(&new).any(|name| proved.name(name))
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

    /// The items that are not touched, but stand at hosts that share a request with one that is. `None` if there are many.
    fn beside(&self, touched: &Touched, gone: &HashSet<usize>) -> Option<BTreeSet<usize>> {
        let meets = |host: &Host| {
            let disjoint = |other| host_relation(host, other) == Relation::Disjoint;
            !touched.hosts.contains(host) && !touched.hosts.iter().all(disjoint)
        };
        let hosts = self.by_host.iter().filter(|(host, _)| meets(host));
        let mut beside = BTreeSet::new();
        for number in hosts.flat_map(|(_, items)| items) {
            if !gone.contains(number) && !touched.items.contains(number) {
                beside.insert(*number);
            }
            if touched.items.len() + beside.len() > MOST_TOUCHED {
                return None;
            }
        }
        Some(beside)
    }

    /// The policy of what is touched, what is new and what stands beside that, with its program.
    fn with(
        &self,
        units: &[Unit<'_>],
        vocabulary: &Vocabulary,
        differences: &[Difference],
        touched: &Touched,
        mut beside: BTreeSet<usize>,
    ) -> Option<(Policy, Program)> {
        beside.extend(&touched.items);
        let trees = self.slice(units, differences, &beside);
        let checked = lang::check(&sliced(units, &trees), vocabulary);
        if checked.diags.iter().any(Diag::is_error) {
            return None;
        }
        let program = lower_noting(&checked.policy).program?;
        Some((checked.policy, program))
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

    /// Whether one of these items uses one with an uneven requirement, by itself or through others.
    fn use_uneven(&self, items: &HashSet<usize>) -> bool {
        if self.uneven.is_empty() {
            return false;
        }
        let mut open: Vec<usize> = items.iter().copied().collect();
        let mut seen = HashSet::new();
        while let Some(number) = open.pop() {
            let uses = self.facts.get(number).into_iter().flat_map(|fact| &fact.uses);
            open.extend(uses.copied().filter(|used| seen.insert(*used)));
        }
        // What an item asks in routes of its own is no concern of others.
        !seen.is_disjoint(&self.uneven)
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
                    let piece = unit.tree.pieces().get(*piece)?;
                    next += 1;
                    Some(Known::new(next - 1, piece))
                })
                .collect();
            file.items.splice(difference.head..old_end, fresh);
            file.text = unit.source.text.clone();
            for (item, (piece, _)) in file.items.iter_mut().zip(&difference.now) {
                if let Some(piece) = unit.tree.pieces().get(*piece) {
                    *item = Known::new(item.number(), piece);
                }
            }
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

/// The files with these trees.
fn sliced<'t>(units: &[Unit<'t>], trees: &'t [Tree]) -> Vec<Unit<'t>> {
    let units = units.iter().zip(trees);
    units.map(|(unit, tree)| Unit { source: unit.source, tree, uses: unit.uses.clone() }).collect()
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
