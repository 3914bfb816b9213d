//! Ingress rules to routes: who answers for which host and path, in Kubernetes' terms. Says what the policy holds, not how it
//! is spelled; `emit` does that.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use crate::annotations::{self, Plan, Rewrite};
use crate::names::Host;
use crate::notes::{
    About, CONFLICT, INVALID_NAME, LEFT_OUT, NO_TRANSLATION, Notes, READ_AS, shown,
};
use crate::objects::{Backend, HttpPath, Ingress, Objects, Rest};
use crate::paths::{self, PathType};
use crate::secrets::{Certificate, Certificates};
use crate::services::{Upstream, Upstreams};
use crate::{Settings, TlsFile};

mod place;

/// A policy, about to be spelled.
pub(crate) struct Gateway {
    /// What the https listener presents; it exists only if there is one. The first answers for unknown names.
    pub(crate) certificates: Vec<Certificate>,
    /// Bytes of a request's body, where an Ingress says.
    pub(crate) body: Option<u64>,
    /// Its upstreams.
    pub(crate) upstreams: Vec<Upstream>,
    /// Its hosts.
    pub(crate) sites: Vec<Site>,
    /// What answers whatever the host.
    pub(crate) routes: Vec<Route>,
    /// The files it names.
    pub(crate) files: Vec<TlsFile>,
}

/// The routes of one host on one set of listeners.
pub(crate) struct Site {
    pub(crate) name: String,
    pub(crate) host: Host,
    pub(crate) on: On,
    pub(crate) routes: Vec<Route>,
}

/// One route. Within a site, the site says which listeners it is on.
pub(crate) struct Route {
    pub(crate) name: String,
    /// Where it came from, for the comment above it.
    pub(crate) origin: String,
    pub(crate) on: On,
    /// `None` takes every path.
    pub(crate) pattern: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// Which listeners.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum On {
    Http,
    Https,
    Both,
}

/// A statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Refuses whoever is in none of these networks.
    Allow(Vec<String>),
    /// Refuses whoever is in one of these networks.
    Deny(Vec<String>),
    /// Sends to https.
    ToHttps,
    Redirect(u16, String),
    Respond(u16),
    Rewrite(String),
    /// Rewrites to the second text, and behind it what is left of the path without the first.
    Strip(String, String),
    Host(String),
    Forward(String),
}

/// What answers, before it is known under which listeners and names.
#[derive(Clone)]
struct Answer {
    about: About,
    field: String,
    steps: Vec<Step>,
    to_https: bool,
    /// Whether its own Ingress brings a certificate.
    has_tls: bool,
}

/// What is known of one host.
#[derive(Default)]
struct Table {
    /// By pattern; `None` is every path.
    answers: BTreeMap<Option<String>, Answer>,
    /// What answers for other paths.
    default: Option<Answer>,
}

/// Everything gathered from the Ingresses.
#[derive(Default)]
struct Gathered {
    hosts: BTreeMap<Host, Table>,
    /// What answers where no host and path match: an Ingress without rules is asked first.
    default: Option<(bool, Answer)>,
    /// For which hosts there is a certificate.
    secured: BTreeMap<Host, Certificate>,
    /// In the order they were first asked for.
    certificates: Vec<Certificate>,
    seen: BTreeSet<Certificate>,
    bodies: Vec<(About, u64)>,
}

