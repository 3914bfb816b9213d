//! A planned gateway to text. The only room that spells the language. Words from a cluster come here checked, and still go
//! through [`quoted`] or stand in a comment with no line break in it.

use std::fmt::Write;

use lang::{Source, SourceId};

use crate::names::Host;
use crate::routes::{Gateway, On, Route, Site, Step};
use crate::services::{Found, Upstream};

/// The text of `gateway`.
pub(crate) fn emit(gateway: &Gateway) -> String {
    let mut out = Text::default();
    out.line("edition 2026");
    listeners(&mut out, gateway);
    for each in &gateway.upstreams {
        upstream(&mut out, each);
    }
    for each in &gateway.sites {
        site(&mut out, each);
    }
    for each in &gateway.routes {
        out.blank();
        out.line(&format!("// {}", each.origin));
        route(&mut out, each, Some(each.on));
    }
    canonical(out.text)
}

/// The text in the form that `gwc fmt` gives it.
fn canonical(text: String) -> String {
    let source = Source::new(SourceId(0), "translated.gw", text);
    let (tree, diags) = lang::parse(&source);
    // INVARIANT: what is spelled here parses, whatever the objects were.
    debug_assert!(diags.is_empty(), "{diags:?}");
    lang::format(&source, &tree)
}

/// Lines, indented by the blocks they stand in.
#[derive(Default)]
struct Text {
    text: String,
    depth: usize,
}

impl Text {
    fn line(&mut self, line: &str) {
        // A line break in a line would leave its comment or string; nothing that comes here holds one.
        debug_assert!(!line.contains(['\n', '\r']));
        let indent = self.depth * 2;
        let _ = writeln!(self.text, "{:indent$}{}", "", line.replace(['\n', '\r'], " "));
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn open(&mut self, line: &str) {
        self.line(&format!("{line} {{"));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.line("}");
    }
}

fn listeners(out: &mut Text, gateway: &Gateway) {
    let cap = gateway.body.map(|bytes| format!("cap body={}", size(bytes)));
    out.blank();
    out.open("listener http");
    out.line("bind \":80\"");
    if let Some(cap) = &cap {
        out.line(cap);
    }
    out.close();
    if gateway.certificates.is_empty() {
        return;
    }
    out.blank();
    out.open("listener https");
    out.line("bind \":443\"");
    for pair in &gateway.certificates {
        let (cert, key) = (quoted(&pair.cert), quoted(&pair.key));
        out.line(&format!("tls cert={cert}, key={key}"));
    }
    if let Some(cap) = &cap {
        out.line(cap);
    }
    out.close();
}

fn upstream(out: &mut Text, upstream: &Upstream) {
    out.blank();
    out.line(&format!("// {}", upstream.origin));
    out.open(&format!("upstream {}", upstream.name));
    match &upstream.found {
        Found::At(servers) => {
            for server in servers {
                out.line(&format!("server {}", quoted(&server.to_string())));
            }
        }
        Found::Dns(name) => out.line(&format!("discover dns({})", quoted(name))),
    }
    let manner = &upstream.manner;
    if manner.tls {
        let name = manner.server_name.as_deref().unwrap_or_default();
        let verify = if manner.verify == Some(false) { ", verify=false" } else { "" };
        out.line(&format!("tls server_name={}{verify}", quoted(name)));
    }
    if manner.h2 {
        out.line("proto h2");
    }
    let connect = manner.connect.map(|seconds| format!("connect={seconds}s"));
    let silence = manner.silence.map(|seconds| format!("first_byte={seconds}s, idle={seconds}s"));
    let timeouts: Vec<String> = connect.into_iter().chain(silence).collect();
    if !timeouts.is_empty() {
        out.line(&format!("timeout {}", timeouts.join(", ")));
    }
    out.close();
}

fn site(out: &mut Text, site: &Site) {
    out.blank();
    out.open(&format!("site {} on {}", site.name, listeners_of(site.on)));
    if site.host != Host::Any {
        out.line(&format!("host {}", quoted(&site.host.to_string())));
    }
    for each in &site.routes {
        out.blank();
        out.line(&format!("// {}", each.origin.trim_end_matches([':', ' '])));
        route(out, each, None);
    }
    out.close();
}

fn route(out: &mut Text, route: &Route, on: Option<On>) {
    match on {
        Some(on) => out.open(&format!("route {} on {}", route.name, listeners_of(on))),
        None => out.open(&format!("route {}", route.name)),
    }
    if let Some(pattern) = &route.pattern {
        out.line(&format!("path {}", quoted(pattern)));
    }
    for each in &route.steps {
        if let Step::Strip(prefix, _) = each {
            out.line(&format!("let rest = strip_prefix(req.path, {})", quoted(prefix)));
        }
        out.line(&step(each));
    }
    out.close();
}

fn step(step: &Step) -> String {
    match step {
        Step::Allow(networks) => {
            format!("require client.ip in [{}], else=403", networks.join(", "))
        }
        Step::Deny(networks) => {
            format!("require client.ip not in [{}], else=403", networks.join(", "))
        }
        // Both fields are in the normal form.
        Step::ToHttps => "redirect 308, \"https://{req.host}{req.target}\"".to_owned(),
        Step::Redirect(status, target) => format!("redirect {status}, {}", quoted(target)),
        Step::Respond(status) => format!("respond {status}"),
        Step::Rewrite(path) => format!("rewrite {}", quoted(path)),
        // What is left begins with a slash, and `//` is merged.
        Step::Strip(_, path) => {
            format!("rewrite \"{}/{{rest}}\"", escaped(path.trim_end_matches('/')))
        }
        Step::Host(host) => format!("set up.host = {}", quoted(host)),
        Step::Forward(upstream) => format!("forward {upstream}"),
    }
}

fn listeners_of(on: On) -> &'static str {
    match on {
        On::Http => "http",
        On::Https => "https",
        On::Both => "http, https",
    }
}

/// A size in the largest unit that says it exactly.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")];
    let unit = units.iter().find(|(scale, _)| bytes.is_multiple_of(*scale));
    let (scale, name) = unit.unwrap_or(&(1, "B"));
    format!("{}{name}", bytes / scale)
}

/// A string literal that means exactly `text`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// `text` as it stands within a string.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '{' | '}') {
            out.push('\\');
        }
        // INVARIANT: hosts, paths, addresses and file names have been checked to be printable ASCII.
        out.push(c);
    }
    out
}
