//! What becomes of a request, such that two policies that do the same with it give it equal fates.

use std::collections::HashSet;
use std::sync::Arc;

use lang::policy::{self, Expr, ExprKind, LocalId, RouteId};
use lang::segment::Segments;
use lang::vocab::{Ends, ExprId, Form};
use lang::{Span, Value};

use crate::caching::told_apart;
use crate::diff::bounds::{self, Bound};
use crate::diff::choices::Chosen;
use crate::diff::effect::{Captured, Does, Effect, Place};
use crate::diff::effective::{Phase, Ran, effective};
use crate::diff::exposure::Exposure;
use crate::program::{Call, Expr as Code, Program, Route, Step, StepKind, locals};
use crate::proof::basis::{Basis, Side, Taken};
use crate::proof::course::{Course, End, Reads, Status};

/// What becomes of a request on one side.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    /// In words.
    pub(super) words: String,
    /// The same without the status that an upstream's answer is given.
    pub(super) way: String,
    /// How far it gets.
    pub(super) reach: Reach,
    /// The route that answers.
    pub(super) route: Option<RouteId>,
    /// The statement that refuses it, if one does.
    pub(super) by: Option<Span>,
    /// What its statements do, in order.
    pub(super) effects: Vec<Effect>,
    /// Where a value is put that may be refused, though it is not known which is.
    pub(super) judged: Vec<Place>,
    /// The limits that count the request.
    pub(super) bounds: Vec<Bound>,
    /// What reaches whom.
    pub(super) exposure: Exposure,
    /// The policies whose statements run.
    pub(super) applied: Vec<Arc<str>>,
    /// Whether it goes past a cache that answers others.
    pub(super) goes_past: bool,
}

/// How far a request gets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Reach {
    /// A value of it cannot stand where it was to be put. That keeps messages in form, and nobody from anything.
    Unfit,
    /// It is refused.
    Refused,
    /// It is sent elsewhere.
    Redirected,
    /// An upstream is asked, and the request is refused on the way back.
    Asked,
    /// It gets an answer.
    Through,
}

/// What tells fates apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Key {
    words: String,
    effects: Vec<Does>,
}

impl Fate {
    /// Past all routes.
    pub(super) fn past(end: &End) -> Fate {
        let words =
            if *end == End::Method { "405, no route takes the method" } else { "404, no route" };
        Fate {
            words: words.to_owned(),
            way: words.to_owned(),
            reach: Reach::Refused,
            route: None,
            by: None,
            effects: Vec::new(),
            judged: Vec::new(),
            bounds: Vec::new(),
            exposure: Exposure::default(),
            applied: Vec::new(),
            goes_past: false,
        }
    }

