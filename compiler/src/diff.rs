//! What two policies do differently with requests. Listener by listener, only hosts and paths at which their candidates
//! differ are looked at; there the requests are divided by what becomes of them in each, and where that differs, an
//! example is made and replayed on both.

use std::collections::HashMap;
use std::sync::Arc;

use lang::Span;
use lang::policy::{Policy, RouteId};

use crate::program::Program;
use crate::proof::basis::{Basis, Known};

mod bounds;
mod fate;
mod items;
mod regions;
mod split;

use fate::Fate;
use regions::{Signatures, regions};
use split::{Divided, Pair};

/// Everything that two policies do differently.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Classes of requests that fare differently: protection that was loosened first.
    pub changes: Vec<Change>,
    /// Items that configure the gateway and are not the same: listeners, upstreams, inputs.
    pub items: Vec<ItemChange>,
    /// Routes at whose hosts and paths it could not be decided, by place in the new policy, or in the old one.
    pub undecided: Vec<(Side, Span)>,
    /// Examples that did not do what they were made for: mistakes of ours.
    pub disagreements: Vec<String>,
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// The old policy.
    Old,
    /// The new one.
    New,
}

/// Requests that the old policy treats in one way and the new one in another.
#[derive(Clone, Debug)]
pub struct Change {
    /// The listener they come to.
    pub listener: Arc<str>,
    /// What it means for protection.
    pub kind: Kind,
    /// What the old policy does with them.
    pub old: Outcome,
    /// What the new one does.
    pub new: Outcome,
    /// One of them; none can be made where something is computed.
    pub example: Option<String>,
    /// At how many pairs of host and path there are such requests.
    pub places: usize,
}

/// What becomes of requests.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// In words: `forwarded to users`.
    pub words: String,
    /// The route that answers first among them, with its place.
    pub route: Option<(Arc<str>, Span)>,
    /// Statements that have an effect and that the other policy does not run, each with what it is told otherwise than one
    /// of its kind there.
    pub effects: Vec<(Span, String)>,
    /// Policies that are applied, and are not by the other.
    pub applied: Vec<Arc<str>>,
}

/// What a change means for protection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// What was refused is let through, or a limit lets more through.
    Loosened,
    /// What was let through is refused, or a limit lets less through.
    Tightened,
    /// Neither.
    Changed,
}

/// A configured item that is not the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemChange {
    /// `listener`, `upstream`, `param`, `secret`.
    pub kind: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its place in the old policy, if it is there.
    pub old: Option<Span>,
    /// Its place in the new one.
    pub new: Option<Span>,
    /// What of it is not the same, where it is in both.
    pub settings: Vec<SettingChange>,
}

/// What is not the same of an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingChange {
    /// The setting; of an input `type`, `source` or `default`.
    pub name: Arc<str>,
    /// Whether it says who is let in, whom to believe or how much is taken.
    pub guards: bool,
    /// What the old policy says, if anything.
    pub old: Option<Said>,
    /// What the new one says.
    pub new: Option<Said>,
}

/// What a policy says of something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// This line.
    Line(Span),
    /// This.
    Text(String),
}

/// Compares two policies that check, each with its program.
pub fn compare(old: (&Policy, &Program), new: (&Policy, &Program)) -> Comparison {
    let (basis, ()) = Basis::new(&[old, new], |_| ());
    let mut comparison = Comparison { items: items::items(&basis), ..Comparison::default() };
    let [old_side, new_side] = basis.sides.as_slice() else { return comparison };
    let mut signatures = Signatures::default();
    let mut known = [Known::default(), Known::default()];
    let mut found: HashMap<String, Change> = HashMap::new();
    for old_table in &old_side.lowered.listeners {
        let Some(new_at) = new_side.lowered.listener(&old_table.name) else { continue };
        let new_at = new_at.0 as usize;
        let Some(new_table) = new_side.lowered.listeners.get(new_at) else { continue };
        let sides = [(*old_side, old_table), (*new_side, new_table)];
        for region in regions(&basis, sides, &mut signatures) {
            let divided = split::divide(&basis, sides, &region, &mut signatures, &mut known);
            let Divided { pairs } = match divided {
                Ok(divided) => divided,
                Err(_) => {
                    basis.patience.give_up();
                    comparison.undecided.push((region.side, region.span));
                    continue;
                }
            };
            for pair in pairs {
                if let Some(example) = pair.disagreement {
                    comparison.disagreements.push(example);
                    continue;
                }
                let key = pair.key(&old_table.name);
                let change = change(&basis, &old_table.name, pair);
                found
                    .entry(key)
                    .and_modify(|known| {
                        known.places += 1;
                        if known.example.is_none() {
                            known.example.clone_from(&change.example);
                        }
                    })
                    .or_insert(change);
            }
        }
    }
    let mut changes: Vec<Change> = found.into_values().collect();
    changes.sort_by(|a, b| {
        let key = |c: &Change| {
            let at = |outcome: &Outcome| outcome.route.as_ref().map(|(_, span)| *span);
            (c.kind, c.listener.clone(), at(&c.new), at(&c.old))
        };
        let words = |c: &Change| (c.old.words.clone(), c.new.words.clone());
        key(a).cmp(&key(b)).then_with(|| words(a).cmp(&words(b)))
    });
    comparison.changes = changes;
    comparison
}

impl Comparison {
    /// Whether the two do the same with every request, for certain.
    pub fn is_same(&self) -> bool {
        self.changes.is_empty()
            && self.items.is_empty()
            && self.undecided.is_empty()
            && self.disagreements.is_empty()
    }
}

fn change(basis: &Basis<'_>, listener: &Arc<str>, pair: Pair) -> Change {
    let outcome = |at: usize, fate: &Fate, other: &Fate| {
        let side = basis.sides.get(at);
        let route = fate.route.and_then(|RouteId(id)| side?.policy.routes.get(id as usize));
        let missing = |effect: &&fate::Effect| !other.effects.iter().any(|o| o.does == effect.does);
        let effects = fate.effects.iter().filter(missing);
        let effects = effects.map(|effect| (effect.span, effect.otherwise(other, &basis.program)));
        let applied = fate.applied.iter().filter(|policy| !other.applied.contains(policy));
        Outcome {
            words: fate.words.clone(),
            route: route.map(|route| (route.name.clone(), route.span)),
            effects: effects.collect(),
            applied: applied.cloned().collect(),
        }
    };
    let kind = match (pair.old.refuses, pair.new.refuses) {
        (true, false) => Kind::Loosened,
        (false, true) => Kind::Tightened,
        // Limits count what is refused, too: that is how guessing is slowed down.
        _ => bounds::verdict(&pair.old.bounds, &pair.new.bounds).unwrap_or(Kind::Changed),
    };
    Change {
        listener: listener.clone(),
        kind,
        old: outcome(0, &pair.old, &pair.new),
        new: outcome(1, &pair.new, &pair.old),
        example: pair.example,
        places: 1,
    }
}
