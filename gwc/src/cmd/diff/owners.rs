//! What modules own otherwise than before.

use lang::policy::Module;

use super::page::{Page, place};
use crate::owner;
use crate::report::Line;

impl Page<'_> {
    /// What modules own otherwise than before.
    pub(super) fn ownership(&self) -> Vec<Line> {
        let (old, new) = (&self.old.policy.modules, &self.new.policy.modules);
        let of =
            |all: &[Module], name: &str| all.iter().find(|module| *module.name == *name).cloned();
        let mut lines = Vec::new();
        let line = |words: String, at: String| Line::words(&words).and(" (").and_code(&at).and(")");
        for module in new {
            let at = place(self.new, module.span);
            let (name, grounds) = (&module.name, owner::grounds(module));
            match of(old, name).map(|module| owner::grounds(&module)) {
                None => lines.push(line(format!("module {name} is new: it owns {grounds}"), at)),
                Some(before) if before != grounds => {
                    lines.push(line(format!("module {name} owns {before} → {grounds}"), at));
                }
                Some(_) => {}
            }
        }
        for module in old.iter().filter(|module| of(new, &module.name).is_none()) {
            let (name, grounds) = (&module.name, owner::grounds(module));
            let at = place(self.old, module.span);
            lines.push(line(format!("module {name} is gone: it owned {grounds}"), at));
        }
        lines
    }
}