    /// What a course of a side's route comes to, where its arguments come to what is chosen; the captures are those of the
    /// path that was taken.
    pub(super) fn of(
        basis: &Basis<'_>,
        side: &Side<'_>,
        taken: &Taken<'_>,
        course: &Course,
        captures: &[Captured],
        (chosen, refusing): (&Chosen, &HashSet<usize>),
    ) -> Option<Fate> {
        let (id, route) = (taken.id, taken.route);
        let written = side.policy.routes.get(id.0 as usize)?;
        let goes_past = chosen.kept().is_some_and(|kept| !kept.is_shared);
        let known = match &course.status {
            Status::Known(status) => status.to_string(),
            _ => "a computed status".to_owned(),
        };
        let action = course.at.and_then(|at| route.steps.get(at)).map(|step| match &step.kind {
            StepKind::Act(call) => &*call.action,
            StepKind::Let(..) | StepKind::Always(_) => "",
        });
        let refused_later = matches!(course.end, End::Forwarded(_) | End::Answered)
            && course.at.and_then(|at| written.steps.get(at)).is_some_and(|step| {
                matches!(&step.kind, policy::StepKind::Act(call) if call.row.asserts.is_some())
            });
        let way = match &course.end {
            End::Denied => format!("denied with {known}"),
            End::Limited(limit) => format!("refused with {known} beyond the limit `{limit}`"),
            End::Long(Reads::Length) => {
                format!(
                    "refused with {known}, as its content is too long and does not say so first"
                )
            }
            End::Long(Reads::All) => {
                format!("refused with {known}, as its content is too long to be read")
            }
            End::Forwarded(_) if refused_later => format!("denied on the way back with {known}"),
            _ if refused_later => format!("denied with {known}"),
            End::Forwarded(to) => {
                let to = shares(written, course.at).unwrap_or_else(|| to.to_string());
                format!("forwarded to {to}")
            }
            End::Answered if action == Some("redirect") => format!("redirected with {known}"),
            End::Answered => format!("answered with {known}"),
            End::Unfit => format!("refused with {known}, a value cannot stand there"),
            end => return Some(Fate::past(end)),
        };
        let words = match (&course.end, &course.status) {
            (End::Forwarded(_), Status::Known(_) | Status::Computed(_)) if !refused_later => {
                format!("{way} and answered with {known}")
            }
            _ => way.clone(),
        };
        let reach = match (&course.end, &course.status) {
            (End::Forwarded(_), _) if refused_later => Reach::Asked,
            (End::Forwarded(_), _) => Reach::Through,
            (End::Answered, _) if refused_later => Reach::Refused,
            (End::Answered, Status::Known(400..)) => Reach::Refused,
            (End::Answered, Status::Known(300..)) => Reach::Redirected,
            (End::Answered, _) => Reach::Through,
            (End::Unfit, _) => Reach::Unfit,
            _ => Reach::Refused,
        };
        let refuses =
            matches!(course.end, End::Denied | End::Unfit | End::Limited(_)) || refused_later;
        let refusing_step = refuses.then_some(course.at);
        let by = refusing_step.flatten().and_then(|at| route.steps.get(at)).map(|step| step.span);
        // What was done before is not sent to anybody, but for what always holds and what the upstream has got. Limits
        // have counted the request, whoever refuses it later.
        // What always holds may read what was put there for an upstream that is not asked.
        let standing = route.steps.iter().filter(|step| matches!(step.kind, StepKind::Always(_)));
        let mut standing = basis.program.walk(standing.flat_map(Step::exprs), &[]).slots();
        let is_read =
            course.to().is_none() && standing.any(|(_, slot)| slot.field.starts_with("up."));
        let is_lost = |row: &policy::Call| {
            let answers =
                row.place.as_ref().is_some_and(|place| place.field.path.starts_with("resp."));
            let is_upward = row.row.name == "rewrite"
                || row.place.as_ref().is_some_and(|place| place.field.path.starts_with("up."));
            match (&course.end, row.row.form) {
                _ if is_upward && is_read => false,
                (End::Limited(_), _) => true,
                (_, Form::Applied) => false,
                (End::Denied | End::Unfit | End::Long(_), _) => true,
                (End::Forwarded(_), _) => refused_later && answers,
                _ => refused_later,
            }
        };
        let is_unfit = |at: usize| course.end == End::Unfit && course.at == Some(at);
        let lets = locals(&route.steps);
        let is_answer = |step: &policy::Step| matches!(&step.kind, policy::StepKind::Act(call) if call.row.ends != Ends::No);
        let answers_at = written.steps.iter().position(is_answer).unwrap_or(usize::MAX);
        let (mut ran, mut bounds) = (Vec::new(), Vec::new());
        let mut exposure =
            Exposure::of(basis, side, (taken, course), (written, chosen), (&lets, captures));
        let mut applied: Vec<Arc<str>> = Vec::new();
        let mut is_keyless = false;
        let steps = route.steps.iter().zip(&written.steps).take(course.ran).enumerate();
        for (at, step, call, row, always) in steps.flat_map(|(at, pair)| acts(at, pair)) {
            applied.extend(step.via.iter().cloned());
            let (Some(call), Some(row)) = (call, row) else { continue };
            let is_kept = row.row.name == "cache";
            if is_kept && (goes_past || course.to().is_none()) {
                continue;
            }
            let requires = row.row.asserted();
            let mut args: Vec<ExprId> = call.args.iter().map(|arg| chosen.value(*arg)).collect();
            bounds::plainly(basis, row, &mut args);
            let is_limit = matches!(course.end, End::Limited(_)) && Some(at) == course.at;
            bounds::as_met(basis, row, &mut args, is_limit);
            let mut names: Vec<&str> = row.row.params.iter().map(|param| param.name).collect();
            let is_chosen = call.args.iter().any(|arg| chosen.divides(*arg));
            let phase = match always {
                true => Phase::Always,
                // Requests are looked up once all statements before the answer have run.
                false if is_kept => {
                    let key = row.row.place_of("key").and_then(|at| args.get(at));
                    is_keyless = key.is_none_or(|key| {
                        matches!(basis.program.expr(*key), Code::Const(Value::Absent))
                    });
                    Phase::Kept
                }
                false if at < answers_at => Phase::In,
                false if at == answers_at => Phase::Answer,
                false => Phase::Back,
            };
            let host =
                names.iter().position(|name| *name == "host" && row.row.ends == Ends::Forwards);
            if let Some(host) = host.filter(|at| *at < args.len()) {
                names.remove(host);
                let value = args.remove(host);
                if !matches!(basis.program.expr(value), Code::Const(Value::Absent)) {
                    // The same as a statement of its own.
                    let meant = meant(&basis.program, &[value], &lets, captures);
                    let mut one = names_host(value, meant, step.span);
                    one.effect.is_chosen = is_chosen;
                    ran.push(one);
                }
            }
            if is_kept && let Some(public) = names.iter().position(|name| *name == "public") {
                // Whom the cache answers is told by who is.
                names.remove(public);
                args.remove(public);
            }
            if let Some(condition) = requires {
                if Some(at) != course.at {
                    continue;
                }
                // Which requests it refuses is told by their sets; what is answered counts here.
                args.remove(condition.min(args.len().saturating_sub(1)));
                names.remove(condition.min(names.len().saturating_sub(1)));
            } else if !always && is_lost(row) && !is_unfit(at) && !is_limit {
                continue;
            }
            if Some(at) == course.at
                && matches!(course.status, Status::Known(_))
                && let Some(status) = names.iter().position(|name| *name == "status")
                && status < args.len()
            {
                // The words tell it.
                args.remove(status);
                names.remove(status);
            }
            // Among one alone nothing is drawn.
            let mut arms = call.arms.to_vec();
            // Which is named first is nothing to a draw.
            arms.sort_unstable();
            if let [(_, to)] = *arms
                && let Some(first) = args.first_mut()
            {
                *first = to;
                arms.clear();
            }
            let roots: Vec<ExprId> =
                args.iter().copied().chain(arms.iter().flat_map(|(a, b)| [*a, *b])).collect();
            let (named, captured) = meant(&basis.program, &roots, &lets, captures);
            let does = Does {
                action: call.action.clone(),
                args,
                place: call.place.clone(),
                arms,
                lets: named.iter().map(|(_, value)| *value).collect(),
                captured,
            };
            bounds.extend(Bound::of(basis, row, (&does, &named)).filter(|_| !is_limit));
            exposure.note(basis, (call, row), (chosen, &lets, captures));
            let is_constant =
                does.args.iter().all(|arg| matches!(basis.program.expr(*arg), Code::Const(_)));
            ran.push(Ran {
                effect: Effect { does, names, named, span: step.span, is_chosen, is_alone: false },
                form: row.row.form,
                verb: row.row.name,
                phase,
                refuses: is_unfit(at) || (refusing.contains(&at) && !is_constant),
            });
        }
        let own_host = course.to().and_then(|upstream| basis.host(side, upstream));
        if let Some((value, span)) = own_host
            && !ran.iter().any(|one| one.effect.does.changes("up.host"))
        {
            exposure.names_host(value);
            ran.push(names_host(value, (Vec::new(), Vec::new()), span));
        }
        if is_keyless {
            ran.extend(sets_apart(&basis.program, route));
        }
        ran.sort_by_key(|one| one.phase);
        let judged = ran.iter().filter(|one| one.refuses && course.end != End::Unfit);
        let judged = judged.map(|one| place(&one.effect.does));
        let judged = judged.collect();
        let mut effects = effective(&basis.program, course, ran);
        in_one_order(&basis.program, &mut effects);
        applied.sort_unstable();
        applied.dedup();
        Some(Fate {
            words,
            way,
            reach,
            route: Some(id),
            by,
            effects,
            judged,
            bounds,
            exposure,
            applied,
            goes_past,
        })
    }