/// Plans the policy for all Ingresses of the class asked for.
pub(crate) fn plan(objects: &Objects, settings: &Settings, notes: &mut Notes) -> Gateway {
    let mut gathered = Gathered::default();
    let mut upstreams = Upstreams::of(objects);
    let mut certificates = Certificates::default();
    let chosen = by_age(objects, settings, notes);
    if chosen.is_empty() {
        let message = "no Ingress was translated, so the policy has no route";
        notes.add(&LEFT_OUT, &About::File("*".to_owned()), "", message);
    }
    for ingress in chosen {
        let about = ingress.metadata.about("Ingress");
        let plan = annotations::plan(ingress, &about, notes);
        if plan.skip {
            continue;
        }
        let mut reading = Reading {
            objects,
            ingress,
            about,
            plan,
            has_tls: false,
            gathered: &mut gathered,
            upstreams: &mut upstreams,
            certificates: &mut certificates,
            notes: &mut *notes,
        };
        reading.tls();
        reading.rules();
        reading.default();
        reading.body();
    }
    let body = largest(&gathered.bodies, notes);
    let (sites, routes) = place::place(&gathered, &mut upstreams.names, notes);
    // Who asks for an unknown name, or for none, gets the first: the one that is for every host.
    let general = gathered.secured.get(&Host::Any);
    gathered.certificates.sort_by_key(|certificate| Some(certificate) != general);
    Gateway {
        certificates: gathered.certificates,
        body,
        upstreams: upstreams.list,
        sites,
        routes,
        files: certificates.files,
    }
}

/// The Ingresses of the class asked for, oldest first. One that no cluster has stamped yet is the youngest.
fn by_age<'o>(objects: &'o Objects, settings: &Settings, notes: &mut Notes) -> Vec<&'o Ingress> {
    let mut chosen: Vec<&Ingress> = objects
        .ingresses
        .values()
        .filter(|ingress| {
            let Some(wanted) = settings.ingress_class.as_deref() else { return true };
            let older = ingress.metadata.annotations.get("kubernetes.io/ingress.class");
            let named = ingress.spec.ingress_class_name.as_deref();
            let class = named.or_else(|| older.and_then(|value| value.as_str()));
            if class == Some(wanted) {
                return true;
            }
            let message = match class {
                Some(class) => format!("left out: its class is `{}`", shown(class)),
                None => "left out: it names no class".to_owned(),
            };
            let about = ingress.metadata.about("Ingress");
            notes.add(&LEFT_OUT, &about, "spec.ingressClassName", message);
            false
        })
        .collect();
    let stamp = |ingress: &Ingress| {
        let stamp = ingress.metadata.creation_timestamp.clone().filter(|stamp| is_stamp(stamp));
        (stamp.is_none(), stamp)
    };
    // The map is in the order of namespace and name, and the sort is stable.
    chosen.sort_by_cached_key(|ingress| stamp(ingress));
    chosen
}

/// Whether this is a time stamp as Kubernetes writes it, which sorts as text.
fn is_stamp(text: &str) -> bool {
    let shape = b"0000-00-00T00:00:00Z";
    text.len() == shape.len()
        && text
            .bytes()
            .zip(shape)
            .all(|(byte, &like)| if like == b'0' { byte.is_ascii_digit() } else { byte == like })
}

/// One Ingress, being read.
struct Reading<'r, 'o> {
    objects: &'o Objects,
    ingress: &'o Ingress,
    about: About,
    plan: Plan,
    has_tls: bool,
    gathered: &'r mut Gathered,
    upstreams: &'r mut Upstreams<'o>,
    certificates: &'r mut Certificates,
    notes: &'r mut Notes,
}

impl Reading<'_, '_> {
    /// Finds certificates, and the hosts they are for.
    fn tls(&mut self) {
        for (index, tls) in self.ingress.spec.tls.iter().enumerate() {
            let at = format!("spec.tls[{index}]");
            self.unknown(&at, &tls.rest);
            let Some(name) = tls.secret_name.as_deref().filter(|name| !name.is_empty()) else {
                let message =
                    "names no Secret; a policy has no certificate of its own to fall back on";
                self.notes.add(&NO_TRANSLATION, &self.about, format!("{at}.secretName"), message);
                continue;
            };
            let field = format!("{at}.secretName");
            let secret = (self.ingress.metadata.namespace.as_str(), name);
            let place = (&self.about, field.as_str());
            let Some(certificate) =
                self.certificates.resolve(self.objects, secret, place, self.notes)
            else {
                continue;
            };
            self.has_tls = true;
            if self.gathered.seen.insert(certificate.clone()) {
                self.gathered.certificates.push(certificate.clone());
            }
            if tls.hosts.is_empty() {
                self.secure(Host::Any, &certificate, &at);
            }
            for (turn, host) in tls.hosts.iter().enumerate() {
                let field = format!("{at}.hosts[{turn}]");
                match Host::parse(host) {
                    Ok(host) => self.secure(host, &certificate, &field),
                    Err(reason) => self.invalid(&field, host, reason),
                }
            }
        }
        if self.has_tls && self.plan.to_https.is_none() {
            let message = "is answered over http as well; where that is not wanted, say `ssl-redirect: \"true\"`";
            self.notes.add(&READ_AS, &self.about, "spec.tls", message);
        }
    }

