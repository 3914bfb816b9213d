//! The ground of a module that is left out: every request of it is answered 503, so that none falls to a broader route
//! of somebody else.

use super::args::respan;
use super::context::{Context, Scope, When};
use super::modules::Team;
use super::routes::Planned;
use super::steps::{Flow, statement};
use crate::policy::{Route, Step, StepKind};
use crate::source::Span;
use crate::syntax::{Tree, ast};
use crate::vocab::Phase;

/// What such a route does. It is text, because a verb's row is the vocabulary's.
pub(super) const ANSWER: &str = "route closed { respond 503 }\n";

/// The routes that stand for a module which is left out, one for each ground.
pub(super) fn routes<'a>(cx: &mut Context<'a>, answer: &'a Tree) -> Vec<(usize, Planned)> {
    let known = cx.diags.len();
    let mut planned = Vec::new();
    for at in 0..cx.teams.len() {
        let steps = if cx.teams.get(at).is_some_and(|team| team.closed) {
            steps(cx, answer)
        } else {
            continue;
        };
        let Some(team) = cx.teams.get(at) else { continue };
        planned.extend(of(team, &steps).map(|one| (at, one)));
    }
    // The text is ours: whatever is said of it is nobody's business.
    cx.diags.truncate(known);
    planned
}

fn steps<'a>(cx: &mut Context<'a>, answer: &'a Tree) -> Vec<Step> {
    cx.repeating += 1;
    let mut flow = Flow::new();
    let mut scope = Scope::new(0, When::Step(Phase::Route));
    for item in ast::items(answer) {
        for stmt in item.head().block().into_iter().flat_map(|block| block.stmts()) {
            statement(cx, &mut scope, &mut flow, stmt, "route");
        }
    }
    cx.repeating -= 1;
    flow.steps
}

fn of<'t>(team: &'t Team<'_>, steps: &'t [Step]) -> impl Iterator<Item = Planned> + 't {
    team.grant.grounds.iter().enumerate().map(move |(nth, ground)| {
        let name = match nth {
            0 => format!("{}.closed", team.name),
            _ => format!("{}.closed@{}", team.name, nth + 1),
        };
        let route = Route {
            name: name.into(),
            module: None,
            listeners: Vec::new(),
            hosts: vec![(ground.host.clone(), ground.span)],
            paths: vec![(ground.path.clone(), ground.span)],
            methods: None,
            conditions: Vec::new(),
            captures: super::path::captured(&ground.path),
            steps: steps.iter().map(|step| placed(step, ground.span)).collect(),
            doc: "Stands for a module that could not be loaded.".into(),
            span: ground.span,
            item: ground.span,
        };
        Planned { route, listeners: team.grant.listeners.clone() }
    })
}

/// A statement as if it stood at `span`.
fn placed(step: &Step, span: Span) -> Step {
    let mut step = Step { span, ..step.clone() };
    if let StepKind::Act(call) = &mut step.kind {
        call.args =
            std::mem::take(&mut call.args).into_iter().map(|arg| respan(arg, span)).collect();
    }
    step
}
