//! What modules own otherwise than before.

use lang::policy::Module;

use super::page::{Page, place};
use crate::owner;

impl Page<'_> {
    /// What modules own otherwise than before.
    pub(super) fn ownership(&self) -> Vec<String> {
        let (old, new) = (&self.old.policy.modules, &self.new.policy.modules);
        let of =
            |all: &[Module], name: &str| all.iter().find(|module| *module.name == *name).cloned();
        let mut lines = Vec::new();
        for module in new {
            let at = place(self.new, module.span);
            let (name, grounds) = (&module.name, owner::grounds(module));
            match of(old, name).map(|module| owner::grounds(&module)) {
                None => lines.push(format!("module {name} is new: it owns {grounds} ({at})")),
                Some(before) if before != grounds => {
                    lines.push(format!("module {name} owns {before} → {grounds} ({at})"));
                }
                Some(_) => {}
            }
        }
        for module in old.iter().filter(|module| of(new, &module.name).is_none()) {
            let (name, grounds) = (&module.name, owner::grounds(module));
            let at = place(self.old, module.span);
            lines.push(format!("module {name} is gone: it owned {grounds} ({at})"));
        }
        lines
    }
}
