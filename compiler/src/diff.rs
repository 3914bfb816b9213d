//! What two policies do differently with requests. Listener by listener, only hosts and paths at which their candidates
//! differ are looked at; there the requests are divided by what becomes of them in each, and where that differs, an
//! example is made and replayed on both.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use lang::literal::literal;
use lang::policy::{Input, Policy, RouteId};
use lang::{Span, Ty, Value};

use crate::caching::Asks;
use crate::lower::Joined;
use crate::program::{Program, Step};
use crate::proof::basis::{Basis, Known, plain};

mod alike;
mod aside;
mod besides;
mod bounds;
mod choices;
mod counts;
mod effect;
mod effective;
mod example;
mod exposure;
mod fate;
mod focus;
mod free;
mod gathered;
mod guards;
mod idle;
mod items;
mod kept;
mod observed;
mod pairing;
mod part;
mod put;
mod regions;
mod sends;
mod shape;
mod spelling;
mod split;
mod stands;
mod typed;
mod wire;

use counts::Counts;
use example::Found;
use fate::Fate;
use pairing::Pair;
use regions::{Signatures, regions};
use split::Divided;

/// Everything that two policies do differently.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Classes of requests that fare differently: protection that was loosened first.
    pub changes: Vec<Change>,
    /// Items that configure the gateway and are not the same: listeners, upstreams, inputs.
    pub items: Vec<ItemChange>,
    /// What could not be decided.
    pub undecided: Vec<Undecided>,
    /// Examples that did not do what they were made for: mistakes of ours.
    pub disagreements: Vec<String>,
}

/// What could not be decided.
#[derive(Clone, Debug)]
pub enum Undecided {
    /// Whether anything differs at the hosts and paths of the route with this place: there is too much to look at.
    TooMuch(Side, Span),
    /// Whether more requests differ there than are told: of so many statements not all are looked at.
    TooMany(Side, Span),
    /// Whether there are requests that fare so. The change has no example.
    Perhaps(Box<Change>),
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
    /// Why, where the outcomes do not tell.
    pub because: Vec<String>,
    /// What the old policy does with them.
    pub old: Outcome,
    /// What the new one does.
    pub new: Outcome,
    /// One of them, or why there is none to show.
    pub example: Result<String, NoExample>,
    /// What an upstream has to answer to it for that: fields and values.
    pub answers: Vec<(String, String)>,
    /// What inputs have to be given for that, as a policy writes it.
    pub given: Vec<(Arc<str>, String)>,
    /// At how many pairs of host and path such requests are known.
    pub places: usize,
    /// Requests that fare so for other routes, or by other statements.
    pub also: Vec<Also>,
}

/// A request that fares as another one does, and comes from elsewhere in a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Also {
    /// The request.
    pub example: String,
    /// What an upstream has to answer to it: fields and values.
    pub answers: Vec<(String, String)>,
    /// Who answers it, and what refuses it there.
    pub old: Answered,
    /// The same in the new policy.
    pub new: Answered,
}

/// The route that answers, with its place, and the statement that refuses.
pub type Answered = (Option<(Arc<str>, Span)>, Option<Span>);

/// Why no request is shown. Expressions are written as a program has them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoExample {
    /// Which requests they are hangs on these, to which no request can be fitted.
    Computed(Vec<String>),
    /// So many of them get the same of both: whether these ever come to something else is not known.
    Alike {
        /// How many requests were tried.
        tried: usize,
        /// What is computed.
        of: Vec<String>,
    },
}

/// What becomes of requests.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// In words: `forwarded to users`.
    pub words: String,
    /// The route that answers first among them, with its place.
    pub route: Option<(Arc<str>, Span)>,
    /// Statements that have an effect and that the other policy does not run.
    pub effects: Vec<Effect>,
    /// Policies that are applied, and are not by the other.
    pub applied: Vec<Arc<str>>,
    /// The statement that refuses, if one does.
    pub refused: Option<Span>,
}

