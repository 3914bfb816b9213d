//! What is known of an item: what it is called, which hosts its routes take, what it uses; and in which item a place is.

use std::collections::HashSet;
use std::sync::Arc;

use lang::check::Meaning;
use lang::policy::{Host, Policy};
use lang::syntax::ast::{Head, Item};
use lang::{Index, Span, Unit};

/// What is known of an item.
#[derive(Clone, Debug, Default)]
pub(super) struct Fact {
    /// Whether it is a route or a site.
    pub(super) is_route: bool,
    /// Whether it is a test.
    pub(super) is_test: bool,
    /// Whether it is a test or an assert: it names others, and nobody names it.
    pub(super) is_claim: bool,
    pub(super) name: Arc<str>,
    /// The names of its routes.
    pub(super) routes: Vec<Arc<str>>,
    /// The names of the items that it says it comes before.
    pub(super) before: Vec<Arc<str>>,
    pub(super) hosts: Vec<Host>,
    /// The items it uses that are no routes.
    pub(super) uses: Vec<usize>,
}

impl Fact {
    /// The same with other copies of its texts.
    pub(super) fn copied(&self, text: &mut dyn FnMut(&Arc<str>) -> Arc<str>) -> Fact {
        let hosts = self.hosts.iter().map(|host| match host {
            Host::Any => Host::Any,
            Host::Exact(name) => Host::Exact(text(name)),
            Host::OneLabel(suffix) => Host::OneLabel(text(suffix)),
            Host::Labels(suffix) => Host::Labels(text(suffix)),
        });
        let hosts = hosts.collect();
        Fact {
            name: text(&self.name),
            routes: self.routes.iter().map(&mut *text).collect(),
            before: self.before.iter().map(&mut *text).collect(),
            hosts,
            uses: self.uses.clone(),
            ..*self
        }
    }
}

/// What the text of an item says of it.
pub(super) fn fact(item: &Item<'_>) -> Fact {
    let mut fact = Fact::default();
    let name =
        |head: &Head<'_>| head.name().map_or_else(|| Arc::from(""), |name| Arc::from(name.text));
    let before = |head: &Head<'_>, into: &mut Vec<Arc<str>>| {
        // `site.route` names the site, and `module.route` a route of another file.
        into.extend(head.before().flat_map(|word| word.text.split('.')).map(Arc::from));
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
        Item::Test(_) => (fact.is_test, fact.is_claim) = (true, true),
        Item::Assert(_) => fact.is_claim = true,
        _ => {}
    }
    fact
}

/// The numbers of items by the pieces that they are.
pub(super) struct Places<'p> {
    pub(super) units: &'p [Unit<'p>],
    pub(super) numbers: &'p [Vec<Option<usize>>],
}

impl Places<'_> {
    /// The number of the item that a place is in.
    pub(super) fn number(&self, span: Span) -> Option<usize> {
        let unit = self.units.iter().position(|unit| unit.source.id == span.source)?;
        let pieces = self.units.get(unit)?.tree.pieces();
        let piece = pieces.partition_point(|piece| piece.start() <= span.start).checked_sub(1)?;
        self.numbers.get(unit)?.get(piece).copied().flatten()
    }

    /// The numbers of the items that these places are in.
    pub(super) fn numbers(&self, spans: &[Span]) -> HashSet<usize> {
        spans.iter().filter_map(|span| self.number(*span)).collect()
    }

    /// Notes the hosts and the uses of the items that are numbered from `first`.
    pub(super) fn fill(&self, facts: &mut [Fact], first: usize, policy: &Policy, index: &Index) {
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
