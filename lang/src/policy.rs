//! A checked policy: names resolved, every expression typed, sites and applied policies expanded, arguments in the
//! order of their rows. It is what the author meant; spans say where it was said.

use std::sync::Arc;

pub mod module;
pub mod parts;
pub mod trial;

use crate::source::Span;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab;

mod claim;

pub use claim::{Assert, Claim, HeaderIs, Message, Unproved};
pub use module::{Ground, Module};

/// A whole policy. If its diagnostics hold no error, it can be lowered; otherwise it holds what was understood.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// `param` and `secret` items; [`ExprKind::Input`] counts into them.
    pub inputs: Vec<Input>,
    /// `listener` and `upstream` items.
    pub blocks: Vec<Block>,
    /// Every route, those of sites included.
    pub routes: Vec<Route>,
    /// Who owns which part of it.
    pub modules: Vec<Module>,
    /// `a before b`.
    pub before: Vec<Before>,
    /// What is claimed of all requests.
    pub asserts: Vec<Assert>,
    /// `test` items.
    pub tests: Vec<trial::Test>,
}

/// A route, by its place in [`Policy::routes`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RouteId(pub u32);

/// An input, by its place in [`Policy::inputs`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InputId(pub u32);

/// A value named by a `let` or a policy's parameter, unique within its route.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LocalId(pub u32);

/// Something bound when the policy is loaded.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: Arc<str>,
    /// Its type; [`Ty::Secret`] for a secret.
    pub ty: Ty,
    /// Where its value comes from.
    pub from: From,
    /// Its value when there is none.
    pub default: Option<Value>,
    /// Its doc comment.
    pub doc: Arc<str>,
    /// Its name's place.
    pub span: Span,
}

/// Where an input's value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum From {
    /// Only what is given on loading, or the default.
    Given,
    /// An environment variable.
    Env(Arc<str>),
    /// A file's content, one trailing newline removed.
    File(Arc<str>),
}

/// A configured item.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its row: says the kind.
    pub row: &'static vocab::Block,
    /// Its name.
    pub name: Arc<str>,
    /// Its lines, in order.
    pub settings: Vec<Setting>,
    /// Its name's place.
    pub span: Span,
}

/// A line of a configured item.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its row.
    pub row: &'static vocab::Setting,
    /// One expression for each parameter of the row; defaults are filled in.
    pub args: Vec<Expr>,
    /// The line's place.
    pub span: Span,
}

/// A route, with everything that a site put around it.
#[derive(Clone, Debug)]
pub struct Route {
    /// `name`, or `site.name`; a module's begin with the module's name.
    pub name: Arc<str>,
    /// The module whose it is, as a place in [`Policy::modules`].
    pub module: Option<usize>,
    /// The listeners it is on, as places in [`Policy::blocks`].
    pub listeners: Vec<usize>,
    /// Its hosts; never empty, [`Host::Any`] where none was written.
    pub hosts: Vec<(Host, Span)>,
    /// Its paths; never empty, `/**` where none was written.
    pub paths: Vec<(Path, Span)>,
    /// Its methods; `None` takes every one. `GET` has brought `HEAD` with it.
    pub methods: Option<(Vec<Arc<str>>, Span)>,
    /// All its `where` clauses; each is of type `Bool`.
    pub conditions: Vec<Expr>,
    /// What its paths capture; every path captures all of them.
    pub captures: Vec<(Arc<str>, Ty)>,
    /// Its statements, in the order in which they run.
    pub steps: Vec<Step>,
    /// Its doc comment.
    pub doc: Arc<str>,
    /// Its name's place.
    pub span: Span,
    /// The whole item's place.
    pub item: Span,
}

/// Hosts, in lower case, without port and trailing dot. Any two patterns are nested or disjoint.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Host {
    /// Every host.
    Any,
    /// This one.
    Exact(Arc<str>),
    /// `*.x`: one label, then `.x`. Holds `x`.
    OneLabel(Arc<str>),
    /// `**.x`: one or more labels, then `.x`. Holds `x`.
    Labels(Arc<str>),
}

/// Paths, by whole segments. `"/"` is one empty segment, `"/a/"` is `a` and an empty one; `"/**"` is no segment and
/// `rest`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Path {
    /// The segments, from the left.
    pub segments: Vec<Segment>,
    /// Whether everything beneath belongs to it too (`/**`).
    pub rest: bool,
}

