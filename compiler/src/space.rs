//! Sets of requests, exactly: each field a condition asks is cut into finitely many classes (`space/cut.rs`), and sets are
//! decision diagrams over these (`space/diagram.rs`). Emptiness, inclusion and witnesses are then a matter of looking. What
//! is too large or cannot be taken apart ends in [`Undecided`] or in a field that stands for itself; never in a guess.
//!
//! First every condition is read with a [`Cut`], because classes depend on all that is asked; then [`Cut::finish`] makes
//! the [`Space`] in which formulas are sets.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lang::policy::{Compare, LocalId};
use lang::vocab::ExprId;
use lang::{Ty, Value};

use crate::frame::SlotId;
use crate::interp::Constants;
use crate::interp::lookup::Lookup;
use crate::program::{Expr, Program};
use lang::segment::{Relation, Segments};

mod arrival;
mod automata;
mod before;
mod cut;
mod diagram;
mod formula;
mod guess;
mod identity;
mod items;
mod known;
mod paths;
mod patience;
mod sums;
mod test;

pub(crate) use arrival::{Door, Fact, arriving, believes, door, scheme};
pub(crate) use diagram::{Set, Undecided};
pub(crate) use formula::{Env, Formula};
pub(crate) use guess::Blame;
pub(crate) use identity::sources;
pub(crate) use patience::Patience;
pub(crate) use test::Test;

pub(crate) use cut::is_host_name;

use cut::Kind;
use diagram::Diagram;

/// What a field of the space is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Term {
    /// The request's host.
    Host,
    /// The segment of the path at this place.
    Segment(usize),
    /// What stands in the path behind so many segments.
    Rest(usize),
    /// The whole path, as patterns ask it; its segments and what is behind them are the fields.
    Path,
    /// The request's method.
    Method,
    /// What a slot reads.
    Slot(SlotId),
    /// A claim of whoever asks: the slot of an auth's claims, and the claim's name.
    Claim(SlotId, Arc<str>),
    /// Whether a claim that is a list or a set holds this text.
    Held(SlotId, Arc<str>, Arc<str>),
    /// What an expression computes; no request can be made to fit it. The number tells apart what one expression is in
    /// different places, where captures or locals mean other things.
    Computed(ExprId, u32),
    /// Whether the request's `connection` names this field, so that it is not passed on.
    Stripped(Arc<str>),
    /// What nobody knows before an upstream answers, by number.
    Unknown(u32, Of),
}

/// What is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Of {
    /// A status.
    Status,
    /// A header field, which may be absent.
    Header,
}

/// A test on a field, by its place in the [`Cut`] that read it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct AtomId(u32);

/// Reads conditions, and cuts fields by what they ask.
pub(crate) struct Cut<'p> {
    program: &'p Program,
    constants: &'p Constants,
    patience: &'p Patience,
    atoms: Vec<Atom>,
    /// Atoms by field and by what is written of their test.
    known: HashMap<(Term, String), AtomId>,
    /// What captures mean where expressions are computed, by number less one.
    places: Vec<Vec<(Arc<str>, usize, Segments)>>,
    /// How many expressions were computed of what may differ each time.
    n_fresh: u32,
    /// How many tests were asked for the condition at hand.
    n_asked: usize,
    /// What holds of every request there can be.
    rules: Vec<Formula>,
    /// Two fields that are one, where that is so.
    mirror: Option<Mirror>,
    /// The items of lists that quantifiers are taken apart into, innermost last.
    bound: Vec<(LocalId, Value)>,
    /// The expression that is asked at the moment.
    asking: Option<ExprId>,
    /// Of each two sides that are compared for being equal or not, the comparison that came first.
    compared: HashMap<(ExprId, ExprId), (ExprId, Compare)>,
    /// The slots of claims of which the rules are known.
    ruled: Vec<SlotId>,
}

/// Two fields of the same type that say the same.
struct Mirror {
    one: Term,
    other: Term,
    /// For these requests they need not.
    unless: Formula,
}

struct Atom {
    term: Term,
    kind: Option<Segments>,
    test: Test,
    /// The expression that first asks so, where that is a comparison or a function.
    by: Option<ExprId>,
}

