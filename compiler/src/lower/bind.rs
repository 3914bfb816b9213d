//! A cell's candidates to residual code: constants bound, sources resolved, common tests made direct. What has no direct
//! form stays a test on expressions, so that nothing is lost here but indirection.

use std::cell::RefCell;

use lang::Value;
use lang::policy::Compare;
use lang::vocab::{ExprId, Function};

use crate::fit::Fits;
use crate::frame::{Slot, SlotId};
use crate::interp::Constants;
use crate::pattern::{Plain, plain};
use crate::program::code::{Check, Code, Goal, Methods, Networks, Op, Place, Source, Texts};
use crate::program::{Candidate, Expr, Program, Target, TestKind};
use crate::table::{self, Tables};
use lang::segment::Segments;

/// What residual code is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Bind<'p> {
    pub(crate) program: &'p Program,
    pub(crate) constants: &'p Constants,
    /// Patterns that are ready.
    pub(crate) fits: &'p RefCell<Fits>,
    /// When there are tables beside the code.
    pub(crate) tables: Tables,
    /// Whether machine code may be made of all of a host.
    pub(crate) is_whole: bool,
}

impl Bind<'_> {
    /// The code of a cell with these candidates, in order.
    pub(crate) fn cell(&self, candidates: &[&Candidate]) -> Code {
        // Built from the back, where every goal is known already, and turned around at the end.
        let mut ops: Vec<Op> = Vec::new();
        let mut next = Goal::Leave;
        let mut lengths: Vec<u32> = vec![0];
        for (at, candidate) in candidates.iter().enumerate().rev() {
            next = self.candidate(candidate, at as u32, next, &mut ops);
            lengths.push(ops.len() as u32);
        }
        let n_ops = ops.len() as u32;
        let starts = lengths.iter().rev().map(|length| n_ops - length).collect();
        let turned = |goal| match goal {
            Goal::Op(at) => Goal::Op((n_ops - 1).saturating_sub(at)),
            end => end,
        };
        let ops = ops.into_iter().rev().map(|op| {
            let (yes, no) = (turned(op.goal(true)), turned(op.goal(false)));
            Op::new(op.check, yes, no)
        });
        let mut code = Code::new(turned(next), ops.collect(), starts);
        code.table = table::build(&code, self.program, self.tables).map(Box::new);
        code
    }

    /// Puts a candidate in front of what is there; gives its entry.
    fn candidate(&self, candidate: &Candidate, at: u32, next: Goal, ops: &mut Vec<Op>) -> Goal {
        let mut entries: Vec<Goal> = vec![Goal::Leave; candidate.code.len()];
        for (place, test) in candidate.code.iter().enumerate().rev() {
            let goal = |target| match target {
                Target::Pass => Goal::Take(at),
                Target::Fail => next,
                // INVARIANT: `verify` keeps jumps in range, and they lead forward.
                Target::Test(to) => entries.get(to).copied().unwrap_or(next),
            };
            let (yes, no) = (goal(test.yes), goal(test.no));
            let check = self.check(&test.kind, candidate, at);
            ops.push(Op::new(check, yes, no));
            if let Some(entry) = entries.get_mut(place) {
                *entry = Goal::Op(ops.len() as u32 - 1);
            }
        }
        let entry = entries.first().copied().unwrap_or(Goal::Take(at));
        match &candidate.methods {
            None => entry,
            Some(names) => {
                let check = Check::Method(Methods::of(names));
                ops.push(Op::new(check, entry, next));
                Goal::Op(ops.len() as u32 - 1)
            }
        }
    }

    fn check(&self, kind: &TestKind, candidate: &Candidate, at: u32) -> Check {
        let direct = match *kind {
            TestKind::Present(id) => self.source(id, candidate).map(Check::Present),
            TestKind::True(id) => match self.program.expr(id) {
                Expr::Call(function, arguments) => self.call(function, arguments, candidate),
                _ => self.source(id, candidate).map(Check::True),
            },
            TestKind::Compare(how, a, b) => self
                .compare(how, a, b, candidate)
                .or_else(|| self.compare(how.mirrored(), b, a, candidate)),
            TestKind::In(item, of) => self.is_in(item, of, candidate),
        };
        direct.unwrap_or(Check::Symbolic(*kind, at))
    }

    fn compare(&self, how: Compare, a: ExprId, b: ExprId, candidate: &Candidate) -> Option<Check> {
        let (source, value) = (self.source(a, candidate)?, self.constants.get(b)?);
        Some(match (how, value, source) {
            (Compare::Eq, Value::Method(name), Source::Method) => Check::Equal(source, text(name)),
            // Of the method there is no value to compare with anything else.
            (_, _, Source::Method) => return None,
            (Compare::Eq, Value::String(one), _) => equal(source, one),
            (Compare::Eq, Value::Ip(_), _) => Check::Within(source, Networks::of([value])?),
            (how, value, _) => Check::Compare(source, how, Box::new(value.clone())),
        })
    }

    fn is_in(&self, item: ExprId, of: ExprId, candidate: &Candidate) -> Option<Check> {
        if let (Some(Value::String(item)), Some(source)) =
            (self.constants.get(item), self.source(of, candidate))
        {
            return Some(Check::Lists(source, text(item)));
        }
        let (source, of) = (self.source(item, candidate)?, self.constants.get(of)?);
        let items: Vec<&Value> = match of {
            Value::List(items) => items.iter().collect(),
            Value::Set(items) => items.iter().collect(),
            Value::Cidr(_) => return Some(Check::Within(source, Networks::of([of])?)),
            _ => return None,
        };
        if source == Source::Method {
            return None;
        }
        if let Some(networks) = Networks::of(items.iter().copied()).filter(|_| !items.is_empty()) {
            // A network may lie in a network too; a slot that holds one is asked by its value.
            return self.is_address(source).then_some(Check::Within(source, networks));
        }
        let texts = items.iter().map(|item| match item {
            Value::String(one) => Some(text(one)),
            _ => None,
        });
        let mut texts: Vec<Box<str>> = texts.collect::<Option<_>>()?;
        texts.sort_unstable();
        texts.dedup();
        Some(Check::OneOf(source, Texts(texts.into())))
    }

    fn call(
        &self,
        function: &'static Function,
        arguments: &[ExprId],
        candidate: &Candidate,
    ) -> Option<Check> {
        let (first, others) = arguments.split_first()?;
        let source = self.source(*first, candidate).filter(|source| *source != Source::Method)?;
        let others: Option<Vec<Value>> =
            others.iter().map(|id| self.constants.get(*id).cloned()).collect();
        let others = others?;
        let pattern = (function.texts?)(&others)?;
        match plain(&pattern) {
            Some(Plain::Is(one)) => return Some(equal(source, &one)),
            Some(Plain::Begins(one)) => return Some(Check::Begins(source, one.into())),
            Some(Plain::Ends(one)) => return Some(Check::Ends(source, one.into())),
            Some(Plain::Holds(one)) => return Some(Check::Contains(source, one.into())),
            None => {}
        }
        let compiled = others.into_iter().find_map(|value| match value {
            Value::Regex(regex) if regex.0.as_str() == pattern => Some(regex),
            _ => None,
        });
        Some(Check::Matches(source, self.fits.borrow_mut().of(&compiled?)))
    }

    /// What an expression reads, if it does nothing else.
    fn source(&self, id: ExprId, candidate: &Candidate) -> Option<Source> {
        if self.constants.get(id).is_some() {
            return None;
        }
        match self.program.expr(id) {
            Expr::Slot(slot) => {
                let known = self.program.slot(*slot)?;
                Some(head(known, *slot))
            }
            Expr::Capture(name) => {
                let (_, place, kind) =
                    candidate.captures.iter().find(|(known, ..)| known == name)?;
                let place = place_of(*place, candidate.stem)?;
                match kind {
                    Segments::Int => Some(Source::Integer(place)),
                    // Its value is in lower case, which the segment need not be.
                    Segments::Uuid => None,
                    Segments::Literal(_) | Segments::Words(_) | Segments::Any => {
                        Some(Source::Segment(place))
                    }
                }
            }
            _ => None,
        }
    }

    fn is_address(&self, source: Source) -> bool {
        match source {
            Source::Client(_) => true,
            Source::Slot(slot) | Source::Anew(slot) => {
                let slot = self.program.slot(slot);
                slot.is_some_and(|slot| *slot.ty.present() == lang::Ty::Ip)
            }
            _ => false,
        }
    }
}

/// Whether a source is this text. A segment is compared where it stands in the path, and none has a slash.
fn equal(source: Source, one: &str) -> Check {
    match source {
        Source::Segment(_) if one.contains('/') => Check::OneOf(source, Texts([text(one)].into())),
        _ => Check::Equal(source, text(one)),
    }
}

/// Where a segment with this number is, behind so many literals in so many bytes or among them.
fn place_of(number: usize, (literals, bytes): (usize, usize)) -> Option<Place> {
    let (from, behind) = match number.checked_sub(literals) {
        Some(behind) => (bytes, behind),
        None => (1, number),
    };
    Some(Place { from: u16::try_from(from).ok()?, behind: u16::try_from(behind).ok()? })
}

/// The part of the head that a slot is, or the slot.
fn head(slot: &Slot, id: SlotId) -> Source {
    match (&*slot.field, &slot.key) {
        ("req.host", None) => Source::Host,
        ("req.path", None) => Source::Path,
        ("req.method", None) => Source::Method,
        ("client.ip", None) => Source::Client(id),
        _ if slot.stable => Source::Slot(id),
        _ => Source::Anew(id),
    }
}

fn text(text: &str) -> Box<str> {
    Box::from(text)
}
