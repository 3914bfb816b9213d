//! What is wrong with the order, in the words of the policy: names, places and mends for the diagnostics of `lang`.

use std::collections::BTreeSet;

use lang::diag::ambiguous_paths::ambiguous_paths;
use lang::diag::ambiguous_routes::ambiguous_routes;
use lang::diag::circular_before::circular_before;
use lang::diag::contrary_before::contrary_before;
use lang::diag::disagreement::disagreement as disagreement_diag;
use lang::diag::duplicate_route::duplicate_route;
use lang::diag::idle_before::idle_before;
use lang::diag::impossible_route::{Asked, impossible_route};
use lang::diag::undecided_order::{undecided_many, undecided_narrower, undecided_order};
use lang::diag::undecided_reach::undecided_reach as undecided_reach_diag;
use lang::diag::unreachable_route::unreachable_route;
use lang::policy::{Host, Policy, Route, RouteId};
use lang::{Diag, Span};

use crate::order::cells::{Cell, Group, Place};
use crate::order::standing::{By, Standing};
use crate::order::witness::Witness;
use crate::order::{Findings, Places, Twins, Verdict, Why};
use crate::program::{Program, Step, StepKind};
use crate::proof::opaque::reason;
use crate::requirement::asked;
use crate::space::{Blame, Door};
use lang::segment::common_path;
use lang::vocab::ExprId;

/// Why a route is not reached.
pub(crate) struct Covered {
    /// The routes that take all it could, in the order they are tried. None where its own condition never holds.
    pub(crate) by: Vec<RouteId>,
    /// A request it would take, and the route that answers it.
    pub(crate) sample: Option<(Witness, RouteId)>,
}

/// A request that two members of a cell both take.
pub(super) type Example<'e> = &'e mut dyn FnMut(usize, (usize, usize)) -> Option<Verdict>;

