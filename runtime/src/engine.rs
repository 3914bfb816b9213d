//! A policy ready to serve: an immutable snapshot of its program, its built actions, its upstreams and its listeners.
//! A reload builds the next one beside it and swaps; requests finish on the one they began with.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use compiler::program::{Block, Program, Route, Step, StepKind};
use compiler::{Matcher, RouteId, SlotId};
use lang::policy::LocalId;
use lang::vocab::identity::CLAIMS;
use lang::vocab::{Argument, Dyn, Ends, ExprId};
use lang::{SourceId, Span};

use crate::actions::{self, Built, Making};
use crate::auth;
pub use crate::auth::Aim;
use crate::blocks::ListenerConfig;
use crate::cache::Store;
use crate::exchange::{Decider, UpstreamId};
use crate::fields::Reader;
use crate::limits::Limits;
use crate::message::Scheme;
use crate::upstream::{self, Group, Line};

/// A policy ready to serve. All cores share it.
pub struct Engine {
    /// Its program, and the readers of its slots.
    pub decider: Arc<Decider>,
    /// Its listeners, in the policy's order.
    pub listeners: Vec<ListenerConfig>,
    /// Its upstreams, by [`UpstreamId`].
    pub upstreams: Vec<Destination>,
    /// The counts of its limits.
    pub(crate) limits: Limits,
    /// Where answers are kept, if any are.
    pub(crate) cache: Option<Arc<Store>>,
    routes: Vec<RoutePlan>,
}

/// An upstream, as routes use it.
pub struct Destination {
    /// Its name.
    pub name: Arc<str>,
    /// What all cores share of it. It is the one of the engine before, if the policy tells it the same.
    pub group: Arc<Group>,
    /// What `balance hash` hashes.
    pub hash_key: Option<Dyn<String>>,
}

/// A route's statements, built.
pub(crate) struct RoutePlan {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// Those up to the one that forwards or answers.
    pub(crate) way_in: Vec<Statement>,
    /// Those behind it.
    pub(crate) way_back: Vec<Statement>,
    /// What they read of the request's content: it may have to be waited for.
    pub(crate) awaited: Vec<SlotId>,
    /// The auths whose claims they read, each with the place among `way_in` before which it is to be known: keys may
    /// have to be waited for. What is read on the way back is known before the last of them.
    pub(crate) identities: Vec<(usize, Arc<str>)>,
    /// Whether one of them reads header fields of the upstream's answer.
    pub(crate) reads_origin: bool,
    /// Whether one of them, on the way back, may read what was sent.
    pub(crate) reads_sent: bool,
    /// Whether one of them, on the way back, or the access log may read the request's header section.
    pub(crate) reads_head: bool,
}

/// A statement, built.
pub(crate) enum Statement {
    /// Keeps a value.
    Let(LocalId, ExprId),
    /// Acts.
    Act(Built),
    /// These run on whatever is answered from here on. None of them is another such statement.
    Always(Vec<Statement>),
}

/// Why a program cannot be served, although it checks: a value that is known only now does not fit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    /// Where the policy says so.
    pub span: Span,
    /// What is wrong: lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// Where an engine is built.
#[derive(Clone, Copy)]
pub struct Ground<'g> {
    /// The folder of a policy's file: where relative paths that stand in it begin.
    pub folder: &'g dyn Fn(SourceId) -> PathBuf,
    /// The value of each input. The matcher keeps none of a secret.
    pub inputs: &'g [lang::Value],
    /// The engine that serves now; what stays as it was is taken over from it.
    pub previous: Option<&'g Engine>,
    /// What the engine is for.
    pub aim: Aim,
}