/// Sets over the fields that were asked.
#[derive(Debug)]
pub(crate) struct Space {
    fields: Vec<Field>,
    diagram: Diagram,
    atoms: Vec<Set>,
    /// Every request there can be: behind the end of a path there is nothing, and nobody is known without a token.
    possible: Set,
    /// What holds of computed values by what they are computed of.
    facts: Set,
}

#[derive(Debug)]
struct Field {
    term: Term,
    /// A value of each class.
    samples: Vec<Value>,
    /// Whether a request can be made to fit a class.
    settable: bool,
    /// The test that the field is for, if its classes are the answers of that alone, and the expression that asks it.
    alone: Option<(Test, Option<ExprId>)>,
}

/// Where an atom's answer stands.
#[derive(Clone)]
enum Standing {
    /// In the classes of this field.
    Cut(usize),
    /// In this field, which has no other use.
    Alone(usize),
    /// In the classes of the first field, but for these, where it stands in the second.
    Partly(usize, Vec<u32>, usize),
    /// In the segments and what is behind them, all together.
    Walked,
}

impl<'p> Cut<'p> {
    /// Nothing read yet. `constants` has the value of each expression that no request changes.
    pub(crate) fn new(
        program: &'p Program,
        constants: &'p Constants,
        patience: &'p Patience,
    ) -> Cut<'p> {
        Cut {
            program,
            constants,
            patience,
            atoms: Vec::new(),
            known: HashMap::new(),
            places: Vec::new(),
            n_fresh: 0,
            n_asked: 0,
            rules: Vec::new(),
            mirror: None,
            bound: Vec::new(),
            asking: None,
            compared: HashMap::new(),
            ruled: Vec::new(),
        }
    }

    /// Whether host or path were asked.
    pub(crate) fn asks_head(&self) -> bool {
        let of_head = |term: &Term| matches!(term, Term::Host | Term::Segment(_) | Term::Path);
        self.atoms.iter().any(|atom| of_head(&atom.term))
    }

    /// Whether the host was asked.
    pub(crate) fn asks_host(&self) -> bool {
        self.atoms.iter().any(|atom| atom.term == Term::Host)
    }

    fn atom(&mut self, term: Term, kind: Option<Segments>, test: Test) -> Formula {
        let text = format!("{kind:?} {}", test.written());
        let by = self.asking;
        let id = *self.known.entry((term.clone(), text)).or_insert_with(|| {
            self.atoms.push(Atom { term, kind, test, by });
            AtomId(self.atoms.len() as u32 - 1)
        });
        Formula::Atom(id)
    }

    /// The requests of which the field says just this.
    pub(crate) fn is(&mut self, term: Term, value: &Value) -> Formula {
        match (&term, value) {
            (Term::Segment(_), Value::String(text)) => {
                self.atom(term, None, Test::Segment(Segments::Literal(text.clone())))
            }
            (_, Value::Absent) => Formula::Not(Box::new(self.atom(term, None, Test::Present))),
            (_, value) => {
                self.atom(term, None, Test::Compare(lang::policy::Compare::Eq, value.clone()))
            }
        }
    }

    /// The space of what was asked. It makes at most `limit` nodes.
    pub(crate) fn finish(mut self, limit: usize) -> Result<Space, Undecided> {
        let facts = self.facts();
        let mut by_term: BTreeMap<Term, Vec<usize>> = BTreeMap::new();
        for (at, atom) in self.atoms.iter().enumerate() {
            by_term.entry(atom.term.clone()).or_default().push(at);
        }
        let over_paths = by_term.remove(&Term::Path).unwrap_or_default();
        let deepest = by_term.keys().filter_map(|term| match term {
            Term::Segment(place) => Some(*place),
            _ => None,
        });
        let deepest = deepest.max().or((!over_paths.is_empty()).then_some(0));
        if let Some(deepest) = deepest {
            // Every place before the deepest, so that a path is known from its first segment on.
            for place in 0..=deepest {
                by_term.entry(Term::Segment(place)).or_default();
            }
            if !over_paths.is_empty() {
                by_term.insert(Term::Rest(deepest + 1), over_paths.clone());
            }
        }
        let mut fields: Vec<Field> = Vec::new();
        let mut places: Vec<Standing> = vec![Standing::Walked; self.atoms.len()];
        let mut patterns = self.patterns(&over_paths);
        for (term, atoms) in &by_term {
            let field = fields.len();
            if let Term::Rest(_) = term {
                match patterns.as_mut().and_then(|patterns| patterns.rest(field, self.patience)) {
                    Some(samples) => {
                        fields.push(Field::cut(term.clone(), samples, true));
                    }
                    None => {
                        patterns = None;
                        for at in atoms {
                            let field = self.alone(*at, term, &mut fields);
                            set_at(&mut places, *at, Standing::Alone(field));
                        }
                    }
                }
                continue;
            }
            let asked: Vec<cut::Asked<'_>> = atoms
                .iter()
                .filter_map(|at| self.atoms.get(*at))
                .map(|atom| (atom.kind.as_ref(), &atom.test))
                .collect();
            let is_segment = matches!(term, Term::Segment(_));
            let led = patterns.as_ref().filter(|_| is_segment).map(paths::Patterns::apart);
            let known = led.as_ref().is_none_or(Option::is_some);
            let led = led.flatten().unwrap_or_default();
            let classes = cut::classes(&self.kind(term), &asked, &led, self.patience);
            if is_segment {
                patterns = patterns.filter(|_| known && classes.led).and_then(|mut patterns| {
                    patterns.advance(field, &classes.samples)?;
                    Some(patterns)
                });
            }
            let settable = self.settable(term);
            fields.push(Field::cut(term.clone(), classes.samples, settable));
            let mut but = classes.but;
            for (question, (at, cut)) in atoms.iter().zip(classes.cut).enumerate() {
                let place = match but.remove(&question).filter(|but| !but.is_empty()) {
                    _ if !cut => Standing::Alone(self.alone(*at, term, &mut fields)),
                    Some(but) => Standing::Partly(field, but, self.alone(*at, term, &mut fields)),
                    None => Standing::Cut(field),
                };
                set_at(&mut places, *at, place);
            }
        }
        let n_classes = fields.iter().map(|field| field.samples.len() as u32).collect();
        let mut diagram = Diagram::new(n_classes, self.patience.limit(limit));
        let mut indexes: Vec<Index> = fields.iter().map(Index::of).collect();
        let mut atoms = Vec::with_capacity(self.atoms.len());
        for (atom, place) in self.atoms.iter().zip(places) {
            atoms.push(match place {
                Standing::Cut(field) => {
                    let index = indexes.get_mut(field).ok_or(Undecided)?;
                    diagram.classes(field, &index.holding(atom))?
                }
                Standing::Alone(field) => diagram.classes(field, &[0])?,
                Standing::Partly(field, but, alone) => {
                    let index = indexes.get_mut(field).ok_or(Undecided)?;
                    let mut holding = index.holding(atom);
                    holding.retain(|class| !but.contains(class));
                    let known = diagram.classes(field, &holding)?;
                    let unknown = diagram.classes(field, &but)?;
                    let alone = diagram.classes(alone, &[0])?;
                    let alone = diagram.meet(unknown, alone)?;
                    diagram.join(known, alone)?
                }
                // Below.
                Standing::Walked => Set::NONE,
            });
        }
        if let Some(patterns) = patterns {
            for (at, set) in patterns.sets(&mut diagram)? {
                if let Some(atom) = atoms.get_mut(at) {
                    *atom = set;
                }
            }
        }
        let mut space = Space { fields, diagram, atoms, possible: Set::ALL, facts: Set::ALL };
        let mut possible = space.paths()?;
        for rule in &self.rules {
            let rule = space.build(rule)?;
            possible = space.diagram.meet(possible, rule)?;
        }
        if let Some(mirror) = &self.mirror {
            let same = space.same(mirror)?;
            possible = space.diagram.meet(possible, same)?;
        }
        for fact in &facts {
            let fact = space.build(fact)?;
            space.facts = space.diagram.meet(space.facts, fact)?;
        }
        space.possible = space.diagram.meet(possible, space.facts)?;
        Ok(space)
    }

    /// A field for an atom alone, which no request can be made to fit.
    fn alone(&self, at: usize, term: &Term, fields: &mut Vec<Field>) -> usize {
        let samples = vec![Value::Bool(true), Value::Bool(false)];
        let alone = self.atoms.get(at).map(|atom| (atom.test.clone(), atom.by));
        fields.push(Field { term: term.clone(), samples, settable: false, alone });
        fields.len() - 1
    }

    /// The patterns over whole paths that these atoms ask, if they can be walked.
    fn patterns(&self, atoms: &[usize]) -> Option<paths::Patterns> {
        let pattern = |at: &usize| Some((*at, self.atoms.get(*at)?.test.language()?));
        let patterns: Option<Vec<(usize, String)>> = atoms.iter().map(pattern).collect();
        patterns
            .filter(|patterns| !patterns.is_empty())
            .and_then(|patterns| paths::Patterns::new(patterns, self.patience))
    }

    fn kind(&self, term: &Term) -> Kind {
        match term {
            Term::Host => Kind::Host,
            // What is behind the segments is cut by patterns over the whole path.
            Term::Segment(_) | Term::Rest(_) | Term::Path => Kind::Segment,
            Term::Method => Kind::Value(Ty::Method),
            Term::Slot(slot) => {
                let slot = self.program.slots.get(slot.0 as usize);
                match slot.map_or("", |slot| &*slot.field) {
                    "req.header" => Kind::Header,
                    "req.cookie" => Kind::Cookie,
                    "conn.sni" => Kind::Name,
                    "req.id" => Kind::Id,
                    _ => Kind::Value(slot.map_or(Ty::Error, |slot| slot.ty.clone())),
                }
            }
            Term::Claim(slot, name) => {
                let slot = self.program.slots.get(slot.0 as usize);
                let ty = slot.and_then(|slot| identity::claim(&slot.ty, name));
                Kind::Value(ty.cloned().unwrap_or(Ty::Json.optional()))
            }
            Term::Stripped(_) | Term::Held(..) => Kind::Value(Ty::Bool),
            Term::Unknown(_, Of::Status) => Kind::Value(Ty::Status),
            Term::Unknown(_, Of::Header) => Kind::Value(Ty::String.optional()),
            Term::Computed(id, _) => Kind::Value(match self.program.expr(*id) {
                Expr::Input(input) => {
                    let input = self.program.inputs.get(input.0 as usize);
                    input.map_or(Ty::Error, |input| input.ty.clone())
                }
                Expr::Call(function, _) => (function.returns)().optional(),
                expr if expr.is_boolean() == Some(true) => Ty::Bool,
                Expr::Template(_) => Ty::String,
                _ => Ty::Json.optional(),
            }),
        }
    }

    fn settable(&self, term: &Term) -> bool {
        match term {
            Term::Host
            | Term::Segment(_)
            | Term::Rest(_)
            | Term::Path
            | Term::Method
            | Term::Stripped(_)
            | Term::Claim(..)
            | Term::Held(..) => true,
            Term::Slot(slot) => is_free(self.program, *slot),
            Term::Computed(..) | Term::Unknown(..) => false,
        }
    }
}

