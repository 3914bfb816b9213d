//! Rules, requests, and what each request is to be answered, found out plainly. `tables.rs` makes them from a seed.

use std::collections::{HashMap, HashSet};

use gw_compiler::Method;
use gw_compiler::names::{Mark, Names, Only, Place, same, same_name};
use lang::Value;

/// A table of rules, and requests for it.
pub(crate) struct Workload {
    /// In the order in which they are tried, unless host and path say otherwise.
    pub(crate) rules: Vec<Rule>,
    /// Whether the rules stand in an order of their own; otherwise the narrower path comes first.
    pub(crate) is_ordered: bool,
    pub(crate) requests: Vec<Request>,
    /// What the token of each request says; none where no rule asks.
    pub(crate) tokens: Vec<Token>,
}

/// A host, a path and what must hold besides.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// Whether the segment with this place, which the path captures, is this text.
    Captured(usize, &'static str),
    Is(Claim, String),
    OneOf(Claim, Vec<String>),
    AtLeast(Claim, i64),
    AtMost(Claim, i64),
    Has(Claim, String),
    HostEnds(String),
    PathBegins(String),
    PathHas(String),
    /// Whether this pattern fits the path.
    PathFits(Value),
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

/// A request as it lies in memory once its head is read: slices of one buffer, the host before the path.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) host: &'static str,
    pub(crate) path: &'static str,
    pub(crate) headers: Box<[(&'static str, &'static str)]>,
    /// Their names, as they are noted when a head is read.
    pub(crate) names: Names,
    pub(crate) ip: [u8; 4],
    pub(crate) method: Method<'static>,
}

/// What a token says, by kind.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) texts: [String; 3],
    pub(crate) numbers: [i64; 2],
    pub(crate) lists: [Vec<String>; 2],
}

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

impl Workload {
    /// How many routes there are.
    pub(crate) fn n_routes(&self) -> usize {
        self.rules.len()
    }

    /// The hosts and paths alone, each once: what the index has to find without any condition.
    pub(crate) fn bare(&self) -> Workload {
        let mut rules: Vec<Rule> = Vec::new();
        let mut seen = HashSet::new();
        for Rule { host, path, .. } in &self.rules {
            if seen.insert((host, path)) {
                rules.push(Rule { host: host.clone(), path: path.clone(), ..Rule::default() });
            }
        }
        Workload { rules, is_ordered: false, requests: Vec::new(), tokens: Vec::new() }
    }

    /// The rule that is to answer each request.
    pub(crate) fn expected(&self) -> Vec<Option<u32>> {
        let mut by_host: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, rule) in self.rules.iter().enumerate() {
            by_host.entry(rule.host.as_deref().unwrap_or_default()).or_default().push(at);
        }
        let answers = self.requests.iter().enumerate().map(|(number, request)| {
            let token = self.tokens.get(number);
            let own = by_host.get(request.host).into_iter().chain(by_host.get("")).flatten();
            let takes = |at: &&usize| self.rules[**at].takes(request, token);
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
    fn takes(&self, request: &Request, token: Option<&Token>) -> bool {
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
            && (self.methods.is_empty() || self.methods.contains(&request.method.name()))
            && self.when.iter().all(|one| one.holds(request, token))
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
    fn holds(&self, request: &Request, token: Option<&Token>) -> bool {
        let of = || token.expect("a token for whoever asks about claims");
        match self {
            Cond::Header(name, value) => {
                request.headers.iter().any(|(known, given)| known == name && given == value)
            }
            Cond::Net(net, bits) => {
                let mask = u32::MAX << (32 - u32::from(*bits));
                u32::from_be_bytes(request.ip) & mask == u32::from_be_bytes(*net) & mask
            }
            Cond::Captured(place, text) => request.path.split('/').nth(place + 1) == Some(*text),
            Cond::Is(claim, text) => of().text(*claim) == text,
            Cond::OneOf(claim, texts) => texts.iter().any(|text| text == of().text(*claim)),
            Cond::AtLeast(claim, least) => of().number(*claim) >= *least,
            Cond::AtMost(claim, most) => of().number(*claim) <= *most,
            Cond::Has(claim, text) => of().list(*claim).contains(text),
            Cond::HostEnds(end) => request.host.ends_with(end),
            Cond::PathBegins(begin) => request.path.starts_with(begin),
            Cond::PathHas(part) => request.path.contains(part),
            Cond::PathFits(Value::Regex(pattern)) => pattern.0.is_match(request.path),
            Cond::PathFits(_) => false,
            Cond::Any(parts) => parts.iter().any(|part| part.holds(request, token)),
            Cond::All(parts) => parts.iter().all(|part| part.holds(request, token)),
            Cond::Not(inner) => !inner.holds(request, token),
        }
    }
}

impl Request {
    /// A request in a buffer of its own.
    pub(crate) fn new(host: &str, path: &str, method: &str) -> Request {
        let text: &'static str = Box::leak(Box::from(format!("{host}{path}")));
        let (host, path) = text.split_at(host.len());
        let method = METHODS.into_iter().find(|known| *known == method);
        let method = Method::of(method.expect("one of the methods"));
        Request { host, path, headers: Box::default(), names: Names::default(), ip: [0; 4], method }
    }

    /// The same with these headers.
    pub(crate) fn with(self, headers: Box<[(&'static str, &'static str)]>) -> Request {
        let mut names = Names::default();
        headers.iter().for_each(|(name, _)| names.push(Mark::of(name.as_bytes())));
        Request { headers, names, ..self }
    }

    /// The value of a header with a short name that stands in one place alone, as most do; names are in lower case, as
    /// HTTP/2 has them.
    #[inline(always)]
    pub(crate) fn header(&self, name: &str, mark: Mark) -> Option<&'static str> {
        let Place::At(at) = self.names.place(mark) else { return None };
        let (known, value) = self.headers.get(at)?;
        (name.len() <= 16 && same(known.as_bytes(), name.as_bytes())).then_some(value)
    }

    /// The value of a header if it stands there once, wherever that is and however its name is written.
    pub(crate) fn header_among(&self, name: &str, mark: Mark) -> Option<&'static str> {
        if matches!(self.names.place(mark), Place::Nowhere) {
            return None;
        }
        let is_it = |at: usize| {
            let header = self.headers.get(at);
            header.is_some_and(|(known, _)| same_name(known.as_bytes(), name.as_bytes()))
        };
        match self.names.only(mark, is_it) {
            Only::At(at) => self.headers.get(at).map(|(_, value)| *value),
            Only::Nowhere | Only::Often => None,
        }
    }
}

impl Token {
    fn text(&self, claim: Claim) -> &str {
        &self.texts[claim as usize]
    }

    fn number(&self, claim: Claim) -> i64 {
        self.numbers[claim as usize - Claim::Level as usize]
    }

    fn list(&self, claim: Claim) -> &[String] {
        &self.lists[claim as usize - Claim::Roles as usize]
    }
}
