//! What annotations ask for. One annotation is one file in `annotations/` with a row: its keys and its reading. A key that
//! no row claims is reported, never passed over.

use serde_json::Value;

use crate::notes::{
    About, BAD_ANNOTATION, Notes, READ_AS, REFUSED_ANNOTATION, UNKNOWN_ANNOTATION, shown,
};
use crate::objects::Ingress;
use crate::services::Manner;

/// A known annotation.
pub(crate) struct Annotation {
    /// The names it goes by, without a prefix of [`PREFIXES`].
    names: &'static [&'static str],
    /// Whether it restricts who may pass, so that its routes stay shut where it is not understood.
    protects: bool,
    /// Reads a value into the plan.
    read: fn(&str, &mut Plan) -> Result<(), Remark>,
}

/// What there is to say about an annotation that is known.
enum Remark {
    /// The value is not one that it takes.
    Value(String),
    /// It has no translation, whatever its value.
    Never(String),
}

/// What the annotations of one Ingress ask for.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    /// Whether plain requests are sent to https, if it says.
    pub(crate) to_https: Option<bool>,
    /// How its upstreams are spoken to.
    pub(crate) manner: Manner,
    /// The host that upstreams see.
    pub(crate) host: Option<String>,
    /// The path that upstreams see.
    pub(crate) rewrite: Option<Rewrite>,
    /// Every request is sent elsewhere, permanently.
    pub(crate) permanent: Option<String>,
    /// The status of `permanent`.
    pub(crate) permanent_status: Option<u16>,
    /// Every request is sent elsewhere, for now.
    pub(crate) temporal: Option<String>,
    /// Only these networks may pass; empty means all.
    pub(crate) allow: Vec<String>,
    /// These networks may not pass.
    pub(crate) deny: Vec<String>,
    /// Bytes of a request's body.
    pub(crate) body: Option<u64>,
    /// A protection has no translation: its routes refuse every request.
    pub(crate) shut: bool,
    /// It has been left out, since it only makes sense beside another Ingress.
    pub(crate) skip: bool,
    /// A rewriting has no translation: its routes serve nothing rather than the wrong path.
    pub(crate) broken: bool,
    /// Its paths are regular expressions.
    pub(crate) regex: bool,
}

/// The path that upstreams see.
#[derive(Clone)]
pub(crate) enum Rewrite {
    /// This one.
    Fixed(String),
    /// This text, and behind it what the group of that number matched.
    Group(String, u8),
}

/// Whose annotations are read. The second is what ingress-nginx and others used before.
const PREFIXES: &[&str] = &["nginx.ingress.kubernetes.io/", "ingress.kubernetes.io/"];

/// Says nothing about routing: the object itself once more, and the class, which is read with the objects.
const SILENT: &[&str] =
    &["kubectl.kubernetes.io/last-applied-configuration", "kubernetes.io/ingress.class"];

macro_rules! annotations {
    ($($name:ident,)*) => {
        const ANNOTATIONS: &[&Annotation] = &[$(&$name::ROW,)*];
    };
}

mod auth;
mod backend_protocol;
mod canary;
mod denylist_source_range;
mod force_ssl_redirect;
mod permanent_redirect;
mod permanent_redirect_code;
mod proxy_body_size;
mod proxy_connect_timeout;
mod proxy_read_timeout;
mod proxy_ssl_name;
mod proxy_ssl_verify;
mod rewrite_target;
mod snippet;
mod ssl_redirect;
mod temporal_redirect;
mod upstream_vhost;
mod use_regex;
mod whitelist_source_range;

annotations![
    auth,
    backend_protocol,
    canary,
    denylist_source_range,
    force_ssl_redirect,
    permanent_redirect,
    permanent_redirect_code,
    proxy_body_size,
    proxy_connect_timeout,
    proxy_read_timeout,
    proxy_ssl_name,
    proxy_ssl_verify,
    rewrite_target,
    snippet,
    ssl_redirect,
    temporal_redirect,
    upstream_vhost,
    use_regex,
    whitelist_source_range,
];

/// Reads the annotations of `ingress`.
pub(crate) fn plan(ingress: &Ingress, about: &About, notes: &mut Notes) -> Plan {
    let mut plan = Plan::default();
    for (key, value) in &ingress.metadata.annotations {
        if SILENT.contains(&key.as_str()) {
            continue;
        }
        let field = format!("metadata.annotations[{}]", shown(key));
        let Some(row) = row(key) else {
            notes.add(&UNKNOWN_ANNOTATION, about, field, "is not known, and not translated");
            continue;
        };
        let read = match value {
            Value::String(text) => (row.read)(text.trim(), &mut plan),
            _ => Err(Remark::Value("is not a string".to_owned())),
        };
        let (entry, mut message) = match read {
            Ok(()) => continue,
            Err(Remark::Value(message)) => (&BAD_ANNOTATION, message),
            Err(Remark::Never(message)) => (&REFUSED_ANNOTATION, message),
        };
        if row.protects {
            plan.shut = true;
            message.push_str(
                "; the routes of this Ingress answer 403 until the policy says who may pass",
            );
        }
        notes.add(entry, about, field, message);
    }
    if plan.manner.tls && plan.manner.verify.is_none() {
        let message = "certificates of upstreams are verified, which nginx does only where it is told to; \
                       `proxy-ssl-verify: \"off\"` says otherwise";
        notes.add(&READ_AS, about, "metadata.annotations", message);
    }
    plan
}

