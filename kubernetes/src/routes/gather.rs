//! What one Ingress adds: its certificates, its rules and its default backend. Decides who wins where two claim the same.

use std::collections::btree_map::Entry;

use super::{Answer, Gathered, Step};
use crate::annotations::Plan;
use crate::names::Host;
use crate::notes::{About, CONFLICT, INVALID_NAME, NO_TRANSLATION, Notes, READ_AS, shown};
use crate::objects::{HttpPath, Ingress, Objects, Rest};
use crate::paths::{self, PathType};
use crate::secrets::{Certificate, Certificates};
use crate::services::Upstreams;

/// One Ingress, being read.
pub(super) struct Reading<'r, 'o> {
    pub(super) objects: &'o Objects,
    pub(super) ingress: &'o Ingress,
    pub(super) about: About,
    pub(super) plan: Plan,
    pub(super) has_tls: bool,
    pub(super) gathered: &'r mut Gathered,
    pub(super) upstreams: &'r mut Upstreams<'o>,
    pub(super) certificates: &'r mut Certificates,
    pub(super) notes: &'r mut Notes,
}

impl Reading<'_, '_> {
    /// Finds certificates, and the hosts they are for.
    pub(super) fn tls(&mut self) {
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

    pub(super) fn rules(&mut self) {
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
    pub(super) fn default(&mut self) {
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

    pub(super) fn body(&mut self) {
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

    pub(super) fn unknown(&mut self, at: &str, rest: &Rest) {
        for name in rest.keys() {
            let field = format!("{at}.{}", shown(name));
            self.notes.add(&NO_TRANSLATION, &self.about, field, "is not a field that is known");
        }
    }

    fn invalid(&mut self, field: &str, word: &str, reason: &str) {
        self.notes.add(&INVALID_NAME, &self.about, field, format!("`{}`: {reason}", shown(word)));
    }
}
