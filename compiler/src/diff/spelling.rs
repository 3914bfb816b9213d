//! How a text is spelled of which a client says a part: the policy's own letters, and what stands between them. One text is
//! freer than another one where it can be all that the other can be, and more.

use std::collections::{BTreeMap, BTreeSet};

use lang::Ty;
use lang::policy::{LocalId, Path, Segment};
use lang::vocab::ExprId;

use super::Kind;
use super::effect::Captured;
use super::free::Hold;
use super::put::{Put, put, said, says_named};
use super::typed::ty;
use crate::program::{Expr, named};
use crate::proof::basis::Basis;
use crate::splice::plain;

/// A text.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Spelling {
    signs: Vec<Sign>,
    /// What a client says at a place.
    said: BTreeMap<usize, BTreeSet<ExprId>>,
    /// What reads the whole path of which that is a part.
    wholes: BTreeMap<usize, BTreeSet<ExprId>>,
    /// The places where a condition asks something of all of that.
    asked: BTreeSet<usize>,
}

/// What stands at a place of a text, where a client has more of a say the further down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Sign {
    /// What no client chooses.
    Own,
    /// This letter.
    Letter(char),
    /// One of a few words.
    Word,
    /// A number that the client says, or has a say in.
    Number,
    /// Whatever the client says.
    Any,
}

/// The deepest that a text is looked into, and the longest that is compared.
const DEEPEST: u32 = 64;
const LONGEST: usize = 1_024;

/// Where the policy's own letters hold a client most.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// At the end: a host lies in the domain behind it.
    End,
    /// At the beginning: the name of what is asked.
    Begin,
    /// In every segment of a path.
    Segments,
    /// Wherever they stand.
    Whole,
}

/// What it means that a client chooses a part of the new text, as it did of the old one.
pub(super) fn verdict(old: &Spelling, new: &Spelling, held: Held) -> Option<Kind> {
    let chooses = |of: &Spelling| match held {
        Held::End => of.signs.last() == Some(&Sign::Any),
        Held::Begin => of.signs.first() == Some(&Sign::Any),
        Held::Segments | Held::Whole => false,
    };
    let is_free = |of: &Spelling| of.signs.contains(&Sign::Any);
    // Of keys of its own a client chooses more, however much it does of one.
    let says = |of: &Spelling, other: &Spelling| {
        held == Held::Begin
            && !chooses(other)
            && of.keys().any(|key| !other.keys().any(|one| one == key))
    };
    let freer = |one: &Spelling, other: &Spelling| {
        (other.is_within(one, held) && !one.is_within(other, held))
            || (chooses(one) && !chooses(other))
            || (is_free(one) && !is_free(other))
            || says(one, other)
    };
    match (freer(new, old), freer(old, new)) {
        (true, false) => Some(Kind::Loosened),
        // Of what a condition asks something, a client may say more although it is one of fewer texts.
        _ if new.says_elsewhere(old, held) => Some(Kind::Unclear),
        (false, true) => Some(Kind::Tightened),
        _ => None,
    }
}

/// How much of a text a client chooses where that means this.
pub(super) fn part(kind: Kind) -> &'static str {
    match kind {
        Kind::Loosened => "more",
        Kind::Tightened => "less",
        _ => "another part",
    }
}

impl Spelling {
    /// How a value is spelled.
    pub(super) fn of(
        basis: &Basis<'_>,
        value: ExprId,
        lets: &[(LocalId, ExprId)],
        (captured, path): (&[Captured], Option<&Path>),
    ) -> Spelling {
        let mut making = Making { basis, lets, captured, path, made: Spelling::default() };
        making.add(value, 0);
        making.made.signs.truncate(LONGEST);
        making.made
    }

    /// How the paths of a route are spelled.
    pub(super) fn of_path(basis: &Basis<'_>, captured: &[Captured], path: &Path) -> Spelling {
        let path = Some(path);
        let mut making = Making { basis, lets: &[], captured, path, made: Spelling::default() };
        making.add_path();
        making.made.signs.truncate(LONGEST);
        making.made
    }

    /// Whatever the client says.
    pub(super) fn any() -> Spelling {
        Spelling { signs: vec![Sign::Any], ..Spelling::default() }
    }

    /// Whatever the client says in this.
    pub(super) fn said(id: ExprId) -> Spelling {
        let said = BTreeMap::from([(0, BTreeSet::from([id]))]);
        Spelling { said, ..Spelling::any() }
    }

