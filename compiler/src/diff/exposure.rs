//! What of a request reaches an upstream, what of an answer reaches the client, and who shares an answer. What a policy does
//! not touch passes; what it takes away is kept; what it sets is its own word.

mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lang::Value;
use lang::policy::{self, LocalId, Message};
use lang::vocab::{Ends, ExprId, Shield};

use super::bounds::parts;
use super::choices::Chosen;
use super::effect::Captured;
use super::free::{Hold, Holds};
use super::kept::Kept;
use super::put::{Put, REST, choosers, echoes, given, passed_on};
use super::sends::Sends;
use super::shape::Shape;
use super::spelling::{Held, Spelling};
use super::wire::{self, Wire};
use crate::caching::names_request;
use crate::program::{Call, Expr};
use crate::proof::basis::{Basis, Side, Taken};
use crate::proof::course::{Course, Header};

pub(super) use verdict::{answering, elsewhere, passing, verdict};

/// What is exposed on one way through a route.
#[derive(Clone, Default, Debug)]
pub(super) struct Exposure {
    /// Whether an upstream is asked; then what the policy does not touch passes.
    forwards: bool,
    /// Whether the answer is the gateway's own: it has what the policy sets and no more.
    own: bool,
    /// How the upstreams are asked.
    wire: Option<Wire>,
    fields: BTreeMap<(bool, Arc<str>), Field>,
    /// What of the request's target the policy says.
    target: BTreeMap<Piece, (Put, Spelling)>,
    /// What of it a client can choose among the requests of its host and path.
    open: BTreeSet<Piece>,
    /// The paths among which it chooses, if that is known.
    shape: Option<Shape>,
    /// The path that is taken.
    path: Option<policy::Path>,
    /// What tells requests apart that share an answer, if any do.
    cache: Option<BTreeSet<ExprId>>,
    /// What becomes of the request at the cache, where the way has one.
    kept: Option<Kept>,
    sends: Option<Sends>,
    /// What a client says in pieces and header fields as they came, where it may be held there.
    came: Came,
}

/// What a client says in what the policy leaves as it came.
#[derive(Clone, Default, Debug)]
struct Came {
    pieces: BTreeMap<Piece, Put>,
    path: Option<Spelling>,
    fields: BTreeMap<Arc<str>, (Put, Spelling)>,
}

/// A piece of what an upstream is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Piece {
    Path,
    Query,
    Host,
}

impl Piece {
    /// The piece that a field of the request being sent is.
    fn of(field: &str) -> Option<Piece> {
        match field {
            "up.path" => Some(Piece::Path),
            "up.query" => Some(Piece::Query),
            "up.host" => Some(Piece::Host),
            _ => None,
        }
    }

    /// Where the policy's own letters hold a client most.
    fn held(self) -> Held {
        match self {
            Piece::Path => Held::Segments,
            Piece::Query => Held::Begin,
            Piece::Host => Held::End,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Piece::Path => "path",
            Piece::Query => "query",
            Piece::Host => "host",
        }
    }
}

/// A header field that the policy touches.
#[derive(Clone, Debug)]
struct Field {
    put: Put,
    /// What the policy puts there, if it is a value.
    value: Option<ExprId>,
    /// How that is spelled, in what goes to an upstream.
    spelling: Option<Spelling>,
    /// Whether a client chooses it among others, and whether what is verified does.
    choosers: (bool, bool),
    /// What the policy adds to it, where nothing of the client's stands beside that.
    added: Option<Put>,
    shield: Option<Shield>,
    /// Whether it is the word that stands for everybody.
    all: bool,
    /// The header fields of the upstream's answer that it passes on.
    tells: BTreeSet<Arc<str>>,
}

impl Exposure {
    /// Whether answers are kept for others, and the same tells apart for whom.
    pub(super) fn shares_as(&self, other: &Exposure) -> bool {
        self.cache.is_some() && self.cache == other.cache
    }

