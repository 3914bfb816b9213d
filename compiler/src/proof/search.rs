//! Looks for a request that contradicts a claim: candidate by candidate and course by course, first without asking who is
//! tried before, because most candidates have nothing to do with the claim, then exactly.

use std::sync::Arc;

use lang::Span;
use lang::policy::{Compare, Host, InputId, Path, Segment};
use lang::vocab::ExprId;
use lang::{Ty, Value, policy};

use crate::caching::Asks;
use crate::order::compare::budget;
use crate::order::witness::Witness;
use crate::program::{Expr, Listener, Step};
use crate::proof::basis::{At, Basis, Known, Side, Taken, meeting};
use crate::proof::claims::{Asked, Way};
use crate::proof::content::{is_long, reads, undeclared};
use crate::proof::course::{Course, End, Reads, Status};
use crate::proof::follow::is_on_its_way;
use crate::proof::narrow::Narrow;
use crate::proof::opaque::{opaque, too_long};
use crate::proof::replay::{Replayed, replay};
use crate::space::{Env, Fact, Formula, Set, Space, Term, Test, Undecided};

/// The most candidates that are looked at together.
const MOST: usize = 20_000;

/// Where names mean nothing: what is asked there is of the request alone.
const OPEN: Env<'_> = Env { captures: &[], locals: &[] };

/// A claim, ready to be proved on one side.
#[derive(Clone, Copy)]
pub(crate) struct Question<'q> {
    pub(crate) basis: &'q Basis<'q>,
    pub(crate) side: Side<'q>,
    /// The listener's place in the side's program.
    pub(crate) listener: usize,
    /// What holds of every request that comes to it.
    pub(crate) arriving: &'q [Fact],
    /// Whether the listener may believe what a peer says about the client.
    pub(crate) believes: bool,
    pub(crate) of: &'q Asked,
    pub(crate) expect: &'q Asked,
    /// Where the requests lie that are asked about.
    pub(crate) narrow: &'q Narrow<'q>,
}

/// What came of looking.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing: there is no such request.
    Nothing,
    /// This request contradicts the claim; where that is decided, and how.
    Witness(Box<Witness>, Ending),
    /// There may be one; where that hangs, and why.
    Undecided(Span, Why),
    /// A request that was to contradict the claim does not: a mistake of ours.
    Disagreement(Box<Witness>),
}

/// What becomes of a request, for a label.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) end: End,
    pub(crate) route: Option<policy::RouteId>,
    /// The deciding statement's place.
    pub(crate) span: Option<Span>,
}

/// Why something is undecided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    /// It is more than is looked at.
    Size,
    /// An upstream decides.
    Upstream,
    /// A value may be refused.
    Refusal,
    /// A content may be longer than what is read where a route is chosen by it.
    Long,
    /// The gateway writes a header field as connection and content need it.
    Written,
    /// A peer that the listener trusts says it.
    Trusted,
    /// The parts of a request limit each other.
    Arrival,
    /// Several auths would have to know one token.
    Token,
    /// Something is computed that cannot be taken apart.
    Computed,
    /// This cannot be followed.
    Opaque {
        /// Where it is written.
        at: Span,
        /// What is to be said of it.
        why: String,
        /// What would help.
        help: String,
        /// The inputs it reads that have no value.
        inputs: Vec<InputId>,
    },
}

/// A request of which a claim speaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Spoken {
    /// One that there is whatever the routes are.
    Anyhow,
    /// One that this route takes.
    Of(policy::RouteId),
    /// One for this host that no route takes.
    Past(Arc<str>),
    /// Perhaps one; on which routes that hangs is not known.
    Perhaps,
}

/// What holds of no request.
static NEVER: Asked = Asked::Any(Vec::new());

/// Looks for a request on the question's listener that the claim speaks of and that does not do as is expected.
pub(crate) fn search(question: &Question<'_>, known: &mut Known) -> Found {
    let Some(listener) = question.listener() else { return Found::Nothing };
    let mut doubt: Option<(Span, Why)> = None;
    let hosts = question.hosts(listener);
    for &host in &hosts {
        let n_candidates = listener.hosts.list.get(host).map_or(0, |host| host.candidates.len());
        for candidate in 0..n_candidates {
            let at = At { host, candidate };
            match question.candidate(listener, at, known) {
                Found::Nothing => {}
                Found::Undecided(span, why) => doubt = doubt.or(Some((span, why))),
                found => return found,
            }
        }
    }
    match question.past(listener, &hosts) {
        Found::Nothing => {}
        Found::Undecided(span, why) => doubt = doubt.or(Some((span, why))),
        found => return found,
    }
    doubt.map_or(Found::Nothing, |(span, why)| Found::Undecided(span, why))
}

