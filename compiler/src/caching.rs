//! Which requests go past a shared cache, by what they say, and what tells the others apart. The runtime keeps to these names, and proofs ask of a request
//! what they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lang::functions::FUNCTIONS;
use lang::literal;
use lang::policy::{Compare, LocalId};
use lang::vocab::ExprId;
use lang::vocab::identity::{CLAIMS, provider};
use lang::{Span, Ty, Value};

use crate::frame::{Slot, SlotId};
use crate::lower::expr::Exprs;
use crate::program::{Block, Expr, Program, Step, StepKind, locals};
use crate::space::identity;

/// Methods that a cache answers.
pub const READ: [&str; 2] = ["GET", "HEAD"];

/// Header fields of a request that say who asks, whatever the policy says.
pub const CREDENTIALS: [&str; 2] = ["authorization", "cookie"];

/// Header fields of a request that ask for a part, for what is only right once, or for another protocol.
pub const OWN_TERMS: [&str; 5] =
    ["range", "if-range", "if-match", "if-unmodified-since", "upgrade"];

/// What a request is known by: another one each time.
pub(crate) const IDENTITY: &str = "req.id";

/// Header fields by which clients and proxies follow one request: another one each time.
const TRACES: [&str; 8] = [
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "traceparent",
    "tracestate",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
];

/// The directive of `Cache-Control` by which a request wants nothing kept (RFC 9111, section 5.2.1.5).
pub const NO_STORE: &str = "no-store";

/// The header fields in which the auths of a policy look for their tokens, by the names of the auths.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Carriers(BTreeMap<Arc<str>, BTreeSet<Arc<str>>>);

impl Carriers {
    /// Those of a program's auths.
    pub fn of(program: &Program) -> Carriers {
        let auths = program.blocks.iter().filter(|block| provider(&block.kind).is_some());
        let fields = |auth: &Block| {
            let carriers = identity::carriers(program, &auth.settings).into_iter();
            carriers.map(|(field, key)| header(field, &key)).collect()
        };
        Carriers(auths.map(|auth| (auth.name.clone(), fields(auth))).collect())
    }

    /// The header fields of a request that say who asks: those that do everywhere, and those in which an auth of the policy
    /// looks for its token, whichever routes ask it: the upstream of any route may look there, too.
    fn credentials(&self) -> BTreeSet<Arc<str>> {
        let fields = self.0.values().flatten().cloned();
        CREDENTIALS.map(Arc::from).into_iter().chain(fields).collect()
    }
}

/// Whom a cache answers, of those who say who they are.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Answers {
    /// The header fields with which a request goes past, of those in which it says who asks.
    past: BTreeSet<Arc<str>>,
    /// Those with which it does not.
    answered: BTreeSet<Arc<str>>,
}

impl Answers {
    /// Whom the cache of a route answers whose `key` tells requests apart; all, if what it keeps is `public`. The error is
    /// in which fields a statement reads who asks, or which requests the route takes hangs on that, where the key does not
    /// say so: nobody is answered.
    pub fn of(
        program: &Program,
        carriers: &Carriers,
        public: bool,
        key: Option<ExprId>,
        (conditions, steps): (&[(ExprId, Span)], &[Step]),
    ) -> Result<Answers, BTreeSet<SlotId>> {
        let credentials = carriers.credentials();
        if public {
            return Ok(Answers { past: BTreeSet::new(), answered: credentials });
        }
        let values = Values { program, steps, carriers, credentials: &credentials };
        let told = values.sources(key);
        let conditions = conditions.iter().map(|(condition, _)| *condition);
        let mut asked = values.sources(conditions.chain(steps.iter().flat_map(Step::exprs)));
        asked.retain(|source, _| !told.contains_key(source));
        if !asked.is_empty() {
            return Err(asked.into_values().collect());
        }
        let says = |name: &Arc<str>| told.contains_key(&Source::Header(name.clone()));
        let (answered, past) = credentials.into_iter().partition(says);
        Ok(Answers { past, answered })
    }

