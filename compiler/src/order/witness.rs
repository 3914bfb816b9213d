//! A request as an example: made of the values that a set asks for, shown as a person would write it, and replayed through
//! the interpreter before anybody sees it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use lang::policy::{Host, Path, Segment};
use lang::vocab::ExprId;
use lang::{Ty, Value};

use crate::frame::{Fill, Frame, Head, Read, Slot, SlotId};
use crate::interp::Interp;
use crate::lower::condition::jump_code;
use crate::order::Places;
use crate::program::{Program, Route};
use crate::space::Term;
use lang::hosts::host_holds;
use lang::segment::{Segments, split};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) method: Arc<str>,
    pub(crate) host: Arc<str>,
    pub(crate) path: String,
    pub(crate) slots: Vec<(SlotId, Value)>,
    /// The header fields that its `connection` names.
    pub(crate) stripped: Vec<Arc<str>>,
}

/// A request as the interpreter reads it.
struct World<'w> {
    program: &'w Program,
    witness: &'w Witness,
}

impl Witness {
    /// A request for the host and the path pattern that has these values, where they say something.
    pub(crate) fn new(host: &Host, path: &Path, values: Vec<(Term, Value)>) -> Witness {
        let mut witness = Witness {
            method: Arc::from("GET"),
            host: sample_host(host),
            path: String::new(),
            slots: Vec::new(),
            stripped: Vec::new(),
        };
        let mut segments: Vec<Option<Arc<str>>> = path
            .segments
            .iter()
            .map(|segment| Some(Arc::from(Segments::of(segment).sample())))
            .collect();
        let mut ended = usize::MAX;
        let mut rest: Option<(usize, Arc<str>)> = None;
        for (term, value) in values {
            match (term, value) {
                (Term::Method, Value::Method(name)) => witness.method = name,
                (Term::Host, Value::String(name)) => witness.host = name,
                (Term::Segment(at), Value::String(text)) => {
                    if segments.len() <= at {
                        segments.resize(at + 1, None);
                    }
                    if let Some(segment) = segments.get_mut(at) {
                        *segment = Some(text);
                    }
                }
                (Term::Rest(at), Value::String(text)) => rest = Some((at, text)),
                (Term::Segment(at) | Term::Rest(at), _) => ended = ended.min(at),
                (Term::Slot(slot), value) => witness.slots.push((slot, value)),
                (Term::Stripped(name), value) if value.is_true() => witness.stripped.push(name),
                _ => {}
            }
        }
        if let Some((at, _)) = &rest {
            segments.resize(*at, None);
        }
        segments.truncate(ended);
        for segment in &segments {
            witness.path.push('/');
            witness.path.push_str(segment.as_deref().unwrap_or("x"));
        }
        if let Some((_, text)) = rest.filter(|(at, _)| *at <= ended) {
            witness.path.push_str(&text);
        } else if segments.is_empty() {
            witness.path.push(if ended == 0 { '*' } else { '/' });
        }
        witness
    }

    /// The same request as another program reads it.
    pub(crate) fn moved(&self, from: &Program, to: &Program) -> Witness {
        let slots = self.slots.iter().filter_map(|(id, value)| {
            let slot = from.slots.get(id.0 as usize)?;
            let same = |other: &Slot| (&other.field, &other.key) == (&slot.field, &slot.key);
            let at = to.slots.iter().position(same)?;
            Some((SlotId(at as u32), value.clone()))
        });
        Witness { slots: slots.collect(), ..self.clone() }
    }

    /// As the head of a request.
    pub(crate) fn head(&self) -> Head<'_> {
        Head { host: &self.host, path: &self.path, method: &self.method }
    }

    /// What the interpreter reads of it.
    pub(crate) fn fill<'w>(&'w self, program: &'w Program) -> impl Fill + 'w {
        World { program, witness: self }
    }

    /// Whether the route takes it at this host pattern and this path pattern, by the code that decides.
    pub(crate) fn is_taken(
        &self,
        places: &Places<'_>,
        route: &Route,
        path: &Path,
        host: &Host,
    ) -> bool {
        let segments: Vec<&str> = split(&self.path).collect();
        let method = route.methods.as_ref().is_none_or(|(all, _)| all.contains(&self.method));
        if !method || !host_holds(host, &self.host) || !path_holds(path, &segments) {
            return false;
        }
        let frame = Frame::new();
        let captured = path.segments.iter().zip(&segments).filter_map(|(segment, text)| {
            let Segment::Capture(name, _) = segment else { return None };
            Some((name.clone(), Segments::of(segment).value(text)))
        });
        frame.set_captures(captured.collect());
        let fill = World { program: places.program, witness: self };
        let interp = Interp {
            program: places.program,
            constants: &places.constants,
            frame: &frame,
            fill: &fill,
        };
        let conditions: Vec<ExprId> = route.conditions.iter().map(|(id, _)| *id).collect();
        interp.passes(&jump_code(places.program, &conditions)) == Ok(true)
    }

    /// As a person would write it: `GET https://shop.example/a?q=1 from 10.0.0.1 with x-debug: 1`.
    pub(crate) fn text(&self, program: &Program, scheme: &str) -> String {
        let mut text = format!("{} {scheme}://{}{}", self.method, self.host, self.path);
        let mut details: Vec<String> = Vec::new();
        let mut from = String::new();
        let mut sign = '?';
        for (id, value) in &self.slots {
            let Some(slot) = program.slots.get(id.0 as usize) else { continue };
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match (&*slot.field, slot.key.as_deref()) {
                _ if value.is_absent() => {}
                ("req.query", Some(key)) => {
                    text.push(sign);
                    sign = '&';
                    escape(&mut text, key);
                    text.push('=');
                    escape(&mut text, &plain);
                }
                ("req.header", Some(key)) => details.push(format!("{key}: {}", shown(&plain))),
                ("req.cookie", Some(key)) => {
                    details.push(format!("cookie: {key}={}", shown(&plain)));
                }
                ("client.ip", None) => from = format!(" from {plain}"),
                (field, Some(key)) => details.push(format!("{field}[{key:?}] = {value}")),
                (field, None) => details.push(format!("{field} = {value}")),
            }
        }
        details.extend(self.stripped.iter().map(|name| format!("connection: {name}")));
        text.push_str(&from);
        for (at, detail) in details.iter().enumerate() {
            text.push_str(if at == 0 { " with " } else { " and " });
            text.push_str(detail);
        }
        text
    }
}

