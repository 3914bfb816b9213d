//! `gwc why`: what a policy does with one request, by the code that serves it.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use compiler::program::{Expr, Program, Route, StepKind};
use compiler::{Decision, Explanation, Loss, RouteId, Verdict};
use lang::policy::{Module, Policy};
use lang::{Sources, Span};
use miette::miette;
use runtime::rehearsal::{Done, Rehearsal};
use serde_json::{Value, json};

use crate::ask::{self, Ask};
use crate::load::Check;
use crate::report::{self, Color, say};
use crate::{Outcome, known, load, owner, told};

mod loss;
mod wish;

use loss::reason;

/// Tells which route answers a request, why the others do not, and what would run
///
/// Nothing is sent anywhere. Exit status: 0 when a route answers, 1 when none does or the policy has errors, 2 for
/// anything else.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// The request, such as `GET https://shop.example/x?q=1`, in one argument or two; also as `gwc check` shows examples,
    /// with what stands behind
    #[arg(value_name = "REQUEST", required = true, num_args = 1..=2)]
    request: Vec<String>,
    /// A header of the request; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Where it comes from
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    from: IpAddr,
    /// Who sends it, as a test's `as=` says it: an auth with claims that count as verified, such as
    /// `token(sub="u1", scope=["x"])`; may be repeated for other auths
    #[arg(long = "as", value_name = "WHO")]
    who: Vec<String>,
    /// The subject of the client's certificate, which counts as verified
    #[arg(long, value_name = "SUBJECT")]
    certificate: Option<String>,
    /// Its content
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// The listener it comes to; only needed where its scheme and port leave several
    #[arg(long, value_name = "LISTENER")]
    on: Option<String>,
    /// Values of inputs
    #[arg(long, value_name = "TOML")]
    with: Option<PathBuf>,
    /// Names the routes of other hosts and paths one by one as well
    #[arg(long)]
    all: bool,
    /// Tells what would have to change in the request for this route to answer it
    #[arg(long, value_name = "ROUTE")]
    not: Option<String>,
    /// How the answer is written
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

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let answer = answer(args, |check| {
        // What does not hold of all requests is no answer to a question about one.
        let is_asked = check.unproved.is_some();
        let found = check.found().filter(|(_, diag)| !is_asked || !diag.is_error());
        report::human::print_all(found, Color::Auto);
    })?;
    let Some(Answer { text, answers, n_refuted }) = answer else { return Ok(Outcome::Faulty) };
    report::print(&text)?;
    match n_refuted {
        0 => {}
        1 => say!("1 assert is not proved, so `gwc run` refuses this policy: see `gwc check`"),
        n => {
            say!("{n} asserts are not proved, so `gwc run` refuses this policy: see `gwc check`")
        }
    }
    Ok(if answers { Outcome::Clean } else { Outcome::Faulty })
}

/// What is told.
pub(crate) struct Answer {
    pub(crate) text: String,
    /// Whether a route answers.
    answers: bool,
    /// How many asserts are not proved.
    n_refuted: usize,
}