    /// The header fields with which a request goes past.
    pub fn past(&self) -> impl Iterator<Item = &Arc<str>> {
        self.past.iter()
    }

    /// Whether requests with this header field are answered although they say in it who asks.
    pub fn has(&self, name: &str) -> bool {
        self.answered.contains(name)
    }
}

/// The header fields that the policy itself sets on a request, so far as they tell requests apart for a cache without a
/// key. What only names the one request at hand does not: no answer would ever be given twice.
pub fn told_apart(program: &Program, steps: &[Step]) -> Vec<Arc<str>> {
    let lets = locals(steps);
    let mut told = Vec::new();
    for step in steps {
        if let StepKind::Act(call) = &step.kind
            && let Some((field, Some(name))) = &call.place
            && &**field == "up.header"
            && !told.contains(name)
            && !call.args.first().is_some_and(|value| names_request(program, *value, &lets))
        {
            told.push(name.clone());
        }
    }
    told
}

/// Whether a value says of a request only which one it is.
pub(crate) fn names_request(program: &Program, value: ExprId, lets: &[(LocalId, ExprId)]) -> bool {
    let mut names = false;
    for (_, expr) in program.walk([value], lets) {
        match expr {
            Expr::Slot(slot) if program.slot(*slot).is_some_and(is_name) => names = true,
            Expr::Slot(_) | Expr::Capture(_) => return false,
            _ => {}
        }
    }
    names
}

/// Whether a field says which request it is.
fn is_name(slot: &Slot) -> bool {
    match (&*slot.field, slot.key.as_deref()) {
        (IDENTITY, _) => true,
        ("req.header", Some(name)) => TRACES.contains(&name),
        _ => false,
    }
}

/// The header field in which this field of a request stands.
fn header(field: &str, key: &Arc<str>) -> Arc<str> {
    match field {
        "req.cookie" => Arc::from("cookie"),
        _ => key.clone(),
    }
}

/// What a value knows of who asks.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Source {
    /// What a header field says, in lower case.
    Header(Arc<str>),
    /// Something else, such as the client's certificate: the field's path.
    Field(Arc<str>),
}

/// The values of a route.
struct Values<'r> {
    program: &'r Program,
    /// What locals stand for is among these.
    steps: &'r [Step],
    carriers: &'r Carriers,
    credentials: &'r BTreeSet<Arc<str>>,
}

impl Values<'_> {
    /// What these values know of who asks, and where they read it.
    fn sources(&self, values: impl IntoIterator<Item = ExprId>) -> BTreeMap<Source, SlotId> {
        let mut found = BTreeMap::new();
        for (_, expr) in self.program.walk(values, &locals(self.steps)) {
            if let Expr::Slot(slot) = expr {
                found.extend(self.told(*slot).into_iter().map(|source| (source, *slot)));
            }
        }
        found
    }

    /// What a field knows of who asks: credentials, the client's certificate, or what was learned from one of these. Of a
    /// field that is new here that is presumed.
    fn told(&self, id: SlotId) -> Vec<Source> {
        let Some(slot) = self.program.slot(id) else { return Vec::new() };
        let root = slot.field.split('.').next().unwrap_or_default();
        match (&*slot.field, &slot.key) {
            ("req.header" | "req.header.all", Some(key)) => {
                let says = self.credentials.contains(key);
                says.then(|| Source::Header(key.clone())).into_iter().collect()
            }
            (field @ "req.cookie", Some(key)) => vec![Source::Header(header(field, key))],
            // A token says who asks wherever it stands.
            (field, Some(auth)) if field == CLAIMS.path => {
                let carriers = self.carriers.0.get(auth).into_iter().flatten();
                carriers.cloned().map(Source::Header).collect()
            }
            ("req.cookie" | "conn.tls.client", _) => vec![Source::Field(slot.field.clone())],
            _ if matches!(root, "req" | "conn" | "client" | "up" | "origin" | "resp") => Vec::new(),
            _ => vec![Source::Field(slot.field.clone())],
        }
    }
}

