//! Secrets that the access log would hold: header fields that a listener's `log` names although tokens come in them.

use lang::Diag;
use lang::diag::bad_value::bad_value;

use crate::engine::Engine;

/// The fields that are named and must not be, in the order of the listeners.
pub fn exposed(engine: &Engine) -> Vec<Diag> {
    let mut diags = Vec::new();
    for listener in &engine.listeners {
        let (names, span) = &listener.logged;
        for name in names.iter() {
            let auth = engine.decider.auths.iter().find(|auth| auth.is_carried_by(name));
            diags.extend(auth.map(|auth| {
                let reason = format!("`{name}` carries the tokens of `{}`", auth.name());
                let diag = bad_value(*span, reason, "no log may hold these");
                diag.help(format!("leave `{name}` out"))
            }));
        }
    }
    diags
}
