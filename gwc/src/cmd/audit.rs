//! `gwc audit`: what a reviewer asks of a policy that is right in itself. It lists and judges nothing.

use std::collections::HashSet;
use std::path::PathBuf;

use clap::ValueEnum;
use compiler::program::{Expr, Program, Step};
use compiler::requirement::{Met, requirements};
use lang::diag::proved_by_default;
use lang::diag::unproved_assert::proved_all_the_same;
use lang::policy::{
    Assert, Expr as Written, ExprKind, From, Host, InputId, Policy, Route, StepKind,
};
use lang::vocab::identity::{CLAIMS, provider};
use lang::vocab::{Ends, ExprId, Form};
use lang::{Diag, Sources, Span, Ty, Value};
use serde_json::{Value as Json, json};

use crate::report::{self, Color};
use crate::{Outcome, load};

mod redirects;

/// Lists what a policy leaves open: claims without a proof, secrets and where they go, certificates that nobody verifies,
/// routes that ask for nothing, redirects that lead where the request says, auths that take anybody's tokens, addresses that are believed, modules and what they own
///
/// Exit status: 0 when the list is written, 1 when the policy has errors, 2 when it could not be read.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// How the list is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
}

/// A line of the list: what it is about, and where that stands.
struct Line {
    name: String,
    detail: String,
    place: Option<Span>,
}

/// A part of the list.
struct Section {
    /// Its name for scripts.
    key: &'static str,
    title: &'static str,
    lines: Vec<Line>,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let check = load::check(&args.path)?;
    let errors = check.found().filter(|(_, diag)| diag.is_error());
    report::human::print_all(errors, Color::Auto);
    let Some(program) = &check.program else { return Ok(Outcome::Faulty) };
    let requirements = requirements(&check.policy, program).into_iter();
    let met = requirements.filter(|required| required.met == Met::ByAll);
    let met = met.map(|required| (required.route.0 as usize, required.span)).collect();
    let (policy, sources, diags) = (&check.policy, &check.sources, &check.diags);
    let desk = Desk { policy, program, sources, diags, met };
    let sections = [
        Section { key: "unproved", title: "claims without a proof", lines: desk.unproved() },
        Section {
            key: "by_default",
            title: "claims that are proved for the defaults of inputs",
            lines: desk.by_default(),
        },
        Section { key: "secrets", title: "secrets, and where they go", lines: desk.secrets() },
        Section {
            key: "unverified",
            title: "upstreams whose certificates are not verified",
            lines: desk.unverified(),
        },
        Section { key: "public", title: "routes that ask for nothing", lines: desk.public() },
        Section {
            key: "unidentified",
            title: "routes that ask for something, but not who asks",
            lines: desk.unidentified(),
        },
        Section {
            key: "unbound",
            title: "auths that do not say whose tokens they take, or for whom",
            lines: desk.unbound(),
        },
        Section {
            key: "redirects",
            title: "redirects that lead where the request says",
            lines: desk.redirects(),
        },
        Section { key: "limits", title: "limits, and what they count", lines: desk.limits() },
        Section { key: "trusts", title: "addresses that are believed", lines: desk.trusts() },
        Section { key: "modules", title: "modules, and what they own", lines: desk.modules() },
    ];
    // A policy without modules, auths, open redirects or claims on inputs needs no line that says so.
    let sections: Vec<Section> = sections
        .into_iter()
        .filter(|section| {
            !["modules", "by_default", "redirects"].contains(&section.key)
                || !section.lines.is_empty()
        })
        .filter(|section| !["unidentified", "unbound"].contains(&section.key) || desk.has_auths())
        .collect();
    let text = match args.format {
        Format::Human => {
            let text: String = sections.iter().map(|section| desk.human(section)).collect();
            report::seen(&text).into_owned()
        }
        Format::Json => {
            let parts = sections.iter().map(|section| {
                let lines = section.lines.iter().map(|line| desk.json(line)).collect();
                (section.key.to_owned(), Json::Array(lines))
            });
            format!("{:#}\n", Json::Object(parts.collect()))
        }
    };
    report::print(&text)?;
    Ok(Outcome::Clean)
}

/// What the list is made from.
struct Desk<'d> {
    policy: &'d Policy,
    program: &'d Program,
    sources: &'d Sources,
    /// What its check found: whether a claim is proved all the same.
    diags: &'d [Diag],
    /// The requirements that every request meets which comes to them, by route.
    met: HashSet<(usize, Span)>,
}

