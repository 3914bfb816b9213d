//! Backends to upstreams: a Service and a port, resolved against EndpointSlices, or by DNS name where there are none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use crate::names::{Identifiers, is_label, is_subdomain};
use crate::notes::{About, NO_TRANSLATION, Notes, READ_AS, UNRESOLVED, shown};
use crate::objects::{EndpointSlice, Objects, Service, ServiceBackend, ServicePort};
use crate::read::key;

/// Servers of one upstream; what is beyond is reported.
const MOST_SERVERS: usize = 5_000;

/// How an upstream is spoken to, as annotations ask for it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(crate) struct Manner {
    /// TLS towards the upstream.
    pub(crate) tls: bool,
    /// The name its certificate has to bear, if it is not the host asked for by name.
    pub(crate) server_name: Option<String>,
    /// Whether its certificate is verified, if the Ingress says.
    pub(crate) verify: Option<bool>,
    /// HTTP/2 from the first byte, as gRPC needs it.
    pub(crate) h2: bool,
    /// Seconds to connect.
    pub(crate) connect: Option<u32>,
    /// Seconds that it may be silent, before its answer and within it.
    pub(crate) silence: Option<u32>,
}

/// An upstream of the policy.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) name: String,
    /// What it was made of, for the comment above it.
    pub(crate) origin: String,
    pub(crate) found: Found,
    pub(crate) manner: Manner,
}

/// Where the servers of an upstream are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// At these addresses, which are ready.
    At(BTreeSet<SocketAddr>),
    /// Behind this name and port.
    Dns(String),
}

type Place = (String, String, String, Manner);

/// The upstreams made so far: one for each Service, port and manner.
pub(crate) struct Upstreams<'o> {
    objects: &'o Objects,
    slices: BTreeMap<(&'o str, &'o str), Vec<&'o EndpointSlice>>,
    known: BTreeMap<Place, String>,
    /// Every identifier of the policy, so that an upstream and a site never share one.
    pub(crate) names: Identifiers,
    /// In the order they were first asked for.
    pub(crate) list: Vec<Upstream>,
}

