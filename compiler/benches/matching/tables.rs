//! Workloads from a seed, of the kinds that `workload.rs` speaks of.

use std::collections::HashSet;

use crate::workload::{Claim, Cond, Request, Rule, Token, Workload};

/// How routes are spread over hosts, and requests over routes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// About twenty routes to a host, all asked for alike.
    Hosts,
    /// The same; few are asked for often, most hardly ever.
    Zipf,
    /// As the first; methods, a header and captures are asked about, too.
    Whole,
    /// All under one host.
    One,
}

/// SplitMix64: the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(crate) fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    pub(crate) fn of<'v, T>(&mut self, all: &'v [T]) -> &'v T {
        &all[self.below(all.len())]
    }
}

pub(crate) const WORDS: &[&str] = &[
    "accounts",
    "albums",
    "alerts",
    "backups",
    "builds",
    "cards",
    "carts",
    "certs",
    "deploys",
    "events",
    "exports",
    "files",
    "images",
    "invoices",
    "items",
    "jobs",
    "keys",
    "limits",
    "logs",
    "messages",
    "metrics",
    "nodes",
    "orders",
    "payments",
    "playlists",
    "policies",
    "products",
    "projects",
    "queues",
    "quotas",
    "records",
    "reports",
    "reviews",
    "roles",
    "secrets",
    "sessions",
    "snapshots",
    "teams",
    "threads",
    "tokens",
    "topics",
    "traces",
    "tracks",
    "users",
    "videos",
    "volumes",
    "webhooks",
    "zones",
];