impl Desk<'_> {
    fn unproved(&self) -> Vec<Line> {
        let lines = self.policy.asserts.iter().filter_map(|assert| {
            let said = assert.unproved.as_ref()?;
            let detail = said.why.to_string();
            if self.diags.contains(&proved_all_the_same(assert.span, &assert.name, said.span)) {
                return None;
            }
            Some(Line { name: assert.name.to_string(), detail, place: Some(assert.span) })
        });
        lines.collect()
    }

    /// Claims that hold with the defaults of inputs, and perhaps not with other values.
    fn by_default(&self) -> Vec<Line> {
        let said = |assert: &Assert| {
            let of = self.diags.iter().find(|diag| {
                diag.code == proved_by_default::ENTRY.code && diag.span() == assert.span
            });
            let label = of.and_then(|diag| diag.labels.first());
            Some(Line {
                name: assert.name.to_string(),
                detail: label?.text.clone(),
                place: Some(assert.span),
            })
        };
        self.policy.asserts.iter().filter_map(said).collect()
    }

    fn secrets(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (at, input) in self.policy.inputs.iter().enumerate() {
            if *input.ty.present() != Ty::Secret {
                continue;
            }
            let from = match &input.from {
                From::Given => "given on loading".to_owned(),
                From::Env(name) => format!("from the environment variable {name}"),
                From::File(path) => format!("from the file {path}"),
            };
            let name = input.name.to_string();
            lines.push(Line { name: name.clone(), detail: from, place: Some(input.span) });
            let mut seen = HashSet::new();
            let uses = self.uses(InputId(at as u32));
            let uses: Vec<Span> = uses.into_iter().filter(|span| seen.insert(*span)).collect();
            if uses.is_empty() {
                lines.push(Line { name, detail: "goes nowhere".to_owned(), place: None });
                continue;
            }
            lines.extend(uses.into_iter().map(|span| Line {
                name: name.clone(),
                detail: format!("goes into `{}`", self.text(span)),
                place: Some(span),
            }));
        }
        lines
    }

    /// The lines that read an input.
    fn uses(&self, input: InputId) -> Vec<Span> {
        let mut spans = Vec::new();
        let settings = self.program.blocks.iter().flat_map(|block| &block.settings);
        let settings = settings.map(|setting| (setting.args.clone(), setting.span));
        let routes = self.program.routes.iter();
        let conditions =
            routes.clone().flat_map(|r| r.conditions.iter().map(|(id, span)| (vec![*id], *span)));
        let steps = routes.flat_map(|r| r.steps.iter().map(|step| (Step::exprs(step), step.span)));
        for (roots, span) in settings.chain(conditions).chain(steps) {
            if self.reads(roots, input) {
                spans.push(span);
            }
        }
        spans
    }

    fn reads(&self, roots: Vec<ExprId>, input: InputId) -> bool {
        let mut seen = HashSet::new();
        let mut open = roots;
        while let Some(id) = open.pop() {
            let expr = self.program.expr(id);
            if matches!(expr, Expr::Input(read) if *read == input) {
                return true;
            }
            if seen.insert(id) {
                expr.each_operand(&mut |operand| open.push(operand));
            }
        }
        false
    }

    fn unverified(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let blocks = self.policy.blocks.iter().zip(&self.program.blocks);
        for (block, lowered) in blocks.filter(|(block, _)| block.row.name == "upstream") {
            for (setting, lowered) in block.settings.iter().zip(&lowered.settings) {
                let verify = setting.row.place_of("verify");
                let verify = verify.and_then(|at| lowered.args.get(at));
                let detail = match verify.map(|id| self.program.expr(*id)) {
                    None | Some(Expr::Const(Value::Bool(true))) => continue,
                    Some(Expr::Const(_)) => "never",
                    Some(_) => "as an input says",
                };
                lines.push(Line {
                    name: block.name.to_string(),
                    detail: format!("{detail}: `{}`", self.text(setting.span)),
                    place: Some(setting.span),
                });
            }
        }
        lines
    }

    /// Routes that are answered without a requirement, by listener.
    fn public(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (at, block) in self.policy.blocks.iter().enumerate() {
            for (number, route) in self.routes_on(at) {
                if !self.asks(number, route) && !identifies(route) {
                    lines.push(Line {
                        name: route.name.to_string(),
                        detail: format!("on {}: {}", block.name, self.takes(route)),
                        place: Some(route.span),
                    });
                }
            }
        }
        lines
    }

    /// The routes on a listener, with their numbers.
    fn routes_on(&self, listener: usize) -> impl Iterator<Item = (usize, &Route)> {
        let routes = self.policy.routes.iter().enumerate();
        routes.filter(move |(_, route)| route.listeners.contains(&listener))
    }

    /// Whether something is required before the route answers that not every request meets.
    fn asks(&self, number: usize, route: &Route) -> bool {
        let is_met =
            |condition: &Written| always(condition) || self.met.contains(&(number, condition.span));
        required(route).any(|condition| !is_met(condition))
    }

    fn has_auths(&self) -> bool {
        self.policy.blocks.iter().any(|block| provider(block.row.name).is_some())
    }

    /// Routes that are answered to somebody of whom it is not known who he is, although they require something, by listener.
    fn unidentified(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (at, block) in self.policy.blocks.iter().enumerate() {
            for (number, route) in self.routes_on(at) {
                if self.asks(number, route) && !identifies(route) {
                    lines.push(Line {
                        name: route.name.to_string(),
                        detail: format!("on {}: {}", block.name, self.takes(route)),
                        place: Some(route.span),
                    });
                }
            }
        }
        lines
    }

    /// Auths that take the tokens of any issuer, or tokens that are meant for nobody in particular.
    fn unbound(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let blocks = self.policy.blocks.iter();
        for block in blocks.filter(|block| provider(block.row.name).is_some()) {
            let says = |name: &str| block.settings.iter().any(|line| line.row.name == name);
            let missing = [
                ("issuer", "no `issuer`: anybody's whose key is known"),
                ("audience", "no `audience`: those that say for nobody in particular"),
            ];
            lines.extend(missing.iter().filter(|(name, _)| !says(name)).map(|(_, detail)| Line {
                name: block.name.to_string(),
                detail: (*detail).to_owned(),
                place: Some(block.span),
            }));
        }
        lines
    }

    /// Methods, hosts and paths of a route.
    fn takes(&self, route: &Route) -> String {
        let methods = match &route.methods {
            Some((methods, _)) => methods.iter().map(|m| &**m).collect::<Vec<_>>().join("/"),
            None => "any method".to_owned(),
        };
        let written = |span: Span| self.text(span).trim_matches('"').to_owned();
        let hosts = route.hosts.iter().map(|(host, span)| match host {
            Host::Any => "any host".to_owned(),
            _ => written(*span),
        });
        let paths = route.paths.iter().map(|(_, span)| match *span == route.span {
            true => "/**".to_owned(),
            false => written(*span),
        });
        let list = |all: Vec<String>| all.join(", ");
        let mut text = format!("{methods}, {}, {}", list(hosts.collect()), list(paths.collect()));
        for condition in &route.conditions {
            text.push_str(&format!(", where {}", self.text(condition.span)));
        }
        text
    }

    /// Statements that send a client where the request says.
    fn redirects(&self) -> Vec<Line> {
        let lines = self.policy.routes.iter().flat_map(|route| {
            redirects::led(route).into_iter().map(|step| Line {
                name: route.name.to_string(),
                detail: format!("`{}`", self.text(step.span)),
                place: Some(step.span),
            })
        });
        lines.collect()
    }

    /// Each limit with the routes that apply it.
    fn limits(&self) -> Vec<Line> {
        let mut lines: Vec<(&str, Span, Vec<&str>)> = Vec::new();
        for route in &self.policy.routes {
            for step in &route.steps {
                let StepKind::Act(call) = &step.kind else { continue };
                let name = call.args.first().filter(|_| matches!(call.row.form, Form::Applied));
                let Some(ExprKind::Const(Value::Item(name))) = name.map(|name| &name.kind) else {
                    continue;
                };
                match lines.iter_mut().find(|(known, span, _)| (*known, *span) == (name, step.span))
                {
                    Some((.., routes)) => routes.push(&route.name),
                    None => lines.push((name, step.span, vec![&route.name])),
                }
            }
        }
        let lines = lines.into_iter().map(|(name, span, routes)| Line {
            name: name.to_owned(),
            detail: format!("`{}` counts {}", self.text(span), routes.join(", ")),
            place: Some(span),
        });
        lines.collect()
    }

    fn trusts(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for block in &self.policy.blocks {
            for setting in block.settings.iter().filter(|setting| setting.row.name == "trust") {
                lines.push(Line {
                    name: block.name.to_string(),
                    detail: format!("`{}`", self.text(setting.span)),
                    place: Some(setting.span),
                });
            }
        }
        lines
    }

    /// What each module owns, and which routes of others lie within that.
    fn modules(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (at, module) in self.policy.modules.iter().enumerate() {
            let on = module.listeners.iter().filter_map(|block| self.policy.blocks.get(*block));
            let on: Vec<&str> = on.map(|block| &*block.name).collect();
            for ground in &module.grounds {
                lines.push(Line {
                    name: module.name.to_string(),
                    detail: format!("owns {ground} on {}", on.join(", ")),
                    place: Some(ground.span),
                });
            }
            let shares = |route: &&Route| {
                let on = route.listeners.iter().any(|listener| module.listeners.contains(listener));
                let mut places = route
                    .hosts
                    .iter()
                    .flat_map(|(host, _)| route.paths.iter().map(move |(path, _)| (host, path)));
                let within = places.any(|(host, path)| {
                    module.grounds.iter().any(|ground| ground.holds(host, path))
                });
                route.module != Some(at) && on && within
            };
            lines.extend(self.policy.routes.iter().filter(shares).map(|route| Line {
                name: module.name.to_string(),
                detail: format!("`{}` of the first file lies within", route.name),
                place: Some(route.span),
            }));
        }
        lines
    }

    fn human(&self, section: &Section) -> String {
        if section.lines.is_empty() {
            return format!("{}: none\n", section.title);
        }
        let mut text = format!("{}:\n", section.title);
        for line in &section.lines {
            text.push_str(&format!("  {}: {}", line.name, line.detail));
            if let Some(span) = line.place {
                text.push_str(&format!(" ({})", self.place(span)));
            }
            text.push('\n');
        }
        text
    }

    fn json(&self, line: &Line) -> Json {
        json!({
            "name": line.name,
            "detail": line.detail,
            "place": line.place.map(|span| self.place(span)),
        })
    }

    fn text(&self, span: Span) -> String {
        let text = self.sources.get(span.source).map_or("", |source| source.slice(span));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn place(&self, span: Span) -> String {
        report::place(self.sources, span)
    }
}

