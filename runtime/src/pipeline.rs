//! A request's life, on one page: decide, read what must be read, the statements on the way in, forward, the
//! statements on the way back. Nothing happens to a request that is not on it.

use std::rc::Rc;

use compiler::{Decision, Fill, ListenerId, Read, Slot};
use lang::vocab::identity::CLAIMS;

use crate::actions::Flow;
use crate::auth;
use crate::body::Body;
use crate::cache;
use crate::clock;
use crate::engine::{Engine, RoutePlan, Statement};
use crate::exchange::{Answer, Exchange, Origin};
use crate::failure::Failure;
use crate::message::{Method, Request, Response};
use crate::upstream::Roster;

mod sending;

pub(crate) use sending::{Got, Sending};

/// So many gateways of this kind no request passes on its way to anywhere.
const MOST_PASSES: usize = 10;

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
/// included: a header that a policy puts on its answers is on those too. What stands in an `always` that was reached
/// runs on every answer, first.
pub(crate) async fn pass(place: &Place<'_>, ex: &mut Exchange) -> Result<(), Failure> {
    let route = decide(place, ex).await?;
    let mut standing = Vec::new();
    match answer(place, route, ex, &mut standing).await {
        Ok(answer) => ex.reply(answer),
        Err(failure) => return refuse(failure, &standing, ex),
    }
    always(&standing, ex);
    match way_back(route, ex) {
        Ok(()) => Ok(()),
        Err(failure) => refuse(failure, &standing, ex),
    }
}

/// The answer of the statement that forwards or answers.
async fn answer<'r>(
    place: &Place<'_>,
    route: &'r RoutePlan,
    ex: &mut Exchange,
    standing: &mut Vec<&'r [Statement]>,
) -> Result<Answer, Failure> {
    match way_in(route, ex, standing).await? {
        Flow::Reply(answer) => Ok(*answer),
        Flow::Forward => match forward(place, route, ex).await {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                ex.fail(&failure);
                ex.answer.take().ok_or(failure)
            }
        },
        // INVARIANT: an engine holds no route without an end.
        Flow::Next => Err(Failure::Ours("no-end")),
    }
}

/// The route that answers. A decision never waits: what it needs and is not here is read, then it is made again.
async fn decide<'e>(place: &Place<'e>, ex: &mut Exchange) -> Result<&'e RoutePlan, Failure> {
    if ex.connection.is_misdirected(ex.request.target.host()) {
        return Err(Failure::Misdirected);
    }
    let listener = place.listener.ok_or(Failure::NoRoute)?;
    let matcher = &place.engine.decider.matcher;
    let mut decision = matcher.decide(&ex.ask(listener));
    // Each slot is waited for once, and there are only so many.
    for _ in 0..=matcher.program().slots.len() {
        let Decision::Pending(slot) = decision else { break };
        match matcher.program().slot(slot) {
            Some(Slot { field, key: Some(auth), .. }) if **field == *CLAIMS.path => {
                Box::pin(auth::wait(ex, auth)).await;
            }
            _ => Box::pin(ex.read_content()).await?,
        }
        decision = matcher.decide(&ex.ask(listener));
    }
    if let Decision::Route(route) = decision {
        ex.route = Some(route);
    }
    if let Some(watch) = &ex.watch {
        watch.decided(ex, listener);
    }
    match decision {
        Decision::Route(route) => place.engine.plan(route).ok_or(Failure::Ours("route")),
        Decision::MethodNotAllowed(methods) => {
            Err(Failure::Method(methods.names().into_iter().map(Into::into).collect()))
        }
        Decision::NotFound => Err(Failure::NoRoute),
        Decision::Pending(_) => Err(Failure::Ours("pending")),
    }
}

/// Runs the statements up to the one that forwards or answers, and notes what is to hold from where it stands.
async fn way_in<'r>(
    route: &'r RoutePlan,
    ex: &mut Exchange,
    standing: &mut Vec<&'r [Statement]>,
) -> Result<Flow, Failure> {
    let mut waits = !route.awaited.is_empty();
    for (at, statement) in route.way_in.iter().enumerate() {
        if let Statement::Always(held) = statement {
            standing.push(held);
            continue;
        }
        // Not before: what always holds from the route's first line on holds for a content that is too long, too.
        if std::mem::take(&mut waits)
            && route.awaited.iter().any(|slot| matches!(ex.fill(*slot), Read::Pending))
        {
            Box::pin(ex.read_content()).await?;
        }
        for (_, auth) in route.identities.iter().filter(|(first, _)| *first == at) {
            Box::pin(auth::wait(ex, auth)).await;
        }
        watched(statement, ex);
        match statement {
            Statement::Let(local, value) => ex.frame.set_local(*local, ex.evaluate(*value)),
            Statement::Act(action) => match action.on_request(ex).await? {
                Flow::Next => {}
                end => return Ok(end),
            },
            Statement::Always(_) => {}
        }
    }
    Ok(Flow::Next)
}

/// Runs the statements behind it.
fn way_back(route: &RoutePlan, ex: &mut Exchange) -> Result<(), Failure> {
    route.way_back.iter().try_for_each(|statement| run(statement, ex))
}

