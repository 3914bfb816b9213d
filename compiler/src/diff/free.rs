//! What a client is held to: of what it says, that which the requests of one kind cannot say as they like. A host or a path
//! holds it, a requirement, or who it is known to be.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use lang::Value;
use lang::policy::Compare;
use lang::vocab::ExprId;

use super::effect::{Captured, Does};
use super::put::{said, verified};
use crate::proof::basis::{Basis, Taken};
use crate::proof::course::Course;
use crate::space::{Cut, Env, Formula, Set, Space, Test, Undecided};

/// A word that no policy has, with a letter that is seldom let in.
const WORD: &str = "~q7";
const PATH: &str = "/~q7";
const HOST: &str = "q7.any.example";

/// The most of what is verified that is asked whether it is that word, too.
const MOST: usize = 16;

/// What a client says: an expression, by the place of its segment where it is one.
pub(super) type Saying = (ExprId, Option<usize>);

/// The requests that say any word at all in something, whoever asks.
#[derive(Default)]
pub(super) struct Free(BTreeMap<Saying, Formula>);

impl Free {
    /// Asks it of what these statements of a route read. What is verified is what the courses of these routes ask for.
    pub(super) fn add<'d>(
        &mut self,
        basis: &Basis<'_>,
        does: impl Iterator<Item = &'d Does>,
        (captured, env): (&[Captured], Env<'_>),
        verified: &[(ExprId, Env<'_>)],
        cut: &mut Cut<'_>,
    ) {
        for does in does {
            for id in does.reads().flat_map(|id| said(basis, id, env.locals)) {
                let saying = (id, Captured::place(basis, id, captured));
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
                if all.len() < MOST && !all.iter().any(|(known, _)| *known == id) {
                    all.push((id, env));
                }
            }
        }
        all
    }

    /// To what the client is held in each of these requests.
    pub(super) fn held(
        &self,
        space: &mut Space,
        requests: Set,
    ) -> Result<BTreeSet<Saying>, Undecided> {
        let mut held = BTreeSet::new();
        for (saying, formula) in &self.0 {
            let says = space.set(formula)?;
            if space.meet(requests, says)? == Set::NONE {
                held.insert(*saying);
            }
        }
        Ok(held)
    }
}
