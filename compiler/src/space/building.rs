//! From what was asked to a space: each field is cut into classes, and each test becomes the set of those for which it
//! holds. A test that cannot be cut gets a field of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use lang::{Ty, Value};

use super::cut::{self, Kind};
use super::diagram::{Diagram, Set, Undecided};
use super::few;
use super::fields::{Field, Index};
use super::identity;
use super::paths;
use super::reading::Cut;
use super::sets::Space;
use super::solve::Names;
use super::term::{Of, Term};
use crate::frame::SlotId;
use crate::program::{Expr, Program};

/// Where an atom's answer stands.
#[derive(Clone)]
enum Standing {
    /// In the classes of this field.
    Cut(usize),
    /// In this field, which has no other use.
    Alone(usize),
    /// In the classes of the first field, but for these, where it stands in the second.
    Partly(usize, Vec<u32>, usize),
    /// In these classes of this field.
    Listed(usize, Vec<u32>),
    /// In the segments and what is behind them, all together.
    Walked,
}

impl Cut<'_> {
    /// The space of what was asked. It makes at most `limit` nodes.
    pub(crate) fn finish(mut self, limit: usize) -> Result<Space, Undecided> {
        let mut facts = self.facts();
        facts.append(&mut self.facts);
        let mut by_term: BTreeMap<Term, Vec<usize>> = BTreeMap::new();
        for (at, atom) in self.atoms.iter().enumerate() {
            by_term.entry(atom.term.clone()).or_default().push(at);
        }
        let over_paths = by_term.remove(&Term::Path).unwrap_or_default();
        let deepest = by_term.keys().filter_map(|term| match term {
            Term::Segment(place) => Some(*place),
            _ => None,
        });
        let deepest = deepest.max();
        // Of paths that are only counted, nothing is to be known segment by segment.
        let counted = match deepest {
            None => cut::counted_paths(&self.questions(&over_paths)),
            Some(_) => None,
        };
        if counted.is_some() {
            by_term.insert(Term::Rest(0), over_paths.clone());
        }
        let walks = !over_paths.is_empty() && counted.is_none();
        let deepest = deepest.or(walks.then_some(0));
        if let Some(deepest) = deepest {
            // Every place before the deepest, so that a path is known from its first segment on.
            for place in 0..=deepest {
                by_term.entry(Term::Segment(place)).or_default();
            }
            if walks {
                by_term.insert(Term::Rest(deepest + 1), over_paths.clone());
            }
        }
        let mut fields: Vec<Field> = Vec::new();
        let mut places: Vec<Standing> = vec![Standing::Walked; self.atoms.len()];
        let mut patterns = walks.then(|| self.patterns(&over_paths)).flatten();
        for (term, atoms) in &by_term {
            let field = fields.len();
            if let (Term::Rest(_), Some(samples)) = (term, &counted) {
                for at in atoms {
                    let holding =
                        self.atoms.get(*at).map(|atom| paths::holding(&atom.test, samples));
                    let holding = Standing::Listed(field, holding.unwrap_or_default());
                    set_at(&mut places, *at, holding);
                }
                fields.push(Field::cut(term.clone(), samples.clone(), true));
                continue;
            }
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
            let asked = self.questions(atoms);
            let is_segment = matches!(term, Term::Segment(_));
            let led = patterns.as_ref().filter(|_| is_segment).map(paths::Patterns::apart);
            let known = led.as_ref().is_none_or(Option::is_some);
            let led = led.flatten().unwrap_or_default();
            let kind = self.kind(term);
            let classes = cut::classes(&kind, &asked, &led, self.patience);
            if is_segment {
                patterns = patterns.filter(|_| known && classes.led).and_then(|mut patterns| {
                    patterns.advance(field, &classes.samples)?;
                    Some(patterns)
                });
            }
            let settable = self.settable(term);
            // Whatever is asked of what the gateway makes, nobody can choose it.
            let by = atoms.first().and_then(|at| self.atoms.get(*at)?.by);
            let by = by.filter(|_| kind == Kind::Id);
            fields.push(Field { by, ..Field::cut(term.clone(), classes.samples, settable) });
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
                Standing::Listed(field, holding) => diagram.classes(field, &holding)?,
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
        let names = Names { places: std::mem::take(&mut self.places) };
        let shared = std::mem::take(&mut self.shared.formulas);
        let shared = shared.into_iter().map(|formula| (Arc::new(formula), None)).collect();
        let (possible, known) = (Set::ALL, Set::ALL);
        let mut space = Space { fields, diagram, atoms, shared, names, possible, facts: known };
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

    /// What these atoms ask.
    fn questions(&self, atoms: &[usize]) -> Vec<cut::Asked<'_>> {
        let atoms = atoms.iter().filter_map(|at| self.atoms.get(*at));
        atoms.map(|atom| (atom.kind.as_ref(), &atom.test)).collect()
    }

    /// A field for an atom alone, which no request can be made to fit.
    fn alone(&self, at: usize, term: &Term, fields: &mut Vec<Field>) -> usize {
        let samples = vec![Value::Bool(true), Value::Bool(false)];
        let atom = self.atoms.get(at);
        let (alone, by) = (atom.map(|atom| atom.test.clone()), atom.and_then(|atom| atom.by));
        fields.push(Field { term: term.clone(), samples, settable: false, alone, by });
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
                let slot = self.program.slot(*slot);
                match slot.map_or("", |slot| &*slot.field) {
                    "req.header" => Kind::Header,
                    "req.cookie" => Kind::Cookie,
                    "conn.sni" => Kind::Name,
                    "conn.alpn" => Kind::Value(Ty::one_of(few::PROTOCOLS).optional()),
                    "conn.tls.client" => Kind::Subject,
                    "req.id" => Kind::Id,
                    "req.json" => Kind::Document,
                    _ => Kind::Value(slot.map_or(Ty::Error, |slot| slot.ty.clone())),
                }
            }
            Term::Claim(slot, name) => {
                let slot = self.program.slot(*slot);
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

/// Whether a slot can be given any value. What other fields, or the framing of a request, say too can not.
pub(super) fn is_free(program: &Program, slot: SlotId) -> bool {
    program.slot(slot).is_some_and(|slot| {
        let reads_cookies = || program.slots.iter().any(|s| &*s.field == "req.cookie");
        match (&*slot.field, slot.key.as_deref()) {
            ("req.target" | "req.header.all" | "req.query.all" | "req.id", _)
            | ("req.header", Some("host" | "content-length" | "transfer-encoding")) => false,
            ("req.header", Some("cookie")) => !reads_cookies(),
            _ => true,
        }
    })
}

/// Whether a request can say what a slot reads, as it likes.
pub(crate) fn is_sayable(program: &Program, slot: SlotId) -> bool {
    program.slot(slot).is_some_and(|slot| slot.stable) && is_free(program, slot)
}

fn set_at(places: &mut [Standing], at: usize, standing: Standing) {
    if let Some(place) = places.get_mut(at) {
        *place = standing;
    }
}
