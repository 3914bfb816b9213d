//! Drops tests that the way to a candidate has answered already: its host where that is one name, its path where that is
//! one text. It asks the interpreter, which knows no other fields here and says so. Methods settle nothing: a route that
//! differs from a request in its method alone makes the answer 405, and what its conditions say of the request's own
//! method must still be asked for that.

use std::sync::Arc;

use lang::policy::{Host, Segment};
use lang::vocab::ExprId;

use crate::frame::{Fill, Frame, Read, SlotId};
use crate::interp::{Constants, Interp, constants};
use crate::lower::condition;
use crate::program::{Candidate, Expr, Program, Target, Test, TestKind, VirtualHost};

/// What is known of every request that comes to a candidate.
struct Known<'p> {
    program: &'p Program,
    host: Option<&'p str>,
    path: Option<&'p str>,
}

impl Fill for Known<'_> {
    fn fill(&self, slot: SlotId) -> Read<'_> {
        let slot = self.program.slot(slot);
        let known = match slot.map(|slot| (&*slot.field, &slot.key)) {
            Some(("req.host", None)) => self.host.map(Read::Text),
            Some(("req.path", None)) => self.path.map(Read::Text),
            _ => None,
        };
        // Whoever waits for it learns it, and not here.
        known.unwrap_or(Read::Pending)
    }

    fn path(&self) -> &str {
        self.path.unwrap_or_default()
    }
}

/// Settles the tests of every candidate.
pub(super) fn run(program: &mut Program) {
    let constants = constants(program, &[]);
    let mut listeners = std::mem::take(&mut program.listeners);
    for host in listeners.iter_mut().flat_map(|listener| listener.hosts.list.iter_mut()) {
        let codes = codes(program, &constants, host);
        // What listeners share they go on sharing where nothing is settled.
        if !codes.is_empty() {
            let candidates = &mut Arc::make_mut(host).candidates;
            for (at, code) in codes {
                if let Some(candidate) = candidates.get_mut(at) {
                    candidate.code = code;
                }
            }
        }
    }
    program.listeners = listeners;
}

/// The shorter code of each candidate of a host that has one.
fn codes(program: &Program, constants: &Constants, host: &VirtualHost) -> Vec<(usize, Vec<Test>)> {
    let name = match &host.host {
        Host::Exact(name) => Some(&**name),
        _ => None,
    };
    let shorter = host.candidates.iter().enumerate().filter_map(|(at, candidate)| {
        if candidate.code.is_empty() {
            return None;
        }
        let path = text_of(program, candidate);
        let known = (name, path.as_deref());
        let settled = |test: &TestKind| settled(program, constants, known, test);
        Some((at, without(&candidate.code, settled)?))
    });
    shorter.collect()
}

/// The only path that the candidate takes, if it is one.
fn text_of(program: &Program, candidate: &Candidate) -> Option<String> {
    let (path, _) = program.route(candidate.route)?.paths.get(candidate.path)?;
    if path.rest {
        return None;
    }
    path.segments.iter().try_fold(String::new(), |text, segment| match segment {
        Segment::Literal(literal) => Some(format!("{text}/{literal}")),
        Segment::Capture(..) => None,
    })
}

/// The answer to a test, if it is the same for every request that comes to the candidate.
fn settled(
    program: &Program,
    constants: &Constants,
    (host, path): (Option<&str>, Option<&str>),
    test: &TestKind,
) -> Option<bool> {
    if test.operands().any(|operand| depends(program, operand)) {
        return None;
    }
    let fill = Known { program, host, path };
    let frame = Frame::new();
    Interp { program, constants, frame: &frame, fill: &fill }.test(test).ok()
}

/// Whether it depends on what is not known before loading, or is no field's.
fn depends(program: &Program, id: ExprId) -> bool {
    let mut found = matches!(
        program.expr(id),
        Expr::Input(_) | Expr::Capture(_) | Expr::Local(_) | Expr::Quantified(..)
    );
    program.expr(id).each_operand(&mut |operand| found = found || depends(program, operand));
    found
}

/// The code without the tests that are settled; `None` if none is.
fn without(code: &[Test], settled: impl Fn(&TestKind) -> Option<bool>) -> Option<Vec<Test>> {
    // From the back, where every target is final already.
    let mut moved: Vec<Target> = vec![Target::Fail; code.len()];
    let mut tests: Vec<Test> = Vec::with_capacity(code.len());
    let mut any = false;
    for (at, test) in code.iter().enumerate().rev() {
        let target = |target: Target| match target {
            Target::Test(next) => moved.get(next).copied().unwrap_or(Target::Fail),
            end => end,
        };
        let (yes, no) = (target(test.yes), target(test.no));
        let place = match settled(&test.kind) {
            Some(answer) => {
                any = true;
                if answer { yes } else { no }
            }
            None if yes == no => yes,
            None => {
                tests.push(Test { kind: test.kind, yes, no });
                Target::Test(tests.len() - 1)
            }
        };
        if let Some(moved) = moved.get_mut(at) {
            *moved = place;
        }
    }
    let first = code.first()?;
    any.then(|| {
        condition::finished(tests, moved.first().copied().unwrap_or(Target::Fail), first.kind)
    })
}
