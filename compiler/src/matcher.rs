//! A loaded program: inputs bound, ready to decide. Whoever asks cannot tell which backend answers.

use std::cell::RefCell;
use std::sync::Arc;

use lang::vocab::{Argument, ExprId};
use lang::{Policy, Ty, Value};

use crate::change::Wish;
use crate::decision::Decision;
use crate::explain::Explanation;
use crate::fit::Fits;
use crate::frame::{Ask, Fill, Frame};
use crate::index::Index;
use crate::interp::{Bound, Interp, constants};
#[cfg(feature = "jit")]
use crate::jit::{Machine, Part};
use crate::lower::bind::Bind;
use crate::program::{Program, Route, RouteId, locals};
use crate::splice::{self, Form, Text};
use crate::table::Tables;

/// What runs a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Backend {
    /// The interpreter.
    #[default]
    Interp,
    /// The interpreter, and machine code for what is compiled.
    Jit,
}

/// What was made at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Compiled {
    /// The cells, and hosts that are one function, that have machine code now and had none before.
    pub blocks: usize,
    /// The instructions and constants of all of them, in bytes.
    pub bytes: usize,
}

/// Why there is no machine code. The interpreter goes on deciding.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no machine code can be made: {0}")]
pub struct Refused(pub(crate) String);

#[cfg(not(feature = "jit"))]
impl Refused {
    fn without() -> Refused {
        Refused("this program was built without the feature `jit`".into())
    }
}

/// Why inputs do not fit a program.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// Not one value for each input.
    #[error("{expected} inputs are declared, {given} are given")]
    Count {
        /// Declared.
        expected: usize,
        /// Given.
        given: usize,
    },
    /// A value is missing.
    #[error("the input `{name}` has no value")]
    Missing {
        /// The input.
        name: Arc<str>,
    },
    /// A value of another type.
    #[error("the input `{name}` is declared as {expected}, which its value is not")]
    Type {
        /// The input.
        name: Arc<str>,
        /// Its type.
        expected: Ty,
    },
    /// The program breaks a promise that every pass keeps; a mistake of this crate.
    #[error("internal error: {0}")]
    Program(String),
}

/// A program with its inputs bound.
#[derive(Debug)]
pub struct Matcher {
    bound: Bound,
    inputs: Vec<Value>,
    /// One for each listener.
    indexes: Box<[Index]>,
    /// The patterns in them.
    fits: Fits,
    backend: Backend,
}

/// Binds one value to each of the program's inputs; an absent one stands for the input's default. The value of a secret
/// is [`Value::Secret`] with its place, whatever is passed for it.
pub fn load(
    program: Arc<Program>,
    inputs: Vec<Value>,
    backend: Backend,
) -> Result<Matcher, LoadError> {
    load_with(program, inputs, backend, Tables::Worth)
}

/// As [`load`], after `before`. Of a program that was made of the one that runs there ([`crate::Session::program`]) only
/// what changed is made ready: cells that did not change are the same ones, with their machine code.
pub fn load_after(
    program: Arc<Program>,
    inputs: Vec<Value>,
    backend: Backend,
    before: &Matcher,
) -> Result<Matcher, LoadError> {
    let old = &*before.bound.program;
    let names = program.listeners.iter().map(|listener| &listener.name);
    let same_names = names.eq(old.listeners.iter().map(|listener| &listener.name));
    if backend != before.backend || !program.continues(old) || !same_names {
        return load(program, inputs, backend);
    }
    crate::verify::verify_after(&program, old).map_err(LoadError::Program)?;
    let bound = bound(&program, inputs.clone())?;
    if bound != before.inputs {
        return load(program, inputs, backend);
    }
    let constants = before.bound.constants.after(&program, &bound);
    let fits = RefCell::new(before.fits.clone());
    let (tables, is_whole) = (Tables::Worth, backend == Backend::Jit);
    let bind = Bind { program: &program, constants: &constants, fits: &fits, tables, is_whole };
    let known = before.indexes.iter().zip(&old.listeners);
    let indexes = program
        .listeners
        .iter()
        .zip(known)
        .map(|(listener, (index, known))| index.after(known, listener, bind))
        .collect();
    let fits = fits.into_inner();
    if fits.is_fuller(&before.fits) {
        // Patterns that nobody asks for any more make room when all is made anew.
        return load(program, inputs, backend);
    }
    Ok(Matcher { bound: Bound { program, constants }, inputs: bound, indexes, fits, backend })
}

/// As [`load`], with decision tables where it is said.
pub fn load_with(
    program: Arc<Program>,
    inputs: Vec<Value>,
    backend: Backend,
    tables: Tables,
) -> Result<Matcher, LoadError> {
    crate::verify(&program).map_err(LoadError::Program)?;
    let bound = bound(&program, inputs)?;
    let constants = constants(&program, &bound);
    let fits = RefCell::new(Fits::default());
    let is_whole = backend == Backend::Jit;
    let bind = Bind { program: &program, constants: &constants, fits: &fits, tables, is_whole };
    let indexes = Index::all(&program.listeners, bind);
    let fits = fits.into_inner();
    Ok(Matcher { bound: Bound { program, constants }, inputs: bound, indexes, fits, backend })
}

