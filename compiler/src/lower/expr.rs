//! Typed expressions to value code. Equal ones become one, and every field that is read gets its slot.

use std::collections::HashMap;
use std::sync::Arc;

use lang::policy::{self, ExprKind, InputId};
use lang::vocab::identity::CLAIMS;
use lang::vocab::{ExprId, Field, Phase};
use lang::{Span, Ty, Value};

use crate::frame::{Slot, SlotId};
use crate::program::{Expr, MatchArm};

/// The value code so far.
#[derive(Debug, Default)]
pub(crate) struct Exprs {
    list: Vec<Expr>,
    /// Where each is first written; those that nobody writes are not at the end.
    spans: Vec<Span>,
    known: HashMap<Key, ExprId>,
    slots: Vec<Slot>,
    slot_of: HashMap<(&'static str, Option<Arc<str>>), SlotId>,
    /// What the inputs of the policy at hand are called in the program, if not as in the policy.
    inputs: Option<Vec<InputId>>,
}

impl Exprs {
    /// The number of this expression.
    pub(crate) fn lower(&mut self, expr: &policy::Expr) -> ExprId {
        let lowered = match &expr.kind {
            ExprKind::Const(value) => Expr::Const(value.clone()),
            ExprKind::Input(input) => {
                let known = self.inputs.as_ref().and_then(|known| known.get(input.0 as usize));
                Expr::Input(known.copied().unwrap_or(*input))
            }
            ExprKind::Field(field, key) => Expr::Slot(self.slot(field, key.clone(), &expr.ty)),
            ExprKind::Capture(name) => Expr::Capture(name.clone()),
            ExprKind::Local(local) => Expr::Local(*local),
            ExprKind::Not(inner) => Expr::Not(self.lower(inner)),
            ExprKind::And(parts) => Expr::And(self.lower_all(parts)),
            ExprKind::Or(parts) => Expr::Or(self.lower_all(parts)),
            ExprKind::Compare(how, a, b) => Expr::Compare(*how, self.lower(a), self.lower(b)),
            ExprKind::In(item, of) => Expr::In(self.lower(item), self.lower(of)),
            ExprKind::Present(inner) => Expr::Present(self.lower(inner)),
            ExprKind::Coalesce(a, b) => Expr::Coalesce(self.lower(a), self.lower(b)),
            ExprKind::Arithmetic(how, a, b) => Expr::Arithmetic(*how, self.lower(a), self.lower(b)),
            ExprKind::Member(base, name) => Expr::Member(self.lower(base), name.clone()),
            // Of what is always there and one thing it is what stands in `"{value}"`.
            ExprKind::Call(function, arguments)
                if function.name == "text" && arguments.iter().all(|one| one.ty.is_single()) =>
            {
                Expr::Template(self.lower_all(arguments))
            }
            ExprKind::Call(function, arguments) => Expr::Call(function, self.lower_all(arguments)),
            ExprKind::Template(parts) => Expr::Template(self.lower_all(parts)),
            ExprKind::Match(subject, arms) => {
                let subject = self.lower(subject);
                let arms = arms.iter().map(|arm| MatchArm {
                    patterns: arm.patterns.clone(),
                    value: self.lower(&arm.value),
                });
                Expr::Match(subject, arms.collect())
            }
            ExprKind::Quantified(how, name, list, predicate) => {
                Expr::Quantified(*how, *name, self.lower(list), self.lower(predicate))
            }
            ExprKind::List(items) => match &expr.ty {
                Ty::Set(_) => Expr::Set(self.lower_all(items)),
                _ => Expr::List(self.lower_all(items)),
            },
            ExprKind::Record(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.clone(), self.lower(value)));
                let mut fields: Vec<_> = fields.collect();
                // The order in which they are written is nothing to a record; of two with one name the last counts.
                fields.sort_by(|(a, _), (b, _)| a.cmp(b));
                Expr::Record(fields)
            }
            // INVARIANT: a policy that holds one has an error, and is lowered for nobody to run.
            ExprKind::Error => Expr::NOTHING,
        };
        let id = self.intern(lowered);
        if self.spans.len() <= id.0 as usize {
            self.spans.resize(id.0 as usize, Span::default());
            self.spans.push(expr.span);
        }
        id
    }

    /// Where each expression is first written, as far as policies write them.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.clone()
    }

    /// Reads the inputs of the expressions to come as these.
    pub(crate) fn name_inputs(&mut self, known: Vec<InputId>) {
        self.inputs = Some(known);
    }

    /// The number of the reading of a header field of the request.
    pub(crate) fn header(&mut self, name: &Arc<str>) -> ExprId {
        self.read("req.header", Some(name.clone()), Ty::String.optional())
    }

    /// The number of the reading of a field of the request as it came, which has this type.
    pub(crate) fn read(&mut self, field: &'static str, key: Option<Arc<str>>, ty: Ty) -> ExprId {
        let slots = &mut self.slots;
        let slot = *self.slot_of.entry((field, key.clone())).or_insert_with(|| {
            slots.push(Slot { field: Arc::from(field), key, ty, stable: true });
            SlotId(slots.len() as u32 - 1)
        });
        self.intern(Expr::Slot(slot))
    }

    /// What is read so far.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The number of this expression, whose operands have theirs.
    pub(crate) fn intern(&mut self, expr: Expr) -> ExprId {
        let key = Key::of(&expr);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let id = ExprId(self.list.len() as u32);
        self.list.push(expr);
        self.known.insert(key, id);
        id
    }

    /// What this number stands for.
    pub(crate) fn expr(&self, id: ExprId) -> Option<&Expr> {
        self.list.get(id.0 as usize)
    }

    /// The finished code and its slots.
    pub(crate) fn finish(self) -> (Vec<Expr>, Vec<Slot>) {
        (self.list, self.slots)
    }

    fn lower_all(&mut self, parts: &[policy::Expr]) -> Vec<ExprId> {
        parts.iter().map(|part| self.lower(part)).collect()
    }

    fn slot(&mut self, field: &'static Field, key: Option<Arc<str>>, read: &Ty) -> SlotId {
        let slots = &mut self.slots;
        *self.slot_of.entry((field.path, key.clone())).or_insert_with(|| {
            let stable = field.from <= Phase::Request && !field.is_writable();
            let ty = match field.path == CLAIMS.path {
                // Each auth has claims of its own types; where they are known to be there, nothing is optional.
                true => read.present().clone().optional(),
                false => (field.ty)(),
            };
            slots.push(Slot { field: Arc::from(field.path), key, ty, stable });
            SlotId(slots.len() as u32 - 1)
        })
    }
}

/// What equal expressions share and no others. Values compare equal across kinds (`1` and `1.0`), their text does not, so
/// it is the text; of what there is very much, it is taken as it is.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(crate) enum Key {
    Text(Arc<str>),
    Status(u16),
    Slot(SlotId),
    Written(String),
}

impl Key {
    pub(crate) fn of(expr: &Expr) -> Key {
        match expr {
            Expr::Const(Value::String(text)) => Key::Text(text.clone()),
            Expr::Const(Value::Status(status)) => Key::Status(*status),
            Expr::Slot(slot) => Key::Slot(*slot),
            Expr::Const(Value::Regex(pattern)) => {
                Key::Written(format!("regex {:?}", pattern.0.as_str()))
            }
            Expr::Call(function, arguments) => {
                Key::Written(format!("{} {arguments:?}", function.name))
            }
            other => Key::Written(format!("{other:?}")),
        }
    }
}