/// The field of the client's certificate, which was verified.
const CERTIFICATE: &str = "conn.tls.client";

/// Whether a condition holds of every request, as far as its form tells.
fn always(condition: &Written) -> bool {
    match &condition.kind {
        ExprKind::Const(value) => value.is_true(),
        ExprKind::And(parts) => parts.iter().all(always),
        ExprKind::Or(parts) => parts.iter().any(always),
        _ => false,
    }
}

/// Whether nobody is answered of whom it is not known who he is.
fn identifies(route: &Route) -> bool {
    route.conditions.iter().chain(required(route)).any(is_known)
}

/// What is required before the route answers.
fn required(route: &Route) -> impl Iterator<Item = &Written> {
    let before = route.steps.iter().take_while(|step| match &step.kind {
        StepKind::Act(call) => call.row.ends == Ends::No,
        StepKind::Let(..) | StepKind::Always(_) => true,
    });
    before.filter_map(|step| match &step.kind {
        StepKind::Act(call) => call.args.get(call.row.asserted()?),
        StepKind::Let(..) | StepKind::Always(_) => None,
    })
}

/// Whether a condition holds only for whom an auth or a certificate names: nothing compares with what nobody says.
fn is_known(condition: &Written) -> bool {
    match &condition.kind {
        ExprKind::And(parts) => parts.iter().any(is_known),
        ExprKind::Or(parts) => parts.iter().all(is_known),
        ExprKind::Present(inner) => is_claim(inner),
        ExprKind::Compare(_, a, b) | ExprKind::In(a, b) => is_claim(a) || is_claim(b),
        _ => false,
    }
}

fn is_claim(value: &Written) -> bool {
    match &value.kind {
        ExprKind::Field(row, _) => row.path == CLAIMS.path || row.path == CERTIFICATE,
        ExprKind::Member(base, _) => is_claim(base),
        _ => false,
    }
}