/// Answers with a failure, on which holds what always does.
fn refuse(failure: Failure, standing: &[&[Statement]], ex: &mut Exchange) -> Result<(), Failure> {
    if standing.is_empty() {
        return Err(failure);
    }
    ex.fail(&failure);
    always(standing, ex);
    Ok(())
}

/// Runs what always holds.
fn always(standing: &[&[Statement]], ex: &mut Exchange) {
    for statement in standing.iter().copied().flatten() {
        // INVARIANT: an `always` holds what changes the answer that there is, which leaves out what it cannot have.
        let _ = run(statement, ex);
    }
}

/// Runs a statement on the way back.
fn run(statement: &Statement, ex: &mut Exchange) -> Result<(), Failure> {
    watched(statement, ex);
    match statement {
        Statement::Let(local, value) => ex.frame.set_local(*local, ex.evaluate(*value)),
        Statement::Act(action) => action.on_response(ex)?,
        // INVARIANT: an `always` stands on the way in, and in no other one.
        Statement::Always(_) => {}
    }
    Ok(())
}

/// Tells who looks on, if anybody does, of a statement that is about to run.
fn watched(statement: &Statement, ex: &Exchange) {
    if let Some(watch) = &ex.watch {
        watch.reached(ex, statement);
    }
}

/// Sends the request as the plan says, and waits for the head of the answer.
async fn forward(
    place: &Place<'_>,
    route: &RoutePlan,
    ex: &mut Exchange,
) -> Result<Answer, Failure> {
    let (mut sending, body) = prepare(place, route, ex)?;
    if let Some(answer) = last_hop(&mut sending.request) {
        return Ok(answer);
    }
    let upstream = Rc::clone(&sending.upstream);
    let got = match ex.plan.cache.take() {
        None => sending.fetch(body, ex.upgrade.as_ref()).await.map_err(cache::Lost::Upstream),
        Some(caching) => {
            // Apart, so that requests without a cache have no room for it.
            let got = Box::pin(cache::answer(ex, *caching, sending, body)).await;
            got.map(|(got, used)| {
                ex.cached = Some(used);
                got
            })
        }
    };
    let got = match got {
        Ok(got) => got,
        Err(cache::Lost::Content(error)) => return Err(Failure::Content(error)),
        Err(cache::Lost::Upstream(failure)) => {
            tracing::debug!(
                upstream = %upstream.config().name,
                address = ?failure.address,
                reason = %failure.kind,
                tries = failure.tries,
                "no answer"
            );
            ex.address = failure.address;
            ex.tries = failure.tries;
            return Err(Failure::Upstream(failure.kind));
        }
    };
    if let Some((address, tries)) = got.from {
        ex.tries = tries;
        ex.address = Some(address);
        ex.first_byte = Some(clock::now() - ex.started);
    }
    let (status, headers) = got.origin;
    ex.origin = Some(Origin { status, headers });
    Ok(Answer { response: got.response, body: got.body, tunnel: got.tunnel })
}

/// Takes one off the hops that `TRACE` and `OPTIONS` may still take; where none is left, the answer of whom the request
/// was meant to get to (RFC 9110, section 7.6.2).
fn last_hop(request: &mut Request) -> Option<Answer> {
    if !matches!(request.method, Method::Trace | Method::Options) {
        return None;
    }
    let text = request.headers.text("max-forwards")?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let left = text.parse::<u64>().unwrap_or(u64::MAX);
    if let Some(left) = left.checked_sub(1) {
        // Digits are a field value.
        let _ = request.headers.set("max-forwards", left.to_string());
        return None;
    }
    // What came is not sent back: it may hold what its sender does not know of, such as credentials.
    Some(match request.method {
        Method::Trace => Failure::Method(vec!["OPTIONS".into()]).answer(),
        _ => Answer { response: Response::new(204), body: Body::empty(), tunnel: None },
    })
}

/// The request as the plan says, and its content.
fn prepare(
    place: &Place<'_>,
    route: &RoutePlan,
    ex: &mut Exchange,
) -> Result<(Sending, Body), Failure> {
    let to =
        ex.plan.to.and_then(|id| place.engine.upstream(id)).ok_or(Failure::Ours("upstream"))?;
    let upstream = place.roster.of(&to.group);
    let hash_key = ex.eval_optional(to.hash_key.as_ref())?;
    let looked_at = route.reads_head || ex.plan.cache.is_some() || ex.watch.is_some();
    let up = match route.reads_sent {
        true => ex.up().clone(),
        false if looked_at => ex.take_up(),
        false => ex.use_up(),
    };
    if up.passes >= MOST_PASSES {
        return Err(Failure::Loop);
    }
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

    let body = ex.take_content();
    let sending = Sending {
        upstream,
        request,
        client: ex.client(),
        hash_key,
        takes_trailers: up.takes_trailers,
        timeouts,
        reads_origin: route.reads_origin,
    };
    Ok((sending, body))
}

#[cfg(test)]
mod tests;
