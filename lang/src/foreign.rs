//! Words of other gateways and languages, and what is written here instead. Whoever does not know a word asks this table
//! before it says so; no list of such words stands elsewhere.

/// Words that mean the same, and what to write here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign {
    /// As they are written elsewhere.
    words: &'static [&'static str],
    /// The word of ours that takes its place, where that is all there is to change.
    pub(crate) ours: Option<&'static str>,
    /// What to write here, as the help of a diagnostic.
    pub(crate) help: &'static str,
}

/// Words for which another has to be written, and maybe more.
const fn say(words: &'static [&'static str], help: &'static str) -> Foreign {
    Foreign { words, ours: None, help }
}

/// Words that have another name here.
const fn named(words: &'static [&'static str], ours: &'static str, help: &'static str) -> Foreign {
    Foreign { words, ours: Some(ours), help }
}

const LISTENER_AND_SITE: &str = "`listener NAME { bind \":80\" }` says where the gateway listens, `site NAME on LISTENER { host \"…\"; … }` holds the routes of a host, and what requests are sent to is an `upstream`";
const UPSTREAM: &str = "`upstream NAME { server \"10.0.0.1:8080\" }` is what requests are sent to";
const SITE: &str = "`site NAME on LISTENER { host \"…\"; … }` holds the routes of a host";
const ROUTE: &str = "`route NAME { path \"/a/**\"; forward UPSTREAM }` answers for a path; inside a `site` it takes the site's hosts";
const POLICY: &str = "`policy NAME { … }` holds statements that routes share, `apply NAME` puts them into a route; how often is a `limit`, by whose token an `auth`";
const CONDITION: &str = "`let NAME = VALUE` names a value, and a condition stands where it is asked: `where client.ip in NAME` chooses a route, `require client.ip in NAME` refuses";
const USE: &str = "`use \"./file.gw\" { a, b }` brings in what the other file marks `pub`";
const LET: &str = "`let NAME = VALUE` names a value; what comes from outside is a `param`";
const FN: &str = "`fn name(x: String): Bool = EXPRESSION` is a function";
const LIMIT: &str = "`limit NAME { key client.ip; allow 10/s }` stands by itself, and `apply NAME` in a route counts its requests";
const RESPOND: &str =
    "`respond 404, \"text\"` answers, `redirect 308, \"https://…\"` sends elsewhere";
const REFUSE: &str = "`require CONDITION` answers 403 where the condition does not hold, `else=…` says another status; `respond 403` refuses every request";
const ALLOW: &str = "`require client.ip in [10.0.0.0/8]` lets these pass and refuses all others";
const UP_HEADER: &str = "`set up.header[\"x-name\"] = VALUE` sets a field of the request that the upstream gets, in front of `forward`";
const RESP_HEADER: &str = "`set resp.header[\"x-name\"] = VALUE` sets a field of the answer: behind `forward`, or inside `always { … }` for every answer";
const FORWARD: &str = "`forward NAME` sends to an `upstream`";
const AUTH: &str =
    "`auth NAME = jwt { … }` knows tokens, and `require NAME` in a route asks for one";
const IDENTITY: &str =
    "who asks is known by the name of an `auth`: behind `auth staff = jwt { … }` it is `staff.sub`";
const FILES: &str =
    "files are not served here: `forward NAME` sends to an `upstream` that serves them";
const ORDER: &str = "no order is written: the narrower route is tried first, `route a on web before b` where neither is";
const SITE_HOST: &str =
    "`host \"a.example\", \"*.b.example\"` says which hosts a route or site takes";
const PREFIX: &str = "`path \"/a/**\"` is `/a` and everything beneath it";
const MATCHES: &str = "`where matches(req.path, re\"^/a/[0-9]+$\")` asks a pattern; `path \"/a/**\"` is `/a` and everything beneath it";
const BRANCH: &str =
    "statements do not branch: `where` chooses between routes, and `match` between values";
const CHOICE: &str = "`where CONDITION` chooses the requests of a route, `require CONDITION` refuses where it does not hold";
const APPLY: &str = "`apply NAME` puts the statements of a `policy` here, and counts for a `limit`";
const PLAIN_UPGRADE: &str = "nothing is to be said: `forward` passes a WebSocket on";