    /// What a course exposes.
    pub(super) fn of(
        basis: &Basis<'_>,
        side: &Side<'_>,
        (taken, course): (&Taken<'_>, &Course),
        (written, chosen): (&policy::Route, &Chosen),
        (lets, captured): (&[(LocalId, ExprId)], &[Captured]),
    ) -> Exposure {
        let fields = course.headers.iter().map(|(message, name, header)| {
            let up = *message == Message::Up;
            let said = |value: ExprId| match up && echoes(basis, chosen.value(value), name, lets) {
                true if !chosen.is_named(value) => Put::Passes,
                _ => given(basis, value, chosen, (lets, captured)),
            };
            let (put, all) = match header {
                Header::Added(_) if up => (Put::Beside, false),
                Header::There if up => (Put::Unknown, false),
                Header::Absent => (Put::Kept, false),
                Header::Unknown => (Put::Unknown, false),
                Header::Added(value) => (Put::Own(*value), false),
                Header::Text(_) | Header::There => (Put::Said, false),
                Header::Value(value) | Header::Trimmed(value) | Header::Fitting(value) => {
                    let constant = basis.constants.get(chosen.value(*value));
                    (said(*value), constant.and_then(Value::as_str) == Some("*"))
                }
            };
            let value = match header {
                Header::Value(value)
                | Header::Trimmed(value)
                | Header::Fitting(value)
                | Header::Added(value) => Some(*value),
                Header::Text(_) | Header::There | Header::Absent | Header::Unknown => None,
            };
            let is_added = matches!(header, Header::Added(_));
            let mut tells = BTreeSet::new();
            if !up && let Some(value) = value {
                tells = passed_on(basis, chosen.value(value), lets);
                tells.extend(is_added.then(|| name.clone()));
            }
            let added = value.filter(|_| is_added).map(said);
            let choosers = value.map_or((false, false), |value| choosers(basis, value, lets));
            let value = value.map(|value| chosen.value(value));
            let spelled = value.filter(|_| up && !is_added);
            let path = Some(taken.path);
            let spelling = spelled.map(|value| Spelling::of(basis, value, lets, (captured, path)));
            let field = Field { put, value, spelling, choosers, added, shield: None, all, tells };
            ((up, name.clone()), field)
        });
        let mut open = BTreeSet::from([Piece::Query]);
        let captures = |segment: &policy::Segment| matches!(segment, policy::Segment::Capture(..));
        if taken.path.rest || taken.path.segments.iter().any(captures) {
            open.insert(Piece::Path);
        }
        if !matches!(taken.host, policy::Host::Exact(_)) {
            open.insert(Piece::Host);
        }
        let forwards = course.to().is_some();
        let asks = course.at.filter(|_| forwards).and_then(|at| written.steps.get(at));
        Exposure {
            forwards,
            own: course.own,
            wire: asks.and_then(|step| wire::wire(side, step)),
            fields: fields.collect(),
            open,
            shape: Some(Shape::of_route(taken.path)),
            path: Some(taken.path.clone()),
            kept: chosen.kept(),
            ..Exposure::default()
        }
    }

    /// What the path captures.
    pub(super) fn captured(&self) -> Vec<Captured> {
        self.path.as_ref().map(Captured::of).unwrap_or_default()
    }

    /// The same with how the client is held in what it says, in what it says as it came, too.
    pub(super) fn held(mut self, basis: &Basis<'_>, holds: &Holds) -> Exposure {
        let program = &basis.program;
        let captured = self.captured();
        let mut hold = |id: ExprId| match id {
            REST => Hold::Not,
            id => holds.of((id, Captured::place(basis, id, &captured))),
        };
        let all = |field: &str| -> Vec<ExprId> {
            let reads =
                |id: &ExprId| program.read_by(*id).is_some_and(|(_, slot)| &*slot.field == field);
            basis.said().iter().copied().filter(reads).collect()
        };
        // Of what is asked for, the parts that are read somewhere tell themselves apart.
        let is_own = |id: &ExprId| Captured::place(basis, *id, &captured).is_some();
        let mut path: BTreeSet<ExprId> = basis.said().iter().copied().filter(is_own).collect();
        let open = self.open.contains(&Piece::Path);
        let is_read_whole = !self.path.as_ref().is_some_and(|path| path.rest);
        path.extend((open && !(is_read_whole && path.len() == captured.len())).then_some(REST));
        for whole in all("req.path") {
            if let Some((put, _)) = self.target.get_mut(&Piece::Path) {
                put.take_apart(whole, &path);
            }
        }
        let query = all("req.query").into_iter().chain([REST]);
        let pieces = [
            (Piece::Path, Put::as_came(path)),
            (Piece::Query, Put::as_came(query)),
            (Piece::Host, Put::as_came(all("req.host"))),
        ];
        self.came.pieces = BTreeMap::from(pieces);
        self.came.pieces.values_mut().for_each(|put| put.hold(&mut hold));
        self.came.path = self.path.as_ref().map(|path| {
            let mut spelled = Spelling::of_path(basis, &captured, path);
            spelled.hold(&mut hold);
            spelled
        });
        for slot in all("req.header") {
            let name = program.read_by(slot).and_then(|(_, slot)| slot.key.clone());
            let Some(name) = name.filter(|_| hold(slot) != Hold::Not) else { continue };
            let mut came = Put::as_came([slot]);
            if let Some(field) = self.fields.get_mut(&(true, name.clone()))
                && field.put == Put::Beside
            {
                if let Some(added) = &field.added {
                    came = came.beside(added);
                }
                field.put = came;
            } else {
                came.hold(&mut hold);
                let mut spelled = Spelling::said(slot);
                spelled.hold(&mut hold);
                self.came.fields.insert(name, (came, spelled));
            }
        }
        let fields = self.fields.iter_mut().filter(|((up, _), _)| *up).map(|(_, field)| field);
        let puts = fields.flat_map(|field| std::iter::once(&mut field.put).chain(&mut field.added));
        puts.for_each(|put| put.hold(&mut hold));
        let spelled = self.fields.values_mut().filter_map(|field| field.spelling.as_mut());
        spelled.for_each(|spelling| spelling.hold(&mut hold));
        for (put, spelling) in self.target.values_mut() {
            put.hold(&mut hold);
            spelling.hold(&mut hold);
        }
        if let Some(sends) = &mut self.sends {
            sends.hold(&mut hold);
        }
        self
    }

    /// Notes the host that an upstream's own line says.
    pub(super) fn names_host(&mut self, value: ExprId) {
        self.target.insert(Piece::Host, (Put::Own(value), Spelling::default()));
    }

    /// Notes a statement that runs.
    pub(super) fn note(
        &mut self,
        basis: &Basis<'_>,
        (call, row): (&Call, &policy::Call),
        (chosen, lets, captured): (&Chosen, &[(LocalId, ExprId)], &[Captured]),
    ) {
        let argument = |name: &str| {
            let at = row.row.place_of(name)?;
            call.args.get(at).copied()
        };
        let is_there =
            |value: &ExprId| !matches!(basis.program.expr(*value), Expr::Const(Value::Absent));
        let route = self.path.clone();
        let route = route.as_ref();
        let put = |value: ExprId| {
            let spelling = Spelling::of(basis, chosen.value(value), lets, (captured, route));
            (given(basis, value, chosen, (lets, captured)), spelling)
        };
        let piece = match row.row.name {
            "rewrite" => Some(Piece::Path),
            _ => row.place.as_ref().and_then(|place| Piece::of(place.field.path)),
        };
        if let Some(piece) = piece {
            let value = call.args.first();
            let nothing = || (Put::Kept, Spelling::default());
            self.target.insert(piece, value.map_or_else(nothing, |value| put(*value)));
            if piece == Piece::Path {
                let value = value.zip(self.path.as_ref());
                self.shape =
                    value.map(|(value, path)| Shape::of(basis, chosen.value(*value), lets, path));
            }
        }
        if row.row.ends == Ends::Forwards
            && let Some(host) = argument("host").filter(|host| is_there(&chosen.value(*host)))
        {
            self.target.insert(Piece::Host, put(host));
        }
        let sets_location = row.place.as_ref().is_some_and(|place| {
            place.field.path == "resp.header" && place.key.as_deref() == Some("location")
        });
        if row.row.ends == Ends::Responds {
            let location = argument("location").map(|value| chosen.value(value));
            self.sends = location.map(|value| Sends::to(basis, value, (lets, captured)));
        } else if sets_location {
            let value = call.args.first().map(|arg| chosen.value(*arg));
            self.sends = value.map(|value| Sends::to(basis, value, (lets, captured)));
        }
        if let Some(place) = &row.place
            && let Some(key) = &place.key
            && let Some(written) = place.field.written
            && let Some(field) =
                self.fields.get_mut(&(place.field.path == "up.header", key.clone()))
        {
            field.shield = (written.shields)(key);
            if place.field.path == "resp.header" && field.put == Put::Unknown {
                let told = call.args.iter().map(|arg| chosen.value(*arg));
                field.tells.extend(told.flat_map(|value| passed_on(basis, value, lets)));
            }
        }
        if row.row.name != "cache" {
            return;
        }
        let key = argument("key").map(|key| chosen.value(key)).filter(is_there);
        let key = key.map(|key| parts(basis, key));
        let sent = self.fields.iter().filter(|((up, _), _)| *up);
        let sent = sent.filter_map(|(_, field)| field.value);
        let sent = sent.filter(|value| basis.constants.get(*value).is_none());
        let sent = sent.filter(|value| !names_request(&basis.program, *value, lets));
        self.cache = Some(key.unwrap_or_else(|| sent.collect()));
    }
}