fn row(key: &str) -> Option<&'static Annotation> {
    let name = PREFIXES.iter().find_map(|prefix| key.strip_prefix(prefix));
    if let Some(row) =
        ANNOTATIONS.iter().find(|row| name.is_some_and(|name| row.names.contains(&name)))
    {
        return Some(row);
    }
    // Snippets are refused under whoever's prefix they come: `nginx.org/location-snippets`, `haproxy.org/backend-config-snippet`.
    let (_, name) = key.split_once('/')?;
    (name.ends_with("-snippet") || name.ends_with("-snippets")).then_some(&snippet::ROW)
}

/// `"true"` or `"false"`, as ingress-nginx reads them.
fn boolean(value: &str) -> Result<bool, Remark> {
    match value {
        "true" | "1" | "t" | "T" | "TRUE" | "True" => Ok(true),
        "false" | "0" | "f" | "F" | "FALSE" | "False" => Ok(false),
        _ => Err(Remark::Value(format!("`{}` is neither `true` nor `false`", shown(value)))),
    }
}

/// Whole seconds, with or without an `s`, from 1 to a day.
fn seconds(value: &str) -> Result<u32, Remark> {
    let number = value.strip_suffix('s').unwrap_or(value);
    match number.parse() {
        Ok(seconds @ 1..=86_400) => Ok(seconds),
        _ => Err(Remark::Value(format!(
            "`{}` is not a number of seconds from 1 to 86400",
            shown(value)
        ))),
    }
}

/// An absolute http or https address that holds nothing the policy would read as more than text.
fn address(value: &str) -> Result<String, Remark> {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let plain = |b: u8| b.is_ascii_graphic() && !b"\"\\{}<>^`|$".contains(&b);
    match rest {
        Some(rest) if !rest.is_empty() && value.len() <= 2048 && rest.bytes().all(plain) => {
            Ok(value.to_owned())
        }
        _ => Err(Remark::Value(format!(
            "`{}` is not an absolute address without variables",
            shown(value)
        ))),
    }
}

/// Networks with commas between, in their shortest form.
fn networks(value: &str) -> Result<Vec<String>, Remark> {
    const MOST: usize = 1_000;
    let words: Vec<&str> =
        value.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() || words.len() > MOST {
        return Err(Remark::Value(format!("takes from 1 to {MOST} networks")));
    }
    words
        .into_iter()
        .map(|word| {
            network(word)
                .ok_or_else(|| Remark::Value(format!("`{}` is not a network", shown(word))))
        })
        .collect()
}

/// A network with the bits beyond its prefix cleared, as nginx reads it; the language refuses such bits.
fn network(word: &str) -> Option<String> {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    let (address, length) = match word.split_once('/') {
        Some((address, length)) if length.bytes().all(|b| b.is_ascii_digit()) => {
            (address, Some(length.parse::<u32>().ok()?))
        }
        Some(_) => return None,
        None => (word, None),
    };
    match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => {
            let length = length.unwrap_or(32);
            let beyond = 32_u32.checked_sub(length)?;
            let mask = u32::MAX.checked_shl(beyond).unwrap_or(0);
            Some(format!("{}/{length}", Ipv4Addr::from(u32::from(address) & mask)))
        }
        IpAddr::V6(address) => {
            let length = length.unwrap_or(128);
            let beyond = 128_u32.checked_sub(length)?;
            let mask = u128::MAX.checked_shl(beyond).unwrap_or(0);
            Some(format!("{}/{length}", Ipv6Addr::from(u128::from(address) & mask)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_normal() {
        assert_eq!(network("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(network("10.1.2.3").as_deref(), Some("10.1.2.3/32"));
        assert_eq!(network("0.0.0.0/0").as_deref(), Some("0.0.0.0/0"));
        assert_eq!(network("fd00::1/8").as_deref(), Some("fd00::/8"));
        assert_eq!(network("::/0").as_deref(), Some("::/0"));
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/", "fd00::/129", "] }"]
        {
            assert_eq!(network(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_annotation_has_its_file() {
        let names: Vec<&str> =
            ANNOTATIONS.iter().flat_map(|row| row.names.iter().copied()).collect();
        let unique: std::collections::BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), unique.len());
    }
}