impl<'o> Upstreams<'o> {
    /// No upstream yet, to be found among `objects`.
    pub(crate) fn of(objects: &'o Objects) -> Upstreams<'o> {
        let mut slices: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for slice in objects.slices.values() {
            let service = slice.metadata.labels.get("kubernetes.io/service-name");
            if let Some(service) = service.and_then(Value::as_str) {
                let namespace = slice.metadata.namespace.as_str();
                slices.entry((namespace, service)).or_default().push(slice);
            }
        }
        let (known, names) = (BTreeMap::new(), Identifiers::default());
        Upstreams { objects, slices, known, names, list: Vec::new() }
    }

    /// The name of the upstream for a backend, or a note that says why there is none.
    pub(crate) fn resolve(
        &mut self,
        (namespace, backend): (&str, &ServiceBackend),
        manner: &Manner,
        (about, field): (&About, &str),
        notes: &mut Notes,
    ) -> Option<String> {
        let port = match (&backend.port.name, backend.port.number) {
            (Some(name), None) if is_port_name(name) => name.clone(),
            (None, Some(number)) if number > 0 => number.to_string(),
            _ => {
                let message = "a port is given by either a name or a number from 1 to 65535";
                notes.add(&UNRESOLVED, about, format!("{field}.port"), message);
                return None;
            }
        };
        if !is_subdomain(&backend.name) {
            let message = format!("`{}` is not the name of a Service", shown(&backend.name));
            notes.add(&UNRESOLVED, about, format!("{field}.name"), message);
            return None;
        }
        let place = (namespace.to_owned(), backend.name.clone(), port.clone(), manner.clone());
        if let Some(known) = self.known.get(&place) {
            return Some(known.clone());
        }
        let found = self.find(namespace, backend, &port, (about, field), notes)?;
        let mut manner = manner.clone();
        if manner.tls && manner.server_name.is_none() {
            manner.server_name = Some(match &found {
                Found::Dns(name) => {
                    name.rsplit_once(':').map_or(name.as_str(), |(host, _)| host).to_owned()
                }
                Found::At(_) => format!("{}.{namespace}.svc", backend.name),
            });
        }
        let name = self.names.coin(&[namespace, &backend.name, &port]);
        self.known.insert(place, name.clone());
        let origin = format!("Service {namespace}/{}, port {port}", backend.name);
        self.list.push(Upstream { name: name.clone(), origin, found, manner });
        Some(name)
    }

    /// Where the servers of a backend are.
    fn find(
        &self,
        namespace: &str,
        backend: &ServiceBackend,
        port: &str,
        (about, field): (&About, &str),
        notes: &mut Notes,
    ) -> Option<Found> {
        let name = &backend.name;
        let Some(service) = self.objects.services.get(&key(namespace, name)) else {
            return match backend.port.number {
                Some(number) => {
                    let message = format!(
                        "Service `{namespace}/{name}` is not among the objects; it is found by its cluster DNS name"
                    );
                    notes.add(&READ_AS, about, format!("{field}.name"), message);
                    Some(cluster_name(namespace, name, number))
                }
                None => {
                    let message = format!(
                        "Service `{namespace}/{name}` is not among the objects, so port `{port}` has no number; the route answers 503"
                    );
                    notes.add(&UNRESOLVED, about, format!("{field}.port.name"), message);
                    None
                }
            };
        };
        let listed = service.spec.ports.iter().enumerate().find(|(_, candidate)| {
            match backend.port.number {
                Some(number) => candidate.port == number,
                None => candidate.name == port,
            }
        });
        if service.spec.kind.as_deref() == Some("ExternalName") {
            let number = listed.map(|(_, port)| port.port).or(backend.port.number);
            return external(service, number, (about, field), notes);
        }
        let Some((index, listed)) = listed else {
            let message =
                format!("Service `{namespace}/{name}` has no port `{port}`; the route answers 503");
            notes.add(&UNRESOLVED, about, format!("{field}.port"), message);
            return None;
        };
        let at = format!("spec.ports[{index}]");
        let service_about = service.metadata.about("Service");
        if listed.protocol.as_deref().is_some_and(|protocol| protocol != "TCP") {
            notes.add(
                &UNRESOLVED,
                &service_about,
                format!("{at}.protocol"),
                "is not TCP; its routes answer 503",
            );
            return None;
        }
        if let Some(protocol) =
            listed.app_protocol.as_deref().filter(|&protocol| protocol != "http")
        {
            let message = format!(
                "`{}` is not read; `backend-protocol` on the Ingress says how to speak to it",
                shown(protocol)
            );
            notes.add(&NO_TRANSLATION, &service_about, format!("{at}.appProtocol"), message);
        }
        let slices = self.slices.get(&(namespace, name.as_str())).map_or(&[][..], Vec::as_slice);
        let servers = ready(slices, listed, notes);
        if !servers.is_empty() {
            return Some(Found::At(servers));
        }
        let why =
            if slices.is_empty() { "has no EndpointSlice here" } else { "has no ready endpoint" };
        by_name(service, listed, why, &at, notes)
    }
}

/// A Service outside of the cluster.
fn external(
    service: &Service,
    port: Option<u16>,
    (about, field): (&About, &str),
    notes: &mut Notes,
) -> Option<Found> {
    let name = service.spec.external_name.as_deref().unwrap_or_default();
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let Some(port) = port else {
        notes.add(
            &UNRESOLVED,
            about,
            format!("{field}.port"),
            "the Service has no such port; the route answers 503",
        );
        return None;
    };
    if let Ok(address) = name.parse::<IpAddr>() {
        return Some(Found::At(BTreeSet::from([SocketAddr::new(address, port)])));
    }
    if !is_subdomain(&name) {
        let message = format!("`{}` is not a DNS name; its routes answer 503", shown(&name));
        notes.add(&UNRESOLVED, &service.metadata.about("Service"), "spec.externalName", message);
        return None;
    }
    Some(Found::Dns(format!("{name}:{port}")))
}

/// The Service by its DNS name, where no address is known.
fn by_name(
    service: &Service,
    port: &ServicePort,
    why: &str,
    at: &str,
    notes: &mut Notes,
) -> Option<Found> {
    let about = service.metadata.about("Service");
    let headless = service.spec.cluster_ip.as_deref() == Some("None");
    // The name of a headless Service leads to its pods, which listen on the target port; any other leads to the Service.
    let number = match (headless, &port.target_port) {
        (true, Some(Value::String(name))) => match name.parse() {
            Ok(number) => number,
            Err(_) => {
                let message = format!(
                    "the Service is headless and {why}, so the number of port `{}` is not known; its routes answer 503",
                    shown(name)
                );
                notes.add(&UNRESOLVED, &about, format!("{at}.targetPort"), message);
                return None;
            }
        },
        (true, Some(value)) => {
            value.as_u64().and_then(|number| u16::try_from(number).ok()).unwrap_or(port.port)
        }
        _ => port.port,
    };
    let message = format!("{why}; it is found by its cluster DNS name");
    notes.add(&READ_AS, &about, "", message);
    Some(cluster_name(&service.metadata.namespace, &service.metadata.name, number))
}

fn cluster_name(namespace: &str, name: &str, port: u16) -> Found {
    Found::Dns(format!("{name}.{namespace}.svc.cluster.local:{port}"))
}

/// The ready endpoints of a Service's port, in every slice.
fn ready(
    slices: &[&EndpointSlice],
    wanted: &ServicePort,
    notes: &mut Notes,
) -> BTreeSet<SocketAddr> {
    let mut servers = BTreeSet::new();
    for slice in slices {
        let about = slice.metadata.about("EndpointSlice");
        if slice.address_type == "FQDN" {
            notes.add(&NO_TRANSLATION, &about, "addressType", "endpoints by name are not read");
            continue;
        }
        let is_wanted = |port: &&crate::objects::EndpointPort| {
            port.name == wanted.name && port.protocol.as_deref().is_none_or(|p| p == "TCP")
        };
        let Some(port) = slice.ports.iter().find(is_wanted).and_then(|port| port.port) else {
            continue;
        };
        for (index, endpoint) in slice.endpoints.iter().enumerate() {
            if endpoint.conditions.ready == Some(false) {
                continue;
            }
            // Further addresses of one endpoint are the same pod again.
            let Some(text) = endpoint.addresses.first() else { continue };
            match text.parse::<IpAddr>() {
                Ok(address) if servers.len() < MOST_SERVERS && port > 0 => {
                    servers.insert(SocketAddr::new(address, port));
                }
                Ok(_) => {
                    let message =
                        format!("more than {MOST_SERVERS} endpoints; the rest is left out");
                    notes.add(&NO_TRANSLATION, &about, "endpoints", message);
                    return servers;
                }
                Err(_) => {
                    let field = format!("endpoints[{index}].addresses[0]");
                    let message = format!("`{}` is not an IP address", shown(text));
                    notes.add(&NO_TRANSLATION, &about, field, message);
                }
            }
        }
    }
    servers
}

fn is_port_name(name: &str) -> bool {
    name.len() <= 15 && is_label(name)
}