impl Space {
    /// The requests that a formula takes.
    pub(crate) fn set(&mut self, formula: &Formula) -> Result<Set, Undecided> {
        let set = self.build(formula)?;
        self.diagram.meet(set, self.possible)
    }

    /// The requests in both.
    pub(crate) fn meet(&mut self, a: Set, b: Set) -> Result<Set, Undecided> {
        self.diagram.meet(a, b)
    }

    /// How two sets lie to each other.
    pub(crate) fn relation(&mut self, a: Set, b: Set) -> Result<Relation, Undecided> {
        self.diagram.relation(a, b)
    }

    /// The requests in the first and not in the second.
    pub(crate) fn minus(&mut self, a: Set, b: Set) -> Result<Set, Undecided> {
        self.diagram.minus(a, b)
    }

    /// The requests in one of these.
    pub(crate) fn join_all(&mut self, mut sets: Vec<Set>) -> Result<Set, Undecided> {
        // In pairs, so that no side grows faster than it must.
        while sets.len() > 1 {
            let mut joined = Vec::with_capacity(sets.len().div_ceil(2));
            for pair in sets.chunks(2) {
                joined.push(match pair {
                    [a, b] => self.diagram.join(*a, *b)?,
                    rest => rest.first().copied().unwrap_or(Set::NONE),
                });
            }
            sets = joined;
        }
        Ok(sets.first().copied().unwrap_or(Set::NONE))
    }

