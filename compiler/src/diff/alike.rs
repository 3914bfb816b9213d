//! Statements that are not written alike and come to the same: which requests get the same of both for certain. What a
//! policy has been spared because it is known there, `??` behind a field that is present for example, is found equal
//! where it is known.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lang::policy::Compare;
use lang::vocab::ExprId;
use lang::{Ty, Value};

use crate::diff::effect::{Captured, Does, Effect};
use crate::diff::fate::Fate;
use crate::diff::idle::is_alone;
use crate::diff::typed::ty;
use crate::frame::SlotId;
use crate::program::{Expr, named};
use crate::proof::basis::Basis;
use crate::space::{Cut, Env, Formula, Set, Space, Test, Undecided};

/// The most choices of the arguments of one way, and the most steps in which two of them are compared.
const CHOICES: usize = 64;
const STEPS: usize = 512;

/// What decides to what the arguments of one way come.
#[derive(Default, Debug)]
pub(super) struct Choices {
    /// What is asked where an expression chooses, each time for what is chosen first: of `??` whether there is something,
    /// of `match` whether an arm takes it.
    taken: HashMap<ExprId, Vec<Formula>>,
    /// Whether what a request says is what a constant of the other side is.
    equal: HashMap<(ExprId, ExprId), Formula>,
}

/// Adds what the arguments choose by, and whether they are what the other side has in the place of one (`elsewhere`), or
/// chooses there.
pub(super) fn choices(
    basis: &Basis<'_>,
    (arguments, elsewhere): (Vec<ExprId>, &BTreeSet<ExprId>),
    cut: &mut Cut<'_>,
    env: Env<'_>,
) -> Choices {
    let program = &basis.program;
    let mut choices = Choices::default();
    let constants = chosen(basis, elsewhere);
    for (id, expr) in program.walk(arguments, env.locals).take(STEPS) {
        if choices.taken.len() >= CHOICES {
            break;
        }
        match expr {
            Expr::Slot(_) | Expr::Capture(_) | Expr::Member(..) => {
                for (constant, value) in &constants {
                    if choices.equal.len() >= CHOICES {
                        break;
                    }
                    let asked = match value {
                        Value::Absent => cut.ask(id, &Test::Present, env).not(),
                        value => cut.ask(id, &Test::Compare(Compare::Eq, (*value).clone()), env),
                    };
                    choices.equal.insert((id, *constant), asked);
                }
            }
            Expr::Coalesce(first, _) => {
                choices.taken.insert(id, vec![cut.ask(*first, &Test::Present, env)]);
            }
            Expr::Match(subject, arms) => {
                let taken = arms.iter().map(|arm| match &arm.patterns {
                    Some(patterns) => cut.ask(*subject, &Test::Matches(patterns.clone()), env),
                    None => Formula::Always(true),
                });
                choices.taken.insert(id, taken.collect());
            }
            _ => {}
        }
    }
    choices
}

/// The constants that these expressions are, or choose among.
fn chosen<'b>(basis: &'b Basis<'_>, of: &BTreeSet<ExprId>) -> Vec<(ExprId, &'b Value)> {
    let (mut open, mut seen) = (Vec::from_iter(of.iter().copied()), HashSet::new());
    let mut constants = Vec::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) || seen.len() > STEPS {
            continue;
        }
        match basis.constants.get(id) {
            Some(value @ (Value::String(_) | Value::Int(_) | Value::Absent)) => {
                constants.push((id, value));
            }
            Some(_) => {}
            None => open.extend(basis.program.expr(id).alternatives().into_iter().flatten()),
        }
    }
    constants
}

/// The statements of one way, with what tells to what they come.
#[derive(Clone, Copy)]
pub(super) struct Told<'f> {
    pub(super) fate: &'f Fate,
    pub(super) choices: &'f Choices,
}

