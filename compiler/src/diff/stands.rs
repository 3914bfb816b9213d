//! Whether the values of an example can stand where the statements of a course put them, as far as the request tells.

use lang::policy;
use lang::vocab::ExprId;

use crate::frame::{Fill, Frame, Read, Slot, SlotId};
use crate::interp::{Constants, Interp};
use crate::order::witness::Witness;
use crate::program::{Expr, Program, Step, StepKind, locals};
use crate::proof::course::Course;
use crate::proof::follow::is_on_its_way;
use crate::proof::judged::{Judged, judged};
use crate::proof::sent::{Reach, reach};

/// An example on its way through a course.
pub(super) struct Passing<'p> {
    pub(super) program: &'p Program,
    pub(super) constants: &'p Constants,
    pub(super) witness: &'p Witness,
    pub(super) course: &'p Course,
    /// The statements of its route, as written and as lowered.
    pub(super) steps: (&'p [policy::Step], &'p [Step]),
    /// Whether the listener may believe what a peer says about the client.
    pub(super) believes: bool,
}

impl Passing<'_> {
    /// Whether its values bring it that way; what is captured is in the frame.
    pub(super) fn judged(&self, captured: &Frame) -> Judged {
        let Passing { program, constants, .. } = *self;
        let frame = Frame::new();
        frame.set_captures(captured.captures());
        let said = self.witness.fill(program);
        let fill = Sent { passing: self, said: &said };
        let interp = Interp { program, constants, frame: &frame, fill: &fill };
        let lets = locals(self.steps.1);
        for (local, value) in &lets {
            frame.set_local(*local, interp.value(*value).unwrap_or_default());
        }
        let is_unknown = |id: ExprId| {
            program.walk([id], &lets).any(|(_, expr)| match expr {
                Expr::Slot(slot) => program.slot(*slot).is_none_or(|slot| self.is_untold(slot)),
                _ => false,
            })
        };
        judged(&interp, self.course, self.steps, &is_unknown)
    }

    /// Whether nobody knows what the field is.
    fn is_untold(&self, slot: &Slot) -> bool {
        (is_on_its_way(slot) && !self.is_unsaid(slot)) || self.witness.is_token(self.program, slot)
    }

    /// Whether it is a header field of what is sent that the client does not say, and that nobody writes before the last
    /// statement that may refuse a value.
    fn is_unsaid(&self, slot: &Slot) -> bool {
        let (Some(name), "up.header") = (&slot.key, &*slot.field) else { return false };
        let last = self.course.doubts.last().copied().unwrap_or_default();
        let is_written = self.steps.1.iter().take(last).any(|step| match &step.kind {
            StepKind::Act(call) => {
                let place = call.place.as_ref();
                place.is_some_and(|(field, key)| **field == *slot.field && *key == slot.key)
            }
            StepKind::Let(..) | StepKind::Always(_) => false,
        });
        let is_said = self.witness.slots.iter().any(|(id, value)| {
            let said = self.program.slot(*id);
            !value.is_absent()
                && said.is_some_and(|said| &*said.field == "req.header" && said.key == slot.key)
        });
        !is_written && !is_said && reach(name, self.believes) != Reach::Otherwise
    }
}

/// An example as the statements read it.
struct Sent<'s> {
    passing: &'s Passing<'s>,
    said: &'s dyn Fill,
}

impl Fill for Sent<'_> {
    fn fill(&self, id: SlotId) -> Read<'_> {
        let slot = self.passing.program.slot(id);
        match slot.is_some_and(|slot| self.passing.is_unsaid(slot)) {
            true => Read::Value(lang::Value::Absent),
            false => self.said.fill(id),
        }
    }

    fn path(&self) -> &str {
        self.said.path()
    }
}
