//! `forward`: an upstream answers.

use super::prelude::*;
use crate::exchange::UpstreamId;
use crate::values::{Authority, Wait};

pub(super) type Instance = Forwarding;

pub(super) static ROW: Action = Action {
    name: "forward",
    params: Forward::PARAMS,
    form: Form::Arms { pattern: Percent::ty, value: UpstreamName::ty },
    phase: Phase::Route,
    ends: Ends::Forwards,
    late: false,
    methods: &[],
    coherent: None,
    asserts: None,
    doc: "Sends the request to an upstream, or by shares to several. The statements behind it run on the answer, also on the gateway's own 502, 503 or 504 when the upstream gave none. What an endpoint failed may be sent to another one, as the upstream's `retry` says. Connection fields are taken off, `X-Forwarded-For`, `-Proto` and `-Host` are written, and an upgrade such as WebSocket is passed through.",
    example: "forward { 95% => users, 5% => users_next }",
};

params! {
    /// Where the request goes.
    pub struct Forward {
        /// The upstream; or arms with the share of each.
        upstream: UpstreamName,
        /// How long the whole exchange may take, instead of the upstream's `total` and `first_byte`.
        timeout: Option<Wait<365>>,
        /// How long the answer may take to begin, instead of the upstream's `first_byte`.
        first_byte: Option<Wait<365>>,
        /// The host that is asked for; the client's when not given.
        host: Option<Dyn<Authority>>,
    }
}

/// By how much a sum of shares may miss the whole.
const ROUNDING: f64 = 1e-6;

/// Where the request goes, built.
pub(crate) struct Forwarding {
    /// Upstreams, each with the running sum of shares in percent, up to and including its own.
    arms: Vec<(f64, UpstreamId)>,
    timeout: Option<Duration>,
    first_byte: Option<Duration>,
    host: Option<Dyn<Authority>>,
}

impl Forwarding {
    /// An upstream, by the shares of the arms.
    fn choose(&self) -> Option<UpstreamId> {
        let drawn = if self.arms.len() > 1 { fastrand::f64() * 100.0 } else { 0.0 };
        // A sum of shares may miss the whole by a rounding; what is drawn beyond it is the last one's that takes any.
        let any = || self.arms.iter().rev().find(|(sum, _)| *sum >= 100.0 - ROUNDING);
        let chosen = self.arms.iter().find(|(sum, _)| drawn < *sum).or_else(any);
        chosen.map(|(_, upstream)| *upstream)
    }
}

impl Act for Forwarding {
    fn build(making: &Making<'_>, _: Option<&Forwarding>) -> Result<Forwarding, String> {
        making.must_be_on_the_way_in()?;
        let mut arguments = making.arguments();
        let arms = arms(making)?;
        if let Some((_, name)) = arms.first()
            && let Some(first) = arguments.first_mut()
        {
            // Arms stand in place of the first parameter.
            *first = Argument::Constant(lang::Value::Item(name.0.clone()));
        }
        let forward = Forward::decode(&arguments).map_err(Making::blame(&ROW))?;
        let arms = match arms.is_empty() {
            true => vec![(100.0, making.upstream(&forward.upstream.0)?)],
            false => shares(making, &arms)?,
        };
        let Forward { timeout, first_byte, host, .. } = forward;
        let (timeout, first_byte) = (timeout.map(|wait| wait.0), first_byte.map(|wait| wait.0));
        Ok(Forwarding { arms, timeout, first_byte, host })
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        if let Some(host) = &self.host {
            let Authority(host) = ex.eval(host)?;
            ex.change_up(|up| {
                up.host_set = true;
                up.target.set_authority(&host)
            })
            .map_err(|_| Failure::Value)?;
        }
        ex.plan.to = self.choose();
        ex.plan.timeout = self.timeout;
        ex.plan.first_byte = self.first_byte;
        Ok(Flow::Forward)
    }

    fn on_response(&self, _: &mut Exchange) -> Result<(), Failure> {
        Ok(())
    }
}

fn arms(making: &Making<'_>) -> Result<Vec<(Percent, UpstreamName)>, String> {
    let arms = making.call.arms.iter().map(|&(share, upstream)| {
        let share = Percent::decode_argument(&making.matcher.argument(share))?;
        let upstream = UpstreamName::decode_argument(&making.matcher.argument(upstream))?;
        Ok((share, upstream))
    });
    arms.collect()
}

/// Running sums of the shares, which must make a whole.
fn shares(
    making: &Making<'_>,
    arms: &[(Percent, UpstreamName)],
) -> Result<Vec<(f64, UpstreamId)>, String> {
    let mut sum = 0.0;
    let mut sums = Vec::with_capacity(arms.len());
    for (Percent(share), name) in arms {
        if !(0.0..=100.0).contains(share) {
            return Err(format!("cannot send a share of {share}%"));
        }
        sum += share;
        sums.push((sum, making.upstream(&name.0)?));
    }
    if (sum - 100.0_f64).abs() > ROUNDING {
        return Err(format!("needs shares that make 100%, not {sum}%"));
    }
    Ok(sums)
}
