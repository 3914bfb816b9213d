//! A request as a person writes it, and its way into a rehearsal.

use std::net::IpAddr;
use std::path::Path;

use compiler::ListenerId;
use compiler::program::Program;
use lang::Sources;
use miette::miette;
use runtime::engine::Engine;
use runtime::message::Scheme;
use runtime::rehearsal::{Question, Rehearsal, rehearse};
use runtime::serve::Refusal;

/// A request that nobody sent.
#[derive(Clone, Debug)]
pub struct Ask {
    scheme: Scheme,
    port: u16,
    head: Vec<u8>,
    from: IpAddr,
    on: Option<String>,
}

impl Ask {
    /// Reads `METHOD URL`; the method may be left out. Headers are `name: value`.
    pub fn parse(
        request: &str,
        headers: &[String],
        from: IpAddr,
        on: Option<&str>,
    ) -> miette::Result<Ask> {
        let help = "write it as `GET https://shop.example/path?query`";
        let wrong = |what: &str| miette!(help = help, "`{request}` {what}");
        let (method, url) = request.trim().split_once(' ').unwrap_or(("GET", request.trim()));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("has no scheme"))?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(wrong("has a scheme that is neither `http` nor `https`")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.is_empty() {
            return Err(wrong("has no host"));
        }
        // A fragment never leaves the client (RFC 3986, section 3.5).
        let target = target.split('#').next().unwrap_or("");
        let slash = if target.starts_with('/') { "" } else { "/" };
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let mut head = format!("{method} {slash}{target} HTTP/1.1\r\n");
        let mut host = None;
        let mut fields = String::new();
        for header in headers {
            let (name, value) = header.split_once(':').ok_or_else(|| {
                miette!(help = "write it as `name: value`", "the header `{header}` has no colon")
            })?;
            if header.contains(['\r', '\n']) {
                return Err(miette!("the header `{}` has a line break", name.escape_debug()));
            }
            match name.eq_ignore_ascii_case("host") {
                true => host = Some(value.trim()),
                false => fields.push_str(&format!("{name}: {}\r\n", value.trim())),
            }
        }
        if request.trim().contains(['\r', '\n']) {
            return Err(wrong("has a line break"));
        }
        head.push_str(&format!("host: {}\r\n{fields}\r\n", host.unwrap_or(authority)));
        let port = port.unwrap_or(scheme.default_port());
        Ok(Ask { scheme, port, head: head.into_bytes(), from, on: on.map(str::to_owned) })
    }

    /// The listener it comes to: the one named; else the only one, the only one that binds its port, or the only one
    /// of its scheme.
    pub fn listener(&self, program: &Program, engine: &Engine) -> miette::Result<ListenerId> {
        let names: Vec<&str> = program.listeners.iter().map(|listener| &*listener.name).collect();
        if let Some(on) = &self.on {
            return program.listener(on).ok_or_else(|| {
                let help = match lang::vocab::nearest(on, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", names.join(", ")),
                };
                miette!(help = help, "there is no listener `{on}`")
            });
        }
        let tls = self.scheme == Scheme::Https;
        let on_port: Vec<&str> = engine
            .listeners
            .iter()
            .filter(|listener| listener.binds.iter().any(|bind| bind.address.port() == self.port))
            .map(|listener| &*listener.name)
            .collect();
        let of_scheme: Vec<&str> = engine
            .listeners
            .iter()
            .filter(|listener| listener.tls.is_empty() != tls)
            .map(|listener| &*listener.name)
            .collect();
        match [&names[..], &on_port, &of_scheme].into_iter().find(|found| found.len() == 1) {
            Some(found) => {
                program.listener(found[0]).ok_or_else(|| miette!("there is no listener"))
            }
            None if names.is_empty() => Err(miette!("the policy has no listener")),
            None => {
                let help = format!("name it with `--on`: {}", names.join(", "));
                Err(miette!(help = help, "several listeners could take the request"))
            }
        }
    }

    /// Walks it through the policy.
    pub fn put(&self, engine: &Engine, listener: ListenerId) -> Result<Rehearsal, Refusal> {
        rehearse(
            engine,
            &Question { listener, head: &self.head, scheme: self.scheme, client: self.from },
        )
    }
}

/// The engine of a program, with its inputs bound as `gwc run` binds them. It opens no socket.
pub fn engine(program: Program, with: Option<&Path>, sources: &Sources) -> miette::Result<Engine> {
    crate::engine::build(program, with, sources, None)
}
