//! Conditions as Boolean combinations of tests on fields: what `and`, `or`, `not`, `??` and `match` amount to. What cannot
//! be taken apart becomes a test on a field of its own, which no request can be made to fit.

use std::sync::Arc;

use lang::eval::ITEMS;
use lang::policy::{Compare, Host, Path, Quantifier};
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;
use lang::{Ty, Value};

use super::formula::{Env, Formula};
use super::identity::{carries_token, token};
use super::reading::Cut;
use super::term::{Of, Term};
use super::test::Test;
use crate::pattern::{Plain, plain};
use crate::program::{Expr, named};
use lang::segment::{Segments, split};

/// The most tests into which one condition may unfold.
const MOST: usize = 40_000;

/// The most ways in which a text is divided among the parts that it may be put together of.
const MOST_WAYS: usize = 1_024;

impl Cut<'_> {
    /// The requests for which the expression is true.
    pub(crate) fn condition(&mut self, id: ExprId, env: Env<'_>) -> Formula {
        self.n_asked = 0;
        self.ask(id, &Test::True, env)
    }

    /// The requests whose `connection` names this header field.
    pub(crate) fn stripped(&mut self, name: &Arc<str>) -> Formula {
        match self.program.slot_of("req.header", Some("connection")) {
            // What it says is asked besides.
            Some(slot) => self.atom(Term::Slot(slot), None, Test::Names([name.clone()].into())),
            None => self.atom(Term::Stripped(name.clone()), None, Test::True),
        }
    }

    /// What the unknown with this number answers.
    pub(crate) fn unknown(&mut self, number: u32, of: Of, test: Test) -> Formula {
        self.atom(Term::Unknown(number, of), None, test)
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
    pub(crate) fn ask(&mut self, id: ExprId, test: &Test, env: Env<'_>) -> Formula {
        let program = self.program;
        if let Some(value) = self.constants.get(id) {
            return Formula::Always(test.holds(value));
        }
        self.n_asked += 1;
        if self.n_asked > MOST {
            // Nothing is known of it any more.
            return self.anything(id, test);
        }
        if let Some(value) = self.folded(id) {
            return Formula::Always(test.holds(&value));
        }
        let boolean = matches!(test, Test::True);
        if !boolean && is_truth(program.expr(id)) {
            // There are two values that it can have.
            let mut truth = || self.ask(id, &Test::True, env);
            return match [true, false].map(|truth| test.holds(&Value::Bool(truth))) {
                [true, false] => truth(),
                [false, true] => truth().not(),
                [either, _] => Formula::Always(either),
            };
        }
        match program.expr(id) {
            Expr::Not(inner) if boolean => {
                Formula::Not(Box::new(self.ask(*inner, &Test::True, env)))
            }
            Expr::And(parts) if boolean => {
                Formula::All(parts.iter().map(|part| self.ask(*part, test, env)).collect())
            }
            Expr::Or(parts) if boolean => {
                Formula::Any(parts.iter().map(|part| self.ask(*part, test, env)).collect())
            }
            Expr::Present(inner) if boolean => self.ask(*inner, &Test::Present, env),
            Expr::Compare(how, a, b) if boolean => match (self.constant(*a), self.constant(*b)) {
                (Some(Value::Absent), _) | (_, Some(Value::Absent)) => Formula::Always(false),
                (_, Some(with)) => {
                    self.asking = Some(id);
                    self.ask(*a, &Test::Compare(*how, with), env)
                }
                (Some(with), None) => {
                    self.asking = Some(id);
                    self.ask(*b, &Test::Compare(how.mirrored(), with), env)
                }
                (None, None) => {
                    // With an absent side no comparison holds, whatever the other one is.
                    let sides = [*a, *b].map(|side| self.ask(side, &Test::Present, env));
                    let fact = self.compared(id, (*how, *a, *b), env);
                    Formula::all(sides.into_iter().chain([fact]).collect())
                }
            },
            Expr::In(item, of) if boolean => {
                let known = self.membership(*item, *of, env);
                let known = known.or_else(|| self.one_of_all(id, (*item, *of), env));
                known.unwrap_or_else(|| self.fact(id, test, env))
            }
            Expr::Call(function, arguments) if boolean => {
                let values: Vec<Option<Value>> =
                    arguments.iter().map(|argument| self.constant(*argument)).collect();
                let mut holes =
                    values.iter().zip(arguments).enumerate().filter(|(_, (v, _))| v.is_none());
                match (holes.next(), holes.next()) {
                    (Some((hole, (_, argument))), None) => {
                        let values = values.iter().map(|v| v.clone().unwrap_or_default()).collect();
                        self.asking = Some(id);
                        self.ask(*argument, &Test::Call(function, values, hole), env)
                    }
                    _ => self.fact(id, test, env),
                }
            }
            Expr::Call(function, arguments) => match self.before(function, arguments, test, env) {
                Some(formula) => formula,
                None => self.fact(id, test, env),
            },
            Expr::Quantified(how, item, list, predicate) if boolean => {
                let of = (*how, *item, *list, *predicate);
                let known = self.each(id, of, env);
                let known = known.or_else(|| self.each_of_all(id, of, test, env));
                known.unwrap_or_else(|| self.fact(id, test, env))
            }
            Expr::Quantified(Quantifier::Count, item, list, predicate) => {
                // A list may be as long as that.
                let any = i64::try_from(ITEMS).ok().and_then(|most| test.of_all_to(most));
                let known = any.map(Formula::Always);
                let counted = || self.counted(id, (*item, *list, *predicate), test, env);
                let known = known.or_else(counted);
                let of = (Quantifier::Count, *item, *list, *predicate);
                let known = known.or_else(|| self.each_of_all(id, of, test, env));
                known.unwrap_or_else(|| self.fact(id, test, env))
            }
            Expr::Arithmetic(how, a, b) => match self.sum(*how, (*a, *b), test, env) {
                Some(formula) => formula,
                None => self.fact(id, test, env),
            },
            Expr::Coalesce(first, second) => {
                let present = self.ask(*first, &Test::Present, env);
                let one = self.ask(*first, test, env);
                let other = self.ask(*second, test, env);
                self.share(Formula::Any(vec![
                    Formula::All(vec![present.clone(), one]),
                    Formula::All(vec![Formula::Not(Box::new(present)), other]),
                ]))
            }
            Expr::Match(subject, arms) => {
                // Arms that follow each other and come to the same are one.
                let mut cases: Vec<(Option<Vec<Value>>, Formula)> = Vec::new();
                for arm in arms {
                    let value = self.ask(arm.value, test, env);
                    match (cases.last_mut(), &arm.patterns) {
                        (Some((Some(known), same)), Some(patterns)) if *same == value => {
                            known.extend(patterns.iter().cloned());
                        }
                        (_, patterns) => cases.push((patterns.clone(), value)),
                    }
                }
                let cases = cases.into_iter().map(|(patterns, value)| {
                    let taken = match patterns {
                        Some(patterns) => self.ask(*subject, &Test::Matches(patterns), env),
                        None => Formula::Always(true),
                    };
                    (taken, value)
                });
                let cases: Vec<_> = cases.collect();
                self.share(Formula::first(&cases))
            }
            Expr::Input(input) if matches!(test, Test::Present) => {
                let input = program.inputs.get(input.0 as usize);
                match input.is_some_and(|input| !input.ty.is_optional()) {
                    true => Formula::Always(true),
                    false => self.fact(id, test, env),
                }
            }
            Expr::Slot(slot) => {
                let field = program.slot(*slot);
                match field.map_or("", |field| &*field.field) {
                    "req.method" => self.atom(Term::Method, None, test.clone()),
                    "req.host" => self.atom(Term::Host, None, test.clone()),
                    "req.path" => match self.whole_path(test) {
                        Some(formula) => formula,
                        None => self.fact(id, test, env),
                    },
                    "req.target" => {
                        let known = self.target(*slot, test);
                        known.unwrap_or_else(|| self.atom(Term::Slot(*slot), None, test.clone()))
                    }
                    "req.header" if field.is_some_and(|of| of.key.as_deref() == Some("host")) => {
                        let known = self.host_field(*slot, test);
                        known.unwrap_or_else(|| self.atom(Term::Slot(*slot), None, test.clone()))
                    }
                    _ if field.is_some_and(|field| !field.stable) => self.fact(id, test, env),
                    field if field == CLAIMS.path => self.known(*slot, id, test, env),
                    _ if !matches!(test, Test::Present) && carries_token(self.program, *slot) => {
                        // What a token looks like is not for a condition to choose.
                        let present = self.atom(Term::Slot(*slot), None, Test::Present);
                        let fact = self.fact(id, test, env);
                        test.if_there(present, fact)
                    }
                    _ => self.atom(Term::Slot(*slot), None, test.clone()),
                }
            }
            // Whatever is put together is a text; absent parts leave nothing.
            Expr::Template(_) if matches!(test, Test::Present) => Formula::Always(true),
            Expr::Template(parts) => match self.template(parts, test, env) {
                Some(formula) => formula,
                None => self.fact(id, test, env),
            },
            Expr::Local(local) => match named(env.locals, *local) {
                Some(value) => self.ask_named((*local, value), test, env),
                None => self.fact(id, test, env),
            },
            Expr::Capture(name) => {
                match env.captures.iter().find(|(captured, ..)| captured == name) {
                    Some((_, place, kind)) => {
                        self.atom(Term::Segment(*place), Some(kind.clone()), test.clone())
                    }
                    None => self.fact(id, test, env),
                }
            }
            Expr::Member(base, name) => match token(self.program, *base) {
                Some(slot) => self.claims(slot, name, id, test, env),
                None => self.fact(id, test, env),
            },
            _ => self.fact(id, test, env),
        }
    }

    /// Whether a text that is put together is this one, where its parts are constants and texts that the request says.
    fn template(&mut self, parts: &[ExprId], test: &Test, env: Env<'_>) -> Option<Formula> {
        let Test::Compare(Compare::Eq, Value::String(wanted)) = test else { return None };
        // Where constants at the ends say that it is another one, it does not matter what stands between them.
        let words = |id: &ExprId| match self.constant(*id)? {
            Value::String(words) => Some(words),
            _ => None,
        };
        let (first, last) = (parts.first().and_then(words), parts.last().and_then(words));
        if first.is_some_and(|first| !wanted.starts_with(&*first))
            || last.is_some_and(|last| !wanted.ends_with(&*last))
        {
            return Some(Formula::Always(false));
        }
        let mut left = MOST_WAYS;
        self.put_together(parts, wanted, env, &mut left)
    }

    /// Whether these parts say this text, however it is divided among them. Nobody knows where there are too many ways.
    fn put_together(
        &mut self,
        parts: &[ExprId],
        text: &str,
        env: Env<'_>,
        left: &mut usize,
    ) -> Option<Formula> {
        *left = left.checked_sub(1)?;
        let Some((first, rest)) = parts.split_first() else {
            return Some(Formula::Always(text.is_empty()));
        };
        if let Some(words) = self.constant(*first) {
            let Value::String(words) = words else { return None };
            return match text.strip_prefix(&*words) {
                Some(text) => self.put_together(rest, text, env, left),
                None => Some(Formula::Always(false)),
            };
        }
        if !self.is_text(*first, env) {
            return None;
        }
        let field = self.program.read_by(*first).map_or("", |(_, slot)| &*slot.field);
        let may_be = |text: &str| match field {
            "req.host" => !text.contains('/'),
            "req.path" | "req.target" => text.starts_with('/') || text == "*",
            _ => true,
        };
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let ends = ends.filter(|end| !rest.is_empty() || *end == text.len());
        let mut ways = Vec::new();
        for (own, behind) in ends.filter_map(|end| text.split_at_checked(end)) {
            if !may_be(own) {
                continue;
            }
            let behind = self.put_together(rest, behind, env, left)?;
            if behind.is_never() {
                continue;
            }
            let mut is = self.ask(*first, &Test::Compare(Compare::Eq, Value::string(own)), env);
            if own.is_empty() {
                let absent = self.ask(*first, &Test::Present, env).not();
                is = Formula::any(vec![is, absent]);
            }
            ways.push(Formula::all(vec![is, behind]));
        }
        Some(Formula::any(ways))
    }

    /// Whether an item lies in a group, where that can be taken apart.
    fn membership(&mut self, item: ExprId, of: ExprId, env: Env<'_>) -> Option<Formula> {
        let program = self.program;
        if let Some(of) = self.constant(of) {
            let of = match of {
                Value::Map(fields) => Value::list(fields.keys().cloned().map(Value::String)),
                of => of,
            };
            return Some(self.ask(item, &Test::In(of), env));
        }
        match program.expr(of) {
            Expr::List(items) | Expr::Set(items) => {
                let of: Option<Vec<Value>> = items.iter().map(|i| self.constant(*i)).collect();
                Some(self.ask(item, &Test::In(Value::list(of?)), env))
            }
            Expr::Coalesce(first, second) => {
                let one = self.membership(item, *first, env)?;
                let other = self.membership(item, *second, env)?;
                let present = self.ask(*first, &Test::Present, env);
                let other = Formula::all(vec![present.not(), other]);
                // An item of what is not there there is none.
                Some(Formula::any(vec![one, other]))
            }
            _ => self.held(item, of),
        }
    }

    /// A test on the whole path, as tests on its segments.
    pub(super) fn whole_path(&mut self, test: &Test) -> Option<Formula> {
        let exactly = |cut: &mut Self, value: &Value| -> Option<Formula> {
            let path = value.as_str()?;
            if path == "*" {
                return Some(cut.atom(Term::Segment(0), None, Test::End));
            }
            if !path.starts_with('/') {
                // No other path is without one.
                return Some(Formula::Always(false));
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
            // What every path begins with is told by its segments, all else by walking the whole.
            Test::Call(..) | Test::Of(..) => match plain(&test.language()?) {
                Some(Plain::Is(path)) if path.starts_with('/') => {
                    exactly(self, &Value::string(path))
                }
                Some(Plain::Begins(prefix)) if prefix.starts_with('/') => self.path_begins(&prefix),
                _ => Some(self.atom(Term::Path, None, test.clone())),
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

    /// What an expression comes to, if nothing changes that.
    pub(crate) fn constant(&self, id: ExprId) -> Option<Value> {
        self.constants.get(id).cloned().or_else(|| self.folded(id))
    }
}

/// Whether it is true or false whatever the request is, and never absent.
fn is_truth(expr: &Expr) -> bool {
    match expr {
        Expr::Call(function, _) => (function.returns)() == Ty::Bool,
        expr => expr.is_boolean() == Some(true),
    }
}
