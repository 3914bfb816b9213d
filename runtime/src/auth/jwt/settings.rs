//! The lines of a `jwt`: their rows, and what they come to. It checks what a type cannot say, and opens nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use compiler::program::Block as Told;
use lang::vocab::identity::DECLARED;
use lang::vocab::{
    Block, Decode, Function, Guard, Known, Param, Setting, Stricter, Times, Without,
};
use lang::{Span, Ty, Value, params};

use super::super::Making;
use super::super::from::From;
use super::keys::{ALGORITHMS, Algorithms};
use crate::blocks::{BlockError, read_line};
use crate::upstream::Url;
use crate::values::Wait;

/// `auth NAME = jwt`.
pub static ROW: Block = Block {
    name: "auth jwt",
    settings: SETTINGS,
    exclusive: None,
    applied: None,
    doc: "Verifies signed tokens (RFC 7519) that others issue. The auth's name stands for the claims of the token, which are there only if all of it holds: a known key has signed it by an accepted algorithm, issuer and audience are as written, its time has come and is not over, and its claims are of their types. A token without `exp` is none.",
    example: "auth token = jwt {\n  issuer   \"https://id.shop.example\"\n  audience \"api\"\n  keys     jwks(\"https://id.shop.example/jwks.json\"), refresh=10min\n  claims   { sub: String, scope: Set<String> }\n}",
};

/// What stands in `keys`.
pub static FUNCTIONS: &[&Function] = &[&JWKS, &PEM, &SECRET];

/// The kind of item that `keys` takes.
const SOURCE: Ty = Ty::Item("source of keys");

static JWKS: Function = Function {
    name: "jwks",
    params: &[Param {
        name: "place",
        ty: || Ty::String,
        default: None,
        dynamic: false,
        rest: false,
        accepts: |known| match known {
            Known::Value(value) => Place::decode(value).map(drop),
            Known::Text(_) | Known::Spliced(_) | Known::Nothing => Ok(()),
        },
        hint: Some(
            "write a URL as in `\"https://id.shop.example/jwks.json\"`, or the path of a file",
        ),
        doc: "A URL with `https`, or the path of a file. `http` is for this machine only: whoever can change the answer can sign tokens.",
    }],
    returns: || SOURCE,
    doc: "The public keys of a JWK set (RFC 7517). From a URL they are fetched beside requests and again and again; the last good ones stay while a fetch fails.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |arguments| named("jwks", arguments),
};

static PEM: Function = Function {
    name: "pem",
    params: &[Param {
        name: "file",
        ty: || Ty::String,
        default: None,
        dynamic: false,
        rest: false,
        accepts: Param::anything,
        hint: None,
        doc: "The path of a file. A relative one begins in the folder of the policy's file.",
    }],
    returns: || SOURCE,
    doc: "The public keys of a PEM file: RSA, P-256, P-384 or Ed25519.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |arguments| named("pem", arguments),
};

static SECRET: Function = Function {
    name: "secret",
    params: &[Param {
        name: "key",
        ty: || Ty::Secret,
        default: None,
        dynamic: false,
        rest: false,
        accepts: Param::anything,
        hint: None,
        doc: "A `secret` of at least 32 bytes.",
    }],
    returns: || SOURCE,
    doc: "A secret that the issuer shares, for `HS256`, `HS384` and `HS512`. Whoever has it can issue tokens.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |arguments| match arguments {
        [Value::Secret(at)] => Value::Item(format!("secret:{at}").into()),
        _ => Value::Absent,
    },
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "issuer",
        params: IssuerLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[Guard::of(&["issuer", "others"], Stricter::Fewer, Without::Less)],
        doc: "Who may have issued a token: its `iss` is one of these. Without it, anybody whose key is known.",
        example: "issuer \"https://id.shop.example\"",
    },
    Setting {
        name: "audience",
        params: AudienceLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[Guard::of(&["audience", "others"], Stricter::Fewer, Without::Unknown)],
        doc: "For whom a token is meant: one of its `aud` is one of these. Without it, a token that names an audience is refused.",
        example: "audience \"api\"",
    },
    Setting {
        name: "keys",
        params: KeysLine::PARAMS,
        times: Times::Some,
        within: &[],
        guards: &[
            Guard::of(&["source"], Stricter::Unknown, Without::More),
            Guard::of(&["ca"], Stricter::Given, Without::More),
        ],
        doc: "Where the keys are that tokens are signed with: `jwks(…)`, `pem(…)` or `secret(…)`. Several lines add up. A token by an unknown key has them fetched again, at most every five seconds, and waits for that.",
        example: "keys jwks(\"https://id.shop.example/jwks.json\"), refresh=10min",
    },
    Setting {
        name: "accept",
        params: AcceptLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[Guard::of(&["algorithm", "others"], Stricter::Fewer, Without::Less)],
        doc: "The algorithms that are accepted. Without it, those that each key is made for. `none` is never one.",
        example: "accept ES256, EdDSA",
    },
    Setting {
        name: "leeway",
        params: LeewayLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[Guard::of(&["time"], Stricter::Less, Without::Value("10s"))],
        doc: "By how much the clocks of issuer and gateway may differ. Without it: 10 seconds.",
        example: "leeway 30s",
    },
    Setting {
        name: "from",
        params: FromLine::PARAMS,
        times: Times::Any,
        within: &[],
        guards: &[
            Guard::of(&["place"], Stricter::Unknown, Without::Unknown),
            Guard::of(&["name"], Stricter::Unknown, Without::Unknown),
        ],
        doc: "Where a request carries its token, instead of `Authorization: Bearer …`. Of several lines the first counts whose place is not empty.",
        example: "from cookie, \"__Host-token\"",
    },
    Setting {
        name: "claims",
        params: ClaimsLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[Guard::of(&["claims"], Stricter::Types, Without::Unknown)],
        doc: "The claims that are read, with their types. A claim whose type is not optional and that has no default must be there. A text with blanks in it is a `Set<String>` too, as scopes are written (RFC 8693, section 4.2).",
        example: "claims { sub: String, scope: Set<String>, tenant: String?, plan: \"free\" | \"pro\" = \"free\" }",
    },
];

