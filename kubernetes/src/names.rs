//! Names from a cluster: which are valid, and how they become identifiers of a policy. The only room where a stranger's
//! word turns into a word of the language.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// Identifiers are cut to this length before they are made unique.
const LONGEST_IDENTIFIER: usize = 60;

/// Which hosts a rule speaks of. The order is the order of the text: exact ones, wildcards, then any.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Host {
    /// One host.
    Exact(String),
    /// Exactly one label, then this.
    Wildcard(String),
    /// Every host.
    Any,
}

/// Identifiers given out so far in one namespace of the policy.
#[derive(Default)]
pub(crate) struct Identifiers {
    /// Each identifier with the number to try next after it, so that many alike do not search from the start.
    taken: BTreeMap<String, u32>,
}

impl Host {
    /// The host of a rule or a TLS entry, or why it is none.
    pub(crate) fn parse(text: &str) -> Result<Host, &'static str> {
        if text.is_empty() {
            return Ok(Host::Any);
        }
        let (parent, wildcard) = match text.strip_prefix("*.") {
            Some(parent) => (parent, true),
            None => (text, false),
        };
        if text.contains('*') && (!wildcard || parent.contains('*')) {
            return Err("a `*` may only stand alone as the first label");
        }
        if parent.parse::<IpAddr>().is_ok() {
            return Err("a host is a DNS name, not an address");
        }
        if !is_subdomain(parent) {
            return Err("a host is a DNS name in lower case");
        }
        let parent = parent.to_owned();
        Ok(if wildcard { Host::Wildcard(parent) } else { Host::Exact(parent) })
    }

    /// The hosts that hold every request of this one and more, the nearest first.
    pub(crate) fn broader(&self) -> impl Iterator<Item = Host> {
        let wildcard = match self {
            Host::Exact(host) => {
                host.split_once('.').map(|(_, rest)| Host::Wildcard(rest.to_owned()))
            }
            Host::Wildcard(_) | Host::Any => None,
        };
        wildcard.into_iter().chain((*self != Host::Any).then_some(Host::Any))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Exact(host) => f.write_str(host),
            Host::Wildcard(parent) => write!(f, "*.{parent}"),
            Host::Any => f.write_str("*"),
        }
    }
}

impl Identifiers {
    /// An identifier made of `parts`, never given before. It always holds an underscore, so that no cluster can make one
    /// that is a word of the language.
    pub(crate) fn coin(&mut self, parts: &[&str]) -> String {
        let mut word = String::new();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            if !word.is_empty() {
                word.push('_');
            }
            for c in part.chars() {
                let c = if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
                if c != '_' || !word.ends_with('_') {
                    word.push(c);
                }
            }
        }
        let letter_first = word.starts_with(|c: char| c.is_ascii_lowercase());
        if !letter_first || !word.contains('_') {
            word.insert_str(0, "k_");
        }
        word.truncate(LONGEST_IDENTIFIER);
        let word = word.trim_end_matches('_');
        let mut unique = word.to_owned();
        while !unique.contains('_') || self.taken.contains_key(&unique) {
            let turn = self.taken.entry(word.to_owned()).or_insert(2);
            unique = format!("{word}_{turn}");
            *turn += 1;
        }
        self.taken.entry(unique.clone()).or_insert(2);
        unique
    }
}

/// Whether `name` is a label by RFC 1123: at most 63 of `a-z 0-9 -`, no hyphen at either end.
pub(crate) fn is_label(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty()
        && name.len() <= 63
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Whether `name` is a DNS subdomain as Kubernetes understands it: labels with dots between, at most 253 bytes.
pub(crate) fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        assert_eq!(Host::parse("a.example"), Ok(Host::Exact("a.example".into())));
        assert_eq!(Host::parse("*.a.example"), Ok(Host::Wildcard("a.example".into())));
        assert_eq!(Host::parse(""), Ok(Host::Any));
        let bad = [
            "*",
            "a.*.b",
            "*.*.b",
            "*a.b",
            "A.example",
            "10.0.0.1",
            "a b",
            "a\"{x}",
            "a..b",
            "-a.b",
            "a.example.",
        ];
        for host in bad {
            assert!(Host::parse(host).is_err(), "{host}");
        }
    }

    #[test]
    fn identifiers_are_unique_and_never_words_of_the_language() {
        let mut names = Identifiers::default();
        assert_eq!(names.coin(&["shop", "web-api", "80"]), "shop_web_api_80");
        assert_eq!(names.coin(&["shop", "web.api", "80"]), "shop_web_api_80_2");
        assert_eq!(names.coin(&["route"]), "k_route");
        assert_eq!(names.coin(&["9lives", "x"]), "k_9lives_x");
        assert_eq!(names.coin(&["a-"]), "a_2");
        assert_eq!(names.coin(&[&"x".repeat(300), "y"]).len(), LONGEST_IDENTIFIER + 2);
    }
}