impl Engine {
    /// The engine for a program whose inputs are bound. All errors that were found are returned. Opens nothing but the
    /// files of upstreams' `tls`.
    pub fn build(matcher: Matcher, ground: Ground<'_>) -> Result<Engine, Vec<BuildError>> {
        let program = matcher.program().clone();
        let previous = ground.previous;
        let mut errors = Vec::new();
        let listeners = listeners(&program, &matcher, ground, &mut errors);
        let upstreams = upstreams(&program, &matcher, ground, &mut errors);
        // Numbered by the blocks, not by what was read of them: one that is wrong is told once, not in each route.
        let numbers: HashMap<Arc<str>, UpstreamId> = blocks(&program, "upstream")
            .enumerate()
            .map(|(at, block)| (block.name.clone(), UpstreamId(at)))
            .collect();
        let before: HashMap<&str, &RoutePlan> = previous
            .iter()
            .flat_map(|engine| &engine.routes)
            .map(|plan| (&*plan.name, plan))
            .collect();
        let limits = RefCell::new(Limits::after(previous.map(|engine| &engine.limits)));
        let cache = store(&matcher, previous);
        let around = Around {
            matcher: &matcher,
            upstreams: &numbers,
            limits: &limits,
            cache: cache.as_ref(),
            logs_head: listeners.iter().any(|listener| !listener.logged.0.is_empty()),
        };
        let routes = program
            .routes
            .iter()
            .map(|route| {
                let before = before.get(&*route.name).copied();
                RoutePlan::build(route, around, before, &mut errors)
            })
            .collect();
        let readers = program.slots.iter().map(|slot| match Reader::of(slot) {
            Some(reader) => Ok(reader),
            None => Err(BuildError::new(
                Span::default(),
                format!("`{}` is no field that this gateway can read", slot.field),
            )),
        });
        let readers: Vec<Reader> =
            readers.filter_map(|reader| reader.map_err(|error| errors.push(error)).ok()).collect();
        let making = auth::Making {
            matcher: &matcher,
            inputs: ground.inputs,
            folder: ground.folder,
            aim: ground.aim,
        };
        let known = previous.map_or(&[][..], |engine| &engine.decider.auths);
        let mut wrong = Vec::new();
        let auths = auth::build(&making, known, &mut wrong);
        errors.extend(wrong.into_iter().map(|error| BuildError {
            span: error.span,
            message: error.message,
            help: error.help,
        }));
        if !errors.is_empty() {
            return Err(errors);
        }
        let decider = Arc::new(Decider { matcher, readers, auths });
        let mut limits = limits.into_inner();
        limits.settle();
        Ok(Engine { decider, listeners, upstreams, limits, cache, routes })
    }

    /// The program.
    pub fn program(&self) -> &Program {
        self.decider.matcher.program()
    }

    /// The value of each input.
    pub fn inputs(&self) -> &[lang::Value] {
        self.decider.matcher.inputs()
    }

    /// The listener that a request to `port` by `scheme` comes to: the only one, the only one that binds the port, or the
    /// only one of the scheme.
    pub fn listener_for(&self, scheme: Scheme, port: u16) -> Option<&ListenerConfig> {
        let tls = scheme == Scheme::Https;
        let only = |fits: &dyn Fn(&ListenerConfig) -> bool| {
            let mut found = self.listeners.iter().filter(|listener| fits(listener));
            found.next().filter(|_| found.next().is_none())
        };
        only(&|_| true)
            .or_else(|| only(&|one| one.binds.iter().any(|bind| bind.address.port() == port)))
            .or_else(|| only(&|one| one.tls.is_empty() != tls))
    }

    /// The upstream with this number.
    pub fn upstream(&self, id: UpstreamId) -> Option<&Destination> {
        self.upstreams.get(id.0)
    }

    /// The statements of a route.
    pub(crate) fn plan(&self, route: RouteId) -> Option<&RoutePlan> {
        self.routes.get(route.0 as usize)
    }
}

