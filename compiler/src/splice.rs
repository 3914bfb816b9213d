//! Text that is put together part by part: which parts are the policy's own words and which a request says, and how each
//! stands there. A `match` or `??` that is the whole text chooses among texts, and each of these is put together by itself.
//! Whoever sends such a text and whoever proves something of it take it apart here.

use std::collections::HashMap;

use lang::Value;
use lang::policy::LocalId;
use lang::vocab::{ExprId, Joint};

use crate::interp::Constants;
use crate::program::walk::plainly;
use crate::program::{Expr, Program, named};

/// A text, or the texts among which it is chosen.
#[derive(Clone, PartialEq, Debug)]
pub struct Text {
    /// Each stands behind those that it may be; the last one is the text itself.
    nodes: Vec<Node>,
}

#[derive(Clone, PartialEq, Debug)]
enum Node {
    Parts(Vec<Part>),
    /// What this expression chooses among these, in the order of its alternatives.
    Choice(ExprId, Vec<usize>),
}

impl Text {
    /// Each of the texts that it may be.
    pub fn each(&self) -> impl Iterator<Item = &[Part]> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Parts(parts) => Some(parts.as_slice()),
            Node::Choice(..) => None,
        })
    }

    /// The text that it is, where `choose` says which of its alternatives an expression takes. `None` where it says of none.
    pub fn chosen(&self, choose: impl Fn(ExprId) -> Option<usize>) -> Option<&[Part]> {
        let mut node = self.nodes.last()?;
        loop {
            match node {
                Node::Parts(parts) => return Some(parts),
                Node::Choice(id, among) => node = self.nodes.get(*among.get(choose(*id)?)?)?,
            }
        }
    }
}

impl From<Vec<Part>> for Text {
    fn from(parts: Vec<Part>) -> Text {
        Text { nodes: vec![Node::Parts(parts)] }
    }
}

/// One part.
#[derive(Clone, PartialEq, Debug)]
pub enum Part {
    /// The policy's own words.
    Words(String),
    /// What is computed for each request, and how it stands there.
    Value(ExprId, Joint),
}

/// What a text is to become, and which fields already are of that form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A path.
    Path,
    /// A query.
    Query,
    /// A URI or a part of one, for `Location`.
    Location,
}

impl Form {
    /// The fields that stand as they are.
    fn keeps(self, field: &str) -> bool {
        match self {
            Form::Path => matches!(field, "req.path" | "up.path"),
            Form::Query => field == "up.query",
            Form::Location => matches!(
                field,
                "req.path"
                    | "req.target"
                    | "req.host"
                    | "req.scheme"
                    | "up.path"
                    | "up.query"
                    | "up.host"
            ),
        }
    }
}

/// The text that an expression gives where lets name `locals`.
pub(crate) fn text(
    (program, constants): (&Program, &Constants),
    locals: &[(LocalId, ExprId)],
    id: ExprId,
    form: Form,
) -> Text {
    let mut nodes = Vec::new();
    Flow { program, constants, locals, form }.choose(id, &mut nodes, &mut HashMap::new(), 0);
    Text { nodes }
}

/// How values flow into a text.
struct Flow<'p> {
    program: &'p Program,
    constants: &'p Constants,
    locals: &'p [(LocalId, ExprId)],
    form: Form,
}

/// Expressions are at most as deep as the grammar lets them be; what lies deeper counts as a plain value.
const DEEPEST: u32 = 128;

impl Flow<'_> {
    /// Adds the text behind those that it may be, each once, and says where it stands.
    fn choose(
        &self,
        id: ExprId,
        nodes: &mut Vec<Node>,
        known: &mut HashMap<ExprId, usize>,
        depth: u32,
    ) -> usize {
        if let Some(at) = known.get(&id) {
            return *at;
        }
        let node = match self.choice(id).filter(|_| depth < DEEPEST) {
            Some((id, among)) => {
                let among = among.into_iter().map(|one| self.choose(one, nodes, known, depth + 1));
                Node::Choice(id, among.collect())
            }
            None => {
                let mut parts = Vec::new();
                self.take_apart(id, &mut parts, 0);
                Node::Parts(parts)
            }
        };
        nodes.push(node);
        known.insert(id, nodes.len() - 1);
        nodes.len() - 1
    }

    /// The expression that chooses what a text is, and among what; where it has a name, if that chooses the same later on.
    fn choice(&self, id: ExprId) -> Option<(ExprId, Vec<ExprId>)> {
        if self.constants.get(id).is_some() {
            return None;
        }
        let mut meant = id;
        for _ in 0..DEEPEST {
            let Expr::Local(local) = self.program.expr(meant) else { break };
            meant = named(self.locals, *local)?;
        }
        let stays = || self.program.walk([meant], &[]).slots().all(|(_, slot)| slot.stable);
        let among = self.program.expr(meant).alternatives()?;
        (meant == id || stays()).then_some((meant, among))
    }

    fn take_apart(&self, id: ExprId, parts: &mut Vec<Part>, depth: u32) {
        if let Some(value) = self.constants.get(id) {
            let words = plain(value);
            match parts.last_mut() {
                Some(Part::Words(before)) => before.push_str(&words),
                _ => parts.push(Part::Words(words)),
            }
            return;
        }
        match self.program.expr(id) {
            Expr::Template(pieces) if depth < DEEPEST => {
                for piece in pieces {
                    self.take_apart(*piece, parts, depth + 1);
                }
            }
            _ => {
                let joint = self.joint(id).unwrap_or({
                    // One of several texts of the policy's. Where a path begins it is a path, and behind that it is
                    // what any value is.
                    match self.form {
                        Form::Path if !parts.is_empty() => Joint::Value,
                        Form::Path | Form::Query | Form::Location => Joint::Kept,
                    }
                });
                parts.push(Part::Value(id, joint));
            }
        }
    }

    /// How a value stands, by what it can be made of. What merely chooses between texts, such as the subject of a `match`,
    /// does not flow into them. `None` where nothing but the policy's own words does.
    fn joint(&self, id: ExprId) -> Option<Joint> {
        let mut joint = None;
        let is_one = self.program.is_of_all(id, self.locals, |id, expr| {
            let own = match expr {
                // The policy's own words take the kind of what stands beside them.
                _ if self.constants.get(id).is_some() => return Some(Vec::new()),
                Expr::Coalesce(..) | Expr::Match(..) => return expr.alternatives(),
                Expr::Template(pieces) | Expr::Call(_, pieces) => return Some(pieces.clone()),
                Expr::Slot(slot) => match self.program.slot(*slot) {
                    Some(slot) if self.form.keeps(&slot.field) => Joint::Kept,
                    _ => Joint::Value,
                },
                Expr::Capture(_) => Joint::Spelled,
                _ => Joint::Value,
            };
            plainly(*joint.get_or_insert(own) == own)
        });
        if is_one { joint } else { Some(Joint::Value) }
    }
}

/// A value as text has it.
pub fn plain(value: &Value) -> String {
    match (value.as_str(), value) {
        (Some(text), _) => text.to_owned(),
        (None, Value::Absent) => String::new(),
        (None, other) => other.to_string(),
    }
}
