//! Text that is put together part by part: which parts are the policy's own words and which a request says, and how each
//! stands there. Whoever sends such a text and whoever proves something of it take it apart here.

use lang::Value;
use lang::policy::LocalId;
use lang::vocab::{ExprId, Joint};

use crate::interp::Constants;
use crate::program::walk::plainly;
use crate::program::{Expr, Program};

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

/// The parts of the text that an expression gives where lets name `locals`.
pub(crate) fn parts(
    (program, constants): (&Program, &Constants),
    locals: &[(LocalId, ExprId)],
    id: ExprId,
    form: Form,
) -> Vec<Part> {
    let mut parts = Vec::new();
    Flow { program, constants, locals, form }.take_apart(id, &mut parts, 0);
    parts
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