/// Words that items begin with elsewhere.
const ITEMS: &[Foreign] = &[
    say(&["server", "virtualhost", "http"], LISTENER_AND_SITE),
    named(&["frontend", "entrypoint"], "listener", LISTENER_AND_SITE),
    named(&["cluster", "backend", "service"], "upstream", UPSTREAM),
    named(&["vhost", "virtual_host", "domain"], "site", SITE),
    say(&["location", "router", "rule", "handle"], ROUTE),
    named(&["middleware"], "policy", POLICY),
    say(&["plugin", "filter"], POLICY),
    say(&["acl", "map", "geo"], CONDITION),
    named(&["import", "include"], "use", USE),
    named(&["var", "const"], "let", LET),
    named(
        &["version"],
        "edition",
        "a policy begins with the edition of its language: `edition 2026`",
    ),
    say(&["env"], "`param NAME: String from env(\"NAME\")` takes a value from the environment"),
    named(&["func", "function", "def"], "fn", FN),
    say(&["limit_req_zone", "rate_limit", "ratelimit"], LIMIT),
    say(&["jwt"], AUTH),
    say(&["on"], "the word of an item comes first: `route NAME on LISTENER { … }`"),
];

/// Words that statements begin with elsewhere, or clauses.
const VERBS: &[Foreign] = &[
    say(&["return", "reply", "status", "error_page"], RESPOND),
    say(&["deny", "reject", "block", "drop", "forbid"], REFUSE),
    say(&["allow", "permit", "satisfy"], ALLOW),
    say(&["rate_limit", "ratelimit", "limit_req", "limit_rate", "throttle", "limit"], LIMIT),
    say(&["add_header", "more_set_headers", "header", "expires"], RESP_HEADER),
    say(
        &["proxy_hide_header"],
        "`unset resp.header[\"x-name\"]` behind `forward` takes a field away",
    ),
    say(&["proxy_set_header", "set_header", "request_header"], UP_HEADER),
    named(&["proxy_pass"], "forward", FORWARD),
    say(
        &[
            "reverse_proxy",
            "fastcgi_pass",
            "grpc_pass",
            "proxy",
            "backend",
            "upstream",
            "cluster",
            "use_backend",
        ],
        FORWARD,
    ),
    say(
        &[
            "strip_prefix",
            "strip_path",
            "handle_path",
            "uri",
            "replace_prefix",
            "stripprefix",
            "replacepath",
            "regex_rewrite",
            "path_rewrite",
        ],
        "`rewrite \"/b{strip_prefix(req.path, \"/a\")}\"` asks the upstream for `/b` and what lies beneath `/a`",
    ),
    say(
        &["encode", "gzip", "gzip_types", "brotli", "compress", "compression"],
        "nothing is compressed here: an answer is passed on as the upstream sends it",
    ),
    say(
        &["access_log", "error_log", "log_format", "log"],
        "each request is a line of JSON: `gwc run --log` says where to, `log headers=[\"user-agent\"]` in the `listener` what else is in it",
    ),
    say(
        &["set_real_ip_from", "real_ip_header", "trusted_proxies", "forwardfor"],
        "`trust forwarded, from=[10.0.0.0/8]` in the `listener` says whose word about the client counts",
    ),
    say(
        &["proxy_cache", "proxy_cache_valid", "cache_control"],
        "`cache 30s` keeps answers for so long",
    ),
    say(
        &["proxy_buffering", "proxy_request_buffering", "proxy_redirect", "sendfile", "tcp_nopush"],
        "nothing is to be said: content is passed on as it comes",
    ),
    say(&["limit_conn"], "`breaker requests=100` in the `upstream` bounds what is under way"),
    say(&["mirror", "shadow"], "requests are not copied to a second upstream"),
    say(
        &["hsts", "cors"],
        "`always { set resp.header[\"x-name\"] = VALUE }` sets a field of every answer",
    ),
    say(
        &["ssl_protocols", "ssl_ciphers", "ssl_certificate", "ssl_certificate_key"],
        "`tls cert=\"/a.pem\", key=\"/a.key\", min=1.2` stands in the `listener`",
    ),
    say(
        &["rule", "rules", "matcher", "predicate"],
        "`host \"a.example\"`, `path \"/a/**\"` and `method GET` say which requests a route takes, `where CONDITION` what else has to hold",
    ),
    say(
        &["on"],
        "`on LISTENER` stands in the header, in front of the braces: `route NAME on LISTENER { … }`",
    ),
    say(&["retries"], "an `upstream` says it: `retry 2, on=[connect, 502]`"),
    say(
        &["prefix_rewrite"],
        "`rewrite \"/b/{id}\"` writes the whole path, with what `path` captures",
    ),
    say(&["listen"], "a `listener` has a line `bind \":8080\"`, a route stands `on` it"),
    say(&["root", "alias", "try_files", "index", "file_server"], FILES),
    say(
        &[
            "auth",
            "auth_request",
            "auth_basic",
            "basic_auth",
            "basicauth",
            "forward_auth",
            "jwt",
            "authenticate",
            "authorize",
        ],
        AUTH,
    ),
    say(&["use", "include", "middleware", "plugin", "policy"], APPLY),
    say(&["server_name", "hostname", "domain"], SITE_HOST),
    say(&["path_prefix", "prefix", "path_beg"], PREFIX),
    say(&["exact"], "`path \"/a\"` is this path alone"),
    say(&["location", "handle"], ROUTE),
    say(&["path_regex", "path_regexp", "regex"], MATCHES),
    say(&["priority", "order"], ORDER),
    say(&["websocket", "upgrade", "proxy_http_version"], PLAIN_UPGRADE),
    say(
        &["proxy_read_timeout"],
        "`forward NAME, first_byte=30s` says how long the answer may take to begin",
    ),
    say(
        &["proxy_connect_timeout"],
        "`timeout connect=1s` in the `upstream` says how long connecting may take",
    ),
    say(
        &["client_max_body_size"],
        "`cap body=10MiB` in the `listener` bounds what requests bring, `require req.body.size <= 1MiB, else=413` those of a route",
    ),
    say(&["var", "const"], "`let NAME = VALUE` names a value for the lines below"),
    say(&["if", "when", "unless", "else", "elif", "while", "switch", "match"], BRANCH),
    say(&["foreach"], "statements do not repeat: a list is asked by `any`, `all` and `count`"),
    say(
        &["and", "or", "in", "is"],
        "a condition stands in one line, `where a and b`; newlines are free only inside brackets",
    ),
    say(&["sleep", "wait"], "`advance 1s` moves the clock of a test"),
    say(
        &["check", "assert"],
        "a line of a test is `expect CONDITION`, a claim about all requests an item of its own, `assert NAME { … }`",
    ),
    say(
        &["break", "next"],
        "statements run one after another: `forward`, `respond` and `redirect` end the way in",
    ),
];

