//! Knows the configurations of other programs by their first lines, so that one which was pasted whole is one mistake and
//! not one for each of its lines. It guesses nothing about a text that begins as ours does.

use super::keyword::Keyword;
use super::split::first_word;

/// What other programs are configured with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Config {
    /// Objects of Kubernetes: YAML with an `apiVersion`.
    Kubernetes,
    /// Any other YAML: Envoy, Traefik, Kong.
    Yaml,
    /// JSON.
    Json,
    /// TOML, as Traefik reads it.
    Toml,
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
    /// A Caddyfile.
    Caddy,
    /// HCL, as Terraform reads it.
    Hcl,
    /// Policies in Cedar.
    Cedar,
    /// Policies in Rego.
    Rego,
}

/// So many lines of code are looked at.
const MOST_LINES: usize = 100;

const NGINX: &[&str] = &[
    "access_log",
    "client_max_body_size",
    "error_log",
    "events",
    "gzip",
    "http",
    "include",
    "keepalive_timeout",
    "limit_req_zone",
    "listen",
    "load_module",
    "location",
    "log_format",
    "map",
    "pid",
    "proxy_cache_path",
    "proxy_pass",
    "proxy_set_header",
    "return",
    "root",
    "server",
    "server_name",
    "ssl_certificate",
    "stream",
    "upstream",
    "user",
    "worker_connections",
    "worker_processes",
];
const HAPROXY_SECTIONS: &[&str] = &["global", "defaults", "frontend", "backend", "listen"];
const HAPROXY: &[&str] = &[
    "acl",
    "balance",
    "bind",
    "daemon",
    "default_backend",
    "http-request",
    "http-response",
    "log",
    "maxconn",
    "mode",
    "option",
    "server",
    "stats",
    "timeout",
    "use_backend",
];
const CADDY: &[&str] = &[
    "basic_auth",
    "encode",
    "file_server",
    "handle",
    "handle_path",
    "php_fastcgi",
    "redir",
    "respond",
    "reverse_proxy",
    "root",
    "tls",
];

const HCL: &[&str] = &["data", "locals", "output", "provider", "resource", "terraform", "variable"];

/// Whether an item begins as none of ours does: with no word of an item, or with one and a `:`.
pub(super) fn is_strange(item: &str) -> bool {
    let word = first_word(item);
    let is_ours = Keyword::from_word(word).is_some();
    let behind = item.split_once(word).map_or("", |(_, behind)| behind);
    !item.starts_with("//") && (!is_ours || behind.starts_with(':'))
}

/// What a text is that begins as none of ours does, if it is the configuration of another program. One line alone is none.
pub(super) fn config(text: &str) -> Option<Config> {
    if !is_strange(text) {
        return None;
    }
    let all = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<&str> = all.take(MOST_LINES).collect();
    let first = *lines.first()?;
    let most = |is_one: fn(&str) -> bool| {
        let n = lines.iter().filter(|line| is_one(line)).count();
        n >= 2 && n * 4 >= lines.len() * 3
    };
    let begins = |known: &[&str]| {
        let statements = lines.iter().flat_map(|line| line.split_inclusive(['{', ';']));
        statements.filter(|statement| known.contains(&word(statement.trim_start()))).count()
    };
    if text.trim_start_matches(['{', '[', ' ', '\t', '\r', '\n']).starts_with('"')
        && text.starts_with(['{', '['])
    {
        return Some(Config::Json);
    }
    if is_yaml(first) && most(is_yaml) {
        let is_object = lines.iter().any(|line| line.starts_with("apiVersion:"));
        return Some(if is_object { Config::Kubernetes } else { Config::Yaml });
    }
    if first.starts_with('[')
        && first.contains(']')
        && lines.iter().skip(1).any(|line| line.contains('='))
    {
        return Some(Config::Toml);
    }
    let is_section = HAPROXY_SECTIONS.contains(&word(first)) && !first.contains('{');
    if is_section && begins(HAPROXY) >= 1 {
        return Some(Config::Haproxy);
    }
    if NGINX.contains(&word(first)) && first.contains(['{', ';']) && begins(NGINX) >= 3 {
        return Some(Config::Nginx);
    }
    if matches!(word(first), "permit" | "forbid") && text.contains("principal") {
        return Some(Config::Cedar);
    }
    let is_rule = |line: &&str| matches!(word(line), "allow" | "deny");
    let is_default = word(first) == "default" && lines.iter().skip(1).any(is_rule);
    if word(first) == "package" || is_default {
        return Some(Config::Rego);
    }
    if HCL.contains(&word(first)) && first.contains('{') {
        return Some(Config::Hcl);
    }
    let host = first.split('{').next().unwrap_or("");
    let is_site = first.contains('{')
        && Keyword::from_word(first_word(first)).is_none()
        && (host.trim().is_empty()
            || host.contains(['.', ':', '*'])
            || host.starts_with("localhost"));
    (is_site && begins(CADDY) >= 1).then_some(Config::Caddy)
}

/// Whether a line is one of YAML: a key with its value, an item of a list, the head of a document.
fn is_yaml(line: &str) -> bool {
    let inner = line.trim_start_matches("- ");
    let key = inner.split(':').next().unwrap_or("").trim_matches(['"', '\'']);
    let is_key = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./@".contains(&byte));
    let has_value = inner.split_once(':').is_some_and(|(_, value)| {
        value.trim_start_matches(['"', '\'']).is_empty() || value.starts_with([' ', '\t'])
    });
    line == "---" || line == "-" || line.starts_with("- ") || is_key && has_value
}

/// The word that a text begins with.
fn word(text: &str) -> &str {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    text.split(|letter| !is_part(letter)).next().unwrap_or("")
}
