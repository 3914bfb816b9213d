//! Why it is not known who asks: the word for logs and metrics, and what a client is told (RFC 6750, section 3). Neither
//! says anything of the token that was sent.

/// A challenge to somebody whose token is not taken.
macro_rules! told {
    ($description:literal) => {
        concat!("Bearer error=\"invalid_token\", error_description=\"", $description, "\"")
    };
}

/// Why a request comes from nobody who is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// It brings no token.
    Missing,
    /// What it brings is no token, or one that asks for what is not understood.
    Malformed,
    /// The token's algorithm is not accepted, or not one of its key.
    Algorithm,
    /// No key has signed it that is known.
    Key,
    /// There are no keys: they could not be fetched.
    NoKeys,
    /// The signature is not that of its key.
    Signature,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Early,
    /// Another issuer has signed it.
    Issuer,
    /// It is meant for somebody else.
    Audience,
    /// A claim is missing, or of another type than is declared.
    Claims,
}

/// Every reason, in the order of their declaration.
pub const REASONS: [Reason; 11] = [
    Reason::Missing,
    Reason::Malformed,
    Reason::Algorithm,
    Reason::Key,
    Reason::NoKeys,
    Reason::Signature,
    Reason::Expired,
    Reason::Early,
    Reason::Issuer,
    Reason::Audience,
    Reason::Claims,
];

impl Reason {
    /// A stable word for logs and metrics.
    pub fn slug(self) -> &'static str {
        match self {
            Reason::Missing => "token-missing",
            Reason::Malformed => "token-malformed",
            Reason::Algorithm => "token-algorithm",
            Reason::Key => "token-key",
            Reason::NoKeys => "token-no-keys",
            Reason::Signature => "token-signature",
            Reason::Expired => "token-expired",
            Reason::Early => "token-early",
            Reason::Issuer => "token-issuer",
            Reason::Audience => "token-audience",
            Reason::Claims => "token-claims",
        }
    }

    /// The value of `WWW-Authenticate`. A request without a token is told no error (RFC 6750, section 3.1).
    pub fn challenge(self) -> &'static str {
        match self {
            Reason::Missing => "Bearer",
            Reason::Malformed => told!("the token is malformed"),
            Reason::Algorithm => told!("the algorithm of the token is not accepted"),
            Reason::Key => told!("the key of the token is not known"),
            Reason::NoKeys => told!("the token cannot be verified now"),
            Reason::Signature => told!("the signature of the token is invalid"),
            Reason::Expired => told!("the token has expired"),
            Reason::Early => told!("the token is not valid yet"),
            Reason::Issuer => told!("the issuer of the token is not accepted"),
            Reason::Audience => told!("the token is meant for another audience"),
            Reason::Claims => told!("a claim of the token is missing or of another type"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_place_and_its_words() {
        for (at, reason) in REASONS.into_iter().enumerate() {
            assert_eq!(reason as usize, at);
            assert!(reason.slug().starts_with("token-"));
            assert!(reason.challenge().starts_with("Bearer"));
        }
    }
}
