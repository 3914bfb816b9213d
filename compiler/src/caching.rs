//! Which requests go past a shared cache, by what they say. The runtime keeps to these names, and proofs ask of a request
//! what they mean.

use std::sync::Arc;

use lang::functions::FUNCTIONS;
use lang::literal;
use lang::policy::Compare;
use lang::vocab::ExprId;
use lang::{Ty, Value};

use crate::lower::expr::Exprs;
use crate::program::Expr;

/// Methods that a cache answers.
pub const READ: [&str; 2] = ["GET", "HEAD"];

/// Header fields of a request that say who asks.
pub const CREDENTIALS: [&str; 2] = ["authorization", "cookie"];

/// Header fields of a request that ask for a part, for what is only right once, or for another protocol.
pub const OWN_TERMS: [&str; 5] =
    ["range", "if-range", "if-match", "if-unmodified-since", "upgrade"];

/// The directive of `Cache-Control` by which a request wants nothing kept (RFC 9111, section 5.2.1.5).
pub const NO_STORE: &str = "no-store";

/// What a claim about the cache asks of a request, as expressions.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    /// Whether the request says who asks.
    pub(crate) says_who: ExprId,
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
        let any = CREDENTIALS.map(|name| is_present(exprs, name)).to_vec();
        let says_who = exprs.intern(Expr::Or(any));
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
        Asks { says_who, has_own_terms, is_possible, plain }
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