/// Nothing says which of the two is tried first.
pub(super) fn ambiguous(
    places: &Places<'_>,
    (a, b): (Place, Place),
    host: &Host,
    (why, example): (Why, Example<'_>),
    door: Door<'_>,
    findings: &mut Findings,
) {
    let Some((a, b)) = later_first(places, a, b) else { return };
    if !findings.tell(a.route, b.route) || findings.is_crowded(a.route, b.route) {
        return;
    }
    let (Some(one), Some(other)) = (route(places, a.route), route(places, b.route)) else { return };
    let shown = |witness: &Witness| witness.text(places.program, door);
    let path_span = |of: &Route, place: Place| {
        let written = of.paths.get(place.path).map(|(_, span)| *span);
        written.filter(|span| !span.is_empty()).unwrap_or(of.span)
    };
    let because = |diag: Diag, blamed: &[Blame]| match opaque(places, [a.route, b.route], blamed) {
        Some((span, why)) => diag.label(span, why),
        None => diag,
    };
    let diag = match why {
        Why::Paths(witness) => {
            let patterns = (one.paths.get(a.path), other.paths.get(b.path));
            let plain = || {
                let (Some((x, _)), Some((y, _))) = patterns else { return String::new() };
                let path = common_path(x, y);
                path.map(|path| Witness::new((host, &path), Vec::new(), &[]).path)
                    .unwrap_or_default()
            };
            let example = witness.as_ref().map_or_else(plain, shown);
            ambiguous_paths(
                (&one.name, path_span(one, a)),
                (&other.name, path_span(other, b)),
                &example,
            )
        }
        Why::Conditions(cell, pair) => {
            let (one, other) = ((&*one.name, one.span), (&*other.name, other.span));
            match example(cell, pair) {
                Some(Verdict::Decided(_, Some(witness))) => {
                    ambiguous_routes(one, other, &shown(&witness))
                }
                Some(Verdict::Disagreement(witness)) => {
                    findings.diags.push(disagreement_diag(one, other, &shown(&witness)));
                    return;
                }
                Some(Verdict::Undecided(blamed)) => because(undecided_order(one, other), &blamed),
                Some(Verdict::Unordered(witness, blamed)) => {
                    because(undecided_narrower(one, other, &shown(&witness)), &blamed)
                }
                _ => undecided_order(one, other),
            }
        }
        Why::Undecided => undecided_order((&one.name, one.span), (&other.name, other.span)),
        Why::TooMany => {
            let diag = undecided_many((&one.name, one.span), (&other.name, other.span));
            findings.diags.push(diag);
            return;
        }
    };
    let diag = mend(places.policy, diag, a.route, b.route);
    findings.diags.push(mend(places.policy, diag, b.route, a.route));
}

/// Both take exactly the same requests here: a listener, how requests come to it, and a cell of a group on it.
pub(super) fn duplicate(
    places: &Places<'_>,
    (a, b): (RouteId, RouteId),
    (listener, door, group, cell): (usize, Door<'_>, &Group, &Cell),
    example: impl FnOnce() -> Verdict,
    findings: &mut Findings,
) {
    let at = |id| cell.members.iter().find(|place| place.route == id).copied();
    let Some((later, first)) = at(a).zip(at(b)).and_then(|(a, b)| later_first(places, a, b)) else {
        return;
    };
    let routes = (later.route, first.route);
    if !findings.tell(later.route, first.route) {
        let is_here =
            |known: &&mut Twins| known.place.0 == group.host && known.place.1 == cell.path;
        if let Some(known) = findings.twins.get_mut(&routes).filter(is_here) {
            known.listeners.insert(listener);
        }
        return;
    }
    if findings.is_crowded(later.route, first.route) {
        return;
    }
    let example = match example() {
        Verdict::Decided(_, Some(witness)) => Some(witness.text(places.program, door)),
        Verdict::Disagreement(witness) => {
            if let (Some(one), Some(other)) =
                (route(places, later.route), route(places, first.route))
            {
                let example = witness.text(places.program, door);
                findings.diags.push(disagreement_diag(
                    (&one.name, one.span),
                    (&other.name, other.span),
                    &example,
                ));
            }
            return;
        }
        Verdict::Decided(..) | Verdict::Undecided(_) | Verdict::Unordered(..) => None,
    };
    let twins = Twins {
        place: (group.host.clone(), cell.path.clone()),
        listeners: BTreeSet::from([listener]),
        example,
        diag: findings.diags.len(),
    };
    findings.diags.extend(told(places, routes, &twins));
    findings.twins.insert(routes, twins);
}

/// Tells again of routes that take the same requests, once it is known on which listeners they do.
pub(super) fn duplicates(places: &Places<'_>, findings: &mut Findings) {
    for (routes, twins) in &findings.twins {
        let diag = findings.diags.get_mut(twins.diag);
        if let (Some(diag), Some(told)) = (diag, told(places, *routes, twins)) {
            *diag = told;
        }
    }
}

fn told(places: &Places<'_>, (id, first): (RouteId, RouteId), twins: &Twins) -> Option<Diag> {
    let (route, other) = (route(places, id)?, route(places, first)?);
    let same = same_outcome(places.program, id, first);
    let several = |route: &Route| route.hosts.len() > 1 || route.paths.len() > 1;
    let asks = |route: &Route| !route.conditions.is_empty();
    let stands = |route: &Route| {
        let hosts: BTreeSet<String> =
            route.hosts.iter().map(|(host, _)| host.to_string()).collect();
        let paths: BTreeSet<String> =
            route.paths.iter().map(|(path, _)| path.to_string()).collect();
        (hosts, paths)
    };
    // A condition may ask for the host or path, and hold of this one only.
    let everywhere = !asks(route) && !asks(other) && stands(route) == stands(other);
    let at = (!everywhere && (several(route) || several(other))).then(|| match &twins.place {
        (Host::Any, path) => path.to_string(),
        (host, path) => format!("{host}{path}"),
    });
    // Nor is it said of listeners on which one of them stands alone, or takes something else.
    let mut on = route.listeners.iter().chain(&other.listeners);
    let names: Vec<&str> = match on.all(|listener| twins.listeners.contains(listener)) {
        true => Vec::new(),
        false => {
            let blocks = twins.listeners.iter().filter_map(|at| places.policy.blocks.get(*at));
            blocks.map(|block| &*block.name).collect()
        }
    };
    Some(duplicate_route(
        (&route.name, route.span),
        (&other.name, other.span),
        (twins.example.as_deref(), at.as_deref(), &names),
        same,
        route.item,
    ))
}

/// The interpreter disagrees with what was decided.
pub(super) fn disagreement(
    places: &Places<'_>,
    (a, b): (RouteId, RouteId),
    witness: &Witness,
    door: Door<'_>,
    findings: &mut Findings,
) {
    if !findings.tell(a, b) {
        return;
    }
    if let (Some(one), Some(other)) = (route(places, a), route(places, b)) {
        let example = witness.text(places.program, door);
        findings.diags.push(disagreement_diag(
            (&one.name, one.span),
            (&other.name, other.span),
            &example,
        ));
    }
}

/// These lines of `before` lead in a circle.
pub(super) fn circular(places: &Places<'_>, lines: &[usize], findings: &mut Findings) {
    let lines = lines.iter().filter_map(|at| places.policy.before.get(*at));
    let mut named: Vec<(&str, &str, (Span, Span))> = Vec::new();
    let mut first = None;
    for line in lines {
        let routes = (route(places, line.first), route(places, line.second));
        if let (Some(a), Some(b)) = routes {
            named.push((&a.name, &b.name, (line.span, line.whole)));
            first = first.or(Some((line.first, line.second)));
            findings.blamed.extend([line.first, line.second]);
        }
    }
    // The same circle may show at many hosts and paths.
    if let Some((a, b)) = first
        && findings.told.insert((a, b))
    {
        findings.diags.push(circular_before(&named));
    }
}

/// A `before` against a rule.
pub(super) fn contrary(places: &Places<'_>, line: usize, by: By, findings: &mut Findings) {
    let Some(line) = places.policy.before.get(line) else { return };
    let (Some(first), Some(second)) = (route(places, line.first), route(places, line.second))
    else {
        return;
    };
    let what = match by {
        By::Host => "host",
        By::Path => "path",
        By::Condition => "condition",
    };
    let hides = by == By::Condition || (first.methods.is_none() && first.conditions.is_empty());
    let second = (&*second.name, second.span);
    findings.blamed.extend([line.first, line.second]);
    findings.diags.push(contrary_before((line.span, line.whole), &first.name, second, what, hides));
}

/// A `before` that changes nothing.
pub(super) fn idle(
    places: &Places<'_>,
    line: usize,
    standings: &BTreeSet<Standing>,
    told: bool,
    findings: &mut Findings,
) {
    let Some(line) = places.policy.before.get(line) else { return };
    let (Some(first), Some(second)) = (route(places, line.first), route(places, line.second))
    else {
        return;
    };
    let by = standings.iter().find_map(|standing| match standing {
        Standing::Before(by) => Some(*by),
        _ => None,
    });
    let reason = match by {
        _ if told => "this was said before".to_owned(),
        Some(By::Host) => format!("`{}` has the narrower host, and comes first anyway", first.name),
        Some(By::Path) => format!("`{}` has the narrower path, and comes first anyway", first.name),
        Some(By::Condition) => format!("`{}` is narrower, and comes first anyway", first.name),
        None => "no request is taken by both".to_owned(),
    };
    let place = (line.span, line.whole);
    findings.diags.push(idle_before(place, &first.name, &second.name, &reason));
}

/// A route that never answers.
pub(super) fn unreachable(
    places: &Places<'_>,
    id: RouteId,
    covered: &Covered,
    door: Door<'_>,
    findings: &mut Findings,
) {
    let Some(this) = route(places, id) else { return };
    let name = (&*this.name, this.span);
    if covered.by.is_empty() {
        let condition = this.conditions.first().map(|condition| condition.span);
        let conditions = places.program.route(id).into_iter().flat_map(|route| &route.conditions);
        let asked = asked(places.program, conditions.map(|(id, _)| *id));
        let mut others: Vec<(Span, &str)> = Vec::new();
        let written = |span: &Span| !span.is_empty() && *span != this.span;
        if asked.contains(&Asked::Host) {
            others.extend(
                this.hosts.iter().map(|(_, span)| *span).filter(written).map(|span| (span, "host")),
            );
        }
        if asked.contains(&Asked::Path) {
            others.extend(
                this.paths.iter().map(|(_, span)| *span).filter(written).map(|span| (span, "path")),
            );
        }
        if asked.contains(&Asked::Method)
            && let Some((_, span)) = &this.methods
        {
            others.push((*span, "methods"));
        }
        others.truncate(MOST_LABELS);
        findings.diags.push(impossible_route(name, condition, &others, &asked));
        return;
    }
    let covers: Vec<(&str, Span)> = covered
        .by
        .iter()
        .filter_map(|cover| route(places, *cover))
        .map(|cover| (&*cover.name, cover.span))
        .collect();
    let sample = covered.sample.as_ref().and_then(|(witness, by)| {
        let example = witness.text(places.program, door);
        Some((example, &route(places, *by)?.name, same_outcome(places.program, id, *by)))
    });
    let sample = sample.as_ref().map(|(example, by, same)| (example.as_str(), &***by, *same));
    let mut diag = unreachable_route(name, &covers, sample, this.item);
    for line in &places.policy.before {
        if line.second == id && covered.by.contains(&line.first) {
            diag = diag.label(line.span, "because this puts it in front");
        }
    }
    findings.diags.push(diag);
}

/// Tells of the routes that may never answer, for all that is known.
pub(super) fn undecided_reach(
    places: &Places<'_>,
    routes: &BTreeSet<RouteId>,
    findings: &mut Findings,
) {
    let routes: Vec<(&str, Span)> = routes
        .iter()
        .filter_map(|id| route(places, *id))
        .map(|route| (&*route.name, route.span))
        .collect();
    findings.diags.extend(undecided_reach_diag(&routes));
}

/// Parts of a route that are pointed at beside the condition that contradicts them.
const MOST_LABELS: usize = 4;

impl Findings {
    /// Notes that something is said about two routes; false if it was before.
    fn tell(&mut self, a: RouteId, b: RouteId) -> bool {
        self.blamed.extend([a, b]);
        self.told.insert((a.min(b), a.max(b)))
    }
}

fn route<'p>(places: &Places<'p>, id: RouteId) -> Option<&'p Route> {
    places.policy.routes.get(id.0 as usize)
}

