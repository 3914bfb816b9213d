//! The field names that mean something to the gateway itself. A name is recognised once, when its field is read or
//! written; what is asked about it later is a bit.

use compiler::passing::{CLIENT, HOP, SINGLE};

/// A set of names; a single name as a set of one, any other name as the empty set.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Known(u64);

/// Names besides those of [`SINGLE`].
const OTHERS: &[&str] = &[
    "te",
    "via",
    "proxy",
    "upgrade",
    "forwarded",
    "x-real-ip",
    "connection",
    "keep-alive",
    "http2-settings",
    "x-forwarded-for",
    "proxy-connection",
    "x-forwarded-host",
    "x-forwarded-proto",
    "transfer-encoding",
    "proxy-authenticate",
    "proxy-authentication-info",
];

/// Stands for every other name that begins with `x-forwarded-`.
const OTHER_FORWARDED: Known = Known(1 << 63);

const _: () = assert!(N_NAMES < 62);

const N_NAMES: usize = SINGLE.len() + OTHERS.len();

const NAMES: [&str; N_NAMES] = {
    let mut names = [""; N_NAMES];
    let mut at = 0;
    while at < N_NAMES {
        names[at] = if at < SINGLE.len() { SINGLE[at] } else { OTHERS[at - SINGLE.len()] };
        at += 1;
    }
    names
};

/// The place among [`NAMES`], counted from 1, of the one name with this length and this first letter; 0 if there is none.
const PLACES: [[u8; 32]; 32] = {
    let mut places = [[0; 32]; 32];
    let mut at = 0;
    while at < N_NAMES {
        let name = NAMES[at].as_bytes();
        let place = &mut places[name.len()][(name[0] & 31) as usize];
        assert!(*place == 0, "two names of one length begin with the same letter");
        *place = at as u8 + 1;
        at += 1;
    }
    places
};

impl Known {
    /// Fields of which a request may have one.
    pub(crate) const SINGLE: Known = Known((1 << SINGLE.len()) - 1);
    /// What never passes a hop, whether `Connection` names it or not (RFC 9110, section 7.6.1).
    pub(crate) const HOP: Known = Known::of(HOP);
    /// Stands for every name with a `_` that a peer sent: see [`crate::normal::unmask`].
    pub(crate) const SCORED: Known = Known(1 << 62);
    /// What each hop of HTTP/1 writes for itself.
    pub(crate) const WRITTEN: Known = Known::of(&[
        "te",
        "upgrade",
        "connection",
        "keep-alive",
        "content-length",
        "proxy-connection",
        "transfer-encoding",
    ]);
    /// What a proxy says about the client.
    pub(crate) const CLIENT: Known = Known(Known::of(CLIENT).0 | OTHER_FORWARDED.0);

    /// The set of these names, which must be among those that are known.
    pub(crate) const fn of(names: &[&str]) -> Known {
        let (mut bits, mut at) = (0, 0);
        while at < names.len() {
            let mut row = 0;
            while !same(NAMES[row], names[at]) {
                row += 1;
            }
            bits |= 1 << row;
            at += 1;
        }
        Known(bits)
    }

    /// Recognises a name, whatever its case.
    pub(crate) fn recognise(name: &[u8]) -> Known {
        let letter = name.first().map_or(0, |letter| usize::from(letter & 31));
        let place =
            PLACES.get(name.len()).and_then(|row| row.get(letter)).map_or(0, |&at| usize::from(at));
        if let Some(known) = place.checked_sub(1).and_then(|at| NAMES.get(at))
            && is_written(name, known.as_bytes())
        {
            return Known(1 << (place - 1));
        }
        match name {
            [b'x' | b'X', b'-', b'f' | b'F', ..]
                if name
                    .get(..12)
                    .is_some_and(|start| start.eq_ignore_ascii_case(b"x-forwarded-")) =>
            {
                OTHER_FORWARDED
            }
            _ => Known(0),
        }
    }

    /// Whether the two have a name in common.
    pub(crate) fn meets(self, other: Known) -> bool {
        self.0 & other.0 != 0
    }

    /// The names of both.
    pub(crate) fn with(self, other: Known) -> Known {
        Known(self.0 | other.0)
    }
}

/// Whether `name` is `known`, which is in lower case and as long: a word at a time.
fn is_written(name: &[u8], known: &[u8]) -> bool {
    // Of what a known name is made of, only letters have this bit; they may be without the one below it.
    let byte = |(one, known): (&u8, &u8)| one | (known & 0x40) >> 1 == *known;
    let word = |one: &[u8; 8], known: &[u8; 8]| {
        let (one, known) = (u64::from_le_bytes(*one), u64::from_le_bytes(*known));
        one | (known & u64::from_le_bytes([0x40; 8])) >> 1 == known
    };
    let (Some(last), Some(last_known)) = (name.last_chunk(), known.last_chunk()) else {
        return name.iter().zip(known).all(byte);
    };
    let (words, known_words) = (name.as_chunks().0, known.as_chunks().0);
    word(last, last_known) && words.iter().zip(known_words).all(|(one, known)| word(one, known))
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_recognised_whatever_its_case() {
        for name in NAMES {
            let one = Known::of(&[name]);
            assert_eq!(Known::recognise(name.as_bytes()), one, "{name}");
            assert_eq!(Known::recognise(name.to_ascii_uppercase().as_bytes()), one, "{name}");
            assert!(!Known::recognise(format!("{name}-x").as_bytes()).meets(one));
            for at in 0..name.len() {
                for byte in 0..=u8::MAX {
                    let mut other = name.as_bytes().to_vec();
                    other[at] = byte;
                    let is_same = other.eq_ignore_ascii_case(name.as_bytes());
                    assert_eq!(Known::recognise(&other) == one, is_same, "{name} {at} {byte}");
                }
            }
            assert_eq!(one.meets(Known::SINGLE), SINGLE.contains(&name), "{name}");
        }
        assert!(Known::recognise(b"X-Forwarded-Port").meets(Known::CLIENT));
        assert_eq!(Known::recognise(b"x-other"), Known::default());
        assert_eq!(Known::recognise(b""), Known::default());
        assert_eq!(Known::recognise(&[b'a'; 300]), Known::default());
    }
}
