//! Which values can stand where a statement puts them, whatever the request says: what cannot is refused on the way in.

use lang::policy::{Compare, LocalId, Path, Segment};
use lang::segment::split;
use lang::vocab::ExprId;
use lang::{Span, Ty, Value};

use crate::interp::Constants;
use crate::program::walk::plainly;
use crate::program::{Expr, Program, named};
use crate::space::identity::claimed;
use crate::space::{Test, can_be_said, trimmed};

/// The values of a route's expressions.
#[derive(Clone, Copy)]
pub(super) struct Values<'s> {
    pub(super) program: &'s Program,
    /// What no request changes.
    pub(super) constants: &'s Constants,
    /// What lets name.
    pub(super) locals: &'s [(LocalId, ExprId)],
    /// The most bytes of a request's head.
    pub(super) head: usize,
    /// The paths of the route.
    pub(super) paths: &'s [(Path, Span)],
}

/// Where a value is put.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    Field,
    Path,
    Query,
    Host,
}

/// What is taken off the ends of a header field's value (RFC 9110, section 5.5).
const BLANKS: [char; 2] = [' ', '\t'];

/// Fields of the request whose text can stand in a header field, because it stood in one or is of fewer characters.
const FIELD_LIKE: &[&str] = &[
    "conn.alpn",
    "conn.peer",
    "conn.sni",
    "conn.tls.version",
    "req.header",
    "req.host",
    "req.method",
    "req.path",
    "req.target",
    "req.scheme",
    "req.id",
    "client.ip",
];

/// Whether every value of the type can stand in a header field.
fn can_always_be_said(ty: &Ty) -> bool {
    match ty.present() {
        Ty::OneOf(words) => words.iter().all(|word| can_be_said(word)),
        ty => is_number(ty),
    }
}

/// Whether values of the type are written in figures, or as `true` or `false`.
fn is_number(ty: &Ty) -> bool {
    let ty = ty.present();
    matches!(ty, Ty::Bool | Ty::Int | Ty::Float | Ty::Ip | Ty::Size | Ty::Duration | Ty::Status)
}

impl Stands {
    /// Whether these words can stand there, as far as that is plain to see.
    pub(super) fn takes(self, words: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        match self {
            Stands::Field => can_be_said(words),
            Stands::Query => true,
            Stands::Path => {
                words.starts_with('/') && words.bytes().all(|byte| byte == b'/' || is_plain(byte))
            }
            Stands::Host => {
                words.len() <= 253
                    && words
                        .split('.')
                        .all(|label| (1..=63).contains(&label.len()) && label.bytes().all(is_plain))
            }
        }
    }
}

