//! Fields that say what other fields say, too: the target is path and query, `host` is the host and perhaps a port, a list
//! of all values holds the only one. What is asked of one is asked of the other, as far as that is certain.

use lang::Value;
use lang::policy::{Compare, LocalId, Quantifier};
use lang::vocab::ExprId;

use super::formula::{Env, Formula};
use super::reading::Cut;
use super::term::Term;
use super::test::Test;
use crate::frame::{Slot, SlotId};
use crate::pattern::{Plain, plain};
use crate::program::Expr;

/// What is known of the items of a list that comes with the request.
enum Items {
    /// Nothing, but where one field says it.
    Open,
    /// Where that is not there, there are none.
    None,
}

impl Cut<'_> {
    /// A test on the target: the path, and behind a `?` the query.
    pub(super) fn target(&mut self, slot: SlotId, test: &Test) -> Option<Formula> {
        if matches!(test, Test::Present) {
            return Some(Formula::Always(true));
        }
        if let Test::Compare(Compare::Ne, with) = test {
            let same = Test::Compare(Compare::Eq, with.clone());
            return Some(self.target(slot, &same)?.not());
        }
        let own = self.atom(Term::Slot(slot), None, test.clone());
        if let Some(points) = test.points() {
            let paths = points.into_iter().filter_map(Value::as_str).map(|text| {
                let path = text.split_once('?').map_or(text, |(path, _)| path);
                self.whole_path(&Test::Compare(Compare::Eq, Value::string(path)))
            });
            let paths = paths.collect::<Option<Vec<_>>>()?;
            return Some(Formula::all(vec![own, Formula::any(paths)]));
        }
        Some(match plain(&test.language()?)? {
            // In no path is there a `?`.
            Plain::Begins(text) if !text.contains('?') => self.whole_path(test)?,
            Plain::Holds(text) if !text.contains('?') => {
                let path = self.whole_path(test)?;
                Formula::any(vec![own, path])
            }
            _ => own,
        })
    }

    /// A test on `host`: the host, and perhaps a port.
    pub(super) fn host_field(&mut self, slot: SlotId, test: &Test) -> Option<Formula> {
        let there = self.is(Term::Host, &Value::string("")).not();
        if matches!(test, Test::Present) {
            return Some(there);
        }
        if let Test::Compare(Compare::Ne, with) = test {
            let same = Test::Compare(Compare::Eq, with.clone());
            let same = self.host_field(slot, &same)?;
            return Some(Formula::all(vec![there, same.not()]));
        }
        let own = self.atom(Term::Slot(slot), None, test.clone());
        if let Some(points) = test.points() {
            let hosts = points.into_iter().filter_map(Value::as_str).map(|text| {
                let (host, _) = host_and_port(text);
                self.is(Term::Host, &Value::string(host))
            });
            let hosts = Formula::any(hosts.collect());
            return Some(Formula::all(vec![there, own, hosts]));
        }
        let is_of_host = |text: &str| !text.is_empty() && !text.contains(':');
        let may_be_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        Some(match plain(&test.language()?)? {
            Plain::Begins(text) if is_of_host(&text) => self.atom(Term::Host, None, test.clone()),
            Plain::Holds(text) if is_of_host(&text) => {
                let host = self.atom(Term::Host, None, test.clone());
                match may_be_port(&text) {
                    true => Formula::all(vec![there, Formula::any(vec![own, host])]),
                    false => host,
                }
            }
            _ => own,
        })
    }

    /// What fields that say the same hold each other to, beside what tests of them already do.
    pub(super) fn related(&mut self) {
        let program = self.program;
        let asked: Vec<(SlotId, &Slot)> = (0..)
            .map(SlotId)
            .zip(&program.slots)
            .filter(|(slot, _)| self.atoms.iter().any(|atom| atom.term == Term::Slot(*slot)))
            .collect();
        let of = |field: &'static str| asked.iter().filter(move |(_, slot)| &*slot.field == field);
        // A cookie stands in `cookie`.
        let header = of("req.header").find(|(_, slot)| slot.key.as_deref() == Some("cookie"));
        if let Some((header, _)) = header {
            let there = self.atom(Term::Slot(*header), None, Test::Present);
            for (cookie, _) in of("req.cookie") {
                let cookie = self.atom(Term::Slot(*cookie), None, Test::Present);
                self.rules.push(Formula::any(vec![cookie.not(), there.clone()]));
            }
        }
        // What `content-length` says is how long the content is.
        let length =
            of("req.header").find(|(_, slot)| slot.key.as_deref() == Some("content-length"));
        if let (Some((length, _)), Some((size, _))) = (length, of("req.body.size").next()) {
            let atoms = self.atoms.iter().filter(|atom| atom.term == Term::Slot(*length));
            let points = atoms.flat_map(|atom| atom.test.points().unwrap_or_default());
            let mut points: Vec<Value> = points.cloned().collect();
            points.sort_unstable();
            points.dedup();
            for point in points {
                let number = point.as_str().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                let Some(number) = number.and_then(|text| text.parse().ok()) else { continue };
                let says = self.is(Term::Slot(*length), &point);
                let is = self.is(Term::Slot(*size), &Value::Size(number));
                self.rules.push(Formula::any(vec![says.not(), is]));
            }
        }
        // Where the target is a path, there is no query.
        let Some((target, _)) = of("req.target").next() else { return };
        let atoms = self.atoms.iter().filter(|atom| atom.term == Term::Slot(*target));
        let points = atoms.flat_map(|atom| atom.test.points().unwrap_or_default());
        let mut paths: Vec<Value> = points
            .filter(|point| point.as_str().is_some_and(|text| !text.contains('?')))
            .cloned()
            .collect();
        paths.sort_unstable();
        paths.dedup();
        for path in paths {
            let is = self.is(Term::Slot(*target), &path);
            for (query, _) in of("req.query") {
                let query = self.atom(Term::Slot(*query), None, Test::Present);
                self.rules.push(Formula::all(vec![is.clone(), query]).not());
            }
        }
    }

    /// Whether a text is one of all values of a field, where it is said of the one that there may be.
    pub(super) fn one_of_all(
        &mut self,
        id: ExprId,
        (item, list): (ExprId, ExprId),
        env: Env<'_>,
    ) -> Option<Formula> {
        let item = self.constant(item)?;
        let (one, items) = self.only(list)?;
        let is = self.ask(one, &Test::Compare(Compare::Eq, item), env);
        let there = self.single(one, &items, env);
        let rest = self.fact(id, &Test::True, env);
        Some(self.either(one, (there, is), &items, (rest, Formula::Always(false)), env))
    }

    /// A quantifier over all values of a field, where it is said of the one that there may be.
    pub(super) fn each_of_all(
        &mut self,
        id: ExprId,
        (how, item, list, predicate): (Quantifier, LocalId, ExprId, ExprId),
        test: &Test,
        env: Env<'_>,
    ) -> Option<Formula> {
        let (one, items) = self.only(list)?;
        let mut locals = env.locals.to_vec();
        locals.push((item, one));
        let inner = Env { locals: &locals, ..env };
        let fits = self.ask(predicate, &Test::True, inner);
        let (is, none) = match how {
            Quantifier::Count => {
                let of = |number| Formula::Always(test.holds(&Value::Int(number)));
                let is = Formula::any(vec![
                    Formula::all(vec![fits.clone(), of(1)]),
                    Formula::all(vec![fits.not(), of(0)]),
                ]);
                (is, of(0))
            }
            how => (fits, Formula::Always(how == Quantifier::All)),
        };
        let there = self.single(one, &items, env);
        let rest = self.fact(id, test, env);
        Some(self.either(one, (there, is), &items, (rest, none), env))
    }

    /// What holds where one value is all that there is, where there is none, and else.
    fn either(
        &mut self,
        one: ExprId,
        (single, is): (Formula, Formula),
        items: &Items,
        (rest, none): (Formula, Formula),
        env: Env<'_>,
    ) -> Formula {
        let there = self.ask(one, &Test::Present, env);
        let rest = match items {
            Items::Open => rest,
            Items::None => Formula::any(vec![
                Formula::all(vec![there.clone(), rest]),
                Formula::all(vec![there.not(), none]),
            ]),
        };
        Formula::any(vec![
            Formula::all(vec![single.clone(), is]),
            Formula::all(vec![single.not(), rest]),
        ])
    }

    /// Whether one value of a field is all that there is of it.
    fn single(&mut self, one: ExprId, items: &Items, env: Env<'_>) -> Formula {
        let there = self.ask(one, &Test::Present, env);
        let Items::None = items else { return there };
        // Several are joined by commas (RFC 9110, section 5.3).
        let Some(function) = lang::functions::FUNCTIONS.iter().find(|row| row.name == "contains")
        else {
            return Formula::Always(false);
        };
        let arguments = [Value::Absent, Value::string(",")];
        let comma = self.ask(one, &Test::Call(function, arguments.into(), 0), env);
        Formula::all(vec![there, comma.not()])
    }

    /// The expression of the one value of a field, if an expression is the list of all of them and a policy asks for both.
    fn only(&self, list: ExprId) -> Option<(ExprId, Items)> {
        let Expr::Slot(all) = self.program.expr(list) else { return None };
        let all = self.program.slot(*all)?;
        let (field, items) = match (&*all.field, all.key.as_deref()?) {
            ("req.query.all", _) => ("req.query", Items::Open),
            // They are read of other fields, too.
            ("req.header.all", "host" | "cookie") => return None,
            ("req.header.all", _) => ("req.header", Items::None),
            _ => return None,
        };
        let one = self.program.slot_of(field, all.key.as_deref())?;
        Some((self.program.reading(one)?, items))
    }
}

/// A host, and the port that a text has behind it.
pub(crate) fn host_and_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (host, Some(port))
        }
        _ => (text, None),
    }
}
