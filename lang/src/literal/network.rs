//! Addresses and networks, and which part of a broken one is to blame.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diag::Diag;
use crate::diag::bad_literal::bad_literal;
use crate::source::Span;
use crate::types::Ty;
use crate::value::Value;

/// Reads what has several dots or a colon.
pub(super) fn address_or_network(text: &str, span: Span) -> Result<(Value, Ty), Box<Diag>> {
    let Some(slash) = text.find('/') else {
        return Ok((Value::ip(address(text, text, span)?), Ty::Ip));
    };
    let (address_text, length_text) = (&text[..slash], &text[slash + 1..]);
    let address = address(text, address_text, span.part(0, slash))?;
    let length_span = span.part(slash + 1, text.len());
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = length_text.parse::<u8>().ok().filter(|&length| {
        length <= longest && length_text.len() <= 3 && !length_text.starts_with('+')
    });
    let Some(network) = length.and_then(|length| IpNet::new(address, length).ok()) else {
        let reason = format!("a prefix length from 0 to {longest} belongs here");
        let place = if length_text.is_empty() { span.part(slash, text.len()) } else { length_span };
        return Err(Box::new(bad_literal(place, format!("`{text}` is not a network"), reason)));
    };
    let base = network.trunc();
    if base != network {
        let first = base.network().to_string();
        return Err(Box::new(
            bad_literal(
                span.part(0, slash),
                format!("`{text}` has host bits set"),
                format!("the network `/{length_text}` of this address begins at `{first}`"),
            )
            .help(format!(
                "write the network, `{base}`, or this one address without `/{length_text}`"
            ))
            .suggest("write the network", span.part(0, slash), first)
            .suggest("write the one address", span, address_text),
        ));
    }
    Ok((Value::cidr(base), Ty::Cidr))
}

fn address(whole: &str, text: &str, span: Span) -> Result<IpAddr, Box<Diag>> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let parts: Vec<&str> = text.split('.').collect();
    if !text.contains(':') {
        if parts.len() != 4 {
            return Err(Box::new(
                bad_literal(
                    span,
                    format!("`{whole}` is neither a number nor an address"),
                    format!("an IPv4 address has four parts, this has {}", parts.len()),
                )
                .help("a version or a name belongs in quotes"),
            ));
        }
        let mut from = 0;
        for part in parts {
            if part.parse::<u8>().is_err() || (part.len() > 1 && part.starts_with('0')) {
                let place = span.part(from, (from + part.len()).max(from));
                return Err(Box::new(bad_literal(
                    place,
                    format!("`{whole}` is not an address"),
                    "a number from 0 to 255 without leading zeros belongs here",
                )));
            }
            from += part.len() + 1;
        }
    }
    if let Some((host, port)) = text.split_once(':')
        && host.contains('.')
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        let message = format!("`{whole}` is no single address");
        return Err(Box::new(
            bad_literal(span, message, "an address with a port is a text")
                .help(format!("write `\"{text}\"`"))
                .fix("put it in quotes", span, format!("\"{text}\"")),
        ));
    }
    let mut from = 0;
    for part in text.split(':') {
        if part.len() > 4 && !part.contains('.') || part.contains(|c: char| !hexadecimal(c)) {
            return Err(Box::new(bad_literal(
                span.part(from, from + part.len()),
                format!("`{whole}` is not an address"),
                "a group has one to four hexadecimal digits",
            )));
        }
        from += part.len() + 1;
    }
    Err(Box::new(bad_literal(
        span,
        format!("`{whole}` is not an address"),
        "an IPv6 address has eight groups, or fewer around one `::`",
    )))
}

fn hexadecimal(c: char) -> bool {
    c.is_ascii_hexdigit() || c == '.'
}
