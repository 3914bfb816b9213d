//! What a kind of block says about time and tries, for whoever checks that all of it can come to pass. It knows neither;
//! the row does.

use std::time::Duration;

use crate::value::Value;

/// How blocks of one kind bound the time and the tries of those who are sent to them.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The kind of block.
    pub block: &'static str,
    /// The verb that sends to one of them.
    pub action: &'static str,
    /// Which of its parameters, where it is given, stands for which parameter of which setting. Of two for the same, the
    /// later one.
    pub replaces: &'static [(&'static str, Place)],
    /// The tries that can never begin.
    pub vain: fn(Says<'_>) -> Option<Vain>,
    /// How often a request is sent at most: because of anything, or (if so) because of what a gateway answers that has had
    /// no answer itself.
    pub tries: fn(Says<'_>, bool) -> u32,
    /// Where such a block leads into the policy again.
    pub leads: Leads,
}

/// A setting and one of its parameters.
pub type Place = (&'static str, &'static str);

/// What a block says there, as far as it is written and known before inputs are bound.
#[derive(Clone, Copy)]
pub struct Says<'s>(pub &'s dyn Fn(Place) -> Option<Value>);

/// Tries that never begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Vain {
    /// The time is over before.
    Late(Late),
    /// All of them would be taken out of a share that is nothing.
    Unpaid {
        /// Where their number is said.
        number: Place,
        /// Where the share is.
        share: Place,
    },
}

/// Tries for which there is no time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Late {
    /// Where their number is said.
    pub number: Place,
    /// The number.
    pub retries: u32,
    /// How many of them can begin.
    pub begin: u32,
    /// What one of them has to wait for.
    pub each: Place,
    /// How long that takes, at least.
    pub length: Duration,
    /// How long it may take for all of them to begin.
    pub fits: Option<Duration>,
    /// What ends them.
    pub outer: Place,
    /// How long that is.
    pub whole: Duration,
}

/// Where blocks of one kind lead to blocks of another.
#[derive(Clone, Copy, Debug)]
pub struct Leads {
    /// What a block says about where it leads.
    pub to: Place,
    /// The other kind.
    pub block: &'static str,
    /// What a block of that kind says about where it is.
    pub at: Place,
    /// Whether they are the same.
    pub same: fn(&Value, &Value) -> bool,
}