/// A statement that one policy runs and the other does not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect {
    /// Its place.
    pub span: Span,
    /// What it is told otherwise than one of its kind in the other policy, if there is one: `rate 20/s`.
    pub comes_to: String,
    /// Whether that is one of several things that are written there.
    pub is_chosen: bool,
}

/// What a change means for protection, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// What was refused is let through, a limit lets more through, or what was kept from somebody reaches him.
    Loosened,
    /// Something that protects is another one, and nobody can tell which protects more.
    Unclear,
    /// What was let through is refused, a limit lets less through, or what reached somebody is kept from him.
    Tightened,
    /// Neither.
    Changed,
}

/// A reason for which protection is another one, in words.
type Reason = (Kind, String);

/// What a difference means for protection, and why where the outcomes do not tell.
type Verdict = (Kind, Vec<String>);

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
    /// What it means for protection.
    pub kind: Kind,
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

impl ItemChange {
    /// What it means for protection that the item is new or gone. What is set otherwise in it is told line by line.
    pub fn verdict(&self) -> Kind {
        match (&*self.kind, self.old, self.new) {
            ("listener", None, _) => Kind::Unclear,
            ("listener", _, None) => Kind::Tightened,
            _ => Kind::Changed,
        }
    }
}

/// Compares two policies that check, each with its program.
pub fn compare(old: (&Policy, &Program), new: (&Policy, &Program)) -> Comparison {
    let (basis, counts, asks) = together(old, new, Joined::ByType);
    let mut comparison = Comparison { items: items::items(&basis), ..Comparison::default() };
    let told = (&counts, asks.as_ref());
    let mut found = classes(&basis, told, &mut comparison);
    // What hangs on inputs has an example for what these are by default, else for what they are given, if for anything.
    for bind in [with_defaults, with_values, with_others] {
        let is_open = !comparison.undecided.is_empty() || found.values().any(Class::is_open);
        let Some((basis, given)) = bind(&basis).filter(|_| is_open) else { continue };
        let mut only = Comparison::default();
        let leading = leading(&basis);
        for (key, mut class) in classes(&basis, told, &mut only) {
            if class.change.example.is_err() {
                continue;
            }
            // What neither they nor the conditions of other routes read is as it is by default.
            let read = class.change.inputs(&basis);
            let matters = |(name, _): &&(Arc<str>, String)| {
                read.contains(&**name) || leading.contains(&**name) || !has_default(&basis, name)
            };
            class.change.given = given.iter().filter(matters).cloned().collect();
            match found.entry(key) {
                Entry::Vacant(entry) => drop(entry.insert(class)),
                // What is known without them is worth more.
                Entry::Occupied(mut entry)
                    if entry.get().change.example.is_ok() && !given.is_empty() =>
                {
                    entry.get_mut().show(class);
                }
                Entry::Occupied(mut entry) => entry.get_mut().join(class),
            }
        }
        comparison.disagreements.extend(only.disagreements);
    }
    add_by_default(old, new, &mut found);
    let mut changes: Vec<Change> = found.into_values().flat_map(Class::changes).collect();
    changes.sort_by(|a, b| {
        let key = |c: &Change| {
            let at = |outcome: &Outcome| outcome.route.as_ref().map(|(_, span)| *span);
            (c.kind, c.listener.clone(), at(&c.new), at(&c.old))
        };
        let words = |c: &Change| (c.old.words.clone(), c.new.words.clone());
        let shown = |c: &Change| c.example.clone().ok();
        key(a)
            .cmp(&key(b))
            .then_with(|| words(a).cmp(&words(b)))
            .then_with(|| shown(a).cmp(&shown(b)))
    });
    let (changes, perhaps) = changes.into_iter().partition(|change| change.example.is_ok());
    comparison.changes = changes;
    comparison.undecided.splice(0..0, perhaps.into_iter().map(Box::new).map(Undecided::Perhaps));
    comparison
}

