//! What proofs stand on: one or two policies as one program, so that what they ask is cut into classes together, and the
//! candidates of each listener in the order in which they are tried.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use lang::policy::{Host, Input, InputId, LocalId, Path, Policy, RouteId};
use lang::vocab::ExprId;
use lang::{Span, Ty, Value};

use crate::caching::Carriers;
use crate::interp::{self, Constants};
use crate::lower::expr::Exprs;
use crate::lower::{self, Joined};
use crate::program::{Block, Expr, Listener, Program, Route, VirtualHost, locals};
use crate::proof::content::{Content, reached};
use crate::proof::course::Course;
use crate::proof::courses::courses;
use crate::proof::follow::follow;
use crate::space::{Cut, Env, Formula, Patience, Set, Space, Term, believes, longest_head};
use lang::segment::{Relation, Segments, captures};

/// A policy and the program that runs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) lowered: &'p Program,
    /// Its place in the [`Basis`].
    at: usize,
    /// Where its routes begin in the program of the [`Basis`].
    first: usize,
    /// The most bytes of the head of a request.
    head: usize,
}

/// Policies as one program.
#[derive(Debug)]
pub(crate) struct Basis<'p> {
    pub(crate) program: Program,
    pub(crate) constants: Constants,
    pub(crate) sides: Vec<Side<'p>>,
    /// The constants of each side's own program.
    own: Vec<Constants>,
    /// Where the auths of each side look for tokens.
    carriers: Vec<Carriers>,
    /// The host that each side's upstreams are asked for by their own lines, by their names.
    hosts: Vec<HashMap<Arc<str>, (ExprId, Span)>>,
    /// What is asked of a content.
    pub(crate) content: Option<Content>,
    /// For each side, the routes to which longer content may come than is read.
    long: Vec<HashSet<RouteId>>,
    /// Where each expression of the program is first written.
    spans: Vec<Span>,
    /// The expressions that are something of a request's target or its header, captures included, once they are asked for.
    said: OnceCell<Vec<ExprId>>,
    /// What may still be spent on them.
    pub(crate) patience: Patience,
}

/// A candidate, by its places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct At {
    pub(crate) host: usize,
    pub(crate) candidate: usize,
}

/// Everything about a candidate's route that claims and conditions need.
pub(crate) struct Taken<'b> {
    pub(crate) id: RouteId,
    pub(crate) route: &'b Route,
    pub(crate) host: &'b Host,
    pub(crate) path: &'b Path,
    captures: Vec<(Arc<str>, usize, Segments)>,
    locals: Vec<(LocalId, ExprId)>,
}

impl<'p> Basis<'p> {
    /// The basis of these policies with their programs, of whose inputs those are one that `joined` says. `more` adds what is asked besides.
    pub(crate) fn new<T>(
        policies: &[(&'p Policy, &'p Program)],
        joined: Joined,
        more: impl FnOnce(&mut Exprs) -> T,
    ) -> (Basis<'p>, T) {
        let all: Vec<&Policy> = policies.iter().map(|(policy, _)| *policy).collect();
        let long: Vec<HashSet<RouteId>> =
            policies.iter().map(|(policy, lowered)| reached(policy, lowered)).collect();
        let is_long = long.iter().any(|routes| !routes.is_empty());
        let (program, spans, (content, added)) = lower::together(&all, joined, |exprs| {
            let added = more(exprs);
            (is_long.then(|| Content::add(exprs)), added)
        });
        let constants = interp::constants(&program, &[]);
        let mut first = 0;
        let mut sides = Vec::with_capacity(policies.len());
        for (at, (policy, lowered)) in policies.iter().enumerate() {
            sides.push(Side { policy, lowered, at, first, head: longest_head(policy) });
            first += policy.routes.len();
        }
        let own = policies.iter().map(|(_, lowered)| interp::constants(lowered, &[])).collect();
        let carriers = policies.iter().map(|(_, lowered)| Carriers::of(lowered)).collect();
        let mut blocks = program.blocks.iter();
        let hosts = all.iter().map(|policy| hosts(blocks.by_ref().take(policy.blocks.len())));
        let hosts = hosts.collect();
        let patience = Patience::default();
        (
            Basis {
                program,
                constants,
                sides,
                own,
                carriers,
                hosts,
                content,
                long,
                spans,
                said: OnceCell::new(),
                patience,
            },
            added,
        )
    }

