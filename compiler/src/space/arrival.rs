//! What holds of every request that a listener lets through, by its settings: over which protocol it comes, with whose
//! certificate, how long its content is at most. A request that contradicts it reaches no route.

use lang::policy::{Block, Compare, ExprKind, Policy, Setting};
use lang::{Value, policy};

use super::test::Test;
use super::{Cut, Formula, Term};
use crate::frame::SlotId;

/// A fact about one field.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Fact {
    /// It is there, or it is not.
    Present(&'static str, bool),
    /// It is this text.
    Is(&'static str, &'static str),
    /// It is no larger than this.
    AtMost(&'static str, Value),
}

/// How requests come to this listener, for examples.
pub(crate) fn scheme(policy: &Policy, listener: usize) -> &'static str {
    let tls = policy.blocks.get(listener).is_some_and(|block| lines(block, "tls").next().is_some());
    if tls { "https" } else { "http" }
}

/// Whether this listener may believe what a peer says about the client.
pub(crate) fn believes(policy: &Policy, listener: usize) -> bool {
    policy.blocks.get(listener).is_none_or(|block| lines(block, "trust").next().is_some())
}

/// What holds of every request that comes to this listener.
pub(crate) fn arriving(policy: &Policy, listener: usize) -> Vec<Fact> {
    let Some(block) = policy.blocks.get(listener) else { return Vec::new() };
    let mut facts = vec![Fact::Is("req.scheme", scheme(policy, listener))];
    let tls: Vec<&Setting> = lines(block, "tls").collect();
    if tls.is_empty() {
        let fields = ["conn.tls.version", "conn.tls.client", "conn.sni", "conn.alpn"];
        facts.extend(fields.map(|field| Fact::Present(field, false)));
    } else {
        facts.push(Fact::Present("conn.tls.version", true));
        let newest = Value::Float(1.3);
        if tls.iter().all(|line| constant(line, "min") == Some(&newest)) {
            facts.push(Fact::Is("conn.tls.version", "1.3"));
        }
        let absent = |line: &&Setting| constant(line, "client_ca").is_some_and(Value::is_absent);
        let required = |line: &&Setting| {
            let needed = constant(line, "client").and_then(Value::as_str) == Some("required");
            needed && argument(line, "client_ca").is_some() && !absent(line)
        };
        if tls.iter().all(absent) {
            facts.push(Fact::Present("conn.tls.client", false));
        } else if tls.iter().all(required) {
            facts.push(Fact::Present("conn.tls.client", true));
        }
    }
    if let Some(most) = lines(block, "cap").find_map(|line| constant(line, "body")) {
        facts.push(Fact::AtMost("req.body.size", most.clone()));
    }
    facts
}

impl Cut<'_> {
    /// Holds what was asked so far to these facts.
    pub(crate) fn arriving(&mut self, facts: &[Fact]) {
        for fact in facts {
            let (field, test, holds) = match fact {
                Fact::Present(field, holds) => (field, Test::Present, *holds),
                Fact::Is(field, text) => {
                    (field, Test::Compare(Compare::Eq, Value::string(*text)), true)
                }
                Fact::AtMost(field, most) => {
                    (field, Test::Compare(Compare::Le, most.clone()), true)
                }
            };
            let slot = self.program.slots.iter().position(|slot| &*slot.field == *field);
            let term = slot.map(|slot| Term::Slot(SlotId(slot as u32)));
            let asked = term.filter(|term| self.atoms.iter().any(|atom| atom.term == *term));
            let Some(term) = asked else { continue };
            let atom = self.atom(term, None, test);
            self.rules.push(if holds { atom } else { Formula::Not(Box::new(atom)) });
        }
    }
}

fn lines<'b>(block: &'b Block, name: &'static str) -> impl Iterator<Item = &'b Setting> {
    block.settings.iter().filter(move |setting| setting.row.name == name)
}

fn argument<'s>(setting: &'s Setting, name: &str) -> Option<&'s policy::Expr> {
    let at = setting.row.params.iter().position(|param| param.name == name)?;
    setting.args.get(at)
}

/// What an argument is, if no input says it.
fn constant<'s>(setting: &'s Setting, name: &str) -> Option<&'s Value> {
    match &argument(setting, name)?.kind {
        ExprKind::Const(value) => Some(value),
        _ => None,
    }
}
