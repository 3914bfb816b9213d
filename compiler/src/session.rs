//! Checking the same policy again and again, as an editor does: what a change cannot have touched is not looked at
//! again. A [`Session`] says exactly what [`check`] says of the same text, and asks it whenever it is not certain to.
//!
//! It remembers the last text in which nothing was wrong, item by item (`session/base.rs`). If only routes and sites
//! differ from that, the rest is still right, and a policy made of the changed ones, of those that share a host or a name
//! with them and of everything that is no route says what is to be said. Claims that were proved (`session/claims.rs`) are
//! proved again of requests for the hosts that were touched.

use lang::policy::Host;
use lang::{Diag, Index, Policy, SourceId, Span, Unit, Vocabulary};

use crate::lower::lower_noting;
use crate::program::Program;
use crate::proof::{Spoken, prove_noting};

mod base;
mod claims;
mod facts;
mod patch;
mod touched;

use base::{Again, Base};
use patch::patched;

/// What a whole check found.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What was understood.
    pub policy: Policy,
    /// What stands where.
    pub index: Index,
    /// What runs. None if there are errors.
    pub program: Option<Program>,
    /// What would run, where the only errors are asserts that do not hold or cannot be decided.
    pub unproved: Option<Program>,
    /// What is wrong, in the order of places.
    pub diags: Vec<Diag>,
    /// The wide hosts at which routes are known to be reached only by what stands at narrower ones too.
    leaning: Vec<Host>,
    /// The requirements that ask something in one route and nothing in another.
    uneven: Vec<Span>,
    /// For each assert a request of which it speaks, if it holds and there is one.
    spoken: Vec<Option<Spoken>>,
}

/// What a session found.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What is wrong, in the order of places.
    pub diags: Vec<Diag>,
    /// The files that belong to the policy's modules.
    pub modules: Vec<SourceId>,
    /// What else there is to know, where all of it had to be looked at.
    pub whole: Option<Whole>,
}

/// One policy that is checked again and again.
#[derive(Debug)]
pub struct Session {
    vocabulary: Vocabulary,
    /// The last text in which nothing was wrong.
    base: Option<Base>,
}

/// Checks a policy: types, the order of its routes, and proofs. The first unit is its root, the others are what it
/// imports; `found` is what the parser said.
pub fn check(units: &[Unit<'_>], vocabulary: &Vocabulary, found: Vec<Diag>) -> Whole {
    check_without(units, vocabulary, found, &[])
}

/// The same with the modules of these names closed, as [`lang::check_without`] says.
pub fn check_without(
    units: &[Unit<'_>],
    vocabulary: &Vocabulary,
    found: Vec<Diag>,
    closed: &[&str],
) -> Whole {
    let checked = lang::check_without(units, vocabulary, closed);
    let mut diags = checked.joined(&found);
    let (mut program, mut unproved) = (None, None);
    let (mut leaning, mut uneven, mut spoken) = (Vec::new(), Vec::new(), Vec::new());
    if !diags.iter().any(Diag::is_error) {
        let lowered = lower_noting(&checked.policy);
        (leaning, uneven) = (lowered.leaning, lowered.uneven);
        diags.extend(lowered.diags);
        let is_ordered = !diags.iter().any(Diag::is_error);
        if let Some(lowered) = lowered.program {
            let (proofs, of) = prove_noting(&checked.policy, &lowered);
            spoken = of;
            match (is_ordered, proofs.iter().any(Diag::is_error)) {
                (true, false) => program = Some(lowered),
                (true, true) => unproved = Some(lowered),
                (false, _) => {}
            }
            diags.extend(proofs);
        }
    }
    sort(&mut diags);
    let (policy, index) = (checked.policy, checked.index);
    Whole { policy, index, program, unproved, diags, leaning, uneven, spoken }
}

impl Whole {
    /// The files that belong to the policy's modules.
    fn modules(&self) -> Vec<SourceId> {
        self.policy.modules.iter().flat_map(|module| module.files.iter().copied()).collect()
    }
}

impl Session {
    /// Nothing is known yet.
    pub fn new(vocabulary: Vocabulary) -> Session {
        Session { vocabulary, base: None }
    }

    /// What a whole check has found is known. None if something is wrong.
    pub fn of(units: &[Unit<'_>], whole: &Whole, vocabulary: Vocabulary) -> Option<Session> {
        let is_clean = whole.diags.is_empty() && whole.program.is_some();
        is_clean.then(|| Session { vocabulary, base: Some(Base::new(units, whole)) })
    }

    /// The same, in memory of its own.
    pub fn settled(self) -> Session {
        Session { base: self.base.map(Base::settled), ..self }
    }

    /// The program of the policy as it is now, if nothing is wrong with it: made of `program`, which is that of the text
    /// that is known, and shares with it whatever was not touched. `None` where it takes a whole check to say more. It
    /// answers as a fresh one does, but its routes are numbered otherwise, and what stayed keeps the places it was
    /// written at. Outlines of trees ([`lang::outline`]) do.
    pub fn program(&mut self, units: &[Unit<'_>], program: &Program) -> Option<Program> {
        let base = self.base.as_mut().filter(|base| base.reads(units))?;
        let again = base.again(units, &self.vocabulary, &[])?;
        if !again.diags.is_empty() {
            return None;
        }
        let Some((part, hosts)) = again.part else { return Some(program.clone()) };
        let next = patched(program, &part, &hosts);
        if next.is_none() {
            // What is known is the changed text now, and there is no program of it.
            self.base = None;
        }
        next
    }

    /// Checks the policy as it is now: the same diagnostics as from [`check`]. Trees of the same
    /// [`lang::syntax::Trees`] make it quick.
    pub fn check(&mut self, units: &[Unit<'_>], found: Vec<Diag>) -> Answer {
        let again = self.base.as_mut().and_then(|base| base.again(units, &self.vocabulary, &found));
        if let Some(Again { diags, .. }) = again {
            let modules = self.base.as_ref().map(|base| base.modules().to_vec());
            return Answer { diags, modules: modules.unwrap_or_default(), whole: None };
        }
        let whole = check(units, &self.vocabulary, found);
        if whole.diags.is_empty() {
            self.base = Some(Base::new(units, &whole));
        }
        let modules = whole.modules();
        Answer { diags: whole.diags.clone(), modules, whole: Some(whole) }
    }
}

fn sort(diags: &mut [Diag]) {
    diags.sort_by_key(|diag| (diag.span(), diag.code));
}
