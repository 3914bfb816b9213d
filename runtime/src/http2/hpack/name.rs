//! What the name of a field means to a server. It is asked once for each name that is spelled out;
//! a name that a table holds was looked at when it came in.

/// A kind of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http2) enum Name {
    Method,
    Scheme,
    Authority,
    Path,
    /// `:status`, and whatever else begins with a colon.
    OtherPseudo,
    Host,
    Length,
    Cookie,
    Expect,
    Te,
    /// A field that concerns one connection: HTTP/2 has none (RFC 9113 section 8.2.2).
    Connection,
    /// Any other name in lower case.
    Plain,
    /// No name, or not in lower case (RFC 9113 section 8.2.1).
    Bad,
}

impl Name {
    pub(super) const fn of(name: &[u8]) -> Name {
        match name {
            b":method" => Name::Method,
            b":scheme" => Name::Scheme,
            b":authority" => Name::Authority,
            b":path" => Name::Path,
            [b':', ..] => Name::OtherPseudo,
            b"host" => Name::Host,
            b"content-length" => Name::Length,
            b"cookie" => Name::Cookie,
            b"expect" => Name::Expect,
            b"te" => Name::Te,
            b"connection" | b"transfer-encoding" | b"upgrade" | b"keep-alive"
            | b"proxy-connection" => Name::Connection,
            name if is_lower_token(name) => Name::Plain,
            _ => Name::Bad,
        }
    }
}

const fn is_lower_token(mut name: &[u8]) -> bool {
    if name.is_empty() {
        return false;
    }
    while let [byte, rest @ ..] = name {
        let valid = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#' | b'$' | b'%' | b'&'
            | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~');
        if !valid {
            return false;
        }
        name = rest;
    }
    true
}

/// Whether `value` may stand in a field: no control character, no space around it (RFC 9113
/// section 8.2.1).
pub(super) fn is_clean(value: &[u8]) -> bool {
    !matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t'])
        && value.iter().all(|&byte| crate::message::is_value_byte(byte))
}
