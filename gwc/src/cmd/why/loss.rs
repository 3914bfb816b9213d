//! Why a route lost, in words: the pattern or condition that did not fit, what was found, and what would have to be.

use compiler::explain::{Failure, Rule, Wanted};
use compiler::{Loss, RouteId, Verdict};
use lang::Span;
use lang::policy::Compare;
use runtime::normal::query;
use runtime::rehearsal::Rehearsal;
use serde_json::{Value, json};

use super::Page;
use super::wish::Answer;

/// The most patterns of a route that are named.
const MOST_PATTERNS: usize = 3;

impl Page<'_> {
    /// Why this route lost.
    pub(super) fn loss(&self, id: RouteId, loss: &Loss, rehearsal: &Rehearsal) -> String {
        match loss {
            Loss::Host => {
                let hosts = self.route(id).map_or(&[][..], |route| &route.hosts);
                let (host, _) = asked(&rehearsal.target);
                format!(
                    "another host: it has {}, the request {host:?}",
                    self.patterns("host", hosts)
                )
            }
            Loss::Path => {
                let paths = self.route(id).map_or(&[][..], |route| &route.paths);
                let (_, path) = asked(&rehearsal.target);
                format!(
                    "another path: it has {}, the request {path:?}",
                    self.patterns("path", paths)
                )
            }
            Loss::Method(methods) => format!("another method: it takes {}", methods.join(", ")),
            Loss::Condition(failures) => {
                let told = failures.iter().map(|failure| {
                    let condition = self.text(failure.span);
                    let place = self.place(failure.span);
                    format!("`{condition}` does not hold ({place}): {}", found(failure, rehearsal))
                });
                told.collect::<Vec<_>>().join("; ")
            }
            Loss::Pending(_) => "it depends on the request's content".to_owned(),
            Loss::Later(first, rule) => {
                let place = self.place(self.span(*first));
                let first = self.name(*first);
                match rule {
                    Rule::Host => format!("tried later: `{first}` ({place}) has a narrower host"),
                    Rule::Path => format!("tried later: `{first}` ({place}) has a narrower path"),
                    Rule::Condition => {
                        format!("tried later: `{first}` ({place}) has a narrower condition")
                    }
                    Rule::Before => format!("tried later: `{first}` ({place}) is `before` it"),
                    Rule::Through(steps) => format!(
                        "tried later: `{first}` ({place}) comes before it as others say: {}",
                        self.through(first, steps)
                    ),
                }
            }
        }
    }

    /// How one route comes before another by way of others.
    fn through(&self, first: &str, steps: &[(RouteId, Rule)]) -> String {
        let mut from = first;
        let told = steps.iter().map(|(to, rule)| {
            let to = self.name(*to);
            let words = match rule {
                Rule::Host => format!("`{from}` has a narrower host than `{to}`"),
                Rule::Path => format!("`{from}` has a narrower path than `{to}`"),
                Rule::Condition => format!("`{from}` has a narrower condition than `{to}`"),
                Rule::Before | Rule::Through(_) => format!("`{from}` is `before` `{to}`"),
            };
            from = to;
            words
        });
        told.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn conditions(&self, loss: &Loss) -> Value {
        let Loss::Condition(failures) = loss else { return Value::Null };
        let told = failures.iter().map(|failure| {
            let found: serde_json::Map<String, Value> = failure
                .found
                .iter()
                .map(|(name, value)| {
                    let value = match value {
                        lang::Value::Absent => Value::Null,
                        value => json!(plain(value)),
                    };
                    (name.clone(), value)
                })
                .collect();
            let computed = failure.computed.iter().map(|computed| {
                json!({
                    "text": computed.text,
                    "value": plain(&computed.value),
                    "wanted": computed.wanted.as_ref().map(wanted),
                })
            });
            json!({
                "text": self.text(failure.span),
                "place": self.place(failure.span),
                "found": found,
                "computed": computed.collect::<Vec<_>>(),
            })
        });
        Value::Array(told.collect())
    }

    /// What `--not` found. Where nothing can be proposed: what the route asks, and what this request makes of it.
    pub(super) fn wish(&self, wish: &Answer, rehearsal: &Rehearsal) -> String {
        let mut text = wish.human(self.program);
        let Some(id) = wish.undecided(self.program) else { return text };
        let failures =
            rehearsal.explanation.routes.iter().find_map(|(of, verdict)| match verdict {
                Verdict::Lost(Loss::Condition(failures)) if *of == id => Some(failures.as_slice()),
                _ => None,
            });
        let conditions = self.route(id).map_or(&[][..], |route| &route.conditions);
        for (_, span) in conditions {
            let failure = failures.unwrap_or_default().iter().find(|one| one.span == *span);
            let (condition, place) = (self.text(*span), self.place(*span));
            text.push_str(&match (failure, failures) {
                (Some(failure), _) => {
                    format!(
                        "  `{condition}` ({place}) has to hold: {}\n",
                        found(failure, rehearsal)
                    )
                }
                (None, Some(_)) => format!("  `{condition}` ({place}) holds already\n"),
                (None, None) => format!("  `{condition}` ({place}) has to hold\n"),
            });
        }
        text
    }

    /// `path "/a" (gateway.gw:3), "/b/*" (gateway.gw:3)`.
    fn patterns<P: std::fmt::Display>(&self, word: &str, all: &[(P, Span)]) -> String {
        let told = all.iter().take(MOST_PATTERNS);
        let told = told.map(|(pattern, span)| format!("\"{pattern}\" ({})", self.place(*span)));
        let mut text = format!("{word} {}", told.collect::<Vec<_>>().join(", "));
        if all.len() > MOST_PATTERNS {
            text.push_str(&format!(" and {} more", all.len() - MOST_PATTERNS));
        }
        text
    }
}

