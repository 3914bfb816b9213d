//! What holds of every request that a listener lets through: by its settings over which protocol it comes, with whose
//! certificate, from whom, how long it is at most; and by the forms of HTTP. A request that contradicts it reaches no
//! route.

use std::sync::Arc;

use lang::literal::literal;
use lang::policy::{Block, Compare, ExprKind, Policy, Setting};
use lang::vocab::ExprId;
use lang::{Span, Value, policy};

use super::cut::LONGEST_HOST;
use super::formula::Formula;
use super::reading::{Cut, Mirror};
use super::term::{AtomId, Term};
use super::test::Test;
use crate::frame::{Slot, SlotId};
use crate::passing::PROTECTED;
use crate::program::Expr;
use lang::segment::Segments;

/// A policy reads contents of at most this many bytes, whatever the listener lets pass.
pub const MOST_READ: usize = 16 << 20;

/// The most that a listener lets a head hold.
const MOST_HEAD: usize = 1 << 20;

/// A fact about one field.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Fact {
    /// It is there, or it is not.
    Present(&'static str, bool),
    /// It is this text.
    Is(&'static str, &'static str),
    /// It is no larger than this.
    AtMost(&'static str, Value),
    /// It is one of these, or not there.
    OneOf(&'static str, Vec<Value>),
    /// The client is whoever opened the connection, unless that is one of these.
    Peer(Vec<Value>),
    /// It comes by HTTP/2.
    Two,
    /// Nothing is longer, in bytes, or of more fields.
    Longest {
        /// The header section.
        header: usize,
        /// The target.
        target: usize,
        /// The fields of the header section.
        fields: usize,
    },
}

/// How requests come to a listener, for examples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door<'p> {
    /// What their URLs begin with.
    pub(crate) scheme: &'static str,
    /// The listener's name, where another one takes such URLs, too.
    pub(crate) name: Option<&'p str>,
}

/// How requests come to this listener.
pub(crate) fn door(policy: &Policy, listener: usize) -> Door<'_> {
    let scheme = scheme(policy, listener);
    let others = (0..policy.blocks.len())
        .filter(|other| *other != listener && policy.blocks.get(*other).is_some_and(is_listener));
    let several = others.into_iter().any(|other| self::scheme(policy, other) == scheme);
    let name = policy.blocks.get(listener).filter(|_| several).map(|block| &*block.name);
    Door { scheme, name }
}

/// The scheme of requests to this listener.
pub(crate) fn scheme(policy: &Policy, listener: usize) -> &'static str {
    let tls = policy.blocks.get(listener).is_some_and(|block| lines(block, "tls").next().is_some());
    if tls { "https" } else { "http" }
}

fn is_listener(block: &Block) -> bool {
    block.row.name == "listener"
}

/// Whether this listener may believe what a peer says about the client.
pub(crate) fn believes(policy: &Policy, listener: usize) -> bool {
    policy.blocks.get(listener).is_none_or(|block| lines(block, "trust").next().is_some())
}

/// Whether it lets content pass that is longer than what is read.
pub(crate) fn lets_long(policy: &Policy, listener: usize) -> bool {
    policy.blocks.get(listener).is_some_and(|block| match cap(block, "body") {
        Some(Value::Size(most)) => most > MOST_READ as u64,
        _ => true,
    })
}

