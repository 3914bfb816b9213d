//! `limit`: counts a request for its key, and refuses those beyond the rate. `apply` puts it where it names a limit;
//! what a policy writes are the lines of the item.

use std::sync::Arc;

use lang::value::Rate;
use lang::vocab::{Block, Param, Setting, Times};

use super::prelude::*;
use crate::limits::{LimitId, Pace, Table, Taken};
use crate::values::{Count, RefusalStatus};

pub(super) type Instance = Limiter;

/// `limit`, the item.
pub(crate) static BLOCK: Block = Block {
    name: "limit",
    settings: &[
        Setting {
            name: "key",
            params: part(1, 2),
            times: Times::Once,
            within: &[],
            guards: &[],
            doc: "What is counted apart: each value has a count of its own, the same one wherever the limit is applied. It may not be absent.",
            example: "key client.ip",
        },
        Setting {
            name: "allow",
            params: part(3, 2),
            times: Times::Once,
            within: &[],
            guards: &[],
            doc: "How many requests may pass.",
            example: "allow 100/s, burst=20",
        },
        Setting {
            name: "over",
            params: part(5, 4),
            times: Times::Optional,
            within: &[],
            guards: &[],
            doc: "What is answered beyond it.",
            example: "over 429, retry_after=true",
        },
        Setting {
            name: "track",
            params: part(9, 1),
            times: Times::Optional,
            within: &[],
            guards: &[],
            doc: "How many keys have a count of their own at a time. The memory for them, some 20 bytes each, is taken when the policy is loaded. A key that could make its whole burst again needs no place; no other gives its place away. New keys that find none share 64 counts, so that many keys at once reset nobody and pass no faster together.",
            example: "track 65536",
        },
    ],
    exclusive: None,
    applied: Some(&ROW),
    doc: "A bound on how often requests may pass, for each key. It counts where a route, site or policy has `apply NAME(…)`, for all of them together. Counts are kept in memory, are shared by all cores, and survive a reload.",
    example: "limit caller(rate: Rate) {\n  key   client.ip\n  allow rate, burst=20\n  over  429, retry_after=true\n}",
};

pub(super) static ROW: Action = Action {
    name: "limit",
    params: Limit::PARAMS,
    form: Form::Applied,
    phase: Phase::Route,
    ends: Ends::No,
    late: false,
    methods: &[],
    coherent: None,
    asserts: None,
    doc: "Counts the request for its key, and refuses it where there were too many.",
    example: "apply limit",
};

params! {
    /// A limit, applied.
    pub struct Limit {
        /// The limit.
        limit: LimitName,
        /// The value: an address, a text, a number, or a list of such.
        value: Dyn<Document>,
        /// Addresses of version 6 count by their network of so many bits: one client has all addresses of it.
        ipv6: Network = "64",
        /// So many in a time.
        rate: Dyn<Allowed>,
        /// So many may come at once, beyond the one whose turn it is. When not given: as many as the rate has in its time, in all.
        burst: Option<Count<0, 1_000_000>>,
        /// The status.
        status: RefusalStatus = "429",
        /// Whether `Retry-After` says in how many seconds the next one may pass.
        retry_after: bool = "true",
        /// Whether every answer of the route has `RateLimit` and `RateLimit-Policy`, which say how many are left.
        headers: bool = "false",
        /// The text of the answer; the status' own words when not given.
        body: Option<Dyn<String>>,
        /// The most keys.
        keys: Count<1, 16_777_216> = "65536",
    }
}

/// The parameters of one line: `n` from the `first` on.
const fn part(first: usize, n: usize) -> &'static [Param] {
    Limit::PARAMS.split_at(first).1.split_at(n).0
}

/// How many bits of an address of version 6 tell one client's network from another's.
pub(crate) struct Network(Count<1, 128>);

impl Decode for Network {
    const HINT: Option<&'static str> = Some(
        "`ipv6=` is a number of bits; values that count together are a list, as in `key [client.ip, req.path]`",
    );

    fn ty() -> Ty {
        Count::<1, 128>::ty()
    }

    fn decode(value: &Value) -> Result<Network, String> {
        Decode::decode(value).map(Network)
    }
}

