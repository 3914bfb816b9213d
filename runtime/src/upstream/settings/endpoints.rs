//! The lines of an `upstream` block that say where its endpoints are.

use lang::params;
use lang::types::Ty;
use lang::value::Value;
use lang::vocab::{Argument, Decode, Function, Known, Param, Repeat, Setting, Times};

use crate::upstream::config::{Endpoints, Server};
use crate::values::Wait;

/// `server`.
pub(super) const SERVER: Setting = Setting {
    name: "server",
    params: ServerLine::PARAMS,
    times: Times::Group("endpoints", Repeat::Yes),
    within: &[],
    guards: &[],
    doc: "One endpoint. A name instead of an address is looked up again and again, and each of its addresses is an endpoint. One that cannot be connected to is left alone for a second, then for longer, while there are others.",
    example: "server \"10.0.4.10:8080\", weight=3",
};

/// `discover`.
pub(super) const DISCOVER: Setting = Setting {
    name: "discover",
    params: DiscoverLine::PARAMS,
    times: Times::Group("endpoints", Repeat::No),
    within: &[],
    guards: &[],
    doc: "The endpoints are found, and followed as they change. Those that stay keep their connections and their health.",
    example: "discover dns(\"users.svc:8080\"), refresh=10s",
};

/// `dns(…)` in `discover`.
pub static DNS: Function = Function {
    name: "dns",
    params: &[Param {
        name: "name",
        ty: || Ty::String,
        default: None,
        dynamic: false,
        rest: false,
        accepts: |known| match known {
            Known::Value(value) => Place::decode(value).map(drop),
            Known::Text(_) | Known::Spliced(_) | Known::Nothing => Ok(()),
        },
        hint: Place::HINT,
        doc: "A name and a port: `users.svc:8080`.",
    }],
    returns: || Ty::Item(SOURCE),
    doc: "All addresses of a name, as endpoints of an upstream. The last good answer stays while a later one fails.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |arguments| match arguments {
        [Value::String(name)] => Value::Item(format!("dns:{name}").into()),
        _ => Value::Absent,
    },
};

/// The kind of item that `discover` takes.
const SOURCE: &str = "source";

params! {
    /// `server`.
    pub struct ServerLine {
        /// An address or a name, and a port.
        address: Place,
        /// Its share of requests relative to the other servers; 0 takes none.
        weight: u32 = "1",
    }
}

params! {
    /// `discover`.
    pub struct DiscoverLine {
        /// Where endpoints are found: `dns("name:port")`.
        source: Source,
        /// The longest time between two look-ups; an answer that holds for less is asked for sooner.
        refresh: Wait<365> = "30s",
    }
}

/// A host and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place(Server);

/// Where endpoints are found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// A name and a port.
    Dns(Server),
}

/// Takes in a `server` line.
pub(super) fn server(endpoints: &mut Endpoints, given: &[Argument]) -> Result<(), (usize, String)> {
    let ServerLine { address: Place(server), weight } = ServerLine::decode(given)?;
    match endpoints {
        Endpoints::Servers(servers) => servers.push(Server { weight, ..server }),
        Endpoints::Dns { .. } => return Err((0, "stands beside `discover`".to_owned())),
    }
    Ok(())
}

/// Reads a `discover` line.
pub(super) fn discover(given: &[Argument]) -> Result<Endpoints, (usize, String)> {
    let DiscoverLine { source: Source::Dns(server), refresh } = DiscoverLine::decode(given)?;
    Ok(Endpoints::Dns { server, refresh: refresh.0 })
}

impl Decode for Place {
    const HINT: Option<&'static str> =
        Some("write an address or a name, and a port, as in `\"10.0.4.10:8080\"`");

    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<Place, String> {
        let text = String::decode(value)?;
        Server::parse(&text, 1).map(Place).map_err(|error| error.to_string())
    }
}

impl Decode for Source {
    fn ty() -> Ty {
        Ty::Item(SOURCE)
    }

    fn decode(value: &Value) -> Result<Source, String> {
        match value {
            Value::Item(text) => match text.strip_prefix("dns:") {
                Some(server) => {
                    Server::parse(server, 1).map(Source::Dns).map_err(|error| error.to_string())
                }
                None => Err(format!("`{text}` is not known here")),
            },
            other => Err(format!("expected `dns(…)`, found `{other}`")),
        }
    }
}