/// The most bytes that a head may have that comes to one of a policy's listeners.
pub(crate) fn longest_head(policy: &Policy) -> usize {
    let listeners = policy.blocks.iter().filter(|block| is_listener(block));
    let heads = listeners.map(|block| match cap(block, "header") {
        Some(Value::Size(bytes)) => usize::try_from(bytes).unwrap_or(MOST_HEAD),
        _ => MOST_HEAD,
    });
    heads.max().unwrap_or(MOST_HEAD)
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
        facts.extend(spoken(block).map(|words| Fact::OneOf("conn.alpn", words)));
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
    if let Some(most) = cap(block, "body") {
        facts.push(Fact::AtMost("req.body.size", most));
    }
    let bytes = |name| match cap(block, name) {
        Some(Value::Size(bytes)) => usize::try_from(bytes).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let fields = match cap(block, "headers") {
        Some(Value::Int(most)) => usize::try_from(most).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    facts.push(Fact::Longest { header: bytes("header"), target: bytes("target"), fields });
    let is_two = |word: &Value| word.as_str() == Some("h2");
    // A listener that names no protocol speaks both.
    let speaks_two = |words: Vec<Value>| !words.is_empty() && words.iter().all(is_two);
    facts.extend(spoken(block).is_some_and(speaks_two).then_some(Fact::Two));
    facts.extend(believed(block).map(Fact::Peer));
    facts
}

/// What a field reads of whatever comes to a listener of which these facts hold, if they leave nothing else.
pub(crate) fn settled(facts: &[Fact], field: &str) -> Option<Value> {
    facts.iter().find_map(|fact| match fact {
        Fact::Present(of, false) if *of == field => Some(Value::Absent),
        Fact::Is(of, text) if *of == field => Some(Value::string(*text)),
        _ => None,
    })
}

/// The protocols that a handshake on the listener can agree on, as ALPN has them.
fn spoken(block: &Block) -> Option<Vec<Value>> {
    let mut words = Vec::new();
    for line in lines(block, "bind") {
        let Value::List(spoken) = constant(line, "proto")? else { return None };
        for version in spoken.iter() {
            words.push(match version.as_str()? {
                "h1" => Value::string("http/1.1"),
                version => Value::string(version),
            });
        }
    }
    Some(words)
}

/// Who may speak for others. `None` if an input says it.
fn believed(block: &Block) -> Option<Vec<Value>> {
    let mut networks = Vec::new();
    for line in lines(block, "trust") {
        match constant(line, "from")? {
            Value::List(items) => networks.extend(items.iter().cloned()),
            one => networks.push(one.clone()),
        }
    }
    networks.sort_unstable();
    networks.dedup();
    Some(networks)
}

/// What the listener's `cap` says of this, or what it is where there is no such line. `None` if an input says it.
fn cap(block: &Block, name: &str) -> Option<Value> {
    if let Some(line) = lines(block, "cap").next() {
        return constant(line, name).cloned();
    }
    let row = block.row.setting("cap")?;
    let preset = row.params.iter().find(|param| param.name == name)?.default?;
    literal(preset, Span::default(), None).ok().map(|(value, _)| value)
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
                Fact::OneOf(field, words) => {
                    if let Some(term) = self.asked(field) {
                        let there = self.atom(term.clone(), None, Test::Present);
                        let one = Test::In(Value::list(words.iter().cloned()));
                        let one = self.atom(term, None, one);
                        self.rules.push(Formula::any(vec![there.not(), one]));
                    }
                    continue;
                }
                Fact::Peer(believed) => {
                    self.peer(believed);
                    continue;
                }
                Fact::Longest { header, target, .. } => {
                    self.longest(*header, *target);
                    continue;
                }
                Fact::Two => continue,
            };
            let Some(term) = self.asked(field) else { continue };
            let atom = self.atom(term, None, test);
            self.rules.push(if holds { atom } else { Formula::Not(Box::new(atom)) });
        }
        self.formed();
        self.second(facts.contains(&Fact::Two));
    }

    /// The field of the space that this field is, if it was asked.
    fn asked(&self, field: &str) -> Option<Term> {
        let slot = self.program.slots.iter().position(|slot| &*slot.field == field)?;
        self.is_asked(SlotId(slot as u32)).then_some(Term::Slot(SlotId(slot as u32)))
    }

    fn is_asked(&self, slot: SlotId) -> bool {
        self.atoms.iter().any(|atom| atom.term == Term::Slot(slot))
    }

    /// What HTTP says of every request: `*` is for `OPTIONS` alone and has no query (RFC 9112, section 3.2.4), and what
    /// a client expects of the connection is no field of the request any more.
    fn formed(&mut self) {
        let program = self.program;
        let mut methods = false;
        let mut paths = false;
        let mut queries = Vec::new();
        for atom in &self.atoms {
            match &atom.term {
                Term::Method => methods = true,
                Term::Segment(_) | Term::Path => paths = true,
                Term::Slot(id) => {
                    match program.slot(*id) {
                        Some(Slot { field, .. }) if &**field == "req.query" => queries.push(*id),
                        _ => {}
                    };
                }
                _ => {}
            }
        }
        self.documents();
        self.over_tls();
        self.related();
        let header = |name| program.slot_of("req.header", Some(name));
        let (expect, host, connection) = (header("expect"), header("host"), header("connection"));
        if let Some(slot) = connection.filter(|slot| self.is_asked(*slot)) {
            // Whoever wants such a field taken off is refused.
            let protected = Test::Names(PROTECTED.iter().map(|name| Arc::from(*name)).collect());
            let names = self.atom(Term::Slot(slot), None, protected);
            self.rules.push(names.not());
        }
        if let Some(slot) = expect.filter(|slot| self.is_asked(*slot)) {
            let there = self.atom(Term::Slot(slot), None, Test::Present);
            self.rules.push(there.not());
        }
        // The field is there where there is a host: both are read of the target.
        if let Some(slot) = host.filter(|slot| self.is_asked(*slot)) {
            let there = self.atom(Term::Slot(slot), None, Test::Present);
            let none = Test::Compare(Compare::Eq, Value::string(""));
            let none = self.atom(Term::Host, None, none);
            self.rules.push(Formula::any(vec![there.clone(), none.clone()]));
            self.rules.push(Formula::any(vec![there.not(), none.not()]));
        }
        if !paths || (!methods && queries.is_empty()) {
            return;
        }
        let some_path = self.atom(Term::Segment(0), None, Test::End).not();
        if methods {
            let options = Test::Compare(Compare::Eq, Value::Method(Arc::from("OPTIONS")));
            let options = self.atom(Term::Method, None, options);
            self.rules.push(Formula::any(vec![some_path.clone(), options]));
        }
        queries.sort_unstable();
        queries.dedup();
        for query in queries {
            let there = self.atom(Term::Slot(query), None, Test::Present);
            self.rules.push(Formula::any(vec![some_path.clone(), there.not()]));
        }
    }

    /// What a handshake says there is only where there was one.
    fn over_tls(&mut self) {
        let https = self.asked("req.scheme").map(|scheme| self.is(scheme, &Value::string("https")));
        let version = self.asked("conn.tls.version");
        let version = version.map(|version| self.atom(version, None, Test::Present));
        if let (Some(https), Some(version)) = (&https, &version) {
            self.rules.push(Formula::any(vec![https.clone().not(), version.clone()]));
            self.rules.push(Formula::any(vec![version.clone().not(), https.clone()]));
        }
        let Some(over_tls) = https.or(version) else { return };
        for field in ["conn.tls.client", "conn.sni", "conn.alpn"] {
            let Some(field) = self.asked(field) else { continue };
            let there = self.atom(field, None, Test::Present);
            self.rules.push(Formula::any(vec![there.not(), over_tls.clone()]));
        }
    }

    /// Content in which a document is read is not empty, and no longer than is read for one.
    fn documents(&mut self) {
        let (Some(document), Some(size)) = (self.asked("req.json"), self.asked("req.body.size"))
        else {
            return;
        };
        let absent = self.atom(document, None, Test::Present).not();
        for (how, than) in [(Compare::Ge, 1), (Compare::Le, MOST_READ as u64)] {
            let fits = self.atom(size.clone(), None, Test::Compare(how, Value::Size(than)));
            self.rules.push(Formula::any(vec![absent.clone(), fits]));
        }
    }

    /// What HTTP/2 says of every request that comes by it: nothing is said of a connection, which takes no field off, and a
    /// host is asked for (RFC 9113, sections 8.2.2 and 8.3.1). `always`: nothing else is spoken.
    fn second(&mut self, always: bool) {
        const OF_CONNECTION: [&str; 5] =
            ["connection", "transfer-encoding", "upgrade", "keep-alive", "proxy-connection"];
        let two = match self.asked("conn.alpn") {
            _ if always => Formula::Always(true),
            Some(spoken) => self.is(spoken, &Value::string("h2")),
            None => return,
        };
        let mut terms: Vec<Term> = self.atoms.iter().map(|atom| atom.term.clone()).collect();
        terms.sort_unstable();
        terms.dedup();
        for term in terms {
            let header = match &term {
                Term::Slot(slot) => self.header(*slot),
                _ => None,
            };
            let never = match (&term, header) {
                (Term::Host, _) => self.is(term, &Value::string("")),
                (Term::Stripped(_), _) => self.atom(term, None, Test::True),
                (_, Some(name)) if OF_CONNECTION.contains(&name) => {
                    self.atom(term, None, Test::Present)
                }
                (_, Some("te")) => {
                    let there = self.atom(term.clone(), None, Test::Present);
                    let trailers = self.is(term, &Value::string("trailers"));
                    Formula::all(vec![there, trailers.not()])
                }
                _ => continue,
            };
            self.rules.push(Formula::all(vec![two.clone(), never]).not());
        }
    }

    /// The name of the header field that a slot reads, if it is one.
    fn header(&self, slot: SlotId) -> Option<&str> {
        let slot = self.program.slot(slot)?;
        slot.key.as_deref().filter(|_| &*slot.field == "req.header")
    }

    /// Holds the client to whoever opened the connection, unless that may speak for others.
    fn peer(&mut self, believed: &[Value]) {
        if believed.is_empty() {
            self.facts.extend(self.compared_with_peer());
        }
        let (Some(client), Some(peer)) = (self.asked("client.ip"), self.asked("conn.peer")) else {
            return;
        };
        let unless = match believed {
            [] => Formula::Always(false),
            believed => {
                let spoken_for = Test::In(Value::list(believed.iter().cloned()));
                self.atom(peer.clone(), None, spoken_for)
            }
        };
        // Both are told apart alike, so that a class of one is a class of the other.
        for (one, other) in [(&client, &peer), (&peer, &client)] {
            let of_one = self.atoms.iter().filter(|atom| atom.term == *one);
            let tests: Vec<Test> = of_one.map(|atom| atom.test.clone()).collect();
            for test in tests {
                self.atom(other.clone(), None, test);
            }
        }
        self.mirror = Some(Mirror { one: client, other: peer, unless });
    }

    /// What a comparison of the client with whoever opened the connection comes to where both are the same.
    fn compared_with_peer(&self) -> Vec<Formula> {
        let field = |id: &ExprId| self.program.read_by(*id).map(|(_, slot)| &*slot.field);
        let compared = (0..).map(AtomId).zip(&self.atoms).filter_map(|(at, atom)| {
            let (Term::Computed(id, _), Test::True) = (&atom.term, &atom.test) else { return None };
            let Expr::Compare(how, one, other) = self.program.expr(*id) else { return None };
            let both = [field(one)?, field(other)?];
            let is_same = matches!(how, Compare::Eq | Compare::Le | Compare::Ge);
            let holds = if is_same { Formula::Atom(at) } else { Formula::Atom(at).not() };
            [["client.ip", "conn.peer"], ["conn.peer", "client.ip"]]
                .contains(&both)
                .then_some(holds)
        });
        compared.collect()
    }

    /// Rules out texts that are longer than what is read.
    fn longest(&mut self, header: usize, target: usize) {
        let mut ruled_out = Vec::new();
        let mut counted = Vec::new();
        for (at, atom) in (0..).zip(&self.atoms) {
            if let Some(most) = self.longest_of(&atom.term, header, target)
                && let Some(holds) =
                    atom.test.counts().and_then(|test| test.of_all_to(i64::try_from(most).ok()?))
            {
                counted.push((AtomId(at), atom.term.clone(), holds));
            }
            match (&atom.term, &atom.test) {
                (Term::Slot(id), test) => {
                    let Some(most) = self.longest_of(&Term::Slot(*id), header, target) else {
                        continue;
                    };
                    let points = test.points().unwrap_or_default().into_iter();
                    let long =
                        points.filter(|point| point.as_str().is_some_and(|text| sent(text) > most));
                    ruled_out.extend(long.map(|point| (atom.term.clone(), point.clone())));
                }
                (Term::Segment(_), Test::Segment(Segments::Literal(text)))
                    if text.len() > target =>
                {
                    ruled_out.push((atom.term.clone(), Value::String(text.clone())));
                }
                _ => {}
            }
        }
        for (term, text) in ruled_out {
            let is = self.is(term, &text);
            self.rules.push(is.not());
        }
        for (atom, term, holds) in counted {
            // Of what is not there nothing is counted.
            let there = match term {
                Term::Host => Formula::Always(true),
                term => self.atom(term, None, Test::Present),
            };
            let atom = Formula::Atom(atom);
            self.rules.push(match holds {
                true => Formula::any(vec![there.not(), atom]),
                false => atom.not(),
            });
        }
        self.counted_out(header, target);
    }

    /// How many bytes a field of the request has at most.
    fn longest_of(&self, term: &Term, header: usize, target: usize) -> Option<usize> {
        let slot = match term {
            Term::Host => return Some(LONGEST_HOST),
            Term::Slot(slot) => self.program.slot(*slot)?,
            _ => return None,
        };
        match &*slot.field {
            "req.header" | "req.cookie" => Some(header),
            "req.query" => Some(target),
            _ => None,
        }
    }

    /// What is known of how many characters a text has by how long it is at most.
    fn counted_out(&mut self, header: usize, target: usize) {
        let mut facts = Vec::new();
        for (at, atom) in (0..).zip(&self.atoms) {
            let (Term::Computed(id, _), Test::Compare(how, Value::Int(bound))) =
                (&atom.term, &atom.test)
            else {
                continue;
            };
            let Expr::Call(function, arguments) = self.program.expr(*id) else { continue };
            let ([text], "length") = (arguments.as_slice(), function.name) else { continue };
            let Some(most) = self.most_bytes(*text, header, target) else { continue };
            if usize::try_from(*bound).is_ok_and(|bound| bound > most) {
                let atom = Formula::Atom(AtomId(at));
                let is_less = matches!(how, Compare::Lt | Compare::Le | Compare::Ne);
                facts.push(if is_less { atom } else { atom.not() });
            }
        }
        self.facts.extend(facts);
    }

    /// How many bytes a text has at most. A character is one or more.
    fn most_bytes(&self, id: ExprId, header: usize, target: usize) -> Option<usize> {
        let most = |id: &ExprId| self.most_bytes(*id, header, target);
        match self.program.expr(id) {
            Expr::Const(value) => Some(value.as_str().map_or(0, str::len)),
            Expr::Slot(slot) => {
                // The normal form of a path may be longer than what was sent.
                self.longest_of(&Term::of(self.program, *slot), header, target)
            }
            Expr::Coalesce(first, second) => Some(most(first)?.max(most(second)?)),
            Expr::Call(function, arguments) => match arguments.as_slice() {
                [text] if function.keeps => most(text),
                _ => None,
            },
            _ => None,
        }
    }
}

/// In how many bytes a text may be sent at least: one that is no UTF-8 is read as U+FFFD.
fn sent(text: &str) -> usize {
    let bytes = |c: char| if c == char::REPLACEMENT_CHARACTER { 1 } else { c.len_utf8() };
    text.chars().map(bytes).sum()
}

fn lines<'b>(block: &'b Block, name: &'static str) -> impl Iterator<Item = &'b Setting> {
    block.settings.iter().filter(move |setting| setting.row.name == name)
}

fn argument<'s>(setting: &'s Setting, name: &str) -> Option<&'s policy::Expr> {
    let at = setting.row.place_of(name)?;
    setting.args.get(at)
}

/// What an argument is, if no input says it.
fn constant<'s>(setting: &'s Setting, name: &str) -> Option<&'s Value> {
    match &argument(setting, name)?.kind {
        ExprKind::Const(value) => Some(value),
        _ => None,
    }
}
