//! Who asks: one kind of proof of identity = one file, its row beside what it verifies. An auth finds out once for each
//! request, when a condition or a statement first wants to know; it answers nobody and lets nobody through by itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use compiler::program::Program;
use compiler::{Matcher, Read};
use lang::vocab::identity::CLAIMS;
use lang::vocab::{Block, Function};
use lang::{SourceId, Ty, Value};

use crate::blocks::BlockError;
use crate::exchange::Exchange;

mod from;
pub mod jwt;
mod reason;

pub use reason::{REASONS, Reason};

/// The row of every kind. A kind of its own, such as `oidc`, is a file, a word here and a variant of [`Auth`].
pub static ROWS: &[&Block] = &[&jwt::ROW];

/// What means something in the lines of an auth only.
pub static FUNCTIONS: &[&Function] = jwt::FUNCTIONS;

/// An auth of the policy, built. All cores share it.
#[derive(Clone, Debug)]
pub enum Auth {
    /// `jwt`.
    Jwt(Arc<jwt::Jwt>),
}

/// What an auth found out about a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Whoever asks has these claims.
    Known(Value),
    /// It is not known who asks.
    Unknown(Reason),
}

/// What an engine is built for, and so what it opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aim {
    /// It serves: all that it names must be there.
    Serve,
    /// Tests run on it: files of upstreams are not opened, and keys that are not there know nobody's token.
    Try,
    /// It is asked about requests: no file is opened, and nobody's token is known.
    Ask,
}

/// What auths are built with.
#[derive(Clone, Copy)]
pub struct Making<'m> {
    /// The program, inputs bound.
    pub matcher: &'m Matcher,
    /// The value of each input; those of secrets are here and nowhere else.
    pub inputs: &'m [Value],
    /// The folder of a policy's file.
    pub folder: &'m dyn Fn(SourceId) -> PathBuf,
    /// What the engine is for.
    pub aim: Aim,
}

/// The auths of a program. One that is told the same as before is the one from before, with its keys.
pub fn build(making: &Making<'_>, before: &[Auth], errors: &mut Vec<BlockError>) -> Vec<Auth> {
    let program = making.matcher.program();
    let mut auths = Vec::new();
    for block in program.blocks.iter().filter(|block| *block.kind == *jwt::ROW.name) {
        let before = before.iter().find(|auth| *auth.name() == block.name);
        let before = before.map(|Auth::Jwt(jwt)| jwt);
        match jwt::Jwt::build(block, claims(program, &block.name), making, before) {
            Ok(jwt) => auths.push(Auth::Jwt(jwt)),
            Err(wrong) => errors.extend(wrong),
        }
    }
    auths
}

/// The type of the claims that the program reads of an auth: a record of nothing, if it reads none.
fn claims(program: &Program, auth: &str) -> Ty {
    let slot = program
        .slots
        .iter()
        .find(|slot| *slot.field == *CLAIMS.path && slot.key.as_deref() == Some(auth));
    slot.map_or_else(|| Ty::Record(Arc::default()), |slot| slot.ty.present().clone())
}

impl Auth {
    /// What the policy calls it.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Auth::Jwt(jwt) => jwt.name(),
        }
    }

    /// Whether a header field of this name, in lower case, carries what proves who asks.
    pub fn is_carried_by(&self, name: &str) -> bool {
        match self {
            Auth::Jwt(jwt) => jwt.is_carried_by(name),
        }
    }

    /// How many sub-requests one request may lead to before it is known who asks, and how long it waits for them at most.
    pub fn fetches(&self) -> (usize, Duration) {
        match self {
            Auth::Jwt(jwt) => jwt.fetches(),
        }
    }

    /// Begins what has to go on beside requests, once, on the runtime in whose context it is called.
    pub fn tend(&self) {
        match self {
            Auth::Jwt(jwt) => jwt.tend(),
        }
    }

    /// Who asks. `None`: that hangs on what is on its way, see [`Auth::wait`]; if `at_last`, it waits no more.
    fn ask(&self, ex: &Exchange, at_last: bool) -> Option<Verdict> {
        match self {
            Auth::Jwt(jwt) => jwt.ask(ex, at_last),
        }
    }

    /// Waits for what is on its way, for a bounded time.
    async fn wait(&self) {
        match self {
            Auth::Jwt(jwt) => jwt.wait().await,
        }
    }
}