/// Words that are a status elsewhere.
const STATUSES: &[(&str, u16)] = &[
    ("unauthorized", 401),
    ("unauthenticated", 401),
    ("forbidden", 403),
    ("deny", 403),
    ("denied", 403),
    ("not_found", 404),
    ("too_many_requests", 429),
    ("unavailable", 503),
];

/// The status that a word means elsewhere.
pub(crate) fn status(word: &str) -> Option<u16> {
    let word = word.to_ascii_lowercase();
    STATUSES.iter().find(|(known, _)| *known == word).map(|(_, status)| *status)
}

/// Words that settings of a listener, an upstream, a limit or an auth begin with elsewhere.
const SETTINGS: &[Foreign] = &[
    named(&["listen", "port"], "bind", "`bind \":80\"` says where the gateway listens"),
    named(
        &["address"],
        "bind",
        "`bind \":80\"` says where the gateway listens, `server \"10.0.0.1:80\"` where requests are sent",
    ),
    say(&["server_name"], SITE_HOST),
    say(
        &["ssl_certificate", "ssl_certificate_key", "certificate"],
        "`tls cert=\"/a.pem\", key=\"/a.key\"` has the certificate",
    ),
    say(
        &["http2", "http3", "protocols", "alpn"],
        "`bind \":443\", proto=[h1, h2]` says which protocols are spoken",
    ),
    say(
        &["ssl_protocols", "ssl_ciphers", "tls_version", "min_version"],
        "`tls cert=\"/a.pem\", key=\"/a.key\", min=1.2` says the lowest version of TLS",
    ),
    say(&["location"], ROUTE),
    named(
        &["healthcheck", "health_check", "health_checks"],
        "health",
        "`health GET, \"/healthz\", every=5s` asks the servers how they are",
    ),
    named(
        &["target", "endpoint", "url"],
        "server",
        "`server \"10.0.0.1:80\"` is where requests are sent",
    ),
    named(
        &["lb_policy", "load_balancing"],
        "balance",
        "`balance least_request` says how a server is chosen",
    ),
    named(
        &["least_conn"],
        "balance",
        "`balance least_request` takes the server with the fewest requests under way",
    ),
    named(&["ip_hash"], "balance", "`balance ip_hash` keeps a client at its server"),
    say(&["keepalive"], "`timeout keep=60s` says how long an unused connection is kept"),
    say(&["max_fails"], "`eject` leaves a server alone that fails again and again"),
    say(&["circuit_breaker"], "`breaker` bounds what is under way, and opens when too many fail"),
    say(&["max_connections"], "`breaker` bounds what is under way"),
    say(&["client_max_body_size"], "`cap body=10MiB` bounds what requests bring"),
    say(
        &["proxy_protocol", "accept_proxy"],
        "`trust proxy_protocol, from=[10.0.0.0/8]` says from whom it is taken",
    ),
    named(
        &["host_header", "host_rewrite", "host_rewrite_literal"],
        "host",
        "`host \"api.example\"` is the host that servers are asked for",
    ),
    say(
        &["connect_timeout", "proxy_connect_timeout", "connectTimeout"],
        "`timeout connect=1s` says how long a connection may take",
    ),
    say(
        &["read_timeout", "proxy_read_timeout", "response_timeout", "responseHeaderTimeout"],
        "`timeout first_byte=30s` says how long an answer may take to begin, `total=30s` how long all of it",
    ),
    say(
        &["send_timeout", "proxy_send_timeout", "write_timeout", "idle_timeout", "timeouts"],
        "`timeout connect=1s, first_byte=30s, total=30s` bounds what an upstream may take; of a listener `cap idle=60s`",
    ),
    say(
        &["cert", "key", "certs", "tls_cert", "tls_key", "cert_file", "key_file"],
        "`tls cert=\"/a.pem\", key=\"/a.key\"` has the certificate",
    ),
    named(&["rate"], "allow", "`allow 10/s, burst=20` says how often"),
    named(&["zone"], "key", "`key client.ip` says what is counted"),
    named(&["jwks_uri", "jwks"], "keys", "`keys jwks(\"https://…\")` says where the keys are"),
    named(&["algorithms"], "accept", "`accept RS256, ES256` says which algorithms are taken"),
];

