//! An example on its way through a policy, by the code that decides and computes: whoever shows one has seen it there.

use lang::document::write_within;
use lang::policy::{LocalId, RouteId};
use lang::vocab::ExprId;

use crate::decision::Decision;
use crate::frame::{Fill, Frame, Head, Read, Slot, SlotId};
use crate::interp::Interp;
use crate::order::witness::Witness;
use crate::program::{Expr, Program, locals};
use crate::proof::basis::{Basis, Side};
use crate::proof::claims::{Seen, Way};
use crate::proof::course::{Course, End};
use crate::proof::follow::is_on_its_way;
use crate::proof::judged::{Judged, judged};
use crate::proof::search::Question;

/// A value of so many bytes is short wherever it stands, and however it is written there.
const SHORT: usize = 64 << 10;

/// How an example fared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Replayed {
    /// As was expected: it contradicts the claim.
    Contradicts,
    /// It hangs on a value that may be refused.
    Unsure,
    /// It does not contradict the claim.
    Agrees,
}

/// Sends an example of a question on its way. One that is a guess must contradict the claim whatever an upstream decides.
pub(crate) fn replay(
    question: &Question<'_>,
    witness: &Witness,
    way: Way<'_>,
    certain: bool,
) -> Replayed {
    let Question { basis, side, .. } = question;
    let expected = match (way.route, &way.course.end) {
        (Some((id, _)), _) => Answer::Route(id),
        (None, End::Method) => Answer::Method,
        _ => Answer::Nobody,
    };
    let frame = Frame::new();
    let answer = answer(basis, side, question.listener, witness, &frame);
    let same = match (&answer, &expected) {
        // Where the claim does not ask for the status, either is meant.
        (Answer::Method | Answer::Nobody, Answer::Method | Answer::Nobody) => {
            let by_status = question.of.asks_status() || question.expect.asks_status();
            answer == expected || !by_status
        }
        _ => answer == expected,
    };
    if !same {
        return Replayed::Agrees;
    }
    let fill = witness.fill(&basis.program);
    let fill = Untold { program: &basis.program, witness, fill: &fill };
    let interp =
        Interp { program: &basis.program, constants: &basis.constants, frame: &frame, fill: &fill };
    let mut unknown = Vec::new();
    if let Some((_, steps)) = way.route {
        for (local, value) in locals(steps) {
            match interp.value(value) {
                Ok(known) if !reads(&basis.program, [value], &unknown) => {
                    frame.set_local(local, known);
                }
                _ => unknown.push(local),
            }
        }
    }
    let is_long = |id: &ExprId| match interp.value(*id) {
        Ok(known) if !reads(&basis.program, [*id], &unknown) => {
            !write_within(&known, SHORT, &mut String::new())
        }
        _ => true,
    };
    let written = way.route.and_then(|(id, _)| side.policy.routes.get(id.0 as usize));
    let written = written.map_or(&[][..], |route| route.steps.as_slice());
    let lowered = way.route.map_or(&[][..], |(_, steps)| steps);
    let is_unknown = |id: ExprId| reads(&basis.program, [id], &unknown);
    let judged = judged(&interp, way.course, (written, lowered), &is_unknown);
    if judged == Judged::Otherwise && !certain {
        return Replayed::Agrees;
    }
    let is_doubted = judged != Judged::AsTold;
    let contradicting = match is_doubted || way.course.long.iter().any(is_long) {
        true => Replayed::Unsure,
        false => Replayed::Contradicts,
    };
    // What nobody knows is not known by another name either: it matters to no example that is certain, and to others it may.
    if reads(&basis.program, way.course.exprs(), &unknown) {
        return if certain { contradicting } else { Replayed::Agrees };
    }
    let fits = way.course.guards.iter().all(|(id, holds)| match interp.holds(*id) {
        Ok(known) => known == *holds,
        Err(_) => certain,
    });
    if !fits {
        return Replayed::Agrees;
    }
    let seen = Seen { interp, witness };
    let (of, expect) = (question.of.holds(&seen, way), question.expect.holds(&seen, way));
    // What an upstream decides is not seen here: such a part neither speaks for the example nor against it.
    let contradicts = match certain {
        true => of != Some(false) && expect != Some(true),
        false => of == Some(true) && expect == Some(false),
    };
    if contradicts { contradicting } else { Replayed::Agrees }
}

/// An example in which nobody knows what an upstream answers, what became of a message on its way, what a token looks like,
/// or what an input is.
struct Untold<'u> {
    program: &'u Program,
    witness: &'u Witness,
    fill: &'u dyn Fill,
}

impl Fill for Untold<'_> {
    fn fill(&self, id: SlotId) -> Read<'_> {
        let slot = self.program.slot(id);
        let is_untold =
            |slot: &Slot| is_on_its_way(slot) || self.witness.is_token(self.program, slot);
        match slot.is_some_and(is_untold) {
            true => Read::Pending,
            false => self.fill.fill(id),
        }
    }

    fn path(&self) -> &str {
        self.fill.path()
    }

    fn is_open(&self) -> bool {
        true
    }
}

/// Whether one of these expressions reads one of these locals.
fn reads(program: &Program, exprs: impl IntoIterator<Item = ExprId>, locals: &[LocalId]) -> bool {
    let is_one = |expr: &Expr| matches!(expr, Expr::Local(local) if locals.contains(local));
    !locals.is_empty() && program.walk(exprs, &[]).any(|(_, expr)| is_one(expr))
}

/// Who answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Route(RouteId),
    Method,
    Nobody,
    /// It is not known.
    Open,
}

/// Who answers a request at a side's listener, by its own program. What is captured is left in the frame.
pub(crate) fn answer(
    basis: &Basis<'_>,
    side: &Side<'_>,
    listener: usize,
    witness: &Witness,
    frame: &Frame,
) -> Answer {
    let lowered = side.lowered;
    let Some(table) = lowered.listeners.get(listener) else { return Answer::Open };
    let moved = witness.moved(&basis.program, lowered);
    let Some(constants) = basis.own(side) else { return Answer::Open };
    let head: Head<'_> = moved.head();
    let candidates = table.hosts.find(head.host).flat_map(|host| &host.candidates);
    let routes = candidates.filter_map(|candidate| lowered.route(candidate.route));
    let conditions = routes.flat_map(|route| route.conditions.iter().map(|(id, _)| *id));
    if constants.longest(conditions).is_some() {
        return Answer::Open;
    }
    let fill = moved.fill(lowered);
    let own = Frame::new();
    let interp = Interp { program: lowered, constants, frame: &own, fill: &fill };
    let decision = interp.decide(table, &head);
    frame.set_captures(own.captures());
    match decision {
        Ok(Decision::Route(route)) => Answer::Route(route),
        Ok(Decision::MethodNotAllowed(_)) => Answer::Method,
        Ok(Decision::NotFound) => Answer::Nobody,
        Ok(Decision::Pending(_)) | Err(_) => Answer::Open,
    }
}

/// Whether the request fits what the course asks.
pub(crate) fn fits(interp: &Interp<'_>, course: &Course) -> bool {
    course.guards.iter().all(|(id, holds)| interp.holds(*id) == Ok(*holds))
}
