//! Who asks, as fields of the space: whether an auth has verified claims, and what each of them says. A claim is chosen
//! as freely as a header, for a token says whatever its issuer likes.

use std::sync::Arc;

use lang::vocab::ExprId;
use lang::vocab::identity::{CLAIMS, provider};
use lang::{Ty, Value};

use super::formula::{Env, Formula};
use super::reading::Cut;
use super::term::Term;
use super::test::Test;
use crate::frame::{Slot, SlotId};
use crate::program::{Block, Expr, Program, Setting};

/// Claims that are verified against the policy: no issuer says in them what it likes.
pub(super) const BOUND: &[&str] = &["iss", "aud", "exp", "nbf"];

/// The type of a claim of a record of claims.
pub(crate) fn claim<'t>(claims: &'t Ty, name: &str) -> Option<&'t Ty> {
    match claims.present() {
        Ty::Record(fields) => fields.iter().find(|(known, _)| **known == *name).map(|(_, ty)| ty),
        _ => None,
    }
}

/// The type of a claim that is read of an auth.
pub(crate) fn claimed<'p>(program: &'p Program, of: ExprId, name: &str) -> Option<&'p Ty> {
    program.read_by(of).and_then(|(_, slot)| claim(&slot.ty, name))
}

/// The fields of a request in which an auth looks for its token: path and key.
pub(crate) fn sources(program: &Program, auth: &str) -> Vec<(&'static str, Arc<str>)> {
    carriers(program, lines(program, auth).unwrap_or_default())
}

/// The same of an auth with these lines.
pub(crate) fn carriers(program: &Program, lines: &[Setting]) -> Vec<(&'static str, Arc<str>)> {
    let told = lines.iter().filter(|line| &*line.name == "from").filter_map(|line| {
        let text = |at: usize| match program.expr(*line.args.get(at)?) {
            Expr::Const(value) => value.as_str().map(str::to_ascii_lowercase),
            _ => None,
        };
        match &*text(0)? {
            "cookie" => match program.expr(*line.args.get(1)?) {
                // Names of cookies have a case.
                Expr::Const(value) => Some(("req.cookie", Arc::from(value.as_str()?))),
                _ => None,
            },
            _ => Some(("req.header", Arc::from(text(1)?))),
        }
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { vec![("req.header", Arc::from("authorization"))] } else { told }
}

/// The lines of the auth of this name.
fn lines<'p>(program: &'p Program, auth: &str) -> Option<&'p [Setting]> {
    let is = |block: &&Block| provider(&block.kind).is_some() && *block.name == *auth;
    program.blocks.iter().find(is).map(|block| &*block.settings)
}

/// What an auth is told in the lines of this name; nothing of one that an input says.
fn told(program: &Program, auth: &str, line: &str) -> Option<Vec<Vec<Value>>> {
    let lines = lines(program, auth)?.iter().filter(|setting| &*setting.name == line);
    let constant = |id: &ExprId| match program.expr(*id) {
        Expr::Const(value) => Some(value.clone()),
        _ => None,
    };
    lines.map(|line| line.args.iter().map(constant).collect()).collect()
}

