//! Rules, route tables and requests from a seed, and what each request is to be answered, found out plainly.

use std::collections::{HashMap, HashSet};

/// A table of rules, and requests for it.
pub(crate) struct Workload {
    /// In the order in which they are tried, unless host and path say otherwise.
    pub(crate) rules: Vec<Rule>,
    /// Whether the rules stand in an order of their own; otherwise the narrower path comes first.
    pub(crate) is_ordered: bool,
    pub(crate) requests: Vec<Request>,
}

/// A host, a path and what must hold besides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    /// `None` is every host.
    pub(crate) host: Option<String>,
    /// `/a/{}/b`, or `/a/**`.
    pub(crate) path: String,
    pub(crate) methods: Vec<&'static str>,
    pub(crate) when: Vec<Cond>,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cond {
    Header(&'static str, String),
    Net([u8; 4], u8),
    Is(Claim, String),
    OneOf(Claim, Vec<String>),
    AtLeast(Claim, i64),
    AtMost(Claim, i64),
    Has(Claim, String),
    HostEnds(String),
    PathBegins(String),
    PathHas(String),
    Any(Vec<Cond>),
    All(Vec<Cond>),
    Not(Box<Cond>),
}

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Sub,
    Iss,
    Tenant,
    Level,
    Life,
    Roles,
    Scopes,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) method: &'static str,
    pub(crate) ip: [u8; 4],
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) texts: [String; 3],
    pub(crate) numbers: [i64; 2],
    pub(crate) lists: [Vec<String>; 2],
}

/// SplitMix64: the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    fn of<'v, T>(&mut self, all: &'v [T]) -> &'v T {
        &all[self.below(all.len())]
    }
}

const WORDS: &[&str] = &[
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

fn fillers(random: &mut Random) -> Vec<(&'static str, String)> {
    let n = 9 + random.below(3);
    FILLERS.iter().take(n).map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// First-match rules of a gateway's kind: host, path, methods, a header, the client's network.
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
        // A rule behind one that takes all of its requests would be an error in a policy.
        if !rules.iter().any(|earlier| covers(earlier, &rule)) {
            rules.push(rule);
        }
    }
    let mut requests = Vec::new();
    for _ in 0..1024 {
        let rule = random.of(&rules).clone();
        let (Cond::Header(_, beta), Cond::Net(net, bits)) = (&rule.when[0], &rule.when[1]) else {
            unreachable!("made so above")
        };
        let mut beta = Some(beta.clone());
        let host_bits = random.next() as u32 & u32::MAX.checked_shr(u32::from(*bits)).unwrap_or(0);
        let mut request = Request {
            host: rule.host.clone().unwrap(),
            path: format!(
                "{}/{}/detail",
                rule.path.trim_end_matches("/**"),
                random.below(1_000_000)
            ),
            method: random.of::<&str>(&rule.methods[..]),
            ip: (u32::from_be_bytes(*net) | host_bits).to_be_bytes(),
            headers: fillers(random),
            ..Request::default()
        };
        // Half of them miss nearly: one part is wrong.
        if random.percent(50) {
            match random.below(5) {
                0 => request.host = format!("zz{}.example.org", random.below(1_000)),
                1 => request.path = format!("/other/{}/x", random.below(1_000)),
                2 => request.method = "OPTIONS",
                3 => beta = None,
                _ => request.ip = [8, 8, 8, 8],
            }
        }
        if let Some(beta) = beta {
            let at = random.below(request.headers.len());
            request.headers.insert(at, ("x-beta", beta));
        }
        requests.push(request);
    }
    Workload { rules, is_ordered: true, requests }
}

/// Whether the first takes every request of the second, both being of `rules`.
fn covers(first: &Rule, second: &Rule) -> bool {
    let (Cond::Net(a, n), Cond::Net(b, m)) = (&first.when[1], &second.when[1]) else {
        return false;
    };
    let mask = u32::MAX << (32 - u32::from(*n));
    first.host == second.host
        && first.path == second.path
        && first.when[0] == second.when[0]
        && second.methods.iter().all(|method| first.methods.contains(method))
        && n <= m
        && u32::from_be_bytes(*a) & mask == u32::from_be_bytes(*b) & mask
}