params! {
    /// `issuer`.
    pub struct IssuerLine {
        /// An issuer, exactly as tokens write it.
        issuer: String,
        /// Others.
        ..others: Vec<String>,
    }
}

params! {
    /// `audience`.
    pub struct AudienceLine {
        /// A name by which the gateway is known to issuers.
        audience: String,
        /// Others.
        ..others: Vec<String>,
    }
}

params! {
    /// `keys`.
    pub struct KeysLine {
        /// `jwks(…)`, `pem(…)` or `secret(…)`.
        source: Source,
        /// The time between two fetches of a URL.
        refresh: Wait<7> = "10min",
        /// A PEM file of the authorities to trust for a URL, instead of the system's. A relative path begins in the
        /// folder of the policy's file.
        ca: Option<String>,
    }
}

params! {
    /// `accept`.
    pub struct AcceptLine {
        /// An algorithm.
        algorithm: Named,
        /// Others.
        ..others: Vec<Named>,
    }
}

params! {
    /// `leeway`.
    pub struct LeewayLine {
        /// The time: ten minutes at most.
        time: Leeway,
    }
}

params! {
    /// `from`.
    pub struct FromLine {
        /// `header` or `cookie`.
        place: Carrier,
        /// The name of the field or of the cookie.
        name: Token,
    }
}

params! {
    /// `claims`.
    pub struct ClaimsLine {
        /// Names with their types, and what they are when they are left out.
        claims: Defaults,
    }
}

/// Where keys come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// A JWK set at a URL.
    Fetched(Url),
    /// A JWK set in a file.
    Set(String),
    /// A PEM file.
    Pem(String),
    /// The input with this number.
    Secret(u32),
}

/// Where a JWK set is.
enum Place {
    Url(Url),
    File(String),
}

/// The name of an algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Named(jsonwebtoken::Algorithm);

/// A difference of clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Leeway(Duration);

/// What carries a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Carrier {
    /// A header field.
    Header,
    /// A cookie.
    Cookie,
}

/// A token of RFC 9110, section 5.6.2.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Token(String);

/// What claims are that are left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Defaults(Arc<BTreeMap<Arc<str>, Value>>);

/// A line of `keys`.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) source: Source,
    pub(super) refresh: Duration,
    pub(super) ca: Option<PathBuf>,
    pub(super) span: Span,
}

const LEEWAY: Duration = Duration::from_secs(10);

