//! Host patterns: `shop.example`, `*.x`, `**.x`, and what is wrong with those that could never match. A pattern is in
//! the normal form of hosts: lower case, no port, no trailing dot.

use std::sync::Arc;

use crate::diag::Diag;
use crate::diag::bad_host::bad_host;
use crate::policy::Host;
use crate::source::Span;

/// Reads a host pattern; `span` is the place of its text, between the quotes.
pub(super) fn host(text: &str, span: Span) -> Result<Host, Box<Diag>> {
    let (stars, name_at) = match text {
        _ if text.starts_with("**.") => (2, 3),
        _ if text.starts_with("*.") => (1, 2),
        _ => (0, 0),
    };
    let name = text.get(name_at..).unwrap_or_default();
    let place = |from: usize, to: usize| span.part(name_at + from, name_at + to);
    if name.is_empty() {
        let what = if text.is_empty() { "a host is missing" } else { "a host belongs behind this" };
        return Err(Box::new(
            bad_host(span, "this host pattern is empty", what)
                .help("leave the `host` line out to answer for every host"),
        ));
    }
    if let Some(stripped) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match stripped.parse::<std::net::Ipv6Addr>() {
            Ok(_) if stars == 0 => Ok(Host::Exact(Arc::from(text.to_ascii_lowercase()))),
            _ => Err(Box::new(bad_host(
                span,
                format!("`{text}` is not a host"),
                "this is not an IPv6 address",
            ))),
        };
    }
    for (token, reason, help) in [
        ("://", "a host has no scheme", "the listener decides whether TLS is spoken"),
        ("/", "a host has no path", "write the path as `path \"/…\"`"),
    ] {
        if let Some(at) = name.find(token) {
            let wrong = if token == "/" { place(at, name.len()) } else { place(0, at + 3) };
            let edit = if token == "/" { wrong } else { place(0, at + 3) };
            return Err(Box::new(
                bad_host(wrong, format!("`{text}` is not a host"), reason).help(help).suggest(
                    "remove it",
                    edit,
                    "",
                ),
            ));
        }
    }
    if let Some(at) = name.find(':') {
        return Err(Box::new(
            bad_host(
                place(at, name.len()),
                format!("the host pattern `{text}` has a port"),
                "a host is compared without its port",
            )
            .help("the listener's `bind` says the port")
            .suggest("remove the port", place(at, name.len()), ""),
        ));
    }
    if text == "*" || text == "**" {
        let diag =
            bad_host(span, format!("`{text}` is no host pattern"), "every host needs no pattern");
        return Err(Box::new(diag.help(
            "leave `host` out for every host; `*.x` is one label before `x`, `**.x` is one or more",
        )));
    }
    if text.starts_with('~') || text.contains(['^', '$', '(', '\\']) {
        return Err(Box::new(
            bad_host(span, format!("`{text}` is not a host"), "a host has no regular expressions")
                .help("`*.x` is one label before `x`, `**.x` is one or more; a condition asks a pattern: `where matches(req.host, re\"…\")`"),
        ));
    }
    if text == "_" {
        return Err(Box::new(
            bad_host(span, "`_` is no host pattern", "this would be a host of this very name")
                .help("leave the `host` line out to answer for every host"),
        ));
    }
    if let Some(parent) = text.strip_prefix('.').filter(|parent| !parent.is_empty()) {
        return Err(Box::new(
            bad_host(span.part(0, 1), format!("`{text}` is not a host"), "a label is missing here")
                .help(format!("write `\"**.{parent}\"` for all hosts beneath, `\"{parent}\", \"**.{parent}\"` with the name itself"))
                .suggest("take all hosts beneath", span.part(0, 0), "**"),
        ));
    }
    if let Some(at) = name.find('*') {
        return Err(Box::new(
            bad_host(
                place(at, at + 1),
                format!("`{text}` has a `*` inside"),
                "a wildcard stands only in front, as `*.` or `**.`",
            )
            .help("`*.x` is one label before `x`, `**.x` is one or more"),
        ));
    }
    if let Some(at) = name.find(|c: char| c.is_ascii_uppercase()) {
        let end = name[at..].find(|c: char| !c.is_ascii_uppercase()).map_or(name.len(), |n| at + n);
        return Err(Box::new(
            bad_host(
                place(at, end),
                format!("`{text}` could never match"),
                "hosts are compared in lower case",
            )
            .fix("write it in lower case", span, text.to_lowercase()),
        ));
    }
    if let Some((at, c)) = name.char_indices().find(|(_, c)| !c.is_ascii()) {
        return Err(Box::new(
            bad_host(
                place(at, at + c.len_utf8()),
                format!("`{text}` could never match"),
                "on the wire a host is ASCII",
            )
            .help("write the name in its `xn--` form"),
        ));
    }
    if let Some(without) = name.strip_suffix('.') {
        let at = without.len();
        return Err(Box::new(
            bad_host(
                place(at, at + 1),
                format!("`{text}` could never match"),
                "hosts are compared without the trailing dot",
            )
            .fix("remove the dot", place(at, at + 1), ""),
        ));
    }
    labels(text, name, &place)?;
    let name: Arc<str> = Arc::from(name);
    Ok(match stars {
        0 => Host::Exact(name),
        1 => Host::OneLabel(name),
        _ => Host::Labels(name),
    })
}

fn labels(text: &str, name: &str, place: &dyn Fn(usize, usize) -> Span) -> Result<(), Box<Diag>> {
    if name.len() > 253 {
        return Err(Box::new(bad_host(
            place(0, name.len()),
            "this host is too long",
            "a host has at most 253 characters",
        )));
    }
    let mut from = 0;
    for label in name.split('.') {
        let to = from + label.len();
        let message = || format!("`{text}` is not a host");
        if label.is_empty() {
            let wrong = place(from.saturating_sub(1), (to + 1).min(name.len()));
            return Err(Box::new(bad_host(wrong, message(), "a label is missing here")));
        }
        if label.len() > 63 {
            return Err(Box::new(bad_host(
                place(from, to),
                message(),
                "a label has at most 63 characters",
            )));
        }
        let odd = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c));
        if let Some(at) = label.find(odd) {
            return Err(Box::new(bad_host(
                place(from + at, from + at + 1),
                message(),
                "a host has letters, digits, `-` and `.`",
            )));
        }
        from = to + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_part_is_pointed_at() {
        for (text, wrong) in [
            ("Shop.example", "S"),
            ("shop.example:80", ":80"),
            ("shop.example.", "."),
            ("a.*.example", "*"),
            ("https://a.example", "https://"),
            ("a.example/x", "/x"),
            ("a..example", ".."),
            ("bücher.example", "ü"),
            ("*", "*"),
            ("a b", " "),
        ] {
            let diag = host(text, Span::default().part(0, text.len())).expect_err(text);
            assert_eq!(&text[diag.span().range()], wrong, "{text}");
        }
    }

    #[test]
    fn the_right_ones_are_read() {
        let read = |text: &str| host(text, Span::default().part(0, text.len())).ok();
        assert_eq!(read("a.example"), Some(Host::Exact("a.example".into())));
        assert_eq!(read("*.example"), Some(Host::OneLabel("example".into())));
        assert_eq!(read("**.example"), Some(Host::Labels("example".into())));
        assert_eq!(read("[::1]"), Some(Host::Exact("[::1]".into())));
    }
}
