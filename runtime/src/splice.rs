//! Text that goes into a URI, put together part by part: what the policy says stands as it is, what the request says is
//! encoded, so that a value can be a value and nothing more. It decides nothing about where the text goes.

use std::ops::Range;

use compiler::program::{Expr, Route, Step, StepKind};
use compiler::{Matcher, Program};
use lang::Value;
use lang::eval::TEXT;
use lang::policy::LocalId;
use lang::vocab::{Argument, ExprId, Known};

use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::message::Fault;
use crate::normal;

/// Text in parts.
#[derive(Clone, Debug)]
pub(crate) struct Splice {
    parts: Vec<Part>,
}

/// One part.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Part {
    /// The policy's own words.
    Literal(String),
    /// A value that already is in the form that is wanted: the request's own path, for a path.
    Kept(ExprId),
    /// A captured segment: percent-encoded already, and no more than one segment.
    Spelled(ExprId),
    /// Any other value.
    Value(ExprId),
}

/// What a text is to become, and which fields already are of that form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// A path.
    Path,
    /// A query.
    Query,
    /// A URI or a part of one, for `Location`.
    Location,
}

impl Form {
    /// The fields that stand as they are.
    fn keeps(self, field: &str) -> bool {
        match self {
            Form::Path => matches!(field, "req.path" | "up.path"),
            Form::Query => field == "up.query",
            Form::Location => matches!(
                field,
                "req.path"
                    | "req.target"
                    | "req.host"
                    | "req.scheme"
                    | "up.path"
                    | "up.query"
                    | "up.host"
            ),
        }
    }
}

impl Splice {
    /// The parts of the text that `expr` gives in `route`.
    pub(crate) fn of(matcher: &Matcher, route: &Route, expr: ExprId, form: Form) -> Splice {
        let mut parts = Vec::new();
        let flow = Flow { matcher, program: matcher.program(), route, form };
        flow.take_apart(expr, &mut parts, 0);
        Splice { parts }
    }

    /// The parts as far as they are known.
    pub(crate) fn known(&self) -> Vec<Option<&str>> {
        let known = self.parts.iter().map(|part| match part {
            Part::Literal(words) => Some(words.as_str()),
            _ => None,
        });
        known.collect()
    }

    /// The path for this request, in the normal form. A value stands within one segment: one that is empty or made
    /// of dots where it would be a segment, or that holds what no segment can, is refused.
    pub(crate) fn path(&self, ex: &Exchange) -> Result<String, Failure> {
        let mut text = Spelled::default();
        for part in &self.parts {
            match part {
                Part::Literal(words) => text.push_path(words, false),
                Part::Kept(expr) => text.push_path(&plain(&ex.evaluate(*expr)), true),
                Part::Spelled(expr) => text.push_segment(&plain(&ex.evaluate(*expr)), true)?,
                Part::Value(expr) => text.push_segment(&plain(&ex.evaluate(*expr)), false)?,
            }
            within(&text.text)?;
        }
        text.into_path()
    }

    /// The query for this request; a value stands within one name or value. A text that is one absent value is no
    /// query at all.
    pub(crate) fn query(&self, ex: &Exchange) -> Result<Option<String>, Failure> {
        let mut text = String::new();
        for part in &self.parts {
            let (value, stays, spelled): (_, fn(u8) -> bool, _) = match part {
                Part::Literal(words) => (Value::string(words.as_str()), is_query, true),
                Part::Kept(expr) => (ex.evaluate(*expr), is_query, true),
                Part::Spelled(expr) => (ex.evaluate(*expr), is_unreserved, true),
                Part::Value(expr) => (ex.evaluate(*expr), is_unreserved, false),
            };
            if value.is_absent() && self.parts.len() == 1 {
                return Ok(None);
            }
            encode(&plain(&value), stays, spelled, &mut text);
            within(&text)?;
        }
        Ok(Some(text))
    }