/// One segment of a path pattern.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Segment {
    /// This text, in the normal form.
    Literal(Arc<str>),
    /// One non-empty segment of this type (`String`, `Int`, `Uuid` or a union of literals), by name.
    Capture(Arc<str>, Ty),
}

/// `first before second`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Before {
    /// Tried first.
    pub first: RouteId,
    /// Tried after it.
    pub second: RouteId,
    /// Where that is said.
    pub span: Span,
    /// What goes if it is not to be said.
    pub whole: Span,
}

/// A statement of a route.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// Where it is written; for an applied policy's statement, in that policy.
    pub span: Span,
    /// The policies through which it came here, outermost first.
    pub via: Vec<Arc<str>>,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Evaluates now, for the statements below.
    Let(LocalId, Expr),
    /// Runs an action.
    Act(Call),
    /// From here on these run on whatever is answered, before the statements of the way back. None of them is another
    /// such step, and none ends anything.
    Always(Vec<Step>),
}

/// An action with its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its row.
    pub row: &'static vocab::Action,
    /// One expression for each parameter of the row; defaults are filled in. The value, for an assignment.
    pub args: Vec<Expr>,
    /// What an assignment or removal changes.
    pub place: Option<Place>,
    /// `pattern => value`; the first parameter is absent then.
    pub arms: Vec<(Expr, Expr)>,
}

/// A writable field, looked into.
#[derive(Clone, Debug)]
pub struct Place {
    /// The field's row.
    pub field: &'static vocab::Field,
    /// The key, normalised as the row says.
    pub key: Option<Arc<str>>,
    /// Where it is written.
    pub span: Span,
}

/// A typed expression. Total: evaluating it never fails.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Ty,
    /// Where it is written.
    pub span: Span,
}

/// What an expression computes.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// Itself.
    Const(Value),
    /// An input, bound on loading.
    Input(InputId),
    /// A field, looked into with a key where its row has one.
    Field(&'static vocab::Field, Option<Arc<str>>),
    /// A capture of the route's path, by name.
    Capture(Arc<str>),
    /// A `let` of the route.
    Local(LocalId),
    /// Boolean `not`.
    Not(Box<Expr>),
    /// Boolean `and`, left to right.
    And(Vec<Expr>),
    /// Boolean `or`, left to right.
    Or(Vec<Expr>),
    /// A comparison. With an absent side it is false.
    Compare(Compare, Box<Expr>, Box<Expr>),
    /// Membership: an item in a list or set, an address in a network (or a list of them), a key in a map. Absence is in nothing.
    In(Box<Expr>, Box<Expr>),
    /// `is present`.
    Present(Box<Expr>),
    /// `left ?? right`.
    Coalesce(Box<Expr>, Box<Expr>),
    /// Arithmetic; integers saturate, a division is by a non-zero literal.
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    /// `base.name`, of a record, map or document; absent where it is not there.
    Member(Box<Expr>, Arc<str>),
    /// A call of a pure function.
    Call(&'static vocab::Function, Vec<Expr>),
    /// Text with values in it.
    Template(Vec<Expr>),
    /// The first arm whose patterns hold the subject; the last arm holds everything that is left.
    Match(Box<Expr>, Vec<Arm>),
    /// `any`, `all` or `count` over a list: the quantifier, the item's name within, the list, the predicate.
    Quantified(Quantifier, LocalId, Box<Expr>, Box<Expr>),
    /// A list.
    List(Vec<Expr>),
    /// A record.
    Record(Vec<(Arc<str>, Expr)>),
    /// Already reported.
    Error,
}

/// An arm of a `match`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Values one of which the subject must equal (or lie in, for networks and ranges); `None` is `_`.
    pub patterns: Option<Vec<Value>>,
    /// What the match is then.
    pub value: Expr,
    /// Where it is written.
    pub span: Span,
}

/// A comparison.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Compare {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Compare {
    /// The comparison with its sides exchanged: `a < b` is `b > a`.
    pub fn mirrored(self) -> Compare {
        match self {
            Compare::Lt => Compare::Gt,
            Compare::Le => Compare::Ge,
            Compare::Gt => Compare::Lt,
            Compare::Ge => Compare::Le,
            same => same,
        }
    }
}

/// An arithmetic operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
}

/// How a list is asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Quantifier {
    /// Whether one item fits.
    Any,
    /// Whether every item fits.
    All,
    /// How many items fit.
    Count,
}