/// Of these requests, those that get the same of the statements of both, for certain. The listener may believe what a peer
/// says about the client, if it `believes`.
pub(super) fn alike(
    (basis, believes): (&Basis<'_>, bool),
    space: &mut Space,
    set: Set,
    (old, new): (Told<'_>, Told<'_>),
    idle: &BTreeMap<Does, Formula>,
) -> Result<Set, Undecided> {
    let (mut olds, mut news) =
        (old.fate.effects.iter().peekable(), new.fate.effects.iter().peekable());
    let mut left = set;
    while olds.peek().is_some() || news.peek().is_some() {
        // What only one side has may come to nothing.
        let lone = |one: Option<&&Effect>, own: &Fate, other: &Fate| {
            one.filter(|one| is_alone(one, own, other)).and_then(|one| idle.get(&one.does))
        };
        let of_old = lone(olds.peek(), old.fate, new.fate);
        let of_new = lone(news.peek(), new.fate, old.fate);
        if let Some(nothing) = of_old.or(of_new) {
            let nothing = space.set(nothing)?;
            left = space.meet(left, nothing)?;
            let side = if of_old.is_some() { &mut olds } else { &mut news };
            side.next();
            continue;
        }
        let (Some(one), Some(other)) = (olds.next(), news.next()) else { return Ok(Set::NONE) };
        if one.does == other.does {
            continue;
        }
        if !one.does.is_like(&other.does) {
            return Ok(Set::NONE);
        }
        let choices = [old.choices, new.choices];
        let mut pair = Pair { basis, believes, choices, effects: [one, other], steps: STEPS };
        for (at, (a, b)) in one.does.args.iter().zip(&other.does.args).enumerate() {
            left = pair.same(space, left, Stands::of(one, at), (*a, *b))?;
        }
    }
    Ok(left)
}

/// Where a value stands: what of it counts there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// In a text, or where only texts can stand, or where requests are told apart: how it is written.
    Text,
    /// In the key of a limit: how it is written, but for addresses, of which only the first bits count.
    Key,
    /// Elsewhere, as in a document: its type, too.
    Value,
}

impl Stands {
    /// Where an argument of a statement stands.
    fn of(effect: &Effect, at: usize) -> Stands {
        match (&*effect.does.action, effect.names.get(at)) {
            ("limit", Some(&"value")) => Stands::Key,
            ("cache", Some(&"key")) => Stands::Text,
            _ if effect.does.place.is_some() => Stands::Text,
            _ => Stands::Value,
        }
    }

    /// Whether a value of this type counts as the text that it is written as.
    fn is_as_text(self, ty: &Ty) -> bool {
        match self {
            Stands::Text => true,
            Stands::Key => !matches!(ty, Ty::Ip | Ty::Json | Ty::List(_) | Ty::Error),
            Stands::Value => {
                matches!(ty, Ty::String | Ty::OneOf(_) | Ty::Uuid | Ty::Method | Ty::Ip)
            }
        }
    }

    /// Where an operand stands of an expression that stands here.
    fn within(self, expr: &Expr) -> Stands {
        match expr {
            Expr::Template(_) => Stands::Text,
            Expr::List(_) => self,
            _ => Stands::Value,
        }
    }
}