/// A request on the listener of which the claim speaks, if there is one.
pub(crate) fn speaks_of(question: &Question<'_>, known: &mut Known) -> Option<Spoken> {
    let of = question.of;
    if !of.asks_outcome() {
        let mut cut = question.basis.cut();
        let any = of.formula(&mut cut, question.nobodys(&Course::past(End::Nobody)), OPEN);
        cut.arriving(question.arriving);
        let is_none = any.is_never() || is_empty(cut.finish(budget(1)), &any);
        return (!is_none).then_some(Spoken::Anyhow);
    }
    // Whoever expects what never is finds one of which it speaks.
    match search(&Question { expect: &NEVER, ..*question }, known) {
        Found::Nothing => None,
        Found::Witness(_, Ending { route: Some(route), .. }) => Some(Spoken::Of(route)),
        Found::Witness(witness, _) => Some(Spoken::Past(witness.host)),
        Found::Undecided(..) | Found::Disagreement(_) => Some(Spoken::Perhaps),
    }
}

impl<'q> Question<'q> {
    fn way<'w>(&self, course: &'w Course, taken: &Taken<'w>) -> Way<'w> {
        let route = Some((taken.id, &*taken.route.steps));
        Way { course, route, believes: self.believes }
    }

    /// The way of requests that no route takes.
    fn nobodys<'w>(&self, course: &'w Course) -> Way<'w> {
        Way { course, route: None, believes: self.believes }
    }

    fn listener(&self) -> Option<&'q Listener> {
        self.side.lowered.listeners.get(self.listener)
    }

    /// The hosts at which there may be a request that is asked about, by their places.
    fn hosts(&self, listener: &Listener) -> Vec<usize> {
        let hosts = listener.hosts.list.iter().enumerate();
        let near: Vec<(usize, &Host)> = hosts
            .map(|(at, host)| (at, &host.host))
            .filter(|(_, host)| self.narrow.fits_host(host))
            .collect();
        let mut cut = self.basis.cut();
        let of = about(self.of, &mut cut).filter(|_| cut.asks_host());
        let concerned = of.and_then(|of| {
            // All in one space: what the claim says is taken apart once.
            let heads: Vec<Formula> = near.iter().map(|(_, host)| cut.host(host)).collect();
            let mut space = cut.finish(budget(near.len())).ok()?;
            let of = space.set(&of).ok()?;
            let meets = |(host, head): (&(usize, &Host), &Formula)| {
                let met = space.set(head).and_then(|head| space.meet(head, of));
                (met != Ok(Set::NONE)).then_some(host.0)
            };
            Some(near.iter().zip(&heads).filter_map(meets).collect())
        });
        concerned.unwrap_or_else(|| near.iter().map(|(at, _)| *at).collect())
    }

    /// What claims about the cache ask, if there are any: it is the same for all.
    fn of_cache(&self) -> Option<&'q Asks> {
        self.of.of_cache().or_else(|| self.expect.of_cache())
    }

    /// The requests whose content can be as they say, where the claim asks about that.
    fn possible(&self, cut: &mut crate::space::Cut<'_>) -> Formula {
        let asks = self.of_cache();
        asks.map_or(Formula::Always(true), |asks| cut.condition(asks.is_possible, OPEN))
    }

    /// Requests that this candidate takes.
    fn candidate(&self, listener: &'q Listener, at: At, known: &mut Known) -> Found {
        let Some(taken) = self.basis.taken(&self.side, listener, at) else {
            return Found::Nothing;
        };
        if !self.narrow.fits_path(taken.path) {
            return Found::Nothing;
        }
        let courses = known.courses(self.basis, &self.side, taken.id);
        let courses = match &*courses {
            Ok(courses) => courses,
            Err(step) => {
                let span = taken.route.steps.get(*step).map_or(taken.route.span, |step| step.span);
                return Found::Undecided(span, Why::Size);
            }
        };
        let mut doubt = self.chosen_by_content(&taken);
        for course in courses {
            match self.course(listener, at, &taken, course) {
                Found::Nothing => {}
                Found::Undecided(span, why) => doubt = doubt.or(Some((span, why))),
                found => return found,
            }
        }
        doubt.map_or(Found::Nothing, |(span, why)| Found::Undecided(span, why))
    }

    /// Where a route is chosen by what a content says, and why that leaves the claim undecided: one that is too long to be
    /// read may end there, whoever takes the request otherwise.
    fn chosen_by_content(&self, taken: &Taken<'_>) -> Option<(Span, Why)> {
        let content = self.basis.content?;
        let conditions = taken.route.conditions.iter();
        let mut reading = conditions.filter(|(id, _)| reads(&self.basis.program, [*id]).is_some());
        let (_, span) = reading.next()?;
        let (end, status) = (End::Long(Reads::All), Status::Known(413));
        let course = Course { status, ..Course::past(end) };
        let way = self.nobodys(&course);
        let mut cut = self.basis.cut();
        let ended = Formula::all(vec![
            self.narrow.within(&mut cut),
            taken.head(&mut cut),
            cut.condition(content.is_long, OPEN),
            self.of.formula(&mut cut, way, OPEN),
            self.expect.formula(&mut cut, way, OPEN).not(),
        ]);
        cut.arriving(self.arriving);
        (!is_empty(cut.finish(budget(1)), &ended)).then_some((*span, Why::Long))
    }

    /// Whether a content that is too long to be read may keep a request of this host and path from its route.
    fn may_end_before(&self, listener: &Listener, (host, path): (&Host, &Path)) -> bool {
        let candidates = meeting(listener, host, path).into_iter();
        let routes = candidates.filter_map(|at| self.basis.taken(&self.side, listener, at));
        let conditions = routes.flat_map(|taken| &taken.route.conditions).map(|(id, _)| *id);
        reads(&self.basis.program, conditions).is_some()
    }

    fn course(&self, listener: &'q Listener, at: At, taken: &Taken<'_>, course: &Course) -> Found {
        let way = self.way(course, taken);
        // What the course alone settles is not asked of its requests.
        if self.of.settled(way) == Some(false) || self.expect.settled(way) == Some(true) {
            return Found::Nothing;
        }
        let ending = Ending {
            end: course.end.clone(),
            route: Some(taken.id),
            span: course.at.and_then(|at| taken.route.steps.get(at)).map(|step| step.span),
        };
        let place = ending.span.unwrap_or(taken.route.span);
        let against = |cut: &mut crate::space::Cut<'_>| {
            let of = self.of.formula(cut, way, taken.env());
            if of.is_never() {
                return of;
            }
            let expect = self.expect.formula(cut, way, taken.env());
            if matches!(expect, Formula::Always(true)) {
                return Formula::Always(false);
            }
            let whole = taken.whole(cut);
            let guards = guards(cut, course, taken.env());
            let possible = self.possible(cut);
            let within = self.narrow.within(cut);
            Formula::all(vec![possible, within, whole, guards, of, expect.not()])
        };
        let mut cut = self.basis.cut();
        let alone = against(&mut cut);
        cut.arriving(self.arriving);
        if alone.is_never() || is_empty(cut.finish(budget(1)), &alone) {
            return Found::Nothing;
        }
        let earlier = meeting(listener, taken.host, taken.path);
        let earlier: Vec<At> = earlier.into_iter().take_while(|other| *other != at).collect();
        if earlier.len() > MOST {
            return Found::Undecided(place, Why::Size);
        }
        let look = |hinted: bool| {
            let mut cut = self.basis.cut();
            let against = against(&mut cut);
            let mut others = Vec::with_capacity(earlier.len());
            for at in &earlier {
                if let Some(other) = self.basis.taken(&self.side, listener, *at) {
                    others.push(other.whole(&mut cut));
                }
            }
            let hints = match hinted {
                true => hints(self.basis, course, taken, &mut cut),
                false => Vec::new(),
            };
            let guards = course.guards.iter().map(|(id, _)| *id).collect();
            let sought = Sought { against: &against, others: &others, hints: &hints };
            let at = (taken.host, taken.path);
            self.left(listener, cut, (sought, guards), at, (way, &ending, place))
        };
        match look(false) {
            // Whether a value can stand hangs on what it is: some are tried that mostly can, or cannot.
            Found::Undecided(span, why) if why == Why::Refusal || course.is_judged() => {
                match look(true) {
                    found @ Found::Witness(..) => found,
                    _ => Found::Undecided(span, why),
                }
            }
            found => found,
        }
    }

    /// Requests for one of these hosts or another one that no candidate takes.
    fn past(&self, listener: &'q Listener, hosts: &[usize]) -> Found {
        let mut doubt = None;
        for end in [End::Nobody, End::Method] {
            if end == End::Method && !self.of.asks_status() && !self.expect.asks_status() {
                // What the claim says of one it says of the other.
                continue;
            }
            let course = Course::past(end.clone());
            let way = self.nobodys(&course);
            let mut cut = self.basis.cut();
            let of = self.of.formula(&mut cut, way, OPEN);
            let expect = self.expect.formula(&mut cut, way, OPEN);
            if of.is_never() || matches!(expect, Formula::Always(true)) {
                continue;
            }
            let within = self.narrow.within(&mut cut);
            let mut against = vec![self.possible(&mut cut), within, of, expect.not()];
            let by_status = self.of.asks_status() || self.expect.asks_status();
            let mut others = Vec::new();
            let mut but_method = Vec::new();
            let mut first = None;
            for &host in hosts {
                let of = listener.hosts.list.get(host);
                for candidate in 0..of.map_or(0, |of| of.candidates.len()) {
                    let at = At { host, candidate };
                    let Some(other) = self.basis.taken(&self.side, listener, at) else { continue };
                    if !self.narrow.fits_path(other.path) {
                        continue;
                    }
                    first = first.or(Some(other.route.span));
                    match (by_status, &end) {
                        // Whoever would take it by another method makes it a 405.
                        (true, End::Nobody) => others.push(other.but_method(&mut cut)),
                        (true, _) => {
                            but_method.push(other.but_method(&mut cut));
                            others.push(other.whole(&mut cut));
                        }
                        (false, _) => others.push(other.whole(&mut cut)),
                    }
                }
            }
            let place = first.unwrap_or_default();
            if others.len() > MOST {
                return Found::Undecided(place, Why::Size);
            }
            if end == End::Method {
                against.push(Formula::any(but_method));
            }
            let against = Formula::all(against);
            let any = Path { segments: Vec::new(), rest: true };
            let ending = Ending { end, route: None, span: None };
            let asked = (way, &ending, place);
            let found = self.left(
                listener,
                cut,
                (Sought { against: &against, others: &others, hints: &[] }, Vec::new()),
                (&Host::Any, &any),
                asked,
            );
            match found {
                Found::Nothing => {}
                Found::Undecided(span, why) => doubt = doubt.or(Some((span, why))),
                found => return found,
            }
        }
        doubt.map_or(Found::Nothing, |(span, why)| Found::Undecided(span, why))
    }

    /// What is left of `against` once the others took theirs. The guards are of the course that is asked about, and hints
    /// are requests that are looked at too where the plainest one leaves it undecided.
    fn left(
        &self,
        listener: &Listener,
        mut cut: crate::space::Cut<'_>,
        (Sought { against, others, hints }, guards): (Sought<'_>, Vec<ExprId>),
        (host, path): (&Host, &Path),
        (way, ending, place): (Way<'_>, &Ending, Span),
    ) -> Found {
        let mut plain = plainly(&mut cut);
        let more = self.of_cache().map(|asks| asks.plain.as_slice()).unwrap_or_default();
        plain.extend(more.iter().map(|id| cut.condition(*id, OPEN)));
        plain.extend(self.basis.content.map(|of| cut.condition(of.is_long, OPEN).not()));
        cut.arriving(self.arriving);
        let decide = || -> Result<(Space, Set, Vec<Set>), Undecided> {
            let mut space = cut.finish(budget(others.len()))?;
            let mut left = space.set(against)?;
            let mut taken = Vec::with_capacity(others.len());
            for other in others {
                taken.push(space.set(other)?);
            }
            let taken = space.join_all(taken)?;
            left = space.minus(left, taken)?;
            let plain: Result<Vec<Set>, Undecided> =
                plain.iter().map(|plain| space.set(plain)).collect();
            Ok((space, left, plain?))
        };
        let Ok((mut space, left, plain)) = decide() else {
            self.basis.patience.give_up();
            return Found::Undecided(place, Why::Size);
        };
        if left == Set::NONE {
            return Found::Nothing;
        }
        if let Some((span, why)) = self.too_long(listener, (host, path), guards) {
            return Found::Undecided(span, why);
        }
        // Plainer examples are easier to read, where there are any.
        let plainest = |space: &mut Space, set: Set| {
            plain.iter().fold(set, |tried, plain| match space.meet(tried, *plain) {
                Ok(both) if both != Set::NONE && space.witness(both).is_some() => both,
                _ => tried,
            })
        };
        let example = |space: &mut Space, set: Set| {
            self.example((space, set), listener, (host, path), (way, ending, place))
        };
        let tried = plainest(&mut space, left);
        let found = example(&mut space, tried).unwrap_or_else(|why| {
            let why = why.unwrap_or_else(|| self.why(way, &space, left));
            Found::Undecided(place, why)
        });
        if !matches!(found, Found::Undecided(..)) {
            return found;
        }
        for hint in hints {
            let Ok(both) = space.set(hint).and_then(|hint| space.meet(left, hint)) else { break };
            if both != Set::NONE {
                let tried = plainest(&mut space, both);
                if let Ok(found @ Found::Witness(..)) = example(&mut space, tried) {
                    return found;
                }
            }
        }
        found
    }

    /// An example out of a set of requests, or why there is none; nothing where that is not known.
    fn example(
        &self,
        (space, set): (&mut Space, Set),
        listener: &Listener,
        (host, path): (&Host, &Path),
        (way, ending, place): (Way<'_>, &Ending, Span),
    ) -> Result<Found, Option<Why>> {
        let program = &self.basis.program;
        let ends_before = |witness: &Witness| {
            is_long(program, witness) && self.may_end_before(listener, (host, path))
        };
        let sent = |witness: Witness| match &ending.end {
            End::Long(Reads::Length) => undeclared(program, witness).map(Box::new),
            _ => Some(Box::new(witness)),
        };
        let Some(values) = space.witness(set) else {
            for values in self.basis.guesses(space, set) {
                let made = Witness::guess((host, path), self.asked(values), self.arriving);
                if let Some(witness) = sent(made)
                    && witness.arrives(program)
                    && witness.is_of_one_token(program)
                    && !ends_before(&witness)
                    && replay(self, &witness, way, false) == Replayed::Contradicts
                {
                    return Ok(Found::Witness(witness, ending.clone()));
                }
            }
            return Err(None);
        };
        let Some(witness) = sent(Witness::new((host, path), values, self.arriving)) else {
            return Err(Some(Why::Long));
        };
        if !witness.arrives(program) {
            return Err(Some(Why::Arrival));
        }
        if !witness.is_of_one_token(program) {
            return Err(Some(Why::Token));
        }
        if ends_before(&witness) {
            return Err(Some(Why::Long));
        }
        Ok(match replay(self, &witness, way, true) {
            Replayed::Contradicts => Found::Witness(witness, ending.clone()),
            Replayed::Unsure => {
                let steps = way.route.map_or(&[][..], |(_, steps)| steps);
                let doubted = way.course.doubts.last().and_then(|at| steps.get(*at));
                Found::Undecided(doubted.map_or(place, |step| step.span), Why::Refusal)
            }
            Replayed::Agrees => Found::Disagreement(witness),
        })
    }

    /// Of these values those that a request says itself.
    fn asked(&self, mut values: Vec<(Term, Value)>) -> Vec<(Term, Value)> {
        let program = &self.basis.program;
        values.retain(|(term, _)| match term {
            Term::Slot(slot) => !program.slot(*slot).is_some_and(is_on_its_way),
            _ => true,
        });
        values
    }

    /// What takes too many steps for an example to be sent on its way here, if anything does.
    fn too_long(
        &self,
        listener: &Listener,
        (host, path): (&Host, &Path),
        guards: Vec<ExprId>,
    ) -> Option<(Span, Why)> {
        let candidates = meeting(listener, host, path).into_iter();
        let routes = candidates.filter_map(|at| self.basis.taken(&self.side, listener, at));
        let conditions = routes.flat_map(|taken| &taken.route.conditions).map(|(id, _)| *id);
        let claims = [self.of, self.expect].into_iter().flat_map(Asked::conditions);
        let basis = self.basis;
        let id = basis.constants.longest(guards.into_iter().chain(claims).chain(conditions))?;
        Some((basis.span(id).unwrap_or_default(), too_long(basis, id)))
    }

    fn why(&self, way: Way<'_>, space: &Space, left: Set) -> Why {
        let answered = way.course.to().is_some() && !way.course.own;
        let both = [self.of, self.expect];
        if answered && both.iter().any(|asked| asked.asks_answer()) {
            Why::Upstream
        } else if both.iter().any(|asked| asked.asks_written(way)) {
            let by_peer = way.believes && both.iter().any(|asked| asked.asks_believed());
            if by_peer { Why::Trusted } else { Why::Written }
        } else {
            opaque(self.basis, space, left).unwrap_or(Why::Computed)
        }
    }
}

/// What the claim says of the request alone. `None` where that is nothing.
fn about(asked: &Asked, cut: &mut crate::space::Cut<'_>) -> Option<Formula> {
    match asked {
        Asked::Request(id) => Some(cut.condition(*id, OPEN)),
        Asked::All(parts) => {
            let all: Vec<Formula> = parts.iter().filter_map(|part| about(part, cut)).collect();
            (!all.is_empty()).then(|| Formula::all(all))
        }
        _ => None,
    }
}

/// What must hold for a request to come this way.
pub(crate) fn guards(cut: &mut crate::space::Cut<'_>, course: &Course, env: Env<'_>) -> Formula {
    let guards = course.guards.iter().map(|(id, holds)| {
        let formula = cut.condition(*id, env);
        if *holds { formula } else { formula.not() }
    });
    let mut all: Vec<Formula> = guards.collect();
    if let Some(texts) = &course.unfit {
        let unfit = texts.iter().map(|(text, test)| cut.ask(*text, test, env));
        all.push(Formula::any(unfit.collect()));
    }
    all.extend(course.stands.iter().map(|(text, test)| cut.ask(*text, test, env).not()));
    Formula::all(all)
}

/// Which requests are sought: those in `against` but the others, and what is tried first of them.
struct Sought<'s> {
    against: &'s Formula,
    others: &'s [Formula],
    hints: &'s [Formula],
}

/// So many hints are tried.
const HINTS: usize = 48;

/// Texts that cannot stand in one place or another.
pub(crate) const UNFIT: [&str; 5] = ["..", "\u{1}", "", "/", "a b"];

/// Requests whose values mostly cannot stand where a statement puts them, or can: as the course wants it, which is one of
/// those that hang on that.
fn hints(
    basis: &Basis<'_>,
    course: &Course,
    taken: &Taken<'_>,
    cut: &mut crate::space::Cut<'_>,
) -> Vec<Formula> {
    const FIT: &[&str] = &["x", "/x", "7", "https://any.example/"];
    let refusing = course.at.filter(|_| course.end == End::Unfit);
    let (steps, texts) = match &refusing {
        Some(at) => (std::slice::from_ref(at), &UNFIT[..]),
        None => (&*course.doubts, FIT),
    };
    let program = &basis.program;
    let exprs = steps.iter().filter_map(|at| taken.route.steps.get(*at)).flat_map(Step::exprs);
    let mut reads = Vec::new();
    let mut words: Vec<Value> = texts.iter().copied().map(Value::string).collect();
    for (id, expr) in program.walk(exprs, taken.env().locals) {
        match expr {
            Expr::Slot(slot) => {
                let slot = program.slot(*slot).filter(|slot| !is_on_its_way(slot));
                reads.extend(slot.filter(|slot| *slot.ty.present() == Ty::String).map(|_| id));
            }
            Expr::Capture(_) | Expr::Member(..) => reads.push(id),
            // What the policy itself asks for may be what chooses among its words.
            Expr::Const(text @ Value::String(_)) => words.push(text.clone()),
            _ => {}
        }
    }
    words.truncate(HINTS);
    let mut hints = Vec::new();
    for text in words {
        let is = Test::Compare(Compare::Eq, text);
        let each: Vec<Formula> = reads.iter().map(|id| cut.ask(*id, &is, taken.env())).collect();
        if each.len() > 1 {
            hints.push(Formula::all(each.clone()));
        }
        hints.extend(each);
        if hints.len() >= HINTS {
            break;
        }
    }
    hints.truncate(HINTS);
    hints
}

/// Requests that make good examples: with a path, with `GET`, and for some host.
pub(crate) fn plainly(cut: &mut crate::space::Cut<'_>) -> Vec<Formula> {
    let segment = Segment::Capture(Arc::from("x"), Ty::String);
    let path = cut.path(&Path { segments: vec![segment], rest: true });
    let get = cut.methods(Some(&[Arc::from("GET")]));
    let mut plain = vec![path, get];
    if cut.asks_host() {
        plain.push(cut.host(&Host::Exact(Arc::from(""))).not());
    }
    plain
}

fn is_empty(space: Result<Space, Undecided>, formula: &Formula) -> bool {
    // What is too large is not known to be empty.
    let set = space.and_then(|mut space| space.set(formula));
    set == Ok(Set::NONE)
}
