//! Puts answers on listeners and under names: which host is served over https, who redirects, and what closes a host, so
//! that a request it has no path for does not fall through to a broader host.

use super::{Answer, Gathered, On, Route, Site, Step, Table};
use crate::names::{Host, Identifiers};
use crate::notes::{About, NO_TRANSLATION, Notes};

/// The sites, and the routes for every host.
pub(super) fn place(
    gathered: &Gathered,
    names: &mut Identifiers,
    notes: &mut Notes,
) -> (Vec<Site>, Vec<Route>) {
    let mut sites = Vec::new();
    let mut routes = Vec::new();
    for (host, table) in &gathered.hosts {
        if *host == Host::Any {
            anywhere(gathered, table, names, notes, &mut routes);
        } else {
            site(gathered, (host, table), names, notes, &mut sites);
        }
    }
    let taken =
        gathered.hosts.get(&Host::Any).is_some_and(|table| table.answers.contains_key(&None));
    let last = gathered.hosts.get(&Host::Any).and_then(|table| table.default.as_ref());
    let last = last.or(gathered.default.as_ref().map(|(_, answer)| answer));
    if let Some(answer) = last.filter(|_| !taken) {
        let on = if gathered.certificates.is_empty() { On::Http } else { On::Both };
        let mut push = |name: String, on, steps| {
            let origin = format!("{}: {}", answer.about, answer.field);
            routes.push(Route { name, origin, on, pattern: None, steps });
        };
        if answer.to_https && on == On::Both {
            push(names.coin(&["default_to_https"]), On::Http, vec![Step::ToHttps]);
            push("default".to_owned(), On::Https, answer.steps.clone());
        } else {
            push("default".to_owned(), on, answer.steps.clone());
        }
    }
    (sites, routes)
}

/// One named host.
fn site(
    gathered: &Gathered,
    (host, table): (&Host, &Table),
    names: &mut Identifiers,
    notes: &mut Notes,
    sites: &mut Vec<Site>,
) {
    let mut answers: Vec<(Option<String>, Answer)> =
        table.answers.iter().map(|(pattern, answer)| (pattern.clone(), answer.clone())).collect();
    // Every path goes last, as a reader expects; to the language the order means nothing.
    answers.sort_by_key(|(pattern, _)| pattern.is_none());
    if let Some(closing) = closing(gathered, host, table) {
        answers.push((None, closing));
    }
    if answers.is_empty() {
        return;
    }
    let secure = is_secure(gathered, host);
    let stem = match host {
        Host::Wildcard(parent) => format!("any.{parent}"),
        _ => host.to_string(),
    };
    for (_, answer) in answers.iter().filter(|(_, answer)| answer.to_https && !secure) {
        no_https(&answer.about, notes);
    }
    let redirected = answers.iter().filter(|(_, answer)| answer.to_https && secure).count();
    let mut push = |name: String, on, routes| {
        sites.push(Site { name, host: host.clone(), on, routes });
    };
    let on = match (secure, redirected) {
        (false, _) => On::Http,
        (true, 0) => On::Both,
        (true, _) => On::Https,
    };
    push(names.coin(&[&stem]), on, routes(&answers, |answer| answer.steps.clone()));
    if redirected == 0 {
        return;
    }
    let name = names.coin(&[&stem, "plain"]);
    let all = redirected == answers.len();
    let routes = match answers.first() {
        Some((_, answer)) if all => vec![Route {
            name: "to_https".to_owned(),
            origin: format!("{}: metadata.annotations", answer.about),
            on: On::Http,
            pattern: None,
            steps: vec![Step::ToHttps],
        }],
        _ => routes(&answers, |answer| {
            if answer.to_https { vec![Step::ToHttps] } else { answer.steps.clone() }
        }),
    };
    push(name, On::Http, routes);
}

/// Rules without a host: each is on https if its own Ingress brings a certificate, or one for every host exists.
fn anywhere(
    gathered: &Gathered,
    table: &Table,
    names: &mut Identifiers,
    notes: &mut Notes,
    out: &mut Vec<Route>,
) {
    let for_all = gathered.secured.contains_key(&Host::Any);
    for (pattern, answer) in &table.answers {
        let secure = answer.has_tls || for_all;
        let redirect = answer.to_https && secure;
        if answer.to_https && !secure {
            no_https(&answer.about, notes);
        }
        let mut push = |suffix: &str, on, steps| {
            let name = name(names, answer, pattern.as_deref(), suffix);
            let origin = format!("{}: {}", answer.about, answer.field);
            out.push(Route { name, origin, on, pattern: pattern.clone(), steps });
        };
        match (secure, redirect) {
            (false, _) => push("", On::Http, answer.steps.clone()),
            (true, false) => push("", On::Both, answer.steps.clone()),
            (true, true) => {
                push("", On::Https, answer.steps.clone());
                push("plain", On::Http, vec![Step::ToHttps]);
            }
        }
    }
}

fn routes(
    answers: &[(Option<String>, Answer)],
    steps: impl Fn(&Answer) -> Vec<Step>,
) -> Vec<Route> {
    let mut names = Identifiers::default();
    answers
        .iter()
        .map(|(pattern, answer)| Route {
            name: name(&mut names, answer, pattern.as_deref(), ""),
            origin: format!("{}: {}", answer.about, answer.field),
            on: On::Both,
            pattern: pattern.clone(),
            steps: steps(answer),
        })
        .collect()
}

/// What a host answers for the paths it has no rule for, where that is not what a broader route would say anyway.
///
/// In Kubernetes the host is chosen first and the path within it; in the language a request without a route under one host
/// goes on to the broader ones.
fn closing(gathered: &Gathered, host: &Host, table: &Table) -> Option<Answer> {
    if table.answers.contains_key(&None) {
        return None;
    }
    let general = gathered.default.as_ref().map(|(_, answer)| answer);
    let own = table.default.as_ref();
    let covered = host.broader().any(|broader| {
        let table = gathered.hosts.get(&broader);
        table.is_some_and(|table| !table.answers.is_empty() || table.default.is_some())
    });
    let same = match (own, general) {
        (Some(own), Some(general)) => own.about == general.about,
        (None, _) => true,
        (Some(_), None) => false,
    };
    if same && !covered {
        return None;
    }
    let nothing = Answer {
        about: About::File(
            "no rule of this host matches, and there is no default backend".to_owned(),
        ),
        field: String::new(),
        steps: vec![Step::Respond(404)],
        // It follows the rest of its host, so that a host which redirects does so for every path.
        to_https: !table.answers.is_empty() && table.answers.values().all(|answer| answer.to_https),
        has_tls: false,
    };
    Some(own.or(general).cloned().unwrap_or(nothing))
}

fn is_secure(gathered: &Gathered, host: &Host) -> bool {
    gathered.secured.contains_key(host)
        || host.broader().any(|broader| gathered.secured.contains_key(&broader))
}

fn no_https(about: &About, notes: &mut Notes) {
    let message = "asks for https, but brings no certificate; TLS that ends in front of the gateway is not seen, so there is \
                   no redirect";
    notes.add(&NO_TRANSLATION, about, "metadata.annotations", message);
}

fn name(names: &mut Identifiers, answer: &Answer, pattern: Option<&str>, suffix: &str) -> String {
    let (namespace, object) = match &answer.about {
        About::Object { kind, namespace, name } if kind == "Ingress" => {
            (namespace.as_str(), name.as_str())
        }
        _ => ("no", "rule"),
    };
    let path = pattern.unwrap_or_default();
    let path = path.strip_suffix("/**").unwrap_or(path).trim_matches('/');
    names.coin(&[namespace, object, path, suffix])
}