/// Whether a request that two auths know is known to both by one token: where one has looked the other looks first.
fn share_token(program: &Program, one: &str, other: &str) -> bool {
    let (one, other) = (sources(program, one), sources(program, other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// Whether two auths are told the same of who issues tokens and of whose keys sign them.
pub(crate) fn are_told_alike(program: &Program, one: &str, other: &str) -> bool {
    ["issuer", "audience", "keys", "accept"].into_iter().all(|line| {
        let told = told(program, one, line);
        told.is_some() && told == self::told(program, other, line)
    })
}

/// Whether two auths may know whoever sends a request by one token.
pub(crate) fn may_share_token(program: &Program, one: &str, other: &str) -> bool {
    let places = sources(program, other);
    sources(program, one).iter().any(|place| places.contains(place))
}

/// Whether no token that one of two auths counts is one that the other does: they name others as who issues it.
fn are_apart(program: &Program, one: &str, other: &str) -> bool {
    let issuers = |auth| -> Option<Vec<Value>> {
        let mut issuers = Vec::new();
        for value in told(program, auth, "issuer")?.into_iter().flatten() {
            match value {
                Value::List(more) => issuers.extend(more.iter().cloned()),
                Value::Absent => {}
                one => issuers.push(one),
            }
        }
        (!issuers.is_empty()).then_some(issuers)
    };
    let (Some(one), Some(other)) = (issuers(one), issuers(other)) else { return false };
    !one.iter().any(|issuer| other.contains(issuer))
}

/// Whether an auth may look for its token in this slot.
pub(crate) fn carries_token(program: &Program, slot: SlotId) -> bool {
    let Some(asked) = program.slot(slot) else { return false };
    let auths = program.slots.iter().filter(|slot| *slot.field == *CLAIMS.path);
    let mut sources =
        auths.flat_map(|auth| sources(program, auth.key.as_deref().unwrap_or_default()));
    sources.any(|source| stands_in(&source, asked))
}

/// Whether a token from this source is in what the slot reads: cookies are in one header field.
pub(crate) fn stands_in((field, key): &(&str, Arc<str>), slot: &Slot) -> bool {
    let of = slot.field.strip_suffix(".all").unwrap_or(&slot.field);
    match (*field, slot.key.as_deref()) {
        ("req.cookie", Some("cookie")) if of == "req.header" => true,
        (field, of_slot) => field == of && Some(&**key) == of_slot,
    }
}

/// The slot of an auth's claims, if the expression is one.
pub(super) fn token(program: &Program, id: ExprId) -> Option<SlotId> {
    let Expr::Slot(slot) = program.expr(id) else { return None };
    let field = program.slot(*slot)?;
    (*field.field == *CLAIMS.path).then_some(*slot)
}

impl Cut<'_> {
    /// A test on an auth's claims as a whole.
    pub(super) fn known(&mut self, slot: SlotId, id: ExprId, test: &Test, env: Env<'_>) -> Formula {
        let there = self.is_there(slot);
        if matches!(test, Test::Present) {
            return there;
        }
        let fact = self.fact(id, test, env);
        test.if_there(there, fact)
    }

    /// A test on a claim. Of one that is not there it is a test on what is absent.
    pub(super) fn claims(
        &mut self,
        slot: SlotId,
        name: &Arc<str>,
        id: ExprId,
        test: &Test,
        env: Env<'_>,
    ) -> Formula {
        let there = self.is_there(slot);
        let of = self.program.slot(slot);
        let ty = of.and_then(|of| claim(&of.ty, name)).cloned();
        let is_present = matches!(test, Test::Present);
        let plain = match &ty {
            Some(ty) if is_present && !ty.is_optional() => return there,
            Some(ty) => match ty.present() {
                Ty::List(_) | Ty::Set(_) => is_present,
                Ty::Record(_) | Ty::Map(_) | Ty::Json | Ty::Float => is_present,
                _ => !BOUND.contains(&&**name),
            },
            None => false,
        };
        let of_present = match &ty {
            // Whoever has a token has the claim.
            Some(ty) if !ty.is_optional() => test.of_present(),
            _ => test.clone(),
        };
        let asked = match plain {
            true => self.atom(Term::Claim(slot, name.clone()), None, of_present),
            false => self.fact(id, &of_present, env),
        };
        test.if_there(there, asked)
    }

    /// Whether a text is held by a claim that is a list or a set; nothing, if that is not what is asked.
    pub(super) fn held(&mut self, item: ExprId, of: ExprId) -> Option<Formula> {
        let text = match self.constant(item)? {
            Value::String(text) => text,
            _ => return None,
        };
        let Expr::Member(base, name) = self.program.expr(of) else { return None };
        let slot = token(self.program, *base)?;
        let ty = claim(&self.program.slot(slot)?.ty, name)?;
        let (optional, texts) = match ty.present() {
            Ty::List(of) | Ty::Set(of) => (ty.is_optional(), matches!(**of, Ty::String)),
            _ => return None,
        };
        if !texts || BOUND.contains(&&**name) {
            return None;
        }
        let name = name.clone();
        let mut all = vec![self.is_there(slot)];
        if optional {
            all.push(self.atom(Term::Claim(slot, name.clone()), None, Test::Present));
        }
        all.push(self.atom(Term::Held(slot, name, text), None, Test::True));
        Some(Formula::all(all))
    }

    /// Whether an auth has verified claims. Where it has, there was a token somewhere.
    pub(super) fn is_there(&mut self, slot: SlotId) -> Formula {
        let there = self.atom(Term::Slot(slot), None, Test::Present);
        if self.ruled.contains(&slot) {
            return there;
        }
        let program = self.program;
        let name = |slot: SlotId| {
            let slot = program.slot(slot);
            slot.and_then(|slot| slot.key.as_deref()).unwrap_or_default()
        };
        for other in self.ruled.clone() {
            let (one, two) = (name(slot), name(other));
            if share_token(program, one, two) && are_apart(program, one, two) {
                let other = self.atom(Term::Slot(other), None, Test::Present);
                self.rules.push(Formula::all(vec![there.clone(), other]).not());
            }
        }
        self.ruled.push(slot);
        let sources = sources(program, name(slot));
        // Whatever reads of a source says that there is something.
        let mut told = |source: &(&'static str, Arc<str>)| {
            let of = (0..).zip(&program.slots).filter(|(_, slot)| {
                matches!(&*slot.field, "req.header" | "req.cookie") && stands_in(source, slot)
            });
            let told = of.map(|(at, _)| self.atom(Term::Slot(SlotId(at)), None, Test::Present));
            let told: Vec<Formula> = told.collect();
            (!told.is_empty()).then(|| Formula::all(told))
        };
        let any: Option<Vec<Formula>> = sources.iter().map(&mut told).collect();
        // Where nobody reads one of them, it may be that one.
        if let Some(any) = any {
            self.rules.push(Formula::any(vec![there.clone().not(), Formula::any(any)]));
        }
        there
    }
}
