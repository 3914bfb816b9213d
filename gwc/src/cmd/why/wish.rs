//! `gwc why --not ROUTE`: what would have to change in the request. A proposal is rehearsed before it is shown.

use compiler::program::Program;
use compiler::{Change, Decision, ListenerId, RouteId, SlotId, Wish};
use lang::{Policy, Value};
use miette::miette;
use runtime::engine::Engine;
use serde_json::json;

use crate::ask::Ask;

/// The answer for one route.
pub(super) struct Answer {
    route: String,
    kind: Kind,
}

enum Kind {
    /// It answers already.
    Already,
    /// With these changes it does: that was rehearsed.
    Changed(Vec<Line>, Box<Ask>),
    /// These come first whatever the request says.
    Never(Vec<RouteId>),
    /// It is on another listener.
    Elsewhere,
    /// It would take something that no line of a request says.
    Unsaid(Vec<Line>),
    /// What would lead there is refused before any route, for this reason.
    Refused(&'static str),
    /// Too much to look at, or computed from what cannot be chosen.
    Undecided,
}

/// A change: what, from what, to what.
struct Line {
    what: String,
    from: Option<String>,
    to: String,
}

/// Asks what it would take for the route of this name.
pub(super) fn of(
    ask: &Ask,
    engine: &Engine,
    (listener, policy): (ListenerId, &Policy),
    name: &str,
) -> miette::Result<Answer> {
    let program = engine.program();
    let Some(route) = program.route_named(name) else {
        let names = program.routes.iter().map(|route| &*route.name);
        return Err(match lang::vocab::nearest(name, names) {
            Some(near) => {
                miette!(help = format!("did you mean `{near}`?"), "there is no route `{name}`")
            }
            None => miette!("there is no route `{name}`"),
        });
    };
    let answer = |kind| Ok(Answer { route: name.to_owned(), kind });
    if answers(ask, engine, listener, route) {
        return answer(Kind::Already);
    }
    answer(match ask.wish(engine, listener, route, policy) {
        // What is refused before any route has been told already.
        Err(_) | Ok(Wish::Undecided) => Kind::Undecided,
        Ok(Wish::Elsewhere) => Kind::Elsewhere,
        Ok(Wish::Never(by)) => Kind::Never(by),
        Ok(Wish::Changed(changes)) => {
            let leads = |change: &Change| {
                let changed = ask.changed(change, program)?;
                answers(&changed, engine, listener, route).then_some(changed)
            };
            let needed = changes.iter().filter(|change| leads(change).is_some());
            let nearest = needed
                .map(|change| needed_of(ask, change, |some| leads(some).is_some()))
                .min_by_key(|change| far(ask, change));
            let found = nearest.and_then(|change| Some((leads(&change)?, change)));
            match (found, changes.iter().find(|change| ask.changed(change, program).is_none())) {
                (Some((changed, change)), _) => {
                    Kind::Changed(lines(ask, Some(&changed), &change, program), Box::new(changed))
                }
                (None, Some(unsaid)) => Kind::Unsaid(lines(ask, None, unsaid, program)),
                (None, None) => {
                    let refused =
                        |change| ask.changed(change, program)?.put(engine, listener).err();
                    match changes.iter().find_map(refused) {
                        Some(refusal) => Kind::Refused(refusal.fault.describe()),
                        None => Kind::Undecided,
                    }
                }
            }
        }
    })
}

fn answers(ask: &Ask, engine: &Engine, listener: ListenerId, route: RouteId) -> bool {
    ask.put(engine, listener)
        .is_ok_and(|rehearsal| rehearsal.explanation.decision == Decision::Route(route))
}

/// The most parts of a change of which all choices are tried.
const MOST_TRIED: usize = 6;

/// As little of a change as still leads there.
fn needed_of(ask: &Ask, change: &Change, leads: impl Fn(&Change) -> bool) -> Change {
    let parts = parts(ask, change);
    if parts.len() <= MOST_TRIED {
        let choices = 0..1_u32 << parts.len();
        let some = choices.map(|choice| {
            let left_out = parts.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 0);
            left_out.fold(change.clone(), |change, (_, part)| without(ask, change, part))
        });
        let mut some: Vec<Change> = some.collect();
        some.sort_by_key(|change| far(ask, change));
        return some.into_iter().find(|change| leads(change)).unwrap_or_else(|| change.clone());
    }
    parts.iter().fold(change.clone(), |change, part| {
        let less = without(ask, change.clone(), part);
        if leads(&less) { less } else { change }
    })
}

/// What a change consists of: what weighs most first.
#[derive(Clone, Copy)]
enum Part {
    Host,
    Path,
    Method,
    Who(SlotId),
    Slot(SlotId),
}

fn parts(ask: &Ask, change: &Change) -> Vec<Part> {
    let host = !ask.host().trim_end_matches('.').eq_ignore_ascii_case(&change.host);
    let head = [
        (host, Part::Host),
        (!change.same_path, Part::Path),
        (ask.method() != &*change.method, Part::Method),
    ];
    let head = head.into_iter().filter(|(changes, _)| *changes).map(|(_, part)| part);
    let who = change.who.iter().map(|(slot, _)| Part::Who(*slot));
    let slots = change.slots.iter().map(|(slot, _)| Part::Slot(*slot));
    head.chain(who).chain(slots).collect()
}