struct Pair<'d> {
    basis: &'d Basis<'d>,
    /// Whether the listener may believe what a peer says about the client.
    believes: bool,
    choices: [&'d Choices; 2],
    effects: [&'d Effect; 2],
    steps: usize,
}

impl Pair<'_> {
    /// Of these requests, those for which both come to the same.
    fn same(
        &mut self,
        space: &mut Space,
        set: Set,
        stands: Stands,
        (a, b): (ExprId, ExprId),
    ) -> Result<Set, Undecided> {
        let Some(steps) = self.steps.checked_sub(1) else { return Ok(Set::NONE) };
        self.steps = steps;
        if set == Set::NONE {
            return Ok(set);
        }
        for (side, own) in [a, b].into_iter().enumerate() {
            let Some(cases) = self.cases(side, own) else { continue };
            let mut left = set;
            let mut same = Vec::new();
            for (taken, value) in cases {
                let taken = space.set(&taken)?;
                let within = space.meet(left, taken)?;
                left = space.minus(left, taken)?;
                let (a, b) = if side == 0 { (value, b) } else { (a, value) };
                same.push(self.same(space, within, stands, (a, b))?);
            }
            return space.join_all(same);
        }
        let Basis { program, constants, .. } = self.basis;
        if let (Some(one), Some(other)) = (constants.get(a), constants.get(b)) {
            return Ok(if one == other { set } else { Set::NONE });
        }
        for (side, said, constant) in [(0, a, b), (1, b, a)] {
            if constants.get(constant).is_some()
                && let Some(equal) = self.equal(side, said, constant)
            {
                let equal = space.set(equal)?;
                return space.meet(set, equal);
            }
        }
        let pairs: Vec<(ExprId, ExprId)> = match (program.expr(a), program.expr(b)) {
            (Expr::Input(one), Expr::Input(other)) if one == other => return Ok(set),
            (Expr::Slot(one), Expr::Slot(other)) => {
                let is_stable = program.slot(*one).is_some_and(|slot| slot.stable);
                // Unless somebody is believed, the client is whoever has opened the connection.
                let is_peer = |slot: &SlotId| {
                    let field = program.slot(*slot).map_or("", |slot| &*slot.field);
                    !self.believes && matches!(field, "client.ip" | "conn.peer")
                };
                let is_same = (one == other && is_stable) || (is_peer(one) && is_peer(other));
                return Ok(if is_same { set } else { Set::NONE });
            }
            (Expr::Capture(one), Expr::Capture(other)) => {
                let captured = self.captured(0, one).zip(self.captured(1, other));
                let is_same = captured.is_some_and(|(one, other)| {
                    let is_as_text = stands != Stands::Value || one.is_number == other.is_number;
                    one.at == other.at && is_as_text
                });
                return Ok(if is_same { set } else { Set::NONE });
            }
            (Expr::Member(one, name), Expr::Member(other, named)) if name == named => {
                vec![(*one, *other)]
            }
            (Expr::Call(one, of), Expr::Call(other, than))
                if one.name == other.name && of.len() == than.len() =>
            {
                of.iter().copied().zip(than.iter().copied()).collect()
            }
            (Expr::Template(of), Expr::Template(than)) | (Expr::List(of), Expr::List(than))
                if of.len() == than.len() =>
            {
                of.iter().copied().zip(than.iter().copied()).collect()
            }
            (Expr::Record(of), Expr::Record(than))
                if of.iter().map(|(name, _)| name).eq(than.iter().map(|(name, _)| name)) =>
            {
                of.iter().zip(than).map(|((_, one), (_, other))| (*one, *other)).collect()
            }
            // Text that is nothing but this.
            (Expr::Template(parts), _) if parts.len() == 1 && self.is_as_text(1, stands, b) => {
                return self.same(space, set, Stands::Text, (*parts.first().unwrap_or(&a), b));
            }
            (_, Expr::Template(parts)) if parts.len() == 1 && self.is_as_text(0, stands, a) => {
                return self.same(space, set, Stands::Text, (a, *parts.first().unwrap_or(&b)));
            }
            _ => return Ok(Set::NONE),
        };
        let stands = stands.within(program.expr(a));
        pairs.into_iter().try_fold(set, |left, pair| self.same(space, left, stands, pair))
    }

    /// Whether what a side's expression comes to counts as the text that it is written as.
    fn is_as_text(&self, side: usize, stands: Stands, id: ExprId) -> bool {
        stands == Stands::Text || self.ty(side, id).is_some_and(|ty| stands.is_as_text(&ty))
    }

    /// Of which type a side's expression is, where it is there and that is known.
    fn ty(&self, side: usize, id: ExprId) -> Option<Ty> {
        let effect = self.effects.get(side)?;
        ty(&self.basis.program, id, &effect.named, &effect.does.captured)
    }

    /// What a side's name for a part of the path is.
    fn captured(&self, side: usize, name: &str) -> Option<&Captured> {
        self.effects.get(side)?.does.captured.iter().find(|known| *known.name == *name)
    }

    /// When a side says what a constant of the other side is, if that is known.
    fn equal(&self, side: usize, said: ExprId, constant: ExprId) -> Option<&Formula> {
        self.choices.get(side)?.equal.get(&(said, constant))
    }

    /// What a side's expression comes to, and when, if it is one of several; the first that is taken counts.
    fn cases(&self, side: usize, id: ExprId) -> Option<Vec<(Formula, ExprId)>> {
        let whole = || Formula::Always(true);
        match self.basis.program.expr(id) {
            Expr::Local(local) => {
                let lets = &self.effects.get(side)?.named;
                Some(vec![(whole(), named(lets, *local)?)])
            }
            Expr::Coalesce(first, second) => {
                let present = self.choices.get(side)?.taken.get(&id)?.first()?.clone();
                Some(vec![(present, *first), (whole(), *second)])
            }
            Expr::Match(_, arms) => {
                let taken = self.choices.get(side)?.taken.get(&id)?;
                Some(taken.iter().cloned().zip(arms.iter().map(|arm| arm.value)).collect())
            }
            _ => None,
        }
    }
}