/// The value of each input, as the program takes it.
fn bound(program: &Program, inputs: Vec<Value>) -> Result<Vec<Value>, LoadError> {
    if inputs.len() != program.inputs.len() {
        return Err(LoadError::Count { expected: program.inputs.len(), given: inputs.len() });
    }
    let mut bound = Vec::with_capacity(inputs.len());
    for (at, (value, input)) in inputs.into_iter().zip(&program.inputs).enumerate() {
        let value = match (&input.ty, value, &input.default) {
            (Ty::Secret, ..) => Value::Secret(at as u32),
            (_, Value::Absent, Some(default)) => default.clone(),
            (ty, Value::Absent, None) if !ty.is_optional() => {
                return Err(LoadError::Missing { name: input.name.clone() });
            }
            (_, value, _) => value,
        };
        if !has_type(&value, &input.ty) {
            return Err(LoadError::Type { name: input.name.clone(), expected: input.ty.clone() });
        }
        bound.push(value);
    }
    Ok(bound)
}

impl Matcher {
    /// The program it runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.bound.program
    }

    /// The value of each input.
    pub fn inputs(&self) -> &[Value] {
        &self.inputs
    }

    /// Makes machine code for what was decided often since, and says how much. It takes some ten
    /// microseconds a block: it is for a thread that serves nobody, from time to time. Decisions go on meanwhile.
    pub fn compile_hot(&self) -> Result<Compiled, Refused> {
        self.compile(false)
    }

    /// Makes machine code for everything that can have some.
    pub fn compile_all(&self) -> Result<Compiled, Refused> {
        self.compile(true)
    }

    #[cfg(feature = "jit")]
    fn compile(&self, at_once: bool) -> Result<Compiled, Refused> {
        match self.backend {
            Backend::Interp => Ok(Compiled::default()),
            Backend::Jit => {
                let listeners = self.indexes.iter().zip(&self.bound.program.listeners);
                let parts = listeners.flat_map(|(index, listener)| index.parts(listener));
                crate::jit::compile(parts.map(|(_, _, machine, part)| (machine, part)), at_once)
            }
        }
    }

    #[cfg(not(feature = "jit"))]
    fn compile(&self, _: bool) -> Result<Compiled, Refused> {
        match self.backend {
            Backend::Interp => Ok(Compiled::default()),
            Backend::Jit => Err(Refused::without()),
        }
    }

    /// The machine code of everything that is worth some, as an assembler would write it: each block behind the lines that
    /// tell where it stands and between which routes it decides, in their order.
    #[cfg(feature = "jit")]
    pub fn listing(&self) -> Result<String, Refused> {
        let mut blocks: Vec<(&Machine, Part<'_>, String)> = Vec::new();
        for (listener, index) in self.bound.program.listeners.iter().zip(&self.indexes) {
            let mut parts: Vec<_> = index.parts(listener).collect();
            parts.sort_by_key(|(host, ..)| *host);
            for (host, candidates, machine, part) in parts {
                let Some(host) = listener.hosts.list.get(host as usize) else { continue };
                let routes = candidates.iter().filter_map(|at| {
                    let candidate = host.candidates.get(*at as usize)?;
                    Some(&*self.bound.program.route(candidate.route)?.name)
                });
                let routes = routes.collect::<Vec<_>>().join(", ");
                let title = format!("; on {}, host {}: {routes}\n", listener.name, host.host);
                match blocks.iter_mut().find(|(known, ..)| std::ptr::eq(*known, machine)) {
                    Some((.., titles)) => titles.push_str(&title),
                    None => blocks.push((machine, part, title)),
                }
            }
        }
        let mut text = String::new();
        for (_, part, titles) in blocks {
            if let Some(listing) = crate::jit::listing(part)? {
                text.push_str(&titles);
                text.push_str(&listing);
            }
        }
        Ok(text)
    }

    /// There is none.
    #[cfg(not(feature = "jit"))]
    pub fn listing(&self) -> Result<String, Refused> {
        Err(Refused::without())
    }

    /// Which route answers a request. Never waits.
    pub fn decide(&self, ask: &Ask<'_>) -> Decision {
        let Some(index) = self.indexes.get(ask.listener.0 as usize) else {
            return Decision::NotFound;
        };
        index.decide(&self.bound, ask)
    }

    /// Tells of every route whose conditions a decision tests until one holds, in order; meanwhile the frame holds what
    /// its path captures. Afterwards it holds what it did after the decision.
    pub fn tried(&self, ask: &Ask<'_>, mut each: impl FnMut(RouteId)) {
        if let Some(listener) = self.bound.program.listeners.get(ask.listener.0 as usize) {
            let interp = self.interp(ask.frame, ask.fill);
            // What is pending ends the walk, as it ended the decision.
            let _ = interp.decide_by(listener, &ask.head, |candidate| each(candidate.route));
        }
    }

    /// The value of an expression. What is pending is absent: whoever runs statements has awaited the route's
    /// [`crate::program::Route::reads`] first.
    pub fn eval(&self, expr: ExprId, frame: &Frame, fill: &dyn Fill) -> Value {
        self.interp(frame, fill).value(expr).unwrap_or_default()
    }

    /// What the route that was decided on captures, by name.
    pub fn captures(&self, frame: &Frame, fill: &dyn Fill) -> Vec<(Arc<str>, Value)> {
        self.interp(frame, fill).captures()
    }

    /// What the route that was decided on captures under this name.
    pub fn capture(&self, name: &str, frame: &Frame, fill: &dyn Fill) -> Value {
        self.interp(frame, fill).capture_named(name)
    }

    /// An argument as actions, blocks and settings decode it: constant where no request changes it.
    pub fn argument(&self, expr: ExprId) -> Argument {
        match self.bound.constants.get(expr) {
            Some(value) => Argument::Constant(value.clone()),
            None => Argument::Expression(expr),
        }
    }

    /// Which of its alternatives a choice takes, counted from the left. What is pending is absent, as for
    /// [`Matcher::eval`].
    pub fn chosen(&self, choice: ExprId, frame: &Frame, fill: &dyn Fill) -> Option<usize> {
        self.interp(frame, fill).chosen(choice).ok().flatten()
    }

    /// The text that an expression gives in a route, in parts, inputs bound.
    pub fn text(&self, route: &Route, expr: ExprId, form: Form) -> Text {
        splice::text(
            (&self.bound.program, &self.bound.constants),
            &locals(&route.steps),
            expr,
            form,
        )
    }

    /// One argument for each expression, in order.
    pub fn arguments(&self, exprs: &[ExprId]) -> Vec<Argument> {
        exprs.iter().map(|expr| self.argument(*expr)).collect()
    }

    /// What becomes of each route of the listener, and why; by the same code as [`Matcher::decide`].
    pub fn explain(&self, ask: &Ask<'_>) -> Explanation {
        crate::explain::explain(&self.interp(ask.frame, ask.fill), ask.listener, &ask.head)
    }

    /// What would have to change in the request for `route` to answer it.
    pub fn wish(&self, ask: &Ask<'_>, route: RouteId, policy: Option<&Policy>) -> Wish {
        let interp = self.interp(ask.frame, ask.fill);
        crate::change::wish(&interp, ask.listener, &ask.head, route, policy)
    }

    #[inline]
    pub(crate) fn interp<'e>(&'e self, frame: &'e Frame, fill: &'e dyn Fill) -> Interp<'e> {
        self.bound.interp(frame, fill)
    }
}