    /// The URI for this request. A value spliced into text stands within one component; a value that is all there is
    /// may be a whole URI, for then the policy has left that to whoever the value comes from. What the request says and
    /// would be dots in place of a segment of the path is refused: a client that resolves them leaves the place.
    pub(crate) fn location(&self, ex: &Exchange) -> Result<String, Failure> {
        let alone = self.parts.len() == 1;
        let mut text = String::new();
        let mut said: Vec<Range<usize>> = Vec::new();
        let mut in_query = false;
        for part in &self.parts {
            // `?next={req.target}`: behind the name of a query's pair even what is a URI already is a mere value.
            let is_value = in_query && !text.ends_with(['?', '&', '#']);
            let (value, stays, spelled): (_, fn(u8) -> bool, _) = match part {
                Part::Literal(words) => {
                    in_query |= words.contains(['?', '#']);
                    (Value::string(words.as_str()), is_uri, true)
                }
                Part::Kept(expr) if is_value => (ex.evaluate(*expr), is_unreserved_or_slash, false),
                Part::Kept(expr) => (ex.evaluate(*expr), is_uri, true),
                Part::Spelled(expr) => (ex.evaluate(*expr), is_unreserved, true),
                Part::Value(expr) if alone => (ex.evaluate(*expr), is_uri, true),
                Part::Value(expr) => (ex.evaluate(*expr), is_unreserved, false),
            };
            let begin = text.len();
            let value = plain(&value);
            // A request for the server as a whole has no path (RFC 9112, section 3.3).
            let is_server = matches!(part, Part::Kept(_)) && !is_value && value == "*";
            if !is_server || ex.request.target.path() != "*" {
                encode(&value, stays, spelled, &mut text);
            }
            within(&text)?;
            let is_free = match part {
                Part::Literal(_) => true,
                Part::Value(_) => alone,
                Part::Kept(_) | Part::Spelled(_) => false,
            };
            if !is_free {
                said.push(begin..text.len());
            }
        }
        match said_dots(&text, &said) {
            true => Err(Failure::Value),
            false => Ok(text),
        }
    }
}

/// Refuses what is longer than a text may be that is put together.
fn within(text: &str) -> Result<(), Failure> {
    if text.len() > TEXT { Err(Failure::Value) } else { Ok(()) }
}

/// Whether in the path of a URI a segment is dots that one of these parts of the text touches.
fn said_dots(uri: &str, said: &[Range<usize>]) -> bool {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let path = uri.get(..end).unwrap_or_default();
    let authority = path.find("//").filter(|at| path.find('/') == Some(*at)).map(|at| at + 2);
    let mut at = authority.map_or(0, |from| {
        path.get(from..).and_then(|rest| rest.find('/')).map_or(end, |slash| from + slash)
    });
    for segment in path.get(at..).unwrap_or_default().split('/') {
        let touches = |part: &Range<usize>| part.start < at + segment.len() && at < part.end;
        if are_dots(segment) && said.iter().any(touches) {
            return true;
        }
        at += segment.len() + 1;
    }
    false
}

/// Whether a segment is dots to whoever resolves the path, to whom an encoded dot is one.
fn are_dots(segment: &str) -> bool {
    matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..")
}

/// What is wrong with the policy's own part of a path.
pub(crate) fn path_of(known: Known<'_>) -> Result<(), String> {
    let whole;
    let parts = match known {
        Known::Value(value) => {
            whole = plain(value);
            &[Some(&*whole)][..]
        }
        Known::Text(parts) => parts,
        Known::Nothing => return Ok(()),
    };
    if let Some(Some(text)) = parts.iter().find(|part| **part != Some(""))
        && !text.starts_with('/')
    {
        return Err(format!("`{text}` does not begin with `/`, as a path does"));
    }
    if let Some(text) = parts.iter().flatten().find(|text| text.contains(['?', '#'])) {
        return Err(format!(
            "`{text}` is more than a path: the query is changed by `set up.query`"
        ));
    }
    let Some(text) = parts.iter().copied().collect::<Option<String>>() else { return Ok(()) };
    if text.is_empty() {
        return Err("an empty text is no path".to_owned());
    }
    let mut path = Spelled::default();
    path.push_path(&text, false);
    match path.into_path() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("`{text}` is no path: it climbs above the root, or cannot be read")),
    }
}

/// How values flow into a text.
struct Flow<'p> {
    matcher: &'p Matcher,
    program: &'p Program,
    route: &'p Route,
    form: Form,
}

/// See [`Part`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Kept,
    Spelled,
    Value,
}

/// Expressions are at most as deep as the grammar lets them be; what lies deeper counts as a plain value.
const DEEPEST: u32 = 128;