/// Words of [`VERBS`] that lines of some block begin with here: alone they prove nothing.
const OURS_TOO: &[&str] =
    &["allow", "limit", "policy", "upstream", "auth", "use", "status", "header"];

/// Names of values elsewhere, dotted ones whole.
const VALUES: &[Foreign] = &[
    named(&["request"], "req", "the request is `req`: `req.path`, `req.host`, `req.header[\"x\"]`"),
    named(
        &["response", "res"],
        "resp",
        "the answer is `resp`: `resp.status`, `resp.header[\"x\"]`",
    ),
    named(
        &[
            "remote_addr",
            "remote_ip",
            "client_ip",
            "source_ip",
            "src",
            "client.address",
            "client.addr",
            "req.ip",
            "req.client_ip",
            "req.remote_addr",
        ],
        "client.ip",
        "the client's address is `client.ip`",
    ),
    named(
        &["req.uri", "req.url"],
        "req.target",
        "`req.target` is path and query as they are sent on, `req.path` the path alone",
    ),
    named(
        &["http.request.host", "request.host"],
        "req.host",
        "the host that is asked for is `req.host`",
    ),
    named(
        &["http.request.uri.path", "request.path", "request.url.path", "request.url_path"],
        "req.path",
        "the path is `req.path`",
    ),
    named(
        &["http.request.uri", "request.uri"],
        "req.target",
        "`req.target` is path and query as they are sent on, `req.path` the path alone",
    ),
    named(&["http.request.method", "request.method"], "req.method", "the method is `req.method`"),
    named(
        &["http.request.scheme", "request.scheme"],
        "req.scheme",
        "`req.scheme` is `http` or `https`",
    ),
    named(
        &[
            "http.request.remote.host",
            "http.request.remote",
            "source.address",
            "request.remote_addr",
        ],
        "client.ip",
        "the client's address is `client.ip`",
    ),
    say(
        &["request.headers", "request.header", "http.request.header"],
        "a field of the request is `req.header[\"x-name\"]`",
    ),
    say(
        &["http", "ctx", "context"],
        "the request is `req`, with `req.path`, `req.host` and `req.header[\"x-name\"]`",
    ),
    named(
        &["tls.version", "conn.tls_version", "ssl_protocol", "tls_version", "req.tls.version"],
        "conn.tls.version",
        "the version of TLS is `conn.tls.version`, `\"1.2\"` or `\"1.3\"`",
    ),
    named(&["uri"], "req.path", "`req.path` is the path, `req.target` path and query"),
    named(
        &["request_uri", "url"],
        "req.target",
        "`req.target` is path and query, `req.path` the path alone",
    ),
    named(&["http_host", "hostname"], "req.host", "the host that is asked for is `req.host`"),
    named(&["request_method"], "req.method", "the method is `req.method`"),
    named(
        &["body_bytes", "content_length"],
        "req.body.size",
        "the size of the content is `req.body.size`",
    ),
    named(
        &["upstream_addr"],
        "up.address",
        "the address of the server that answered is `up.address`",
    ),
    say(&["headers", "req.headers"], "a field of the request is `req.header[\"x-name\"]`"),
    say(&["http_user_agent"], "a field of the request is `req.header[\"user-agent\"]`"),
    say(&["args"], "a parameter of the query is `req.query[\"q\"]`"),
    say(
        &["params"],
        "a parameter of the query is `req.query[\"q\"]`, a segment of the path `path.NAME`",
    ),
    say(&["cookies", "req.cookies"], "a cookie is `req.cookie[\"name\"]`"),
    say(&["req.body"], "the content is `req.json`, its size `req.body.size`"),
    say(&["req.route"], "a claim names the route itself: `route == NAME`"),
    say(&["code", "status_code"], "the status of the answer is `status`"),
    say(
        &["True", "False", "on", "off", "yes", "no"],
        "truth is written `true` and `false`; what a line turns on by itself stands without a value, as `tls` in an `upstream`",
    ),
    say(
        &["backup", "down", "spare"],
        "all servers of an `upstream` share its requests by their `weight`: none is kept for later",
    ),
    say(
        &["upstream", "backend", "cluster", "service"],
        "where requests go is asked in a claim: `forwarded(to=NAME)`",
    ),
    say(
        &["auto", "acme", "letsencrypt", "internal"],
        "certificates are files: `tls cert=\"/a.pem\", key=\"/a.key\"`",
    ),
    say(
        &["skip_verify", "insecure", "insecure_skip_verify"],
        "`tls verify=false` takes any certificate",
    ),
    say(&["user", "jwt", "token", "claims", "identity", "principal"], IDENTITY),
    say(
        &["rest", "tail", "wildcard", "splat"],
        "what lies beneath `/a/**` has no name: it is `strip_prefix(req.path, \"/a\")`",
    ),
];