/// The name of a limit.
pub(crate) struct LimitName(Arc<str>);

/// How many may pass in a time. None at all is no rate that a policy can mean; a request that comes to it is refused.
pub(crate) struct Allowed(Rate);

/// A limit where it is applied, built.
pub(crate) struct Limiter {
    id: LimitId,
    table: Arc<Table>,
    of: Limit,
    /// The pace, if every request has the same.
    pace: Option<Pace>,
}

impl Decode for LimitName {
    fn ty() -> Ty {
        Ty::Item("limit")
    }

    fn decode(value: &Value) -> Result<Self, String> {
        match value {
            Value::Item(name) => Ok(LimitName(name.clone())),
            other => Err(format!("expected a limit, found `{other}`")),
        }
    }
}

impl Decode for Allowed {
    fn ty() -> Ty {
        Ty::Rate
    }

    fn decode(value: &Value) -> Result<Self, String> {
        Rate::decode(value).map(Allowed)
    }

    fn accepts(known: Known<'_>) -> Result<(), String> {
        match known {
            Known::Value(Value::Rate(Rate { count: 0, .. })) => {
                Err("lets nothing pass; a `require` or `respond` refuses".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl Act for Limiter {
    fn build(making: &Making<'_>, _: Option<&Limiter>) -> Result<Limiter, String> {
        making.must_be_on_the_way_in()?;
        let of = Limit::decode(&making.arguments()).map_err(Making::blame(&ROW))?;
        let pace = match &of.rate {
            Dyn::Constant(Value::Rate(rate), _) => {
                let pace = Pace::new(*rate, of.burst.map(|count| count.0));
                Some(pace.ok_or("cannot allow nothing at all")?)
            }
            _ => None,
        };
        let (id, table) = making.limits.borrow_mut().table(&of.limit.0, of.keys.0, pace);
        Ok(Limiter { id, table, of, pace })
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        let Document(key) = ex.eval(&self.of.value)?;
        let (rate, pace) = match self.pace {
            Some(pace) => (None, Some(pace)),
            None => {
                let Allowed(rate) = ex.eval(&self.of.rate)?;
                (Some(rate), Pace::new(rate, self.of.burst.map(|count| count.0)))
            }
        };
        let (taken, is_shared) = match pace {
            Some(pace) => self.table.take(&key, self.of.ipv6.0.0, pace, ex.started),
            None => (Taken::Refused(Duration::from_secs(1)), false),
        };
        if is_shared {
            ex.crowded = Some(self.id);
        }
        if self.of.headers {
            let rate = match rate {
                Some(rate) => rate,
                None => ex.eval(&self.of.rate)?.0,
            };
            self.tell(ex, rate, taken);
        }
        let Taken::Refused(wait) = taken else { return Ok(Flow::Next) };
        ex.limited = Some(self.id);
        if self.of.retry_after {
            ex.told.push(("retry-after", seconds(wait).to_string()));
        }
        let text = ex.eval_optional(self.of.body.as_ref())?;
        Err(Failure::Limited { status: self.of.status.0, text })
    }

    fn on_response(&self, _: &mut Exchange) -> Result<(), Failure> {
        Ok(())
    }
}

impl Limiter {
    /// The header fields of draft-ietf-httpapi-ratelimit-headers: what is granted, and what is left of it.
    fn tell(&self, ex: &mut Exchange, rate: Rate, taken: Taken) {
        // The name of an item is a word; one of another file has a dot in it.
        let name = &self.table.name;
        let (left, until) = match taken {
            Taken::Passed { left, until_full } => (left, until_full),
            Taken::Refused(wait) => (0, wait),
        };
        let policy = format!("\"{name}\";q={};w={}", rate.count, seconds(rate.per));
        ex.told.push(("ratelimit-policy", policy));
        ex.told.push(("ratelimit", format!("\"{name}\";r={left};t={}", seconds(until))));
    }
}

/// Whole seconds, rounded up: who waits that long is not refused again.
fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1)
}