impl RoutePlan {
    fn build(
        route: &Route,
        around: Around<'_>,
        before: Option<&RoutePlan>,
        errors: &mut Vec<BuildError>,
    ) -> RoutePlan {
        let program = around.matcher.program();
        let mut plan = RoutePlan {
            name: route.name.clone(),
            way_in: Vec::new(),
            way_back: Vec::new(),
            awaited: reads(program, &route.steps, |field| {
                matches!(field, "req.json" | "req.body.size")
            }),
            reads_origin: !reads(program, &route.steps, |field| field.starts_with("origin.header"))
                .is_empty(),
            reads_sent: false,
            reads_head: false,
            identities: Vec::new(),
        };
        let turn = route.steps.iter().position(|step| ends(step) != Ends::No);
        let Some(turn) = turn else {
            let message = format!("route `{}` neither forwards nor answers", route.name);
            errors.push(
                BuildError::new(route.span, message).help("end it with `forward` or `respond`"),
            );
            return plan;
        };
        let behind = route.steps.get(turn + 1..).unwrap_or_default();
        let is_late = |step: &&Step| matches!(step.kind, StepKind::Always(_));
        let late = || route.steps.iter().filter(is_late).chain(behind);
        let reads_late = |is_one| !reads(program, late(), is_one).is_empty();
        plan.identities = identities(program, &route.steps, turn);
        plan.reads_sent = reads_late(|field| field.starts_with("up."));
        plan.reads_head = around.logs_head
            || reads_late(|field| field.starts_with("req.header") || field == "req.cookie");
        for (at, step) in route.steps.iter().enumerate() {
            let way_back = at > turn;
            let line = Building { route, around, way_back };
            let before = before.and_then(|plan| plan.statement(at));
            let Some(statement) = line.statement(step, before, errors) else { continue };
            if way_back { &mut plan.way_back } else { &mut plan.way_in }.push(statement);
        }
        // There may be very many routes.
        plan.way_in.shrink_to_fit();
        plan.way_back.shrink_to_fit();
        plan
    }

    /// The `at`th statement.
    pub(crate) fn statement(&self, at: usize) -> Option<&Statement> {
        self.way_in.iter().chain(&self.way_back).nth(at)
    }
}

/// What the statements of all routes are built with.
#[derive(Clone, Copy)]
struct Around<'a> {
    matcher: &'a Matcher,
    upstreams: &'a HashMap<Arc<str>, UpstreamId>,
    limits: &'a RefCell<Limits>,
    cache: Option<&'a Arc<Store>>,
    /// Whether a listener's log holds header fields of requests.
    logs_head: bool,
}

/// What a statement is built with.
#[derive(Clone, Copy)]
struct Building<'b> {
    route: &'b Route,
    around: Around<'b>,
    way_back: bool,
}

impl Building<'_> {
    /// The statement, built; `before` stood in its place before a reload.
    fn statement(
        self,
        step: &Step,
        before: Option<&Statement>,
        errors: &mut Vec<BuildError>,
    ) -> Option<Statement> {
        let Building { route, around, way_back } = self;
        let Around { matcher, upstreams, limits, cache, .. } = around;
        match &step.kind {
            StepKind::Let(local, value) => Some(Statement::Let(*local, *value)),
            StepKind::Act(call) => {
                let making = Making { call, route, way_back, matcher, upstreams, limits, cache };
                let before = match before {
                    Some(Statement::Act(built)) => Some(built),
                    _ => None,
                };
                match Built::build(&making, before) {
                    Ok(built) => Some(Statement::Act(built)),
                    Err(reason) => {
                        let message = format!("`{}` {reason}", call.action);
                        errors.push(BuildError::new(step.span, message));
                        None
                    }
                }
            }
            StepKind::Always(steps) => {
                let before = match before {
                    Some(Statement::Always(statements)) => &statements[..],
                    _ => &[],
                };
                let held = Building { way_back: true, ..self };
                let built = steps.iter().enumerate();
                let built =
                    built.filter_map(|(at, step)| held.statement(step, before.get(at), errors));
                Some(Statement::Always(built.collect()))
            }
        }
    }
}

impl BuildError {
    fn new(span: Span, message: impl Into<String>) -> BuildError {
        BuildError { span, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> BuildError {
        self.help = Some(help.into());
        self
    }
}

/// Where answers are kept, if a line of the policy says so: the one there is, if it has the same size.
fn store(matcher: &Matcher, previous: Option<&Engine>) -> Option<Arc<Store>> {
    let steps = matcher.program().routes.iter().flat_map(|route| &route.steps);
    let memory = steps.filter_map(|step| {
        let StepKind::Act(call) = &step.kind else { return None };
        let row = actions::row(&call.action).filter(|row| row.name == "cache")?;
        let at = row.place_of("memory")?;
        match matcher.argument(*call.args.get(at)?) {
            Argument::Constant(lang::Value::Size(bytes)) => Some(bytes),
            _ => None,
        }
    });
    let memory = memory.max()?;
    let before = previous.and_then(|engine| engine.cache.clone());
    let same = before.filter(|store| store.memory() == memory);
    Some(same.unwrap_or_else(|| Arc::new(Store::new(memory))))
}

fn blocks<'p>(program: &'p Program, kind: &str) -> impl Iterator<Item = &'p Block> {
    program.blocks.iter().filter(move |block| &*block.kind == kind)
}

