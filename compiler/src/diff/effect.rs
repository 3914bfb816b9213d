//! What one statement does on its way, by what it is told: two that do the same are equal.

use std::sync::Arc;

use lang::Span;
use lang::policy::{self, LocalId};
use lang::segment::{Segments, captures};
use lang::vocab::ExprId;

use crate::program::text::short;
use crate::program::{Expr as Code, Program};
use crate::proof::basis::Basis;

/// A field of a message, by its key where it has one.
pub(super) type Place = (Arc<str>, Option<Arc<str>>);

/// What one statement does.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) does: Does,
    /// What its arguments are called. What is assigned has no name.
    pub(super) names: Vec<&'static str>,
    /// What the locals of its arguments stand for.
    pub(super) named: Vec<(LocalId, ExprId)>,
    pub(super) span: Span,
    /// Whether what it is told to do is one of several things that are written there.
    pub(super) is_chosen: bool,
    /// Whether it puts something beside others, of which there are none.
    pub(super) is_alone: bool,
}

/// An action with its arguments, what their locals stand for, and where their captures come from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Does {
    pub(super) action: Arc<str>,
    pub(super) args: Vec<ExprId>,
    pub(super) place: Option<Place>,
    pub(super) arms: Vec<(ExprId, ExprId)>,
    pub(super) lets: Vec<ExprId>,
    pub(super) captured: Vec<Captured>,
}

/// What a capture is of a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Captured {
    pub(super) name: Arc<str>,
    /// The place of its segment.
    pub(super) at: usize,
    /// Whether it is a number, or else a text.
    pub(super) is_number: bool,
}

impl Captured {
    /// What a path captures.
    pub(super) fn of(path: &policy::Path) -> Vec<Captured> {
        let captured = captures(path).into_iter();
        let captured = captured.map(|(name, at, segments)| {
            let is_number = matches!(segments, Segments::Int);
            Captured { name, at, is_number }
        });
        captured.collect()
    }

    /// The place of the segment that an expression is, if it is one.
    pub(super) fn place(basis: &Basis<'_>, id: ExprId, captured: &[Captured]) -> Option<usize> {
        let Code::Capture(name) = basis.program.expr(id) else { return None };
        captured.iter().find(|known| known.name == *name).map(|known| known.at)
    }
}

impl Does {
    /// Whether it puts something into what is sent to an upstream.
    pub(super) fn goes_up(&self) -> bool {
        let place = self.place.as_ref().map_or("", |(field, _)| &**field);
        &*self.action == "rewrite" || place.starts_with("up.")
    }

    /// Whether it may send the client elsewhere.
    pub(super) fn sends(&self) -> bool {
        let place = self.place.as_ref().and_then(|(_, key)| key.as_deref());
        matches!(&*self.action, "redirect" | "respond")
            || (self.changes("resp.header") && place == Some("location"))
    }

    /// What it does where, whatever it is told: what another statement does instead is compared with it.
    pub(super) fn kind(&self) -> (&Arc<str>, &Option<Place>) {
        (&self.action, &self.place)
    }

    /// Whether it changes this field.
    pub(super) fn changes(&self, of: &str) -> bool {
        self.place.as_ref().is_some_and(|(field, _)| &**field == of)
    }

    /// Whether it changes a header field.
    pub(super) fn is_of_header(&self) -> bool {
        self.changes("up.header") || self.changes("resp.header")
    }

    /// Whether it is the same action with as many arguments, and nothing but these.
    pub(super) fn is_like(&self, other: &Does) -> bool {
        (&self.action, &self.place, self.args.len())
            == (&other.action, &other.place, other.args.len())
            && self.arms.is_empty()
            && other.arms.is_empty()
    }

    /// The expressions that it reads: its arguments, and what their locals stand for.
    pub(super) fn reads(&self) -> impl Iterator<Item = ExprId> {
        self.args.iter().chain(&self.lets).copied()
    }
}

impl Effect {
    /// Whether it is told the same as another one but for this parameter.
    pub(super) fn differs_in(&self, other: &Does, param: &str) -> bool {
        let of = |does: &Does| {
            let at = self.names.iter().position(|name| *name == param)?;
            does.args.get(at).copied()
        };
        self.is_told_as(other, param) && of(&self.does) != of(other)
    }

