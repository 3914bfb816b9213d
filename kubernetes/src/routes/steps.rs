//! What the route to a backend does: who may pass, where it goes, and what the upstream sees.

use super::Step;
use super::gather::Reading;
use crate::annotations::Rewrite;
use crate::notes::{NO_TRANSLATION, shown};
use crate::objects::Backend;

impl Reading<'_, '_> {
    /// What a route to `backend` does. It always ends in an answer, because a route left out would hand its requests to
    /// a broader one.
    pub(super) fn steps(
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
}