    fn secure(&mut self, host: Host, certificate: &Certificate, field: &str) {
        match self.gathered.secured.entry(host) {
            Entry::Vacant(entry) => {
                entry.insert(certificate.clone());
            }
            Entry::Occupied(entry) if entry.get() != certificate => {
                let message = format!(
                    "an older Ingress brings another certificate for `{}`; both are presented by name, the older one first",
                    entry.key()
                );
                self.notes.add(&CONFLICT, &self.about, field, message);
            }
            Entry::Occupied(_) => {}
        }
    }

    fn rules(&mut self) {
        self.unknown("spec", &self.ingress.spec.rest);
        for (index, rule) in self.ingress.spec.rules.iter().enumerate() {
            let at = format!("spec.rules[{index}]");
            self.unknown(&at, &rule.rest);
            let host = match Host::parse(&rule.host) {
                Ok(host) => host,
                Err(reason) => {
                    self.invalid(&format!("{at}.host"), &rule.host, reason);
                    continue;
                }
            };
            let Some(http) = &rule.http else {
                // Kubernetes: all requests of the host go to the default backend.
                self.gathered.hosts.entry(host).or_default();
                continue;
            };
            self.unknown(&format!("{at}.http"), &http.rest);
            for (turn, path) in http.paths.iter().enumerate() {
                self.path(&host, path, &format!("{at}.http.paths[{turn}]"));
            }
            if http.paths.is_empty() {
                self.gathered.hosts.entry(host).or_default();
            }
        }
    }

    fn path(&mut self, host: &Host, path: &HttpPath, at: &str) {
        self.unknown(at, &path.rest);
        let path_type = match path.path_type.as_deref() {
            Some("Exact") => PathType::Exact,
            Some("Prefix") => PathType::Prefix,
            Some("ImplementationSpecific") | None => {
                let message = "`ImplementationSpecific` is read as `Prefix`, by whole segments";
                self.notes.add(&READ_AS, &self.about, format!("{at}.pathType"), message);
                PathType::Prefix
            }
            Some(other) => {
                let message = format!("`{}` is not a path type", shown(other));
                self.notes.add(&NO_TRANSLATION, &self.about, format!("{at}.pathType"), message);
                return;
            }
        };
        let field = format!("{at}.path");
        let text = if path.path.is_empty() && path.path_type.as_deref() != Some("Exact") {
            "/"
        } else {
            &path.path
        };
        let beginning = if self.plan.regex { paths::beginning(text) } else { Some((text, None)) };
        let Some((plain, group)) = beginning else {
            let message =
                format!("`{}` is a regular expression, which a path pattern is not", shown(text));
            self.notes.add(&NO_TRANSLATION, &self.about, field, message);
            return;
        };
        // An expression that goes on behind its plain beginning is one for all that lies beneath.
        let path_type = if plain == text { path_type } else { PathType::Prefix };
        let pattern = match paths::pattern(plain, path_type) {
            Ok(pattern) => pattern,
            Err(reason) => return self.invalid(&field, text, reason),
        };
        let table = self.gathered.hosts.entry(host.clone()).or_default();
        if let Some(winner) = table.answers.get(&pattern) {
            let host =
                if *host == Host::Any { "every host".to_owned() } else { format!("`{host}`") };
            let message = format!(
                "`{}` of {host} already belongs to {}: {}, which is older or comes first",
                pattern.as_deref().unwrap_or("/"),
                winner.about,
                winner.field
            );
            self.notes.add(&CONFLICT, &self.about, at, message);
            return;
        }
        let prefix = pattern.as_deref().unwrap_or_default().trim_end_matches("/**");
        let beneath = (prefix, group);
        let steps = self.steps(path.backend.as_ref(), Some(beneath), &format!("{at}.backend"));
        let answer = self.answer(at, steps);
        self.gathered.hosts.entry(host.clone()).or_default().answers.insert(pattern, answer);
    }

