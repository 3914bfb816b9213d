//! A request's life, on one page: decide, read what must be read, the statements on the way in, forward, the
//! statements on the way back. Nothing happens to a request that is not on it.

use compiler::{Decision, Fill, ListenerId, Read};

use crate::actions::Flow;
use crate::engine::{Engine, RoutePlan, Statement};
use crate::exchange::{Answer, Exchange, Origin};
use crate::failure::Failure;
use crate::message::{Request, strip_hop_by_hop};
use crate::upstream::{Roster, Terms};

/// A request is sent to at most so many endpoints.
pub(crate) const MOST_TRIES: usize = 3;

/// Where a request is, and what it may use there.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    /// The policy.
    pub(crate) engine: &'p Engine,
    /// The listener; none, if the policy of the moment has it no more.
    pub(crate) listener: Option<ListenerId>,
    /// The upstreams of this core.
    pub(crate) roster: &'p Roster,
}

/// A request's way through the policy: the page to frame.
///
/// What answers by itself before `forward` or `respond` (no route, a `require` that does not hold) ends the request
/// there. From `forward` on the statements behind it run on whatever is answered, the gateway's own 502, 503 or 504
/// included: a header that a policy puts on its answers is on those too.
pub(crate) async fn pass(place: &Place<'_>, ex: &mut Exchange) -> Result<(), Failure> {
    let route = decide(place, ex).await?;
    if route.awaited.iter().any(|slot| matches!(ex.fill(*slot), Read::Pending)) {
        ex.read_content().await?;
    }
    match way_in(route, ex).await? {
        Flow::Reply(answer) => ex.answer = Some(*answer),
        Flow::Forward => match forward(place, route, ex).await {
            Ok(answer) => ex.answer = Some(answer),
            Err(failure) => ex.fail(&failure),
        },
        // INVARIANT: an engine holds no route without an end.
        Flow::Next => return Err(Failure::Ours("no-end")),
    }
    way_back(route, ex)
}

/// The route that answers. A decision never waits: what it needs and is not here is read, then it is made again.
async fn decide<'e>(place: &Place<'e>, ex: &mut Exchange) -> Result<&'e RoutePlan, Failure> {
    if ex.connection.is_misdirected(ex.request.target.host()) {
        return Err(Failure::Misdirected);
    }
    let listener = place.listener.ok_or(Failure::NoRoute)?;
    let matcher = &place.engine.decider.matcher;
    let mut decision = matcher.decide(listener, &ex.head(), &ex.frame, &*ex);
    if let Decision::Pending(_) = decision {
        ex.read_content().await?;
        decision = matcher.decide(listener, &ex.head(), &ex.frame, &*ex);
    }
    match decision {
        Decision::Route(route) => {
            ex.route = Some(route);
            place.engine.plan(route).ok_or(Failure::Ours("route"))
        }
        Decision::MethodNotAllowed(methods) => Err(Failure::Method(methods)),
        Decision::NotFound => Err(Failure::NoRoute),
        Decision::Pending(_) => Err(Failure::Ours("pending")),
    }
}

/// Runs the statements up to the one that forwards or answers.
async fn way_in(route: &RoutePlan, ex: &mut Exchange) -> Result<Flow, Failure> {
    for statement in &route.way_in {
        match statement {
            Statement::Let(local, value) => ex.frame.set_local(*local, ex.evaluate(*value)),
            Statement::Act(action) => match action.on_request(ex).await? {
                Flow::Next => {}
                end => return Ok(end),
            },
        }
    }
    Ok(Flow::Next)
}

/// Runs the statements behind it.
fn way_back(route: &RoutePlan, ex: &mut Exchange) -> Result<(), Failure> {
    for statement in &route.way_back {
        match statement {
            Statement::Let(local, value) => ex.frame.set_local(*local, ex.evaluate(*value)),
            Statement::Act(action) => action.on_response(ex)?,
        }
    }
    Ok(())
}

/// Sends the request as the plan says, and waits for the head of the answer.
async fn forward(
    place: &Place<'_>,
    route: &RoutePlan,
    ex: &mut Exchange,
) -> Result<Answer, Failure> {
    let to =
        ex.plan.to.and_then(|id| place.engine.upstream(id)).ok_or(Failure::Ours("upstream"))?;
    let upstream = place.roster.of(&to.group);
    let hash_key = ex.eval_optional(to.hash_key.as_ref())?;
    let up = if route.reads_sent { ex.up().clone() } else { ex.take_up() };
    let mut request = Request {
        method: ex.request.method.clone(),
        target: up.target,
        version: ex.request.version,
        headers: up.headers,
    };
    if let Some(host) = upstream.config().host.as_deref().filter(|_| !up.host_set) {
        request.target.set_authority(host).map_err(|_| Failure::Ours("host"))?;
    }
    let mut timeouts = upstream.config().timeouts;
    if let Some(total) = ex.plan.timeout {
        timeouts.total = total;
        timeouts.first_byte = total;
    }
    timeouts.first_byte = ex.plan.first_byte.unwrap_or(timeouts.first_byte);

    let mut body = ex.take_content();
    let mut excluded = Vec::new();
    let answer = loop {
        let terms = Terms {
            client: ex.client(),
            hash_key: hash_key.as_deref().map(str::as_bytes),
            excluded: &excluded,
            upgrade: ex.upgrade.as_ref(),
            takes_trailers: up.takes_trailers,
            timeouts,
        };
        match upstream.send(&request, body, &terms).await {
            Ok(answer) => break answer,
            Err(failure) => {
                tracing::debug!(
                    upstream = %to.name,
                    address = ?failure.address,
                    reason = %failure.kind,
                    "no answer"
                );
                ex.address = failure.address.or(ex.address);
                let again = upstream.may_retry(&failure, request.method.is_idempotent())
                    && excluded.len() + 1 < MOST_TRIES;
                match (failure.address, failure.body) {
                    (Some(address), Some(whole)) if again => {
                        excluded.push(address);
                        body = whole;
                    }
                    _ => return Err(Failure::Upstream(failure.kind)),
                }
            }
        }
    };

    ex.address = Some(answer.address);
    ex.first_byte = Some(ex.started.elapsed());
    let mut response = answer.response;
    let headers = if route.reads_origin { response.headers.clone() } else { Default::default() };
    ex.origin = Some(Origin { status: response.status, headers });
    let switched = response.headers.get("upgrade").map(<[u8]>::to_vec);
    strip_hop_by_hop(&mut response.headers);
    if let (101, Some(protocol)) = (response.status, switched) {
        // RFC 9110, section 7.8: whoever switches says to what; the connection says that it is about itself.
        let _ = response.headers.append("upgrade", protocol);
    }
    Ok(Answer { response, body: answer.body, tunnel: answer.tunnel })
}

#[cfg(test)]
mod tests;