/// What a claim about the cache asks of a request, as expressions.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    /// Whether the request has each of the header fields that say who asks.
    credentials: Vec<(Arc<str>, ExprId)>,
    /// Whether it has terms of its own or content, so that no cache answers it.
    pub(crate) has_own_terms: ExprId,
    /// Whether what is said of its content can be true of one request: nothing is no document.
    pub(crate) is_possible: ExprId,
    /// What makes a good example of a request, what matters most first.
    pub(crate) plain: Vec<ExprId>,
}

impl Asks {
    /// Adds them to those of the program.
    pub(crate) fn add(carriers: &[Carriers], exprs: &mut Exprs) -> Asks {
        let names: BTreeSet<Arc<str>> = carriers.iter().flat_map(Carriers::credentials).collect();
        let names = names.into_iter();
        let credentials = names.map(|name| (name.clone(), is_present(exprs, &name))).collect();
        let mut own = OWN_TERMS.map(|name| is_present(exprs, name)).to_vec();
        // An item of the list, whatever stands beside it.
        let no_store = format!(r"(?i-u)(?:^|,)[ \t]*{NO_STORE}[ \t]*(?:,|$)");
        own.push(fits(exprs, "cache-control", &no_store));
        let size = exprs.read("req.body.size", None, Ty::Size);
        let nothing = exprs.intern(Expr::Const(Value::Size(0)));
        let has_content = exprs.intern(Expr::Compare(Compare::Gt, size, nothing));
        own.push(has_content);
        let has_own_terms = exprs.intern(Expr::Or(own));

        let json = exprs.read("req.json", None, Ty::Json.optional());
        let has_json = exprs.intern(Expr::Present(json));
        let no_json = exprs.intern(Expr::Not(has_json));
        let is_possible = exprs.intern(Expr::Or(vec![no_json, has_content]));
        let controls = is_present(exprs, "cache-control");
        let plain = [controls, has_json, has_content];
        let plain = plain.map(|id| exprs.intern(Expr::Not(id))).to_vec();
        Asks { credentials, has_own_terms, is_possible, plain }
    }

    /// Whether the request has each of the header fields with which it goes past.
    pub(crate) fn past(&self, answers: &Answers) -> impl Iterator<Item = ExprId> {
        self.have(&answers.past)
    }

    /// Whether the request has each of the header fields in which it says to a policy who asks.
    pub(crate) fn says(&self, carriers: &Carriers) -> Vec<ExprId> {
        self.have(&carriers.credentials()).collect()
    }

    fn have(&self, names: &BTreeSet<Arc<str>>) -> impl Iterator<Item = ExprId> {
        let named = self.credentials.iter().filter(|(name, _)| names.contains(name));
        named.map(|(_, has)| *has)
    }
}

fn is_present(exprs: &mut Exprs, name: &str) -> ExprId {
    let field = exprs.header(&Arc::from(name));
    exprs.intern(Expr::Present(field))
}

/// Whether the header field is there and fits the pattern.
fn fits(exprs: &mut Exprs, name: &str, pattern: &str) -> ExprId {
    let field = exprs.header(&Arc::from(name));
    let matches = FUNCTIONS.iter().find(|function| function.name == "matches");
    let (Some(matches), Some(pattern)) = (matches, literal::compiled(pattern)) else {
        // INVARIANT: the function is there, and the patterns above are patterns.
        debug_assert!(false, "{pattern}");
        return exprs.intern(Expr::Const(Value::Bool(false)));
    };
    let pattern = exprs.intern(Expr::Const(Value::Regex(pattern)));
    exprs.intern(Expr::Call(matches, vec![field, pattern]))
}