/// The answer, if the policy can be asked; `checked` is shown what is wrong with it.
pub(crate) fn answer(args: &Args, checked: impl FnOnce(&Check)) -> miette::Result<Option<Answer>> {
    if args.path.to_string_lossy().contains("://") {
        return Err(miette!(
            help = "the policy comes first: `gwc why FILE REQUEST`",
            "`{}` is a request and no policy",
            args.path.display()
        ));
    }
    let request = args.request.join(" ");
    let told = told::read(&request)?;
    let words = if args.who.is_empty() { &told.who } else { &args.who };
    let (check, who) = match words.is_empty() {
        true => (load::check(&args.path)?, Vec::new()),
        false => known::check(&args.path, words)?,
    };
    checked(&check);
    let Some(program) = check.program.or(check.unproved) else { return Ok(None) };
    let mut ask = Ask::parse(&request, &args.headers, args.from, args.on.as_deref())?;
    let engine = ask::engine(program, args.with.as_deref(), &check.sources)?;
    for (words, who) in words.iter().zip(&who) {
        if let Some(who) = known::identity(who, &engine) {
            ask = ask.sent_by(words.trim(), who);
        }
    }
    if let Some(body) = &args.body {
        ask = ask.holding(body)?;
    }
    if let Some(subject) = &args.certificate {
        ask = ask.certified(subject)?;
    }
    let listener = ask.listener(engine.program(), &engine)?;
    let name =
        engine.program().listeners.get(listener.0 as usize).map_or("", |listener| &listener.name);
    ask.connects(&engine, listener)?;
    let page = Page {
        program: engine.program(),
        policy: &check.policy,
        sources: &check.sources,
        listener: name,
        all: args.all,
        answer: &told.answer,
        wished: args.not.as_ref().and_then(|route| engine.program().route_named(route)),
    };
    let wish = match &args.not {
        Some(route) => Some(wish::of(&ask, &engine, (listener, &check.policy), route)?),
        None => None,
    };
    let (text, answers) = match ask.put(&engine, listener) {
        Ok(rehearsal) => {
            let answers = matches!(rehearsal.explanation.decision, Decision::Route(_));
            let text = match args.format {
                Format::Human => {
                    let wish = wish.as_ref().map(|wish| page.wish(wish, &rehearsal));
                    let text = page.human(&rehearsal) + &wish.unwrap_or_default();
                    report::seen(&text).into_owned()
                }
                Format::Json => {
                    let mut object = page.json(&rehearsal);
                    if let (Some(wish), Some(object)) = (&wish, object.as_object_mut()) {
                        object.insert("wish".to_owned(), wish.json(engine.program()));
                    }
                    format!("{object:#}\n")
                }
            };
            (text, answers)
        }
        Err(refusal) => {
            let (status, reason) = (refusal.fault.status(), refusal.fault.describe());
            let text = match args.format {
                Format::Human => format!("refused with {status} before any route: {reason}\n"),
                Format::Json => {
                    format!("{:#}\n", json!({ "refused": { "status": status, "reason": reason } }))
                }
            };
            (text, false)
        }
    };
    let n_refuted = check.diags.iter().filter(|diag| diag.is_error()).count();
    Ok(Some(Answer { text, answers, n_refuted }))
}

/// What an answer is told with.
struct Page<'p> {
    program: &'p Program,
    policy: &'p Policy,
    sources: &'p Sources,
    listener: &'p str,
    all: bool,
    /// What is told of an answer.
    answer: &'p [String],
    /// The route that is asked for by name.
    wished: Option<RouteId>,
}