    /// The same where it is asked, too, what an upstream answers: that is the same thing whenever it is read.
    pub(crate) fn answered(mut self) -> Basis<'p> {
        let answered = self.program.slots.iter_mut().filter(|slot| slot.is_answered());
        answered.for_each(|slot| slot.stable = true);
        self
    }

    /// The same with what statements read of a message on its way said of the request as it came.
    pub(crate) fn followed(mut self) -> Basis<'p> {
        let written = self.sides.iter().flat_map(|side| &side.policy.routes);
        let listeners = self.sides.iter().flat_map(|side| {
            let policy = side.policy;
            side.lowered.listeners.iter().map(move |listener| believes(policy, listener.block))
        });
        let believes = listeners.reduce(|one, other| one || other).unwrap_or_default();
        let head = self.sides.iter().map(|side| side.head).max().unwrap_or_default();
        let written = (written, believes, head);
        follow(&mut self.program, &mut self.spans, &self.constants, written);
        self.constants = self.constants.after(&self.program, &[]);
        self
    }

    /// The same where inputs have these values. No proof hangs on what a secret is.
    pub(crate) fn bound(&self, value: impl Fn(&Input) -> Option<Value>) -> Basis<'p> {
        let bound = |program: &Program| {
            interp::constants_with(program, |id| {
                let input = program.inputs.get(id.0 as usize)?;
                (*input.ty.present() != Ty::Secret).then(|| value(input)).flatten()
            })
        };
        Basis {
            constants: bound(&self.program),
            own: self.sides.iter().map(|side| bound(side.lowered)).collect(),
            program: self.program.clone(),
            sides: self.sides.clone(),
            carriers: self.carriers.clone(),
            hosts: self.hosts.clone(),
            content: self.content,
            long: self.long.clone(),
            spans: self.spans.clone(),
            said: self.said.clone(),
            patience: Patience::default(),
        }
    }

    /// The expressions that are something of a request's target or its header, captures included.
    pub(crate) fn said(&self) -> &[ExprId] {
        self.said.get_or_init(|| {
            let is_said = |expr: &Expr| match expr {
                Expr::Capture(_) => true,
                Expr::Slot(slot) => self.program.slot(*slot).is_some_and(|slot| {
                    matches!(&*slot.field, "req.header" | "req.query" | "req.host" | "req.path")
                }),
                _ => false,
            };
            let all = (0..).map(ExprId).zip(self.program.exprs.iter());
            all.filter(|(_, expr)| is_said(expr)).map(|(id, _)| id).collect()
        })
    }

    /// The constants of a side's own program.
    pub(crate) fn own(&self, side: &Side<'_>) -> Option<&Constants> {
        self.own.get(side.at)
    }

    /// Where the auths of a side look for tokens.
    pub(crate) fn carriers(&self, side: &Side<'_>) -> Option<&Carriers> {
        self.carriers.get(side.at)
    }

    /// The host that a side's upstream is asked for by its own line, if it has one.
    pub(crate) fn host(&self, side: &Side<'_>, upstream: &str) -> Option<(ExprId, Span)> {
        self.hosts.get(side.at)?.get(upstream).copied()
    }

    /// Where an expression is first written, if a policy writes it.
    pub(crate) fn span(&self, id: ExprId) -> Option<Span> {
        self.spans.get(id.0 as usize).copied().filter(|span| *span != Span::default())
    }

    /// The inputs that these expressions read, by number, with their values where they are bound.
    pub(crate) fn inputs(
        &self,
        roots: impl IntoIterator<Item = ExprId>,
    ) -> BTreeMap<InputId, Option<&Value>> {
        let inputs = self.program.walk(roots, &[]).filter_map(|(id, expr)| match expr {
            Expr::Input(input) => Some((*input, self.constants.get(id))),
            _ => None,
        });
        inputs.collect()
    }

    /// Values of requests that may belong to the set, the plainest first: guesses, to be replayed. Of a set that hangs on
    /// an input nobody bound there are none: who knows nothing of it can send no example on its way.
    pub(crate) fn guesses(&self, space: &Space, set: Set) -> Vec<Vec<(Term, Value)>> {
        let blamed = space.blamed(set).into_iter().filter_map(|blame| blame.expr);
        match self.inputs(blamed).values().any(Option::is_none) {
            true => Vec::new(),
            false => space.guesses(set, &self.program, &self.patience),
        }
    }

    /// Nothing asked yet.
    pub(crate) fn cut(&self) -> Cut<'_> {
        Cut::new(&self.program, &self.constants, &self.patience)
    }

    /// A candidate of a side's listener.
    pub(crate) fn taken<'b>(
        &'b self,
        side: &Side<'b>,
        listener: &'b Listener,
        at: At,
    ) -> Option<Taken<'b>> {
        let host = listener.hosts.list.get(at.host)?;
        let candidate = host.candidates.get(at.candidate)?;
        let route = self.route(side, candidate.route)?;
        let (path, _) = route.paths.get(candidate.path)?;
        Some(Taken {
            id: candidate.route,
            route,
            host: &host.host,
            path,
            captures: captures(path),
            locals: locals(&route.steps),
        })
    }

    /// A side's route as the common program has it.
    pub(crate) fn route(&self, side: &Side<'_>, id: RouteId) -> Option<&Route> {
        self.program.routes.get(side.first + id.0 as usize).map(|route| &**route)
    }

    /// The same, to be changed.
    pub(crate) fn route_mut(&mut self, side: &Side<'_>, id: RouteId) -> Option<&mut Route> {
        self.program.routes.get_mut(side.first + id.0 as usize).map(Arc::make_mut)
    }

    /// The courses of a side's route; the error is the statement at which there are too many.
    pub(crate) fn courses(&self, side: &Side<'_>, id: RouteId) -> Result<Vec<Course>, usize> {
        let written = side.policy.routes.get(id.0 as usize);
        match (written, self.route(side, id), self.carriers(side)) {
            (Some(written), Some(route), Some(carriers)) => {
                let is_long = self.long.get(side.at).is_some_and(|long| long.contains(&id));
                let content = self.content.filter(|_| is_long);
                let program = (&self.program, &self.constants, carriers);
                courses(program, (content, side.head), written, route)
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// The hosts that the upstreams among these blocks are asked for by their own lines.
fn hosts<'b>(blocks: impl Iterator<Item = &'b Block>) -> HashMap<Arc<str>, (ExprId, Span)> {
    let upstreams = blocks.filter(|block| &*block.kind == "upstream");
    let hosts = upstreams.filter_map(|block| {
        let line = block.settings.iter().find(|line| &*line.name == "host")?;
        Some((block.name.clone(), (*line.args.first()?, line.span)))
    });
    hosts.collect()
}

/// A value of the type, where any is as good as another.
pub(crate) fn plain(ty: &Ty) -> Option<Value> {
    Some(match ty {
        Ty::String => Value::string("x"),
        Ty::Int => Value::Int(1),
        Ty::Bool => Value::Bool(true),
        Ty::OneOf(words) => Value::String(words.first()?.clone()),
        _ => return None,
    })
}

impl Taken<'_> {
    /// What names mean in the route's expressions.
    pub(crate) fn env(&self) -> Env<'_> {
        Env { captures: &self.captures, locals: &self.locals }
    }

    /// Its host and path.
    pub(crate) fn head(&self, cut: &mut Cut<'_>) -> Formula {
        Formula::all(vec![cut.host(self.host), cut.path(self.path)])
    }

    /// Everything it asks of a request but the method.
    pub(crate) fn but_method(&self, cut: &mut Cut<'_>) -> Formula {
        let mut all = vec![self.head(cut)];
        let conditions = self.route.conditions.iter();
        all.extend(conditions.map(|(id, _)| cut.condition(*id, self.env())));
        Formula::all(all)
    }

    /// Everything it asks of a request.
    pub(crate) fn whole(&self, cut: &mut Cut<'_>) -> Formula {
        let methods = self.route.methods.as_ref().map(|(methods, _)| &**methods);
        let methods = cut.methods(methods);
        Formula::all(vec![methods, self.but_method(cut)])
    }
}