impl Fill for World<'_> {
    fn path(&self) -> &str {
        &self.witness.path
    }

    fn fill(&self, id: SlotId) -> Read<'_> {
        let given = self.witness.slots.iter().find(|(slot, _)| *slot == id);
        if let Some((_, value)) = given {
            return Read::Value(value.clone());
        }
        let Some(slot) = self.program.slots.get(id.0 as usize) else {
            return Read::Value(Value::Absent);
        };
        Read::Value(match &*slot.field {
            "req.method" => Value::Method(self.witness.method.clone()),
            "req.host" => Value::String(self.witness.host.clone()),
            "req.path" => Value::string(self.witness.path.as_str()),
            _ => plain(slot),
        })
    }
}

/// Whether a path of these segments is one of the pattern's.
pub(crate) fn path_holds(path: &Path, segments: &[&str]) -> bool {
    let enough = segments.len() >= path.segments.len();
    let exact = path.rest || segments.len() == path.segments.len();
    let kinds = path.segments.iter().map(Segments::of);
    enough && exact && kinds.zip(segments).all(|(kind, segment)| kind.holds(segment))
}

/// A path in both patterns. `None` if there is none.
pub(crate) fn common_path(a: &Path, b: &Path) -> Option<Path> {
    let (long, short) = if a.segments.len() >= b.segments.len() { (a, b) } else { (b, a) };
    if short.segments.len() < long.segments.len() && !short.rest {
        return None;
    }
    let mut segments = Vec::with_capacity(long.segments.len());
    for (at, segment) in long.segments.iter().enumerate() {
        let kind = Segments::of(segment);
        let text = match short.segments.get(at) {
            Some(other) => kind.common(&Segments::of(other))?,
            None => Arc::from(kind.sample()),
        };
        segments.push(Segment::Literal(text));
    }
    Some(Path { segments, rest: false })
}

/// A value for a slot that nobody asks about.
fn plain(slot: &Slot) -> Value {
    match &slot.ty {
        Ty::Bool => Value::Bool(false),
        Ty::Int => Value::Int(0),
        Ty::String => Value::string(""),
        Ty::Duration => Value::Duration(Duration::ZERO),
        Ty::Size => Value::Size(0),
        Ty::Ip => Value::Ip(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7))),
        Ty::Method => Value::Method(Arc::from("GET")),
        Ty::Status => Value::Status(200),
        Ty::List(_) | Ty::Set(_) => Value::list([]),
        Ty::OneOf(words) => words.first().cloned().map_or(Value::Absent, Value::String),
        _ => Value::Absent,
    }
}

fn sample_host(host: &Host) -> Arc<str> {
    match host {
        Host::Any => Arc::from("any.example"),
        Host::Exact(name) => name.clone(),
        Host::OneLabel(suffix) | Host::Labels(suffix) => Arc::from(format!("any.{suffix}")),
    }
}

/// A value in a line of text: control characters are escaped, an empty one is seen.
fn shown(value: &str) -> String {
    let odd = value.is_empty() || value.trim() != value || value.chars().any(char::is_control);
    if odd { format!("{value:?}") } else { value.to_owned() }
}

/// Percent-encodes what has a meaning in a query.
fn escape(text: &mut String, part: &str) {
    for byte in part.bytes() {
        match byte {
            plain if plain.is_ascii_alphanumeric() => text.push(char::from(plain)),
            plain if b"-._~/:@!$'()*,".contains(&plain) => text.push(char::from(plain)),
            // Writing to a string does not fail.
            other => drop(write!(text, "%{other:02X}")),
        }
    }
}