/// Two policies as one program, with what is asked of it to compare them.
fn together<'p>(
    old: (&'p Policy, &'p Program),
    new: (&'p Policy, &'p Program),
    joined: Joined,
) -> (Basis<'p>, Counts, Option<Asks>) {
    let (basis, asks) = Basis::new(&[old, new], joined, |exprs| {
        besides::ask(exprs, [old.0, new.0], [old.1, new.1])
    });
    let mut basis = basis.answered().followed();
    let counts = Counts::of(&mut basis);
    (basis, counts, asks)
}

/// Adds what fares otherwise because an input has another default, for each policy with its own.
fn add_by_default<'p>(
    old: (&'p Policy, &'p Program),
    new: (&'p Policy, &'p Program),
    found: &mut BTreeMap<String, Class>,
) {
    let changed = old.0.inputs.iter().filter_map(|input| {
        let same = |other: &&Input| (&other.name, &other.ty) == (&input.name, &input.ty);
        let other = new.0.inputs.iter().find(same)?;
        let (before, after) = (input.default.as_ref()?, other.default.as_ref()?);
        let is_told = before != after && *input.ty.present() != Ty::Secret;
        let told = || format!("`{}` was `{before}` by default and is `{after}`", input.name);
        is_told.then(|| (&*input.name, told()))
    });
    let changed: Vec<(&str, String)> = changed.collect();
    if changed.is_empty() {
        return;
    }
    let (basis, counts, asks) = together(old, new, Joined::ByDefault);
    let value = |input: &Input| input.default.clone().or_else(|| given(&basis, input));
    let unsaid = basis
        .program
        .inputs
        .iter()
        .filter(|input| input.default.is_none() && *input.ty.present() != Ty::Secret);
    let said =
        unsaid.filter_map(|input| Some((input.name.clone(), given(&basis, input)?.to_string())));
    let mut said: Given = said.collect();
    said.sort_unstable();
    said.dedup();
    let basis = basis.bound(value);
    let mut only = Comparison::default();
    for (key, mut class) in classes(&basis, (&counts, asks.as_ref()), &mut only) {
        let is_told = found.values().any(|other| other.change.is_told_as(&class.change));
        if class.change.example.is_ok() && !is_told {
            let read = class.change.inputs(&basis);
            let told = changed.iter().filter(|(name, _)| read.contains(name));
            class.change.because.extend(told.map(|(_, words)| words.clone()));
            class.change.given.clone_from(&said);
            found.insert(format!("by default {key}"), class);
        }
    }
}

/// Inputs with the values that they have to be given for an example.
type Given = Vec<(Arc<str>, String)>;

/// The same with the defaults of inputs, where there are any on which both policies agree.
fn with_defaults<'p>(basis: &Basis<'p>) -> Option<(Basis<'p>, Given)> {
    let bound = basis.program.inputs.iter().any(|input| agreed(basis, input).is_some());
    bound.then(|| (basis.bound(|input| agreed(basis, input)), Given::new()))
}

/// The same where the other inputs are given values: what one policy has by default, or any of their type.
fn with_values<'p>(basis: &Basis<'p>) -> Option<(Basis<'p>, Given)> {
    with(basis, |input| by_default(basis, input).or_else(|| given(basis, input)))
}

/// The same where inputs are given other values than they have by default.
fn with_others<'p>(basis: &Basis<'p>) -> Option<(Basis<'p>, Given)> {
    with(basis, |input| {
        let default = by_default(basis, input);
        let other = default.as_ref().and_then(|value| other(input.ty.present(), value));
        other.or(default).or_else(|| given(basis, input))
    })
}