    /// Values that make a request belong to the set, as far as it matters. `None` where no request can be made to belong
    /// to it for certain; that does not mean there is none.
    pub(crate) fn witness(&mut self, set: Set) -> Option<Vec<(Term, Value)>> {
        let fields = &self.fields;
        let opaque = |field: usize| fields.get(field).is_none_or(|field| !field.settable);
        let diagram = &mut self.diagram;
        let mut certain = || {
            if self.facts == Set::ALL {
                return diagram.whatever(set, &opaque);
            }
            // Of every request something is computed that fits the facts; nothing else is to be feared.
            let unfit = diagram.negate(self.facts)?;
            let either = diagram.join(set, unfit)?;
            let certain = diagram.whatever(either, &opaque)?;
            let outside = diagram.negate(set)?;
            let never = diagram.whatever(outside, &opaque)?;
            diagram.minus(certain, never)
        };
        let certain = certain().ok()?;
        self.values(certain)
    }

    /// Like [`Space::witness`], but as if computed values could be chosen: a guess, to be replayed.
    pub(crate) fn guess(&self, set: Set) -> Option<Vec<(Term, Value)>> {
        self.values(set)
    }

    /// The fields on which the set hangs and which no request can be made to fit.
    pub(crate) fn computed(&self, set: Set) -> Vec<Term> {
        let fields = self.diagram.support(set).into_iter();
        let fields = fields.filter_map(|field| self.fields.get(field));
        let mut terms: Vec<Term> =
            fields.filter(|field| !field.settable).map(|field| field.term.clone()).collect();
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// Fields for which the set lies in a few classes, and these.
    pub(crate) fn allowed(&self, set: Set) -> Vec<(usize, Vec<u32>)> {
        let fields = self.diagram.support(set).into_iter();
        fields.filter_map(|field| Some((field, self.diagram.allowed(set, field)?))).collect()
    }

    fn values(&self, set: Set) -> Option<Vec<(Term, Value)>> {
        let picked = self.diagram.pick(set)?;
        let values = picked.into_iter().filter_map(|(field, class)| {
            let field = self.fields.get(field).filter(|field| field.settable)?;
            Some((field.term.clone(), field.samples.get(class as usize)?.clone()))
        });
        Some(values.collect())
    }

    fn build(&mut self, formula: &Formula) -> Result<Set, Undecided> {
        Ok(match formula {
            Formula::Always(true) => Set::ALL,
            Formula::Always(false) => Set::NONE,
            Formula::Atom(AtomId(at)) => self.atoms.get(*at as usize).copied().ok_or(Undecided)?,
            Formula::Not(inner) => {
                let inner = self.build(inner)?;
                self.diagram.negate(inner)?
            }
            Formula::All(parts) => {
                let mut all = Set::ALL;
                for part in parts {
                    let part = self.build(part)?;
                    all = self.diagram.meet(all, part)?;
                }
                all
            }
            Formula::Any(parts) => {
                let parts: Result<Vec<Set>, Undecided> =
                    parts.iter().map(|part| self.build(part)).collect();
                self.join_all(parts?)?
            }
        })
    }

    /// The requests in which two fields are in classes of the same sample.
    fn same(&mut self, mirror: &Mirror) -> Result<Set, Undecided> {
        let place = |term: &Term| {
            self.fields.iter().position(|field| field.term == *term && field.settable)
        };
        let (Some(one), Some(other)) = (place(&mirror.one), place(&mirror.other)) else {
            return Ok(Set::ALL);
        };
        let samples = |at: usize| self.fields.get(at).map(|field| field.samples.clone());
        let (mine, theirs) = (samples(one).unwrap_or_default(), samples(other).unwrap_or_default());
        let mut alike = vec![self.build(&mirror.unless)?];
        for (class, sample) in (0..).zip(&mine) {
            let Some(at) = theirs.iter().position(|theirs| theirs == sample) else { continue };
            let here = self.diagram.classes(one, &[class])?;
            let there = self.diagram.classes(other, &[at as u32])?;
            alike.push(self.diagram.meet(here, there)?);
        }
        self.join_all(alike)
    }

    /// The paths there can be: an empty segment is the last, and behind the end there is nothing.
    fn paths(&mut self) -> Result<Set, Undecided> {
        let segments: Vec<usize> = self
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| {
                matches!(field.term, Term::Segment(_) | Term::Rest(_)) && field.settable
            })
            .map(|(at, _)| at)
            .collect();
        let mut possible = Set::ALL;
        for pair in segments.windows(2) {
            let [before, after] = pair else { continue };
            // The first two classes of a segment are the end and the empty text.
            let ended = self.diagram.classes(*before, &[0, 1])?;
            let nothing = self.diagram.classes(*after, &[0])?;
            let more = self.diagram.minus(ended, nothing)?;
            possible = self.diagram.minus(possible, more)?;
        }
        Ok(possible)
    }
}

