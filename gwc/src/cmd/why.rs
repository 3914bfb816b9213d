//! `gwc why`: what a policy does with one request, by the code that serves it.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use compiler::program::Program;
use compiler::{Decision, Explanation, Loss, Verdict};
use lang::{Sources, Span};
use runtime::rehearsal::{Done, Rehearsal};
use serde_json::{Value, json};

use crate::ask::{self, Ask};
use crate::report::{self, Color};
use crate::{Outcome, load};

/// Tells which route answers a request, why the others do not, and what would run
///
/// Nothing is sent anywhere. Exit status: 0 when a route answers, 1 when none does or the policy has errors, 2 for
/// anything else.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// The request, such as `GET https://shop.example/x?q=1`
    #[arg(value_name = "REQUEST")]
    request: String,
    /// A header of the request; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Who sends it
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    from: IpAddr,
    /// The listener it comes to; only needed where its scheme and port leave several
    #[arg(long, value_name = "LISTENER")]
    on: Option<String>,
    /// Values of inputs
    #[arg(long, value_name = "TOML")]
    with: Option<PathBuf>,
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
    let check = load::check(&args.path)?;
    for diag in &check.diags {
        report::human::print(diag, &check.sources, Color::Auto);
    }
    let Some(program) = check.program else { return Ok(Outcome::Faulty) };
    let ask = Ask::parse(&args.request, &args.headers, args.from, args.on.as_deref())?;
    let engine = ask::engine(program, args.with.as_deref(), &check.sources)?;
    let listener = ask.listener(engine.program(), &engine)?;
    let name =
        engine.program().listeners.get(listener.0 as usize).map_or("", |listener| &listener.name);
    let page = Page { program: engine.program(), sources: &check.sources, listener: name };
    let (text, answers) = match ask.put(&engine, listener) {
        Ok(rehearsal) => {
            let answers = matches!(rehearsal.explanation.decision, Decision::Route(_));
            let text = match args.format {
                Format::Human => page.human(&rehearsal),
                Format::Json => format!("{:#}\n", page.json(&rehearsal)),
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
    report::print(&text)?;
    Ok(if answers { Outcome::Clean } else { Outcome::Faulty })
}

/// What an answer is told with.
struct Page<'p> {
    program: &'p Program,
    sources: &'p Sources,
    listener: &'p str,
}

impl Page<'_> {
    fn human(&self, rehearsal: &Rehearsal) -> String {
        let Explanation { decision, routes } = &rehearsal.explanation;
        let mut text = format!("{} on {}\n", rehearsal.target, self.listener);
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
                        Done::Forwarded(to) => format!("  → upstream {to}\n"),
                        Done::Answered(status) => format!("  → {status}\n"),
                        Done::Ended(status) => format!("  → ends here with {status}\n"),
                        Done::OnTheWayBack => "  (on the way back)\n".to_owned(),
                    });
                }
            }
            Decision::MethodNotAllowed(methods) => {
                text.push_str(&format!(
                    "405: no route takes the method; others take {}\n",
                    methods.join(", ")
                ));
            }
            Decision::NotFound => text.push_str("404: no route answers\n"),
            Decision::Pending(_) => text.push_str("it depends on the request's content\n"),
        }
        let lost = routes.iter().filter_map(|(id, verdict)| match verdict {
            Verdict::Answers => None,
            Verdict::Lost(loss) => Some((*id, loss)),
        });
        for (at, (id, loss)) in lost.enumerate() {
            if at == 0 {
                text.push_str("the others:\n");
            }
            text.push_str(&format!("  {}: {}\n", self.name(id), self.loss(loss)));
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
                let methods: Vec<&str> = methods.iter().map(|method| &**method).collect();
                json!({ "status": 405, "allow": methods })
            }
            Decision::NotFound => json!({ "status": 404 }),
            Decision::Pending(_) => json!({ "pending": "content" }),
        };
        let statements: Vec<Value> = match decision {
            Decision::Route(id) => {
                let told = rehearsal.steps.iter().enumerate().map(|(at, done)| {
                    let (outcome, detail) = match done {
                        Done::Passed => ("passed", Value::Null),
                        Done::Forwarded(to) => ("forwarded", json!(&**to)),
                        Done::Answered(status) => ("answered", json!(status)),
                        Done::Ended(status) => ("ended", json!(status)),
                        Done::OnTheWayBack => ("on-the-way-back", Value::Null),
                    };
                    json!({
                        "statement": self.statement(*id, at),
                        "place": self.step(*id, at).map(|span| self.place(span)),
                        "outcome": outcome,
                        "detail": detail,
                    })
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
                "words": self.loss(loss),
            })),
        });
        json!({
            "request": rehearsal.target,
            "listener": self.listener,
            "answer": answer,
            "statements": statements,
            "lost": lost.collect::<Vec<_>>(),
        })
    }

    fn loss(&self, loss: &Loss) -> String {
        match loss {
            Loss::Host => "another host".to_owned(),
            Loss::Path => "another path".to_owned(),
            Loss::Method(methods) => format!("only {}", methods.join(", ")),
            Loss::Condition(span) => {
                format!("`{}` does not hold ({})", self.text(*span), self.place(*span))
            }
            Loss::Pending(_) => "it depends on the request's content".to_owned(),
            Loss::Later(first, rule) => {
                use compiler::explain::Rule;
                let first = self.name(*first);
                match rule {
                    Rule::Host => format!("`{first}` has a narrower host"),
                    Rule::Path => format!("`{first}` has a narrower path"),
                    Rule::Condition => format!("`{first}` has a narrower condition"),
                    Rule::Before => format!("`{first}` is `before` it"),
                }
            }
        }
    }

    fn name(&self, id: compiler::RouteId) -> &str {
        self.program.routes.get(id.0 as usize).map_or("?", |route| &route.name)
    }

    fn span(&self, id: compiler::RouteId) -> Span {
        self.program.routes.get(id.0 as usize).map_or_else(Span::default, |route| route.span)
    }

    fn step(&self, id: compiler::RouteId, at: usize) -> Option<Span> {
        self.program.routes.get(id.0 as usize)?.steps.get(at).map(|step| step.span)
    }

    /// A statement as it is written, on one line, with the policies through which it came.
    fn statement(&self, id: compiler::RouteId, at: usize) -> String {
        let step = self.program.routes.get(id.0 as usize).and_then(|route| route.steps.get(at));
        let Some(step) = step else { return String::new() };
        let via: String = step.via.iter().map(|policy| format!("{policy}: ")).collect();
        format!("{via}{}", self.text(step.span))
    }

    fn text(&self, span: Span) -> String {
        let text = self.sources.get(span.source).map_or("", |source| source.slice(span));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn place(&self, span: Span) -> String {
        let Some(source) = self.sources.get(span.source) else { return String::new() };
        format!("{}:{}", source.name, source.line_column(span.start).line)
    }
}

fn reason(loss: &Loss) -> &'static str {
    match loss {
        Loss::Host => "host",
        Loss::Path => "path",
        Loss::Method(_) => "method",
        Loss::Condition(_) => "condition",
        Loss::Pending(_) => "pending",
        Loss::Later(..) => "later",
    }
}