/// The same with these values, if any input has to be given one. No secret is.
fn with<'p>(
    basis: &Basis<'p>,
    value: impl Fn(&Input) -> Option<Value>,
) -> Option<(Basis<'p>, Given)> {
    let told = |input: &Input| {
        let value = value(input).filter(|_| *input.ty.present() != Ty::Secret);
        value.filter(|value| by_default(basis, input).as_ref() != Some(value))
    };
    let inputs = basis.program.inputs.iter();
    let given = inputs.filter_map(|input| Some((input.name.clone(), told(input)?.to_string())));
    let mut given: Given = given.collect();
    given.sort_unstable();
    given.dedup();
    (!given.is_empty()).then(|| (basis.bound(value), given))
}

/// What an input is by default, if both policies agree on that.
fn by_default(basis: &Basis<'_>, input: &Input) -> Option<Value> {
    agreed(basis, input).filter(|_| *input.ty.present() != Ty::Secret)
}

/// What an input may be given: what one policy has by default, or any value of its type. Nothing, where the policies have
/// inputs of two types under one name.
fn given(basis: &Basis<'_>, input: &Input) -> Option<Value> {
    let inputs = &basis.program.inputs;
    let is_one = inputs.iter().filter(|other| other.name == input.name).count() == 1;
    let given = || input.default.clone().or_else(|| any(input.ty.present()));
    given().filter(|_| is_one)
}

/// Another value of the type.
fn other(ty: &Ty, value: &Value) -> Option<Value> {
    Some(match (ty, value) {
        (Ty::String, value) => Value::string(if value.as_str() == Some("x") { "y" } else { "x" }),
        (Ty::Int, Value::Int(number)) => Value::Int(number.checked_add(1)?),
        (Ty::Bool, Value::Bool(holds)) => Value::Bool(!holds),
        (Ty::OneOf(words), Value::String(word)) => {
            Value::String(words.iter().find(|other| *other != word)?.clone())
        }
        _ => return None,
    })
}

/// A value of the type: a plain one, or a network that is nobody's.
fn any(ty: &Ty) -> Option<Value> {
    let parsed = |text| literal(text, Span::default(), Some(ty)).ok().map(|(value, _)| value);
    match ty {
        Ty::Ip => parsed("192.0.2.1"),
        Ty::Cidr => parsed("192.0.2.0/24"),
        Ty::List(of) => Some(Value::list([any(of)?])),
        ty => plain(ty),
    }
}

/// The inputs on which it hangs which route takes a request.
fn leading<'b>(basis: &'b Basis<'_>) -> HashSet<&'b str> {
    let routes = basis.program.routes.iter();
    let conditions = routes.flat_map(|route| route.conditions.iter().map(|(id, _)| *id));
    items::read(basis, conditions.collect(), &[])
}

fn has_default(basis: &Basis<'_>, name: &str) -> bool {
    let mut inputs = basis.program.inputs.iter().filter(|input| *input.name == *name);
    inputs.all(|input| agreed(basis, input).is_some())
}

/// The default of an input, if all policies that have it agree on that.
fn agreed(basis: &Basis<'_>, input: &Input) -> Option<Value> {
    let same = |other: &&Input| other.name == input.name;
    let mut all = basis.sides.iter().filter_map(|side| side.policy.inputs.iter().find(same));
    let default = input.default.clone()?;
    all.all(|other| other.default.as_ref() == Some(&default)).then_some(default)
}