/// Host and path of a target in the normal form.
fn asked(target: &str) -> (&str, &str) {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    (host, path.split('?').next().unwrap_or(path))
}

/// What a condition looked at and what it made of that.
fn found(failure: &Failure, rehearsal: &Rehearsal) -> String {
    let read = failure.found.iter().map(|(name, value)| {
        let why = repeated(name, value, &rehearsal.target).unwrap_or_default();
        format!("{name} is {}{why}", plain(value))
    });
    let computed = failure.computed.iter().map(|computed| {
        let is = format!("{} is {}", computed.text, plain(&computed.value));
        match &computed.wanted {
            Some(of) => format!("{is} and would have to be {}", wanted(of)),
            None => is,
        }
    });
    let told: Vec<String> = read.chain(computed).collect();
    if told.is_empty() { "it reads nothing of the request".to_owned() } else { told.join(", ") }
}

/// Why a parameter is absent that somebody sees in the query.
fn repeated(name: &str, value: &lang::Value, target: &str) -> Option<String> {
    let key = name.strip_prefix("req.query[\"")?.strip_suffix("\"]")?;
    let (_, query) = target.split_once('?').filter(|_| value.is_absent())?;
    let n = query::all(query, key).count();
    (n > 1).then(|| {
        format!(", because it stands {n} times (`req.query.all(\"{key}\")` lists the values)")
    })
}

/// What a value would have to be.
fn wanted(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Present => "present".to_owned(),
        Wanted::In(of) => format!("in {}", plain(of)),
        Wanted::Compare(how, with) => {
            let how = match how {
                Compare::Eq => "",
                Compare::Ne => "other than ",
                Compare::Lt => "less than ",
                Compare::Le => "at most ",
                Compare::Gt => "more than ",
                Compare::Ge => "at least ",
            };
            format!("{how}{}", plain(with))
        }
    }
}

/// A value in a line of text, short.
fn plain(value: &lang::Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or("")),
        None => text,
    }
}

/// The kind of a loss, in a word.
pub(super) fn reason(loss: &Loss) -> &'static str {
    match loss {
        Loss::Host => "host",
        Loss::Path => "path",
        Loss::Method(_) => "method",
        Loss::Condition(_) => "condition",
        Loss::Pending(_) => "pending",
        Loss::Later(..) => "later",
    }
}
