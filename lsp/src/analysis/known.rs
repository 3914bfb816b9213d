//! What outlives a snapshot: trees by their text, and a session for each policy, so that a keystroke costs what it touches.
//! Nothing here changes what is said, only how soon.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use compiler::{Answer, Session};
use lang::check::Unit;
use lang::syntax::{Tree, Trees};
use lang::{Diag, Source, Vocabulary};

/// Policies of which a session is kept.
const MOST_SESSIONS: usize = 64;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    trees: Trees,
    /// By the address of the file that the policy begins in.
    sessions: Mutex<HashMap<Arc<str>, Session>>,
}

impl Known {
    /// What `lang::parse` gives.
    pub(super) fn parse(&self, source: &Source) -> (Tree, Vec<Diag>) {
        self.trees.parse(source)
    }

    /// What `compiler::check` says of the policy that begins in `root`.
    pub(super) fn check(
        &self,
        root: &Arc<str>,
        units: &[Unit<'_>],
        vocabulary: &Vocabulary,
        found: Vec<Diag>,
    ) -> Answer {
        // Taken out meanwhile: who checks the same policy at the same time begins anew rather than wait.
        let known = self.sessions().remove(root);
        let mut session = known.unwrap_or_else(|| Session::new(*vocabulary));
        let answer = session.check(units, found);
        let mut sessions = self.sessions();
        if sessions.len() >= MOST_SESSIONS {
            sessions.clear();
        }
        sessions.insert(root.clone(), session);
        answer
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<Arc<str>, Session>> {
        // A thread that panicked in here left fewer sessions.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