/// The requests that fare differently, by what they share. What could not be decided is added to the comparison.
fn classes(
    basis: &Basis<'_>,
    (counts, asks): (&Counts, Option<&Asks>),
    comparison: &mut Comparison,
) -> BTreeMap<String, Class> {
    let mut found: BTreeMap<String, Class> = BTreeMap::new();
    let [old_side, new_side] = basis.sides.as_slice() else { return found };
    let mut signatures = Signatures::default();
    let mut known = [Known::default(), Known::default()];
    for old_table in &old_side.lowered.listeners {
        let Some(new_at) = new_side.lowered.listener(&old_table.name) else { continue };
        let new_at = new_at.0 as usize;
        let Some(new_table) = new_side.lowered.listeners.get(new_at) else { continue };
        let sides = [(*old_side, old_table), (*new_side, new_table)];
        for region in regions(basis, sides, &mut signatures) {
            let divided = split::divide(basis, sides, (&region, asks), &mut signatures, &mut known);
            let Divided { pairs, is_cut } = match divided {
                Ok(divided) => divided,
                Err(_) => {
                    basis.patience.give_up();
                    comparison.add(Undecided::TooMuch(region.side, region.span));
                    continue;
                }
            };
            if is_cut {
                comparison.add(Undecided::TooMany(region.side, region.span));
            }
            for pair in pairs {
                let place = match &pair.found {
                    Found::Disagrees(example) => {
                        comparison.disagreements.push(example.clone());
                        continue;
                    }
                    Found::Example { place, .. } => Some(place.clone()),
                    Found::No(_) => None,
                };
                let verdict = pair.verdict(counts);
                let key = pair.key(&old_table.name, &verdict);
                let class = Class::new(change(basis, &old_table.name, (pair, verdict)), place);
                match found.entry(key) {
                    Entry::Vacant(entry) => drop(entry.insert(class)),
                    Entry::Occupied(mut entry) => entry.get_mut().join(class),
                }
            }
        }
    }
    found
}

/// Requests of one kind, as they are gathered from the places at which there are some.
struct Class {
    change: Change,
    places: BTreeSet<String>,
    /// Those that may fare so, too, and of which no request is known with the others.
    open: Vec<Change>,
}

impl Class {
    fn new(change: Change, place: Option<String>) -> Class {
        Class { change, places: place.into_iter().collect(), open: Vec::new() }
    }

    /// Whether an example is missing.
    fn is_open(&self) -> bool {
        self.change.example.is_err() || !self.open.is_empty()
    }

    /// Takes in those of another place. What is told of a class is told of the request that is shown; of others that come
    /// from other statements, a request each is named.
    fn join(&mut self, mut other: Class) {
        if self.change.example.is_err() && other.change.example.is_ok() {
            std::mem::swap(self, &mut other);
        }
        let places = other.change.elsewhere().chain(std::mem::take(&mut other.change.also));
        for one in places.collect::<Vec<_>>() {
            let own = self.change.elsewhere();
            let is_told = own.chain(self.change.also.iter().cloned()).any(|own| own.is_like(&one));
            if !is_told {
                self.change.also.push(one);
            }
        }
        self.places.extend(other.places);
        self.open.append(&mut other.open);
        if other.change.example.is_err() {
            self.open.push(other.change);
        }
    }

    /// Shows of another one what is not shown here.
    fn show(&mut self, other: Class) {
        let answered = other.change.answered();
        if let Some(open) = self.open.iter_mut().find(|open| open.answered() == answered) {
            *open = Change { places: other.places.len(), ..other.change };
        }
    }

    /// What is told of them: what comes from statements of which an example is shown needs no other.
    fn changes(self) -> Vec<Change> {
        let mut told: Vec<[Answered; 2]> =
            self.change.also.iter().map(|also| [also.old.clone(), also.new.clone()]).collect();
        let mut changes = vec![Change { places: self.places.len(), ..self.change }];
        told.extend(changes.iter().map(Change::answered));
        for open in self.open {
            if !told.contains(&open.answered()) {
                told.push(open.answered());
                changes.push(open);
            }
        }
        changes
    }
}

impl Comparison {
    /// Adds what could not be decided of a route, once for all its hosts and paths.
    fn add(&mut self, undecided: Undecided) {
        let place = |one: &Undecided| match one {
            Undecided::TooMuch(side, span) => Some((false, *side, *span)),
            Undecided::TooMany(side, span) => Some((true, *side, *span)),
            Undecided::Perhaps(_) => None,
        };
        if !self.undecided.iter().any(|known| place(known) == place(&undecided)) {
            self.undecided.push(undecided);
        }
    }