/// Reads the block. All lines that cannot be honoured are reported.
pub(super) fn read(
    block: &Told,
    claims: Ty,
    making: &Making<'_>,
) -> Result<(super::Told, Vec<Keys>), Vec<BlockError>> {
    let mut told = super::Told {
        name: block.name.clone(),
        issuers: Vec::new(),
        audiences: Vec::new(),
        accept: None,
        leeway: LEEWAY,
        from: Vec::new(),
        claims,
        defaults: Arc::default(),
    };
    let mut keys = Vec::new();
    let argument = |expr| making.matcher.argument(expr);
    let mut errors = Vec::new();
    for line in &block.settings {
        let mut take = || -> Result<(), BlockError> {
            macro_rules! read {
                ($line:ident) => {
                    read_line(line, $line::PARAMS, $line::decode, &argument)?
                };
            }
            match &*line.name {
                "issuer" => {
                    let IssuerLine { issuer, others } = read!(IssuerLine);
                    told.issuers = others.into_iter().chain([issuer]).collect();
                }
                "audience" => {
                    let AudienceLine { audience, others } = read!(AudienceLine);
                    told.audiences = others.into_iter().chain([audience]).collect();
                }
                "accept" => {
                    let AcceptLine { algorithm, others } = read!(AcceptLine);
                    let all = others.into_iter().chain([algorithm]).map(|one| one.0);
                    told.accept = Some(Algorithms::from_iter(all));
                }
                "leeway" => told.leeway = read!(LeewayLine).time.0,
                "from" => {
                    let FromLine { place, name: Token(name) } = read!(FromLine);
                    told.from.push(match place {
                        Carrier::Header if name.eq_ignore_ascii_case("authorization") => {
                            From::Bearer
                        }
                        Carrier::Header => From::Header(name.to_ascii_lowercase().into()),
                        Carrier::Cookie => From::Cookie(name.into()),
                    });
                }
                "claims" => told.defaults = read!(ClaimsLine).claims.0,
                _ => {
                    let KeysLine { source, refresh, ca } = read!(KeysLine);
                    let ca = ca.map(|ca| (making.folder)(line.span.source).join(ca));
                    keys.push(Keys { source, refresh: refresh.0, ca, span: line.span });
                }
            }
            Ok(())
        };
        errors.extend(take().err());
    }
    if told.from.is_empty() {
        told.from.push(From::Bearer);
    }
    if errors.is_empty() { Ok((told, keys)) } else { Err(errors) }
}

fn named(kind: &str, arguments: &[Value]) -> Value {
    match arguments {
        [Value::String(name)] => Value::Item(format!("{kind}:{name}").into()),
        _ => Value::Absent,
    }
}

impl Decode for Place {
    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<Place, String> {
        let text = String::decode(value)?;
        if !text.contains("://") {
            return Ok(Place::File(text));
        }
        let url = Url::parse(&text)?;
        match url.is_safe() {
            true => Ok(Place::Url(url)),
            false => Err(format!(
                "`{text}` is fetched in the clear, and whoever changes it can sign tokens"
            )),
        }
    }
}

impl Decode for Source {
    fn ty() -> Ty {
        SOURCE
    }

    fn decode(value: &Value) -> Result<Source, String> {
        let wrong = || "is no source of keys".to_owned();
        let Value::Item(item) = value else { return Err(wrong()) };
        let (kind, name) = item.split_once(':').ok_or_else(wrong)?;
        match kind {
            "jwks" => match Place::decode(&Value::string(name))? {
                Place::Url(url) => Ok(Source::Fetched(url)),
                Place::File(path) => Ok(Source::Set(path)),
            },
            "pem" => Ok(Source::Pem(name.to_owned())),
            _ => name.parse().map(Source::Secret).map_err(|_| wrong()),
        }
    }
}

impl Decode for Named {
    fn ty() -> Ty {
        Ty::one_of(&ALGORITHMS.map(|(name, _)| name))
    }

    fn decode(value: &Value) -> Result<Named, String> {
        let found = ALGORITHMS.iter().find(|(name, _)| value.as_str() == Some(name));
        found.map(|(_, one)| Named(*one)).ok_or_else(|| format!("`{value}` is no algorithm"))
    }
}

impl Decode for Leeway {
    fn ty() -> Ty {
        Ty::Duration
    }

    fn decode(value: &Value) -> Result<Leeway, String> {
        match value {
            Value::Duration(time) if *time <= Duration::from_secs(600) => Ok(Leeway(*time)),
            other => Err(format!("`{other}` is more than 10min")),
        }
    }
}

impl Decode for Carrier {
    fn ty() -> Ty {
        Ty::one_of(&["header", "cookie"])
    }

    fn decode(value: &Value) -> Result<Carrier, String> {
        match value.as_str() {
            Some("header") => Ok(Carrier::Header),
            Some("cookie") => Ok(Carrier::Cookie),
            _ => Err(format!("`{value}` carries no token")),
        }
    }
}

impl Decode for Token {
    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<Token, String> {
        let text = String::decode(value)?;
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        match !text.is_empty() && text.bytes().all(is_part) {
            true => Ok(Token(text)),
            false => Err(format!("`{text}` is no name of a field or cookie")),
        }
    }
}

impl Decode for Defaults {
    fn ty() -> Ty {
        DECLARED
    }

    fn decode(value: &Value) -> Result<Defaults, String> {
        match value {
            Value::Map(defaults) => Ok(Defaults(Arc::clone(defaults))),
            _ => Err("is no record".to_owned()),
        }
    }
}