/// Routes by host and path, about twenty to a host or all under one; nine in ten requests fit one.
pub(crate) fn routes(seed: u64, n: usize, one: bool) -> Workload {
    let random = &mut Random(seed ^ n as u64 ^ u64::from(one) << 40);
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
            rules.push(Rule { host: Some(host.clone()), path, ..Rule::default() });
        }
    }
    let mut requests = Vec::new();
    for _ in 0..4096 {
        let rule = random.of(&rules);
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
        requests.push(Request { host, path, method: "GET", ..Request::default() });
    }
    Workload { rules, is_ordered: false, requests }
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
    let mut rules = Vec::new();
    for _ in 0..n {
        let role = text(random.of(&roles[..7]));
        let when = match random.below(5) {
            0 => vec![
                Cond::Is(Claim::Tenant, random.of(&tenants).clone()),
                Cond::AtLeast(Claim::Level, 3 + random.below(5) as i64),
                Cond::Has(Claim::Roles, role),
            ],
            1 => vec![
                Cond::Any(vec![
                    Cond::PathBegins(random.of(&paths).clone()),
                    Cond::PathBegins(random.of(&paths).clone()),
                ]),
                Cond::Has(Claim::Scopes, random.of(&scopes).clone()),
                Cond::Is(Claim::Tenant, random.of(&tenants).clone()),
            ],
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
        let methods = if random.below(5) == 1 { vec!["GET", "HEAD"] } else { Vec::new() };
        rules.push(Rule { host: None, path: "/**".to_owned(), methods, when });
    }
    let mut requests = Vec::new();
    for _ in 0..1024 {
        let host = match random.percent(30) {
            true => format!("svc{}.internal.example.com", random.below(50)),
            false => "api.example.com".to_owned(),
        };
        let end = if random.percent(20) { "export" } else { "view" };
        let sub = match random.percent(5) {
            true => random.of(&subs).clone(),
            false => format!("user-{}", random.below(100_000)),
        };
        let roles: Vec<String> = roles.iter().map(text).collect();
        requests.push(Request {
            host,
            path: format!("{}{}/{end}", random.of(&paths), random.below(1_000_000)),
            method: random.of::<&str>(&["GET", "GET", "GET", "POST", "HEAD"][..]),
            ip: (random.next() as u32).to_be_bytes(),
            headers: fillers(random),
            texts: [sub, text(random.of(&issuers)), random.of(&tenants).clone()],
            numbers: [random.below(10) as i64, 300 * (1 + random.below(24)) as i64],
            lists: [some(random, &roles, 3), some(random, &scopes, 5)],
        });
    }
    Workload { rules, is_ordered: true, requests }
}

impl Workload {
    /// How many routes there are.
    pub(crate) fn n_routes(&self) -> usize {
        self.rules.len()
    }

    /// The rule that is to answer each request.
    pub(crate) fn expected(&self) -> Vec<Option<u32>> {
        let mut by_host: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, rule) in self.rules.iter().enumerate() {
            by_host.entry(rule.host.as_deref().unwrap_or_default()).or_default().push(at);
        }
        let answers = self.requests.iter().map(|request| {
            let own = by_host.get(&*request.host).into_iter().chain(by_host.get("")).flatten();
            let takes = |at: &&usize| self.rules[**at].takes(request);
            let first = match self.is_ordered {
                true => own.filter(takes).min().copied(),
                false => own.filter(takes).max_by_key(|at| self.rules[**at].narrowness()).copied(),
            };
            first.map(|at| at as u32)
        });
        answers.collect()
    }
}

impl Rule {
    fn takes(&self, request: &Request) -> bool {
        let mut given = request.path.split('/').skip(1);
        for segment in self.path.split('/').skip(1) {
            if segment == "**" {
                given.by_ref().for_each(drop);
                break;
            }
            match given.next() {
                Some(given) if segment == given || segment == "{}" && !given.is_empty() => {}
                _ => return false,
            }
        }
        given.next().is_none()
            && (self.methods.is_empty() || self.methods.contains(&request.method))
            && self.when.iter().all(|one| one.holds(request))
    }

    /// Greater for the narrower of two paths that hold a common one.
    fn narrowness(&self) -> Vec<u8> {
        let segments = self.path.split('/').skip(1);
        segments
            .map(|segment| match segment {
                "**" => 0,
                "{}" => 1,
                _ => 2,
            })
            .collect()
    }
}

impl Cond {
    fn holds(&self, request: &Request) -> bool {
        let all = |parts: &[Cond]| parts.iter().all(|part| part.holds(request));
        match self {
            Cond::Header(name, value) => {
                request.headers.iter().any(|(known, given)| known == name && given == value)
            }
            Cond::Net(net, bits) => {
                let mask = u32::MAX << (32 - u32::from(*bits));
                u32::from_be_bytes(request.ip) & mask == u32::from_be_bytes(*net) & mask
            }
            Cond::Is(claim, text) => request.text(*claim) == text,
            Cond::OneOf(claim, texts) => texts.iter().any(|text| text == request.text(*claim)),
            Cond::AtLeast(claim, least) => request.number(*claim) >= *least,
            Cond::AtMost(claim, most) => request.number(*claim) <= *most,
            Cond::Has(claim, text) => request.list(*claim).contains(text),
            Cond::HostEnds(end) => request.host.ends_with(end),
            Cond::PathBegins(begin) => request.path.starts_with(begin),
            Cond::PathHas(part) => request.path.contains(part),
            Cond::Any(parts) => parts.iter().any(|part| part.holds(request)),
            Cond::All(parts) => all(parts),
            Cond::Not(inner) => !inner.holds(request),
        }
    }
}

impl Request {
    pub(crate) fn text(&self, claim: Claim) -> &str {
        &self.texts[claim as usize]
    }

    pub(crate) fn number(&self, claim: Claim) -> i64 {
        self.numbers[claim as usize - Claim::Level as usize]
    }

    pub(crate) fn list(&self, claim: Claim) -> &[String] {
        &self.lists[claim as usize - Claim::Roles as usize]
    }
}