impl Page<'_> {
    fn human(&self, rehearsal: &Rehearsal) -> String {
        let Explanation { decision, routes } = &rehearsal.explanation;
        let mut text = format!("{} on {}\n", rehearsal.target, self.listener);
        if let Some(client) = rehearsal.client {
            text.push_str(&format!("from {client}, as trusted proxies say\n"));
        }
        match decision {
            Decision::Route(id) => {
                text.push_str(&format!(
                    "route {} answers ({})\n",
                    self.name(*id),
                    self.place(self.span(*id))
                ));
                for (at, done) in rehearsal.steps.iter().enumerate() {
                    text.push_str(&format!("  {}", self.statement(*id, at)));
                    text.push_str(&match done {
                        Done::Passed => "\n".to_owned(),
                        Done::Forwarded(to) if self.is_drawn(*id, at) => {
                            format!("  → upstream {to}, drawn by its share\n")
                        }
                        Done::Forwarded(to) => format!("  → upstream {to}\n"),
                        Done::Answered(status) => format!("  → {status}\n"),
                        Done::Ended(status) => format!("  → ends here with {status}\n"),
                        Done::Long => "  → ends here with 413: the route reads the content, of which no more is read than `cap body` says, nor than 16 MiB\n".to_owned(),
                        Done::Unfit(status) => format!(
                            "  → ends here with {status}: a value of the request cannot stand there\n"
                        ),
                        Done::OnTheWayBack => "  (on the way back)\n".to_owned(),
                    });
                }
            }
            Decision::MethodNotAllowed(methods) => {
                text.push_str(&format!(
                    "405: no route takes the method; others take {}\n",
                    methods.names().join(", ")
                ));
            }
            Decision::NotFound => text.push_str("404: no route answers\n"),
            Decision::Pending(_) => text.push_str(
                "413: routes are chosen by the content, of which no more is read than `cap body` says, nor than 16 MiB\n",
            ),
        }
        for (auth, reason) in &rehearsal.refused {
            text.push_str(&format!(
                "the token that it brings is none for `{auth}` ({reason}): keys are not read to ask, so say who sends it with `--as '{auth}(…)'`\n"
            ));
        }
        if !self.answer.is_empty() {
            let said = self.answer.join(" and ");
            text.push_str(&format!("what an upstream answers decides no route: {said}\n"));
        }
        if let Some(module) = self.owner(rehearsal) {
            let of = self.place(module.span);
            text.push_str(&format!("on the ground of the module {} ({of})\n", module.name));
        }
        let mut lost: Vec<(RouteId, &Loss)> = losers(routes).collect();
        lost.sort_by_key(|(_, loss)| std::cmp::Reverse(loss.nearness()));
        // Who asks for a route by name wants to know, however far it is.
        lost.sort_by_key(|(id, loss)| !self.is_near(*id, loss));
        let n_near = lost.iter().filter(|(id, loss)| self.is_near(*id, loss)).count();
        if n_near > 0 {
            text.push_str("the others, the nearest first:\n");
        }
        for (id, loss) in lost.iter().take(n_near) {
            let place = self.place(self.span(*id));
            let loss = self.loss(*id, loss, rehearsal);
            text.push_str(&format!("  {} ({place}): {loss}\n", self.name(*id)));
        }
        let far = lost.iter().skip(n_near);
        let n_of = |wanted: &Loss| far.clone().filter(|(_, loss)| *loss == wanted).count();
        let (n_paths, n_hosts) = (n_of(&Loss::Path), n_of(&Loss::Host));
        if !self.all && n_paths + n_hosts > 0 {
            let mut far = Vec::new();
            for (n, what) in [(n_paths, "path"), (n_hosts, "host")] {
                match n {
                    0 => {}
                    1 => far.push(format!("1 route of another {what}")),
                    n => far.push(format!("{n} routes of another {what}")),
                }
            }
            let and = if n_near > 0 { "and " } else { "not asked: " };
            text.push_str(&format!("{and}{} (`--all` names them)\n", far.join(", ")));
        }
        text
    }

    fn json(&self, rehearsal: &Rehearsal) -> Value {
        let Explanation { decision, routes } = &rehearsal.explanation;
        let answer = match decision {
            Decision::Route(id) => {
                json!({ "route": self.name(*id), "place": self.place(self.span(*id)) })
            }
            Decision::MethodNotAllowed(methods) => {
                json!({ "status": 405, "allow": methods.names() })
            }
            Decision::NotFound => json!({ "status": 404 }),
            Decision::Pending(_) => json!({ "status": 413 }),
        };
        let statements: Vec<Value> = match decision {
            Decision::Route(id) => {
                let told = rehearsal.steps.iter().enumerate().map(|(at, done)| {
                    let (outcome, detail) = match done {
                        Done::Passed => ("passed", Value::Null),
                        Done::Forwarded(to) => ("forwarded", json!(&**to)),
                        Done::Answered(status) => ("answered", json!(status)),
                        Done::Ended(status) => ("ended", json!(status)),
                        Done::Long => ("ended", json!(413)),
                        Done::Unfit(status) => ("unfit", json!(status)),
                        Done::OnTheWayBack => ("on-the-way-back", Value::Null),
                    };
                    let is_drawn = matches!(done, Done::Forwarded(_)) && self.is_drawn(*id, at);
                    let mut told = json!({
                        "statement": self.statement(*id, at),
                        "place": self.step(*id, at).map(|span| self.place(span)),
                        "outcome": outcome,
                        "detail": detail,
                    });
                    if is_drawn {
                        told["drawn"] = json!(true);
                    }
                    told
                });
                told.collect()
            }
            _ => Vec::new(),
        };
        let lost = routes.iter().filter_map(|(id, verdict)| match verdict {
            Verdict::Answers => None,
            Verdict::Lost(loss) => Some(json!({
                "route": self.name(*id),
                "place": self.place(self.span(*id)),
                "reason": reason(loss),
                "words": self.loss(*id, loss, rehearsal),
                "conditions": self.conditions(loss),
            })),
        });
        let mut object = json!({
            "request": rehearsal.target,
            "listener": self.listener,
            "owner": self.owner(rehearsal).map(|module| {
                json!({ "module": &*module.name, "place": self.place(module.span) })
            }),
            "answer": answer,
            "statements": statements,
            "lost": lost.collect::<Vec<_>>(),
        });
        if let Some(client) = rehearsal.client {
            object["client"] = json!(client.to_string());
        }
        if !rehearsal.refused.is_empty() {
            let tokens = rehearsal.refused.iter();
            let tokens = tokens.map(|(auth, reason)| json!({ "auth": &**auth, "reason": reason }));
            object["tokens_refused"] = tokens.collect();
        }
        object
    }

    /// Whether a loser is told by itself, and not counted among others of other hosts and paths.
    fn is_near(&self, id: RouteId, loss: &Loss) -> bool {
        self.all || self.wished == Some(id) || !matches!(loss, Loss::Host | Loss::Path)
    }

    /// The module that owns the request.
    fn owner(&self, rehearsal: &Rehearsal) -> Option<&Module> {
        owner::of(self.policy, self.listener, &rehearsal.target)
    }

    fn route(&self, id: RouteId) -> Option<&Route> {
        self.program.route(id)
    }

    fn name(&self, id: RouteId) -> &str {
        self.route(id).map_or("?", |route| &route.name)
    }

    fn span(&self, id: RouteId) -> Span {
        self.route(id).map_or_else(Span::default, |route| route.span)
    }

    /// Whether a statement sends some requests here and others there, by chance.
    fn is_drawn(&self, id: RouteId, at: usize) -> bool {
        let step = self.route(id).and_then(|route| route.steps.get(at));
        let Some(StepKind::Act(call)) = step.map(|step| &step.kind) else { return false };
        let is_none = |share| matches!(self.program.expr(share), Expr::Const(of) if *of == lang::Value::Percent(0.0));
        call.arms.iter().filter(|(share, _)| !is_none(*share)).count() > 1
    }

    fn step(&self, id: RouteId, at: usize) -> Option<Span> {
        self.route(id)?.steps.get(at).map(|step| step.span)
    }

    /// A statement as it is written, on one line, with the policies through which it came.
    fn statement(&self, id: RouteId, at: usize) -> String {
        let step = self.route(id).and_then(|route| route.steps.get(at));
        let Some(step) = step else { return String::new() };
        let via: String = step.via.iter().map(|policy| format!("{policy}: ")).collect();
        format!("{via}{}", self.text(step.span))
    }

    fn text(&self, span: Span) -> String {
        let text = self.sources.get(span.source).map_or("", |source| source.slice(span));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn place(&self, span: Span) -> String {
        report::place(self.sources, span)
    }
}

fn losers(routes: &[(RouteId, Verdict)]) -> impl Iterator<Item = (RouteId, &Loss)> {
    routes.iter().filter_map(|(id, verdict)| match verdict {
        Verdict::Answers => None,
        Verdict::Lost(loss) => Some((*id, loss)),
    })
}
