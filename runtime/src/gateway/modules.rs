//! What a gateway tells of its policy's modules: which are served as their files say, and which are not and why. It
//! decides nothing; whoever loads the policy does.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::shared::seconds;
use crate::telemetry::text::Page;

/// A module of the policy that is served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleState {
    /// Its name.
    pub name: Arc<str>,
    /// What of it is served.
    pub serves: Serves,
    /// Since when what is served was good: the time at which that text was loaded, or at which the module was closed.
    pub since: SystemTime,
    /// Why its file as it is now is not served. In one line; at most 4 KiB of it are kept.
    pub reason: Option<String>,
    /// The asserts that name something of it, and are judged by nobody while nothing of it is served.
    pub unjudged: Vec<Arc<str>>,
}

/// What of a module is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Serves {
    /// Its file as it is.
    Current,
    /// What was loaded before its file went wrong.
    LastGood,
    /// Nothing: its ground answers 503.
    Nothing,
}

impl Serves {
    const ALL: [Serves; 3] = [Serves::Current, Serves::LastGood, Serves::Nothing];

    /// The word for it in `/policy` and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Serves::Current => "current",
            Serves::LastGood => "last_good",
            Serves::Nothing => "closed",
        }
    }
}

/// The modules in `/policy`.
pub(super) fn to_json(modules: &[ModuleState]) -> Value {
    let one = |module: &ModuleState| {
        let unjudged: Vec<&str> = module.unjudged.iter().map(|name| &**name).collect();
        json!({
            "name": &*module.name,
            "serves": module.serves.as_str(),
            "since": seconds(module.since),
            "reason": module.reason,
            "unjudged": unjudged,
        })
    };
    modules.iter().map(one).collect()
}

/// The modules on the page of metrics: one series for each state, of which one is 1.
pub(super) fn write(page: &mut Page, modules: &[ModuleState]) {
    let name = "gw_module_state";
    page.family(name, "gauge", "What of a module is served: 1 for the state it is in.");
    for module in modules {
        for state in Serves::ALL {
            let labels = [("module", &*module.name), ("state", state.as_str())];
            page.sample(name, &labels, u8::from(module.serves == state));
        }
    }
}