/// Options elsewhere, and what they are called here.
const OPTIONS: &[Foreign] = &[
    named(&["http2", "HTTP2", "http_2"], "h2", ""),
    named(&["http", "http1", "http11", "HTTP1"], "h1", ""),
    named(&["x_forwarded_for", "xff", "forwarded_for", "real_ip"], "forwarded", ""),
    named(&["proxy", "send_proxy", "proxyprotocol"], "proxy_protocol", ""),
];

/// What stands behind a `$` in texts elsewhere.
const VARIABLES: &[Foreign] = &[
    named(&["http_host", "host"], "req.host", ""),
    named(&["remote_addr"], "client.ip", ""),
    named(&["request_uri"], "req.target", ""),
    named(&["request_method"], "req.method", ""),
    named(&["scheme"], "req.scheme", ""),
    named(&["uri"], "req.path", ""),
    named(&["request_id"], "req.id", ""),
    named(&["server_name"], "req.host", ""),
];

/// How Envoy's command operators begin, which stand between two `%` in a text.
const OPERATORS_OF_ENVOY: &[&str] = &[
    "REQ(",
    "RESP(",
    "DOWNSTREAM_",
    "UPSTREAM_",
    "PROTOCOL",
    "START_TIME",
    "RESPONSE_",
    "REQUEST_",
    "HOSTNAME",
    "DYNAMIC_METADATA(",
];