impl Flow<'_> {
    fn take_apart(&self, expr: ExprId, parts: &mut Vec<Part>, depth: u32) {
        if let Argument::Constant(value) = self.matcher.argument(expr) {
            let words = plain(&value);
            match parts.last_mut() {
                Some(Part::Literal(before)) => before.push_str(&words),
                _ => parts.push(Part::Literal(words)),
            }
            return;
        }
        match self.program.expr(expr) {
            Expr::Template(pieces) if depth < DEEPEST => {
                for piece in pieces {
                    self.take_apart(*piece, parts, depth + 1);
                }
            }
            _ => parts.push(match self.kind(expr, depth) {
                Kind::Kept => Part::Kept(expr),
                Kind::Spelled => Part::Spelled(expr),
                Kind::Value => Part::Value(expr),
            }),
        }
    }

    /// What the value can be made of. What merely chooses between texts, such as the subject of a `match`, does not
    /// flow into them.
    fn kind(&self, expr: ExprId, depth: u32) -> Kind {
        if depth >= DEEPEST {
            return Kind::Value;
        }
        let all = |exprs: &[ExprId]| {
            let kinds = exprs.iter().filter_map(|&expr| match self.matcher.argument(expr) {
                // The policy's own words take the kind of what stands beside them.
                Argument::Constant(_) => None,
                Argument::Expression(_) => Some(self.kind(expr, depth + 1)),
            });
            kinds.reduce(|a, b| if a == b { a } else { Kind::Value }).unwrap_or(Kind::Kept)
        };
        match self.program.expr(expr) {
            Expr::Slot(slot) => match self.program.slot(*slot) {
                Some(slot) if self.form.keeps(&slot.field) => Kind::Kept,
                _ => Kind::Value,
            },
            Expr::Capture(_) => Kind::Spelled,
            Expr::Coalesce(first, second) => all(&[*first, *second]),
            Expr::Template(pieces) | Expr::Call(_, pieces) => all(pieces),
            Expr::Match(_, arms) => all(&arms.iter().map(|arm| arm.value).collect::<Vec<_>>()),
            Expr::Local(local) => self.value_of(*local).map_or(Kind::Value, |value| all(&[value])),
            _ => Kind::Value,
        }
    }

    fn value_of(&self, local: LocalId) -> Option<ExprId> {
        fn find(steps: &[Step], local: LocalId) -> Option<ExprId> {
            steps.iter().find_map(|step| match &step.kind {
                StepKind::Let(name, value) => (*name == local).then_some(*value),
                StepKind::Act(_) => None,
                StepKind::Always(steps) => find(steps, local),
            })
        }
        find(&self.route.steps, local)
    }
}

/// A path on its way into the normal form: which of its segments hold something that the request said.
#[derive(Default)]
struct Spelled {
    text: String,
    /// Whether the segment being written holds a value.
    holds_value: bool,
    /// Whether it holds text of the request's path.
    holds_kept: bool,
    refused: bool,
}

impl Spelled {
    /// Text that may hold several segments.
    fn push_path(&mut self, words: &str, kept: bool) {
        for (at, segment) in words.split('/').enumerate() {
            if at > 0 {
                self.end_segment();
                self.text.push('/');
            }
            self.holds_kept |= kept;
            encode(segment, is_segment, true, &mut self.text);
        }
    }

    /// Text that stands within a segment.
    fn push_segment(&mut self, value: &str, spelled: bool) -> Result<(), Failure> {
        if value.contains('/') {
            return Err(Failure::Value);
        }
        self.holds_value = true;
        encode(value, is_segment, spelled, &mut self.text);
        Ok(())
    }

    fn end_segment(&mut self) {
        let segment = self.text.rsplit('/').next().unwrap_or_default();
        let dots = are_dots(segment);
        self.refused |= self.holds_value && (dots || segment.is_empty()) || self.holds_kept && dots;
        self.holds_value = false;
        self.holds_kept = false;
    }

    fn into_path(mut self) -> Result<String, Failure> {
        self.end_segment();
        if self.refused {
            return Err(Failure::Value);
        }
        // What is left of a path without its beginning may be nothing, or begin in the middle.
        if !self.text.starts_with('/') {
            self.text.insert(0, '/');
        }
        let mut path = String::with_capacity(self.text.len());
        normal::path(self.text.as_bytes(), &mut path).map_err(|_: Fault| Failure::Value)?;
        Ok(path)
    }
}

/// A value as text has it.
pub(crate) fn plain(value: &Value) -> String {
    match (value.as_str(), value) {
        (Some(text), _) => text.to_owned(),
        (None, Value::Absent) => String::new(),
        (None, other) => other.to_string(),
    }
}

/// Appends `text`, every byte percent-encoded that does not `stay`. With `spelled`, a `%` that begins an encoding
/// stays: the text is one already.
fn encode(text: &str, stays: fn(u8) -> bool, spelled: bool, out: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let begins = || {
            let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
            digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
        };
        if stays(byte) || (spelled && byte == b'%' && begins()) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(DIGITS.get(usize::from(nibble)).copied().unwrap_or('0'));
            }
        }
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn is_unreserved_or_slash(byte: u8) -> bool {
    is_unreserved(byte) || byte == b'/'
}

/// What stands in a path segment as it is (RFC 3986, section 3.3), but for `/`.
fn is_segment(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)
}

fn is_query(byte: u8) -> bool {
    is_segment(byte) || b"/?".contains(&byte)
}

fn is_uri(byte: u8) -> bool {
    is_query(byte) || b"#[]".contains(&byte)
}

#[cfg(test)]
mod tests;