/// The one written later first: that is the one to be pointed at.
fn later_first(places: &Places<'_>, a: Place, b: Place) -> Option<(Place, Place)> {
    let (one, other) = (route(places, a.route)?, route(places, b.route)?);
    let key = |route: &Route| (route.span.source, route.span.start);
    Some(if key(one) >= key(other) { (a, b) } else { (b, a) })
}

/// The first condition of two routes that cannot be followed: where it is written, and why.
fn opaque(places: &Places<'_>, routes: [RouteId; 2], blamed: &[Blame]) -> Option<(Span, String)> {
    let program = places.program;
    let conditions =
        || routes.iter().filter_map(|id| program.route(*id)).flat_map(|route| &route.conditions);
    blamed.iter().find_map(|blame| {
        let holds = |(condition, _): &&(ExprId, Span)| within(program, *condition, blame.expr);
        let (_, span) = conditions().find(holds)?;
        Some((*span, reason(program, &[], blame)?.0))
    })
}

/// Whether an expression is another one, or has it in it.
fn within(program: &Program, id: ExprId, other: Option<ExprId>) -> bool {
    let mut found = Some(id) == other;
    program.expr(id).each_operand(&mut |operand| found |= within(program, operand, other));
    found
}

/// Whether two routes do the same with a request.
fn same_outcome(program: &Program, a: RouteId, b: RouteId) -> bool {
    let (Some(a), Some(b)) = (program.route(a), program.route(b)) else { return false };
    same_steps(&a.steps, &b.steps)
}