/// Functions elsewhere.
const FUNCTIONS: &[Foreign] = &[
    named(&["len", "strlen"], "length", "`length(x)` counts"),
    named(&["size"], "length", "`length(x)` counts; the size of the content is `req.body.size`"),
    named(
        &["startsWith", "startswith", "hasPrefix", "has_prefix", "path_beg"],
        "starts_with",
        "`starts_with(text, prefix)` looks at how a text begins",
    ),
    named(
        &["endsWith", "endswith", "hasSuffix", "has_suffix"],
        "ends_with",
        "`ends_with(text, suffix)` looks at how a text ends",
    ),
    named(
        &["includes", "indexOf"],
        "contains",
        "`contains(text, part)` looks into a text, `x in list` into a list",
    ),
    named(
        &["toLower", "tolower", "to_lower", "lowercase", "toLowerCase"],
        "lower",
        "`lower(text)` writes a text in lower case",
    ),
    named(
        &["toUpper", "toupper", "to_upper", "uppercase"],
        "upper",
        "`upper(text)` writes a text in upper case",
    ),
    named(
        &["regex", "regexMatch", "regex_match", "path_reg"],
        "matches",
        "`matches(text, re\"…\")` asks a pattern",
    ),
    say(
        &["exists", "defined", "isset", "has", "is_present"],
        "`x is present` asks whether something is there",
    ),
    say(&["Host", "HostRegexp", "HostSNI"], SITE_HOST),
    say(&["Path", "PathPrefix", "PathRegexp"], PREFIX),
    say(&["Method"], "`method GET, POST` says which methods a route takes"),
    say(
        &["Header", "Headers", "HeaderRegexp"],
        "a field of the request is `req.header[\"x-name\"]`",
    ),
    say(&["Query", "QueryRegexp"], "a parameter of the query is `req.query[\"q\"]`"),
    say(&["ClientIP"], "the client's address is asked by `client.ip in 10.0.0.0/8`"),
    say(
        &["empty", "isEmpty"],
        "`x is absent` asks whether something is not there, `x == \"\"` whether a text is empty",
    ),
    say(&["query", "arg"], "a parameter of the query is `req.query[\"q\"]`"),
    say(
        &["param"],
        "a parameter of the query is `req.query[\"q\"]`, a segment of the path `path.NAME`",
    ),
    say(&["header", "headers", "hdr"], "a field of the request is `req.header[\"x-name\"]`"),
    say(&["cookie"], "a cookie is `req.cookie[\"name\"]`"),
    say(&["concat", "format"], "texts are put together as `\"{a}-{b}\"`"),
    say(
        &["env", "getenv"],
        "an item takes it: `param NAME: String from env(\"NAME\")`, or `secret NAME from env(\"NAME\")`",
    ),
    say(
        &["now", "time"],
        "no time is asked by a policy: which route answers depends on the request alone",
    ),
    say(
        &["random", "rand"],
        "`forward { 90% => a, 10% => b }` shares requests among upstreams by chance",
    ),
    say(&["file"], "an item takes it: `secret NAME from file(\"/path\")`"),
];

/// Names of arguments elsewhere, each with the verb or setting that takes ours.
const ARGUMENTS: &[(&str, Foreign)] = &[
    ("health", named(&["interval", "period"], "every", "`every=5s` says how often")),
    ("health", named(&["uri", "url"], "path", "`path=\"/healthz\"` says what is asked for")),
    (
        "retry",
        named(
            &["count", "attempts", "tries", "num_retries"],
            "retries",
            "`retries=2` says how often",
        ),
    ),
    ("retry", named(&["retry_on", "conditions"], "on", "`on=[connect, 503]` says after what")),
    (
        "timeout",
        named(
            &["read", "response"],
            "first_byte",
            "`first_byte=30s` is how long the answer may take to begin",
        ),
    ),
    ("timeout", named(&["request"], "total", "`total=30s` is how long all of it may take")),
    ("cache", named(&["ttl", "max_age"], "fresh", "`fresh=30s` says how long an answer is kept")),
    ("cap", named(&["max_body", "body_size"], "body", "`body=10MiB` bounds what requests bring")),
    (
        "tls",
        say(
            &["insecure_skip_verify", "skip_verify", "insecure"],
            "`verify=false` takes any certificate",
        ),
    ),
    (
        "bind",
        say(&["tls", "ssl"], "TLS is a line of its own: `tls cert=\"/a.pem\", key=\"/a.key\"`"),
    ),
    (
        "respond",
        say(
            &["headers", "header"],
            "`set resp.header[\"x-name\"] = VALUE` behind it sets a field of the answer",
        ),
    ),
    (
        "require",
        named(&["status", "code", "or"], "else", "`else=403` says what is answered instead"),
    ),
    (
        "server",
        say(
            &["max_fails", "fail_timeout", "slow_start"],
            "`eject errors=3, lasts=30s` in the `upstream` leaves a server alone that fails",
        ),
    ),
    (
        "server",
        say(&["max_conns"], "`cap requests=100` in the `upstream` bounds what one server gets"),
    ),
    (
        "server",
        say(
            &["check", "inter", "rise", "fall"],
            "`health GET, \"/healthz\", every=5s` in the `upstream` asks servers how they are",
        ),
    ),
    (
        "breaker",
        named(
            &["max_connections", "max_requests"],
            "requests",
            "`requests=100` bounds what is under way",
        ),
    ),
    (
        "breaker",
        named(
            &["max_pending_requests", "pending_requests"],
            "pending",
            "`pending=100` bounds what waits",
        ),
    ),
    (
        "eject",
        named(
            &["consecutive_5xx", "consecutive_gateway_failure", "max_fails", "consecutive_errors"],
            "errors",
            "`errors=5` says how many in a row",
        ),
    ),
    ("eject", named(&["interval"], "over", "`over=10s` says within which time")),
    (
        "eject",
        named(&["base_ejection_time", "fail_timeout"], "lasts", "`lasts=30s` says for how long"),
    ),
    ("eject", named(&["max_ejection_percent"], "at_most", "`at_most=40%` says how many at a time")),
    (
        "retry",
        say(
            &["per_try_timeout", "perTryTimeout", "timeout"],
            "`timeout first_byte=2s` in the `upstream` is how long each try may take to be answered, `total` all of them",
        ),
    ),
    (
        "tls",
        named(
            &["sni", "servername", "server"],
            "server_name",
            "`server_name=\"api.example\"` is the name that is asked for and verified",
        ),
    ),
    (
        "forward",
        say(
            &["retries", "retry", "tries"],
            "how often is said in the `upstream`: `retry 2, on=[connect, 502]`",
        ),
    ),
    (
        "forward",
        say(
            &["total", "timeouts"],
            "`timeout=30s` is how long all of it may take, `first_byte=5s` how long the answer may take to begin",
        ),
    ),
    ("forward", say(&["weight"], "shares are written `forward { 90% => a, 10% => b }`")),
];