    /// Notes how the client is held in what it says: it says one of a few words then.
    pub(super) fn hold(&mut self, hold: &mut dyn FnMut(ExprId) -> Hold) {
        for (at, sign) in self.signs.iter_mut().enumerate() {
            let said = self.said.get(&at).into_iter().flatten();
            let loosest = said.map(|id| hold(*id)).min();
            let wholes = self.wholes.get(&at).into_iter().flatten();
            match wholes.map(|id| hold(*id)).chain(loosest).max() {
                Some(Hold::Firmly) => *sign = Sign::Word.min(*sign),
                Some(Hold::Perhaps) => drop(self.asked.insert(at)),
                Some(Hold::Not) | None => {}
            }
        }
    }

    /// Of a query the keys of which a client says the value.
    fn keys(&self) -> impl Iterator<Item = &[Sign]> {
        let pairs = self.signs.split(|sign| *sign == Sign::Letter('&'));
        pairs.filter(|pair| pair.contains(&Sign::Any)).map(|pair| {
            let end = pair.iter().position(|sign| *sign == Sign::Letter('='));
            pair.get(..end.unwrap_or(pair.len())).unwrap_or(pair)
        })
    }

    /// Whether a client says freely a segment of a path, what stands behind a key of a query or a place of another text that
    /// was not so free.
    fn says_elsewhere(&self, other: &Spelling, held: Held) -> bool {
        if self.signs == other.signs && self.said == other.said {
            return false;
        }
        let end = match held {
            Held::Segments => '/',
            Held::Begin => '&',
            Held::End | Held::Whole => {
                let same = self.signs.len() == other.signs.len();
                let mut places = 0..self.signs.len();
                return same && places.any(|at| self.is_free(at) && !other.is_free(at));
            }
        };
        let (own, others) = (self.pieces(end), other.pieces(end));
        match held {
            Held::Segments => own.iter().zip(&others).any(|((_, own), (_, other))| *own && !other),
            _ => own.iter().filter(|(_, own)| *own).any(|(key, _)| {
                others.iter().any(|(known, is_free)| !key.is_empty() && known == key && !is_free)
            }),
        }
    }

    /// The pieces between these letters, each as far as the policy says what it is called, and whether a client says something
    /// in it of which nothing is asked.
    fn pieces(&self, end: char) -> Vec<(Vec<Sign>, bool)> {
        let mut pieces = vec![(Vec::new(), false)];
        let mut is_named = false;
        for (at, sign) in self.signs.iter().enumerate() {
            if *sign == Sign::Letter(end) {
                pieces.push((Vec::new(), false));
                is_named = false;
            } else if let Some((name, is_free)) = pieces.last_mut() {
                is_named |= *sign == Sign::Letter('=');
                name.extend((!is_named).then_some(*sign));
                *is_free |= self.is_free(at);
            }
        }
        pieces
    }

    /// Whether a client says something at a place of which nothing is asked.
    fn is_free(&self, at: usize) -> bool {
        self.signs.get(at) == Some(&Sign::Any) && !self.asked.contains(&at)
    }

    /// What stands between the scheme of a URL and its path.
    pub(super) fn authority(&self) -> Spelling {
        let slash = Sign::Letter('/');
        let begin =
            self.signs.windows(2).position(|two| two == [slash, slash]).map_or(0, |at| at + 2);
        let ends = |sign: &&Sign| !matches!(sign, Sign::Letter('/' | '?' | '#'));
        let signs: Vec<Sign> = self.signs.iter().skip(begin).take_while(ends).copied().collect();
        let said = self.said.iter().filter_map(|(at, said)| {
            let at = at.checked_sub(begin)?;
            (at < signs.len()).then(|| (at, said.clone()))
        });
        Spelling { said: said.collect(), signs, ..Spelling::default() }
    }

    /// Whether all that it can be is something that the other one can be.
    fn is_within(&self, other: &Spelling, held: Held) -> bool {
        // What a client says in a part of these is encoded so that it does not end there.
        let is_end = |sign: &Sign| match held {
            Held::Segments => *sign == Sign::Letter('/'),
            Held::Begin => *sign == Sign::Letter('&') && other.signs.first() != Some(&Sign::Any),
            Held::End | Held::Whole => false,
        };
        // Which beginnings of the other one are used up.
        let mut open = vec![false; other.signs.len() + 1];
        if let Some(begin) = open.first_mut() {
            *begin = true;
        }
        let skip = |open: &mut Vec<bool>| {
            for (at, sign) in other.signs.iter().enumerate() {
                let is_open = *sign == Sign::Any && open.get(at) == Some(&true);
                if let Some(next) = open.get_mut(at + 1).filter(|_| is_open) {
                    *next = true;
                }
            }
        };
        skip(&mut open);
        for own in &self.signs {
            let mut next = vec![false; other.signs.len() + 1];
            for (at, sign) in
                other.signs.iter().enumerate().filter(|(at, _)| open.get(*at) == Some(&true))
            {
                let stays = *sign == Sign::Any;
                let place = if stays { at } else { at + 1 };
                let is_taken = if stays { !is_end(own) } else { own == sign };
                if let Some(next) = next.get_mut(place).filter(|_| is_taken) {
                    *next = true;
                }
            }
            skip(&mut next);
            open = next;
        }
        open.last() == Some(&true)
    }
}