    /// The statements that the other side does not run so: not as often, or else in another order.
    pub(super) fn lacked_by<'f>(&'f self, other: &Fate) -> Vec<&'f Effect> {
        let mut left: Vec<&Does> = other.effects.iter().map(|effect| &effect.does).collect();
        let is_lacked = |effect: &&Effect| match left.iter().position(|one| **one == effect.does) {
            Some(at) => {
                left.swap_remove(at);
                false
            }
            None => true,
        };
        let lacked: Vec<&Effect> = self.effects.iter().filter(is_lacked).collect();
        match lacked.is_empty() && left.is_empty() {
            true => {
                let pairs = self.effects.iter().zip(&other.effects);
                pairs.filter(|(one, other)| one.does != other.does).map(|(one, _)| one).collect()
            }
            false => lacked,
        }
    }

    /// What only one of two does, with the old side first.
    pub(super) fn apart<'f>(old: &'f Fate, new: &'f Fate) -> [Vec<&'f Does>; 2] {
        [(old, new), (new, old)].map(|(own, other)| {
            own.lacked_by(other).into_iter().map(|effect| &effect.does).collect()
        })
    }

    /// The statement that refuses a value, of those whose values may be refused.
    pub(super) fn refusing(&self) -> Option<&Effect> {
        self.effects.iter().find(|effect| Some(effect.span) == self.by)
    }

    /// What tells it apart.
    pub(super) fn key(&self) -> Key {
        // A value that cannot stand there is answered alike, whatever it is.
        let tells = |effect: &&Effect| self.reach != Reach::Unfit || Some(effect.span) != self.by;
        let effects = self.effects.iter().filter(tells).map(|effect| effect.does.clone());
        Key { words: self.words.clone(), effects: effects.collect() }
    }
}