fn without(ask: &Ask, mut change: Change, part: &Part) -> Change {
    match part {
        Part::Host => change.host = ask.host().trim_end_matches('.').to_lowercase().into(),
        Part::Path => change.same_path = true,
        Part::Method => change.method = ask.method().into(),
        Part::Who(slot) => change.who.retain(|(who, _)| who != slot),
        Part::Slot(slot) => change.slots.retain(|(of, _)| of != slot),
    }
    change
}

/// How far the change leads away: by how many parts, and which.
fn far(ask: &Ask, change: &Change) -> (usize, u32) {
    let parts = parts(ask, change);
    let weight = |part: &Part| match part {
        Part::Host => 4,
        Part::Path => 3,
        Part::Method => 2,
        Part::Who(_) | Part::Slot(_) => 1,
    };
    (parts.len(), parts.iter().map(weight).sum())
}

fn lines(ask: &Ask, changed: Option<&Ask>, change: &Change, program: &Program) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |what: &str, from: &str, to: &str| {
        if from != to {
            lines.push(Line {
                what: what.to_owned(),
                from: Some(from.to_owned()),
                to: to.to_owned(),
            });
        }
    };
    line("method", ask.method(), &change.method);
    if let Some(changed) = changed {
        line("host", ask.authority(), changed.authority());
    }
    if !change.same_path {
        line("path", ask.path(), &change.path);
    }
    for (slot, claims) in &change.who {
        let Some(slot) = program.slot(*slot) else { continue };
        let auth = slot.key.as_deref().unwrap_or_default();
        let said = |asked: &Ask| asked.who_of(auth).map(str::to_owned);
        let to = match (changed.and_then(said), claims) {
            (Some(words), _) => words,
            (None, Value::Absent) => "absent".to_owned(),
            (None, _) => format!("{auth}(…)"),
        };
        if said(ask).as_deref().unwrap_or("absent") != to {
            lines.push(Line { what: slot.written(), from: None, to });
        }
    }
    for (slot, value) in &change.slots {
        let Some(slot) = program.slot(*slot) else { continue };
        let what = slot.written();
        let mut to = value.to_string();
        if &*slot.field == "req.json" {
            to.clear();
            lang::document::write(value, &mut to);
        }
        lines.push(Line { what, from: None, to });
        if *value == Value::Absent
            && let Some(line) = lines.last_mut()
        {
            "absent".clone_into(&mut line.to);
        }
    }
    lines
}

impl Line {
    fn words(&self) -> String {
        match &self.from {
            Some(from) => format!("{} {} instead of {from}", self.what, self.to),
            None if self.to == "absent" => format!("without {}", self.what),
            None => format!("{} = {}", self.what, self.to),
        }
    }
}

impl Answer {
    /// As lines of text.
    pub(super) fn human(&self, program: &Program) -> String {
        let route = &self.route;
        let list = |lines: &[Line]| -> String {
            lines.iter().map(|line| format!("  {}\n", line.words())).collect()
        };
        match &self.kind {
            Kind::Already => format!("{route} answers it as it is\n"),
            Kind::Changed(lines, ask) => {
                format!("{route} would answer with\n{}that is {}\n", list(lines), ask.text())
            }
            Kind::Never(by) if by.is_empty() => {
                let of = match program.inputs.is_empty() {
                    true => "",
                    false => " with these values of inputs (`--with` gives others)",
                };
                format!("no request to this listener fits {route}: its conditions never hold{of}\n")
            }
            Kind::Never(by) => {
                let names: Vec<&str> = by.iter().map(|id| name(program, *id)).collect();
                format!("no request reaches {route}: {} always come first\n", names.join(", "))
            }
            Kind::Elsewhere => format!("{route} is not on this listener\n"),
            Kind::Unsaid(lines) => format!(
                "{route} would answer with\n{}which `gwc why` cannot send, so it was not rehearsed\n",
                list(lines)
            ),
            Kind::Refused(reason) => format!(
                "no request can be proposed for {route}: what would lead there is refused before any route: {reason}\n"
            ),
            Kind::Undecided => {
                format!(
                    "no request can be proposed for {route}: something that is asked is computed\n"
                )
            }
        }
    }

    /// The route whose conditions are all that can be told.
    pub(super) fn undecided(&self, program: &Program) -> Option<RouteId> {
        let is_undecided = matches!(self.kind, Kind::Undecided | Kind::Refused(_));
        program.route_named(&self.route).filter(|_| is_undecided)
    }

    /// As an object.
    pub(super) fn json(&self, program: &Program) -> serde_json::Value {
        let list = |lines: &[Line]| -> Vec<serde_json::Value> {
            let line = |line: &Line| json!({ "what": line.what, "from": line.from, "to": line.to });
            lines.iter().map(line).collect()
        };
        let (verdict, changes, request, by) = match &self.kind {
            Kind::Already => ("answers", Vec::new(), None, Vec::new()),
            Kind::Changed(lines, ask) => ("changed", list(lines), Some(ask.text()), Vec::new()),
            Kind::Never(by) => {
                ("never", Vec::new(), None, by.iter().map(|id| name(program, *id)).collect())
            }
            Kind::Elsewhere => ("elsewhere", Vec::new(), None, Vec::new()),
            Kind::Unsaid(lines) => ("not-rehearsed", list(lines), None, Vec::new()),
            Kind::Refused(_) => ("refused", Vec::new(), None, Vec::new()),
            Kind::Undecided => ("undecided", Vec::new(), None, Vec::new()),
        };
        json!({
            "route": self.route,
            "verdict": verdict,
            "changes": changes,
            "request": request,
            "first": by,
        })
    }
}

fn name(program: &Program, id: RouteId) -> &str {
    program.route(id).map_or("?", |route| &route.name)
}