    /// Whether it is told what another one is, whatever that is told by this parameter.
    pub(super) fn is_told_as(&self, other: &Does, but: &str) -> bool {
        let Does { action, args, place, .. } = &self.does;
        let is_free = |at: usize| self.names.get(at).is_some_and(|name| *name == but);
        let mut same = args.iter().zip(&other.args).enumerate();
        self.names.contains(&but)
            && (action, place, args.len()) == (&other.action, &other.place, other.args.len())
            && same.all(|(at, (one, other))| one == other || is_free(at))
    }

    /// Whether what it is told by this parameter has names of the policy's in it.
    pub(super) fn has_names(&self, program: &Program, param: &str) -> bool {
        let at = self.names.iter().position(|name| *name == param);
        let told = at.and_then(|at| self.does.args.get(at)).copied();
        program.walk(told, &[]).any(|(_, expr)| matches!(expr, Code::Local(_)))
    }

    /// What it is told otherwise than a statement of its kind on the other side, which may be written with the same words.
    pub(super) fn otherwise(&self, others: &[Effect], basis: &Basis<'_>) -> String {
        // What stands elsewhere, or is there fewer times, is told nothing else.
        let is_there = others.iter().any(|one| one.does == self.does);
        let Some(like) = self.like(others).filter(|_| !is_there) else {
            // The same words may stand on the other side, where something is there before.
            let is_beside = |one: &Effect| one.does.place == self.does.place && !one.is_alone;
            let differs = self.is_alone && !is_there && others.iter().any(is_beside);
            return if differs { ALONE.to_owned() } else { String::new() };
        };
        let texts = self.unlike(like, basis).map(|(name, text)| {
            let gap = if name.is_empty() { "" } else { " " };
            format!("{name}{gap}{text}")
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    /// What it is told that is not written in the policy.
    pub(super) fn told(&self, program: &Program) -> Vec<String> {
        let computed = self.does.args.iter().filter(|arg| is_computed(program, **arg));
        computed.map(|arg| told(program, *arg, &self.named)).collect()
    }

    /// What of that a statement of its kind on the other side is not told, or all of it.
    pub(super) fn differing(&self, others: &[Effect], basis: &Basis<'_>) -> Vec<String> {
        let Some(like) = self.like(others) else { return self.told(&basis.program) };
        let own = self.told(&basis.program);
        let unlike = self.unlike(like, basis).map(|(_, text)| text);
        unlike.filter(|text| own.contains(text)).collect()
    }

    /// The first statement of its kind on the other side.
    fn like<'f>(&self, others: &'f [Effect]) -> Option<&'f Effect> {
        others.iter().find(|other| other.does.kind() == self.does.kind())
    }

    /// The arguments that are not those of another one, by their names. What is assigned has none.
    fn unlike<'f>(
        &'f self,
        like: &'f Effect,
        basis: &'f Basis<'_>,
    ) -> impl Iterator<Item = (&'static str, String)> + 'f {
        let names = self.names.iter().copied().chain(std::iter::repeat(""));
        let pairs = names.zip(self.does.args.iter().zip(&like.does.args));
        pairs.filter_map(move |(name, (own, other))| {
            let program = &basis.program;
            let [text, of_like] =
                [(own, self), (other, like)].map(|(id, of)| told(program, *id, &of.named));
            // One name may stand for two things, and one input for what it is by default on either side.
            let differs = own != other || text != of_like;
            let value = basis.constants.get(*own).filter(|_| text == of_like);
            differs.then(|| (name, value.map_or(text, ToString::to_string)))
        })
    }
}

/// What is added comes to where nothing stands.
const ALONE: &str = "the only value";

/// Letters of an expression in a line of text.
const MOST_TOLD: usize = 80;

/// Whether it comes to something else for other requests.
fn is_computed(program: &Program, id: ExprId) -> bool {
    !matches!(program.expr(id), Code::Const(_))
}

/// An expression in a line of text, short.
pub(super) fn told(program: &Program, id: ExprId, lets: &[(LocalId, ExprId)]) -> String {
    let text = short(program.show_with(id, lets), 8 * MOST_TOLD);
    match text.char_indices().nth(MOST_TOLD) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