    /// The default backend: of this Ingress' hosts, and of the gateway if no older one claims that.
    fn default(&mut self) {
        let Some(backend) = &self.ingress.spec.default_backend else { return };
        let at = "spec.defaultBackend";
        let steps = self.steps(Some(backend), None, at);
        let answer = self.answer(at, steps);
        for (index, rule) in self.ingress.spec.rules.iter().enumerate() {
            let Ok(host) = Host::parse(&rule.host) else { continue };
            let table = self.gathered.hosts.entry(host).or_default();
            match &table.default {
                None => table.default = Some(answer.clone()),
                Some(winner) if winner.about != self.about => {
                    let message = format!(
                        "the default backend of `{}` is already that of {}, which is older or comes first",
                        shown(&rule.host),
                        winner.about
                    );
                    self.notes.add(
                        &CONFLICT,
                        &self.about,
                        format!("spec.rules[{index}].host"),
                        message,
                    );
                }
                Some(_) => {}
            }
        }
        let alone = self.ingress.spec.rules.is_empty();
        match &self.gathered.default {
            Some((winner_alone, winner)) if *winner_alone || !alone => {
                let message = format!(
                    "requests for hosts without a rule already go to the default backend of {}",
                    winner.about
                );
                self.notes.add(&CONFLICT, &self.about, at, message);
            }
            Some((_, loser)) => {
                let message = format!(
                    "requests for hosts without a rule go to the default backend of {}",
                    self.about
                );
                self.notes.add(&CONFLICT, &loser.about, at, message);
                self.gathered.default = Some((alone, answer));
            }
            None => self.gathered.default = Some((alone, answer)),
        }
    }

    fn body(&mut self) {
        if let Some(body) = self.plan.body {
            self.gathered.bodies.push((self.about.clone(), body));
        }
    }

    fn answer(&self, field: &str, steps: Vec<Step>) -> Answer {
        Answer {
            about: self.about.clone(),
            field: field.to_owned(),
            steps,
            to_https: self.plan.to_https == Some(true),
            has_tls: self.has_tls,
        }
    }

    /// What a route to `backend` does. It always ends in an answer, because a route left out would hand its requests to
    /// a broader one.
    fn steps(
        &mut self,
        backend: Option<&Backend>,
        beneath: Option<(&str, Option<u8>)>,
        at: &str,
    ) -> Vec<Step> {
        if let Some(backend) = backend {
            self.unknown(at, &backend.rest);
        }
        if self.plan.shut {
            return vec![Step::Respond(403)];
        }
        let mut steps = Vec::new();
        if !self.plan.deny.is_empty() {
            steps.push(Step::Deny(self.plan.deny.clone()));
        }
        if !self.plan.allow.is_empty() {
            steps.push(Step::Allow(self.plan.allow.clone()));
        }
        if let Some(target) = &self.plan.temporal {
            steps.push(Step::Redirect(302, target.clone()));
            return steps;
        }
        if let Some(target) = &self.plan.permanent {
            steps.push(Step::Redirect(self.plan.permanent_status.unwrap_or(301), target.clone()));
            return steps;
        }
        if self.plan.broken {
            steps.push(Step::Respond(503));
            return steps;
        }
        let Some(upstream) = self.upstream(backend, at) else {
            steps.push(Step::Respond(503));
            return steps;
        };
        match self.rewrite(beneath, at) {
            Ok(step) => steps.extend(step),
            Err(answer) => {
                steps.push(answer);
                return steps;
            }
        }
        if let Some(host) = &self.plan.host {
            steps.push(Step::Host(host.clone()));
        }
        steps.push(Step::Forward(upstream));
        steps
    }