/// Reads the claims of the auth of this name. Pending where they hang on keys that are on their way.
pub(crate) fn read<'x>(ex: &'x Exchange, name: &str) -> Read<'x> {
    match find_out(ex, name, false) {
        Some(Verdict::Known(claims)) => Read::Value(claims),
        Some(Verdict::Unknown(_)) => Read::Value(Value::Absent),
        None => Read::Pending,
    }
}

/// Sees to it that the next reading is not pending.
pub(crate) async fn wait(ex: &Exchange, name: &str) {
    if find_out(ex, name, false).is_some() {
        return;
    }
    if let Some(auth) = ex.decider.auths.iter().find(|auth| **auth.name() == *name) {
        auth.wait().await;
    }
    find_out(ex, name, true);
}

/// Whose tokens a request brings that count for nothing, as far as that was found out, and why.
pub(crate) fn refused(ex: &Exchange) -> Vec<(Arc<str>, Reason)> {
    let verdicts = ex.verdicts.borrow();
    let refused = verdicts.iter().filter_map(|(auth, verdict)| match verdict {
        Verdict::Unknown(reason) if *reason != Reason::Missing => Some((auth.clone(), *reason)),
        Verdict::Unknown(_) | Verdict::Known(_) => None,
    });
    refused.collect()
}

/// Why it is not known who asks, as far as that was found out.
pub(crate) fn reason(ex: &Exchange, name: &str) -> Option<Reason> {
    let verdicts = ex.verdicts.borrow();
    let found = verdicts.iter().find(|(auth, _)| **auth == *name);
    match found.map(|(_, verdict)| verdict) {
        Some(Verdict::Unknown(reason)) => Some(*reason),
        Some(Verdict::Known(_)) | None => None,
    }
}

fn find_out(ex: &Exchange, name: &str, at_last: bool) -> Option<Verdict> {
    let known = ex.verdicts.borrow().iter().find(|(auth, _)| **auth == *name).cloned();
    if let Some((_, verdict)) = known {
        return Some(verdict);
    }
    let assumed = ex.connection.identities.iter().find(|identity| *identity.auth == *name);
    let auth = ex.decider.auths.iter().find(|auth| **auth.name() == *name);
    let verdict = match (assumed, auth) {
        (Some(identity), _) => Verdict::Known(identity.claims.clone()),
        (None, Some(auth)) => auth.ask(ex, at_last)?,
        // INVARIANT: an engine has every auth that its program reads.
        (None, None) => Verdict::Unknown(Reason::Missing),
    };
    ex.verdicts.borrow_mut().push((name.into(), verdict.clone()));
    Some(verdict)
}

/// Who a request that nobody sent is to come from: a test or a rehearsal says so, and no client can.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The auth that is to have verified it.
    pub auth: Arc<str>,
    /// Its claims, a record.
    pub claims: Value,
}

impl Identity {
    /// All of what a test's `as=` comes to: one, or a list of them.
    pub fn all(value: &Value) -> Box<[Identity]> {
        match value {
            Value::List(items) => items.iter().filter_map(Identity::of).collect(),
            one => Identity::of(one).into_iter().collect(),
        }
    }

    /// From a record of `auth` and `claims`, as a test's `as=` comes to.
    pub fn of(value: &Value) -> Option<Identity> {
        let Value::Map(parts) = value else { return None };
        let auth = parts.get("auth")?.as_str()?.into();
        Some(Identity { auth, claims: parts.get("claims").cloned()? })
    }
}