/// Whether a slot can be given any value. What other fields, or the framing of a request, say too can not.
fn is_free(program: &Program, slot: SlotId) -> bool {
    program.slots.get(slot.0 as usize).is_some_and(|slot| {
        let reads_cookies = || program.slots.iter().any(|s| &*s.field == "req.cookie");
        match (&*slot.field, slot.key.as_deref()) {
            ("req.target" | "req.header.all" | "req.query.all", _)
            | ("req.header", Some("host" | "content-length" | "transfer-encoding")) => false,
            ("req.header", Some("cookie")) => !reads_cookies(),
            _ => true,
        }
    })
}

impl Field {
    fn cut(term: Term, samples: Vec<Value>, settable: bool) -> Field {
        Field { term, samples, settable, alone: None }
    }
}

/// A field's samples, for tests to be asked of: thousands of routes may each ask for something else.
struct Index<'f> {
    samples: &'f [Value],
    /// In the order of values, with their classes.
    sorted: Vec<(&'f Value, u32)>,
    /// What captures of a kind make of the samples, where they hold them.
    captured: HashMap<Segments, Vec<Option<Value>>>,
}

impl<'f> Index<'f> {
    fn of(field: &'f Field) -> Index<'f> {
        let mut sorted: Vec<(&Value, u32)> = field.samples.iter().zip(0..).collect();
        sorted.sort_unstable();
        Index { samples: &field.samples, sorted, captured: HashMap::new() }
    }

    /// The class that this value is the sample of.
    fn class(&self, value: &Value) -> Option<u32> {
        let at = self.sorted.binary_search_by(|(sample, _)| (*sample).cmp(value)).ok()?;
        self.sorted.get(at).map(|(_, class)| *class)
    }

    /// The classes for which the atom's test holds.
    fn holding(&mut self, atom: &Atom) -> Vec<u32> {
        let Some(kind) = &atom.kind else { return self.holding_whole(&atom.test) };
        let samples = self.samples.iter();
        let captured = self.captured.entry(kind.clone()).or_insert_with(|| {
            let held = samples.map(|sample| sample.as_str().filter(|text| kind.holds(text)));
            held.map(|text| text.map(|text| kind.value(text))).collect()
        });
        let holds = |value: &Option<Value>| value.as_ref().is_some_and(|v| atom.test.holds(v));
        (0..).zip(captured).filter(|(_, value)| holds(value)).map(|(class, _)| class).collect()
    }

    /// The same for a test of the whole value.
    fn holding_whole(&self, test: &Test) -> Vec<u32> {
        let named = match test {
            Test::Compare(lang::policy::Compare::Eq, value) => Some(vec![value]),
            Test::Matches(_) | Test::In(_) => test.points(),
            _ => None,
        };
        let is_plain = |value: &&Value| matches!(value, Value::String(_) | Value::Method(_));
        if let Some(named) = named.filter(|named| named.iter().all(is_plain)) {
            let mut holding: Vec<u32> =
                named.into_iter().filter_map(|value| self.class(value)).collect();
            holding.sort_unstable();
            holding.dedup();
            return holding;
        }
        let lookup = match test {
            Test::In(of) => Lookup::of(of),
            _ => None,
        };
        let holds = |sample: &Value| {
            let known = lookup.as_ref().and_then(|lookup| lookup.holds(sample));
            known.unwrap_or_else(|| test.holds(sample))
        };
        (0..)
            .zip(self.samples)
            .filter(|(_, sample)| holds(sample))
            .map(|(class, _)| class)
            .collect()
    }
}

fn set_at(places: &mut [Standing], at: usize, standing: Standing) {
    if let Some(place) = places.get_mut(at) {
        *place = standing;
    }
}
