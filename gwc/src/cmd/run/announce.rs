//! What a gateway says when it starts: where it listens, and for each listener a request to try.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use compiler::RouteId;
use compiler::program::{Program, Route};
use lang::Ty;
use lang::policy::{Host, Path, Segment};
use runtime::blocks::ListenerConfig;
use runtime::blocks::listener::BindConfig;
use runtime::engine::Engine;
use runtime::gateway::{Gateway, ModuleState, Serves};
use runtime::listen::BindAddress;

use super::prepare::Prepared;
use crate::report::{file, say};

/// Says it, on standard error: standard output is the access log's.
pub(super) fn announce(prepared: &Prepared, gateway: &Gateway<Engine>) {
    let name = prepared.check.sources.iter().next().map_or_else(String::new, file);
    let n = prepared.engine.program().routes.len();
    say!("{name}: {n} route{}, {}", if n == 1 { "" } else { "s" }, prepared.hash);
    listeners(prepared, gateway);
    modules(&prepared.modules, &[]);
    if let Some(address) = gateway.admin_address() {
        say!("  admin on http://{address}");
    }
}

/// What is not served as its file says; and, of what was not so `before`, what is again.
pub(super) fn modules(now: &[ModuleState], before: &[ModuleState]) {
    for module in now {
        let name = &module.name;
        let reason = module.reason.as_deref().unwrap_or("");
        let was = before.iter().find(|known| known.name == *name);
        match module.serves {
            Serves::Current if was.is_some_and(|known| known.serves != Serves::Current) => {
                say!("  module {name} is served as its file says again");
            }
            Serves::Current => {}
            Serves::LastGood => {
                let age = module.since.elapsed().unwrap_or_default().as_secs();
                let age = lang::Value::Duration(Duration::from_secs(age));
                say!("  module {name} keeps its last good version, loaded {age} ago: {reason}");
            }
            Serves::Nothing => {
                say!("  module {name} is closed, what it owns is answered 503: {reason}");
                for assert in &module.unjudged {
                    say!(
                        "  assert {assert} is neither proved nor refuted: it names something of {name}"
                    );
                }
            }
        }
    }
}

/// Where each listener listens, and what to try there.
pub(super) fn listeners(prepared: &Prepared, gateway: &Gateway<Engine>) {
    let program = prepared.engine.program();
    for (listener, address) in gateway.addresses() {
        let config = prepared.engine.listeners.iter().find(|config| config.name == listener);
        let Some(config) = config else { continue };
        let scheme = if config.is_tls() { "https" } else { "http" };
        let every = if address.ip().is_unspecified() { " (every address)" } else { "" };
        say!("  listener {listener} on {scheme}://{}{every}", reachable(config, address));
        if let Some(line) = sample(program, config, address) {
            say!("    {line}");
        }
    }
}

/// An address that a client on this machine can use.
fn reachable(config: &ListenerConfig, address: SocketAddr) -> SocketAddr {
    let only_v6 =
        |bind: &BindConfig| matches!(bind.address, BindAddress::One(one) if one.is_ipv6());
    let ip = match address.ip() {
        // A socket for every address takes IPv4 too, unless the policy asks for `[::]` alone.
        IpAddr::V6(ip) if ip.is_unspecified() && config.binds.iter().all(only_v6) => {
            Ipv6Addr::LOCALHOST.into()
        }
        ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// A request that a route of this listener answers, as a command line; none if every route asks for more than can be
/// made up.
fn sample(program: &Program, config: &ListenerConfig, address: SocketAddr) -> Option<String> {
    let listener = program.listener(&config.name)?;
    let hosts = &program.listeners.get(listener.0 as usize)?.hosts.list;
    let on: BTreeSet<RouteId> =
        hosts.iter().flat_map(|host| &host.candidates).map(|one| one.route).collect();
    let routes: Vec<&Route> = on.into_iter().filter_map(|id| program.route(id)).collect();
    let plain = routes.iter().find(|route| route.conditions.is_empty());
    let route = plain.or_else(|| routes.first())?;
    let host = route.hosts.first().and_then(|(host, _)| host_of(host));
    let path = route.paths.first().map_or_else(|| "/".to_owned(), |(path, _)| path_of(path));
    let method = match &route.methods {
        Some((methods, _)) if !methods.iter().any(|method| &**method == "GET") => {
            methods.first().map(|method| format!(" -X {method}"))
        }
        _ => None,
    };
    let mut line = format!("curl -i{}", method.unwrap_or_default());
    let address = reachable(config, address);
    if config.proxy_protocol.iter().any(|network| network.contains(&address.ip())) {
        line.push_str(" --haproxy-protocol");
    }
    let quoted = quote(&path);
    match (config.is_tls(), host) {
        (false, None) => line.push_str(&format!(" http://{address}{quoted}")),
        (false, Some(host)) => {
            line.push_str(&format!(" -H 'host: {host}' http://{address}{quoted}"))
        }
        (true, None) => line.push_str(&format!(" -k https://{address}{quoted}")),
        (true, Some(host)) => {
            let (ip, port) = (address.ip(), address.port());
            let ip = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
            line.push_str(&format!(
                " -k --resolve {host}:{port}:{ip} https://{host}:{port}{quoted}"
            ));
        }
    }
    Some(line)
}

fn host_of(host: &Host) -> Option<String> {
    match host {
        Host::Any => None,
        Host::Exact(name) => Some(name.to_string()),
        Host::OneLabel(rest) | Host::Labels(rest) => Some(format!("www.{rest}")),
    }
}

fn path_of(path: &Path) -> String {
    let mut text = String::new();
    for segment in &path.segments {
        text.push('/');
        match segment {
            Segment::Literal(literal) => text.push_str(literal),
            Segment::Capture(_, Ty::Int) => text.push('1'),
            Segment::Capture(_, Ty::Uuid) => text.push_str("6f1c1f0e-0000-4000-8000-000000000001"),
            Segment::Capture(_, Ty::OneOf(words)) => {
                text.push_str(words.first().map_or("x", |word| word));
            }
            Segment::Capture(name, _) => text.push_str(name),
        }
    }
    if text.is_empty() { "/".to_owned() } else { text }
}

/// A path as a shell takes it; a normalised one holds no quote.
fn quote(path: &str) -> String {
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~%".contains(&byte));
    if plain { path.to_owned() } else { format!("'{}'", path.replace('\'', "%27")) }
}