/// What stands between two values elsewhere, or before one.
const OPERATORS: &[Foreign] = &[
    say(&["~"], "`matches(req.path, re\"…\")` asks a pattern, `not matches(…)` its opposite"),
    say(
        &["?"],
        "`match condition { true => a, _ => b }` chooses between two values, `a ?? b` takes `b` where `a` is absent",
    ),
    say(&["if"], "`match condition { true => a, _ => b }` chooses between two values"),
    say(&["->"], "an arm is written `pattern => value`"),
    named(&["AND", "And"], "and", "`and` joins two conditions that both have to hold"),
    named(&["OR", "Or"], "or", "`or` joins two conditions of which one has to hold"),
    named(&["NOT"], "not", "`not` stands before the condition"),
    named(&["eq", "equals"], "==", "`==` compares two values"),
    named(&["ne"], "!=", "`!=` compares two values"),
    say(&["xor"], "`a != b` holds if one of two conditions does and the other does not"),
    say(
        &["implies", "=>"],
        "write `not a or b`; a claim about some requests is `for req where a` with `expect b`",
    ),
    say(&["==="], "`==` compares two values"),
    say(&["<>"], "`!=` compares two values"),
];

/// Words that a condition stands behind elsewhere.
const CONDITIONS: &[Foreign] = &[
    named(&["when", "if"], "where", CHOICE),
    say(
        &["unless"],
        "`where not (CONDITION)` chooses the requests of a route, `require not (CONDITION)` refuses where it holds",
    ),
];

/// Words that stand before an outcome elsewhere.
const CLAIMED: &[Foreign] = &[
    named(&["never", "no", "cannot"], "not", "`not` in front of an outcome denies it"),
    say(
        &["always", "must", "should", "shall", "only", "be", "is", "to"],
        "an assert speaks of all requests that its `for` names: `expect` takes the outcome alone",
    ),
];

/// Words that mean an outcome elsewhere, or something near to one, where a claim is made.
const OUTCOMES: &[Foreign] = &[
    say(
        &["called", "forward", "forwards", "goes_to"],
        "a claim asks where requests go: `forwarded(to=NAME)`",
    ),
    say(&["sent"], "a claim asks what is sent by its headers: `up.header[\"x\"] is present`"),
    say(&["routed"], "a claim asks where requests go: `route == NAME`, `forwarded(to=NAME)`"),
    named(
        &["deny", "denies", "refused", "rejected", "blocked", "forbidden"],
        "denied",
        "that the gateway refuses is `denied`",
    ),
    say(
        &["allowed"],
        "that a request passes is `forwarded` or `responded`, `not denied` if either will do",
    ),
    named(&["respond"], "responded", "that a route answers by itself is `responded`"),
    say(&["apply", "applies"], "that a policy is applied is `applied(policy=NAME)`"),
    say(&["limit", "rate_limited"], "that requests are counted is `limited(by=NAME)`"),
    named(&["cache"], "cached", "that an answer may come from the cache is `cached`"),
    say(&["authorized"], "that a token is asked for is `authenticated(by=NAME)`"),
];

