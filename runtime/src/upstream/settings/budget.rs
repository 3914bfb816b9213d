//! What an upstream's lines say about time and tries, for those who check that all of it can come to pass.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lang::value::Value;
use lang::vocab::Decode;
use lang::vocab::budget::{Budget, Late, Leads, Place, Says, Vain};

use crate::listen::BindAddress;
use crate::upstream::causes::{Cause, Causes};
use crate::upstream::config::{Server, Timeouts};
use crate::upstream::retry::RetryConfig;
use crate::values::{Pause, Share};

const RETRIES: Place = ("retry", "retries");
const ON: Place = ("retry", "on");
const SHARE: Place = ("retry", "budget");
const BACKOFF: Place = ("retry", "backoff");
const FIRST_BYTE: Place = ("timeout", "first_byte");
const TOTAL: Place = ("timeout", "total");

/// All of them.
pub static BUDGETS: &[&Budget] = &[&BUDGET];

static BUDGET: Budget = Budget {
    block: "upstream",
    action: "forward",
    replaces: &[("timeout", TOTAL), ("timeout", FIRST_BYTE), ("first_byte", FIRST_BYTE)],
    vain,
    tries,
    leads: Leads {
        to: ("server", "address"),
        block: "listener",
        at: ("bind", "address"),
        same: is_same_place,
    },
};

/// The retries for which there is no time, each of which follows a time limit or a wait, however fast all else is; or no
/// share of the requests, which all but those cost that no endpoint has seen.
fn vain(says: Says<'_>) -> Option<Vain> {
    let (retry, on) = (RetryConfig::default(), causes(says));
    let retries = retries(says);
    if retries > 0 && !is_paid(says) && !on.has(Cause::Connect) {
        return Some(Vain::Unpaid { number: RETRIES, share: SHARE });
    }
    let (least, _) = said(says, BACKOFF, retry.backoff, |Pause(least, most)| (least, most));
    let timeouts = Timeouts::default();
    let duration = |place, preset| said(says, place, preset, |length: Duration| length);
    let (first_byte, whole) =
        (duration(FIRST_BYTE, timeouts.first_byte), duration(TOTAL, timeouts.total));
    // After `connect` another endpoint may be asked at once, so that nothing is sure about how long that takes.
    let (each, length) = match (on.has(Cause::Timeout), on.has(Cause::Connect)) {
        (true, _) => (FIRST_BYTE, first_byte.saturating_add(least)),
        (false, false) => (BACKOFF, least),
        (false, true) => return None,
    };
    if retries == 0 || length.saturating_mul(retries) < whole {
        return None;
    }
    let begin = (1..retries).rev().find(|n| length.saturating_mul(*n) < whole).unwrap_or(0);
    let fits = (whole.saturating_sub(Duration::from_millis(1)) / retries).saturating_sub(least);
    let fits = Some(rounded(fits)).filter(|fits| each == FIRST_BYTE && !fits.is_zero());
    let (number, outer) = (RETRIES, TOTAL);
    Some(Vain::Late(Late { number, retries, begin, each, length, fits, outer, whole }))
}

/// How often a request is sent.
fn tries(says: Says<'_>, answered: bool) -> u32 {
    let on = causes(says);
    let repeats = [502, 503, 504].iter().any(|status| on.has(Cause::Status(*status)));
    let never = if answered { !repeats || !is_paid(says) } else { retries(says) == 0 };
    if never { 1 } else { 1 + retries(says) }
}

/// Whether a request that an endpoint may have seen is sent again at all.
fn is_paid(says: Says<'_>) -> bool {
    said(says, SHARE, RetryConfig::default().budget, |share: Share| share.hundredths()) > 0
}

fn retries(says: Says<'_>) -> u32 {
    said(says, RETRIES, RetryConfig::default().retries, |count: u32| count)
}

fn causes(says: Says<'_>) -> Causes {
    said(says, ON, RetryConfig::default().on, |causes: Causes| causes)
}

fn said<T: Decode, U>(says: Says<'_>, place: Place, preset: U, read: fn(T) -> U) -> U {
    (says.0)(place).and_then(|value| T::decode(&value).ok()).map_or(preset, read)
}

/// Without more digits than anybody would write.
fn rounded(length: Duration) -> Duration {
    let ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let step = match ms {
        0..100 => 1,
        100..1000 => 10,
        _ => 100,
    };
    Duration::from_millis(ms / step * step)
}

/// Whether a server is what a listener of this machine binds, as far as texts can tell.
fn is_same_place(server: &Value, bind: &Value) -> bool {
    let (Some(server), Some(bind)) = (server.as_str(), bind.as_str()) else { return false };
    let (Ok(server), Ok(bind)) = (Server::parse(server, 1), bind.parse::<BindAddress>()) else {
        return false;
    };
    let local = IpAddr::from(Ipv4Addr::LOCALHOST);
    let ip = match &*server.host {
        "localhost" => Some(local),
        host => host.parse::<IpAddr>().ok(),
    };
    let is_here = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
    ip.is_some_and(|ip| match bind {
        BindAddress::Any(port) => port == server.port && is_here(ip),
        BindAddress::One(one) => {
            let everywhere = one.ip().is_unspecified() && is_here(ip);
            one.port() == server.port && (one.ip() == ip || everywhere)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_be_a_listener() {
        let same = |server, bind| is_same_place(&Value::string(server), &Value::string(bind));
        assert!(same("127.0.0.1:8080", ":8080") && same("localhost:80", "127.0.0.1:80"));
        assert!(same("[::1]:80", "[::]:80") && same("10.0.0.1:80", "10.0.0.1:80"));
        assert!(!same("10.0.0.1:80", ":80"), "another machine, perhaps");
        assert!(!same("127.0.0.1:81", ":80") && !same("app.svc:80", ":80"));
    }
}
