//! Which requests go past a shared cache, by what they say. The runtime keeps to these names, and proofs ask of a request
//! what they mean.

use std::collections::BTreeSet;
use std::sync::Arc;

use lang::functions::FUNCTIONS;
use lang::literal;
use lang::policy::Compare;
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;
use lang::{Ty, Value};

use crate::frame::SlotId;
use crate::lower::expr::Exprs;
use crate::program::{Expr, Program, Step, locals};
use crate::space::identity;

/// Methods that a cache answers.
pub const READ: [&str; 2] = ["GET", "HEAD"];

/// Header fields of a request that say who asks.
pub const CREDENTIALS: [&str; 2] = ["authorization", "cookie"];

/// Header fields of a request that ask for a part, for what is only right once, or for another protocol.
pub const OWN_TERMS: [&str; 5] =
    ["range", "if-range", "if-match", "if-unmodified-since", "upgrade"];

/// The directive of `Cache-Control` by which a request wants nothing kept (RFC 9111, section 5.2.1.5).
pub const NO_STORE: &str = "no-store";

/// Whom a cache answers: of each of [`CREDENTIALS`], whether requests that have it are among them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answers([bool; CREDENTIALS.len()]);

impl Answers {
    /// Who does not say who he is.
    pub const NOBODY: Answers = Answers([false; CREDENTIALS.len()]);

    /// Whom the cache answers if its `key` tells requests apart and these are the statements of its route; all, if what it
    /// keeps is `public`. `None` if nobody: a statement reads who asks, and the key does not say so.
    pub fn of(
        program: &Program,
        public: bool,
        key: Option<ExprId>,
        steps: &[Step],
    ) -> Option<Answers> {
        if public {
            return Some(Answers([true; CREDENTIALS.len()]));
        }
        let told = sources(program, key, steps);
        let asked = sources(program, steps.iter().flat_map(Step::exprs), steps);
        let says = |name| told.contains(&Source::Header(Arc::from(name)));
        asked.is_subset(&told).then(|| Answers(CREDENTIALS.map(says)))
    }

    /// The credentials with which a request goes past.
    pub fn past(self) -> impl Iterator<Item = &'static str> {
        self.but(CREDENTIALS)
    }

    /// Of what there is for each of [`CREDENTIALS`], that of those with which a request goes past.
    fn but<T>(self, each: [T; CREDENTIALS.len()]) -> impl Iterator<Item = T> {
        each.into_iter().zip(self.0).filter(|(_, answers)| !answers).map(|(one, _)| one)
    }

    /// Whether it answers somebody whom the other does not.
    pub(crate) fn exceeds(&self, other: &Answers) -> bool {
        self.0.iter().zip(other.0).any(|(mine, others)| *mine && !others)
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

/// What the values know of who asks. What their locals stand for is among `steps`.
fn sources(
    program: &Program,
    values: impl IntoIterator<Item = ExprId>,
    steps: &[Step],
) -> BTreeSet<Source> {
    let mut found = BTreeSet::new();
    for (_, expr) in program.walk(values, &locals(steps)) {
        if let Expr::Slot(slot) = expr {
            found.extend(told(program, *slot));
        }
    }
    found
}

/// What a field knows of who asks: credentials, the client's certificate, or what was learned from one of these. Of a
/// field that is new here that is presumed.
fn told(program: &Program, id: SlotId) -> Vec<Source> {
    let Some(slot) = program.slots.get(id.0 as usize) else { return Vec::new() };
    let root = slot.field.split('.').next().unwrap_or_default();
    let header = |field: &str, key: &Arc<str>| match field {
        "req.cookie" => Source::Header(Arc::from("cookie")),
        _ => Source::Header(key.clone()),
    };
    match (&*slot.field, &slot.key) {
        (field @ ("req.header" | "req.header.all"), Some(key)) => {
            let says = CREDENTIALS.contains(&&**key) || identity::carries_token(program, id);
            says.then(|| header(field, key)).into_iter().collect()
        }
        (field @ "req.cookie", Some(key)) => vec![header(field, key)],
        // A token says who asks wherever it stands.
        (field, Some(auth)) if field == CLAIMS.path => {
            let carriers = identity::sources(program, auth);
            carriers.iter().map(|(field, key)| header(field, key)).collect()
        }
        ("req.cookie" | "conn.tls.client", _) => vec![Source::Field(slot.field.clone())],
        _ if matches!(root, "req" | "conn" | "client" | "up" | "origin" | "resp") => Vec::new(),
        _ => vec![Source::Field(slot.field.clone())],
    }
}

/// What a claim about the cache asks of a request, as expressions.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    /// Whether the request has each of [`CREDENTIALS`].
    credentials: [ExprId; CREDENTIALS.len()],
    /// Whether it has terms of its own or content, so that no cache answers it.
    pub(crate) has_own_terms: ExprId,
    /// Whether what is said of its content can be true of one request: nothing is no document.
    pub(crate) is_possible: ExprId,
    /// What makes a good example of a request, what matters most first.
    pub(crate) plain: Vec<ExprId>,
}

impl Asks {
    /// Adds them to the others.
    pub(crate) fn add(exprs: &mut Exprs) -> Asks {
        let credentials = CREDENTIALS.map(|name| is_present(exprs, name));
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

    /// Whether the request has credentials with which it goes past, each.
    pub(crate) fn past(&self, answers: Answers) -> impl Iterator<Item = ExprId> {
        answers.but(self.credentials)
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