fn same_steps(a: &[Step], b: &[Step]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| match (&a.kind, &b.kind) {
            // Equal expressions are one, so their numbers tell.
            (StepKind::Let(_, a), StepKind::Let(_, b)) => a == b,
            (StepKind::Act(a), StepKind::Act(b)) => {
                a.action == b.action && a.args == b.args && a.place == b.place && a.arms == b.arms
            }
            (StepKind::Always(a), StepKind::Always(b)) => same_steps(a, b),
            _ => false,
        })
}

/// Adds the mend that says `first before second`, where the file of the first has a name for the second.
fn mend(policy: &Policy, diag: Diag, first: RouteId, second: RouteId) -> Diag {
    let routes = (policy.routes.get(first.0 as usize), policy.routes.get(second.0 as usize));
    let (Some(one), Some(other)) = routes else { return diag };
    let Some(name) = name_in(policy, one, other) else { return diag };
    let said = policy.before.iter().rfind(|line| line.first == first).map(|line| line.span);
    let (at, text) = match said {
        Some(span) => (span, format!(", {name}")),
        None => (one.span, format!(" before {name}")),
    };
    let end = Span { start: at.end, ..at };
    diag.fix(format!("try `{}` before `{}`", one.name, other.name), end, text)
}

/// The name that one route's file is sure to have for another: of a route of its own, or, in the first file, of a module.
fn name_in<'p>(policy: &'p Policy, one: &'p Route, other: &'p Route) -> Option<&'p str> {
    let module = other.module.and_then(|at| policy.modules.get(at));
    if one.span.source != other.span.source {
        return module.filter(|module| module.span.source == one.span.source).map(|_| &*other.name);
    }
    let own = |route: &'p Route| -> &'p str {
        let bare =
            module.and_then(|module| route.name.strip_prefix(&*module.name)?.strip_prefix('.'));
        bare.unwrap_or(&route.name)
    };
    match own(other).split_once('.') {
        Some((site, bare)) if own(one).split_once('.').is_some_and(|(same, _)| site == same) => {
            Some(bare)
        }
        _ => Some(own(other)),
    }
}