    /// Whether the two do the same with every request, for certain.
    pub fn is_same(&self) -> bool {
        self.changes.is_empty()
            && self.items.is_empty()
            && self.undecided.is_empty()
            && self.disagreements.is_empty()
    }
}

fn change(basis: &Basis<'_>, listener: &Arc<str>, (pair, verdict): (Pair, Verdict)) -> Change {
    let outcome = |at: usize, fate: &Fate, other: &Fate| {
        let side = basis.sides.get(at);
        let route = fate.route.and_then(|RouteId(id)| side?.policy.routes.get(id as usize));
        let mut effects: Vec<Effect> = Vec::new();
        for effect in fate.lacked_by(other) {
            let told = Effect {
                span: effect.span,
                comes_to: effect.otherwise(&other.effects, basis),
                is_chosen: effect.is_chosen,
            };
            // One statement may do several things.
            if !effects.contains(&told) {
                effects.push(told);
            }
        }
        let applied = fate.applied.iter().filter(|policy| !other.applied.contains(policy));
        Outcome {
            words: fate.words.clone(),
            route: route.map(|route| (route.name.clone(), route.span)),
            effects,
            applied: applied.cloned().collect(),
            refused: fate.by,
        }
    };
    let (kind, because) = verdict;
    let answers = match &pair.found {
        Found::Example { answers, .. } => answers.clone(),
        _ => Vec::new(),
    };
    Change {
        listener: listener.clone(),
        kind,
        because,
        old: outcome(0, &pair.old, &pair.new),
        new: outcome(1, &pair.new, &pair.old),
        example: match pair.found {
            Found::Example { text, .. } => Ok(text),
            Found::No(why) => Err(why),
            Found::Disagrees(_) => Err(NoExample::Computed(Vec::new())),
        },
        answers,
        given: Vec::new(),
        places: 0,
        also: Vec::new(),
    }
}

impl Change {
    /// Whether the same is told of it, whatever is shown.
    fn is_told_as(&self, other: &Change) -> bool {
        let told = |of: &Change| {
            let lines = [&of.old, &of.new].map(|outcome| {
                let spans = outcome.effects.iter().map(|effect| effect.span);
                (outcome.words.clone(), spans.collect::<Vec<_>>())
            });
            (of.listener.clone(), of.kind, lines, of.answered())
        };
        told(self) == told(other)
    }

    /// The inputs that the routes read which answer.
    fn inputs<'b>(&self, basis: &'b Basis<'_>) -> HashSet<&'b str> {
        let mut roots = Vec::new();
        for (side, outcome) in basis.sides.iter().zip([&self.old, &self.new]) {
            let named = outcome.route.as_ref().map(|(name, _)| name);
            let at = side.policy.routes.iter().position(|route| Some(&route.name) == named);
            let Some(route) = at.and_then(|at| basis.route(side, RouteId(at as u32))) else {
                continue;
            };
            let conditions = route.conditions.iter().map(|(id, _)| *id);
            roots.extend(conditions.chain(route.steps.iter().flat_map(Step::exprs)));
        }
        items::read(basis, roots, &[])
    }

    /// Who answers on either side, and what refuses there.
    fn answered(&self) -> [Answered; 2] {
        [&self.old, &self.new].map(|outcome| (outcome.route.clone(), outcome.refused))
    }

    /// The request that is shown, as one among others.
    fn elsewhere(&self) -> impl Iterator<Item = Also> + use<> {
        let [old, new] = self.answered();
        let answers = self.answers.clone();
        self.example.clone().ok().map(|example| Also { example, answers, old, new }).into_iter()
    }
}

impl Also {
    /// Whether the same statements are at work.
    fn is_like(&self, other: &Also) -> bool {
        (&self.old, &self.new) == (&other.old, &other.new)
    }
}
