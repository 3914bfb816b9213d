//! Why connections ended before their first request, in words, and how often the log says so: whoever fails on purpose must
//! not fill it.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error};
use tokio::time::Instant;

/// The log says at most once in this time, for each listener, why one ended.
const EVERY: Duration = Duration::from_secs(10);

/// Connections of a listener that ended for one kind of reason, as far as the log is concerned. All cores share it; a
/// reload keeps it.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    said: Mutex<Option<Instant>>,
    unsaid: AtomicU64,
}

impl Failures {
    /// How many ended since one was said, this one included; nothing where it is too soon to say one.
    pub(crate) fn turn(&self, now: Instant) -> Option<u64> {
        self.unsaid.fetch_add(1, Ordering::Relaxed);
        // Where another core is about to say one, this one need not.
        let mut said = self.said.try_lock().ok()?;
        if said.is_some_and(|said| now.duration_since(said) < EVERY) {
            return None;
        }
        *said = Some(now);
        Some(self.unsaid.swap(0, Ordering::Relaxed))
    }
}

/// Whether a client left without a word, as checks of a port do. There is nothing to say of it.
pub(crate) fn is_leaving(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// Why a handshake failed, in the words of who set up the listener.
pub(crate) fn reason(error: &io::Error) -> String {
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return error.to_string();
    };
    match inner {
        Error::InvalidMessage(_) => "the client does not speak TLS".to_owned(),
        Error::NoCertificatesPresented => {
            "the client shows no certificate, which `client_ca` asks for".to_owned()
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the client's certificate is of no authority in `client_ca`".to_owned()
        }
        Error::InvalidCertificate(CertificateError::Other(wrong))
            if format!("{wrong:?}").contains("UnsupportedCertVersion") =>
        {
            "the client's certificate is of an old form: X.509 version 3 is needed".to_owned()
        }
        Error::InvalidCertificate(wrong) => format!("the client's certificate: {wrong}"),
        Error::AlertReceived(alert) if is_of_certificate(*alert) => {
            format!("the client does not take the listener's certificate: {alert:?}")
        }
        Error::AlertReceived(alert) => format!("the client ended it: {alert:?}"),
        Error::PeerIncompatible(why) => {
            format!("client and listener have no version or cipher in common: {why:?}")
        }
        other => other.to_string(),
    }
}

fn is_of_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    let all = [
        Alert::BadCertificate,
        Alert::UnsupportedCertificate,
        Alert::CertificateRevoked,
        Alert::CertificateExpired,
        Alert::CertificateUnknown,
        Alert::UnknownCA,
    ];
    all.contains(&alert)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_is_said_and_the_rest_are_counted() {
        let failures = Failures::default();
        let start = Instant::now();
        assert_eq!(failures.turn(start), Some(1));
        for _ in 0..1000 {
            assert_eq!(failures.turn(start + EVERY / 2), None);
        }
        assert_eq!(failures.turn(start + EVERY), Some(1001));
        assert_eq!(failures.turn(start + EVERY * 3), Some(1));
    }

    #[test]
    fn a_reason_is_in_the_words_of_the_listener() {
        let failed = |error| reason(&io::Error::new(io::ErrorKind::InvalidData, error));
        assert!(failed(Error::NoCertificatesPresented).contains("`client_ca` asks"));
        let unknown = Error::AlertReceived(AlertDescription::UnknownCA);
        assert!(failed(unknown).contains("does not take the listener's certificate"));
        assert!(is_leaving(&io::Error::from(io::ErrorKind::UnexpectedEof)));
    }
}