/// The host that an upstream is asked for, said by a line of its own or by the `forward`, as a statement.
fn names_host(
    value: ExprId,
    (named, captured): (Vec<(LocalId, ExprId)>, Vec<Captured>),
    span: Span,
) -> Ran {
    let does = Does {
        action: Arc::from("set"),
        args: vec![value],
        place: Some((Arc::from("up.host"), None)),
        arms: Vec::new(),
        lets: named.iter().map(|(_, value)| *value).collect(),
        captured,
    };
    let (is_chosen, is_alone) = (false, false);
    let effect = Effect { does, names: Vec::new(), named, span, is_chosen, is_alone };
    Ran { effect, form: Form::Assign, verb: "set", phase: Phase::In, refuses: false }
}

/// What tells answers apart that are kept without a key: each header field that the policy sets on its way, as a statement
/// of its own.
fn sets_apart(program: &Program, route: &Route) -> Vec<Ran> {
    let acts = || {
        route.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Act(call) => Some((step, call)),
            StepKind::Let(..) | StepKind::Always(_) => None,
        })
    };
    let told = told_apart(program, &route.steps).into_iter().filter_map(|name| {
        let sets = |call: &Call| {
            let place = call.place.as_ref();
            place.is_some_and(|(field, key)| &**field == "up.header" && *key == Some(name.clone()))
        };
        let (step, _) = acts().find(|(_, call)| sets(call))?;
        let does = Does {
            action: Arc::from("tells apart"),
            args: Vec::new(),
            place: Some((Arc::from("cache"), Some(name))),
            arms: Vec::new(),
            lets: Vec::new(),
            captured: Vec::new(),
        };
        let effect = Effect {
            does,
            names: Vec::new(),
            named: Vec::new(),
            span: step.span,
            is_chosen: false,
            is_alone: false,
        };
        Some(Ran { effect, form: Form::Applied, verb: "", phase: Phase::Kept, refuses: false })
    });
    told.collect()
}

/// Where a statement puts what it is told.
fn place(does: &Does) -> Place {
    let path = || (Arc::from(if &*does.action == "rewrite" { "up.path" } else { "" }), None);
    does.place.clone().unwrap_or_else(path)
}