    /// The step that rewrites the path, if there is one; or what answers where it has no translation.
    fn rewrite(
        &mut self,
        beneath: Option<(&str, Option<u8>)>,
        at: &str,
    ) -> Result<Option<Step>, Step> {
        let Some(rewrite) = &self.plan.rewrite else { return Ok(None) };
        let (prefix, matched) = beneath.unwrap_or(("/", None));
        match rewrite {
            Rewrite::Fixed(path) => Ok(Some(Step::Rewrite(path.clone()))),
            // A group that the expression does not have is empty to nginx.
            Rewrite::Group(path, _) if matched.is_none() => Ok(Some(Step::Rewrite(path.clone()))),
            Rewrite::Group(path, group) if matched == Some(*group) => {
                let prefix = prefix.trim_end_matches('/');
                let same = prefix.is_empty() && path == "/";
                Ok((!same).then(|| Step::Strip(prefix.to_owned(), path.clone())))
            }
            Rewrite::Group(..) => {
                let message = "the group that `rewrite-target` names is not the one that matches what lies beneath; the route answers 503";
                self.notes.add(&NO_TRANSLATION, &self.about, at, message);
                Err(Step::Respond(503))
            }
        }
    }

    fn upstream(&mut self, backend: Option<&Backend>, at: &str) -> Option<String> {
        let service = match backend {
            Some(Backend { service: Some(service), .. }) => service,
            Some(Backend { resource: Some(resource), .. }) => {
                let kind = resource.get("kind").and_then(|kind| kind.as_str()).unwrap_or("?");
                let message = format!(
                    "a backend that is a resource (`{}`) has no translation; the route answers 503",
                    shown(kind)
                );
                self.notes.add(&NO_TRANSLATION, &self.about, format!("{at}.resource"), message);
                return None;
            }
            _ => {
                let message = "names no Service; the route answers 503";
                self.notes.add(&NO_TRANSLATION, &self.about, at, message);
                return None;
            }
        };
        let at = format!("{at}.service");
        self.unknown(&at, &service.rest);
        self.unknown(&format!("{at}.port"), &service.port.rest);
        let namespace = self.ingress.metadata.namespace.as_str();
        let place = (&self.about, at.as_str());
        self.upstreams.resolve((namespace, service), &self.plan.manner, place, self.notes)
    }

    fn unknown(&mut self, at: &str, rest: &Rest) {
        for name in rest.keys() {
            let field = format!("{at}.{}", shown(name));
            self.notes.add(&NO_TRANSLATION, &self.about, field, "is not a field that is known");
        }
    }

    fn invalid(&mut self, field: &str, word: &str, reason: &str) {
        self.notes.add(&INVALID_NAME, &self.about, field, format!("`{}`: {reason}", shown(word)));
    }
}

/// The body cap of the listeners: the largest that an Ingress asks for.
fn largest(bodies: &[(About, u64)], notes: &mut Notes) -> Option<u64> {
    let largest = bodies.iter().map(|(_, body)| *body).max()?;
    for (about, body) in bodies {
        let field = "metadata.annotations[nginx.ingress.kubernetes.io/proxy-body-size]";
        let message = if *body < largest {
            format!(
                "a listener has one cap: {largest} bytes, which another Ingress asks for, instead of {body}"
            )
        } else {
            "a listener has one cap, so this holds for every Ingress".to_owned()
        };
        let entry = if *body < largest { &NO_TRANSLATION } else { &READ_AS };
        notes.add(entry, about, field, message);
    }
    Some(largest)
}
