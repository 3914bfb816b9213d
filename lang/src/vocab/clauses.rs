//! The language's own words inside routes, sites, policies and modules. Their behaviour is the checker's (route shape and
//! order), so their rows stand in this crate.

use super::Clause;

/// Every clause, in the order in which a route usually has them.
pub const CLAUSES: &[Clause] = &[
    Clause {
        name: "host",
        doc: "The hosts the route answers for: exact, `*.x` for one label, `**.x` for one or more. Without it: every host.",
        example: "host \"api.shop.example\", \"*.shop.example\"",
    },
    Clause {
        name: "path",
        doc: "The paths the route answers for, by whole segments: literals, `{name}` or `{name: Type}` for one segment, and `/**` at the end for everything beneath. `path.name` is the segment in the normal form of paths: unreserved characters decoded, all others percent-encoded. Without it: every path.",
        example: "path \"/v1/users/{id: Uuid}\"",
    },
    Clause {
        name: "method",
        doc: "The methods the route answers for; `GET` takes `HEAD` with it. Without it: every method.",
        example: "method GET, POST",
    },
    Clause {
        name: "where",
        doc: "What must also hold for the route to answer. A request that fails it goes to the next candidate.",
        example: "where req.header[\"x-debug\"] == \"1\"",
    },
    Clause {
        name: "apply",
        doc: "Puts the statements of a policy here, with its parameters bound; or counts the request by a limit.",
        example: "apply api(scope=\"users:read\")",
    },
    Clause {
        name: "always",
        doc: "Statements for every answer. From where it stands they run on whatever is answered: by an upstream, by `respond` or `redirect`, by a `require` behind it that refuses, and on the gateway's own 502, 503 or 504. They run before the statements of the way back, several in the order in which they are written. They change the answer and cannot give another: a value that cannot stand in a header field is left out. `origin` is absent where no upstream has answered.",
        example: "always { set resp.header[\"x-frame-options\"] = \"DENY\" }",
    },
    Clause {
        name: "let",
        doc: "Names a value for the statements below it.",
        example: "let caller = req.header[\"x-caller\"] ?? \"-\"",
    },
];

/// What `owns` takes: texts, or lists of them.
pub const OWNS: [&str; 2] = ["host", "path"];

/// The clauses of a module.
pub const MODULE: &[Clause] = &[Clause {
    name: "owns",
    doc: "Hosts and paths that belong to the module: every route of its file lies within them, and no one else's does. Several hosts or paths are a list; without `host` it is every host, without `path` every path. Several lines add up.",
    example: "owns host=\"shop.example\", path=\"/billing/**\"",
}];