fn listeners(
    program: &Program,
    matcher: &Matcher,
    ground: Ground<'_>,
    errors: &mut Vec<BuildError>,
) -> Vec<ListenerConfig> {
    let mut listeners = Vec::new();
    for block in blocks(program, "listener") {
        match ListenerConfig::read(block, &|expr| matcher.argument(expr)) {
            Ok(mut listener) => {
                for tls in &mut listener.tls {
                    let folder = (ground.folder)(tls.span.source);
                    tls.cert = folder.join(&tls.cert);
                    tls.key = folder.join(&tls.key);
                    if let Some((authorities, _)) = &mut tls.client {
                        *authorities = folder.join(&*authorities);
                    }
                }
                listeners.push(listener);
            }
            Err(wrong) => errors.extend(wrong.into_iter().map(|error| BuildError {
                span: error.span,
                message: error.message,
                help: error.help,
            })),
        }
    }
    listeners
}

fn upstreams(
    program: &Program,
    matcher: &Matcher,
    ground: Ground<'_>,
    errors: &mut Vec<BuildError>,
) -> Vec<Destination> {
    let known: HashMap<&str, &Destination> = ground
        .previous
        .iter()
        .flat_map(|engine| &engine.upstreams)
        .map(|destination| (&*destination.name, destination))
        .collect();
    let mut upstreams = Vec::new();
    for block in blocks(program, "upstream") {
        let lines: Vec<Line> = block
            .settings
            .iter()
            .map(|setting| Line {
                name: setting.name.clone(),
                arguments: matcher.arguments(&setting.args),
                span: setting.span,
            })
            .collect();
        let mut told = match upstream::read(&block.name, &lines) {
            Ok(told) => told,
            Err(wrong) => {
                errors.extend(
                    wrong.iter().map(|error| BuildError::new(error.span, error.to_string())),
                );
                continue;
            }
        };
        if let Some(ca) = told.config.tls.as_mut().and_then(|tls| tls.ca.as_mut()) {
            *ca = (ground.folder)(block.span.source).join(&*ca);
        }
        if ground.aim != Aim::Serve {
            told.config.tls = None;
        }
        let before = known.get(&*block.name).map(|destination| &destination.group);
        match Group::build(told.config, before) {
            Ok(group) => upstreams.push(Destination {
                name: block.name.clone(),
                group,
                hash_key: told.hash_key,
            }),
            Err(error) => {
                let message = format!("upstream `{}`: {error}", block.name);
                errors.push(BuildError::new(block.span, message));
            }
        }
    }
    upstreams
}

/// What a statement means for those behind it.
fn ends(step: &Step) -> Ends {
    match &step.kind {
        StepKind::Let(..) | StepKind::Always(_) => Ends::No,
        StepKind::Act(call) => actions::row(&call.action).map_or(Ends::No, |row| row.ends),
    }
}

/// The auths that the statements ask, each with the first statement that does; `turn` is the last one on the way in.
fn identities(program: &Program, steps: &[Step], turn: usize) -> Vec<(usize, Arc<str>)> {
    let mut found: Vec<(usize, Arc<str>)> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let at = match step.kind {
            StepKind::Always(_) => turn,
            _ => at.min(turn),
        };
        for slot in reads(program, [step], |field| field == CLAIMS.path) {
            let Some(auth) = program.slot(slot).and_then(|slot| slot.key.clone()) else {
                continue;
            };
            match found.iter_mut().find(|(_, known)| *known == auth) {
                Some((first, _)) => *first = at.min(*first),
                None => found.push((at, auth)),
            }
        }
    }
    found
}

/// What the statements read of the fields of which `is_one` is true.
fn reads<'s>(
    program: &Program,
    steps: impl IntoIterator<Item = &'s Step>,
    is_one: fn(&str) -> bool,
) -> Vec<SlotId> {
    let mut read = program.reads(steps.into_iter().flat_map(Step::exprs));
    read.retain(|slot| program.slot(*slot).is_some_and(|slot| is_one(&slot.field)));
    read
}