fn has_type(value: &Value, ty: &Ty) -> bool {
    match (value, ty) {
        (Value::Absent, ty) => ty.is_optional(),
        (value, Ty::Optional(inner)) => has_type(value, inner),
        (Value::Bool(_), Ty::Bool)
        | (Value::Int(_), Ty::Int | Ty::Float)
        | (Value::Float(_), Ty::Float)
        | (Value::String(_), Ty::String | Ty::Uuid)
        | (Value::Duration(_), Ty::Duration)
        | (Value::Size(_), Ty::Size)
        | (Value::Rate(_), Ty::Rate)
        | (Value::Percent(_), Ty::Percent)
        | (Value::Ip(_), Ty::Ip | Ty::Cidr)
        | (Value::Cidr(_), Ty::Cidr)
        | (Value::Method(_), Ty::Method)
        | (Value::Status(_), Ty::Status)
        | (Value::Time(_), Ty::Time)
        | (Value::Regex(_), Ty::Regex)
        | (Value::Secret(_), Ty::Secret)
        | (_, Ty::Json | Ty::Error) => true,
        (Value::String(text), Ty::OneOf(words)) => words.contains(text),
        (Value::List(items), Ty::List(of) | Ty::Set(of)) => items.iter().all(|v| has_type(v, of)),
        (Value::Set(items), Ty::Set(of)) => items.iter().all(|v| has_type(v, of)),
        (Value::Map(fields), Ty::Map(of)) => fields.values().all(|v| has_type(v, of)),
        (Value::Range(ends), Ty::Range(of)) => has_type(&ends.0, of) && has_type(&ends.1, of),
        (Value::Map(fields), Ty::Record(wanted)) => wanted.iter().all(|(name, ty)| {
            fields.get(name).map_or(ty.is_optional(), |value| has_type(value, ty))
        }),
        (Value::Item(_), Ty::Item(_)) => true,
        _ => false,
    }
}
