//! Every course of a route: its statements are walked one after the other, and what always holds is done to each course
//! that has its answer.

use lang::policy;
use lang::vocab::Ends;

use super::act::{Act, Untold};
use super::content::Content;
use super::course::{Course, End, Reads};
use super::values::Values;
use crate::caching::Carriers;
use crate::interp::Constants;
use crate::program::{Program, Route, StepKind, locals};

/// The most courses of one route.
const MOST: usize = 1_024;

/// Every course of a route, whose statements the program has in the same order. The error is the statement at which there
/// are too many, or of which it is not known what comes of it. `carriers` are those of the policy's auths, `content` is what is
/// asked of a content that may be longer than what is read, and a request's head has at most `head` bytes.
pub(crate) fn courses(
    (program, constants, carriers): (&Program, &Constants, &Carriers),
    (content, head): (Option<Content>, usize),
    written: &policy::Route,
    route: &Route,
) -> Result<Vec<Course>, usize> {
    let locals = locals(&route.steps);
    let values = Values { program, constants, locals: &locals, head, paths: &route.paths };
    let (conditions, steps) = (&*route.conditions, &*route.steps);
    let mut done = Vec::new();
    let mut long = content.and_then(|content| content.course(program, steps));
    let mut begin = Course::begin();
    if let (Some(content), Some(End::Long(Reads::All))) = (content, long.as_ref().map(|c| &c.end)) {
        begin.guards.push((content.is_long, false));
    }
    let mut open = vec![begin];
    let mut standing: Vec<Act<'_>> = Vec::new();
    for (at, (step, lowered)) in written.steps.iter().zip(&route.steps).enumerate() {
        let mut next = Vec::new();
        if let (policy::StepKind::Always(held), StepKind::Always(lowered)) =
            (&step.kind, &lowered.kind)
        {
            for pair in held.iter().zip(lowered) {
                if let (policy::StepKind::Act(call), StepKind::Act(lowered)) =
                    (&pair.0.kind, &pair.1.kind)
                {
                    standing.push(Act { values, conditions, steps, carriers, at, call, lowered });
                }
            }
        }
        // Not before: what always holds from the route's first line on holds for it, too.
        if !matches!(lowered.kind, StepKind::Always(_))
            && let Some(mut long) = long.take()
        {
            long.ran = at;
            done.push(hold(&standing, long).map_err(|_| at)?);
        }
        for mut course in open {
            course.ran = at + 1;
            match (&step.kind, &lowered.kind) {
                (policy::StepKind::Act(call), StepKind::Act(lowered)) => {
                    let act = Act { values, conditions, steps, carriers, at, call, lowered };
                    let (mut on, mut ended) = (Vec::new(), Vec::new());
                    act.advance(course, &mut on, &mut ended).map_err(|_| at)?;
                    let answered = call.row.ends != Ends::No;
                    for one in on {
                        next.push(match answered {
                            true => hold(&standing, one).map_err(|_| at)?,
                            false => one,
                        });
                    }
                    for one in ended {
                        done.push(hold(&standing, one).map_err(|_| at)?);
                    }
                }
                _ => next.push(course),
            }
        }
        open = next;
        if open.len() + done.len() > MOST {
            return Err(at);
        }
    }
    done.extend(open);
    Ok(done)
}

/// Does what always holds to a course that has its answer.
fn hold(standing: &[Act<'_>], course: Course) -> Result<Course, Untold> {
    standing.iter().try_fold(course, |course, act| act.hold(course))
}