/// Puts statements into one order that may as well stand in another: neighbours which change different places or count in a
/// limit, and read nothing that statements change.
fn in_one_order(program: &Program, effects: &mut [Effect]) {
    let is_free = |effect: &Effect| {
        (effect.does.place.is_some() || &*effect.does.action == "limit")
            && program.walk(effect.does.reads(), &[]).all(|(_, expr)| match expr {
                Code::Slot(slot) => program.slot(*slot).is_some_and(|slot| slot.stable),
                _ => true,
            })
    };
    for run in effects.chunk_by_mut(|a, b| is_free(a) && is_free(b)) {
        run.sort_by(|a, b| a.does.place.cmp(&b.does.place));
    }
}

/// A statement with its action, if it is one: its place in the route, as lowered and as written, and whether it stands in
/// an `always`.
type Acted<'s> = (usize, &'s Step, Option<&'s Call>, Option<&'s policy::Call>, bool);

/// The actions of a statement, those that it holds included.
fn acts<'s>(at: usize, (step, written): (&'s Step, &'s policy::Step)) -> Vec<Acted<'s>> {
    match (&step.kind, &written.kind) {
        (StepKind::Act(call), policy::StepKind::Act(row)) => {
            vec![(at, step, Some(call), Some(row), false)]
        }
        (StepKind::Always(held), policy::StepKind::Always(written)) => {
            let held = held.iter().zip(written).flat_map(|pair| acts(at, pair));
            let held = held.map(|(at, step, call, row, _)| (at, step, call, row, true));
            std::iter::once((at, step, None, None, true)).chain(held).collect()
        }
        _ => vec![(at, step, None, None, false)],
    }
}

/// What the expressions mean beyond their words: the values of locals, the places of captures.
fn meant(
    program: &Program,
    roots: &[ExprId],
    lets: &[(LocalId, ExprId)],
    captures: &[Captured],
) -> (Vec<(LocalId, ExprId)>, Vec<Captured>) {
    let mut used = Vec::new();
    let mut captured = Vec::new();
    for (_, expr) in program.walk(roots.iter().copied(), lets) {
        match expr {
            Code::Local(local) => used.extend(lets.iter().find(|(known, _)| known == local)),
            Code::Capture(name) => {
                captured.extend(captures.iter().find(|known| known.name == *name).cloned());
            }
            _ => {}
        }
    }
    captured.sort_unstable();
    (used, captured)
}

/// The shares of the upstreams among which a request is drawn.
fn shares(route: &policy::Route, at: Option<usize>) -> Option<String> {
    let policy::StepKind::Act(call) = &route.steps.get(at?)?.kind else { return None };
    if call.row.ends != Ends::Forwards || call.arms.len() < 2 {
        return None;
    }
    let text = |expr: &Expr| match &expr.kind {
        ExprKind::Const(Value::Item(name)) => name.to_string(),
        ExprKind::Const(value) => value.to_string(),
        _ => "?".to_owned(),
    };
    let mut arms: Vec<String> =
        call.arms.iter().map(|(share, to)| format!("{} by {}", text(to), text(share))).collect();
    arms.sort_unstable();
    Some(arms.join(", "))
}

/// Everything of a route that can matter to a request, in a form that equal ones share.
pub(super) fn signature(
    basis: &Basis<'_>,
    side: &Side<'_>,
    route: &Route,
    captures: &[(Arc<str>, usize, Segments)],
) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let conditions = route.conditions.iter().map(|(id, _)| id.0);
    let methods = route.methods.as_ref().map(|(methods, _)| methods);
    // Writing to a string does not fail.
    let _ = write!(text, "{methods:?}{:?}{captures:?}", conditions.collect::<Vec<_>>());
    let mut caches = false;
    for step in &route.steps {
        let _ = write!(text, "{:?}{:?}", step.kind, step.via);
        let StepKind::Act(call) = &step.kind else { continue };
        caches |= &*call.action == "cache";
        // An upstream may say itself which host it is asked for.
        let named = call.args.iter().chain(call.arms.iter().map(|(_, to)| to));
        for name in named {
            if let Code::Const(Value::Item(name)) = basis.program.expr(*name)
                && let Some((host, _)) = basis.host(side, name)
            {
                let _ = write!(text, "{name}{host:?}");
            }
        }
    }
    // Whom a cache answers hangs on where all auths of the policy look for tokens.
    if caches {
        let _ = write!(text, "{:?}", basis.carriers(side));
    }
    text
}
