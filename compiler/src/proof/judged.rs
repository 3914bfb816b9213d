//! Whether what statements put somewhere can stand there, of one request: its values are computed, and judged by the rows by
//! which the gateway judges them.

use lang::Value;
use lang::policy::{self, Expr as Written, ExprKind, LocalId};
use lang::vocab::{Ends, ExprId, Form as Syntax, Joint, Known, Spliced};

use crate::interp::Interp;
use crate::program::{Call, Expr, Step, StepKind, locals};
use crate::proof::course::Course;
use crate::splice::{self, Form, Part, plain};

/// What is known of the values that statements put somewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Judged {
    /// They bring the request where its course says.
    AsTold,
    /// They bring it somewhere else.
    Otherwise,
    /// One of them is not known.
    Unknown,
}

/// Whether the request comes this way as far as that hangs on what values come to. What `is_unknown` is known to nobody.
pub(crate) fn judged(
    interp: &Interp<'_>,
    course: &Course,
    (written, lowered): (&[policy::Step], &[Step]),
    is_unknown: &dyn Fn(ExprId) -> bool,
) -> Judged {
    let judge = Judge { interp, lets: &locals(lowered), is_unknown };
    for &at in &course.doubts {
        let (Some(written), Some(lowered)) = (written.get(at), lowered.get(at)) else {
            return Judged::Unknown;
        };
        let (policy::StepKind::Act(call), StepKind::Act(lowered)) = (&written.kind, &lowered.kind)
        else {
            return Judged::Unknown;
        };
        let refuses = !course.sure && course.at == Some(at);
        match judge.stands(call, lowered) {
            None => return Judged::Unknown,
            Some(stands) if stands == refuses => return Judged::Otherwise,
            Some(_) => {}
        }
    }
    Judged::AsTold
}

struct Judge<'j> {
    interp: &'j Interp<'j>,
    lets: &'j [(LocalId, ExprId)],
    is_unknown: &'j dyn Fn(ExprId) -> bool,
}

impl Judge<'_> {
    /// Whether what a statement puts somewhere can stand there. `None` if that is not known.
    fn stands(&self, call: &policy::Call, lowered: &Call) -> Option<bool> {
        let row = call.row;
        match (row.ends, row.form) {
            (Ends::No, Syntax::Assign | Syntax::Append) => {
                let (place, id) = (call.place.as_ref()?, lowered.args.first().copied()?);
                let Some(row) = place.field.written else { return Some(true) };
                let key = place.key.as_deref().unwrap_or_default();
                let accepts = |known: Known<'_>| (row.accepts)(key, known).is_ok();
                match place.field.path {
                    // What cannot stand in a query is encoded there.
                    "up.query" => Some(true),
                    "up.path" => self.spliced(id, Form::Path, &accepts),
                    _ => self.whole(id, &accepts),
                }
            }
            (Ends::No, _) if row.name == "rewrite" => {
                self.argument(call, lowered, "path", Some(Form::Path))
            }
            (Ends::Responds, _) if row.place_of("location").is_some() => {
                self.argument(call, lowered, "location", Some(Form::Location))
            }
            (Ends::Responds, _) => Some(true),
            (Ends::Forwards, _) => self.argument(call, lowered, "host", None),
            _ => None,
        }
    }

    /// The same of an argument, if it is given.
    fn argument(
        &self,
        call: &policy::Call,
        lowered: &Call,
        name: &str,
        form: Option<Form>,
    ) -> Option<bool> {
        let at = call.row.place_of(name)?;
        let param = call.row.params.get(at)?;
        let Some(id) = lowered.args.get(at).copied() else { return Some(true) };
        let is_absent = |written: &Written| matches!(written.kind, ExprKind::Const(Value::Absent));
        if call.args.get(at).is_none_or(is_absent) {
            return Some(true);
        }
        let accepts = |known: Known<'_>| (param.accepts)(known).is_ok();
        match form {
            Some(form) => self.spliced(id, form, &accepts),
            None => self.whole(id, &accepts),
        }
    }

    fn whole(&self, id: ExprId, accepts: &dyn Fn(Known<'_>) -> bool) -> Option<bool> {
        match self.interp.program.expr(id) {
            // The policy's own words are judged where they are bound.
            Expr::Const(_) => Some(true),
            _ => Some(accepts(Known::Value(&self.value(id)?))),
        }
    }

    fn spliced(&self, id: ExprId, form: Form, accepts: &dyn Fn(Known<'_>) -> bool) -> Option<bool> {
        let Interp { program, constants, .. } = self.interp;
        let text = splice::text((program, constants), self.lets, id, form);
        let choose = |choice| self.is_known(choice).then(|| self.interp.chosen(choice).ok())??;
        let parts: Option<Vec<_>> = text
            .chosen(choose)?
            .iter()
            .map(|part| match part {
                Part::Words(words) => Some((words.clone(), Joint::Written)),
                Part::Value(id, joint) => Some((plain(&self.value(*id)?), *joint)),
            })
            .collect();
        let parts = parts?;
        let parts: Vec<Spliced<'_>> =
            parts.iter().map(|(text, joint)| Spliced { text, joint: *joint }).collect();
        match parts.as_slice() {
            [Spliced { joint: Joint::Written, .. }] => Some(true),
            parts => Some(accepts(Known::Spliced(parts))),
        }
    }

    fn value(&self, id: ExprId) -> Option<Value> {
        self.is_known(id).then(|| self.interp.value(id).ok())?
    }

    fn is_known(&self, id: ExprId) -> bool {
        let Interp { program, constants, .. } = self.interp;
        let is_unbound = |(id, expr): (ExprId, &Expr)| {
            matches!(expr, Expr::Input(_)) && constants.get(id).is_none()
        };
        !(self.is_unknown)(id) && !program.walk([id], self.lets).any(is_unbound)
    }
}
