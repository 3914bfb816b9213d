//! Ingress rules to routes: who answers for which host and path, in Kubernetes' terms. Says what the policy holds, not how it
//! is spelled; `emit` does that.

use std::collections::{BTreeMap, BTreeSet};

use crate::annotations;
use crate::names::Host;
use crate::notes::{About, LEFT_OUT, NO_TRANSLATION, Notes, READ_AS, shown};
use crate::objects::{Ingress, Objects};
use crate::secrets::{Certificate, Certificates};
use crate::services::{Upstream, Upstreams};
use crate::{Settings, TlsFile};

mod gather;
mod place;
mod steps;

use gather::Reading;

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