struct Making<'m> {
    basis: &'m Basis<'m>,
    lets: &'m [(LocalId, ExprId)],
    captured: &'m [Captured],
    /// The path of the route.
    path: Option<&'m Path>,
    made: Spelling,
}

impl Making<'_> {
    fn add(&mut self, id: ExprId, depth: u32) {
        if self.made.signs.len() > LONGEST {
            return;
        }
        if let Some(value) = self.basis.constants.get(id) {
            self.made.signs.extend(plain(value).chars().map(Sign::Letter));
            return;
        }
        match self.basis.program.expr(id) {
            Expr::Template(parts) if depth < DEEPEST => {
                parts.iter().for_each(|part| self.add(*part, depth + 1));
            }
            Expr::Local(local) if depth < DEEPEST => match named(self.lets, *local) {
                Some(value) => self.add(value, depth + 1),
                None => self.made.signs.push(Sign::Any),
            },
            Expr::Slot(_) if self.path.is_some() && self.is_path(id) => self.add_path(),
            _ => {
                let at = self.made.signs.len();
                self.made.said.insert(at, said(self.basis, id, self.lets));
                self.made.signs.push(self.sign(id, depth));
            }
        }
    }

    fn is_path(&self, id: ExprId) -> bool {
        self.basis.program.read_by(id).is_some_and(|(_, slot)| &*slot.field == "req.path")
    }

    /// The path that is asked for, of which a client says what is captured.
    fn add_path(&mut self) {
        let Some(path) = self.path else { return };
        let all = self.basis.said().iter().copied();
        let wholes: BTreeSet<ExprId> = all.clone().filter(|id| self.is_path(*id)).collect();
        let made = &mut self.made;
        for (at, segment) in path.segments.iter().enumerate() {
            made.signs.push(Sign::Letter('/'));
            match segment {
                Segment::Literal(words) => made.signs.extend(words.chars().map(Sign::Letter)),
                Segment::Capture(_, ty) => {
                    let place = |id| Captured::place(self.basis, id, self.captured);
                    let read = all.clone().filter(|id| place(*id) == Some(at));
                    made.said.insert(made.signs.len(), read.collect());
                    made.wholes.insert(made.signs.len(), wholes.clone());
                    made.signs.push(Sign::said(Some(ty)));
                }
            }
        }
        if path.rest {
            made.wholes.insert(made.signs.len() + 1, wholes);
            made.signs.extend([Sign::Letter('/'), Sign::Any]);
        }
    }

    /// What a value is at its place: of several, that in which a client has most of a say.
    fn sign(&self, id: ExprId, depth: u32) -> Sign {
        let Basis { program, constants, .. } = self.basis;
        if constants.get(id).is_some() {
            return Sign::Word;
        }
        if let Expr::Match(subject, arms) = program.expr(id)
            && depth < DEEPEST
        {
            let signs = arms.iter().map(|arm| match says_named(self.basis, *subject, arm) {
                true => Sign::Word,
                false => self.sign(arm.value, depth + 1),
            });
            return signs.max().unwrap_or(Sign::Own);
        }
        let several = program.expr(id).alternatives().filter(|_| depth < DEEPEST);
        let signs = several.into_iter().flatten().map(|one| self.sign(one, depth + 1));
        if let Some(widest) = signs.max() {
            return widest;
        }
        let said = put(self.basis, id, (self.lets, self.captured));
        match said {
            Put::Client(_) => Sign::said(ty(program, id, self.lets, self.captured).as_ref()),
            _ => Sign::Own,
        }
    }
}

impl Sign {
    /// What a client says of a type.
    fn said(ty: Option<&Ty>) -> Sign {
        match ty {
            Some(Ty::Int) => Sign::Number,
            Some(Ty::String | Ty::Json) | None => Sign::Any,
            Some(_) => Sign::Word,
        }
    }
}
