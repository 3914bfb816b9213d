//! What a client is held to: of what it says, that which the requests of one kind cannot say as they like. A host or a path
//! holds it, a requirement, or who it is known to be.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use lang::Value;
use lang::policy::Compare;
use lang::vocab::ExprId;

use super::besides;
use super::effect::{Captured, Does};
use super::part::Part;
use super::put::{said, verified};
use crate::program::{Expr, locals, named};
use crate::proof::basis::{Basis, Side, Taken};
use crate::proof::course::Course;
use crate::space::{Cut, Env, Formula, Set, Space, Test, Undecided};

/// A word that no policy has, with a letter that is seldom let in.
const WORD: &str = "any~word";
const PATH: &str = "/any~word";
const HOST: &str = "any-word.example";

/// The most of what is verified that is asked whether it is that word, too, and the most that is asked for it.
const MOST_VERIFIED: usize = 16;
const MOST: usize = 64;

/// How a client is held in something that it says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Hold {
    /// It says what it likes.
    Not,
    /// A condition asks something of it.
    Perhaps,
    /// It cannot say any word at all.
    Firmly,
}

/// What a client says: an expression, by the place of its segment where it is one.
pub(super) type Saying = (ExprId, Option<usize>);

/// How a client is held in what some requests say.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Holds {
    firmly: BTreeSet<Saying>,
    asked: BTreeSet<Saying>,
}

impl Holds {
    /// In this.
    pub(super) fn of(&self, saying: Saying) -> Hold {
        match (self.firmly.contains(&saying), self.asked.contains(&saying)) {
            (true, _) => Hold::Firmly,
            (_, true) => Hold::Perhaps,
            _ => Hold::Not,
        }
    }
}

/// The requests that say any word at all in something, whoever asks.
#[derive(Default)]
pub(super) struct Free(BTreeMap<Saying, Formula>);

impl Free {
    /// Asks it of what these statements of a route read, and of what stood where they put something. What is `verified` may
    /// be what a client is held to.
    pub(super) fn add<'d>(
        &mut self,
        basis: &Basis<'_>,
        does: impl Iterator<Item = &'d Does>,
        (captured, env): (&[Captured], Env<'_>),
        verified: &[(ExprId, Env<'_>)],
        cut: &mut Cut<'_>,
    ) {
        for does in does {
            let read = does.reads().flat_map(|id| said(basis, id, env.locals));
            let read: Vec<ExprId> = read.chain(besides::as_came(basis, does)).collect();
            for id in read {
                let saying = (id, Captured::place(basis, id, captured));
                let is_another = matches!(basis.program.expr(id), Expr::Capture(_));
                if self.0.len() >= MOST || (is_another && saying.1.is_none()) {
                    continue;
                }
                let Entry::Vacant(entry) = self.0.entry(saying) else { continue };
                let word = match basis.program.read_by(id).map(|(_, slot)| &*slot.field) {
                    Some("req.host") => HOST,
                    Some("req.path") => PATH,
                    _ => WORD,
                };
                let is = Test::Compare(Compare::Eq, Value::string(word));
                let others = verified.iter().map(|(id, env)| cut.ask(*id, &is, *env).not());
                let mut all: Vec<Formula> = others.collect();
                all.push(cut.ask(id, &is, env));
                entry.insert(Formula::all(all));
            }
        }
    }

    /// What is verified of what decides which requests go these ways.
    pub(super) fn verified<'e>(
        basis: &Basis<'_>,
        ways: impl Iterator<Item = (&'e Taken<'e>, &'e Course)>,
    ) -> Vec<(ExprId, Env<'e>)> {
        let mut all: Vec<(ExprId, Env<'e>)> = Vec::new();
        for (taken, course) in ways {
            let env = taken.env();
            let asked = course.guards.iter().map(|(id, _)| *id);
            let asked = asked.chain(taken.route.conditions.iter().map(|(id, _)| *id));
            for id in verified(basis, asked, env.locals) {
                if all.len() < MOST_VERIFIED && !all.iter().any(|(known, _)| *known == id) {
                    all.push((id, env));
                }
            }
        }
        all
    }

    /// How a side holds a client in what the requests of a part say.
    pub(super) fn holds(
        &self,
        basis: &Basis<'_>,
        space: &mut Space,
        (side, part): (&Side<'_>, &Part),
    ) -> Result<Holds, Undecided> {
        if self.0.is_empty() {
            return Ok(Holds::default());
        }
        let mut holds = Holds { asked: asked(basis, side, part), ..Holds::default() };
        for (saying, formula) in &self.0 {
            let says = space.set(formula)?;
            if space.meet(part.set, says)? == Set::NONE {
                holds.firmly.insert(*saying);
            }
        }
        Ok(holds)
    }
}

/// Of what the requests of a part say something is asked: more than whether it is there.
fn asked(basis: &Basis<'_>, side: &Side<'_>, part: &Part) -> BTreeSet<Saying> {
    let Some(route) = part.taken.and_then(|id| basis.route(side, id)) else {
        return BTreeSet::new();
    };
    let lets = locals(&route.steps);
    let captured = part.fate.exposure.captured();
    let conditions = route.conditions.iter().map(|(id, _)| *id);
    let mut open: Vec<ExprId> = part.course.guards.iter().map(|(id, _)| *id).collect();
    open.extend(conditions);
    let (mut seen, mut asked) = (BTreeSet::new(), BTreeSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        match basis.program.expr(id) {
            Expr::Present(_) => {}
            Expr::Local(local) => open.extend(named(&lets, *local)),
            expr => {
                if matches!(expr, Expr::Slot(_) | Expr::Capture(_) | Expr::Member(..)) {
                    asked.insert((id, Captured::place(basis, id, &captured)));
                }
                expr.each_operand(&mut |operand| open.push(operand));
            }
        }
    }
    asked
}
