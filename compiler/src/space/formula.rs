//! Conditions as Boolean combinations of tests on fields: what `and`, `or`, `not`, `??` and `match` amount to. What cannot
//! be taken apart becomes a test on a field of its own, which no request can be made to fit.

use std::sync::Arc;

use lang::Value;
use lang::policy::{Compare, Host, Path};
use lang::vocab::ExprId;
use regex_syntax::hir::{HirKind, Look};

use super::test::Test;
use super::{AtomId, Cut, Term};
use crate::program::Expr;
use crate::segment::{Segments, split};

/// A condition.
#[derive(Clone, Debug)]
pub(crate) enum Formula {
    /// Always or never.
    Always(bool),
    /// A test on a field.
    Atom(AtomId),
    /// Not this.
    Not(Box<Formula>),
    /// All of these.
    All(Vec<Formula>),
    /// One of these.
    Any(Vec<Formula>),
}

/// What a route's path captures: name, place of the segment, kind.
pub(crate) type Captures = [(Arc<str>, usize, Segments)];

impl Cut<'_> {
    /// The requests for which the expression is true, where captures mean these segments.
    pub(crate) fn condition(&mut self, id: ExprId, captures: &Captures) -> Formula {
        self.ask(id, &Test::True, captures)
    }

    /// The requests whose host is one of the pattern's.
    pub(crate) fn host(&mut self, host: &Host) -> Formula {
        match host {
            Host::Any => Formula::Always(true),
            Host::Exact(name) => {
                let name = Value::String(name.clone());
                self.atom(Term::Host, None, Test::Compare(Compare::Eq, name))
            }
            wild => self.atom(Term::Host, None, Test::Host(wild.clone())),
        }
    }

    /// The requests whose path is one of the pattern's.
    pub(crate) fn path(&mut self, path: &Path) -> Formula {
        let mut all = Vec::new();
        for (at, segment) in path.segments.iter().enumerate() {
            let test = Test::Segment(Segments::of(segment));
            all.push(self.atom(Term::Segment(at), None, test));
        }
        if !path.rest {
            all.push(self.atom(Term::Segment(path.segments.len()), None, Test::End));
        }
        Formula::All(all)
    }

    /// The requests with one of these methods.
    pub(crate) fn methods(&mut self, methods: Option<&[Arc<str>]>) -> Formula {
        match methods {
            None => Formula::Always(true),
            Some(methods) => {
                let methods = methods.iter().map(|method| Value::Method(method.clone()));
                self.atom(Term::Method, None, Test::Matches(methods.collect()))
            }
        }
    }

    /// The requests for which the test holds of the expression's value.
    fn ask(&mut self, id: ExprId, test: &Test, captures: &Captures) -> Formula {
        let program = self.program;
        if let Some(value) = self.constants.get(id) {
            return Formula::Always(test.holds(value));
        }
        let boolean = matches!(test, Test::True);
        match program.expr(id) {
            Expr::Not(inner) if boolean => {
                Formula::Not(Box::new(self.ask(*inner, &Test::True, captures)))
            }
            Expr::And(parts) if boolean => {
                Formula::All(parts.iter().map(|part| self.ask(*part, test, captures)).collect())
            }
            Expr::Or(parts) if boolean => {
                Formula::Any(parts.iter().map(|part| self.ask(*part, test, captures)).collect())
            }
            Expr::Present(inner) if boolean => self.ask(*inner, &Test::Present, captures),
            Expr::Compare(how, a, b) if boolean => match (self.constant(*a), self.constant(*b)) {
                (_, Some(with)) => self.ask(*a, &Test::Compare(*how, with), captures),
                (Some(with), None) => self.ask(*b, &Test::Compare(mirrored(*how), with), captures),
                (None, None) => self.fact(id, test),
            },
            Expr::In(item, of) if boolean => match (self.constant(*of), program.expr(*of)) {
                (Some(of), _) => self.ask(*item, &Test::In(of), captures),
                (None, Expr::List(items) | Expr::Set(items)) => {
                    let of: Option<Vec<Value>> = items.iter().map(|i| self.constant(*i)).collect();
                    match of {
                        Some(of) => self.ask(*item, &Test::In(Value::list(of)), captures),
                        None => self.fact(id, test),
                    }
                }
                _ => self.fact(id, test),
            },
            Expr::Call(function, arguments) if boolean => {
                let values: Vec<Option<Value>> =
                    arguments.iter().map(|argument| self.constant(*argument)).collect();
                let mut holes =
                    values.iter().zip(arguments).enumerate().filter(|(_, (v, _))| v.is_none());
                match (holes.next(), holes.next()) {
                    (Some((hole, (_, argument))), None) => {
                        let values = values.iter().map(|v| v.clone().unwrap_or_default()).collect();
                        self.ask(*argument, &Test::Call(function, values, hole), captures)
                    }
                    _ => self.fact(id, test),
                }
            }
            Expr::Coalesce(first, second) => {
                let present = self.ask(*first, &Test::Present, captures);
                let one = self.ask(*first, test, captures);
                let other = self.ask(*second, test, captures);
                Formula::Any(vec![
                    Formula::All(vec![present.clone(), one]),
                    Formula::All(vec![Formula::Not(Box::new(present)), other]),
                ])
            }
            Expr::Match(subject, arms) => {
                let mut cases = Vec::new();
                let mut earlier: Vec<Formula> = Vec::new();
                for arm in arms {
                    let taken = match &arm.patterns {
                        Some(patterns) => {
                            self.ask(*subject, &Test::Matches(patterns.clone()), captures)
                        }
                        None => Formula::Always(true),
                    };
                    let value = self.ask(arm.value, test, captures);
                    let mut case = earlier.clone();
                    case.extend([taken.clone(), value]);
                    cases.push(Formula::All(case));
                    earlier.push(Formula::Not(Box::new(taken)));
                }
                Formula::Any(cases)
            }
            Expr::Slot(slot) => {
                let field = program.slots.get(slot.0 as usize);
                match field.map_or("", |field| &*field.field) {
                    "req.method" => self.atom(Term::Method, None, test.clone()),
                    "req.host" => self.atom(Term::Host, None, test.clone()),
                    "req.path" => match self.whole_path(test) {
                        Some(formula) => formula,
                        None => self.fact(id, test),
                    },
                    _ => self.atom(Term::Slot(*slot), None, test.clone()),
                }
            }
            Expr::Capture(name) => match captures.iter().find(|(captured, ..)| captured == name) {
                Some((_, place, kind)) => {
                    self.atom(Term::Segment(*place), Some(kind.clone()), test.clone())
                }
                None => self.fact(id, test),
            },
            _ => self.fact(id, test),
        }
    }

    /// A test on a value that no request can be made to have.
    fn fact(&mut self, id: ExprId, test: &Test) -> Formula {
        self.atom(Term::Computed(id), None, test.clone())
    }

    /// A test on the whole path, as tests on its segments.
    fn whole_path(&mut self, test: &Test) -> Option<Formula> {
        let exactly = |cut: &mut Self, value: &Value| -> Option<Formula> {
            let path = value.as_str()?;
            if !path.starts_with('/') {
                return None;
            }
            let mut all = Vec::new();
            let mut length = 0;
            for (at, segment) in split(path).enumerate() {
                let segment = Test::Segment(Segments::Literal(Arc::from(segment)));
                all.push(cut.atom(Term::Segment(at), None, segment));
                length = at + 1;
            }
            all.push(cut.atom(Term::Segment(length), None, Test::End));
            Some(Formula::All(all))
        };
        match test {
            Test::Present => Some(Formula::Always(true)),
            Test::Compare(Compare::Ne, value) => {
                Some(Formula::Not(Box::new(exactly(self, value)?)))
            }
            Test::Call(..) => match literal(&test.language()?)? {
                Literal::Whole(path) => exactly(self, &Value::string(path)),
                Literal::Prefix(prefix) => self.path_begins(&prefix),
            },
            test => {
                let points = test.points()?;
                let all = points.into_iter().map(|value| exactly(self, value));
                Some(Formula::Any(all.collect::<Option<Vec<_>>>()?))
            }
        }
    }

    /// A prefix of the whole path: whole segments, and how the next one begins.
    fn path_begins(&mut self, prefix: &str) -> Option<Formula> {
        let segments: Vec<&str> = split(prefix).collect();
        let (last, whole) = segments.split_last()?;
        let mut all = Vec::new();
        for (at, segment) in whole.iter().enumerate() {
            let segment = Test::Segment(Segments::Literal(Arc::from(*segment)));
            all.push(self.atom(Term::Segment(at), None, segment));
        }
        let begins = Term::Segment(whole.len());
        all.push(if last.is_empty() {
            Formula::Not(Box::new(self.atom(begins, None, Test::End)))
        } else {
            self.atom(begins, Some(Segments::Any), Test::Begins(Arc::from(*last)))
        });
        Some(Formula::All(all))
    }

    fn constant(&self, id: ExprId) -> Option<Value> {
        self.constants.get(id).cloned()
    }
}

/// The comparison with its sides exchanged.
fn mirrored(how: Compare) -> Compare {
    match how {
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
        same => same,
    }
}

/// What a pattern asks of a whole text, where that is plain text.
enum Literal {
    Whole(String),
    Prefix(String),
}

/// A pattern that binds plain text to the beginning, and maybe to the end.
fn literal(pattern: &str) -> Option<Literal> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let HirKind::Concat(parts) = hir.kind() else { return None };
    let (bound, whole) = match parts.as_slice() {
        [start, text] => ((start, text), false),
        [start, text, end] if *end.kind() == HirKind::Look(Look::End) => ((start, text), true),
        _ => return None,
    };
    let (HirKind::Look(Look::Start), HirKind::Literal(text)) = (bound.0.kind(), bound.1.kind())
    else {
        return None;
    };
    let text = String::from_utf8(text.0.to_vec()).ok()?;
    Some(if whole { Literal::Whole(text) } else { Literal::Prefix(text) })
}
