//! `cache`: the answer of the upstream may answer others too. What it comes to stands in the plan; `forward` keeps to it.

use std::sync::Arc;

use compiler::caching::{Answers, Carriers, told_apart};

use super::prelude::*;
use crate::cache::{Caching, Rule, Store};
use crate::values::{Bytes, Wait};

pub(super) type Instance = Cache;

pub(super) static ROW: Action = Action {
    name: "cache",
    params: Cached::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::No,
    late: false,
    methods: &["GET", "HEAD"],
    coherent: None,
    asserts: None,
    doc: "Keeps what the upstream answers to `GET`, and answers `GET` and `HEAD` from it. How long an answer is fresh is said here, whatever `Cache-Control: max-age` or `Expires` say; whether it may be kept at all is the upstream's word: not with `no-store`, `private`, `no-cache`, `Set-Cookie` or `Vary: *`, and only statuses 200, 203, 301, 308, 404 and 410. Answers that differ by fields that `Vary` names are kept apart. A request with `Authorization` or `Cookie`, or with a header field in which an auth of the policy looks for its token, goes past the cache, unless the key says the same, or the answer is `public`; and where a condition or a statement of the route reads who asks and the key does not, every request does. So do ranges, offers of another protocol (`Upgrade`), content, `Cache-Control: no-store`, and conditions other than `If-None-Match` and `If-Modified-Since`, which are answered from the cache. One request at a time fetches what others wait for. The statements behind `forward` run on every answer, kept or not; `Cache-Status` tells which it was.",
    example: "cache 30s, stale=5min, key=[path.id, req.header[\"accept-language\"] ?? \"-\"]",
};

params! {
    /// How answers are kept.
    pub struct Cached {
        /// How long an answer is fresh.
        fresh: Wait<365>,
        /// How long after that it is still given, while a new one is fetched in the background or where the upstream gives none; unless it says `must-revalidate` or `proxy-revalidate`.
        stale: Option<Wait<365>>,
        /// What tells requests apart, beside the URL that is sent. Where it reads who asks (`Authorization`, a cookie, a claim), requests that say so in that way are cached. Without it the header fields that the policy sets on the request count, but for those that only say which request it is: `req.id`, or what a client says in a field such as `traceparent`.
        key: Option<Dyn<Document>>,
        /// Whether everybody gets the same answer, whoever asks: credentials in the request do not matter.
        public: bool = "false",
        /// Answers with more content are not kept.
        largest: Bytes<1, 1_073_741_824> = "1MiB",
        /// What all kept answers of the gateway may take together; of several lines the largest counts. The least used ones go first.
        memory: Bytes<1_048_576, 1_099_511_627_776> = "64MiB",
    }
}

/// How answers are kept, built.
pub(crate) struct Cache {
    rule: Arc<Rule>,
    store: Arc<Store>,
    route: Arc<str>,
    key: Option<Dyn<Document>>,
}

impl Act for Cache {
    fn build(making: &Making<'_>, _: Option<&Cache>) -> Result<Cache, String> {
        making.must_be_on_the_way_in()?;
        let of = Cached::decode(&making.arguments()).map_err(Making::blame(&ROW))?;
        let store = making.cache.cloned().ok_or("has no memory")?;
        let route = making.route;
        let steps = &route.steps;
        let key = making.expression(2).filter(|_| of.key.is_some());
        let asked = (&*route.conditions, &**steps);
        let program = making.matcher.program();
        let answers = Answers::of(program, &Carriers::of(program), of.public, key, asked);
        let sent = match key {
            Some(_) => Vec::new(),
            None => told_apart(program, steps),
        };
        let rule = Rule {
            fresh: of.fresh.0,
            stale: of.stale.map(|stale| stale.0).unwrap_or_default(),
            largest: usize::try_from(of.largest.0).unwrap_or(usize::MAX),
            public: of.public,
            answers: answers.ok(),
            sent,
        };
        let route = making.route.name.clone();
        Ok(Cache { rule: Arc::new(rule), store, route, key: of.key })
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        let mut parts = vec![Value::String(self.route.clone())];
        if let Some(key) = &self.key {
            let Document(key) = ex.eval_optional(Some(key))?.unwrap_or(Document(Value::Absent));
            parts.push(key);
        }
        let caching = Caching { rule: self.rule.clone(), store: self.store.clone(), parts };
        ex.plan.cache = Some(Box::new(caching));
        Ok(Flow::Next)
    }

    fn on_response(&self, _: &mut Exchange) -> Result<(), Failure> {
        Ok(())
    }
}