/// Every candidate of a listener that can be tried for some request of this host and path pattern, in the order in which
/// they are tried: narrower hosts first, wider ones last.
pub(crate) fn meeting(listener: &Listener, host: &Host, path: &Path) -> Vec<At> {
    let mut found = Vec::new();
    for host in listener.hosts.meeting(host) {
        let Some(of) = listener.hosts.list.get(host) else { continue };
        let candidates = overlapping(of, path).into_iter();
        found.extend(candidates.map(|candidate| At { host, candidate }));
    }
    found
}

/// The candidates of a host whose paths share one with the pattern, in order.
fn overlapping(host: &VirtualHost, path: &Path) -> Vec<usize> {
    let kinds: Vec<Segments> = path.segments.iter().map(Segments::of).collect();
    let mut found = Vec::new();
    // A node, and the place of the next segment; none where everything beneath belongs to it.
    let mut open: Vec<(usize, Option<usize>)> = vec![(0, Some(0))];
    while let Some((node, depth)) = open.pop() {
        let Some(node) = host.nodes.get(node) else { continue };
        found.extend(&node.beneath);
        let kind = depth.map(|depth| (depth, kinds.get(depth)));
        let everything = match kind {
            None => true,
            Some((_, None)) => path.rest,
            Some(_) => false,
        };
        if everything || matches!(kind, Some((_, None))) {
            found.extend(&node.here);
        }
        if everything {
            let children = node.literals.values().chain(node.captures.iter().map(|(_, next)| next));
            open.extend(children.map(|next| (*next, None)));
        }
        let Some((depth, Some(kind))) = kind else { continue };
        match kind {
            Segments::Literal(text) => {
                let next = node.literals.get(text).copied();
                open.extend(next.map(|next| (next, Some(depth + 1))));
            }
            wide => {
                let same = node.literals.iter().filter(|(text, _)| wide.holds(text));
                open.extend(same.map(|(_, next)| (*next, Some(depth + 1))));
            }
        }
        let same = node.captures.iter().filter(|(of, _)| of.relation(kind) != Relation::Disjoint);
        open.extend(same.map(|(_, next)| (*next, Some(depth + 1))));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The courses of each route, found once.
#[derive(Default)]
pub(crate) struct Known {
    of: HashMap<RouteId, Arc<Result<Vec<Course>, usize>>>,
}

impl Known {
    /// The courses of a side's route.
    pub(crate) fn courses(
        &mut self,
        basis: &Basis<'_>,
        side: &Side<'_>,
        id: RouteId,
    ) -> Arc<Result<Vec<Course>, usize>> {
        self.of.entry(id).or_insert_with(|| Arc::new(basis.courses(side, id))).clone()
    }
}