fn of(rows: &'static [Foreign], word: &str) -> Option<&'static Foreign> {
    rows.iter().find(|row| row.words.contains(&word))
}

/// A word in front of an outcome.
pub(crate) fn claimed(word: &str) -> Option<&'static Foreign> {
    of(CLAIMED, word)
}

/// A word at the place of an item.
pub(crate) fn item(word: &str) -> Option<&'static Foreign> {
    of(ITEMS, word)
}

/// A word at the place of a verb.
pub(crate) fn verb(word: &str) -> Option<&'static Foreign> {
    of(VERBS, word)
}

/// A word with nothing but a condition behind it.
pub(crate) fn condition(word: &str) -> Option<&'static Foreign> {
    of(CONDITIONS, word)
}

/// A word at the place of a verb that is one of no block here, so that it is known without asking which block it is.
pub(crate) fn verb_anywhere(word: &str) -> Option<&'static Foreign> {
    verb(word).filter(|_| !OURS_TOO.contains(&word))
}

/// A word at the place of a setting.
pub(crate) fn setting(word: &str) -> Option<&'static Foreign> {
    of(SETTINGS, word)
}

/// A name of an argument of `what`.
pub(crate) fn argument(what: &str, word: &str) -> Option<&'static Foreign> {
    let of_what = ARGUMENTS.iter().filter(|(taker, _)| *taker == what);
    of_what.map(|(_, row)| row).find(|row| row.words.contains(&word))
}

/// An option, as it is called here.
pub(crate) fn option(word: &str) -> Option<&'static str> {
    of(OPTIONS, word)?.ours
}

/// A name of a value, with its dots.
pub(crate) fn value(word: &str) -> Option<&'static Foreign> {
    of(VALUES, word)
}

/// A word of a claim.
pub(crate) fn outcome(word: &str) -> Option<&'static Foreign> {
    of(OUTCOMES, word)
}

/// Whether it is what Envoy puts in for `%…%`.
pub(crate) fn is_envoy_operator(inner: &str) -> bool {
    OPERATORS_OF_ENVOY.iter().any(|start| inner.starts_with(start))
}

/// What is meant by a variable `$name`: those with a name in their name stand for many.
pub(crate) fn variable(name: &str) -> Option<String> {
    if let Some(row) = of(VARIABLES, name) {
        return row.ours.map(str::to_owned);
    }
    let families = [("http_", "req.header"), ("arg_", "req.query"), ("cookie_", "req.cookie")];
    families.into_iter().find_map(|(start, field)| {
        let key = name.strip_prefix(start).filter(|key| !key.is_empty())?;
        let key = if start == "http_" { key.replace('_', "-") } else { key.to_owned() };
        Some(format!("{field}[\"{key}\"]"))
    })
}

/// A function that is called.
pub(crate) fn function(word: &str) -> Option<&'static Foreign> {
    of(FUNCTIONS, word)
}

/// What stands between two values.
pub(crate) fn operator(text: &str) -> Option<&'static Foreign> {
    of(OPERATORS, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Keyword;

    #[test]
    fn every_word_stands_once_and_leads_to_one_of_ours() {
        let tables = [
            ITEMS, VERBS, SETTINGS, VALUES, VARIABLES, FUNCTIONS, OPERATORS, CONDITIONS, OUTCOMES,
            OPTIONS,
        ];
        for rows in tables {
            let words: Vec<&str> = rows.iter().flat_map(|row| row.words).copied().collect();
            for (at, word) in words.iter().enumerate() {
                assert!(!words[at + 1..].contains(word), "`{word}` stands twice");
            }
        }
        for row in ITEMS {
            for word in row.words {
                assert_eq!(Keyword::from_word(word), None, "`{word}` is an item here");
            }
            let ours = row.ours.map(Keyword::from_word);
            assert_ne!(ours, Some(None), "{:?} leads to no item", row.words);
        }
        for row in FUNCTIONS {
            let is_function =
                |name: &str| crate::functions::FUNCTIONS.iter().any(|row| row.name == name);
            for word in row.words {
                assert!(!is_function(word), "`{word}` is a function here");
            }
            assert!(row.ours.is_none_or(is_function), "{:?} leads to no function", row.words);
        }
    }
}