impl Values<'_> {
    /// The texts of which one has to pass its test for a header field that is put together of them to be refused. `None` if
    /// there may be something else in it.
    pub(super) fn texts(&self, id: ExprId) -> Option<Vec<(ExprId, Test)>> {
        let parts = match self.program.expr(id) {
            Expr::Template(parts) => parts.clone(),
            _ => vec![id],
        };
        let fits = |part: &ExprId| self.comes_to_fit(*part, Stands::Field);
        let open: Vec<ExprId> = parts.into_iter().filter(|part| !fits(part)).collect();
        let is_told = open.iter().all(|part| self.is_text(*part));
        is_told.then(|| open.into_iter().map(|part| (part, Test::Unsayable)).collect())
    }

    /// Whether it is a text, if it is there.
    pub(super) fn is_text(&self, id: ExprId) -> bool {
        let is_text = |ty: &Ty| matches!(ty.present(), Ty::String | Ty::OneOf(_));
        self.program.is_of_all(id, self.locals, |_, expr| {
            plainly(match expr {
                Expr::Const(value) => matches!(value, Value::String(_) | Value::Absent),
                Expr::Slot(slot) => {
                    let slot = self.program.slot(*slot);
                    slot.is_some_and(|slot| is_text(&slot.ty))
                }
                Expr::Template(_) => true,
                Expr::Call(function, _) => is_text(&(function.returns)()),
                Expr::Member(of, name) => claimed(self.program, *of, name).is_some_and(is_text),
                expr => return expr.alternatives(),
            })
        })
    }

    /// Whether the value can stand there, whatever the request says. The policy's own words at the top of it are judged
    /// where they are written, those of its inputs where they are bound.
    pub(super) fn fits(&self, id: ExprId, stands: Stands) -> bool {
        if !self.is_short(id, stands) {
            return false;
        }
        match (self.program.expr(id), stands) {
            // Whatever cannot stand in a query is encoded there.
            (_, Stands::Query) | (Expr::Const(_), _) => true,
            _ if self.is_told_on_loading(id) => true,
            (Expr::Template(parts), Stands::Field) => {
                let is_written = |part: ExprId| matches!(self.program.expr(part), Expr::Const(_));
                parts.iter().all(|part| is_written(*part) || self.comes_to_fit(*part, stands))
            }
            (_, Stands::Path) => self.is_one_of_paths(id) || self.comes_to_fit(id, stands),
            _ => self.comes_to_fit(id, stands),
        }
    }

    /// Whether each of the texts among which it chooses is a path by itself.
    fn is_one_of_paths(&self, id: ExprId) -> bool {
        self.program.is_of_all(id, &[], |id, expr| match expr {
            Expr::Template(parts) => plainly(self.is_path(parts)),
            expr => {
                let fits = || plainly(self.comes_to_fit(id, Stands::Path));
                expr.alternatives().or_else(fits)
            }
        })
    }

    /// Whether nothing of a request is in it. A value that cannot stand there keeps such a policy from being loaded.
    fn is_told_on_loading(&self, id: ExprId) -> bool {
        let is_said =
            |expr: &Expr| matches!(expr, Expr::Slot(_) | Expr::Capture(_) | Expr::Local(_));
        !self.program.walk([id], &[]).any(|(_, expr)| is_said(expr))
    }

    /// The same of a value that may be one of several.
    fn comes_to_fit(&self, id: ExprId, stands: Stands) -> bool {
        self.program.is_of_all(id, self.locals, |id, expr| self.fits_with(id, expr, stands))
    }

    /// The same of one of the values that it may be: which others have to fit for that.
    fn fits_with(&self, id: ExprId, expr: &Expr, stands: Stands) -> Option<Vec<ExprId>> {
        match self.constants.get(id) {
            Some(Value::String(words)) => return plainly(stands.takes(words)),
            Some(value) => return plainly(stands == Stands::Field || value.is_absent()),
            None => {}
        }
        plainly(match expr {
            Expr::Slot(slot) => {
                let slot = self.program.slot(*slot);
                slot.is_some_and(|slot| match (&*slot.field, stands) {
                    ("req.path", Stands::Path) => true,
                    (field, Stands::Field) => {
                        FIELD_LIKE.contains(&field)
                            || ["req.cookie", "conn.tls.client", "up.header", "up.host"]
                                .contains(&field)
                            || can_always_be_said(&slot.ty)
                    }
                    _ => false,
                })
            }
            Expr::Capture(_) => stands != Stands::Host,
            Expr::Member(of, name) if stands == Stands::Field => {
                claimed(self.program, *of, name).is_some_and(can_always_be_said)
            }
            Expr::Call(function, arguments) if stands == Stands::Path => {
                function.name == "strip_prefix" && self.leaves_path(arguments)
            }
            Expr::Input(input) if stands == Stands::Field => {
                let input = self.program.inputs.get(input.0 as usize);
                input.is_some_and(|input| can_always_be_said(&input.ty))
            }
            Expr::Call(function, arguments) if stands == Stands::Field => {
                let fits = can_always_be_said(&(function.returns)());
                return match function.keeps && !fits {
                    true => Some(arguments.clone()),
                    false => plainly(fits),
                };
            }
            Expr::Arithmetic(..) => stands == Stands::Field,
            Expr::Template(parts) if stands == Stands::Field => return Some(parts.clone()),
            Expr::Match(..) if stands == Stands::Path => false,
            Expr::Coalesce(..) | Expr::Match(..) => return expr.alternatives(),
            expr => stands == Stands::Field && expr.is_boolean() == Some(true),
        })
    }

    /// Whether one of these conditions, which hold, says what the value is, and that can stand there.
    pub(super) fn is_held(&self, id: ExprId, stands: Stands, held: &[(ExprId, bool)]) -> bool {
        let id = self.meant(id);
        // What is read later may be something else by then.
        let is_stable = match self.program.expr(id) {
            Expr::Slot(slot) => self.program.slot(*slot).is_some_and(|slot| slot.stable),
            _ => false,
        };
        if !is_stable {
            return false;
        }
        let mut open: Vec<ExprId> =
            held.iter().filter(|(_, holds)| *holds).map(|(id, _)| *id).collect();
        while let Some(condition) = open.pop() {
            let is = |one: ExprId, other: ExprId| {
                let text = self.constants.get(other).and_then(Value::as_str);
                one == id && text.is_some_and(|text| stands.takes(text))
            };
            match self.program.expr(condition) {
                Expr::And(parts) => open.extend(parts),
                Expr::Compare(Compare::Eq, a, b) if is(*a, *b) || is(*b, *a) => return true,
                _ => {}
            }
        }
        false
    }

    /// Whether these parts are a path together, whatever the request says: each fits, and none that the policy says
    /// makes dots of its own with what a request says beside it.
    fn is_path(&self, parts: &[ExprId]) -> bool {
        let words = |id: &ExprId| match self.program.expr(*id) {
            Expr::Const(value) => value.as_str(),
            _ => None,
        };
        let is_one = |id: &ExprId| match self.program.expr(self.meant(*id)) {
            Expr::Slot(_) | Expr::Capture(_) | Expr::Call(..) => {
                self.comes_to_fit(self.meant(*id), Stands::Path)
            }
            _ => words(id).is_some() || self.is_integer(self.meant(*id)),
        };
        let are_dots = |segment: Option<&str>| {
            let dot = |c: char| ".%2eE".contains(c);
            segment.is_some_and(|segment| !segment.is_empty() && segment.chars().all(dot))
        };
        let apart = parts.windows(2).all(|pair| match pair {
            [before, behind] => match (words(before), words(behind)) {
                (Some(before), _) => !are_dots(before.rsplit('/').next()),
                (None, Some(behind)) => !are_dots(behind.split('/').next()),
                (None, None) => true,
            },
            _ => true,
        });
        apart && parts.iter().all(is_one)
    }

    /// Whether it is an integer, whichever of several it is.
    fn is_integer(&self, id: ExprId) -> bool {
        self.program.is_of_all(id, self.locals, |_, expr| match expr {
            Expr::Const(Value::Int(_)) | Expr::Arithmetic(..) => Some(Vec::new()),
            Expr::Call(function, _) => plainly(*(function.returns)().present() == Ty::Int),
            expr => expr.alternatives(),
        })
    }

    /// Whether what is left of the request's path without a beginning has whole segments: the beginning ends with one,
    /// here or in every path of the route.
    fn leaves_path(&self, arguments: &[ExprId]) -> bool {
        let [path, beginning] = arguments else { return false };
        let is_path = match self.program.expr(*path) {
            Expr::Slot(slot) => {
                let slot = self.program.slot(*slot);
                slot.is_some_and(|slot| &*slot.field == "req.path")
            }
            _ => false,
        };
        let beginning = self.constants.get(*beginning).and_then(Value::as_str);
        let Some(beginning) = beginning.filter(|text| is_path && text.starts_with('/')) else {
            return false;
        };
        let begins = |(path, _): &(Path, Span)| {
            let segments = split(beginning).enumerate();
            let mut same = segments.map(|(at, text)| match path.segments.get(at) {
                Some(Segment::Literal(literal)) => **literal == *text,
                _ => false,
            });
            same.all(|same| same)
        };
        beginning.ends_with('/') || self.paths.iter().all(begins)
    }

    /// Whether it is a place to send a client to, whatever the request says: text that begins with the policy's own. What
    /// cannot stand in a URI is encoded there.
    pub(super) fn is_place(&self, id: ExprId) -> bool {
        // It is encoded as a query is.
        self.is_short(id, Stands::Query) && self.is_uri(id)
    }

    fn is_uri(&self, id: ExprId) -> bool {
        let own = |id: ExprId| match self.program.expr(id) {
            Expr::Const(value) => value.as_str().is_some_and(|text| !text.is_empty()),
            _ => false,
        };
        self.program.is_of_all(id, self.locals, |id, expr| match expr {
            Expr::Template(parts) => {
                plainly(parts.first().is_some_and(|part| own(*part)) && !self.may_say_dots(parts))
            }
            expr => expr.alternatives().or_else(|| plainly(own(id))),
        })
    }

    /// Whether something that a request says may be dots in place of a segment of the path of this URI. Of a part of which
    /// nothing is known that is presumed.
    fn may_say_dots(&self, parts: &[ExprId]) -> bool {
        let mut segment = Spelled::default();
        // Nothing in the scheme and the authority is a segment.
        let mut in_path = true;
        for (nth, part) in parts.iter().enumerate() {
            let part = self.meant(*part);
            if let Some(value) = self.constants.get(part) {
                let words = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let mut rest = &*words;
                if nth == 0
                    && let Some(at) = words.find("//").filter(|at| words.find('/') == Some(*at))
                {
                    (in_path, rest) = (false, words.get(at + 2..).unwrap_or_default());
                }
                let path = rest.split(['?', '#']).next().unwrap_or_default();
                for (at, piece) in path.split('/').enumerate() {
                    if at > 0 {
                        if in_path && segment.may_be_said_dots() {
                            return true;
                        }
                        (in_path, segment) = (true, Spelled::default());
                    }
                    segment.takes(piece);
                }
                if path.len() < rest.len() {
                    break;
                }
                continue;
            }
            if self.is_one_of_words(part) {
                segment.has_more = true;
            } else if self.is_of_path(part) {
                // No segment of it is dots, nor becomes that by what stands around it.
                if in_path && segment.may_be_said_dots() {
                    return true;
                }
                (in_path, segment) = (true, Spelled::default());
            } else if self.is_told_on_loading(part) {
                (in_path, segment.has_dots) = (true, true);
                if segment.may_be_said_dots() {
                    return true;
                }
            } else if !matches!(self.program.expr(part), Expr::Capture(_)) {
                segment.is_said = true;
                segment.has_dots = true;
                segment.has_more |= self.is_figures(part);
            }
        }
        in_path && segment.may_be_said_dots()
    }

    /// Whether it is one of several texts of the policy's, each a part of a segment that is not made of dots.
    fn is_one_of_words(&self, id: ExprId) -> bool {
        let Expr::Match(_, arms) = self.program.expr(id) else { return false };
        arms.iter().all(|arm| {
            let words = self.constants.get(arm.value).and_then(Value::as_str);
            words.is_some_and(|words| {
                !words.contains(['/', '?', '#']) && !words.chars().all(|c| ".%2eE".contains(c))
            })
        })
    }

    /// The value, or what it stands for where it is a local.
    fn meant(&self, id: ExprId) -> ExprId {
        let Expr::Local(local) = self.program.expr(id) else { return id };
        named(self.locals, *local).unwrap_or(id)
    }

    /// Whether it is whole segments of the request's path, from its beginning or from where one begins.
    fn is_of_path(&self, id: ExprId) -> bool {
        match self.program.expr(id) {
            Expr::Slot(slot) => {
                let slot = self.program.slot(*slot);
                slot.is_some_and(|slot| matches!(&*slot.field, "req.path" | "req.target"))
            }
            Expr::Call(..) => self.comes_to_fit(id, Stands::Path),
            _ => false,
        }
    }

    /// Whether it is a number, which is never absent.
    pub(super) fn is_figures(&self, id: ExprId) -> bool {
        let is = |ty: &Ty| !ty.is_optional() && is_number(ty);
        match self.program.expr(id) {
            Expr::Slot(slot) => self.program.slot(*slot).is_some_and(|slot| is(&slot.ty)),
            Expr::Call(function, _) => is(&(function.returns)()),
            _ => false,
        }
    }

    /// Whether no text that this comes to begins or ends with a blank.
    pub(super) fn has_firm_ends(&self, id: ExprId) -> bool {
        self.program.is_of_all(id, self.locals, |id, expr| self.is_firm_with(id, expr))
    }

    /// The same of one of the values that it may be: of which others it has to be so for that.
    fn is_firm_with(&self, id: ExprId, expr: &Expr) -> Option<Vec<ExprId>> {
        match self.constants.get(id) {
            Some(Value::String(text)) => return plainly(trimmed(text) == &**text),
            Some(_) => return plainly(true),
            None => {}
        }
        plainly(match expr {
            Expr::Capture(_) | Expr::Arithmetic(..) => true,
            Expr::Input(input) => {
                let input = self.program.inputs.get(input.0 as usize);
                input.is_some_and(|input| is_number(&input.ty))
            }
            Expr::Call(function, _) if function.name == "trim" => true,
            Expr::Call(function, arguments) => match arguments.as_slice() {
                // Of one text nothing but its letters is changed, or blanks at its ends.
                [argument] if function.keeps => return Some(vec![*argument]),
                _ => is_number(&(function.returns)()),
            },
            Expr::Slot(slot) => {
                let slot = self.program.slot(*slot);
                slot.is_some_and(|slot| FIELD_LIKE.contains(&&*slot.field) || is_number(&slot.ty))
            }
            Expr::Template(parts) => {
                let words = |id: &ExprId| match self.program.expr(*id) {
                    Expr::Const(Value::String(text)) => Some(text),
                    _ => None,
                };
                // Beside a value that may be empty the words of the policy are the end.
                let first = parts.iter().find_map(words);
                let last = parts.iter().rev().find_map(words);
                let rest = parts.iter().filter(|part| words(part).is_none());
                let is_firm = first.is_none_or(|text| !text.starts_with(BLANKS))
                    && last.is_none_or(|text| !text.ends_with(BLANKS));
                return is_firm.then(|| rest.copied().collect());
            }
            Expr::Coalesce(..) | Expr::Match(..) => return expr.alternatives(),
            expr => expr.is_boolean() == Some(true),
        })
    }
}

/// A segment of a path as it is put together.
#[derive(Clone, Copy, Default)]
struct Spelled {
    /// Something in it is no dot.
    has_more: bool,
    /// Something in it may be dots.
    has_dots: bool,
    /// A request says something of it.
    is_said: bool,
}

impl Spelled {
    fn takes(&mut self, words: &str) {
        let is_dot = |c: char| ".%2eE".contains(c);
        self.has_more |= !words.chars().all(is_dot);
        self.has_dots |= words.contains(is_dot);
    }

    fn may_be_said_dots(self) -> bool {
        self.is_said && self.has_dots && !self.has_more
    }
}