const FILLERS: &[(&str, &str)] = &[
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-encoding", "gzip, deflate, br"),
    ("accept-language", "en-US,en;q=0.5"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("cookie", "sid=8f14e45fceea167a5a36dedd4bea2543; theme=dark"),
    ("referer", "https://www.example.com/start"),
    ("x-request-id", "4f9c1d3e-6f0a-4a9f-9a56-2f2f7f0f8c11"),
    ("x-forwarded-for", "203.0.113.7"),
    ("cache-control", "no-cache"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
];

/// A text that lasts as long as the process.
fn kept(text: &str) -> &'static str {
    Box::leak(Box::from(text))
}

/// Nine to eleven headers as browsers send them, and this one among them if there is one.
fn headers(
    random: &mut Random,
    own: Option<(&'static str, &str)>,
) -> Box<[(&'static str, &'static str)]> {
    let n = 9 + random.below(3);
    let mut headers: Vec<_> =
        FILLERS.iter().take(n).map(|(name, value)| (kept(name), kept(value))).collect();
    if let Some((name, value)) = own {
        headers.insert(random.below(n), (name, kept(value)));
    }
    headers.into()
}

/// First-match rules of a gateway's kind: host, path, methods, a header, the client's network. One behind another that
/// takes all of its requests would be an error in a policy, so there is none.
pub(crate) fn rules(seed: u64, n: usize) -> Workload {
    let random = &mut Random(seed ^ n as u64);
    let n_hosts = (n / 4).max(5);
    let letter = |at: usize| char::from(b'a' + (at % 26) as u8);
    let hosts: Vec<String> =
        (0..n_hosts).map(|at| format!("{}{at}.example.com", letter(at))).collect();
    let prefixes: Vec<String> = (0..(n / 2).clamp(10, 200))
        .map(|at| format!("/{}/{}", ["api", "app", "admin", "v2"][at % 4], WORDS[at % WORDS.len()]))
        .collect();
    let nets = [
        ([10, 0, 0, 0], 8),
        ([10, 1, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 168, 0, 0], 16),
        ([192, 168, 10, 0], 24),
        ([203, 0, 113, 0], 24),
    ];
    let sets: [&[&str]; 4] =
        [&["GET", "POST"], &["GET", "HEAD"], &["PUT", "PATCH", "DELETE"], &["POST"]];
    let mut rules: Vec<Rule> = Vec::new();
    for _ in 0..n {
        let net = *random.of(&nets);
        let rule = Rule {
            host: Some(random.of(&hosts).clone()),
            path: format!("{}/**", random.of(&prefixes)),
            methods: random.of(&sets).to_vec(),
            when: vec![
                Cond::Header("x-beta", (*random.of(&["1", "on", "canary"])).to_owned()),
                Cond::Net(net.0, net.1),
            ],
        };
        if !rules.iter().any(|earlier| covers(earlier, &rule)) {
            rules.push(rule);
        }
    }
    let mut requests = Vec::new();
    for _ in 0..1024 {
        let rule = random.of(&rules);
        let (Cond::Header(_, beta), Cond::Net(net, bits)) = (&rule.when[0], &rule.when[1]) else {
            unreachable!("made so above")
        };
        let mut host = rule.host.clone().unwrap();
        let mut path =
            format!("{}/{}/detail", rule.path.trim_end_matches("/**"), random.below(1_000_000));
        let mut method = *random.of::<&str>(&rule.methods);
        let mut beta = Some(("x-beta", &**beta));
        let host_bits = random.next() as u32 & u32::MAX.checked_shr(u32::from(*bits)).unwrap_or(0);
        let mut ip = (u32::from_be_bytes(*net) | host_bits).to_be_bytes();
        // Half of them miss nearly: one part is wrong.
        if random.percent(50) {
            match random.below(5) {
                0 => host = format!("zz{}.example.org", random.below(1_000)),
                1 => path = format!("/other/{}/x", random.below(1_000)),
                2 => method = "OPTIONS",
                3 => beta = None,
                _ => ip = [8, 8, 8, 8],
            }
        }
        let headers = headers(random, beta);
        requests.push(Request { ip, ..Request::new(&host, &path, method).with(headers) });
    }
    Workload { rules, is_ordered: true, requests, tokens: Vec::new() }
}

/// Whether the first takes every request of the second, as far as that is plain to see.
fn covers(first: &Rule, second: &Rule) -> bool {
    first.host == second.host
        && first.path == second.path
        && (first.methods.is_empty()
            || !second.methods.is_empty()
                && second.methods.iter().all(|method| first.methods.contains(method)))
        && first.when.iter().all(|wide| second.when.iter().any(|narrow| implies(narrow, wide)))
}

fn implies(narrow: &Cond, wide: &Cond) -> bool {
    match (narrow, wide) {
        (Cond::Net(inner, n), Cond::Net(outer, m)) => {
            let mask = u32::MAX << (32 - u32::from(*m));
            n >= m && u32::from_be_bytes(*inner) & mask == u32::from_be_bytes(*outer) & mask
        }
        (Cond::AtLeast(a, high), Cond::AtLeast(b, low)) => a == b && high >= low,
        (Cond::AtMost(a, low), Cond::AtMost(b, high)) => a == b && low <= high,
        (Cond::Is(a, one), Cond::OneOf(b, all)) => a == b && all.contains(one),
        (Cond::OneOf(a, some), Cond::OneOf(b, all)) => {
            a == b && some.iter().all(|one| all.contains(one))
        }
        (narrow, wide) => narrow == wide,
    }
}

/// Routes by host and path; nine in ten requests fit one.
pub(crate) fn routes(seed: u64, n: usize, shape: Shape) -> Workload {
    let random = &mut Random(seed ^ n as u64 ^ (shape as u64) << 40);
    let one = shape == Shape::One;
    let n_hosts = if one { 1 } else { n.div_ceil(20) };
    let hosts: Vec<String> = (0..n_hosts)
        .map(|at| match one {
            true => "api.example.com".to_owned(),
            false => format!("{}-{at}.team{}.example.com", WORDS[at % WORDS.len()], at % 37),
        })
        .collect();
    let mut seen = HashSet::new();
    let mut rules = Vec::new();
    let mut at = 0;
    while rules.len() < n {
        let host = &hosts[at % n_hosts];
        at += 1;
        let word = random.of(WORDS);
        let noun =
            if one { format!("{word}-{}", random.below(n / 6 + 1)) } else { (*word).to_owned() };
        let (other, v) = (random.of(WORDS), 1 + random.below(2));
        let path = match random.below(20) {
            0 => format!("/{noun}"),
            1..=4 => format!("/api/v{v}/{noun}"),
            5..=9 => format!("/api/v{v}/{noun}/{{}}"),
            10..=13 => format!("/api/v{v}/{noun}/{{}}/{other}"),
            14..=15 => format!("/api/v{v}/{noun}/{{}}/{other}/{{}}"),
            16 => format!("/api/v{v}/{noun}/me/{other}"),
            _ => format!("/static/{noun}/**"),
        };
        if seen.insert((host.clone(), path.clone())) {
            let mut rule = Rule { host: Some(host.clone()), path, ..Rule::default() };
            if shape == Shape::Whole {
                tests(random, &mut rule);
            }
            rules.push(rule);
        }
    }
    // Few in the front of this order are asked for often; a popular route is not always an early one.
    let mut order: Vec<usize> = (0..n).collect();
    (1..n).rev().for_each(|at| order.swap(at, random.below(at + 1)));
    let mut share = 0.0;
    let shares: Vec<f64> = (1..=n)
        .map(|rank| {
            share += 1.0 / rank as f64;
            share
        })
        .collect();
    let requests = (0..4096).map(|_| {
        let rank = match shape {
            Shape::Zipf => {
                let point = random.next() as f64 / u64::MAX as f64 * share;
                shares.partition_point(|share| *share < point).min(n - 1)
            }
            _ => random.below(n),
        };
        request(random, &rules[order[rank]])
    });
    Workload { requests: requests.collect(), rules, is_ordered: false, tokens: Vec::new() }
}

/// What a route asks besides host and path, where it does.
fn tests(random: &mut Random, rule: &mut Rule) {
    let sets: [&[&str]; 3] = [&["GET", "HEAD"], &["GET", "POST"], &["GET"]];
    rule.methods = random.of(&sets).to_vec();
    rule.when = vec![Cond::Header("x-beta", (*random.of(&["1", "on"])).to_owned())];
    let captured = rule.path.split('/').skip(1).position(|segment| segment == "{}");
    let other = |place| Cond::Not(Box::new(Cond::Captured(place, "none")));
    rule.when.extend(captured.map(other));
}

/// A request that a route takes; one in ten is none, by its host, by its path, or by its last segment.
fn request(random: &mut Random, rule: &Rule) -> Request {
    let mut path = String::new();
    for segment in rule.path.split('/').skip(1) {
        path.push('/');
        match segment {
            "**" => path.push_str(&format!("css/{}.min.css", random.below(10_000))),
            "{}" if random.percent(30) => {
                let (a, b) = (random.next() as u32, random.next() as u16);
                path.push_str(&format!("{a:08x}-{b:04x}-4{:03x}", random.below(4096)));
            }
            "{}" => path.push_str(&random.below(10_000_000).to_string()),
            literal => path.push_str(literal),
        }
    }
    let mut host = rule.host.clone().unwrap();
    if random.percent(10) {
        match random.below(10) {
            0..=2 => host = format!("nowhere-{}.example.net", random.below(100_000)),
            3..=6 => path = format!("/unknown/{}/x", random.below(1_000)),
            _ => path.push_str("zz"),
        }
    }
    let mut request = Request::new(&host, &path, "GET");
    if let Some(Cond::Header(name, value)) = rule.when.first() {
        request = request.with(headers(random, Some((name, value))));
    }
    request
}

/// Policies over what a token says: texts, numbers and lists.
pub(crate) fn claims(seed: u64, n: usize) -> Workload {
    let random = &mut Random(seed ^ 0x4444 ^ n as u64);
    let tenants: Vec<String> = (0..24).map(|at| format!("tenant-{}", at * 7)).collect();
    let roles = ["admin", "viewer", "editor", "billing", "support", "auditor", "ops", "suspended"];
    let scopes: Vec<String> =
        (0..16).map(|at| format!("{}:{}", WORDS[at], ["read", "write"][at % 2])).collect();
    let issuers = [
        "https://id.example.com/",
        "https://login.partner.example/",
        "https://sso.corp.example/realms/main",
    ];
    let subs: Vec<String> = (0..40).map(|at| format!("svc-{:04}", at * 37)).collect();
    let paths: Vec<String> = (0..20).map(|at| format!("/api/v1/{}/", WORDS[at])).collect();
    let text = |text: &&str| (*text).to_owned();
    let some = |random: &mut Random, all: &[String], n: usize| -> Vec<String> {
        let mut some: Vec<String> = (0..n).map(|_| random.of(all).clone()).collect();
        some.sort_unstable();
        some.dedup();
        some
    };
    let mut rules: Vec<Rule> = Vec::new();
    while rules.len() < n {
        let role = text(random.of(&roles[..7]));
        let mut methods = Vec::new();
        let when = match random.below(5) {
            0 => vec![
                Cond::Is(Claim::Tenant, random.of(&tenants).clone()),
                Cond::AtLeast(Claim::Level, 3 + random.below(5) as i64),
                Cond::Has(Claim::Roles, role),
            ],
            1 => {
                methods = vec!["GET", "HEAD"];
                vec![
                    Cond::Any(vec![
                        Cond::PathBegins(random.of(&paths).clone()),
                        Cond::PathBegins(random.of(&paths).clone()),
                    ]),
                    Cond::Has(Claim::Scopes, random.of(&scopes).clone()),
                    Cond::Is(Claim::Tenant, random.of(&tenants).clone()),
                ]
            }
            2 => vec![Cond::Any(vec![
                Cond::Is(Claim::Sub, random.of(&subs).clone()),
                Cond::All(vec![
                    Cond::Is(Claim::Iss, text(random.of(&issuers))),
                    Cond::Has(Claim::Roles, "admin".to_owned()),
                    Cond::AtLeast(Claim::Level, 8),
                    Cond::Not(Box::new(Cond::OneOf(Claim::Tenant, some(random, &tenants, 20)))),
                ]),
            ])],
            3 => vec![
                Cond::AtMost(Claim::Life, 600 * (1 + random.below(3)) as i64),
                Cond::AtLeast(Claim::Level, 6 + random.below(3) as i64),
                Cond::HostEnds(".internal.example.com".to_owned()),
                Cond::Not(Box::new(Cond::Has(Claim::Roles, "suspended".to_owned()))),
                Cond::Has(Claim::Roles, role),
            ],
            _ => vec![
                Cond::OneOf(Claim::Tenant, some(random, &tenants, 4)),
                Cond::Has(Claim::Scopes, random.of(&scopes).clone()),
                Cond::PathHas("/export".to_owned()),
                Cond::AtLeast(Claim::Level, 2),
                Cond::AtMost(Claim::Level, 5),
            ],
        };
        let rule = Rule { host: None, path: "/**".to_owned(), methods, when };
        if !rules.iter().any(|earlier| covers(earlier, &rule)) {
            rules.push(rule);
        }
    }
    let (mut requests, mut tokens) = (Vec::new(), Vec::new());
    for _ in 0..1024 {
        let host = match random.percent(30) {
            true => format!("svc{}.internal.example.com", random.below(50)),
            false => "api.example.com".to_owned(),
        };
        let end = if random.percent(20) { "export" } else { "view" };
        let path = format!("{}{}/{end}", random.of(&paths), random.below(1_000_000));
        let method = random.of::<&str>(&["GET", "GET", "GET", "POST", "HEAD"][..]);
        let ip = (random.next() as u32).to_be_bytes();
        let headers = headers(random, None);
        requests.push(Request { ip, ..Request::new(&host, &path, method).with(headers) });
        let sub = match random.percent(5) {
            true => random.of(&subs).clone(),
            false => format!("user-{}", random.below(100_000)),
        };
        let roles: Vec<String> = roles.iter().map(text).collect();
        tokens.push(Token {
            texts: [sub, text(random.of(&issuers)), random.of(&tenants).clone()],
            numbers: [random.below(10) as i64, 300 * (1 + random.below(24)) as i64],
            lists: [some(random, &roles, 3), some(random, &scopes, 5)],
        });
    }
    Workload { rules, is_ordered: true, requests, tokens }
}
